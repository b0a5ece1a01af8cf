"""What must become of each call, from the emulator's truth and the roster's text alone – never from our catalog."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cloud9_archive.emulator.truth import CallTruth, RecordingTruth, Truth

OUTCOMES = ("archived", "excluded", "awaiting_media", "quarantined", "missing")


@dataclass(slots=True)
class Expectation:
    """
    Ids by what must become of them.

    :param calls: outcome by call id
    :param recordings: outcome by recording id, of wanted recordings
    :param digests: SHA-256 of the original by recording id
    """

    calls: dict[str, str] = field(default_factory=dict)
    recordings: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """How many calls each outcome has."""
        outcomes = list(self.calls.values())
        return {outcome: outcomes.count(outcome) for outcome in OUTCOMES}


def read_modes(roster: Path, *, at: datetime) -> dict[str, str]:
    """The recording mode by login, as the roster's lines have it at a moment."""
    day = at.date().isoformat()
    with roster.open(encoding="utf-8", newline="") as file:
        return {
            row["extension"]: row["mode"]
            for row in csv.DictReader(file)
            if (row["valid_from"] or "0") <= day and (not row["valid_to"] or day < row["valid_to"])
        }


def expected(truth: Truth, *, modes: Mapping[str, str] | None) -> Expectation:
    """
    What must become of the truth's calls while its clock stands still.

    :param modes: recording mode by login; None when recording rules are off
    """
    result = Expectation()
    for call in truth.calls:
        if modes is not None and not _recorded(call, modes):
            result.calls[call.call_id] = "excluded"
            continue
        links = [truth.recordings[link.recording_id] for link in call.links]
        for recording in links:
            result.recordings[recording.recording_id] = recording_outcome(recording)
            result.digests[recording.recording_id] = recording.sha256
        result.calls[call.call_id] = _least_settled(recording_outcome(recording) for recording in links)
    return result


def recording_outcome(recording: RecordingTruth) -> str:
    """The outcome that a wanted recording must have."""
    if recording.availability != "available":
        return "awaiting_media"
    return "archived" if recording.condition == "intact" else "quarantined"


def _recorded(call: CallTruth, modes: Mapping[str, str]) -> bool:
    found = {modes.get(login) for login in (*call.near_logins, *call.far_logins)}
    return "never_record" not in found and "full" in found


def _least_settled(outcomes: Iterable[str]) -> str:
    found = set(outcomes)
    return next((each for each in ("awaiting_media", "quarantined", "archived") if each in found), "awaiting_media")
