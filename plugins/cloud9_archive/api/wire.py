"""The wire format at work: loading it, and the request bodies that it describes."""

from __future__ import annotations

import difflib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from pydantic import ValidationError

from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import WireFormatError

SHIPPED_FORMATS = Path(__file__).parent / "formats"


def load_wire_format(source: SourceSettings) -> WireFormat:
    """
    The wire format that a connection names.

    :raises ConnectionFieldError: if there is no such format
    :raises WireFormatError: if the file is not a valid format
    """
    name = source.wire_format
    if Path(name).is_absolute():
        return read_wire_format(Path(name))
    shipped = {path.stem: path for path in SHIPPED_FORMATS.glob("*.yaml")}
    if name not in shipped:
        near = difflib.get_close_matches(name, shipped, n=1) or sorted(shipped)
        hint = f"write {near[0]}, or the absolute path of a format file"
        raise source.fault("wire_format", f"there is no shipped format {name[:80]!r}", hint=hint)
    return read_wire_format(shipped[name])


def read_wire_format(path: Path) -> WireFormat:
    """
    The wire format in a file.

    :raises WireFormatError: naming the file and every field of it that is wrong
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise WireFormatError(f"wire format file {path} holds no mapping", subject=str(path))
        return WireFormat.model_validate({**content, "origin": path})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WireFormatError(f"wire format file {path} cannot be read: {error}", subject=str(path)) from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_url=False)
        )
        raise WireFormatError(
            f"wire format file {path} is not valid: {faults}",
            subject=str(path),
            hint=f"compare it with {SHIPPED_FORMATS / 'call_data_v1_1.yaml'}",
        ) from error


def listing_windows(wire: WireFormat, window: Window) -> list[Window]:
    """
    The spans to list one after the other: widened to whole seconds, since requests carry no fractions, and then cut.

    :param window: what is wanted
    """
    start, end = (moment.replace(microsecond=0) for moment in (window.start, window.end))
    if end < window.end:
        end += timedelta(seconds=1)
    return list(Window(start, end).split(timedelta(seconds=wire.listing.longest_window)))


def listing_body(wire: WireFormat, window: Window, *, token: str, region: str | None) -> bytes:
    """The body of one listing request, as the bytes that are signed and sent."""
    names = wire.listing.request
    body = {
        names.begin: _written(wire, window.start),
        names.end: _written(wire, window.end),
        names.page_token: token,
    }
    if region is not None and names.region is not None:
        body[names.region] = region
    return _body(body)


def recording_body(wire: WireFormat, recording_id: str) -> bytes:
    """The body of one request for a recording, as the bytes that are signed and sent."""
    return _body({wire.recording.request.recording_id: recording_id})


def _written(wire: WireFormat, moment: datetime) -> str:
    return moment.astimezone(UTC).astimezone(wire.time.zone).strftime(wire.time.request)


def _body(content: dict[str, str]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
