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
    recording_key,
    signature_path,
    timestamp_path,
)
from cloud9_archive.domain.run import RecordingRef
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.archived_bag import Reader
from cloud9_archive.pipeline.archived_folders import links_in_place, policy_folders
from cloud9_archive.pipeline.export_choice import Wanted, choose, copy_bag
from cloud9_archive.pipeline.export_folder import ExportFolder
from cloud9_archive.pipeline.export_index import ExportedCall, ExportedRecording, Voucher, index_csv, provenance_json
from cloud9_archive.pipeline.export_sidecars import Sidecar, sidecars_of
from cloud9_archive.pipeline.verify_bag import Watch
from cloud9_archive.pipeline.verify_chain import verify_chain
from cloud9_archive.pipeline.verify_proofs import Keyring, Trust
from cloud9_archive.pipeline.verify_report import Head, VerifyFinding
from cloud9_archive.storage.store import Store

EXPORT_FORMAT = "cloud9-archive export 1"


README = """\
Calls handed out of an archive.

index.csv          one line for each recording of each call, separated by semicolons
provenance.json    of each file: its name, bag and chain link in the archive, by their SHA-256
POLICY/bags/ID/    files of one bag of the archive under their own paths, with that bag's manifests
POLICY/chain/      the links of the archive's chain that cover those bags
*.xml, *.json      beside a medium: what other systems want to know of it, if that was asked for

To check that nothing was changed since it was handed out, in the folder above this one:

    sha256sum -c manifest-sha256.txt && sha256sum -c tagmanifest-sha256.txt

To check it against the archive, in POLICY/bags/ID: the files are those of the bag, the bag's seal
(tagmanifest-sha256.txt) is a member of the link that provenance.json names, and that link is one of the archive's chain:

    sha256sum -c --ignore-missing manifest-sha256.txt && sha256sum -c tagmanifest-sha256.txt
    grep "$(sha256sum tagmanifest-sha256.txt | cut -d' ' -f1)" ../../chain/*.json

Who keeps the archive shows that the link is in its chain, up to the head that provenance.json names.
"""
"""Lies in every export, for whoever receives it."""


@dataclass(frozen=True, slots=True)
class Exported:
    """
    What was handed out.

    :param size: bytes of the payload
    :param seal_sha256: of the exported bag; it names what was handed out
    :param absent: calls' recordings that the archive does not hold, as ``source/id``
    :param findings: what could not be handed out as the archive's seals and chain say, or was not looked into
    """

    calls: int
    recordings: int
    files: int
    size: int
    seal_sha256: str
    policies: tuple[str, ...]
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
    store: Store, order: ExportOrder, out: Path, *, now: datetime, watch: Watch | None = None
) -> Exported:
    """
    The folder is a sealed bag with the chosen calls' documents, recordings and derivatives, an index and provenance.

    Every file is compared with its bag's seal and the chain while it is copied. Nothing is written into the archive.

    :param out: a folder that is not there yet, or is empty
    :raises ConfigurationError: if nothing fits, or the folder cannot be used; nothing is sealed then
    :raises Cloud9ArchiveError: if the archive cannot be read
    """
    folder_out = ExportFolder(out)
    reader = Reader(store, watch or Watch())
    wanted = Wanted()
    heads: list[Head] = []
    vouched: dict[str, Voucher] = {}
    folders: dict[str, list[str]] = {}
    for segment, found in policy_folders(store).items():
        if order.policy is not None and path_segment(order.policy) != segment:
            continue
        folders[segment] = sorted(found.sealed)
        chain = verify_chain(reader, segment, Keyring(reader, Trust()))
        if chain.head:
            heads.append(chain.head)
        for link, digest in links_in_place(store, segment):
            vouched |= {m.path: Voucher(link, digest, m.sha256) for m in link.members if m.path.endswith(f"/{SEAL}")}
    reader.watch.planned(sum(map(len, folders.values())))
    for segment, folder in _each(folders):
        choose(reader, segment, folder, order.selection, vouched=vouched, wanted=wanted)
        reader.watch.bag_done()
    if not wanted.calls:
        folder_out.give_up()
        raise ConfigurationError(
            "no call in the archive fits",
            subject="selection",
            hint="calls that are excluded or awaited stand in no bag: look with cloud9-archive search",
        )
    for segment, folder in _each(folders):
        copy_bag(reader, segment, folder, folder_out, vouched=vouched, wanted=wanted)
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
    out.write("data/README.txt", README.encode())
    out.write("data/index.csv", index_csv(calls, recordings, wanted.files))
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
    tags = (("Export-Format", EXPORT_FORMAT), ("Calls", str(len(calls))), ("Recordings", str(len(recordings))))
    seal = out.seal(bag_id=out.root.name or "export", day=now.date(), tags=tags)
    return Exported(
        calls=len(calls),
        recordings=len(recordings),
        files=len(out.entries),
        size=sum(entry.size for entry in out.entries.values()),
        seal_sha256=seal,
        policies=tuple(sorted(used)),
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
        if (path_segment(each.policy), recording_key(each.call.source, link.recording_id)) in keys
        and (path_segment(each.policy), RecordingRef(each.call.source, link.recording_id)) not in recordings
    }
    return tuple(sorted(wanted))
