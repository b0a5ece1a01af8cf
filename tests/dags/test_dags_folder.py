"""The DAG folder as the DAG processor sees it: what loads, what a broken policy costs, and what parsing costs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

POLICIES = {"americas_credit", "emea_rates"}
ESTATE = {"cloud9_disposition", "cloud9_reconcile", "cloud9_verify"}
HEAVY = {"alembic", "av", "boto3", "cryptography", "fastapi", "requests", "sqlalchemy", "uvicorn"}
ROOMS = {"api", "catalog", "emulator", "hooks", "media", "storage"}
TABLES = {f"cloud9_archive.media{name}" for name in ("", ".codings", ".profiles")}
"""A policy names profiles and the settings limits: plain tables, which import nothing heavy."""
MOST_SECONDS = 1.5
PARSE = """
import json, sys, time
from airflow.sdk import CronDataIntervalTimetable  # the SDK imports on demand; its cron reader runs a program to know the machine

before, events, listening = set(sys.modules), [], True
watched = ("socket.", "sqlite3.", "subprocess.", "os.fork", "os.posix_spawn")
sys.addaudithook(lambda name, _: events.append(name) if listening and name.startswith(watched) else None)
began = time.process_time()
import runpy

dag = runpy.run_path(sys.argv[1])["dag"]
seconds, listening = time.process_time() - began, False
print(json.dumps({"dag": dag.dag_id, "seconds": seconds, "events": events, "modules": sorted(set(sys.modules) - before)}))
"""


@pytest.fixture(scope="module")
def parsed(repository: Path) -> dict[str, Any]:
    """What one stub does to a fresh interpreter that has the SDK already."""
    environment = {**os.environ, "AIRFLOW__CLOUD9_ARCHIVE__INCLUDE_FOLDER": str(repository / "include")}
    command = [sys.executable, "-c", PARSE, str(repository / "dags" / "emea_rates.py")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return answer


def test_both_example_policies_load(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == POLICIES | ESTATE


def test_every_policy_has_its_stub_and_every_stub_its_policy(repository: Path) -> None:
    stubs = {path.stem for path in (repository / "dags").glob("*.py")}
    assert stubs - ESTATE == {path.stem for path in (repository / "include" / "policies").glob("*.yaml")}


@pytest.mark.parametrize(
    ("line", "broken", "place", "words"),
    [
        ("  timezone: Europe/London", "  timezone: Europe/Londno", "schedule.timezone", "did you mean Europe/London?"),
        ("  profile: alaw_8k", "  profil: alaw_8k", "media.profil", "did you mean profile?"),
        ("policy: emea_rates", "policy: emea_fx", "policy", "a file named emea_fx.yaml"),
    ],
)
def test_a_broken_policy_costs_only_its_own_dag(
    settings_only: Path, repository: Path, line: str, broken: str, place: str, words: str
) -> None:
    policy = settings_only / "policies" / "emea_rates.yaml"
    text = policy.read_text(encoding="utf-8")
    number = text.splitlines().index(line) + 1
    policy.write_text(text.replace(line, broken, 1), encoding="utf-8")

    bag = DagBag(repository / "dags")

    assert set(bag.dags) == (POLICIES | ESTATE) - {"emea_rates"}
    ((stub, error),) = bag.import_errors.items()
    assert Path(stub).name == "emea_rates.py"
    assert f"{policy}:{number}: {place}: found " in error
    assert words in error


def test_a_policy_that_is_gone_costs_only_its_own_dag(settings_only: Path, repository: Path) -> None:
    (settings_only / "policies" / "americas_credit.yaml").unlink()
    bag = DagBag(repository / "dags")
    assert set(bag.dags) == {"emea_rates"} | ESTATE
    (error,) = bag.import_errors.values()
    assert "americas_credit.yaml cannot be read: No such file or directory" in error


def test_parsing_opens_no_connection_and_no_database(parsed: dict[str, Any]) -> None:
    assert parsed["dag"] == "emea_rates"
    assert parsed["events"] == []


def test_parsing_imports_nothing_heavy(parsed: dict[str, Any]) -> None:
    modules = set(parsed["modules"])
    assert {name.partition(".")[0] for name in modules} & HEAVY == set()
    ours = {name for name in modules if name.startswith("cloud9_archive.") and name.split(".")[1] in ROOMS}
    assert ours <= TABLES


def test_parsing_is_cheap(parsed: dict[str, Any]) -> None:
    assert parsed["seconds"] < MOST_SECONDS  # of this one thread, so that a busy machine does not matter


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_two_parses_give_the_same_dag_to_the_scheduler(bag: DagBag, repository: Path, name: str) -> None:
    first = DagSerialization.to_dict(bag.dags[name])
    second = DagSerialization.to_dict(DagBag(repository / "dags").dags[name])
    assert first == second
    assert json.loads(json.dumps(first))["dag"]["dag_id"] == name


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_the_scheduler_reads_back_what_was_meant(bag: DagBag, name: str) -> None:
    meant = bag.dags[name]
    read = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(meant))))
    assert set(read.task_dict) == set(meant.task_dict)
    assert read.catchup == meant.catchup
    assert read.start_date == meant.start_date
    assert {task_id: task.trigger_rule for task_id, task in read.task_dict.items()} == {
        task_id: task.trigger_rule for task_id, task in meant.task_dict.items()
    }
    assert [task_id for task_id, task in read.task_dict.items() if not task.downstream_task_ids] == ["reconcile"]


def test_airflow_does_not_execute_the_package_a_second_time(repository: Path) -> None:
    assert (repository / "plugins" / ".airflowignore").read_text(encoding="utf-8").split() == ["*"]


def test_the_stub_of_the_readme_is_found(settings_only: Path, repository: Path, tmp_path: Path) -> None:
    """Airflow passes over a file without the word airflow, and says nothing."""
    readme = repository.joinpath("README.md").read_text(encoding="utf-8")
    (stub,) = re.findall(r"```python\n(.*?build_dag.*?)```", readme, re.DOTALL)
    text = (settings_only / "policies" / "americas_credit.yaml").read_text(encoding="utf-8")
    (settings_only / "policies" / "emea_fx.yaml").write_text(
        text.replace("policy: americas_credit", "policy: emea_fx"), encoding="utf-8"
    )
    (tmp_path / "emea_fx.py").write_text(textwrap.dedent(stub), encoding="utf-8")
    bag = DagBag(tmp_path)
    assert (set(bag.dags), bag.import_errors) == ({"emea_fx"}, {})
