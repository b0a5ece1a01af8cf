"""A Cloud9 without a network: calls that a test tells it, and real audio for those whose recordings have arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Self

from cloud9_archive.api.client import FetchedRecording, PendingRecording
from cloud9_archive.api.listing import CallPage
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.audio.ogg_writer import looped, read_sample


@cache
def audio(recording_id: str) -> bytes:
    """A quarter of a second of real Ogg/Opus, unlike any other recording's."""
    sample = files("cloud9_archive.emulator.audio").joinpath("samples", "mono-5s.ogg").read_bytes()
    return looped(read_sample(sample), milliseconds=250, serial=len(recording_id), comment=recording_id)


@dataclass
class PlainCloud9:
    """
    What a client of the API does, done by hand.

    :param calls: by call id, in the order of the listing
    :param arrived: recordings whose audio is there
    :param asked: how often each recording was asked for
    """

    calls: dict[str, Call] = field(default_factory=dict)
    arrived: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def list_calls(self, window: Window) -> Iterator[CallPage]:
        yield CallPage(1, window, tuple(call for call in self.calls.values() if call.started_at in window), b"{}")

    def fetch_recording(self, wanted: WantedRecording, *, into: Path) -> FetchedRecording | PendingRecording:
        recording_id = wanted.recording_id
        self.asked[recording_id] += 1
        if recording_id not in self.arrived:
            return PendingRecording(recording_id, "404")
        content = audio(recording_id)
        into.write_bytes(content)
        return FetchedRecording(recording_id, into, len(content), sha256(content).hexdigest(), "audio/ogg")

    def wanted(self) -> set[str]:
        """Recordings of calls that are to be recorded."""
        recorded = [call for call in self.calls.values() if call.parties[0].login == "in@firm"]
        return {link.recording_id for call in recorded for link in call.recordings}
