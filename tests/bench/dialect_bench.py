"""Whole runs against the emulator in one of its dialects, and what their archives then hold."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import wire_files
from dialect_formats import format_of
from pipeline_bench import DAY, Bench, Clock

from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.dialect import Dialect
from cloud9_archive.emulator.server import EmulatorServer

POLICY = {
    "policy": "emea_rates",
    "sources": ["cloud9_emea"],
    "schedule": {"cron": "0 2 * * *", "timezone": "Europe/London", "lookback": "1s"},
    "recording_rules": {"enabled": False},
    "media": {"profile": "none", "deadline": "7d"},
    "archive": {"target": "archive"},
    "batch": {"max_recordings": 25},
}


@dataclass(frozen=True)
class Archived:
    """
    What an archive holds, whatever the dialect was.

    :param recordings: state and SHA-256 of the source's bytes, by recording id
    :param calls: every document of a call without its raw row, by call id
    """

    recordings: dict[str, tuple[str, str]]
    calls: dict[str, list[dict[str, Any]]]

    @classmethod
    def of(cls, bench: Bench) -> Archived:
        states = bench.recording_states()
        assert all(len(each) == 1 for each in states.values()), "a recording is there twice"
        held = {each["recording_id"]: (each["state"], each["original"]["sha256"]) for each in bench.records()}
        return cls(held, bench.calls())

    def without(self, recording_ids: set[str]) -> Archived:
        """The same, had these recordings not been there; their calls are documented all the same if they have others."""
        named = {
            call_id: {link["recording_id"] for each in documents for link in each["recordings"]}
            for call_id, documents in self.calls.items()
        }
        kept = {call_id: each for call_id, each in self.calls.items() if not named[call_id] <= recording_ids}
        return Archived({key: held for key, held in self.recordings.items() if key not in recording_ids}, kept)


@dataclass(frozen=True)
class Speaking:
    """Makes benches over one emulator; each has an archive of its own."""

    cloud9: EmulatorServer
    folder: Path
    stack: ExitStack

    def __call__(self, form: dict[str, Any] | None = None, **dialect: Any) -> Bench:
        """
        The emulator speaks so, and a bench has a format file for it.

        :param form: what the format file says; by default :func:`~dialect_formats.format_of` of the dialect
        """
        self.cloud9.admin.set_dialect(**dialect)
        clock = Clock(self.cloud9)
        clock.move_to(clock.now)
        self.folder.mkdir(exist_ok=True)
        own = self.folder / str(len(list(self.folder.iterdir())))
        own.mkdir()
        wire = wire_files.written(own, form or format_of(Dialect.model_validate(dialect)))
        connection = {"wire_format": str(wire), "media_hosts": (f"{self.cloud9.host}:{self.cloud9.port}",)}
        return Bench(self.cloud9, clock, own / "data", self.stack, dict(POLICY), connection=connection)


def run_of(kind: RunKind = RunKind.BACKFILL, *, start: datetime = DAY, hours: float = 24, run_id: str = "") -> RunRef:
    """A run over a window, by default over the whole day."""
    window = Window(start, start + timedelta(hours=hours))
    return RunRef("emea_rates", run_id or f"{kind}__{start.isoformat()}", kind, window)
