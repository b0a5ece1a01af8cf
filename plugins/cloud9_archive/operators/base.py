"""What operators share: the policy, the run's window or a look-back, and a workspace around each step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.run import RunKind, RunRef

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from cloud9_archive.api.client import Cloud9Client
    from cloud9_archive.api.limits import Limiter
    from cloud9_archive.domain.window import Window
    from cloud9_archive.pipeline.workspace import Workspace

# Airflow's run types equal their words, but str() of one is "DagRunType.SCHEDULED".
_KINDS: dict[str, RunKind] = {"scheduled": RunKind.SCHEDULED, "backfill": RunKind.BACKFILL}


class PolicyOperator(BaseOperator):
    """
    A step of a policy's run.

    The pipeline is imported when a task runs, never when a DAG file is parsed.

    :param policy: name of the policy file in the policies folder, without ``.yaml`` (templated)
    """

    template_fields: Sequence[str] = ("policy",)
    ui_color = "#e3eef9"

    def __init__(self, *, policy: str, **kwargs: Any) -> None:  # noqa: ANN401 - BaseOperator's own arguments
        super().__init__(**kwargs)
        self.policy = policy

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """
        The policy's workspace; import sources are opened through their Airflow connections.

        :raises UnreachableError: if the catalog's database cannot be used at present
        """
        from cloud9_archive.catalog.faults import database_faults_told
        from cloud9_archive.hooks.archives import archive_access
        from cloud9_archive.hooks.cloud9 import Cloud9Hook
        from cloud9_archive.hooks.rosters import AirflowReach
        from cloud9_archive.operators.figures import note_throttled
        from cloud9_archive.pipeline.policy_files import load_policy
        from cloud9_archive.pipeline.workspace import open_workspace

        limiters: list[Limiter] = []

        def open_source(conn_id: str, limiter: Limiter) -> Cloud9Client:
            limiters.append(limiter)
            return Cloud9Hook(conn_id).client(limiter=limiter)

        settings = deployment_settings()
        policy = load_policy(settings.policies / f"{self.policy}.yaml")
        opened = open_workspace(
            policy, settings, open_source=open_source, reach=AirflowReach(), open_archive=archive_access
        )
        try:
            with database_faults_told(), opened as workspace:
                yield workspace
        finally:
            if limiters:
                note_throttled(self.policy, sum(len(limiter.pauses) for limiter in limiters))


class LookbackOperator(PolicyOperator):
    """
    A step that looks at a policy's last days, whatever run it belongs to.

    :param lookback: such as ``7d``: how far back (templated)
    """

    template_fields: Sequence[str] = ("policy", "lookback")

    def __init__(
        self,
        *,
        lookback: str = "{{ params.get('lookback') or '7d' }}",
        **kwargs: Any,  # noqa: ANN401 - BaseOperator's own arguments
    ) -> None:
        super().__init__(**kwargs)
        self.lookback = lookback


class WindowOperator(PolicyOperator):
    """
    A step that works on the run's window.

    :param window_start: ISO 8601 with an offset; with ``window_end`` it replaces the data interval (templated)
    :param window_end: ISO 8601 with an offset (templated)
    :param call_ids: take these calls alone, one id to a line; without a window, that in which they began (templated)
    """

    template_fields: Sequence[str] = ("policy", "window_start", "window_end", "call_ids")

    def __init__(
        self,
        *,
        window_start: str | None = "{{ params.get('window_start') or '' }}",
        window_end: str | None = "{{ params.get('window_end') or '' }}",
        call_ids: str | Sequence[str] | None = "{{ params.get('call_ids') or '' }}",
        **kwargs: Any,  # noqa: ANN401 - BaseOperator's own arguments
    ) -> None:
        super().__init__(**kwargs)
        self.window_start = window_start
        self.window_end = window_end
        self.call_ids = call_ids

    def run_of(self, context: Context) -> RunRef:
        """
        The run that this task belongs to.

        :raises WindowError: if it has no window to work on
        """
        from cloud9_archive.pipeline.windows import calls_asked_for, run_window, window_of_calls

        asked = calls_asked_for(self.call_ids)
        if asked and not (self.window_start or self.window_end):
            with self.workspace() as workspace:
                window = window_of_calls(workspace, asked, run_id=context["dag_run"].run_id)
            return self._run(context, window, asked)
        start, end = context.get("data_interval_start"), context.get("data_interval_end")
        window = run_window(
            interval=(start, end) if start and end else None,
            window_start=self.window_start,
            window_end=self.window_end,
            now=datetime.now(UTC),
        )
        return self._run(context, window, asked)

    def _run(self, context: Context, window: Window, asked: tuple[str, ...]) -> RunRef:
        dag_run = context["dag_run"]
        kind = _KINDS.get(dag_run.run_type, RunKind.MANUAL)
        return RunRef(self.policy, dag_run.run_id, kind, window, asked)
