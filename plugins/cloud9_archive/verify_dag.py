"""The estate-wide DAG that verifies the archives of all policies on a schedule."""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable

from cloud9_archive.dag import TRYING_AGAIN
from cloud9_archive.deployment import deployment_settings
from cloud9_archive.errors import PolicyError
from cloud9_archive.operators import Cloud9VerifyArchiveOperator
from cloud9_archive.pipeline.policy_files import load_policy

_PAGE = """\
### Verify all archives

Each task reads one archive – of all policies that write there – and fails if a byte is not as its seal, or a link not as
the chain says. Heads that the catalog knows must be in the chains, so that an archive that was cut short is found.

The task's log has every finding; `docs/archive-format.md` says what to do about each code.
"""


def build_verify_dag(
    dag_id: str = "cloud9_verify",
    *,
    cron: str = "0 3 * * sat",
    timezone: str = "UTC",
    sample: str | None = None,
    max_duration: str | None = None,
) -> DAG:
    """
    The DAG that verifies every archive, paused until somebody switches it on; one task for each archive target.

    A policy whose file is not valid has a task of its own, which fails and says so.

    :param cron: five fields; weekly by default
    :param sample: number of bags, or a share such as ``5%``, that a run reads; the next run takes the next ones
    :param max_duration: such as ``2h``; no further bag is begun after it
    """
    with DAG(
        dag_id=dag_id,
        description="Verifies the archives of all policies",
        doc_md=_PAGE,
        schedule=CronTriggerTimetable(cron, timezone=timezone),
        start_date=pendulum.datetime(2024, 1, 1, tz=timezone),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=True,
        tags=["cloud9-archive"],
        default_args=TRYING_AGAIN,
    ) as dag:
        Cloud9VerifyArchiveOperator.partial(
            task_id="verify_archive",
            sample=sample,
            max_duration=max_duration,
            map_index_template="{{ task.policies | join(', ') }}",
            doc_md="Reads the archive and compares it with its seals and chains.",
        ).expand(policies=_policies_by_target())
    return dag


def _policies_by_target() -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted(deployment_settings().policies.glob("*.yaml")):
        try:
            target = load_policy(path).archive.target
        except PolicyError:
            target = f"not valid: {path.stem}"
        found.setdefault(target, []).append(path.stem)
    return list(found.values())
