"""Calls handed out of an archive: a bag for somebody else, with what proves where each of its files came from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cloud9_archive.domain.bag import SEAL
from cloud9_archive.domain.call_selection import CallSelection
from cloud9_archive.domain.keys import (
    KEYS_FOLDER,
    link_path,
    path_segment,
    public_key_path,
    recording_mark,
    signature_path,
    timestamp_path,
)
from cloud9_archive.domain.run import RecordingRef
from cloud9_archive.errors import Cloud9ArchiveError, ConfigurationError
from cloud9_archive.pipeline.archived_bag import Reader, not_a_recipient
from cloud9_archive.pipeline.archived_folders import links_in_place, policy_folders
from cloud9_archive.pipeline.export_choice import Wanted, choose, copy_bag
from cloud9_archive.pipeline.export_folder import ExportFolder
from cloud9_archive.pipeline.export_index import ExportedCall, ExportedRecording, Voucher, index_csv, provenance_json
from cloud9_archive.pipeline.export_readme import DECRYPTED, README
from cloud9_archive.pipeline.export_sidecars import Sidecar, sidecars_of
from cloud9_archive.pipeline.opening import NotRecipientError, Opener
from cloud9_archive.pipeline.verify_bag import Watch
from cloud9_archive.pipeline.verify_chain import verify_chain
from cloud9_archive.pipeline.verify_custody import Tombstones, verify_custody
from cloud9_archive.pipeline.verify_proofs import Keyring, Trust
from cloud9_archive.pipeline.verify_report import Head, VerifyFinding
from cloud9_archive.storage.store import Store

EXPORT_FORMAT = "cloud9-archive export 1"


@dataclass(frozen=True, slots=True)
class Exported:
    """
    What was handed out.

    :param size: bytes of the payload
    :param seal_sha256: of the exported bag; it names what was handed out
    :param decrypted: files that were opened, and lie here in plain beside themselves
    :param absent: calls' recordings that the archive does not hold, as ``source/id``
    :param findings: what could not be handed out as the archive's seals and chain say, or was not looked into
    """

    calls: int
    recordings: int
    files: int
    size: int
    seal_sha256: str
    policies: tuple[str, ...]
    decrypted: int
    absent: tuple[str, ...]
    heads: tuple[Head, ...]
    findings: tuple[VerifyFinding, ...]


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """
    What is to be handed out, and what is said of it.

    :param policy: of this policy only
    :param sidecars: further files beside each medium
    :param actor: who does it
    :param reason: what for
    """

    selection: CallSelection
    policy: str | None = None
    sidecars: frozenset[Sidecar] = frozenset()
    actor: str = "unknown"
    reason: str | None = None


def export_selection(
    store: Store,
    order: ExportOrder,
    out: Path,
    *,
    now: datetime,
    opener: Opener | None = None,
    watch: Watch | None = None,
) -> Exported:
    """
    The folder is a sealed bag with the chosen calls' documents, recordings and derivatives, an index and provenance.

    Every file is compared with its bag's seal and the chain while it is copied. Beside an encrypted file stands a copy of
    what it holds. Nothing is written into the archive, nor anywhere else than into the folder.

    :param out: a folder that is not there yet, or is empty
    :param opener: opens encrypted files; nothing is handed out of encrypted bags without
    :raises ConfigurationError: if nothing fits, a key is wanted, or the folder cannot be used; nothing is sealed then
    :raises Cloud9ArchiveError: if the archive cannot be read
    """
    folder_out = ExportFolder(out)
    reader = Reader(store, watch or Watch(), opener)
    try:
        return _exported(reader, order, folder_out, now=now)
    except NotRecipientError as error:
        raise not_a_recipient("a file", error) from None
    except Cloud9ArchiveError:
        folder_out.give_up()
        raise


def _exported(reader: Reader, order: ExportOrder, folder_out: ExportFolder, *, now: datetime) -> Exported:
    store = reader.store
    stones = Tombstones()
    wanted = Wanted()
    heads: list[Head] = []
    vouched: dict[str, Voucher] = {}
    folders: dict[str, list[str]] = {}
    for segment, found in policy_folders(store).items():
        if order.policy is not None and path_segment(order.policy) != segment:
            continue
        folders[segment] = sorted(found.sealed)
        chain = verify_chain(reader, segment, Keyring(reader, Trust()))
        stones.update(verify_custody(reader, segment, chain.members))
        if chain.head:
            heads.append(chain.head)
        for link, digest in links_in_place(store, segment):
            vouched |= {m.path: Voucher(link, digest, m.sha256) for m in link.members if m.path.endswith(f"/{SEAL}")}
    reader.watch.planned(sum(map(len, folders.values())))
    for segment, folder in _each(folders):
        choose(reader, segment, folder, order.selection, vouched=vouched, stones=stones, wanted=wanted)
        reader.watch.bag_done()
    if not wanted.calls:
        raise ConfigurationError(
            "no call in the archive fits",
            subject="selection",
            hint="calls that are excluded or awaited stand in no bag: look with cloud9-archive search",
        )
    for segment, folder in _each(folders):
        copy_bag(reader, segment, folder, folder_out, vouched=vouched, stones=stones, wanted=wanted)
    _copy_chain(store, folder_out, wanted)
    return _sealed(reader, order, folder_out, wanted, heads=tuple(heads), now=now)


def _each(folders: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    return ((segment, folder) for segment, several in folders.items() for folder in several)


def _copy_chain(store: Store, out: ExportFolder, wanted: Wanted) -> None:
    """The links of the bags are in the export, with their proofs and the public keys of those."""
    keys: set[str] = set()
    for (segment, number), link in sorted(wanted.links.items()):
        for key in (
            link_path(link.policy, number),
            signature_path(link.policy, number),
            timestamp_path(link.policy, number),
        ):
            if store.exists(key):
                out.write(f"data/{segment}/chain/{key.rpartition('/')[2]}", store.read(key))
        if link.key_id and store.exists(public_key_path(link.key_id)):
            keys.add(link.key_id)
    for key_id in sorted(keys):
        out.write(f"data/{KEYS_FOLDER}/{key_id}.pem", store.read(public_key_path(key_id)))


def _sealed(
    reader: Reader, order: ExportOrder, out: ExportFolder, wanted: Wanted, *, heads: tuple[Head, ...], now: datetime
) -> Exported:
    calls = sorted(wanted.calls.values(), key=lambda each: (each.call.started_at, each.call.source, each.call.call_id))
    recordings = wanted.recordings
    absent = _absent(calls, recordings, wanted.keys)
    for path, content in sidecars_of(order.sidecars, calls, recordings):
        out.write(path, content)
    findings = tuple(dict.fromkeys(reader.findings))
    used = {each.archived.policy for each in wanted.files}
    heads = tuple(head for head in heads if head.policy in {path_segment(policy) for policy in used})
    copies = sum(file.decrypted is not None for file in wanted.files)
    out.write("data/README.txt", (README + (DECRYPTED if copies else "")).encode())
    out.write("data/index.csv", index_csv(calls, recordings, wanted.files, disposed=wanted.disposed))
    told = {
        "format": EXPORT_FORMAT,
        "actor": order.actor,
        "reason": order.reason,
        "policy": order.policy,
        "selection": order.selection.document(),
    }
    out.write(
        "data/provenance.json", provenance_json(told, wanted.files, out.entries, heads, absent, findings, now=now)
    )
    tags = [("Export-Format", EXPORT_FORMAT), ("Calls", str(len(calls))), ("Recordings", str(len(recordings)))]
    if copies:
        tags.append(
            ("Decrypted-Copies", f"{copies}, beside the encrypted files; data/provenance.json has both digests")
        )
    seal = out.seal(bag_id=out.root.name or "export", day=now.date(), tags=tuple(tags))
    return Exported(
        calls=len(calls),
        recordings=len(recordings),
        files=len(out.entries),
        size=sum(entry.size for entry in out.entries.values()),
        seal_sha256=seal,
        policies=tuple(sorted(used)),
        decrypted=copies,
        absent=absent,
        heads=heads,
        findings=findings,
    )


def _absent(
    calls: Collection[ExportedCall],
    recordings: Mapping[tuple[str, RecordingRef], ExportedRecording],
    keys: Collection[tuple[str, str]],
) -> tuple[str, ...]:
    """Recordings that were wanted and stand in no bag: awaited, missing, or refused."""
    wanted = {
        f"{each.call.source}/{link.recording_id}"
        for each in calls
        for link in each.call.recordings
        if (path_segment(each.policy), recording_mark(each.call.source, link.recording_id)) in keys
        and (path_segment(each.policy), RecordingRef(each.call.source, link.recording_id)) not in recordings
    }
    return tuple(sorted(wanted))
