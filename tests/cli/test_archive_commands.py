"""Search, export and rebuild by the commands, over what a run has archived."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bagit
import pytest
from sqlalchemy import select

from cloud9_archive.catalog.catalog import open_catalog
from cloud9_archive.catalog.tables import events


def trail(address: str, what: str) -> list[Any]:
    catalog = open_catalog(address)
    with catalog.begin() as connection:
        found = connection.execute(select(events).where(events.c.what == what)).all()
    catalog.close()
    return list(found)


def lines(result: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_what_a_run_archived_is_found_handed_out_and_rebuilt(
    command: Any, firm: Any, hours: tuple[str, str], tmp_path: Path
) -> None:
    ran = command("run", "emea_rates", "--from", hours[0], "--to", hours[1])
    assert ran.exit_code == 0, ran.stderr
    archive = firm.data_root / "archive"
    address = f"sqlite:///{firm.data_root / 'catalog.sqlite'}"

    everything = lines(command("search", "--json", "--policy", "emea_rates"))
    archived = [each for each in everything if each["state"] == "archived"]
    assert archived
    assert {"excluded"} < {each["state"] for each in everything}
    for each in archived:
        assert (archive / each["document"]).is_file()
        assert all((archive / one["original"]).is_file() for one in each["recordings"])
    export_tells_who(command, archive, address, archived[0], tmp_path / "out")
    rebuild_wants_it_empty(command, archive, address, tmp_path)
    assert [each for each in lines(command("search", "--json", "--policy", "emea_rates")) if each["document"]] == [
        each for each in everything if each["document"]
    ]


def test_search_tells_a_person_and_a_program(command: Any, firm: Any, hours: tuple[str, str]) -> None:
    assert command("run", "emea_rates", "--from", hours[0], "--to", hours[1]).exit_code == 0
    one = next(each for each in lines(command("search", "--json")) if each["document"])
    (alone,) = lines(command("search", "--json", "--call", one["call_id"], "--from", one["started_at"][:10]))
    assert alone == one
    shown = command("search", "--call", one["call_id"])
    assert one["near_end"][:20] in shown.stdout
    assert one["document"].rpartition("/data/")[0] in shown.stdout
    few = command("search", "--json", "--limit", 1)
    assert len(lines(few)) == 1
    assert "more than 1" in few.stderr
    nobody = command("search", "--user", "nobody")
    assert (nobody.exit_code, nobody.stdout) == (1, "")
    assert command("search", "--from", "yesterday").exit_code == 2
    assert command("search", "--from", "2026-03-03", "--to", "2026-03-02").exit_code == 2


def export_tells_who(command: Any, archive: Path, address: str, one: dict[str, Any], out: Path) -> None:
    refused = command("export", archive, "--out", out)
    assert refused.exit_code == 2
    assert "nothing narrows the selection" in refused.stderr
    assert command("export", archive, "--out", out, "--everything", "--sidecar", "verbal").exit_code == 2
    assert not out.exists()
    words = ("--call", one["call_id"], "--sidecar", "verba", "--actor", "jane", "--reason", "case 7", "--json")
    told = json.loads(command("export", archive, "--out", out, *words).stdout)
    bagit.Bag(str(out)).validate()
    assert (told["calls"], told["noted_in_trail"], told["findings"]) == (1, True, [])
    (noted,) = trail(address, "archive.exported")
    assert (noted.who, noted.policy, noted.subject) == ("jane", "emea_rates", told["seal_sha256"])
    assert json.loads(noted.after)["reason"] == "case 7"
    assert json.loads(noted.after)["selection"] == {"calls": [one["call_id"]]}
    again = command("export", archive, "--out", out, "--call", one["call_id"])
    assert again.exit_code == 2
    assert "is not empty" in again.stderr


def rebuild_wants_it_empty(command: Any, archive: Path, address: str, tmp_path: Path) -> None:
    full = command("catalog", "rebuild", archive)
    assert full.exit_code == 2
    assert "this catalog is not empty" in full.stderr
    for path in archive.parent.glob("catalog.sqlite*"):
        path.unlink()
    assert command("search", "--user", "nobody").exit_code == 2, "no catalog is not no call"
    rebuilt = command("catalog", "rebuild", archive, "--actor", "jane")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert "head of emea_rates: link 1" in rebuilt.stdout
    assert "not in archives" in rebuilt.stdout
    assert rebuilt.stdout.splitlines()[-1].startswith("rebuild: policies=1 links=1 bags=")
    assert [each.who for each in trail(address, "catalog.rebuilt")] == ["jane"]
    elsewhere = command("catalog", "rebuild", archive, "--catalog", f"sqlite:///{tmp_path / 'new.sqlite'}", "--json")
    assert json.loads(elsewhere.stdout)["policies"] == ["emea_rates"]
    report = next(archive.glob("emea_rates/reports/*/*/*/*.json"))
    report.chmod(0o644)
    report.write_bytes(b"{}")
    bad = command("catalog", "rebuild", archive, "--catalog", f"sqlite:///{tmp_path / 'bad.sqlite'}")
    assert bad.exit_code == 1
    assert f"fault: CHAIN_MEMBER_ALTERED {report.relative_to(archive)}" in bad.stdout


def test_an_export_without_a_catalog_says_that_nobody_keeps_it(
    command: Any, firm: Any, tmp_path: Path, hours: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("run", "emea_rates", "--from", hours[0], "--to", hours[1]).exit_code == 0
    archive = (firm.data_root / "archive").rename(tmp_path / "elsewhere")
    for path in firm.data_root.glob("catalog.sqlite*"):
        path.unlink()
    told = command("export", archive, "--out", tmp_path / "out", "--everything")
    assert told.exit_code == 0, told.output
    assert "no catalog is here" in told.stderr
    assert not (firm.data_root / "catalog.sqlite").exists()
    named = command("export", archive, "--out", tmp_path / "2", "--everything", "--catalog", f"sqlite:///{tmp_path}/no")
    assert named.exit_code == 2
    assert not (tmp_path / "2").exists()
