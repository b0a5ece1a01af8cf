"""The DAG of a policy: its schedule, its tasks and their order, who tries again, and where tasks run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, BaseOperator, CronDataIntervalTimetable, TriggerRule
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.sdk.exceptions import ParamValidationError
from airflow.serialization.encoders import coerce_to_core_timetable

from cloud9_archive import errors
from cloud9_archive.dag import RETRY_POLICY
from cloud9_archive.notifications.alerts import Cloud9AlertNotifier

BOTH = pytest.mark.parametrize("name", ["americas_credit", "emea_rates"])
ORDER = {
    "fetch_calls": {"apply_recording_rules"},
    "apply_recording_rules": {"batch.fetch_recordings", "batch.transcode", "batch.archive", "reconcile"},
    "batch.fetch_recordings": {"batch.transcode"},
    "batch.transcode": {"batch.archive"},
    "batch.archive": {"reconcile"},
    "reconcile": set(),
}
TALKING = {"fetch_calls", "batch.fetch_recordings"}


@BOTH
def test_it_starts_paused_and_labelled(bag: DagBag, name: str) -> None:
    dag = bag.dags[name]
    assert dag.is_paused_upon_creation is True
    assert dag.tags == {"cloud9-archive", "cloud9_emea" if name == "emea_rates" else "cloud9_americas"}
    assert dag.max_active_runs == 2
    assert dag.catchup is False


@pytest.mark.parametrize(
    ("name", "cron", "zone"),
    [("americas_credit", "*/15 * * * *", "America/New_York"), ("emea_rates", "0 2 * * *", "Europe/London")],
)
def test_the_schedule_has_intervals_in_the_policys_zone(bag: DagBag, name: str, cron: str, zone: str) -> None:
    dag = bag.dags[name]
    assert isinstance(dag.timetable, CronDataIntervalTimetable)
    assert dag.timetable.expression == cron
    assert dag.timetable.timezone == zone
    assert dag.start_date == datetime(2024, 1, 1, tzinfo=ZoneInfo(zone))


def test_an_interval_is_a_local_day_even_when_the_clocks_change(bag: DagBag) -> None:
    timetable = coerce_to_core_timetable(bag.dags["emea_rates"].timetable)
    london = ZoneInfo("Europe/London")
    after = pendulum.datetime(2025, 3, 30, 12, tz="Europe/London")  # summer time began that night at 01:00
    interval = timetable.infer_manual_data_interval(run_after=after)
    assert interval.start == datetime(2025, 3, 29, 2, tzinfo=london)
    assert interval.end == datetime(2025, 3, 30, 2, tzinfo=london)
    assert interval.end - interval.start == timedelta(hours=23)


@BOTH
def test_the_tasks_stand_in_their_order(bag: DagBag, name: str) -> None:
    dag = bag.dags[name]
    assert {task_id: task.downstream_task_ids for task_id, task in dag.task_dict.items()} == ORDER


@BOTH
def test_reconcile_is_the_only_leaf_and_always_runs(bag: DagBag, name: str) -> None:
    dag = bag.dags[name]
    rules = {task_id: task.trigger_rule for task_id, task in dag.task_dict.items()}
    assert [task.task_id for task in dag.leaves] == ["reconcile"]
    assert rules.pop("reconcile") is TriggerRule.ALL_DONE
    assert rules.pop("apply_recording_rules") is TriggerRule.ALL_DONE_MIN_ONE_SUCCESS
    assert set(rules.values()) == {TriggerRule.ALL_SUCCESS}


def test_listing_is_mapped_over_the_sources(dag_of: Callable[..., DAG]) -> None:
    mapped: Any = dag_of("sources: [cloud9_emea, cloud9_apac]").task_dict["fetch_calls"]
    assert mapped.is_mapped
    assert mapped.expand_input.value == {"source": ["cloud9_emea", "cloud9_apac"]}
    assert mapped.map_index_template == "{{ task.source }}"


@BOTH
def test_batches_are_mapped_over_what_the_rules_leave(bag: DagBag, name: str) -> None:
    dag = bag.dags[name]
    group: Any = dag.task_group.get_task_group_dict()["batch"]
    assert [task.task_id for task in group.iter_tasks()] == [t for t in ORDER if t.startswith("batch.")]
    assert group._expand_input.value["batch_id"].operator.task_id == "apply_recording_rules"
    for task in group.iter_tasks():
        assert list(task.iter_mapped_task_groups()) == [group]
        assert task.map_index_template == "{{ task.batch_id }}"
        assert task.max_active_tis_per_dagrun == 4


@BOTH
def test_every_task_tries_again_with_growing_delays(bag: DagBag, name: str) -> None:
    for task in bag.dags[name].tasks:
        assert task.retries == 3
        assert task.retry_delay == timedelta(minutes=1)
        assert task.max_retry_delay == timedelta(minutes=15)
        assert task.retry_exponential_backoff
        assert _retry_policy(task) is RETRY_POLICY


@pytest.mark.parametrize("kind", [errors.CredentialsError, errors.PolicyError, errors.ReconciliationError])
def test_what_a_person_must_mend_is_never_tried_again(kind: type[errors.Cloud9ArchiveError]) -> None:
    decision = RETRY_POLICY.evaluate(kind("no"), try_number=1, max_tries=3)
    assert decision.action is RetryAction.FAIL


@pytest.mark.parametrize("error", [errors.UnreachableError("no"), errors.RateLimitedError("slow"), OSError("disk")])
def test_what_may_pass_is_left_to_the_tasks_retries(error: Exception) -> None:
    decision = RETRY_POLICY.evaluate(error, try_number=1, max_tries=3)
    assert decision.action is RetryAction.DEFAULT


@pytest.mark.parametrize(
    ("more", "placed"),
    [
        ("", {}),
        ("run_on: {queue: cloud9-egress, pool: cloud9}", dict.fromkeys(TALKING, ("cloud9-egress", "cloud9"))),
        ("run_on: {queue: egress}", dict.fromkeys(TALKING, ("egress", "default_pool"))),
        ("run_on: {pool: cloud9, all_tasks: true}", dict.fromkeys(ORDER, ("default", "cloud9"))),
    ],
)
def test_tasks_run_where_the_policy_says(
    dag_of: Callable[..., DAG], more: str, placed: dict[str, tuple[str, str]]
) -> None:
    found = {task.task_id: (task.queue, task.pool) for task in dag_of(more).tasks}
    assert found == dict.fromkeys(ORDER, ("default", "default_pool")) | placed


def test_the_schedules_settings_are_taken_over(dag_of: Callable[..., DAG]) -> None:
    schedule = "{cron: '0 4 * * 1-5', timezone: Asia/Tokyo, start: 2025-06-02, catchup: true, max_active_runs: 1}"
    dag = dag_of(f"schedule: {schedule}")
    assert dag.catchup is True
    assert dag.max_active_runs == 1
    assert dag.start_date == datetime(2025, 6, 2, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert isinstance(dag.timetable, CronDataIntervalTimetable)
    assert dag.timetable.expression == "0 4 * * 1-5"


@BOTH
def test_templated_fields(bag: DagBag, name: str) -> None:
    window = {"policy", "window_start", "window_end", "call_ids"}
    fields = {task.task_id: set(task.template_fields) for task in bag.dags[name].tasks}
    assert fields == {
        "fetch_calls": window | {"source"},
        "apply_recording_rules": window | {"redecide"},
        "reconcile": window,
        **{task_id: {"policy", "batch_id"} for task_id in ORDER if task_id.startswith("batch.")},
    }


def test_the_window_may_be_given_when_triggering(bag: DagBag) -> None:
    params = bag.dags["emea_rates"].params
    assert dict(params) == {"window_start": None, "window_end": None, "call_ids": None, "redecide": False}
    for name in ("window_start", "window_end"):
        param = params.get_param(name)
        assert param.resolve("2026-11-20T00:00:00+00:00")
        assert param.schema["format"] == "date-time"
        with pytest.raises(ParamValidationError):
            param.resolve(7)


def test_deciding_anew_is_asked_for_by_a_truth_value(bag: DagBag) -> None:
    param = bag.dags["emea_rates"].params.get_param("redecide")
    assert param.resolve(True) is True
    with pytest.raises(ParamValidationError):
        param.resolve("sometimes")


@BOTH
def test_the_page_says_what_the_policy_does(bag: DagBag, name: str) -> None:
    dag = bag.dags[name]
    assert dag.description
    page = dag.doc_md or ""
    assert f"### {name}" in page
    assert "rosters/emea.csv" in page if name == "emea_rates" else "every listed call is kept" in page
    assert all(task.doc_md for task in dag.tasks)


def test_the_page_does_not_promise_a_second_copy_where_none_is_made(bag: DagBag) -> None:
    assert "the original, and beside it the profile `alaw_8k`" in (bag.dags["emea_rates"].doc_md or "")
    assert "the original alone" in (bag.dags["americas_credit"].doc_md or "")


def _retry_policy(task: Any) -> object:
    return task.retry_policy if isinstance(task, BaseOperator) else task.partial_kwargs["retry_policy"]


ALERTS = "alerts: {conn_id: ops_hook, late_after: 30m}"


def test_without_alerts_nobody_is_called(bag: DagBag) -> None:
    dag = bag.dags["emea_rates"]
    assert not dag.on_failure_callback
    assert not dag.deadline


def test_alerts_are_the_dags_own_callback_and_a_deadline(dag_of: Callable[..., DAG]) -> None:
    dag = dag_of(ALERTS)
    (notifier,) = dag.on_failure_callback if isinstance(dag.on_failure_callback, list) else [dag.on_failure_callback]
    assert isinstance(notifier, Cloud9AlertNotifier)
    assert (notifier.policy, notifier.kind) == ("trial", "RUN_FAILED")
    (deadline,) = dag.deadline if isinstance(dag.deadline, list) else [dag.deadline]
    assert isinstance(deadline.callback, AsyncCallback), "Airflow gives a callback in a worker no connection"
    assert deadline.interval == timedelta(minutes=30)
    assert deadline.callback.path == "cloud9_archive.notifications.alerts.Cloud9AlertNotifier"
    assert deadline.callback.kwargs == {"policy": "trial", "kind": "RUN_LATE"}
