"""The DAG that disposes of what has expired, when a person says so."""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, Param

from cloud9_archive.deployment import deployment_settings
from cloud9_archive.operators import Cloud9DisposeOperator

_PAGE = """\
### Dispose of what has expired

Trigger it with a policy and nothing else: it lists what has expired, removes nothing, and leaves the count in the log and
in XCom (`expired`). Trigger it again with that count as `confirm` and your name as `actor`: if it is still the same, the
records are removed, and tombstones that the chain vouches for stay in the archive.

What a legal hold means, what a lock keeps, and what is not as it was sealed, stays. `docs/runbook.md` says more.
"""


def build_disposition_dag(dag_id: str = "cloud9_disposition") -> DAG:
    """The DAG, paused until somebody switches it on, and without a schedule: it only runs when it is triggered."""
    names = sorted(path.stem for path in deployment_settings().policies.glob("*.yaml"))
    with DAG(
        dag_id=dag_id,
        description="Removes what has expired from a policy's archive, once its count is confirmed",
        doc_md=_PAGE,
        schedule=None,
        start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=True,
        tags=["cloud9-archive"],
        render_template_as_native_obj=False,
        # No retries: whoever confirmed a count looks at what came of it.
        default_args={"retries": 0},
        params={
            "policy": Param(names[0] if names else "", type="string", enum=names or [""], title="Policy"),
            "confirm": Param(
                None,
                type=["null", "integer"],
                minimum=1,
                title="Confirmed count",
                description="Empty: list only. Else the number of records that the last listing found.",
            ),
            "actor": Param(None, type=["null", "string"], title="Who confirms it"),
            "reason": Param("its retention has ended", type="string", title="Reason"),
        },
    ) as dag:
        Cloud9DisposeOperator(
            task_id="dispose",
            policy="{{ params.policy }}",
            doc_md="Lists what has expired; removes it if `confirm` is its count.",
        )
    return dag
