"""Files beside each medium of an export, in the manner of other systems; the mapping is ours, docs/export.md has it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from xml.etree import ElementTree as ET

from cloud9_archive.domain.call import Call, Party, RecordingLink, Side, utc_text
from cloud9_archive.domain.keys import path_segment, recording_key
from cloud9_archive.domain.run import RecordingRef
from cloud9_archive.pipeline.export_index import ExportedCall, ExportedRecording

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Sidecar(StrEnum):
    """In whose manner."""

    VERBA = "verba"
    RELATIVITY = "relativity"


def sidecars_of(
    kinds: Collection[Sidecar],
    calls: Sequence[ExportedCall],
    recordings: Mapping[tuple[str, RecordingRef], ExportedRecording],
) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of each, beside the medium whose name it has with one more ending."""
    if not kinds:
        return
    mine: dict[tuple[str, RecordingRef], list[tuple[ExportedCall, RecordingLink]]] = {}
    for each in calls:
        for link in each.call.recordings:
            key = (path_segment(each.policy), RecordingRef(each.call.source, link.recording_id))
            mine.setdefault(key, []).append((each, link))
    for key, held in sorted(recordings.items()):
        for path in held.media:
            if Sidecar.VERBA in kinds:
                yield f"{path}.xml", _verba(path, held, mine.get(key, []))
            if Sidecar.RELATIVITY in kinds:
                yield f"{path}.json", _relativity(mine.get(key, []))


def _verba(path: str, held: ExportedRecording, calls: Sequence[tuple[ExportedCall, RecordingLink]]) -> bytes:
    record = held.record
    root = ET.Element("recording")
    _add(root, "id", recording_key(record.source, record.recording_id))
    _add(root, "modality_id", "voice")
    _add(root, "native_id", record.recording_id)
    for number, (each, link) in enumerate(calls):
        _add_call(root if number == 0 else ET.SubElement(root, "further_call"), each, link)
    _add(root, "location", path)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _add_call(element: ET.Element, each: ExportedCall, link: RecordingLink) -> None:
    call = each.call
    _add(element, "native_call_id", call.call_id)
    _add(element, "start_time", utc_text(call.started_at))
    _add(element, "end_time", utc_text(call.ended_at))
    _add(element, "direction", call.direction.value)
    _add(element, "offset_seconds", None if link.offset is None else f"{link.offset:g}")
    for name, side in (("source", Side.NEAR), ("destination", Side.FAR)):
        for party in call.parties:
            if party.side is side:
                _add(element, f"{name}_caller_id", party.login or party.number or party.user_id)
                _add(element, f"{name}_caller_name", party.display_name or party.group or party.firm)
    for user in each.users:
        _add(element, "recorded_user", user)


def _add(parent: ET.Element, name: str, text: str | None) -> None:
    """An element with the text; what XML cannot hold is replaced."""
    if text is not None:
        ET.SubElement(parent, name).text = _NO_XML.sub("\ufffd", text)


def _relativity(calls: Sequence[tuple[ExportedCall, RecordingLink]]) -> bytes:
    spans = [(call.call.started_at, _end(call.call)) for call, _ in calls]
    parties = {_channel(party): None for call, _ in calls for party in call.call.parties}
    document = {
        "start": utc_text(min((start for start, _ in spans), default=None)),
        "end": utc_text(max((end for _, end in spans), default=None)),
        "channels": [dict(zip(("userID", "userName", "deviceID"), party, strict=True)) for party in parties],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def _end(call: Call) -> datetime:
    return call.ended_at or call.started_at + timedelta(seconds=call.duration or 0)


def _channel(party: Party) -> tuple[str | None, str | None, str | None]:
    return party.login or party.user_id, party.display_name or party.group or party.firm, party.number
