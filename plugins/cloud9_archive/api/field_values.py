"""What the fields of a connection hold, read into settings: forms, URIs and JSON write the same in different ways."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TypeVar

from cloud9_archive.api.field_fault import field_fault
from cloud9_archive.api.fields import FIELDS, Kind
from cloud9_archive.api.places import place_from_text
from cloud9_archive.api.source import DEFAULT_PORT, DeploymentCertificates, SourceSettings

T = TypeVar("T", int, str)
_NO_CERTIFICATES = DeploymentCertificates()


def source_settings(
    conn_id: str, values: Mapping[str, object], *, certificates: DeploymentCertificates = _NO_CERTIFICATES
) -> SourceSettings:
    """
    The settings that the fields of a connection amount to.

    Numbers, days and lists may come as such or as text; empty text counts as not given. Names that are not in
    :data:`FIELDS` are ignored: what a connection's editor may set is listed there.

    :param values: field name → value
    :param certificates: what the deployment says about certificates
    :raises ConnectionFieldError: naming the connection and the field
    """
    read = {f.name: _READERS[f.kind](conn_id, f.name, values.get(f.name)) for f in FIELDS}
    given: dict[str, object] = {name: value for name, value in read.items() if value is not None}
    given |= _place(conn_id, given) | _proxy(conn_id, given)
    if certificates.certificate and not any(name.startswith("tls_") and name != "tls_trust" for name in given):
        given |= {
            "tls_certificate": certificates.certificate,
            "tls_key_file": certificates.key_file,
            "tls_key_password": certificates.key_password,
            "default_certificate": True,
        }
    required = {"api_key": "", "api_secret": ""}
    return SourceSettings(conn_id, certificate_folder=certificates.folder, **{**required, **given})  # type: ignore[arg-type]  # each reader goes by the field's kind


def _place(conn_id: str, given: Mapping[str, object]) -> dict[str, object]:
    place = place_from_text(conn_id, str(given.get("host", "")))
    port, scheme = given.get("port"), given.get("scheme")
    return {
        "host": place.host,
        "port": _agreed(conn_id, "port", place.port, port if isinstance(port, int) else None, default=DEFAULT_PORT),
        "scheme": _agreed(
            conn_id, "scheme", place.scheme, scheme if isinstance(scheme, str) else None, default="https"
        ),
    }


def _proxy(conn_id: str, given: Mapping[str, object]) -> dict[str, object]:
    if "proxy_host" not in given:
        return {}
    place = place_from_text(conn_id, str(given["proxy_host"]), name="proxy_host")
    if place.scheme not in (None, "http"):
        raise field_fault(
            conn_id,
            "proxy_host",
            f"a proxy that is spoken to over {place.scheme[:20]!r} is not offered",
            hint="name an HTTP proxy, which opens tunnels with CONNECT: what goes through them is encrypted all the same",
        )
    port = given.get("proxy_port")
    agreed = _agreed(conn_id, "proxy_port", place.port, port if isinstance(port, int) else None, in_field="proxy_host")
    return {"proxy_host": place.host, "proxy_port": agreed}


def _text(conn_id: str, name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise field_fault(conn_id, name, f"it is a {type(value).__name__}, not text")
    return value or None


def _trimmed(conn_id: str, name: str, value: object) -> str | None:
    return (_text(conn_id, name, value) or "").strip() or None


def _number(conn_id: str, name: str, value: object) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    shown = repr(value)[:40] if isinstance(value, (int, float, str)) else f"a {type(value).__name__}"
    raise field_fault(conn_id, name, f"{shown} is not a number", hint="write digits only, without a unit")


def _whole_number(conn_id: str, name: str, value: object) -> int | None:
    number = _number(conn_id, name, value)
    if number is None:
        return None
    if not number.is_integer():
        raise field_fault(conn_id, name, f"{number} is not a whole number")
    return int(number)


def _day(conn_id: str, name: str, value: object) -> date | None:
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    text = _trimmed(conn_id, name, value)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise field_fault(
            conn_id, name, f"{text[:40]!r} is not a day", hint="write year, month and day, such as 2027-03-31"
        ) from error


def _hosts(conn_id: str, name: str, value: object) -> tuple[str, ...] | None:
    parts = value if isinstance(value, list) else (_text(conn_id, name, value) or "").split(",")
    texts = (_trimmed(conn_id, name, part) for part in parts)
    return tuple(text.lower() for text in texts if text) or None


_READERS: Mapping[Kind, Callable[[str, str, object], object]] = {
    "text": _text,
    "secret": _text,
    "whole number": _whole_number,
    "seconds": _number,
    "day": _day,
    "file": _trimmed,
    "file or thumbprint": _trimmed,
    "hosts": _hosts,
}


def _agreed(
    conn_id: str,
    name: str,
    in_host: T | None,
    alone: T | None,
    *,
    default: T | None = None,
    in_field: str = "the host field",
) -> T | None:
    """The one value that two places give; they may not contradict each other."""
    if in_host is not None and alone is not None and in_host != alone:
        raise field_fault(
            conn_id, name, f"it says {alone!r}, but {in_field} says {in_host!r}", hint="write it in one of the two"
        )
    return next((value for value in (in_host, alone) if value is not None), default)
