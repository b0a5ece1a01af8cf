"""Source settings and the fields they come from: every fault names the connection and the field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.api.field_values import source_settings
from cloud9_archive.api.fields import FIELDS
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.errors import ConnectionFieldError

MINIMUM: dict[str, object] = {"host": "calldataapi.example.com", "api_key": "key-1", "api_secret": "s3cret-value"}


def settings(**fields: object) -> SourceSettings:
    return source_settings("c9", {**MINIMUM, **fields})


def test_three_fields_suffice() -> None:
    source = settings()
    assert source.base_url == "https://calldataapi.example.com:443"
    assert (source.connect_timeout, source.read_timeout, source.total_timeout) == (10.0, 60.0, 900.0)
    assert source.wire_format == "call_data_v1_1"


def test_documented_defaults_are_the_real_ones() -> None:
    source = settings()
    for field in FIELDS:
        if field.default:
            assert f"{getattr(source, field.name)}".removesuffix(".0") == field.default


def test_neither_key_nor_secret_is_shown() -> None:
    assert "s3cret-value" not in repr(settings())
    assert "key-1" not in repr(settings())


def test_neither_user_nor_password_of_the_proxy_is_shown() -> None:
    source = settings(proxy_host="proxy", proxy_port=3128, proxy_user="us3r", proxy_password="s3cret")
    for text in (repr(source), repr(source.proxy)):
        assert "us3r" not in text
        assert "s3cret" not in text


@pytest.mark.parametrize("name", ["host", "proxy_host", "media_hosts"])
@pytest.mark.parametrize("text", ["https://[S3cret", "u:S3cret@h", "h:S3cret", "https://S3cret\u2100x", "S3cret!"])
def test_a_password_in_the_wrong_field_is_in_no_traceback(name: str, text: str) -> None:
    with pytest.raises(ConnectionFieldError) as caught:
        settings(**{"proxy_port": 3128, name: text} if name == "proxy_host" else {name: text})
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cret" not in str(error).lower()
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    ("host", "authority"),
    [
        ("https://CallDataAPI.example.com", "calldataapi.example.com:443"),
        ("https://calldataapi.example.com:8443/", "calldataapi.example.com:8443"),
        ("calldataapi.example.com:8443", "calldataapi.example.com:8443"),
        (" calldataapi.example.com ", "calldataapi.example.com:443"),
        ("10.0.0.7", "10.0.0.7:443"),
        ("::1", "[::1]:443"),
        ("https://[::1]:8443", "[::1]:8443"),
    ],
)
def test_host_may_be_a_name_an_address_or_a_url(host: str, authority: str) -> None:
    assert settings(host=host).authority == authority


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", ""),
        ("host", "https://calldataapi.example.com/v1"),
        ("host", "https://user:pw@calldataapi.example.com"),
        ("host", "calldataapi.example.com?x=1"),
        ("host", "bad host"),
        ("host", "a\nb"),
        ("host", "https://h:99999999"),
        ("host", 7),
        ("scheme", "http"),
        ("port", "0"),
        ("port", "70000"),
        ("port", "many"),
        ("port", 443.5),
        ("api_key", ""),
        ("api_key", "key\n"),
        ("api_key", " key"),
        ("api_key", "schlüssel"),
        ("api_secret", ""),
        ("connect_timeout", "0"),
        ("read_timeout", -1),
        ("read_timeout", "60s"),
        ("read_timeout", "nan"),
        ("total_timeout", "inf"),
        ("total_timeout", True),
        ("total_timeout", [1]),
        ("max_recording_bytes", "1.5"),
        ("tls_trust", "relative.pem"),
        ("tls_trust", 7),
        ("tls_key_file", "relative.key"),
        ("tls_key_password", "without a certificate"),
        ("key_expires", "31.03.2027"),
        ("key_expires", "2027-02-30"),
        ("key_expires", "2027-03-31T00:00:00Z"),
        ("key_expires", 20270331),
        ("media_hosts", "https://media.example"),
        ("media_hosts", "media.example/audio"),
        ("media_hosts", "*.media.example"),
        ("media_hosts", ".media.example"),
        ("media_hosts", "good.example, bad host"),
        ("media_hosts", "user@media.example"),
        ("media_hosts", "media.example:0"),
        ("media_hosts", "media.example:99999"),
        ("media_hosts", [7]),
        ("media_hosts", {"a": 1}),
        ("proxy_host", "https://proxy.example:3128"),
        ("proxy_host", "socks5://proxy.example:1080"),
        ("proxy_host", "http://user:pw@proxy.example:3128"),
        ("proxy_port", "3128"),
    ],
)
def test_each_fault_names_connection_and_field(name: str, value: object) -> None:
    with pytest.raises(ConnectionFieldError) as caught:
        settings(**{name: value})
    assert caught.value.subject == f"c9.{name}"
    assert f"connection 'c9', field {name}: " in caught.value.message


def test_http_is_refused_in_the_host_too() -> None:
    with pytest.raises(ConnectionFieldError, match="https only"):
        settings(host="http://calldataapi.example.com")


def test_two_places_may_agree_but_not_contradict() -> None:
    assert settings(host="https://h.example:8443", port="8443").port == 8443
    with pytest.raises(ConnectionFieldError, match="field port: it says 443, but the host field says 8443"):
        settings(host="https://h.example:8443", port=443)


@given(st.integers(1, 10**6), st.sampled_from([int, float, str, lambda number: f" {number} "]))
def test_numbers_come_as_numbers_or_as_text(number: int, form: Callable[[int], object]) -> None:
    assert settings(read_timeout=form(number)).read_timeout == number


def test_blank_fields_count_as_not_given() -> None:
    assert settings(**{f.name: "" for f in FIELDS if f.name not in MINIMUM}) == settings()
    assert (
        settings(tls_trust=" ", tls_certificate="\t", key_expires=" ", media_hosts=" ", read_timeout=None) == settings()
    )


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("media.example", ("media.example",)),
        (" Media.Example , 10.0.0.7:8443,", ("media.example", "10.0.0.7:8443")),
        ("[2001:db8::1]:8443", ("[2001:db8::1]:8443",)),
        (["media.example", "media.example:8443"], ("media.example", "media.example:8443")),
        (" , ", ()),
    ],
)
def test_media_hosts_come_as_text_or_as_a_list(value: object, hosts: tuple[str, ...]) -> None:
    assert settings(media_hosts=value).media_hosts == hosts


@pytest.mark.parametrize(
    "value", ["2027-03-31", " 2027-03-31 ", "20270331", date(2027, 3, 31), datetime(2027, 3, 31, 12, tzinfo=UTC)]
)
def test_the_day_on_which_the_key_expires_comes_as_text_or_as_a_day(value: object) -> None:
    assert settings(key_expires=value).key_expires == date(2027, 3, 31)


@pytest.mark.parametrize(
    "fields",
    [
        {"proxy_host": "Proxy.Example", "proxy_port": "3128"},
        {"proxy_host": "proxy.example:3128"},
        {"proxy_host": "http://proxy.example:3128/"},
        {"proxy_host": "http://proxy.example", "proxy_port": 3128},
        {"proxy_host": "proxy.example:3128", "proxy_port": 3128.0},
    ],
)
def test_the_proxys_address_may_be_in_one_field_or_in_two(fields: dict[str, object]) -> None:
    proxy = settings(**fields).proxy
    assert proxy is not None
    assert proxy.url == "http://proxy.example:3128"


def test_the_proxys_two_fields_may_not_contradict_each_other() -> None:
    with pytest.raises(ConnectionFieldError, match="proxy_port: it says 8080, but proxy_host says 3128"):
        settings(proxy_host="proxy.example:3128", proxy_port=8080)


@pytest.mark.parametrize("scheme", ["https", "socks5", "socks4a"])
def test_other_proxies_than_http_are_refused_by_name(scheme: str) -> None:
    with pytest.raises(ConnectionFieldError, match=f"over '{scheme}' is not offered") as caught:
        settings(proxy_host=f"{scheme}://proxy.example:3128")
    assert "name an HTTP proxy" in str(caught.value)


def test_unknown_fields_are_ignored() -> None:
    assert settings(**{"X-Evil": "1", "verify": False}) == settings()


def test_a_fault_never_shows_the_secret(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFieldError) as caught:
        settings(host="https://user:s3cret-value@h.example")
    assert "s3cret-value" not in str(caught.value)
