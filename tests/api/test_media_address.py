"""Addresses for audio: one reading only, listed hosts only, and nothing of them in complaints but the host."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

import pytest
import requests
import urllib3.util
from hypothesis import example, given
from hypothesis import strategies as st

from cloud9_archive.api.media_address import MediaAddress, is_listed, media_address, refused_peer
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.errors import MediaHostError

LISTED = (
    "media.example",
    "files.example:8443",
    "xn--bcher-kva.example",
    "127.0.0.1:9443",
    "10.1.2.3",
    "[2001:db8::7]",
    "[::1]:9443",
    "UPPER.example.",
)
SECRET = "X-Signature=s3cr3t"


@pytest.fixture
def source(source_to: Callable[..., SourceSettings]) -> SourceSettings:
    return source_to(443, media_hosts=LISTED)


@pytest.mark.parametrize(
    ("url", "url_asked"),
    [
        ("https://media.example/a.ogg?X=1&Y=%2F", "https://media.example:443/a.ogg?X=1&Y=%2F"),
        ("https://media.example", "https://media.example:443/"),
        ("https://media.example?x=1", "https://media.example:443/?x=1"),
        ("HTTPS://MEDIA.Example.:443/A", "https://media.example:443/A"),
        ("https://media.example/a#fragment@evil.example", "https://media.example:443/a"),
        ("https://media.example#@evil.example/", "https://media.example:443/"),
        ("https://media.example/@evil.example", "https://media.example:443/@evil.example"),
        ("https://files.example:8443/a", "https://files.example:8443/a"),
        ("https://127.0.0.1:9443/a", "https://127.0.0.1:9443/a"),
        ("https://10.1.2.3/a", "https://10.1.2.3:443/a"),
        ("https://[2001:DB8:0::7]/a", "https://[2001:db8::7]:443/a"),
        ("https://[::1]:9443/a", "https://[::1]:9443/a"),
        ("https://xn--bcher-kva.example/a", "https://xn--bcher-kva.example:443/a"),
        ("https://upper.example/a", "https://upper.example:443/a"),
    ],
)
def test_a_listed_host_is_allowed(source: SourceSettings, url: str, url_asked: str) -> None:
    assert media_address(url, source=source).url == url_asked


NOT_LISTED = [
    "https://evil.example/",
    "https://media.example.evil.example/",
    "https://evilmedia.example/",
    "https://media.example:8443/",
    "https://files.example/",
    "https://cdn.example/",
    "https://evilcdn.example/",
    "https://127.0.0.1/",
    "https://127.0.0.2:9443/",
    "https://localhost:9443/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]:9443/",
    "https://[::ffff:7f00:1]:9443/",
    "https://[::127.0.0.1]:9443/",
    "https://[64:ff9b::10.1.2.3]/",
    "https://[::ffff:10.1.2.3]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/",
    "https://[fd00:ec2::254]/",
    "https://0.0.0.0/",
]
AMBIGUOUS = [
    "https://media.example@evil.example/",
    "https://media.example:443@evil.example/",
    "https://media.example%40evil.example/",
    "https://media.example%2eevil.example/",
    "https://media.example%00.evil.example/",
    "https://media.example\\@evil.example/",
    "https://evil.example\\.media.example/",
    "https:\\\\media.example\\a",
    "https:/media.example/a",
    "https:media.example/a",
    "https:///media.example/a",
    "//media.example/a",
    "/a",
    "",
    "media.example/a",
    "http://media.example/a",
    "http://media.example:443/a",
    "ftp://media.example/a",
    "file:///etc/passwd",
    "data:audio/ogg;base64,T2dnUw==",
    "gopher://media.example/",
    "unix:///run/x",
    " https://media.example/a",
    "https://media.example/a ",
    "https://media.example/a b",
    "https://media.example\t/a",
    "https://media\n.example/a",
    "https://media.example/a\r\nX-Injected: 1",
    "https://media.example/\x00",
    "https://media.example\x00.evil.example/",
    "https://\uff4dedia.example/a",
    "https://media。example/a",
    "https://bücher.example/a",
    "https://media.example/ü",
    "https://2130706433:9443/",
    "https://0x7f000001:9443/",
    "https://0x7f.1:9443/",
    "https://0x7f.0.0.1:9443/",
    "https://017700000001:9443/",
    "https://0177.0.0.1:9443/",
    "https://127.1:9443/",
    "https://127.0.1:9443/",
    "https://127.0.0.01:9443/",
    "https://127.0.0.256/",
    "https://1.2.3.4.5/",
    "https://10.1.515/",
    "https://167838211/",
    "https://012.1.2.3/",
    "https://[::1%25eth0]:9443/",
    "https://[::1%eth0]:9443/",
    "https://[::1/",
    "https://[10.1.2.3]/",
    "https://[v1.fe80]/",
    "https://media.example:/a",
    "https://media.example:0/",
    "https://media.example:65536/",
    "https://media.example:443:443/",
    "https://media.example:٤٤٣/",
    "https://media.example:+443/",
    "https://.media.example/",
    "https://media..example/",
    "https://media.example../",
    "https://-/",
    "https://" + "a." * 127 + "example/",
    "https://media.example/" + "a" * 9000,
]


@pytest.mark.parametrize("url", [*NOT_LISTED, *AMBIGUOUS])
def test_everything_else_is_refused_and_only_its_host_is_named(source: SourceSettings, url: str) -> None:
    with pytest.raises(MediaHostError) as caught:
        media_address(f"{url}?{SECRET}", source=source)
    said = repr(caught.value) + str(caught.value)
    assert "s3cr3t" not in said
    assert "media_hosts" in str(caught.value.subject)
    assert len(said) < 2000
    assert said.isprintable()


def test_a_dot_behind_an_address_is_taken_off_like_one_behind_a_name(source: SourceSettings) -> None:
    assert media_address("https://127.0.0.1.:9443/", source=source).host == "127.0.0.1"


def test_a_host_that_is_not_listed_is_named_with_what_to_do(source: SourceSettings) -> None:
    with pytest.raises(MediaHostError, match=r"add other\.example:444 to media_hosts"):
        media_address("https://other.example:444/a", source=source)


def test_nothing_is_allowed_when_nothing_is_listed(source_to: Callable[..., SourceSettings]) -> None:
    with pytest.raises(MediaHostError):
        media_address("https://media.example/a", source=source_to(443))


@pytest.mark.parametrize(
    "entry",
    ["", ".", "*", ".com", ".example", ".b.example", "https://media.example", "media.example/", "*.example", ":443"],
)
def test_entries_that_say_no_host_match_nothing(entry: str) -> None:
    assert not any(
        is_listed(host, 443, (entry,)) for host in ("media.example", "example", "com", "evil.com", "a.b.example")
    )


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1", "127.0.0.01", "1.2.3.4.5"]
)
def test_a_number_that_some_take_for_an_address_is_no_host_even_when_it_is_listed(
    source_to: Callable[..., SourceSettings], host: str
) -> None:
    with pytest.raises(MediaHostError, match="read in two ways"):
        media_address(f"https://{host}/", source=source_to(443, media_hosts=(host, f"{host}:443")))


def test_an_address_never_shows_its_target() -> None:
    assert SECRET not in repr(MediaAddress("media.example", 443, f"/a?{SECRET}"))


HOSTILE = st.text(st.sampled_from("media.exampl@:/\\#?%[]0x7f.127 \t\n\u3002\uff41٤-_évil"), max_size=60)


@given(st.sampled_from(["https://", "https://media.example", "https://evil.example", ""]), HOSTILE)
@example("https://media.example", "\\@evil.example")
@example("https://", "evil.example#@media.example")
def test_whatever_is_allowed_goes_to_a_listed_host_for_every_reader(begin: str, rest: str) -> None:
    source = SourceSettings("c", host="h", api_key="k", api_secret="s", media_hosts=("media.example",))
    try:
        address = media_address(begin + rest, source=source)
    except MediaHostError:
        return
    assert (address.host, address.port) == ("media.example", 443)
    prepared = requests.Request("GET", address.url).prepare().url
    for read in (address.url, prepared):
        assert urlsplit(read).hostname == "media.example"
        assert urllib3.util.parse_url(str(read)).host == "media.example"


@pytest.mark.parametrize(
    ("peer", "word"),
    [
        ("127.0.0.1", "this machine"),
        ("127.8.8.8", "this machine"),
        ("::1", "this machine"),
        ("::ffff:127.0.0.1", "this machine"),
        ("64:ff9b::7f00:1", "this machine"),
        ("2002:7f00:1::", "this machine"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("0.0.0.0", "no address"),  # noqa: S104 - nothing is bound
        ("0.1.2.3", "no address"),
        ("::", "no address"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::127.0.0.1", "reserved"),
        ("100.100.100.200", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("10.0.0.1", None),
        ("172.16.0.1", None),
        ("192.168.1.1", None),
        ("100.64.0.1", None),
        ("fd12:3456::1", None),
        ("8.8.8.8", None),
        ("64:ff9b::808:808", None),
        ("2606:4700::1111", None),
    ],
)
def test_where_a_name_may_not_lead(peer: str, word: str | None) -> None:
    why = refused_peer(peer)
    assert why is None if word is None else word in (why or "")


@given(st.integers(0, 2**32 - 1))
def test_an_address_in_another_dress_is_judged_alike(number: int) -> None:
    plain = IPv4Address(number)
    mapped = IPv6Address((0xFFFF << 32) | number)
    assert refused_peer(str(plain)) == refused_peer(str(mapped))
    assert bool(refused_peer(str(plain))) or not ip_address(str(plain)).is_loopback
