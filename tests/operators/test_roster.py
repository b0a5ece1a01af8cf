"""The operator that lays the roster beside Cloud9's users, and rosters that a task reads through Airflow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from cloud9_archive.emulator.firm import EMEA, Person
from cloud9_archive.emulator.management import management_key
from cloud9_archive.errors import ConfigurationError, RosterError
from cloud9_archive.operators import Cloud9SyncRosterOperator
from cloud9_archive.pipeline.roster_files import load_roster


@pytest.fixture
def firm(deployment: Any) -> Iterator[Any]:
    """The deployment with a connection to the Management API, and Cloud9's users as they were afterwards."""
    key = management_key(deployment.cloud9.keys["emea"])
    deployment.connect("cloud9_management", of="emea", login=key.api_key, password=key.api_secret)
    yield deployment
    deployment.cloud9.cloud.directory.joined.clear()
    deployment.cloud9.cloud.directory.left.clear()


def test_joiners_leavers_and_unknown_logins_are_reported(firm: Any, context: Any, whole_run: Any) -> None:
    leaver = EMEA.traders[0].login
    firm.cloud9.cloud.directory.joined.append(
        Person("new@firm.example", "41999", "Nora New", "3574-10", "Rates London")
    )
    firm.cloud9.cloud.directory.left.add(leaver)
    run = whole_run(context())
    run.fetch_calls()
    run.apply()
    roster = firm.include / "rosters" / "emea.csv"
    before = roster.read_bytes()
    operator = Cloud9SyncRosterOperator(
        task_id="compare",
        policy="emea_rates",
        management_conn_id="cloud9_management",
        report=str(firm.data_root / "{{ params.get('name') or 'users' }}.json"),
        proposal=str(firm.data_root / "proposed.csv"),
        joiner_mode="do_not_record",
    )
    found = run.work(operator)
    document = json.loads((firm.data_root / "users.json").read_text(encoding="utf-8"))
    joined = {each["login"] for each in document["joiners"]}
    assert "new@firm.example" in joined
    assert found["joiners"] == len(joined)
    assert leaver in {each["login"] for each in document["leavers"]}
    unknown = {each["login"] for each in document["unknown_logins"]}
    assert unknown & {person.login for person in EMEA.strangers}
    assert unknown - {person.login for person in EMEA.strangers} <= {"tobrien@firm.example"}, "who left before the day"
    assert found["unknown_to_cloud9"] == 0
    assert "new@firm.example" in {each.value for each in load_roster(firm.data_root / "proposed.csv").extensions}
    assert roster.read_bytes() == before
    assert not any(secret in json.dumps(found) for secret in firm.secrets)


def test_the_report_has_a_place_of_its_own(firm: Any, context: Any, whole_run: Any) -> None:
    operator = Cloud9SyncRosterOperator(task_id="compare", policy="emea_rates", management_conn_id="cloud9_management")
    found = whole_run(context()).work(operator)
    assert found["report"] == str(firm.data_root / "rosters" / "emea_rates-users.json")
    assert "proposal" not in found


def test_a_mode_that_there_is_not_is_told_when_the_dag_is_parsed() -> None:
    with pytest.raises(ConfigurationError, match="joiner_mode is 'fulll' – give full"):
        Cloud9SyncRosterOperator(task_id="x", policy="p", management_conn_id="m", joiner_mode="fulll")


def policy_over(firm: Any, roster: str) -> None:
    path = firm.include / "policies" / "emea_rates.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("roster: rosters/emea.csv", f"roster: {roster}"), encoding="utf-8")
    assert roster in path.read_text(encoding="utf-8")


def test_a_run_decides_by_a_roster_from_a_database(firm: Any, context: Any, whole_run: Any, tmp_path: Any) -> None:
    with closing(sqlite3.connect(tmp_path / "hr.sqlite")) as connection:
        connection.execute("CREATE TABLE people (login text)")
        connection.executemany("INSERT INTO people VALUES (?)", [(person.login,) for person in EMEA.people])
        connection.commit()
    firm.environment.setenv(
        "AIRFLOW_CONN_HR_DB", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "hr.sqlite")})
    )
    sql = "SELECT 'user_agent_id' AS extension_type, login AS extension, login AS user, 'full' AS mode FROM people"
    policy_over(firm, json.dumps({"sql": sql, "conn_id": "hr_db"}))
    run = whole_run(context())
    run.fetch_calls()
    run.apply()
    assert run.xcom["decisions"][0]["excluded"] == 0


def test_a_run_decides_by_a_roster_at_an_address(firm: Any, context: Any, whole_run: Any, tmp_path: Any) -> None:
    roster = tmp_path / "elsewhere" / "emea.csv"
    roster.parent.mkdir()
    roster.write_bytes((firm.include / "rosters" / "emea.csv").read_bytes())
    run = whole_run(context())
    run.fetch_calls()
    policy_over(firm, roster.as_uri())
    run.apply()
    assert run.xcom["decisions"][0]["recorded"] > 0


def test_a_roster_that_cannot_be_reached_excludes_nobody(
    firm: Any, context: Any, whole_run: Any, tmp_path: Any
) -> None:
    policy_over(firm, f"file://{tmp_path}/gone.csv")
    run = whole_run(context())
    run.fetch_calls()
    with pytest.raises(RosterError, match="FileNotFoundError"):
        run.apply()
    assert "decisions" not in run.xcom
