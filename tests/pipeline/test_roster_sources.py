"""A policy's roster, wherever the policy says that it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rosters import HEADER, PlainReach, policy_with, roster_text

from cloud9_archive.domain.roster import Roster
from cloud9_archive.errors import PolicyError, RosterError
from cloud9_archive.pipeline.policy_files import load_policy
from cloud9_archive.pipeline.roster_reach import QueryAnswer
from cloud9_archive.pipeline.roster_sources import load_roster_of, read_roster_of

QUERY = {"sql": "SELECT extension_type, extension, user, mode, valid_from FROM people", "conn_id": "hr_db"}
AT = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.fixture
def reach(tmp_path: Path) -> PlainReach:
    return PlainReach(tmp_path, {"hr_db": tmp_path / "hr.sqlite"})


@pytest.fixture
def people(reach: PlainReach) -> Any:
    def fill(*rows: Sequence[Any]) -> None:
        with closing(sqlite3.connect(reach.databases["hr_db"])) as connection:
            connection.execute("CREATE TABLE people (extension_type, extension, user, mode, valid_from)")
            connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", rows)
            connection.commit()

    return fill


def logins(roster: Roster | None) -> list[str]:
    assert roster is not None
    return [each.value for each in roster.extensions]


@pytest.mark.parametrize("name", ["emea.csv", "desk/emea.json", "emea.yaml"])
def test_a_file_below_include_is_read_without_any_reach(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    fields = '"extension_type": "user_agent_id", "extension": "anna", "user": "anna", "mode": "full"'
    path.write_text(roster_text("anna") if name.endswith("csv") else f"[{{{fields}}}]")
    assert logins(load_roster_of(policy_with(name), include=tmp_path)) == ["anna"]


def test_an_address_is_read_by_the_reach(tmp_path: Path, reach: PlainReach) -> None:
    (tmp_path / "emea.csv").write_text(roster_text("anna"))
    policy = policy_with("s3://aws_hr@bucket/rosters/emea.csv")
    loaded = read_roster_of(policy, include=tmp_path, reach=reach)
    assert loaded is not None
    assert (logins(loaded.roster), loaded.origin) == (["anna"], "s3://aws_hr@bucket/rosters/emea.csv")
    (tmp_path / "emea.csv").write_text(roster_text("anna", mode="fulll"))
    with pytest.raises(RosterError, match=r"^s3://aws_hr@bucket/rosters/emea\.csv:2: mode: found 'fulll'"):
        load_roster_of(policy, include=tmp_path, reach=reach)
    with pytest.raises(RosterError, match="is not a file – it can be read only where Airflow"):
        load_roster_of(policy, include=tmp_path)


def test_a_query_is_a_roster(tmp_path: Path, reach: PlainReach, people: Any) -> None:
    people(
        ("user_agent_id", "anna", "anna", "full", "2026-01-01"), ("number_address", 442079460101, "bert", "full", None)
    )
    roster = load_roster_of(policy_with(QUERY), include=tmp_path, reach=reach)
    assert logins(roster) == ["442079460101", "anna"]
    assert roster is not None
    assert not roster.matching("anna", datetime(2025, 12, 31, tzinfo=UTC))


def test_faults_of_a_query_are_told_with_the_number_of_the_row(tmp_path: Path, reach: PlainReach, people: Any) -> None:
    people(
        ("user_agent_id", "anna", "anna", "full", 1.5),
        ("user_agent_id", None, "bert", "fulll", None),
        ("user_agent_id", "cleo", "cleo", "full", None),
        ("user_agent_id", "cleo", "dora", "full", None),
    )
    with pytest.raises(RosterError) as caught:
        load_roster_of(policy_with(QUERY), include=tmp_path, reach=reach)
    assert str(caught.value).splitlines() == [
        "query over hr_db, row 1: valid_from: found '1.5': text, a whole number or a date is wanted",
        "query over hr_db, row 2: extension: found nothing: a value is wanted",
        "query over hr_db, row 2: mode: found 'fulll': one of full, do_not_record, never_record is wanted (did you mean full?)",
        (
            "query over hr_db, row 4: extension: found 'cleo', valid without limit of time: one row at a time is wanted "
            "for an extension, and row 3 has it, valid without limit of time"
        ),
    ]


def test_a_query_without_rows_or_with_other_columns_is_refused(tmp_path: Path, reach: PlainReach, people: Any) -> None:
    people()
    with pytest.raises(RosterError, match="query over hr_db has no rows"):
        load_roster_of(policy_with(QUERY), include=tmp_path, reach=reach)
    other = {**QUERY, "sql": "SELECT extension, 1 AS usr FROM people"}
    with pytest.raises(RosterError, match=r"the column 'usr': only .*did you mean user"):
        load_roster_of(policy_with(other), include=tmp_path, reach=reach)


def test_values_of_a_database_are_read_as_cells(tmp_path: Path) -> None:
    midnight = datetime(2026, 1, 1)  # noqa: DTZ001 - as drivers give them

    class Values:
        @contextmanager
        def query(self, sql: str, *, conn_id: str) -> Any:
            names = ("extension_type", "extension", "user", "mode", "valid_from", "valid_to")
            rows = [
                ("user_agent_id", Decimal(7), 7, " full ", date(2025, 1, 1), midnight),
                ("user_agent_id", True, "x", "full", midnight.replace(hour=1), b""),
            ]
            yield QueryAnswer(names, iter(rows[: self.rows]))

        rows = 1

    reach: Any = Values()
    roster = load_roster_of(policy_with(QUERY), include=tmp_path, reach=reach)
    assert logins(roster) == ["7"]
    reach.rows = 2
    with pytest.raises(RosterError) as caught:
        load_roster_of(policy_with(QUERY), include=tmp_path, reach=reach)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["extension", "valid_from", "valid_to"]


def test_options_of_the_policy_hold_for_the_roster(tmp_path: Path) -> None:
    (tmp_path / "emea.csv").write_text(HEADER + "user_agent_id,*@Firm.example,desk,full\n")
    exact = load_roster_of(policy_with("emea.csv"), include=tmp_path)
    loose = load_roster_of(policy_with("emea.csv", fold_case=True, wildcards=True), include=tmp_path)
    assert exact is not None
    assert loose is not None
    assert not exact.matching("anna@firm.example", AT)
    assert loose.matching("anna@firm.example", AT)
    assert exact.version != loose.version


@pytest.mark.parametrize(
    ("roster", "told"),
    [
        ("emea.txt", r"recording_rules\.roster: found 'emea\.txt': the path of a \.csv, \.json or \.yaml file"),
        ("../emea.csv", "the path of a"),
        ("s3://user:secret-secret@bucket/emea.csv", "the path of a"),
        ("s3://bucket/emea.csv?version=3", "the path of a"),
        ("S3://bucket/emea.csv", "the path of a"),
        (
            "{sql: SELECT 1}",
            r"recording_rules\.roster\.conn_id: found nothing: this key is wanted, such as conn_id: hr_db",
        ),
        ("{sql: DELETE FROM people, conn_id: hr_db}", r"roster\.sql: found .*begins with SELECT or WITH"),
        ("{sql: 'SELECT 1; DROP TABLE people', conn_id: hr_db}", r"roster\.sql: found .*begins with SELECT or WITH"),
        ("{sql: SELECT 1, conn_id: hr db}", r"roster\.conn_id: found 'hr db'"),
        (
            "{sql: SELECT 1, conn_id: hr_db, password: x}",
            r"roster\.password: found an unknown key: one of sql, conn_id",
        ),
        ("3", "the path of a|text is wanted"),
        ("[a]", "text is wanted"),
    ],
)
def test_places_that_are_none_are_refused(tmp_path: Path, roster: str, told: str) -> None:
    path = tmp_path / "emea.yaml"
    path.write_text(
        "policy: emea\nsources: [a]\nschedule: {cron: '0 2 * * *', timezone: UTC}\n"
        f"recording_rules:\n  enabled: true\n  roster: {roster}\narchive: {{target: archive}}\n"
    )
    with pytest.raises(PolicyError, match=told) as caught:
        load_policy(path)
    assert "secret-secret" not in str(caught.value)


def test_a_policy_with_a_query_says_the_same_when_its_document_is_read_back() -> None:
    policy = policy_with({**QUERY, "sql": " SELECT 1 ; "})
    assert type(policy).model_validate(policy.document()) == policy
    assert policy.recording_rules.roster_name == "query over hr_db"
