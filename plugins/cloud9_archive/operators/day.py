"""The reports of a policy's last days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cloud9_archive.links import DAY_REPORT_KEY, DayReportLink
from cloud9_archive.operators.base import PolicyOperator

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


class Cloud9DayReportOperator(PolicyOperator):
    """
    Each of the policy's last days that is over has a report in the archive, as the catalog knows the day now.

    A day that does not add up is told in its report and in what this task leaves in XCom; it fails no task here.

    .. seealso:: :func:`cloud9_archive.pipeline.day_reports.put_day_reports`

    :param lookback: such as ``7d``: how far back days are reported anew, if facts have changed (templated)
    """

    template_fields: Sequence[str] = ("policy", "lookback")
    operator_extra_links = (DayReportLink(),)

    def __init__(
        self,
        *,
        lookback: str = "{{ params.get('lookback') or '7d' }}",
        **kwargs: Any,  # noqa: ANN401 - BaseOperator's own arguments
    ) -> None:
        super().__init__(**kwargs)
        self.lookback = lookback

    def execute(self, context: Context) -> dict[str, Any]:
        """Sums and keys of the days, by day."""
        from cloud9_archive.domain.schedule import parse_duration
        from cloud9_archive.errors import ConfigurationError
        from cloud9_archive.pipeline.day_reports import put_day_reports
        from cloud9_archive.pipeline.report_filing import page_beside

        try:
            span = parse_duration(self.lookback)
        except ValueError as error:
            raise ConfigurationError(f"lookback is {self.lookback!r}: {error}", subject="lookback") from None
        with self.workspace() as workspace:
            drawn = put_day_reports(workspace, span=span)
        if drawn:
            context["ti"].xcom_push(DAY_REPORT_KEY, page_beside(drawn[-1].report))
        days: dict[str, Any] = {}
        for each in drawn:
            told = asdict(each)
            days[told.pop("day").isoformat()] = told
        return days
