"""What Airflow calls when a run of a policy fails or is late, and what reconcile calls when it found something."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from airflow.sdk.bases.notifier import BaseNotifier

from cloud9_archive.deployment import deployment_settings, run_link
from cloud9_archive.domain.alerting import AlertKind
from cloud9_archive.errors import Cloud9ArchiveError

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from cloud9_archive.catalog.catalog import Catalog
    from cloud9_archive.domain.alert import Alert
    from cloud9_archive.domain.policy import Policy
    from cloud9_archive.domain.run import RunRef
    from cloud9_archive.pipeline.workspace import Workspace

log = structlog.get_logger(__name__)


class Cloud9AlertNotifier(BaseNotifier):
    """
    Whom the policy's ``alerts`` name has been told that the run failed or is late; nobody, if the policy names nobody.

    As the DAG's failure callback it also speaks for tasks that were killed.

    :param policy: name of the policy file in the policies folder, without ``.yaml``
    :param kind: ``RUN_FAILED`` or ``RUN_LATE``
    :param context: given by Airflow when a deadline has passed
    """

    def __init__(self, *, policy: str, kind: str = AlertKind.RUN_FAILED.value, context: Context | None = None) -> None:
        super().__init__(context)
        self.policy = policy
        self.kind = AlertKind(kind)

    def notify(self, context: Context) -> None:
        """
        The message was sent, unless the same was told a short while ago.

        :raises AlertChannelError: if a person must change the policy or the connection
        :raises AlertNotSentError: if the channel did not take it
        """
        from cloud9_archive.catalog.runs import find_run  # noqa: PLC0415 - DAG parsing needs no SQLAlchemy
        from cloud9_archive.notifications.channels import send  # noqa: PLC0415 - as above
        from cloud9_archive.pipeline.alerting import Occasion, tell_failure, tell_lateness  # noqa: PLC0415 - as above
        from cloud9_archive.pipeline.policy_files import load_policy  # noqa: PLC0415 - as above

        policy = load_policy(deployment_settings().policies / f"{self.policy}.yaml")
        if policy.alerts is None:
            return
        run_id = run_id_of(context)
        tell = tell_failure if self.kind is AlertKind.RUN_FAILED else tell_lateness
        with _catalog_if_any() as catalog:
            record = find_run(catalog, policy.policy, run_id) if catalog else None
            occasion = Occasion(
                policy.policy,
                policy.alerts,
                run_id,
                tell=partial(send, policy.alerts),
                now=datetime.now(UTC),
                window=record.run.window if record else None,
                link=run_link(policy.policy, run_id),
            )
            sent = tell(catalog, occasion)
        _log(sent, policy, kind=self.kind)

    async def async_notify(self, context: Context) -> None:
        """As :meth:`notify`, in a thread of its own: the triggerer has one loop for all, and sending blocks."""
        await asyncio.to_thread(self.notify, context)


def run_id_of(context: Context | Mapping[str, Any]) -> str:
    """The run that a callback is about; Airflow gives it in three shapes."""
    run = context.get("dag_run")
    if isinstance(run, Mapping):
        return str(run.get("dag_run_id") or run.get("run_id") or "")
    return str(getattr(run, "run_id", "") or context.get("run_id", ""))


def tell_new_findings(workspace: Workspace, run: RunRef, *, link: str | None = None) -> None:
    """
    What reconcile found and nobody was told has been told, or a finding says that it could not be.

    Nothing of it makes a run fail, nor stands in the way of the reason why it fails.

    :param link: address of the run in Airflow's page; by default that of a run of the policy's own DAG
    """
    _told_or_noted(workspace, run, link or run_link(run.policy, run.run_id), gaps=False)


def tell_gaps(workspace: Workspace, run: RunRef, *, link: str | None) -> None:
    """
    That a daily look failed has been told, and which gaps it found; as for :func:`tell_new_findings`.

    The failure callback of its DAG could not: it speaks for one policy, and the look's DAG is everybody's.
    """
    _told_or_noted(workspace, run, link, gaps=True)


def _told_or_noted(workspace: Workspace, run: RunRef, link: str | None, *, gaps: bool) -> None:
    try:
        _tell_or_note(workspace, run, link, gaps=gaps)
    except Exception as error:  # noqa: BLE001 - the run's own end, good or bad, must come through
        log.error("new findings were not told; a later run tells them", fault=type(error).__name__)  # noqa: TRY400 - a driver's words may hold the catalog's address


def _tell_or_note(workspace: Workspace, run: RunRef, link: str | None, *, gaps: bool) -> None:
    from cloud9_archive.catalog.findings import note_findings  # noqa: PLC0415 - DAG parsing needs no SQLAlchemy
    from cloud9_archive.domain.findings import Finding  # noqa: PLC0415 - as above
    from cloud9_archive.notifications.channels import send  # noqa: PLC0415 - as above
    from cloud9_archive.pipeline.alerting import Occasion, tell_failure, tell_findings  # noqa: PLC0415 - as above

    alerts = workspace.policy.alerts
    if alerts is None:
        return
    subject = f"alerts/{run.policy}"
    failed: list[Finding] = []
    occasion = Occasion(
        run.policy,
        alerts,
        run.run_id,
        tell=partial(send, alerts),
        now=workspace.clock(),
        window=run.window,
        link=link,
    )
    try:
        sent = (tell_failure if gaps else tell_findings)(workspace.catalog, occasion)
    except Cloud9ArchiveError as error:
        log.error("an alert was not sent; a later run tells it", code=error.code, reason=str(error))  # noqa: TRY400 - the chain may hold the channel's address
        failed.append(Finding("ALERT_NOT_SENT", subject, f"{error.code}: {error.message}"))
    else:
        _log(sent, workspace.policy, kind=AlertKind.RUN_FAILED if gaps else AlertKind.FINDINGS)
    note_findings(workspace.catalog, run, failed, examined={subject}, now=workspace.clock())


@contextmanager
def _catalog_if_any() -> Iterator[Catalog | None]:
    """The catalog, or None where it cannot be reached: people are told all the same."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - DAG parsing needs no SQLAlchemy

    from cloud9_archive.catalog.catalog import open_catalog  # noqa: PLC0415 - as above

    opened: Catalog | None = None
    try:
        opened = open_catalog(deployment_settings().catalog_address)
    except (Cloud9ArchiveError, SQLAlchemyError, OSError) as error:
        log.warning("the catalog cannot be read here, an alert goes without counts", fault=type(error).__name__)
    try:
        yield opened
    finally:
        if opened is not None:
            opened.close()


def _log(sent: Alert | None, policy: Policy, *, kind: AlertKind) -> None:
    if sent is None:
        log.info("no alert is due", policy=policy.policy, kind=kind.value)
    else:
        log.info(
            "alert sent", policy=policy.policy, kind=kind.value, severity=sent.severity.value, codes=dict(sent.codes)
        )
