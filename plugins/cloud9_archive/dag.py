"""One DAG per policy, always of the same shape."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG, CronDataIntervalTimetable, Param, TriggerRule, task_group
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.definitions.retry_policy import ExceptionRetryPolicy, RetryAction, RetryRule

from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.alerting import AlertKind
from cloud9_archive.domain.policy import Policy
from cloud9_archive.errors import ConfigurationError, RecordError
from cloud9_archive.notifications.alerts import Cloud9AlertNotifier
from cloud9_archive.operators import (
    Cloud9ApplyRecordingRulesOperator,
    Cloud9ArchiveOperator,
    Cloud9FetchCallsOperator,
    Cloud9FetchRecordingsOperator,
    Cloud9ReconcileOperator,
    Cloud9TranscodeOperator,
)
from cloud9_archive.operators.figures import policy_asset
from cloud9_archive.pipeline.policy_files import load_policy

RETRIES = 3
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(minutes=15)
BATCHES_AT_ONCE = 4

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=[ConfigurationError, RecordError],
            action=RetryAction.FAIL,
            reason="trying again cannot help: the message says what to change",
        )
    ]
)
"""Only transient errors are worth another try."""

TRYING_AGAIN: dict[str, Any] = {
    "retries": RETRIES,
    "retry_delay": FIRST_DELAY,
    "retry_exponential_backoff": True,
    "max_retry_delay": LONGEST_DELAY,
    "retry_policy": RETRY_POLICY,
}
"""Arguments of every task: what may pass is tried again, with growing delays."""


def build_dag(policy_name: str) -> DAG:
    """
    The DAG of a policy, paused until somebody switches it on.

    :param policy_name: name of a file in the policies folder, without ``.yaml``
    :raises PolicyError: if the file is not valid; only this policy's DAG is missing then
    """
    policy = load_policy(deployment_settings().policies / f"{policy_name}.yaml")
    with DAG(
        dag_id=policy.policy,
        description=policy.description,
        doc_md=_page(policy),
        schedule=CronDataIntervalTimetable(policy.schedule.cron, timezone=policy.schedule.timezone),
        start_date=pendulum.datetime(
            policy.schedule.start.year,
            policy.schedule.start.month,
            policy.schedule.start.day,
            tz=policy.schedule.timezone,
        ),
        catchup=policy.schedule.catchup,
        max_active_runs=policy.schedule.max_active_runs,
        is_paused_upon_creation=True,
        tags=["cloud9-archive", *policy.sources],
        params=_params(),
        **_alerting(policy),
        default_args=TRYING_AGAIN,
    ) as dag:
        _add_tasks(policy)
    return dag


def _add_tasks(policy: Policy) -> None:
    asking = placement(policy)
    local = asking if policy.run_on.all_tasks else {}

    listed = Cloud9FetchCallsOperator.partial(
        task_id="fetch_calls",
        policy=policy.policy,
        map_index_template="{{ task.source }}",
        doc_md="Lists the calls of the run's window at each source; nothing is downloaded yet.",
        **asking,
    ).expand(source=list(policy.sources))
    decided = Cloud9ApplyRecordingRulesOperator(
        task_id="apply_recording_rules",
        policy=policy.policy,
        trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
        doc_md="Decides which calls are recorded, before any audio is fetched, and forms batches.",
        **local,
    )

    @task_group(group_id="batch", tooltip="Up to a hundred recordings and their calls")
    def batch(batch_id: str) -> None:
        shared: dict[str, Any] = {
            "policy": policy.policy,
            "batch_id": batch_id,
            "map_index_template": "{{ task.batch_id }}",
            "max_active_tis_per_dagrun": BATCHES_AT_ONCE,
        }
        fetched = Cloud9FetchRecordingsOperator(
            task_id="fetch_recordings", doc_md="Downloads the batch's originals into staging.", **shared, **asking
        )
        transcoded = Cloud9TranscodeOperator(
            task_id="transcode", doc_md="Checks each original and makes its derivative.", **shared, **local
        )
        archived = Cloud9ArchiveOperator(
            task_id="archive", doc_md="Seals the batch's bag in the archive, and reads it back.", **shared, **local
        )
        fetched >> transcoded >> archived

    reconciled = Cloud9ReconcileOperator(
        task_id="reconcile",
        policy=policy.policy,
        trigger_rule=TriggerRule.ALL_DONE,
        outlets=[policy_asset(policy.policy)],
        doc_md="Adds everything up. Its failure is the run's failure, and names what is unaccounted for.",
        **local,
    )
    listed >> decided
    batch.expand(batch_id=decided.output) >> reconciled
    decided >> reconciled


def placement(policy: Policy) -> dict[str, Any]:
    """Where the tasks that talk to Cloud9 run."""
    return {name: value for name, value in (("queue", policy.run_on.queue), ("pool", policy.run_on.pool)) if value}


def _alerting(policy: Policy) -> dict[str, Any]:
    """
    Who is told when a run fails or is late.

    The DAG's own callback, since a task's is not called when the task was killed. Lateness is told by the triggerer,
    since Airflow gives a callback that runs in a worker no connection.
    """
    if policy.alerts is None:
        return {}
    told: dict[str, Any] = {"on_failure_callback": Cloud9AlertNotifier(policy=policy.policy)}
    if policy.alerts.late_after is not None:
        late = {"policy": policy.policy, "kind": AlertKind.RUN_LATE.value}
        told["deadline"] = DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=policy.alerts.late_after,
            callback=AsyncCallback(Cloud9AlertNotifier, kwargs=late),
            name="late",
        )
    return told


def _params() -> dict[str, Param]:
    def moment(title: str) -> Param:
        return Param(
            None,
            type=["null", "string"],
            format="date-time",
            title=title,
            description="Leave empty to take the run's own interval. Both or neither.",
        )

    return {
        "window_start": moment("Window start"),
        "window_end": moment("Window end"),
        "call_ids": Param(
            None,
            type=["null", "string"],
            format="multiline",
            title="Calls",
            description="Ids, one to a line: the run takes these calls alone. Without a window, they are looked for where "
            "they were listed before.",
        ),
        "redecide": Param(
            default=False,
            type="boolean",
            title="Decide anew",
            description="Calls of the window whose decision another roster or policy made are decided on anew.",
        ),
    }


def _page(policy: Policy) -> str:
    rules = policy.recording_rules
    sections = f", {len(rules.sections)} sections" if rules.sections else ""
    copy = f"the original, and beside it the profile `{policy.media.profile}`"
    lines = [
        f"### {policy.policy}",
        policy.description,
        "",
        f"- **sources**: {', '.join(f'`{source}`' for source in policy.sources)}",
        f"- **recording rules**: {f'on, roster `{rules.roster_name}`{sections}' if rules.enabled else 'off – every listed call is kept'}",
        f"- **media**: {'the original alone' if policy.media.profile == 'none' else copy}",
        f"- **archive**: `{policy.archive.target}`, below `{policy.policy}/`",
        f"- **version**: `{policy.version[:12]}`",
        "",
        f"Any task can be cleared at any time. DAGs scheduled on the asset `{policy_asset(policy.policy).name}` start after it.",
        "To fetch older calls, use a backfill, or trigger the DAG with `window_start` and `window_end`.",
    ]
    return "\n".join(lines)
