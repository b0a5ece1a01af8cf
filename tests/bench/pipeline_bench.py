"""A bench for whole runs: a policy's workspace over the emulator, and what its archive then holds."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.api.limits import Limiter
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.catalog.findings import open_findings
from cloud9_archive.demo.expectation import Expectation, expected, read_modes
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.run import RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.emulator.server import EmulatorServer
from cloud9_archive.emulator.truth import CallTruth, Truth
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import Reconciled, reconcile
from cloud9_archive.pipeline.settings import Settings
from cloud9_archive.pipeline.transcode import transcode
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.workspace import Workspace, open_workspace

DAY = datetime(2026, 3, 3, tzinfo=UTC)
"""A Tuesday; the emulated world stands still three days later unless a test moves it."""

Known = Callable[[datetime, int], None]
"""Lets so many calls be known from a moment on."""

ONE_RUN = Path(__file__).with_name("one_run.py")
"""The program of a run in a process of its own; it takes its order from standard input."""


@dataclass
class Clock:
    """The present moment of pipeline and emulated world alike."""

    cloud9: EmulatorServer
    now: datetime = DAY + timedelta(days=3)

    def __call__(self) -> datetime:
        return self.now

    def move_to(self, now: datetime) -> None:
        self.now = now
        self.cloud9.admin.set_clock(fixed=now)


@dataclass
class Bench:
    """
    Opens workspaces, one after the other, over the same catalog and archive.

    :param connection: further settings of every source, such as the wire format
    """

    cloud9: EmulatorServer
    clock: Clock
    root: Path
    stack: ExitStack
    policy: dict[str, Any] = field(default_factory=dict)
    catalog_url: str | None = None
    connection: dict[str, Any] = field(default_factory=dict)

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def settings(self) -> Settings:
        return Settings(data_root=self.root, include_folder=Path("include").absolute(), catalog_url=self.catalog_url)

    def source_settings(self, conn_id: str) -> SourceSettings:
        key = self.cloud9.keys[conn_id.removeprefix("cloud9_")]
        return SourceSettings(
            conn_id=conn_id,
            host=self.cloud9.host,
            port=self.cloud9.port,
            api_key=key.api_key,
            api_secret=key.api_secret,
            tls_trust=str(self.cloud9.ca_file),
            **self.connection,
        )

    def open_source(self, conn_id: str, limiter: Limiter | None = None) -> AbstractContextManager[Cloud9Client]:
        # Waiting between attempts, and for turns, is tested where it is made.
        return Cloud9Client(self.source_settings(conn_id), sleep=lambda seconds: None)

    def order(self, run: RunRef, *, die_at: int = 0) -> dict[str, Any]:
        """
        What ``one_run.py`` is told.

        :param die_at: at the how manieth thing that leaves a trace the process kills itself; 0 for never
        """
        return {
            "source": asdict(self.source_settings("cloud9_emea")),
            "root": str(self.root),
            "catalog_url": self.catalog_url,
            "policy": self.policy,
            "run_id": run.run_id,
            "kind": run.kind,
            "window": [run.window.start.isoformat(), run.window.end.isoformat()],
            "now": self.clock.now.isoformat(),
            "die_at": die_at,
        }

    def elsewhere(self, run: RunRef, *, die_at: int = 0) -> subprocess.Popen[str]:
        """The run is at work in a process of its own, which may die as :meth:`order` says."""
        child = subprocess.Popen(
            [sys.executable, str(ONE_RUN)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdin is not None
        child.stdin.write(json.dumps(self.order(run, die_at=die_at)))
        child.stdin.close()
        child.stdin = None
        return child

    def workspace(self, *, lease: timedelta = timedelta(hours=6), **changes: Any) -> Workspace:
        policy = {**self.policy, **changes}
        settings = replace(self.settings, claim_lease=lease)
        return self.stack.enter_context(
            open_workspace(Policy.model_validate(policy), settings, open_source=self.open_source, clock=self.clock)
        )

    def begin(self, workspace: Workspace, run: RunRef) -> tuple[str, ...]:
        """The run has listed and decided; the ids of its batches."""
        for source in workspace.policy.sources:
            fetch_calls(workspace, run, source)
        return apply_recording_rules(workspace, run).batch_ids

    def work(self, workspace: Workspace, batch_ids: Iterable[str]) -> None:
        for batch_id in batch_ids:
            fetch_recordings(workspace, batch_id)
            transcode(workspace, batch_id)
            archive(workspace, batch_id)

    def run(self, run: RunRef, **changes: Any) -> Reconciled:
        """A whole run, as the DAG does it."""
        workspace = self.workspace(**changes)
        self.work(workspace, self.begin(workspace, run))
        return reconcile(workspace, run)

    def snapshot(self) -> dict[str, str]:
        """Every file of the archive with its digest, bags and all."""
        return {
            str(path.relative_to(self.archive)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.archive.rglob("*"))
            if path.is_file()
        }

    def bags(self) -> list[Path]:
        return sorted(seal.parent for seal in self.archive.glob("*/bags/*/*/*/*/tagmanifest-sha256.txt"))

    def records(self) -> list[dict[str, Any]]:
        """Every record.json of every bag."""
        found = [path for bag in self.bags() for path in bag.glob("data/recordings/*/record.json")]
        return [json.loads(path.read_bytes()) for path in found]

    def calls(self) -> dict[str, list[dict[str, Any]]]:
        """Every document of every call, oldest first, without its row, and recordings in the order of their ids."""
        found: dict[str, list[dict[str, Any]]] = {}
        for bag in self.bags():
            for path in sorted(bag.glob("data/calls/*.json")):
                call = json.loads(path.read_bytes())["call"]
                recordings = sorted(call["recordings"], key=lambda link: str(link["recording_id"]))
                found.setdefault(call["call_id"], []).append({**call, "recordings": recordings, "raw": None})
        return found

    def recording_states(self) -> dict[str, list[str]]:
        """In which states the archive holds each recording; more than one would be a duplicate."""
        states: dict[str, list[str]] = {}
        for record in self.records():
            states.setdefault(record["recording_id"], []).append(record["state"])
        return states

    def expected(self, window: Window) -> Expectation:
        """What must come of the window, from the emulator's truth and the roster file alone."""
        rules = self.policy["recording_rules"]
        modes = (
            read_modes(self.settings.include_folder / rules["roster"], at=window.start) if rules["enabled"] else None
        )
        return expected(self.truth(window), modes=modes)

    def truth(self, window: Window, desk: str = "emea") -> Truth:
        return self.cloud9.admin.truth(desk, begin=window.start, end=window.end)

    def call(self, kind: Kind) -> CallTruth:
        """The first call of the day that is in the world for this reason."""
        return next(call for call in self.truth(Window(DAY, DAY + timedelta(days=1))).calls if call.kind is kind)

    def amend(self, call_id: str, /, **changes: Any) -> None:
        """The source tells this call otherwise from now on."""
        made = self.cloud9.cloud.world._days[("emea", DAY.date())]
        calls = tuple(replace(call, **changes) if call.call_id == call_id else call for call in made.calls)
        links = {link.recording.recording_id: link.recording for call in calls for link in call.links}
        recordings = {**made.recordings, **links}
        self.cloud9.cloud.world._days[("emea", DAY.date())] = replace(made, calls=calls, recordings=recordings)

    def asked_for(self, recording_id: str) -> int:
        """How often the recording was asked for at the source."""
        seen = self.cloud9.admin.requests().requests
        return sum(one.path.endswith("/recordings") and one.subject == recording_id for one in seen)

    def findings(self, code: str) -> set[str]:
        """Subjects of the open findings of that kind."""
        found = open_findings(self.workspace().catalog, "emea_rates")
        return {each.finding.subject for each in found if each.finding.code == code}

    def verified(self) -> None:
        """The archive is sound, and whoever asks it is told so."""
        report = verify_archive(self.workspace().store)
        assert report.ok, [finding.line() for finding in report.findings]

    def complete(self, window: Window) -> None:
        """The archive is sound and holds just the window's recordings, each once, with the source's own bytes."""
        outcome = self.expected(window)
        settled = {key: [state] for key, state in outcome.recordings.items() if state in ("archived", "quarantined")}
        assert self.recording_states() == settled
        for record in self.records():
            assert record["original"]["sha256"] == outcome.digests[record["recording_id"]]
        self.verified()
