"""What an export says of itself: an index for people, and where each file came from for those who check."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloud9_archive.domain.bag import BagEntry
from cloud9_archive.domain.call import Call, Party, Side, utc_text
from cloud9_archive.domain.chain import ChainLink
from cloud9_archive.domain.keys import path_segment, recording_mark
from cloud9_archive.domain.run import RecordingRef
from cloud9_archive.pipeline.archived_bag import ArchivedBag
from cloud9_archive.pipeline.archived_documents import RecordDocument
from cloud9_archive.pipeline.bag_documents import opened_name
from cloud9_archive.pipeline.csv_cells import csv_text, harmless
from cloud9_archive.pipeline.verify_report import Head, VerifyFinding

INDEX_COLUMNS = (
    "policy",
    "source",
    "call_id",
    "started_at",
    "ended_at",
    "seconds",
    "direction",
    "call_type",
    "near_end",
    "far_end",
    "users",
    "recording_id",
    "offset",
    "state",
    "original",
    "original_sha256",
    "derivatives",
    "call_document",
    "bag_id",
    "seal_sha256",
    "link",
    "link_sha256",
)


@dataclass(frozen=True, slots=True)
class Voucher:
    """
    The link that covers a bag.

    :param sha256: of the link
    :param seal_sha256: of the bag's seal, as the link says
    """

    link: ChainLink
    sha256: str
    seal_sha256: str


@dataclass(frozen=True, slots=True)
class ExportedCall:
    """
    A call that is handed out, by its newest document.

    :param path: of that document in the export
    :param link: number of the link that covers it; 0: none does
    :param states: where its recordings stood, by id
    """

    policy: str
    call: Call
    users: tuple[str, ...]
    bag_id: str
    path: str
    link: int
    states: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExportedRecording:
    """
    A recording that is handed out.

    :param place: of its bag in the export, with a slash at its end
    """

    record: RecordDocument
    place: str
    bag_id: str

    @property
    def media(self) -> list[str]:
        """Paths of original and derivatives in the export, decrypted ones if they are encrypted."""
        named = [self.record.original.path] if self.record.original else []
        return [
            self.place + opened_name(path)
            for path in (*named, *(str(each["path"]) for each in self.record.derivatives))
        ]


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """
    A file as it lies in the archive.

    :param path: in the export
    :param key: in the archive
    :param voucher: None: no link covers its bag
    :param decrypted: path in the export of what it holds, if it is encrypted and was opened
    """

    path: str
    key: str
    archived: ArchivedBag
    voucher: Voucher | None
    decrypted: str | None = None


Recordings = Mapping[tuple[str, RecordingRef], ExportedRecording]


def index_csv(
    calls: Sequence[ExportedCall],
    recordings: Recordings,
    files: Sequence[ExportedFile],
    *,
    disposed: Collection[tuple[str, str]] = (),
) -> bytes:
    """
    One line for each recording of each call, and one for a call without; UTF-8, separated by semicolons.

    :param disposed: recordings that tombstones list, by the policy's folder and mark
    """
    origin = {file.archived.bag_id: file for file in files}
    lines = [list(INDEX_COLUMNS)]
    for each in calls:
        lines += [[harmless(cell) for cell in row] for row in _rows(each, recordings, origin, disposed)]
    return csv_text(lines).encode("utf-8", "replace")


def provenance_json(
    told: Mapping[str, object],
    files: Sequence[ExportedFile],
    entries: Mapping[str, BagEntry],
    heads: Sequence[Head],
    absent: Sequence[str],
    findings: Sequence[VerifyFinding],
    *,
    now: datetime,
) -> bytes:
    """Of each file: its key, bag and link in the archive, by their digests; and the chains' heads at that time."""
    document = {
        **told,
        "exported_at": utc_text(now),
        "heads": [{"policy": head.policy, "number": head.number, "sha256": head.digest} for head in heads],
        "absent_recordings": list(absent),
        "findings": [{"code": f.code.value, "subject": f.subject, "words": f.words} for f in findings],
        "decrypted_copies": sum(file.decrypted is not None for file in files),
        "files": [
            {**_origin(file), **_measured(entries[file.path]), "decrypted": _decrypted(file, entries)} for file in files
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode("utf-8", "replace") + b"\n"


def end_of(call: Call, side: Side) -> str:
    """Who sits at that end, as people read it."""
    return ", ".join(filter(None, (_name(party) for party in call.parties if party.side is side)))


def _name(party: Party) -> str:
    person = " ".join(filter(None, (party.display_name, f"<{party.login}>" if party.login else None)))
    return " / ".join(filter(None, (person, party.number, party.group, party.firm)))


def _rows(
    each: ExportedCall,
    recordings: Recordings,
    origin: Mapping[str, ExportedFile],
    disposed: Collection[tuple[str, str]],
) -> Iterator[list[str]]:
    call, segment = each.call, path_segment(each.policy)
    head = [
        each.policy,
        call.source,
        call.call_id,
        utc_text(call.started_at) or "",
        utc_text(call.ended_at) or "",
        "" if call.duration is None else f"{call.duration:g}",
        call.direction.value,
        call.call_type.value,
        end_of(call, Side.NEAR),
        end_of(call, Side.FAR),
        ", ".join(each.users),
    ]
    none_named = [*head, "", "", "", "", "", "", each.path, *_bag_cells(origin.get(each.bag_id))]
    for link in call.recordings:
        held = recordings.get((segment, RecordingRef(call.source, link.recording_id)))
        offset = "" if link.offset is None else f"{link.offset:g}"
        state = held.record.state if held else each.states.get(link.recording_id, "")
        original = held.record.original if held else None
        yield [
            *head,
            link.recording_id,
            offset,
            _shown(state, held, gone=(segment, recording_mark(call.source, link.recording_id)) in disposed),
            held.place + opened_name(original.path) if held and original else "",
            original.sha256 if original else "",
            " ".join(held.media[1 if original else 0 :]) if held else "",
            each.path,
            *_bag_cells(origin.get(held.bag_id if held else each.bag_id)),
        ]
    if not call.recordings:
        yield none_named


def _shown(state: str, held: ExportedRecording | None, *, gone: bool) -> str:
    """Where the recording stands, for whoever reads the index."""
    if held is None and gone:
        return "disposed"
    return "not_in_export" if held is None and state in ("archived", "earlier_bag") else state


def _bag_cells(file: ExportedFile | None) -> list[str]:
    if file is None:
        return ["", "", "", ""]
    link, digest = (str(file.voucher.link.number), file.voucher.sha256) if file.voucher else ("", "")
    return [file.archived.bag_id, file.archived.seal_sha256, link, digest]


def _decrypted(file: ExportedFile, entries: Mapping[str, BagEntry]) -> dict[str, object] | None:
    return {"path": file.decrypted, **_measured(entries[file.decrypted])} if file.decrypted else None


def _measured(entry: BagEntry) -> dict[str, object]:
    return {"sha256": entry.sha256, "size": entry.size}


def _origin(file: ExportedFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "archive_key": file.key,
        "bag_id": file.archived.bag_id,
        "policy": file.archived.policy,
        "seal_sha256": file.archived.seal_sha256,
        "link": file.voucher.link.number if file.voucher else None,
        "link_sha256": file.voucher.sha256 if file.voucher else None,
    }
