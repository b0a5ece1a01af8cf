"""A roster laid beside the users of Cloud9, and what is written of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rosters import policy_with, roster_text

from cloud9_archive.catalog.catalog import Catalog, open_catalog
from cloud9_archive.catalog.roster_use import note_unknown_logins
from cloud9_archive.domain.people import CloudUser
from cloud9_archive.domain.roster import RecordingMode
from cloud9_archive.domain.roster_comparison import UnknownLogin
from cloud9_archive.errors import ConfigurationError, RosterError
from cloud9_archive.pipeline.roster_comparing import Compared, compare_with_cloud9, write_comparison
from cloud9_archive.pipeline.roster_files import load_roster
from cloud9_archive.pipeline.roster_proposal import propose_roster
from cloud9_archive.pipeline.settings import Settings

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
USERS = [
    CloudUser("anna"),
    CloudUser("zoe", "7", "Zoe Zed", "zoe@firm.example", "3574", ("1", "2")),
    CloudUser("=cmd|' /C calc'!A0", display_name="=evil"),
    CloudUser("nul\x00", display_name="x\ny"),
    CloudUser("yan", display_name="=evil"),
]


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    note_unknown_logins(catalog, "emea_rates", [UnknownLogin("cloud9", "zoe", "c1", NOW)], now=NOW)
    yield catalog
    catalog.close()


@pytest.fixture
def compared(tmp_path: Path, catalog: Catalog) -> Compared:
    (tmp_path / "emea.csv").write_text(roster_text("anna", "bert"))
    return compare(tmp_path, catalog)


def compare(root: Path, catalog: Catalog, users: list[CloudUser] = USERS, policy: Any = None) -> Compared:
    return compare_with_cloud9(
        policy or policy_with("emea.csv"), Settings(root, root), catalog, users=users, reach=None, now=NOW
    )


def test_what_differs_is_counted(compared: Compared) -> None:
    assert compared.counts == {
        "cloud9_users": 5,
        "roster_extensions": 2,
        "joiners": 4,
        "leavers": 1,
        "unknown_logins": 1,
        "unknown_to_cloud9": 0,
    }


def test_nobody_at_all_is_no_answer(tmp_path: Path, catalog: Catalog, compared: Compared) -> None:
    with pytest.raises(RosterError, match="lists no user at all"):
        compare(tmp_path, catalog, users=[])


def test_without_rules_there_is_nothing_to_compare(tmp_path: Path, catalog: Catalog) -> None:
    off = policy_with("emea.csv").model_copy(
        update={"recording_rules": policy_with(None, enabled=False).recording_rules}
    )
    with pytest.raises(RosterError, match="are off, so that it has no roster"):
        compare(tmp_path, catalog, policy=off)


def test_the_report_names_everybody(tmp_path: Path, compared: Compared) -> None:
    path = tmp_path / "reports" / "users.json"
    write_comparison(path, compared.comparison, policy="emea_rates")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert [each["login"] for each in document["joiners"]] == ["=cmd|' /C calc'!A0", "nul\x00", "yan", "zoe"]
    assert document["joiners"][3] == {
        "login": "zoe",
        "display_name": "Zoe Zed",
        "email": "zoe@firm.example",
        "firm_id": "3574",
        "group_ids": "1 2",
    }
    assert document["leavers"] == [{"login": "bert", "user": "bert", "note": "valid without limit of time"}]
    assert document["unknown_logins"] == [
        {"source": "cloud9", "login": "zoe", "note": "1 calls, the last 2026-03-03T09:00:00Z; a user of Cloud9"}
    ]


def test_no_cell_of_the_csv_acts(tmp_path: Path, compared: Compared) -> None:
    path = tmp_path / "users.csv"
    write_comparison(path, compared.comparison, policy="emea_rates")
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream, delimiter=";", strict=True)
    assert header[:3] == ["kind", "source", "login"]
    assert [row[0] for row in rows] == ["joiner"] * 4 + ["leaver", "unknown_login"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_a_report_of_another_format_or_in_no_folder_is_refused(tmp_path: Path, compared: Compared) -> None:
    with pytest.raises(ConfigurationError, match=r"end its name in \.json or \.csv"):
        write_comparison(tmp_path / "users.xlsx", compared.comparison, policy="emea_rates")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_comparison(tmp_path / "file" / "users.csv", compared.comparison, policy="emea_rates")


def test_a_proposal_is_no_roster_until_somebody_decides_on_the_modes(tmp_path: Path, compared: Compared) -> None:
    before = (tmp_path / "emea.csv").read_bytes()
    path = tmp_path / "proposed.csv"
    proposal = propose_roster(path, compared)
    assert (proposal.added, proposal.ended) == (2, 1)
    assert proposal.left_out == ("=cmd|' /C calc'!A0", "nul\x00")
    with pytest.raises(RosterError) as caught:
        load_roster(path)
    assert [line.partition(".csv:")[2] for line in str(caught.value).splitlines()] == [
        "4: mode: found nothing: a value is wanted",
        "5: mode: found nothing: a value is wanted",
    ]
    assert (tmp_path / "emea.csv").read_bytes() == before


def test_a_proposal_with_a_mode_is_the_roster_of_tomorrow(tmp_path: Path, compared: Compared) -> None:
    path = tmp_path / "proposed.csv"
    propose_roster(path, compared, mode=RecordingMode.FULL)
    roster = load_roster(path)
    assert "=evil" not in path.read_text(encoding="utf-8")
    for login, yesterday, today in (("anna", 1, 1), ("bert", 1, 0), ("zoe", 0, 1)):
        assert len(roster.matching(login, NOW - timedelta(days=1))) == yesterday
        assert len(roster.matching(login, NOW)) == today
