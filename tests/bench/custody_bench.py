"""A small archive to hold, extend and dispose of: made by the pipeline's own steps from calls that a test states."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from sqlalchemy import select

from cloud9_archive.catalog.batches import read_batch
from cloud9_archive.catalog.catalog import Catalog, open_catalog
from cloud9_archive.catalog.listing import record_calls
from cloud9_archive.catalog.listings import FinishedListing, finish_listing
from cloud9_archive.catalog.media import note_fetched, note_transcoded
from cloud9_archive.catalog.runs import open_run
from cloud9_archive.catalog.tables import events
from cloud9_archive.domain.accounting import MediaState
from cloud9_archive.domain.call import Call, Party, RecordingLink, Side
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.rebuild import rebuild_catalog
from cloud9_archive.pipeline.rebuilt import Rebuilt
from cloud9_archive.pipeline.reconcile import Reconciled, reconcile
from cloud9_archive.pipeline.settings import ProofSettings, Settings
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.verify_report import VerifyReport
from cloud9_archive.pipeline.workspace import OpenArchive, Workspace, open_workspace

SOURCE, POLICY = "cloud9_emea", "emea_rates"
START = datetime(2026, 3, 3, 9, tzinfo=UTC)
"""A Tuesday; calls begin from then on."""

LATER = START + timedelta(days=40)

POLICY_FILE = f"""\
policy: {POLICY}
description: Rates desk
sources: [cloud9_emea]
schedule: {{cron: "0 2 * * *", timezone: Europe/London}}
recording_rules: {{enabled: false}}
media: {{profile: none, deadline: 7d}}
archive: {{target: archive, retention: 30d}}
"""
"""The same policy as a file of a deployment."""

EXAMINATION = {"verdict": "intact", "container": "ogg"}


@lru_cache
def _empty_catalog() -> Path:
    """One that is migrated once and copied then."""
    path = Path(mkdtemp(prefix="custody-")) / "catalog.sqlite"
    open_catalog(f"sqlite:///{path}").close()
    return path


def a_call(number: int, *, login: str = "jsmith@firm.example", day: int = 0, recordings: Sequence[str] = ()) -> Call:
    """
    A call of a minute with one recording of its own, unless others are named.

    :param day: days after the first
    """
    started_at = START + timedelta(days=day, minutes=number)
    return Call(
        SOURCE,
        f"call-{number}",
        started_at,
        started_at + timedelta(minutes=1),
        60.0,
        parties=(Party(Side.NEAR, login=login), Party(Side.FAR, login="far@other.example")),
        recordings=tuple(RecordingLink(each, 0.0, 60.0) for each in recordings or [f"recording-{number}"]),
        raw={"CallId": f"call-{number}"},
    )


@dataclass
class SmallArchive:
    """
    A policy that records every call, its catalog and its archive.

    :param said: what the policy says of its archive
    :param runs: how many it had, so that their ids differ
    :param template: another one's root, which it begins as a copy of
    """

    root: Path
    said: dict[str, Any] = field(default_factory=lambda: {"target": "archive", "retention": "30d"})
    now: datetime = START + timedelta(days=1)
    open_archive: OpenArchive | None = None
    proof: ProofSettings = field(default_factory=ProofSettings)
    stack: ExitStack = field(default_factory=ExitStack)
    runs: int = 0
    template: Path | None = None

    def __post_init__(self) -> None:
        if self.template:
            shutil.copytree(self.template, self.root)
        else:
            self.root.mkdir(parents=True, exist_ok=True)
            shutil.copy(_empty_catalog(), self.root / "catalog.sqlite")
        self.workspace = self.open()

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    def open(self, **said: Any) -> Workspace:
        policy = Policy.model_validate(
            {
                "policy": POLICY,
                "sources": [SOURCE],
                "schedule": {"cron": "0 2 * * *", "timezone": "Europe/London", "lookback": "1s"},
                "recording_rules": {"enabled": False},
                "media": {"profile": "none", "deadline": "7d"},
                "archive": {**self.said, **said},
            }
        )
        settings = Settings(data_root=self.root, include_folder=self.root, proof=self.proof)
        return self.stack.enter_context(
            open_workspace(
                policy,
                settings,
                open_source=_no_source,
                clock=lambda: self.now,
                open_archive=self.open_archive,
            )
        )

    def listed(self, *calls: Call, workspace: Workspace | None = None) -> tuple[RunRef, tuple[str, ...]]:
        """A run has listed the calls and decided on them; the ids of its batches."""
        workspace = workspace or self.workspace
        self.runs += 1
        window = Window(START - timedelta(days=1), START + timedelta(days=30))
        run = RunRef(POLICY, f"run-{self.runs}", RunKind.BACKFILL, window)
        policy = workspace.policy
        open_run(workspace.catalog, run, policy_version=policy.version, policy_document=policy.document(), now=self.now)
        record_calls(workspace.catalog, run, calls, now=self.now)
        finish_listing(workspace.catalog, run, FinishedListing(SOURCE, 1, len(calls), self.now))
        return run, apply_recording_rules(workspace, run).batch_ids

    def staged(self, batch_id: str, *, workspace: Workspace | None = None) -> int:
        """Every recording of the batch is ready to be archived; how many were fetched for that."""
        workspace = workspace or self.workspace
        fetched = 0
        lease = timedelta(hours=6)
        for recording in read_batch(workspace.catalog, batch_id, lease=lease, now=self.now).recordings:
            content = f"OggS {recording.ref}".encode()
            digest = hashlib.sha256(content).hexdigest()
            place = workspace.staging.original(POLICY, recording.ref, digest)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            batch = read_batch(workspace.catalog, batch_id, lease=lease, now=self.now)
            note_fetched(workspace.catalog, batch, recording, sha256=digest, size=len(content), now=self.now)
            (again,) = (
                each
                for each in read_batch(workspace.catalog, batch_id, lease=lease, now=self.now).recordings
                if each.ref == recording.ref
            )
            assert again.state is MediaState.FETCHED
            note_transcoded(workspace.catalog, batch, again, examination=EXAMINATION, now=self.now)
            fetched += 1
        return fetched

    def seal(self, *calls: Call, workspace: Workspace | None = None) -> list[str]:
        """The calls are archived and in the chain; the ids of their bags."""
        run, batch_ids = self.listed(*calls, workspace=workspace)
        for batch_id in batch_ids:
            self.staged(batch_id, workspace=workspace)
            archive(workspace or self.workspace, batch_id)
        reconcile(workspace or self.workspace, run)
        return list(batch_ids)

    def list_again(self, *calls: Call) -> tuple[Reconciled, int]:
        """What a run over calls that are known comes to, and how many recordings it fetched."""
        run, batch_ids = self.listed(*calls)
        fetched = 0
        for batch_id in batch_ids:
            fetched += self.staged(batch_id)
            archive(self.workspace, batch_id)
        return reconcile(self.workspace, run), fetched

    def verify(self, **more: Any) -> VerifyReport:
        return verify_archive(self.workspace.store, **more)

    def codes(self) -> list[str]:
        return sorted({finding.code.value for finding in self.verify().findings})

    def payload(self) -> set[str]:
        """Keys of all payload files."""
        return {key for key in self.workspace.store.keys(f"{POLICY}/bags") if "/data/" in key}

    def of(self, *ids: str) -> set[str]:
        """Those that belong to these recordings and calls."""
        return {key for key in self.payload() if any(f"/{each}-" in key for each in ids)}

    def custody(self) -> list[str]:
        return list(self.workspace.store.keys(f"{POLICY}/custody"))

    def trail(self, what: str) -> list[tuple[str, str, str | None, str | None]]:
        """Who, subject, before and after of the events of a kind."""
        query = select(events.c.who, events.c.subject, events.c.before, events.c.after).where(events.c.what == what)
        with self.workspace.catalog.begin() as connection:
            return [tuple(row) for row in connection.execute(query.order_by(events.c.event_id))]  # type: ignore[misc]


@contextmanager
def new_catalog(path: Path) -> Iterator[Catalog]:
    """An empty catalog in place of what was there."""
    for name in ("", "-wal", "-shm"):
        Path(f"{path}{name}").unlink(missing_ok=True)
    shutil.copy(_empty_catalog(), path)
    catalog = open_catalog(f"sqlite:///{path}")
    try:
        yield catalog
    finally:
        catalog.close()


def rebuilt(made: SmallArchive, **more: Any) -> Rebuilt:
    """The archive has a new catalog, made from it alone."""
    made.workspace.catalog.close()
    with new_catalog(made.root / "catalog.sqlite") as catalog:
        found = rebuild_catalog(catalog, [made.workspace.store], who="tester", now=made.now, **more)
    made.workspace = made.open()
    return found


def _no_source(conn_id: str, limiter: Any) -> Any:
    raise AssertionError(f"{conn_id} is not to be asked")


Made = Callable[..., SmallArchive]
