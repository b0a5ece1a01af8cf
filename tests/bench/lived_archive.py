"""An archive with a history: several runs, excluded calls, quarantine, late media, a call amended and decided on anew."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipeline_bench import DAY

from cloud9_archive.domain.run import RunKind
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.day_report import put_day_report
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.reconcile import reconcile

MINUTE = timedelta(minutes=1)

ROSTER = "extension_type,extension,user,mode\n" + "".join(
    f"user_agent_id,{user}@firm.example,{user},full\n"
    for user in ("akhan", "gmeyer", "jsmith", "lnovak", "mrossi", "pdubois")
)
SECTIONS = [
    {"name": "Rossi", "when": {"near": {"login": ["mrossi@firm.example"]}}, "then": "record", "profile": "amr_nb"}
]


@dataclass
class Lived:
    """
    A bench with a history: several runs, excluded calls, quarantine, late media, a call amended and decided on anew.

    :param kept: where the history lies once it was lived through
    """

    bench: Any
    kept: Path
    run_of: Any

    def run(self, run: Any, *, sections: Any = SECTIONS, redecide: bool = False) -> Any:
        rules = {"enabled": True, "roster": "rosters/desk.csv", "sections": sections}
        workspace = self.bench.workspace(recording_rules=rules)
        workspace = replace(workspace, settings=replace(workspace.settings, include_folder=self.bench.root / "include"))
        fetch_calls(workspace, run, "cloud9_emea")
        self.bench.work(workspace, apply_recording_rules(workspace, run, redecide=redecide).batch_ids)
        return reconcile(workspace, run)

    def begin(self) -> None:
        self.bench.cloud9.admin.upload_never(self.bench.call(Kind.LATE_MEDIA).all_links[0].recording_id)
        if self.kept.exists():
            shutil.copytree(self.kept, self.bench.root, dirs_exist_ok=True)
            self._amend()
            return
        (self.bench.root / "include" / "rosters").mkdir(parents=True)
        (self.bench.root / "include" / "rosters" / "desk.csv").write_text(ROSTER)
        for hour in (0, 8, 16):
            run_id = f"scheduled-{hour}"
            self.run(self.run_of(RunKind.SCHEDULED, start=DAY + timedelta(hours=hour), hours=8, run_id=run_id))
        self._amend()
        run = self.run_of(start=self.shared.started_at - MINUTE, hours=1 / 30, run_id="backfill")
        sections = [{"name": "all", "then": "record"}]
        self.run(run, sections=sections, redecide=True)
        put_day_report(self.bench.workspace(recording_rules={"enabled": False}), DAY.date())
        shutil.copytree(self.bench.root, self.kept)

    @property
    def shared(self) -> Any:
        """A call over the line that two people share."""
        return self.bench.call(Kind.SHARED_LINE)

    def _amend(self) -> None:
        self.bench.clock.move_to(self.bench.clock.now + MINUTE)
        self.bench.amend(self.shared.call_id, stop_reason="Supervisor released")
