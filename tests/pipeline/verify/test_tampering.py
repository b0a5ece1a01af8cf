"""A real archive is tampered with in every way and at every file: who finds it is what docs/archive-format.md says."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest
import typer
from forgeries import POLICY, whole_cases
from real_archive import RealArchive
from strangers import found_by_bagit, found_by_openssl, found_by_sha256sum
from tampering import ACTS, KINDS, Case, Tree, bag_of, file_cases, flipped, uncovered
from tampering_table import FINDERS, NEEDS_A_HEAD, NEEDS_A_KEY, WHOLE, expected
from typer.testing import CliRunner

from cloud9_archive.api.time_stamps import check_timestamp
from cloud9_archive.cli.verify import verify_command
from cloud9_archive.domain.keys import link_path, timestamp_path
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.verify_codes import Code
from cloud9_archive.pipeline.verify_proofs import Trust, read_trust
from cloud9_archive.pipeline.verify_report import VerifyReport
from cloud9_archive.storage.local import LocalStore

APP = typer.Typer()
APP.command()(verify_command)


@dataclass
class Room:
    """A copy of the archive to tamper with, and everybody who looks at it afterwards."""

    archive: RealArchive
    tree: Tree
    trust: Trust
    found: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def verify(self, *, heads: bool = True, keys: bool = True) -> VerifyReport:
        kept = list(self.archive.heads.values()) if heads else []
        return verify_archive(LocalStore(self.tree.root), heads=kept, trust=self.trust if keys else Trust())

    def look_at(self, case: Case) -> VerifyReport:
        """The tampering is done, everybody has looked, and it is undone."""
        case.act(self.tree)
        touched, root, kept = sorted(self.tree.touched), self.tree.root, self.archive
        assert touched, case.name
        try:
            report = self.verify()
            finds = {
                "v": not report.ok,
                "s": found_by_sha256sum(root, touched, kept.heads),
                "b": found_by_bagit(root, touched),
                "o": found_by_openssl(root, touched, public_key=kept.public_key, tsa_ca=kept.tsa_ca),
            }
            assert finds["v"], f"verify did not find it: {case.name}"
            if case.to:
                told = " ".join(f"{finding.subject} {finding.words}" for finding in report.findings)
                assert all(any(name in told for name in _names(key)) for key in touched), (case.name, told)
            if case.what in NEEDS_A_HEAD:
                assert self.verify(heads=False).ok, case.name
            if case.what in NEEDS_A_KEY:
                assert self.verify(keys=False).ok, case.name
        finally:
            self.tree.restore()
        self.found[case.what, case.to].update(["cases", *(letter for letter in FINDERS if finds[letter])])
        return report

    def cells(self) -> dict[tuple[str, str], str]:
        """Of each kind of tampering that was looked at, who found all cases, and in brackets who found some."""
        return {
            place: "".join(
                letter if counted[letter] == counted["cases"] else f"({letter})"
                for letter in FINDERS
                if counted[letter]
            )
            for place, counted in self.found.items()
        }


def _names(key: str) -> Iterator[str]:
    """What a finding calls the file by: its own key, that of its bag, or of the link that it stands beside."""
    yield key
    if bag := bag_of(key):
        yield bag
    if key.split("/")[1:2] == ["chain"]:
        yield key.rpartition(".")[0]


@pytest.fixture(scope="module")
def tree(real: RealArchive) -> Tree:
    return Tree(real.root, real.root.parent / "tampered")


@pytest.fixture
def room(real: RealArchive, tree: Tree) -> Room:
    room = Room(real, tree, read_trust([real.public_key], real.tsa_ca))
    assert room.verify().findings == ()
    return room


def looked_at(room: Room, cases: Iterable[Case]) -> None:
    for case in cases:
        room.look_at(case)
    assert room.cells() == {(what, kind): expected(what, kind) for what, kind in room.found}
    assert room.verify().findings == ()


@pytest.mark.parametrize("what", ACTS)
def test_whatever_is_done_to_a_file_is_found(room: Room, what: str) -> None:
    looked_at(room, file_cases(room.tree, what))
    assert {kind for _, kind in room.found} == {kind for kind in KINDS if expected(what, kind)}


def test_files_added_ends_cut_off_and_forgeries_are_found(room: Room) -> None:
    looked_at(room, whole_cases(room.tree))
    assert {what for what, _ in room.found} == set(WHOLE)


def test_the_command_ends_with_1_and_names_the_file(room: Room) -> None:
    kept = room.archive
    options = [str(room.tree.root), "--json", "--public-key", str(kept.public_key), "--tsa-ca", str(kept.tsa_ca)]
    options += [word for head in kept.heads.values() for word in ("--head", head)]
    assert CliRunner().invoke(APP, options).exit_code == 0
    for key in (f"{POLICY}/chain/00000002.tsr", "README.txt", next(k for k in room.tree.keys if "/original." in k)):
        room.tree.write(key, flipped(room.tree.read(key), 40))
        done = CliRunner().invoke(APP, options)
        room.tree.restore()
        assert done.exit_code == 1
        assert [finding["subject"] for finding in json.loads(done.stdout)["findings"]] == [key]


def test_an_unsealed_folder_is_a_notice_and_a_bag_that_lost_its_seal_is_a_fault(room: Room) -> None:
    """A run in progress leaves the one; nothing but tampering leaves the other."""
    room.tree.write(f"{POLICY}/bags/2026/03/06/new/data/x", b"x")
    assert [finding.code for finding in room.verify().findings] == [Code.BAG_UNSEALED]
    assert room.verify().ok
    room.tree.restore()
    assert not room.verify(heads=False).findings


def test_of_a_time_stamp_only_bytes_that_say_nothing_may_be_others(room: Room) -> None:
    """Every byte of one is altered, one after the other."""
    link, stamp = room.tree.read(link_path(POLICY, 1)), room.tree.read(timestamp_path(POLICY, 1))
    stated = check_timestamp(stamp, link, roots=room.trust.roots)
    held = set()
    for offset in range(len(stamp)):
        try:
            told = check_timestamp(flipped(stamp, offset), link, roots=room.trust.roots)
        except ConfigurationError:
            continue
        assert told == stated
        held.add(offset)
    assert held <= uncovered(stamp)
