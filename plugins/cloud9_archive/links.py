"""Links of tasks in Airflow's page: from a run's reconcile to its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

from cloud9_archive.deployment import archive_address

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

REPORT_KEY = "run_report"
"""XCom: key of the report's page in the archive."""

TABLE_KEY = "run_table"
"""XCom: the run's sums as text."""


class RunReportLink(BaseOperatorLink):
    """
    Leads to the page of a run's report, where the deployment says how archives are reached (``reports_url``).

    Without that there is no link: the archive may lie where no browser gets, and an address that opens it by itself
    would be a secret. The page's key stands in XCom as ``run_report`` either way.
    """

    name = "Run report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """The address; empty if there is none."""
        from airflow.sdk.execution_time.xcom import XCom  # noqa: PLC0415 - of use only where a task runs

        key = XCom.get_value(ti_key=ti_key, key=REPORT_KEY)
        policy = str(getattr(operator, "policy", ""))
        return (archive_address(policy, key) if isinstance(key, str) else None) or ""
