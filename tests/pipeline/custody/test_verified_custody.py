"""Verify accepts just what tombstones list, and the archive's own README sees what verify sees."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from custody_bench import LATER, Made, SmallArchive

from cloud9_archive.catalog import custody
from cloud9_archive.domain.custody import Tombstone
from cloud9_archive.domain.selection import Selection
from cloud9_archive.pipeline.custody import Order, prepare, vouch
from cloud9_archive.pipeline.dispose import dispose
from cloud9_archive.pipeline.expiry import list_expired
from cloud9_archive.pipeline.legal_holds import place_hold, release_hold
from cloud9_archive.pipeline.settings import ProofSettings
from cloud9_archive.pipeline.verify_proofs import read_trust
from cloud9_archive.pipeline.verify_scope import Scope, parse_sample

ANNA, BEN = Order("Anna Smith", "case 7"), Order("Ben Jones", "case 7 is closed")


@pytest.fixture(scope="module")
def disposed_root(two_bags: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two bags, one call's records are held, a hold was released, and all else is disposed of."""
    made = SmallArchive(tmp_path_factory.mktemp("disposed") / "small", template=two_bags, runs=2, now=LATER)
    with made.stack:
        place_hold(made.workspace, "case 7", Selection(calls=("call-1",)), ANNA)
        place_hold(made.workspace, "case 8", Selection(calls=("call-2",)), ANNA)
        for order in (ANNA, BEN):
            release_hold(made.workspace, "case 8", order)
        dispose(made.workspace, ANNA, confirm=6)
    return made.root


@pytest.fixture
def disposed(small: Made, disposed_root: Path) -> SmallArchive:
    return small(template=disposed_root, runs=2, now=LATER)


def readme(archive: SmallArchive) -> list[str]:
    """What the archive's own lines print, but for heads."""
    text = (archive.archive / "README.txt").read_text()
    lines = re.findall(r"^    .*$|^$", text, re.MULTILINE)
    ran = subprocess.run(
        ["bash", "-c", "\n".join(lines)], cwd=archive.archive, capture_output=True, text=True, check=False, timeout=60
    )
    return [line for line in (ran.stdout + ran.stderr).splitlines() if " head " not in line]


def document(archive: SmallArchive, kind: str) -> Path:
    found = (archive.archive / key for key in archive.custody())
    return next(path for path in found if json.loads(path.read_bytes())["kind"] == kind)


def rewritten(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.chmod(0o644)
    path.write_bytes(change(path.read_bytes()))


def test_what_tombstones_list_is_accepted_by_verify_and_by_the_readme(disposed: SmallArchive) -> None:
    report = disposed.verify()
    assert (report.findings, report.disposed, report.ok) == ((), 9, True)
    assert "disposed=9" in report.summary()
    assert readme(disposed) == []
    for scope in (Scope(sample=parse_sample("100%")), Scope(sample=parse_sample("1"))):
        assert disposed.verify(scope=scope).findings == ()


def test_what_no_tombstone_lists_is_missing(disposed: SmallArchive) -> None:
    victim = min(disposed.payload())
    (disposed.archive / victim).unlink()
    assert [(f.code, f.subject) for f in disposed.verify().findings] == [("FILE_MISSING", victim)]
    assert any("DAMAGED" in line for line in readme(disposed))


def test_what_a_tombstone_lists_and_is_there_is_a_notice_and_its_bytes_are_compared(
    disposed: SmallArchive, two_bags: Path
) -> None:
    gone = {str(path.relative_to(two_bags / "archive")) for path in (two_bags / "archive").rglob("original.*")}
    back = min(gone - disposed.payload())
    (disposed.archive / back).parent.mkdir(parents=True)
    shutil.copy(two_bags / "archive" / back, disposed.archive / back)
    report = disposed.verify()
    assert (report.ok, [(f.code, f.subject) for f in report.findings]) == (True, [("FILE_NOT_REMOVED", back)])
    assert any("holds what is disposed of" in line for line in readme(disposed))
    rewritten(disposed.archive / back, lambda content: content + b"x")
    assert disposed.codes() == ["BAG_MALFORMED", "FILE_ALTERED", "FILE_NOT_REMOVED"]


@pytest.mark.parametrize("change", [lambda text: text.replace(b"Anna", b"Otto"), lambda text: text[:-1], lambda _: b""])
def test_an_altered_tombstone_is_found_and_accounts_for_nothing(
    disposed: SmallArchive, change: Callable[[bytes], bytes]
) -> None:
    rewritten(document(disposed, "tombstone"), change)
    assert set(disposed.codes()) == {"CHAIN_MEMBER_ALTERED", "FILE_MISSING"}
    assert readme(disposed) != []


def test_a_tombstone_that_is_gone_or_that_nobody_vouches_for_accounts_for_nothing(disposed: SmallArchive) -> None:
    stone = document(disposed, "tombstone")
    content = stone.read_bytes()
    stone.unlink()
    assert set(disposed.codes()) == {"CHAIN_MEMBER_MISSING", "FILE_MISSING"}
    stone.with_name(f"{'0' * 8}-{'0' * 16}.json").write_bytes(content)
    assert set(disposed.codes()) == {"CHAIN_MEMBER_MISSING", "CUSTODY_NOT_CHAINED", "FILE_MISSING"}
    assert any("NOT IN THE CHAIN" in line for line in readme(disposed))


@pytest.mark.parametrize("kind", ["legal_hold", "release_request", "release", "tombstone"])
def test_every_document_that_is_altered_or_gone_is_found(disposed: SmallArchive, kind: str) -> None:
    path = document(disposed, kind)
    content = path.read_bytes()
    for offset in range(0, len(content), 397):
        rewritten(path, lambda _, at=offset: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])  # type: ignore[misc]
        assert "CHAIN_MEMBER_ALTERED" in disposed.codes(), offset
    path.unlink()
    assert "CHAIN_MEMBER_MISSING" in disposed.codes()


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"path": "data/calls/of-nobody.json"}])
def test_a_tombstone_that_does_not_go_with_its_bag_is_found_though_a_link_vouches_for_it(
    expired: SmallArchive, change: dict[str, str]
) -> None:
    (bag, *_) = list_expired(expired.workspace).bags
    record = next(each for each in bag.records if each.kind == "call")
    file = record.files[0].model_copy(update=change)
    stone = Tombstone(
        policy="emea_rates",
        at=LATER,
        actor="Mallory",
        reason="to hide it",
        bag=record.bag,
        prefix=bag.bag.prefix,
        seal_sha256=bag.bag.seal_sha256,
        records=(record.model_copy(update={"path": file.path, "files": (file,)}),),
    )
    with expired.workspace.catalog.begin() as connection:
        custody.enter(connection, [stone], chained_by="run", trail=[], now=LATER)
    vouch(expired.workspace, prepare(expired.workspace)[0], kinds=["tombstone"])
    assert expired.codes() == ["TOMBSTONE_WRONG"]
    (expired.archive / bag.bag.prefix / record.files[0].path).unlink()
    assert expired.codes() == ["FILE_MISSING", "TOMBSTONE_WRONG"]


def test_a_stray_file_among_the_documents_is_found(disposed: SmallArchive) -> None:
    (disposed.archive / "emea_rates/custody/stray.json").write_bytes(b"{}")
    assert set(disposed.codes()) == {"CUSTODY_NOT_CHAINED", "FILE_MISPLACED"}


def test_the_link_of_a_tombstone_is_signed_when_a_key_is_configured(
    small: Made, two_bags: Path, tmp_path: Path
) -> None:
    key, public = tmp_path / "key.pem", tmp_path / "public.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", str(key), "-pubout", "-out", str(public)], check=True)
    made = small(template=two_bags, runs=2, now=LATER, proof=ProofSettings(signing_key_file=key))
    dispose(made.workspace, ANNA, confirm=8)
    link = max(made.archive.glob("*/chain/*.json"))
    assert json.loads(link.read_bytes())["key_id"]
    checked = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(public), "-rawin", "-in", str(link)]
    subprocess.run([*checked, "-sigfile", str(link.with_suffix(".sig"))], check=True, capture_output=True)
    assert made.verify(trust=read_trust([public], None)).findings == ()
    assert readme(made) == []
