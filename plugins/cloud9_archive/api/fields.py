"""The fields of a Cloud9 connection: one list for the form, the documentation and the reading."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from cloud9_archive.api.source import DEFAULT_PORT, DEFAULT_WIRE_FORMAT, SourceSettings, field_fault, place_from_text

T = TypeVar("T", int, str)
Kind = Literal["text", "secret", "whole number", "seconds", "path"]


@dataclass(frozen=True, slots=True)
class ConnectionField:
    """
    One field of the connection.

    :param name: its name in :class:`SourceSettings`
    :param stored: attribute of the Airflow connection that holds it; ``extra`` for a key of that name in extra
    :param label: what the form calls it
    """

    name: str
    stored: Literal["host", "port", "login", "password", "schema", "extra"]
    label: str
    kind: Kind
    default: str
    meaning: str


FIELDS: tuple[ConnectionField, ...] = (
    ConnectionField(
        "host", "host", "Host", "text", "", "Host name of the Call Data API, or its https address without a path."
    ),
    ConnectionField("port", "port", "Port", "whole number", str(DEFAULT_PORT), "TCP port."),
    ConnectionField(
        "scheme", "schema", "Schema", "text", "https", "Hidden in the form; anything but https is refused."
    ),
    ConnectionField(
        "api_key", "login", "API key", "text", "", "The key from the portal; it is sent with each request."
    ),
    ConnectionField(
        "api_secret", "password", "API secret", "secret", "", "The secret that the portal shows once; it is never sent."
    ),
    ConnectionField(
        "ca_file",
        "extra",
        "CA file",
        "path",
        "",
        "Absolute path of a PEM file. When given, only these certificate authorities are trusted, not the system's.",
    ),
    ConnectionField(
        "wire_format",
        "extra",
        "Wire format",
        "text",
        DEFAULT_WIRE_FORMAT,
        "Name of a shipped wire format, or absolute path of a format file of your own.",
    ),
    ConnectionField(
        "connect_timeout", "extra", "Connect timeout", "seconds", "10", "How long a connection may take to come about."
    ),
    ConnectionField("read_timeout", "extra", "Read timeout", "seconds", "60", "The longest silence within an answer."),
    ConnectionField(
        "total_timeout", "extra", "Total timeout", "seconds", "900", "The longest time for one answer, body included."
    ),
    ConnectionField(
        "max_recording_bytes",
        "extra",
        "Largest recording",
        "whole number",
        str(2 * 1024**3),
        "Bytes. A larger recording is refused and quarantined.",
    ),
    ConnectionField(
        "region",
        "extra",
        "Region",
        "text",
        "",
        "Sent with each listing when given. It is known from requests for transcripts only; whether listings take it is not public.",
    ),
)


def source_settings(conn_id: str, values: Mapping[str, object]) -> SourceSettings:
    """
    The settings that the fields of a connection amount to.

    Numbers may come as numbers or as text, since forms, URIs and JSON differ; empty text counts as not given.
    Names that are not in :data:`FIELDS` are ignored: what a connection's editor may set is listed there.

    :param values: field name → value
    :raises ConnectionFieldError: naming the connection and the field
    """
    given = {f.name: values[f.name] for f in FIELDS if values.get(f.name) not in (None, "")}
    place = place_from_text(conn_id, _text(conn_id, "host", given.pop("host", "")))
    port = _whole_number(conn_id, "port", given.pop("port", None))
    scheme = _text(conn_id, "scheme", given.pop("scheme", "")) or None
    return SourceSettings(
        conn_id,
        host=place.host,
        port=_agreed(conn_id, "port", place.port, port, default=DEFAULT_PORT),
        scheme=_agreed(conn_id, "scheme", place.scheme, scheme, default="https"),
        api_key=_text(conn_id, "api_key", given.pop("api_key", "")),
        api_secret=_text(conn_id, "api_secret", given.pop("api_secret", "")),
        **{name: _read(conn_id, name, value) for name, value in given.items()},  # type: ignore[arg-type]  # _read goes by the field's kind
    )


def connection_table() -> str:
    """The fields as a Markdown table, for ``docs/connection.md``."""
    head = "| Field in the form | Stored as | Kind | Default | Meaning |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| {f.label} | {f'extra `{f.name}`' if f.stored == 'extra' else f'`{f.stored}`'} | {f.kind} "
        f"| {f'`{f.default}`' if f.default else '–'} | {f.meaning} |\n"
        for f in FIELDS
    )


def _read(conn_id: str, name: str, value: object) -> object:
    kind = next(f.kind for f in FIELDS if f.name == name)
    match kind:
        case "seconds":
            return _number(conn_id, name, value)
        case "whole number":
            return _whole_number(conn_id, name, value)
        case "path":
            return Path(_text(conn_id, name, value))
        case _:
            return _text(conn_id, name, value)


def _text(conn_id: str, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise field_fault(conn_id, name, f"it is a {type(value).__name__}, not text")
    return value


def _number(conn_id: str, name: str, value: object) -> float:
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
    if value is None:
        return None
    number = _number(conn_id, name, value)
    if not number.is_integer():
        raise field_fault(conn_id, name, f"{number} is not a whole number")
    return int(number)


def _agreed(conn_id: str, name: str, in_host: T | None, alone: T | None, *, default: T) -> T:
    """The one value that two places give; they may not contradict each other."""
    if in_host is not None and alone is not None and in_host != alone:
        raise field_fault(
            conn_id, name, f"it says {alone!r}, but the host field says {in_host!r}", hint="write it in one of the two"
        )
    return next((value for value in (in_host, alone) if value is not None), default)
