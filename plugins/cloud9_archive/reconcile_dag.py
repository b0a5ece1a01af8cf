"""The estate-wide DAG that takes a look at every policy, daily: listing against catalog against archive."""

from __future__ import annotations

from typing import Any

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable, Param

from cloud9_archive.dag import TRYING_AGAIN, placement
from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.keys import path_segment
from cloud9_archive.errors import PolicyError
from cloud9_archive.operators import Cloud9DailyLookOperator
from cloud9_archive.pipeline.policy_files import load_policy

_PAGE = """\
### Is anything missing?

Each task looks at one policy: what its sources list for the last days, what its catalog has, what its archive holds; and
whether a run is missing for an interval of its schedule. It takes up, decides and downloads nothing, so it may be
cleared or triggered at any time. Each day that is over gets its report, and a new one if what it tells has changed. What it finds is open in the catalog until a later look, or a run, sees it mended.

A task fails when something is missing, and its message names the command that mends it. `docs/runbook.md` has every code.
"""


def build_reconcile_dag(
    dag_id: str = "cloud9_reconcile", *, cron: str = "0 6 * * *", timezone: str = "UTC", lookback: str = "7d"
) -> DAG:
    """
    The DAG that looks at every policy, paused until somebody switches it on; one task for each policy file.

    Each task runs where the policy's ``run_on`` says, since it asks Cloud9. A policy whose file is not valid has a task
    all the same, which fails and says so.

    :param cron: five fields; daily by default, when runs of the night are done
    :param lookback: such as ``7d``: how far back is looked; a run that is triggered may be given another
    """
    with DAG(
        dag_id=dag_id,
        description="Looks at every policy: listing against catalog against archive, and runs that are missing",
        doc_md=_PAGE,
        schedule=CronTriggerTimetable(cron, timezone=timezone),
        start_date=pendulum.datetime(2024, 1, 1, tz=timezone),
        catchup=False,
        max_active_runs=1,
        max_active_tasks=4,
        is_paused_upon_creation=True,
        tags=["cloud9-archive"],
        default_args=TRYING_AGAIN,
        params={
            "lookback": Param(
                lookback,
                type="string",
                title="Look-back",
                description="How far back is looked, such as 7d; at most 92d.",
            )
        },
    ) as dag:
        for path in sorted(deployment_settings().policies.glob("*.yaml")):
            Cloud9DailyLookOperator(
                task_id=path_segment(path.stem),
                policy=path.stem,
                doc_md="Lays listing, catalog and archive of the policy side by side.",
                **_placement(path.stem),
            )
    return dag


def _placement(name: str) -> dict[str, Any]:
    """Where the policy's tasks run that talk to Cloud9; anywhere, if its file is not valid."""
    try:
        return placement(load_policy(deployment_settings().policies / f"{name}.yaml"))
    except PolicyError:
        return {}
