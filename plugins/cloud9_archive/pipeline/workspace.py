"""Everything that a step works with, built once: policy, catalog, archive, staging, clock and sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cloud9_archive.api.client import FetchedRecording, PendingRecording
from cloud9_archive.api.limits import Limiter
from cloud9_archive.api.listing import CallPage
from cloud9_archive.catalog.catalog import Catalog, open_catalog
from cloud9_archive.catalog.rates import CatalogLedgers
from cloud9_archive.catalog.rebuilding import refuse_half_rebuilt
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.roster import Roster
from cloud9_archive.domain.run import RunKind, WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.last_good_roster import roster_to_decide_by
from cloud9_archive.pipeline.media_profiles import profile_of
from cloud9_archive.pipeline.roster_reach import RosterReach
from cloud9_archive.pipeline.settings import Settings
from cloud9_archive.pipeline.staging import Staging
from cloud9_archive.storage.store import LockMode, Store
from cloud9_archive.storage.targets import Locking, open_store

if TYPE_CHECKING:
    from cloud9_archive.pipeline.recipients import Recipient
    from cloud9_archive.storage.s3_client import S3Access


class CallSource(Protocol):
    """What a step asks of an import source; :class:`~cloud9_archive.api.client.Cloud9Client` is one."""

    @property
    def key_expires(self) -> date | None:
        """The day on which the source's key expires, when it is known."""

    def list_calls(self, window: Window) -> Iterator[CallPage]:
        """The calls of the window, page by page."""

    def fetch_recording(self, wanted: WantedRecording, *, into: Path) -> FetchedRecording | PendingRecording:
        """The recording's bytes are at ``into``, or the source does not have them yet."""


OpenSource = Callable[[str, Limiter], AbstractContextManager[CallSource]]
"""Opens an import source by its Airflow connection id; its requests wait for turns of the limiter."""

OpenArchive = Callable[[str], "S3Access"]
"""The way to a bucket by an Airflow connection id."""


def utc_now() -> datetime:
    """The present moment, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Workspace:
    """
    What a step of a policy's run works with.

    :param open_source: opens an import source by its connection id; see :meth:`source`
    :param clock: gives the present moment, aware UTC
    :param reach: reaches rosters that are not files; without it, only those can be read
    :param recipients: whom the archive is encrypted for; none if it is not
    """

    policy: Policy
    settings: Settings
    catalog: Catalog
    store: Store
    staging: Staging
    open_source: OpenSource
    clock: Callable[[], datetime] = utc_now
    reach: RosterReach | None = None
    recipients: tuple[Recipient, ...] = ()

    def roster(self) -> Roster | None:
        """
        The policy's roster, or None when its recording rules are off.

        :raises RosterError: if it cannot be read, is empty, or has suddenly lost more than half of its users
        """
        return roster_to_decide_by(self.policy, self.settings, self.catalog, reach=self.reach, now=self.clock())

    def source(self, conn_id: str, kind: RunKind) -> AbstractContextManager[CallSource]:
        """
        The import source, for work of a run of this kind.

        All workers with this catalog share the source's limits. Scheduled runs may use every request; backfills and
        manual runs, which may be over years, only a share, so that they never hold up a scheduled one.

        :param conn_id: Airflow connection id
        """
        share = None if kind is RunKind.SCHEDULED else self.settings.backfill_rate_share
        return self.open_source(conn_id, Limiter(CatalogLedgers(self.catalog), share=share))


@contextmanager
def open_workspace(
    policy: Policy,
    settings: Settings,
    *,
    open_source: OpenSource,
    clock: Callable[[], datetime] = utc_now,
    reach: RosterReach | None = None,
    open_archive: OpenArchive | None = None,
) -> Iterator[Workspace]:
    """
    A workspace whose catalog is current and whose archive can be reached; the catalog is closed at the end.

    :param open_archive: the way to a bucket; without it, only a policy that names no ``archive.conn_id`` is served
    :raises ConfigurationError: also if the archive cannot take and lock files as the policy says, or a certificate is
        unfit to encrypt for, before any byte
    """
    for name in (policy.media.profile, *policy.media.profiles):
        profile_of(policy, name)
    recipients = _recipients(policy, settings, clock())
    store = archive_of(policy, settings, open_archive=open_archive)
    store.check()
    catalog = open_catalog(settings.catalog_address)
    try:
        refuse_half_rebuilt(catalog)
        yield Workspace(
            policy=policy,
            settings=settings,
            catalog=catalog,
            store=store,
            staging=Staging(settings.staging),
            open_source=open_source,
            clock=clock,
            reach=reach,
            recipients=recipients,
        )
    finally:
        catalog.close()


def _recipients(policy: Policy, settings: Settings, now: datetime) -> tuple[Recipient, ...]:
    if policy.archive.encrypt is None:
        return ()
    from cloud9_archive.pipeline.recipients import read_recipients  # noqa: PLC0415 - cryptography, of use only here

    return read_recipients(policy, include=settings.include_folder, now=now)


def archive_of(policy: Policy, settings: Settings, *, open_archive: OpenArchive | None = None) -> Store:
    """
    The store that the policy's archive is, set up to lock as the policy says; nothing is asked of it yet.

    :param open_archive: as for :func:`open_workspace`
    :raises ConfigurationError: if the target or its connection cannot be used
    """
    said = policy.archive
    if said.conn_id is not None and open_archive is None:
        raise ConfigurationError(
            f"archive.conn_id names the connection {said.conn_id!r}, and there is no Airflow here to look it up",
            subject="archive.conn_id",
        )
    return open_store(
        said.target,
        base=settings.data_root,
        access=open_archive(said.conn_id) if said.conn_id is not None and open_archive else None,
        locking=Locking(LockMode(said.lock), said.retention) if said.lock and said.retention else None,
    )
