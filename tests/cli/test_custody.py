"""The commands ``hold``, ``retention`` and ``dispose``, as a person gives them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from custody_bench import LATER, POLICY, POLICY_FILE, SmallArchive, a_call
from typer.testing import CliRunner

from cloud9_archive.cli import app

BY = ["--actor", "Anna Smith", "--reason", "case 7"]
BEN = ["--actor", "Ben Jones", "--reason", "closed"]


@pytest.fixture
def archive(settings_only: Path, tmp_path: Path) -> SmallArchive:
    """A deployment of one policy, with two archived calls, whose retention has ended."""
    for path in (settings_only / "policies").glob("*.yaml"):
        path.unlink()
    (settings_only / "policies" / f"{POLICY}.yaml").write_text(POLICY_FILE)
    shutil.rmtree(tmp_path / "data", ignore_errors=True)
    made = SmallArchive(tmp_path / "data")
    made.seal(a_call(1), a_call(2))
    made.stack.close()
    made.now = LATER
    return made


def run(*words: str, ends: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == ends, done.output
    return done.output


def test_a_hold_from_its_placing_to_its_release(archive: SmallArchive) -> None:
    out = run("hold", "place", "case 7", "--user", "jsmith@firm.example", "--to", "2026-03-03T09:01:30Z", *BY)
    assert "policy=emea_rates recordings=1 calls=1 document=emea_rates/custody/" in out
    assert "case 7: standing policy=emea_rates placed_by=Anna Smith" in run("hold", "list")
    (shown,) = json.loads(run("hold", "show", "CASE 7"))
    assert (shown["state"], shown["records_now"]) == ("standing", 2)
    assert shown["records_shown"][0].startswith("call cloud9_emea/call-1 in ")
    assert "expired=2 bags=1 files=3 bytes=" in run("dispose", POLICY)
    assert "release requested; another person" in run("hold", "release", "case 7", *BY)
    out = run("hold", "release", "case 7", "--actor", "anna smith", "--reason", "again", ends=2)
    assert out.startswith("error: anna smith asked on ")
    assert "and cannot approve it" in out
    assert ": released document=emea_rates/custody/" in run("hold", "release", "case 7", *BEN)
    assert run("hold", "list") == "holds: 0\n"
    (listed,) = json.loads(run("hold", "list", "--all", "--json"))
    assert (listed["state"], listed["requested_by"], listed["released_by"]) == ("released", "Anna Smith", "Ben Jones")
    assert "no hold labelled" in run("hold", "release", "case 7", *BEN, ends=2)
    assert run("hold", "show", "case 9", ends=1) == "[]\n"
    assert "expired=4" in run("dispose", POLICY)


def test_disposal_is_a_dry_run_until_its_count_is_confirmed(archive: SmallArchive) -> None:
    before = archive.payload()
    out = run("dispose", POLICY)
    assert [line.split(":")[0] for line in out.splitlines()] == ["expired"] * 4 + [
        "dispose",
        "nothing was removed; to remove it",
    ]
    assert "since=2026-04-02T09:01:00Z files=2 bytes=" in out
    document = json.loads(run("dispose", POLICY, "--json"))
    assert (document["expired"], len(document["bags"][0]["records"])) == (4, 4)
    assert "3 records were confirmed, and 4 of emea_rates have expired" in run(
        "dispose", POLICY, "--confirm", "3", *BY, ends=2
    )
    assert "--confirm was given without --actor" in run("dispose", POLICY, "--confirm", "4", ends=2)
    assert archive.payload() == before
    assert "dispose: records=4 files=6 bytes=" in run("dispose", POLICY, "--confirm", "4", *BY)
    assert archive.payload() == set()
    assert "expired=0" in run("dispose", POLICY)
    assert "verify: ok" in run("verify", str(archive.archive))


def test_an_archive_of_one_policy_can_be_named_by_its_address(archive: SmallArchive, settings_only: Path) -> None:
    for address in (str(archive.archive), f"file://{archive.archive}"):
        assert "expired=4" in run("dispose", address)
    assert "is the archive of 0 policies" in run("dispose", "s3://bucket/elsewhere", ends=2)
    second = POLICY_FILE.replace(f"policy: {POLICY}", "policy: emea_other")
    (settings_only / "policies" / "emea_other.yaml").write_text(second)
    out = run("dispose", str(archive.archive), ends=2)
    assert "is the archive of 2 policies: emea_other, emea_rates" in out


def test_what_is_damaged_is_told_and_ends_with_1(archive: SmallArchive) -> None:
    victim = archive.archive / min(archive.payload())
    victim.chmod(0o644)
    victim.write_bytes(b"x")
    out = run("dispose", POLICY, ends=1)
    assert "not as it was sealed: emea_rates/bags/" in out
    assert "expired=0" in out


def test_retention_is_extended_and_never_shortened(archive: SmallArchive) -> None:
    out = run("retention", "extend", POLICY, "--until", "2026-05-02", "--call", "call-1", *BY)
    assert out == "retention: extended=2 unchanged=0 finished=0\n"
    assert run("retention", "extend", POLICY, "--until", "2026-05-02T02:00:00+02:00", "--call", "call-1", *BY) == (
        "retention: extended=0 unchanged=2 finished=0\n"
    )
    out = run("retention", "extend", POLICY, "--retention", "40d", "--from", "2026-03-03", *BY, ends=2)
    assert "retention only grows" in out
    assert "call cloud9_emea/call-1" in out
    assert "extended=4" in run("retention", "extend", POLICY, "--retention", "10y", "--from", "2026-03-03", *BY)
    assert "expired=0" in run("dispose", POLICY)


REFUSED: list[tuple[list[str], str]] = [
    (["hold", "place", "case 7", *BY], "everything is too much"),
    (["hold", "place", "case 7", "--call", "x", "--actor", " ", "--reason", "r"], "actor: a text is wanted"),
    (["hold", "place", "case\n7", "--call", "x", *BY], "label: a text is wanted"),
    (["hold", "place", "c", "--from", "2026-03-03T01:00:00", *BY], "--from is '2026-03-03T01:00:00'"),
    (["hold", "place", "c", "--from", "2026-03-04", "--to", "2026-03-03", *BY], "from must lie before to"),
    (["hold", "place", "c", "--from", "soon", *BY], "write a day, 2033-01-31"),
    (["retention", "extend", POLICY, "--call", "call-1", *BY], "an end is wanted, and one only"),
    (["retention", "extend", POLICY, "--call", "call-1", "--retention", "10", *BY], "--retention is"),
    (["retention", "extend", POLICY, "--call", "call-9", "--until", "2033-01-01", *BY], "nothing that is archived"),
    (["hold", "release", "case 7", *BY], "no hold labelled"),
    (["dispose", "unknown"], "unknown"),
]


def test_what_cannot_be_is_told_in_words_and_changes_nothing(archive: SmallArchive) -> None:
    files = {path for path in archive.archive.rglob("*") if path.is_file()}
    for words, told in REFUSED:
        out = run(*words, ends=2)
        assert told in out
        assert "Traceback" not in out
        assert {path for path in archive.archive.rglob("*") if path.is_file()} == files
