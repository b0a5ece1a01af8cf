"""Which documents and recordings of an archive an export takes, and how they get there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from cloud9_archive.domain.bag import SEAL
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.call_selection import CallSelection
from cloud9_archive.domain.chain import ChainLink
from cloud9_archive.domain.keys import call_key, path_segment
from cloud9_archive.domain.run import CallRef, RecordingRef
from cloud9_archive.pipeline.archived_bag import CALLS, RECORDINGS, TAG_FILES, ArchivedBag, Reader, no_key, open_bag
from cloud9_archive.pipeline.archived_documents import CallDocument
from cloud9_archive.pipeline.bag_documents import ENCRYPTED_ENDING, opened_name
from cloud9_archive.pipeline.export_folder import ExportFolder
from cloud9_archive.pipeline.export_index import ExportedCall, ExportedFile, ExportedRecording, Voucher
from cloud9_archive.pipeline.rebuild_bag import call_of, record_of
from cloud9_archive.pipeline.verify_codes import Code
from cloud9_archive.pipeline.verify_custody import Tombstones

_SLACK = timedelta(days=1)
_FOLDER_DEPTH = 3


@dataclass
class Wanted:
    """
    What was chosen, per policy's folder.

    :param paths: marks of calls, the part of their documents' names that is the same in encrypted bags and in others
    :param keys: marks of recordings
    :param disposed: marks of recordings that tombstones list
    """

    calls: dict[tuple[str, CallRef], ExportedCall] = field(default_factory=dict)
    paths: set[tuple[str, str]] = field(default_factory=set)
    keys: set[tuple[str, str]] = field(default_factory=set)
    disposed: set[tuple[str, str]] = field(default_factory=set)
    files: list[ExportedFile] = field(default_factory=list)
    recordings: dict[tuple[str, RecordingRef], ExportedRecording] = field(default_factory=dict)
    links: dict[tuple[str, int], ChainLink] = field(default_factory=dict)


def choose(
    reader: Reader,
    segment: str,
    folder: str,
    selection: CallSelection,
    *,
    vouched: Mapping[str, Voucher],
    stones: Tombstones,
    wanted: Wanted,
) -> None:
    """The bag's calls that fit are wanted, and their recordings, in whichever bag those are."""
    if selection.begin is not None and _day(folder) + _SLACK < selection.begin.date():
        return  # a bag is made after its calls
    archived = _opened(reader, folder, vouched, stones)
    if archived is None:
        return
    paths = archived.calls()
    if selection.call_ids and not selection.recording_ids and not archived.encrypted:
        paths = [path for path in paths if any(_might_name(path, call_id) for call_id in selection.call_ids)]
    for path in paths:
        found = call_of(reader, archived, path)
        if found is None:
            continue
        document, call = found
        if not selection.fits(call, users=document.decision.users):
            continue
        named = [each for each in document.recordings if each.recording_id in selection.recording_ids]
        _want(wanted, segment, path, archived, document, call, vouched.get(f"{folder}/{SEAL}"))
        wanted.keys.update((segment, mark_of(each.key)) for each in named or document.recordings)


def _want(
    wanted: Wanted,
    segment: str,
    path: str,
    archived: ArchivedBag,
    document: CallDocument,
    call: Call,
    voucher: Voucher | None,
) -> None:
    ref = CallRef(call.source, call.call_id)
    number = voucher.link.number if voucher else 0
    known = wanted.calls.get((segment, ref))
    wanted.paths.add((segment, mark_of(path)))
    if known is None or known.link <= number:
        wanted.calls[segment, ref] = ExportedCall(
            policy=archived.policy,
            call=call,
            users=document.decision.users,
            bag_id=archived.bag_id,
            path=opened_name(_place(segment, archived, path)),
            link=number,
            states={each.recording_id: each.state for each in document.recordings},
        )


def copy_bag(
    reader: Reader,
    segment: str,
    folder: str,
    out: ExportFolder,
    *,
    vouched: Mapping[str, Voucher],
    stones: Tombstones,
    wanted: Wanted,
) -> None:
    """What is wanted of the bag is in the export, with the bag's tag files."""
    names = [key.removeprefix(f"{folder}/") for key, _ in reader.store.versions(folder)]
    listed = {key.removeprefix(f"{folder}/") for key in stones.of(reader, folder)}
    gone = (path for path in listed.difference(names) if path.startswith(RECORDINGS))
    wanted.disposed |= {(segment, mark_of(path.split("/")[2])) for path in gone}
    if not any(_is_wanted(segment, name, wanted) for name in names):
        return
    archived = _opened(reader, folder, vouched, stones, tell=False)
    if archived is None:
        return
    told: dict[str, tuple[str, int]] = {}
    for path in archived.records():
        if _is_wanted(segment, path, wanted) and (record := record_of(reader, archived, path)):
            ref = RecordingRef(record.source, record.recording_id)
            wanted.recordings[segment, ref] = ExportedRecording(record, _place(segment, archived, ""), archived.bag_id)
            told |= record.contents()
    voucher = vouched.get(f"{folder}/{SEAL}")
    if voucher:
        wanted.links[segment, voucher.link.number] = voucher.link
    expected = {path: digest for path, digest in archived.payload.items() if _is_wanted(segment, path, wanted)}
    expected = {path: digest for path, digest in expected.items() if path not in archived.gone}
    expected |= {name: reader.store.digest(f"{folder}/{name}") for name in TAG_FILES}
    for path, digest in sorted(expected.items()):
        place = _place(segment, archived, path)
        if path not in archived.there:
            reader.found(Code.FILE_MISSING, f"{folder}/{path}", "its bag lists it; it is not in the export")
        elif out.copy(reader.store, f"{folder}/{path}", place, sha256=digest):
            opened = _decrypted(reader, f"{folder}/{path}", place, out, told=told.get(path))
            wanted.files.append(ExportedFile(place, f"{folder}/{path}", archived, voucher, opened))
        else:
            reader.found(Code.FILE_ALTERED, f"{folder}/{path}", f"its bag lists {digest}; it is not in the export")


def _decrypted(reader: Reader, key: str, place: str, out: ExportFolder, *, told: tuple[str, int] | None) -> str | None:
    """Where what an encrypted file holds stands in the export; None with a finding if it does not open."""
    if not place.endswith(ENCRYPTED_ENDING):
        return None
    if reader.opener is None:
        raise no_key(key)
    opened = opened_name(place)
    if (words := out.decrypt(place, opened, reader.opener, told=told)) is not None:
        reader.found(Code.FILE_NOT_OPENED, key, f"{words}; only the encrypted file is in the export")
        return None
    return opened


def _opened(
    reader: Reader, folder: str, vouched: Mapping[str, Voucher], stones: Tombstones, *, tell: bool = True
) -> ArchivedBag | None:
    voucher = vouched.get(f"{folder}/{SEAL}")
    if voucher is None and tell:
        reader.found(Code.BAG_NOT_CHAINED, folder, "no link vouches for it")
    keys = [key for key, _ in reader.store.versions(folder)]
    expected = voucher.seal_sha256 if voucher else None
    return open_bag(reader, folder, keys, expected=expected, disposed=stones.of(reader, folder))


def _is_wanted(segment: str, path: str, wanted: Wanted) -> bool:
    parts = path.split("/")
    if path.startswith(RECORDINGS) and len(parts) > _FOLDER_DEPTH:
        return (segment, mark_of(parts[2])) in wanted.keys
    return path.startswith(CALLS) and (segment, mark_of(path)) in wanted.paths


def mark_of(name: str) -> str:
    """
    The part of a key that alone tells two ids apart.

    :param name: a key, or the path of a call's document
    """
    return opened_name(name).removesuffix(".json").rpartition("/")[2].rpartition("-")[2]


def _place(segment: str, archived: ArchivedBag, path: str) -> str:
    """Where a file of the bag lies in the export; the bag's own paths stay as they are."""
    return f"data/{segment}/bags/{path_segment(archived.bag_id)}/{path}"


def _day(folder: str) -> date:
    year, month, day = folder.split("/")[2:5]
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return date.max


def _might_name(path: str, call_id: str) -> bool:
    """Whether the document may be of a call with this id; its source, which the mark is over too, is not known yet."""
    return path.startswith(f"{CALLS}{call_key('', call_id).rpartition('-')[0]}")
