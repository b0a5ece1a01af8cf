"""A program for tests: one whole run in a process of its own, which may be told to die on the way."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from media_here import in_this_process
from sqlalchemy import event

from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.pipeline import second_fetch
from cloud9_archive.pipeline import transcode as transcode_module
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.settings import Settings
from cloud9_archive.pipeline.transcode import transcode
from cloud9_archive.pipeline.workspace import Workspace, open_workspace
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.store import Put, Stored, put_in_parallel


class Death:
    """Kills this process at the nth thing it does that leaves a trace; never, when n is 0."""

    def __init__(self, nth: int) -> None:
        self.left = nth

    def comes_nearer(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class MortalStore(LocalStore):
    """A store during whose puts the process may die: before the file is there, and after."""

    def __init__(self, root: Path, death: Death) -> None:
        super().__init__(root)
        self.death = death

    def put(self, key: str, content: bytes | Path, *, sha256: str, **kept: Any) -> Stored:
        self.death.comes_nearer()
        stored = super().put(key, content, sha256=sha256)
        self.death.comes_nearer()
        return stored

    def put_all(self, items: Iterable[Put], *, parallel: int = 1) -> tuple[Stored, ...]:
        return put_in_parallel(self, items, parallel=1)


def whole_run(workspace: Workspace, run: RunRef) -> dict[str, Any]:
    for source in workspace.policy.sources:
        fetch_calls(workspace, run, source)
    for batch_id in apply_recording_rules(workspace, run).batch_ids:
        fetch_recordings(workspace, batch_id)
        transcode(workspace, batch_id)
        archive(workspace, batch_id)
    return asdict(reconcile(workspace, run).calls)


def main() -> None:
    order = json.load(sys.stdin)
    death = Death(order["die_at"])
    for step in (transcode_module, second_fetch):
        step.run_jobs = in_this_process  # type: ignore[attr-defined]
    source = SourceSettings(**order["source"])
    settings = Settings(
        data_root=Path(order["root"]), include_folder=Path("include").absolute(), catalog_url=order["catalog_url"]
    )
    now = datetime.fromisoformat(order["now"])
    window = Window(*(datetime.fromisoformat(end) for end in order["window"]))
    run = RunRef(order["policy"]["policy"], order["run_id"], RunKind(order["kind"]), window)
    with open_workspace(
        Policy.model_validate(order["policy"]),
        settings,
        open_source=lambda conn_id, limiter: Cloud9Client(source),
        clock=lambda: now,
    ) as workspace:
        event.listen(workspace.catalog.engine, "begin", death.comes_nearer)
        event.listen(workspace.catalog.engine, "commit", death.comes_nearer)
        mortal = replace(workspace, store=MortalStore(Path(order["root"]) / "archive", death))
        print(json.dumps({"calls": whole_run(mortal, run), "left": death.left}))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
