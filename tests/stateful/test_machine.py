"""Runs of every kind, interleaved, abandoned and repeated over a source that keeps changing its mind."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from media_here import in_this_process
from plain_cloud9 import PlainCloud9

from cloud9_archive.catalog.accounts import policy_call_counts, policy_media_counts
from cloud9_archive.catalog.catalog import open_catalog
from cloud9_archive.domain.accounting import call_sum, media_sum
from cloud9_archive.domain.call import Call, Party, RecordingLink, Side
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import ReconciliationError
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.settings import Settings
from cloud9_archive.pipeline.transcode import transcode
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.workspace import Workspace, open_workspace

DAY = datetime(2026, 3, 3, tzinfo=UTC)
HOURS = 6
ROSTER = "extension_type,extension,user,mode\nuser_agent_id,in@firm,in,full\n"


@cache
def template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="cloud9-archive-machine-")) / "catalog.sqlite"
    open_catalog(f"sqlite:///{path}").close()
    return path


class Runs(RuleBasedStateMachine):
    """What may happen to a policy, in any order."""

    @initialize()
    def open(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="cloud9-archive-machine-"))
        (self.root / "include" / "rosters").mkdir(parents=True)
        (self.root / "include" / "rosters" / "emea.csv").write_text(ROSTER)
        shutil.copy(template(), self.root / "catalog.sqlite")
        self.now = DAY + timedelta(hours=HOURS)
        self.cloud9 = PlainCloud9()
        self.runs: dict[str, RunRef] = {}
        self.under_way: dict[str, Iterator[None]] = {}
        self.counted: set[Path] = set()
        self.held: Counter[str] = Counter()
        self.patched = ExitStack()
        for step in ("transcode", "second_fetch"):
            self.patched.enter_context(patch(f"cloud9_archive.pipeline.{step}.run_jobs", in_this_process))
        policy = {
            "policy": "emea",
            "sources": ["cloud9"],
            "schedule": {"cron": "0 2 * * *", "timezone": "UTC", "lookback": "1h"},
            "recording_rules": {"enabled": True, "roster": "rosters/emea.csv"},
            "media": {"profile": "none", "deadline": "1d"},
            "archive": {"target": "archive"},
            "batch": {"max_recordings": 2},
        }
        settings_ = Settings(data_root=self.root, include_folder=self.root / "include", claim_lease=timedelta(hours=2))
        self.opened = open_workspace(
            Policy.model_validate(policy), settings_, open_source=lambda *_: self.cloud9, clock=lambda: self.now
        )
        self.workspace: Workspace = self.opened.__enter__()
        for minute, recorded, links, shared in ((5, True, 2, False), (65, True, 1, True), (70, False, 1, True)):
            self.a_call_ends(minute=minute, recorded=recorded, links=links, shared=shared)
        self.a_call_ends(minute=80, recorded=True, links=0, shared=False)
        self.media_arrive()

    # The source ---------------------------------------------------------------------------------

    @rule(minute=st.integers(0, HOURS * 60 - 1), recorded=st.booleans(), links=st.integers(0, 2), shared=st.booleans())
    def a_call_ends(self, *, minute: int, recorded: bool, links: int, shared: bool) -> None:
        number = len(self.cloud9.calls)
        ids = [f"R{number}-{index}" for index in range(links)]
        if shared and number:
            others = list(self.cloud9.calls.values())[number // 2].recordings
            ids += [link.recording_id for link in others[:1]]
        self.cloud9.calls[f"C{number}"] = Call(
            "cloud9",
            f"C{number}",
            DAY + timedelta(minutes=minute),
            duration=60,
            parties=(Party(Side.NEAR, login="in@firm" if recorded else "out@firm"),),
            recordings=tuple(RecordingLink(each, offset=float(index)) for index, each in enumerate(ids)),
        )

    @precondition(lambda self: self.cloud9.calls)
    @rule(data=st.data())
    def a_call_is_amended(self, data: Any) -> None:
        call = data.draw(st.sampled_from(list(self.cloud9.calls.values())))
        self.cloud9.calls[call.call_id] = replace(call, button_label=f"{call.button_label}+")

    @precondition(lambda self: self.cloud9.calls)
    @rule(data=st.data())
    def a_link_is_added(self, data: Any) -> None:
        call = data.draw(st.sampled_from(list(self.cloud9.calls.values())))
        link = RecordingLink(f"{call.call_id}+{len(call.recordings)}")
        self.cloud9.calls[call.call_id] = replace(call, recordings=(*call.recordings, link))

    @rule()
    def media_arrive(self) -> None:
        self.cloud9.arrived |= set(sorted(self.cloud9.wanted() - self.cloud9.arrived)[::2])

    @rule(minutes=st.sampled_from([1, 16, 125, 800, 1500]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # The runs -----------------------------------------------------------------------------------

    @rule(kind=st.sampled_from(RunKind), first=st.integers(0, 2), steps=st.integers(0, 9))
    def a_run_begins(self, kind: RunKind, first: int, steps: int) -> None:
        start = DAY + timedelta(hours=first)
        run = RunRef("emea", f"run-{len(self.runs)}", kind, Window(start, start + timedelta(hours=HOURS)))
        self.runs[run.run_id] = run
        self.under_way[run.run_id] = self.steps(run)
        self.goes_on(run.run_id, steps)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), steps=st.integers(1, 9))
    def a_run_gets_on(self, data: Any, steps: int) -> None:
        self.goes_on(data.draw(st.sampled_from(sorted(self.under_way))), steps)

    def goes_on(self, run_id: str, steps: int) -> None:
        for _ in range(steps):
            if next(self.under_way[run_id], "over") == "over":
                del self.under_way[run_id]
                return

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def a_run_is_finished(self, data: Any) -> None:
        for _ in self.under_way.pop(data.draw(st.sampled_from(sorted(self.under_way)))):
            pass

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def a_run_dies(self, data: Any) -> None:
        self.under_way.pop(data.draw(st.sampled_from(sorted(self.under_way))))

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def a_run_is_cleared(self, data: Any) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.runs)))
        self.under_way[run_id] = self.steps(self.runs[run_id])

    def steps(self, run: RunRef) -> Iterator[None]:
        fetch_calls(self.workspace, run, "cloud9")
        yield
        for batch_id in apply_recording_rules(self.workspace, run).batch_ids:
            for step in (fetch_recordings, transcode, archive):
                yield
                step(self.workspace, batch_id)
        yield
        try:
            result = reconcile(self.workspace, run)
        except ReconciliationError as gap:
            assert any(code in str(gap) for code in ("CALL_UNACCOUNTED", "CALL_UNDECIDED", "RECORDING_ABANDONED"))  # noqa: PT017 - a gap must be named
        else:
            assert (result.calls.unaccounted, result.recordings.unaccounted) == (0, 0)

    # What always holds --------------------------------------------------------------------------

    @invariant()
    def nothing_is_archived_twice(self) -> None:
        for seal in self.root.glob("archive/emea/bags/*/*/*/*/tagmanifest-sha256.txt"):
            if seal not in self.counted:
                self.counted.add(seal)
                records = [json.loads(p.read_bytes()) for p in seal.parent.glob("data/recordings/*/record.json")]
                self.held.update(record["recording_id"] for record in records)
        assert not [key for key, count in self.held.items() if count > 1]

    @invariant()
    def excluded_audio_is_never_asked_for(self) -> None:
        assert set(self.cloud9.asked) <= self.cloud9.wanted()

    def teardown(self) -> None:
        """In the end, one scheduled run after everything came brings everything home."""
        if not hasattr(self, "workspace"):
            return
        try:
            self.cloud9.arrived |= self.cloud9.wanted()
            self.now += timedelta(days=2)
            for number in range(2):
                self.now += timedelta(hours=13)
                window = Window(DAY, DAY + timedelta(hours=2 * HOURS))
                run = RunRef("emea", f"last-{number}", RunKind.SCHEDULED, window)
                for _ in self.steps(run):
                    pass
            result = reconcile(self.workspace, run)
            self.nothing_is_archived_twice()
            assert set(self.held) == self.cloud9.wanted()
            assert result.recordings.archived == result.recordings.wanted == len(self.cloud9.wanted())
            assert call_sum(policy_call_counts(self.workspace.catalog, "emea")).unaccounted == 0
            assert media_sum(policy_media_counts(self.workspace.catalog, "emea")).unaccounted == 0
            report = verify_archive(self.workspace.store)
            assert report.ok, [finding.line() for finding in report.findings]
        finally:
            self.patched.close()
            self.opened.__exit__(None, None, None)
            shutil.rmtree(self.root)


TestRuns = Runs.TestCase
TestRuns.settings = settings(settings.get_profile("machine"))
