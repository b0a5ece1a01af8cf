"""Verify finds every damage that can be done to a small archive, and nothing in a good one."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloud9_archive.domain.chain import Member, link_bytes, next_link
from cloud9_archive.domain.keys import link_path
from cloud9_archive.errors import UnreachableError
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.verify_codes import Code, Severity
from cloud9_archive.pipeline.verify_meanings import MEANINGS
from cloud9_archive.storage.wrappers import Fault, FaultyStore, Operation

POLICY = "emea_rates"
BAG = f"{POLICY}/bags/2026/11/22/batch-1-a"


def codes(archive: Any, **options: Any) -> list[Code]:
    return [finding.code for finding in verify_archive(archive.store, **options).findings]


def write(path: Path, content: bytes) -> None:
    """As somebody would who does not go through the store."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def test_a_good_archive(archive: Any) -> None:
    report = verify_archive(archive.store)
    on_disk = [path for path in archive.root.rglob("*") if path.is_file()]
    assert report.findings == ()
    assert report.ok
    assert (report.bags, report.links, report.files) == (4, 3, len(on_disk))
    assert report.size == sum(path.stat().st_size for path in on_disk)
    assert [(head.policy, head.number, head.digest) for head in report.heads] == [
        (POLICY, 3, archive.links[-1].digest())
    ]
    assert verify_archive(archive.store, policy=POLICY).ok
    for link in archive.links:
        assert verify_archive(archive.store, heads=[link.digest().upper()]).ok


def flip(path: Path) -> None:
    content = path.read_bytes()
    middle = len(content) // 2
    write(path, content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])


DAMAGES: dict[str, Callable[[Path], None]] = {
    "flip": flip,
    "truncate": lambda path: write(path, path.read_bytes()[:-1]),
    "empty": lambda path: write(path, b""),
    "lengthen": lambda path: write(path, path.read_bytes() + b"\n"),
    "delete": Path.unlink,
    "add beside": lambda path: write(path.with_name(f"{path.name}.bak"), b"x"),
    "replace by a link": lambda path: (path.rename(path.parent / ".aside"), path.symlink_to(".aside"))[1],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_to_every_file_is_found(archive: Any, damage: str) -> None:
    head = archive.links[-1].digest()
    good = archive.root.parent / "good"
    shutil.copytree(archive.root, good)
    for path in sorted(path for path in good.rglob("*") if path.is_file()):
        victim = archive.root / path.relative_to(good)
        DAMAGES[damage](victim)
        report = verify_archive(archive.store, heads=[head])
        assert not report.ok, (damage, victim)
        shutil.rmtree(victim.parent)
        shutil.copytree(path.parent, victim.parent)
    assert verify_archive(archive.store, heads=[head]).ok


@pytest.mark.parametrize(
    ("name", "damage", "code"),
    [
        (f"{BAG}/data/calls", "rmtree", Code.FILE_MISSING),
        (f"{BAG}/bag-info.txt", "flip", Code.FILE_ALTERED),
        (f"{BAG}/manifest-sha256.txt", "delete", Code.FILE_MISSING),
        (f"{BAG}/bagit.txt", "replace by a link", Code.FILE_UNREADABLE),
        (f"{BAG}/bagit.txt", "add beside", Code.FILE_EXTRA),
        (f"{BAG}/tagmanifest-sha256.txt", "flip", Code.CHAIN_MEMBER_ALTERED),
        (f"{BAG}/tagmanifest-sha256.txt", "delete", Code.CHAIN_MEMBER_MISSING),
        (f"{BAG}/manifest-sha256.txt", "empty", Code.BAG_MALFORMED),
        (BAG, "rmtree", Code.CHAIN_MEMBER_MISSING),
        (f"{POLICY}/reports", "rmtree", Code.CHAIN_MEMBER_MISSING),
        (f"{POLICY}/chain/00000001.json", "delete", Code.CHAIN_GAP),
        (f"{POLICY}/chain/00000002.json", "delete", Code.CHAIN_GAP),
        (f"{POLICY}/chain/00000003.json", "delete", Code.BAG_NOT_CHAINED),
        (f"{POLICY}/chain/00000003.json", "delete", Code.REPORT_NOT_CHAINED),
        (f"{POLICY}/chain/00000002.json", "lengthen", Code.CHAIN_LINK_REFUSED),
        (f"{POLICY}/chain/00000002.json", "add beside", Code.FILE_MISPLACED),
        (f"{POLICY}/chain", "rmtree", Code.BAG_NOT_CHAINED),
        ("README.txt", "flip", Code.README_ALTERED),
        ("README.txt", "delete", Code.README_MISSING),
        ("README.txt", "add beside", Code.FILE_MISPLACED),
    ],
)
def test_each_damage_has_its_code(archive: Any, name: str, damage: str, code: Code) -> None:
    act = shutil.rmtree if damage == "rmtree" else DAMAGES[damage]
    act(archive.root / name)
    assert code in codes(archive)


def test_a_bag_without_seal_is_a_notice(archive: Any) -> None:
    archive.put_bag("batch-9", seal=False)
    report = verify_archive(archive.store)
    assert [(finding.code, finding.severity) for finding in report.findings] == [(Code.BAG_UNSEALED, Severity.NOTICE)]
    assert report.ok


def test_a_sealed_bag_that_no_link_knows(archive: Any) -> None:
    archive.put_bag("batch-9")
    assert codes(archive) == [Code.BAG_NOT_CHAINED]


def test_a_bag_moved_to_another_day(archive: Any) -> None:
    (archive.root / BAG).rename((archive.root / BAG).with_name("batch-7"))
    assert set(codes(archive)) == {Code.BAG_MALFORMED, Code.BAG_NOT_CHAINED, Code.CHAIN_MEMBER_MISSING}


def test_a_chain_written_anew_from_the_second_link(archive: Any) -> None:
    first, second, _ = archive.links
    forged = replace(second, run_id="forged")
    write(archive.root / link_path(POLICY, 2), link_bytes(forged))
    assert codes(archive) == [Code.CHAIN_BROKEN]
    last = next_link(
        forged,
        kind=archive.links[2].kind,
        policy=POLICY,
        run_id="forged too",
        written_at=archive.links[2].written_at,
        members=archive.links[2].members,
    )
    write(archive.root / link_path(POLICY, 3), link_bytes(last))
    assert codes(archive) == []
    assert codes(archive, heads=[archive.links[2].digest()]) == [Code.CHAIN_ROLLED_BACK]
    assert codes(archive, heads=[first.digest()]) == []


def test_newest_link_and_its_bag_cut_off_are_found_by_the_head_alone(archive: Any) -> None:
    head = archive.links[-1].digest()
    for member in archive.links[-1].members:
        path = archive.root / member.path
        shutil.rmtree(path.parent) if path.name.startswith("tagmanifest") else path.unlink()
    (archive.root / link_path(POLICY, 3)).unlink()
    assert codes(archive) == []
    assert codes(archive, heads=[head]) == [Code.CHAIN_ROLLED_BACK]


def test_a_wrong_merkle_root(archive: Any) -> None:
    path = archive.root / link_path(POLICY, 3)
    root = archive.links[2].merkle_root
    write(path, path.read_bytes().replace(root.encode(), root[::-1].encode()))
    assert Code.CHAIN_ROOT_WRONG in codes(archive)


def test_a_link_of_another_policy(archive: Any) -> None:
    path = archive.root / link_path(POLICY, 1)
    write(path, link_bytes(replace(archive.links[0], policy="apac")))
    assert Code.CHAIN_BROKEN in codes(archive)


def test_a_member_that_points_anywhere_else_is_checked_too(archive: Any) -> None:
    other = archive.put(f"{POLICY}/bags/2026/11/22/batch-1-a/data/note", b"x")
    link = next_link(
        archive.links[-1],
        kind=archive.links[0].kind,
        policy=POLICY,
        run_id="r",
        written_at=archive.links[0].written_at,
        members=[other, Member("elsewhere/x", "0" * 64), replace(archive.links[0].members[0], sha256="1" * 64)],
    )
    archive.put(link_path(POLICY, 4), link_bytes(link))
    found = codes(archive)
    assert sorted(found) == [Code.CHAIN_MEMBER_ALTERED, Code.CHAIN_MEMBER_MISSING, Code.FILE_EXTRA]


def test_a_bag_rewritten_with_fitting_manifests_does_not_pass(archive: Any) -> None:
    folder = archive.root / BAG
    victim = next(folder.glob("data/recordings/*/original.ogg"))
    before = hashlib.sha256(victim.read_bytes()).hexdigest()
    flip(victim)
    for manifest, old in (("manifest-sha256.txt", before), ("tagmanifest-sha256.txt", None)):
        path = folder / manifest
        name, found = ("manifest-sha256.txt", None) if old is None else (victim.relative_to(folder).as_posix(), old)
        new = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        lines = path.read_text().splitlines()
        write(path, "".join(f"{new}  {name}\n" if x.endswith(f"  {name}") else f"{x}\n" for x in lines).encode())
        assert found is None or found not in path.read_text()
    assert codes(archive) == [Code.RECORD_CONTRADICTED, Code.CHAIN_MEMBER_ALTERED]


@pytest.mark.parametrize(
    "name",
    [
        f"{POLICY}/stray",
        f"{POLICY}/bags/stray",
        f"{POLICY}/bags/2026/11/22/stray",
        f"{POLICY}/bags/2026/1/22/x/stray",
        f"{POLICY}/reports/stray",
        f"{POLICY}/reports/2026/11/22/x/stray",
        f"{POLICY}/chain/1.json",
        f"{POLICY}/chain/00000004",
        f"{POLICY}/chain/x/00000004.json",
        "stray",
        ".hidden",
        "stray\n\x1b[31m",
    ],
)
def test_files_where_none_may_be(archive: Any, name: str) -> None:
    write(archive.root / name, b"x")
    report = verify_archive(archive.store)
    assert [finding.code for finding in report.findings] == [Code.FILE_MISPLACED]
    assert report.findings[0].line().isprintable()


def test_a_name_that_is_no_text_inside_a_bag(archive: Any) -> None:
    os.close(os.open(os.fsencode(archive.root / BAG / "data") + b"/\xff\n", os.O_CREAT | os.O_WRONLY))
    report = verify_archive(archive.store)
    assert [finding.code for finding in report.findings] == [Code.FILE_EXTRA]
    report.findings[0].line().encode()


def test_nothing_is_not_proof(archive: Any) -> None:
    assert codes(archive, policy="apac") == [Code.POLICY_UNKNOWN]
    shutil.rmtree(archive.root)
    assert codes(archive) == [Code.ARCHIVE_EMPTY, Code.README_MISSING]


def test_a_file_that_cannot_be_read_is_a_finding_and_the_rest_is_checked(archive: Any) -> None:
    whole = verify_archive(archive.store)
    faulty = FaultyStore(archive.store, script=[Fault(Operation.OPEN, 3, UnreachableError("cue"))])
    report = verify_archive(faulty)
    assert [finding.code for finding in report.findings] == [Code.FILE_UNREADABLE]
    assert report.files == whole.files - 1


def test_every_code_has_a_meaning() -> None:
    assert list(MEANINGS) == list(Code)
