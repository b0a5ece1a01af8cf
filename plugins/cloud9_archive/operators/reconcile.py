"""The leaf of every run: its state is the run's state."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cloud9_archive.deployment import deployment_settings
from cloud9_archive.links import RunReportLink
from cloud9_archive.operators.base import WindowOperator

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk.definitions.context import Context

_FAILED = frozenset({"failed", "upstream_failed"})


class Cloud9ReconcileOperator(WindowOperator):
    """
    The run adds up and its report is in the archive; else this task fails and names what is unaccounted for.

    It runs whatever happened before it, and fails when any task of the run did.

    .. seealso:: :func:`cloud9_archive.pipeline.reconcile.reconcile`
    """

    operator_extra_links = (RunReportLink(),)
    _archived = 0

    def execute(self, context: Context) -> dict[str, Any]:
        """Both sums, counts of findings, the report's key and the chain's head."""
        from collections import Counter

        from cloud9_archive.notifications.alerts import tell_new_findings
        from cloud9_archive.operators.figures import note_run, tell_downstream, tell_reader
        from cloud9_archive.pipeline.reconcile import reconcile

        failed = self._failed_tasks(context)
        run = self.run_of(context)
        with self.workspace() as workspace:
            try:
                result = reconcile(workspace, run, failed_tasks=failed)
            finally:
                tell_new_findings(workspace, run)
                note_run(workspace, run)
                tell_reader(context, workspace, run)
        counts = {
            "calls": asdict(result.calls),
            "recordings": asdict(result.recordings),
            "excluded_by_rule": result.excluded_by_rule,
            "findings": dict(Counter(finding.code for finding in result.findings)),
            "bags": result.bags,
            "report": result.report,
            "chain_head": result.chain_head,
        }
        tell_downstream(context, run, counts)
        self._archived = result.calls.archived
        return counts

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage | None:
        """What OpenLineage is told: every source of the policy, the archive, and how many calls it has of the run."""
        from cloud9_archive.lineage import archive_lineage
        from cloud9_archive.pipeline.policy_files import load_policy

        del task_instance
        policy = load_policy(deployment_settings().policies / f"{self.policy}.yaml")
        return archive_lineage(self.policy, sources=policy.sources, rows=self._archived)

    def _failed_tasks(self, context: Context) -> list[str]:
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
        return sorted(task for task, state in states.items() if task != self.task_id and state in _FAILED)
