"""A small archive with every kind of file, written with the package's own pure functions; and one that real runs wrote."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from real_archive import RealArchive, real_archive

from cloud9_archive.domain import bag
from cloud9_archive.domain.bag import BagEntry
from cloud9_archive.domain.chain import ChainLink, LinkKind, Member, link_bytes, next_link
from cloud9_archive.domain.keys import bag_folder, call_key, link_path, recording_key, report_path
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.readme import write_readme

DAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
POLICY = "emea_rates"
FILES = ("original.ogg", "amr_nb.channel-1.amr", "amr_nb.channel-2.amr", "amr_nb.peaks.json")


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive's store, its folder, and the links of its one policy."""

    store: LocalStore
    root: Path
    links: tuple[ChainLink, ...]

    def put(self, key: str, content: bytes) -> Member:
        stored = self.store.put(key, content, sha256=hashlib.sha256(content).hexdigest())
        return Member(stored.key, stored.sha256)

    def put_bag(self, bag_id: str, *, seal: bool = True) -> Member | None:
        """A bag with two recordings and a call; its seal."""
        folder = bag_folder(POLICY, day=DAY, bag_id=bag_id)
        payload = {f"data/calls/{call_key('cloud9_emea', bag_id)}.json": b"{}\n"}
        for name in ("one", "two/../2"):
            place = f"data/recordings/{recording_key('cloud9_emea', name)}"
            files = {f"{place}/{file}": f"{bag_id} {name} {file}".encode() * 50 for file in FILES}
            named = [{"path": path, "sha256": hashlib.sha256(content).hexdigest()} for path, content in files.items()]
            record = {"format": "1", "original": named[0], "derivatives": named[1:3], "waveform": named[3]}
            payload |= {**files, f"{place}/record.json": json.dumps(record).encode() + b"\n"}
        entries = [BagEntry(p, hashlib.sha256(c).hexdigest(), len(c)) for p, c in payload.items()]
        for path, content in payload.items():
            self.put(f"{folder}/{path}", content)
        files = bag.tag_files(entries, bag_id=bag_id, policy=POLICY, bagging_date=DAY)
        for file in files if seal else files[:-1]:
            member = self.put(f"{folder}/{file.path}", file.content)
        return member if seal else None


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(LocalStore(tmp_path / "archive"), tmp_path / "archive", ())
    write_readme(made.store)
    link: ChainLink | None = None
    links = []
    for number in (1, 2, 3):
        run_id = f"scheduled__2026-11-22T0{number}:00:00+00:00"
        members = [made.put_bag(f"batch-{number}-{letter}") for letter in ("ab" if number == 1 else "a")]
        for extension in ("json", "csv"):
            key = report_path(POLICY, day=DAY, run_id=run_id, extension=extension)
            members.append(made.put(key, f"{run_id} {extension}\n".encode()))
        link = next_link(
            link, kind=LinkKind.REGULAR, policy=POLICY, run_id=run_id, written_at=NOW, members=filter(None, members)
        )
        made.put(link_path(POLICY, number), link_bytes(link))
        links.append(link)
    return Archive(made.store, made.root, tuple(links))


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealArchive]:
    """Nobody may alter it."""
    with real_archive(tmp_path_factory.mktemp("real")) as made:
        yield made
