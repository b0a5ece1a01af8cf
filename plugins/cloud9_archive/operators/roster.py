"""The roster beside Cloud9's own users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cloud9_archive.errors import ConfigurationError
from cloud9_archive.operators.base import PolicyOperator

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


class Cloud9SyncRosterOperator(PolicyOperator):
    """
    What differs between a policy's roster and the users of Cloud9 stands in a report; the roster itself is only read.

    .. seealso:: :func:`cloud9_archive.pipeline.roster_comparing.compare_with_cloud9`

    :param management_conn_id: connection of type ``cloud9`` to the Management API, with a key of its own (templated)
    :param report: path of the report, ``.json`` or ``.csv`` (templated); by default ``rosters/<policy>-users.json`` in
        the deployment's data root
    :param proposal: path of a CSV file for the roster as it would be with joiners and without leavers (templated);
        by default none is written
    :param joiner_mode: mode of joiners in the proposal; by default their cell is empty, so that a person must decide
    """

    template_fields: Sequence[str] = ("management_conn_id", "report", "proposal", *PolicyOperator.template_fields)

    def __init__(
        self,
        *,
        management_conn_id: str,
        report: str | None = None,
        proposal: str | None = None,
        joiner_mode: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - BaseOperator's own arguments
    ) -> None:
        super().__init__(**kwargs)
        if joiner_mode not in (None, "full", "do_not_record", "never_record"):
            raise ConfigurationError(
                f"joiner_mode is {joiner_mode!r}",
                subject="joiner_mode",
                hint="give full, do_not_record, never_record or none",
            )
        self.management_conn_id = management_conn_id
        self.report = report
        self.proposal = proposal
        self.joiner_mode = joiner_mode

    def execute(self, context: Context) -> dict[str, Any]:
        """Counts of what differs, and the paths of what was written."""
        from pathlib import Path

        from cloud9_archive.api.limits import Limiter
        from cloud9_archive.api.management import ManagementClient
        from cloud9_archive.catalog.rates import CatalogLedgers
        from cloud9_archive.domain.roster import RecordingMode
        from cloud9_archive.hooks.cloud9 import Cloud9Hook
        from cloud9_archive.pipeline.roster_comparing import compare_with_cloud9, write_comparison
        from cloud9_archive.pipeline.roster_proposal import propose_roster

        del context
        mode = RecordingMode(self.joiner_mode) if self.joiner_mode else None
        with self.workspace() as workspace:
            source = Cloud9Hook(self.management_conn_id).source_settings()
            with ManagementClient(source, limiter=Limiter(CatalogLedgers(workspace.catalog))) as client:
                users = client.list_users()
            compared = compare_with_cloud9(
                workspace.policy,
                workspace.settings,
                workspace.catalog,
                users=users,
                reach=workspace.reach,
                now=workspace.clock(),
            )
            default = workspace.settings.data_root / "rosters" / f"{self.policy}-users.json"
        report = Path(self.report) if self.report else default
        write_comparison(report, compared.comparison, policy=self.policy)
        written: dict[str, Any] = {**compared.counts, "report": str(report)}
        if self.proposal:
            proposed = propose_roster(Path(self.proposal), compared, mode=mode)
            written |= {"proposal": self.proposal, "left_out": len(proposed.left_out)}
        return written
