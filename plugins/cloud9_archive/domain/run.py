"""Which run does the work, and how records are pointed at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from cloud9_archive.domain.window import Window


class CallRef(NamedTuple):
    """Points at a call: its source and the source's own id."""

    source: str
    call_id: str


class RecordingRef(NamedTuple):
    """Points at a recording: its source and the source's own id."""

    source: str
    recording_id: str


@dataclass(frozen=True, slots=True)
class WantedRecording:
    """
    A recording to ask a source for, with all that a source may want to know it by.

    :param recording_id: the source's own id
    :param filename: the source's name for the file, when it gave one
    :param call_ids: the calls that it belongs to, as far as they are known
    """

    recording_id: str
    filename: str | None = None
    call_ids: tuple[str, ...] = ()


class RunKind(StrEnum):
    """Why a run happens: only scheduled ones also take stragglers of earlier windows."""

    SCHEDULED = "scheduled"
    BACKFILL = "backfill"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class RunRef:
    """
    One run of a policy over a window.

    :param run_id: Airflow's run id, or one of the command line's; with the policy it is unique
    :param call_ids: when there are any, the run takes these calls and no others of its window
    """

    policy: str
    run_id: str
    kind: RunKind
    window: Window
    call_ids: tuple[str, ...] = ()


FIRST_CHECK = timedelta(minutes=15)
LAST_CHECK = timedelta(hours=12)


def check_delay(attempts: int) -> timedelta:
    """
    How long to leave absent media alone: twice as long each time, from 15 minutes to 12 hours.

    :param attempts: how often it was asked for already, at least 1
    """
    doublings = min(attempts - 1, 10)
    return min(FIRST_CHECK * (1 << max(doublings, 0)), LAST_CHECK)
