"""The reports of a policy's last days."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cloud9_archive.links import DAY_REPORT_KEY, DayReportLink
from cloud9_archive.operators.base import LookbackOperator

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


class Cloud9DayReportOperator(LookbackOperator):
    """
    Each of the policy's last days that is over has a report in the archive, as the catalog knows the day now.

    A day that does not add up is told in its report and in what this task leaves in XCom; it fails no task here.

    .. seealso:: :func:`cloud9_archive.pipeline.day_reports.put_day_reports`

    :param lookback: such as ``7d``: how far back days are reported anew, if facts have changed (templated)
    """

    operator_extra_links = (DayReportLink(),)

    def execute(self, context: Context) -> dict[str, Any]:
        """Sums and keys of the days, by day."""
        from cloud9_archive.pipeline.daily_look import read_lookback
        from cloud9_archive.pipeline.day_reports import put_day_reports
        from cloud9_archive.pipeline.report_filing import page_beside

        span = read_lookback(self.lookback)
        with self.workspace() as workspace:
            drawn = put_day_reports(workspace, span=span)
        if drawn:
            context["ti"].xcom_push(DAY_REPORT_KEY, page_beside(drawn[-1].report))
        days: dict[str, Any] = {}
        for each in drawn:
            told = asdict(each)
            days[told.pop("day").isoformat()] = told
        return days
