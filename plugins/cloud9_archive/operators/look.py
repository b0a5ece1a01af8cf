"""The daily look at a policy: its sources, its catalog and its archive, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud9_archive.errors import Cloud9ArchiveError, TransientError
from cloud9_archive.links import DAY_REPORT_KEY, DayReportLink
from cloud9_archive.operators.base import LookbackOperator

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow.sdk.definitions.context import Context

    from cloud9_archive.domain.run import RunRef
    from cloud9_archive.pipeline.daily_look import Looked
    from cloud9_archive.pipeline.workspace import Workspace


class Cloud9DailyLookOperator(LookbackOperator):
    """
    Listing, catalog and archive of a policy's last days agree, and no run is missing; else this task fails and says what.

    Each of these days has a report in the archive then. Nothing is taken up, decided, downloaded or archived: that is for
    runs of the policy's own DAG.

    .. seealso:: :func:`cloud9_archive.pipeline.daily_look.take_look`

    :param policy: name of the policy (templated)
    :param lookback: such as ``7d``: how far back is looked (templated)
    """

    operator_extra_links = (DayReportLink(),)

    def execute(self, context: Context) -> dict[str, Any]:
        """Counts of what was laid side by side, and of findings by code."""
        from cloud9_archive.pipeline.daily_look import read_lookback, refuse_gaps, take_look

        lookback = read_lookback(self.lookback)
        with self.workspace() as workspace:
            look_id = context["dag_run"].run_id
            looked = take_look(workspace, look_id, lookback=lookback, paused=self._is_paused(context))
            self._log(looked)
            try:
                try:
                    days = self._report_days(context, workspace, lookback)
                finally:
                    refuse_gaps(looked)  # what is missing comes first, whatever became of the reports
            except Cloud9ArchiveError as error:
                self._tell(
                    context, workspace, looked, failed=not isinstance(error, TransientError) or _is_last(context)
                )
                raise
            self._tell(context, workspace, looked, failed=False)
        return {**looked.counts(), "days": days}

    def _report_days(self, context: Context, workspace: Workspace, lookback: timedelta) -> dict[str, Any]:
        """The days have their reports, and the link leads to the latest; counts of them."""
        from cloud9_archive.pipeline.day_reports import put_day_reports
        from cloud9_archive.pipeline.report_filing import page_beside

        drawn = put_day_reports(workspace, span=lookback)
        if drawn:
            context["ti"].xcom_push(DAY_REPORT_KEY, page_beside(drawn[-1].report))
        return {
            "reported": len(drawn),
            "written": sum(each.written for each in drawn),
            "short": [each.day.isoformat() for each in drawn if not each.holds],
        }

    def _log(self, looked: Looked) -> None:
        from cloud9_archive.domain.words import shown

        for finding in looked.findings:
            level = 40 if finding.kind.gap else 30
            self.log.log(level, "%s %s: %s", finding.code, shown(finding.subject), finding.words)

    def _tell(self, context: Context, workspace: Workspace, looked: Looked, *, failed: bool) -> None:
        from cloud9_archive.deployment import run_link
        from cloud9_archive.notifications.alerts import tell_gaps, tell_new_findings
        from cloud9_archive.operators.figures import note_look

        run: RunRef = looked.run
        link = run_link(self.dag_id, context["dag_run"].run_id)
        tell_new_findings(workspace, run, link=link)
        if failed:
            tell_gaps(workspace, run, link=link)
        note_look(looked)

    def _is_paused(self, context: Context) -> bool | None:
        """Whether Airflow says that the policy's DAG is paused; None where it cannot be asked, or has no such DAG."""
        try:
            return bool(context["ti"].get_dag(self.policy).is_paused)
        except Exception as error:  # noqa: BLE001 - a look without this answer is better than none
            self.log.warning("Airflow does not say whether the DAG is paused: %s", type(error).__name__)
            return None


def _is_last(context: Context) -> bool:
    """Whether Airflow does not try again."""
    ti = context["ti"]
    return int(getattr(ti, "try_number", 1)) > int(getattr(ti, "max_tries", 0) or 0)
