"""The daily look at a policy: what its sources list, what its catalog has and what its archive holds, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

import structlog

from cloud9_archive.domain.accounting import CallSum, MediaSum
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.findings import FINDING_KINDS, Finding
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.schedule import parse_duration
from cloud9_archive.domain.window import Window
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import Cloud9ArchiveError, ReconciliationError, TransientError, WindowError
from cloud9_archive.pipeline.intervals import last_edge
from cloud9_archive.pipeline.look_at_archive import look_at_archive
from cloud9_archive.pipeline.look_at_runs import note_gaps, note_pause, standing_of
from cloud9_archive.pipeline.look_at_source import SourceLook, look_at_source
from cloud9_archive.pipeline.look_at_sums import look_at_sums
from cloud9_archive.pipeline.look_notes import Notes
from cloud9_archive.pipeline.workspace import Workspace

log = structlog.get_logger(__name__)

LOOKBACK = "7d"
LONGEST = timedelta(days=92)
LATENESS = timedelta(hours=1)
"""How long after the end of an interval its run may take, unless the policy's ``alerts.late_after`` is longer."""

NAMED = 10
"""Subjects that a failure names; the catalog has them all."""


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """What a source lists beside the catalog; see :class:`~cloud9_archive.pipeline.look_at_source.SourceLook`."""

    source: str
    listed: int
    undecided: int
    vanished: int
    amended: int
    made_due: int


@dataclass(frozen=True, slots=True)
class Looked:
    """
    What a daily look came to.

    :param window: whole days UTC, up to the end of the last data interval whose run had to be done by then
    :param missing_intervals: data intervals without a run
    :param bags: of the window that the catalog knows
    :param records: recordings and call documents in them that were looked for
    :param calls: over the whole policy
    :param recordings: over the whole policy
    :param findings: by code and subject
    :param unreached: what could not be looked at, and why: sources by their connection id, or ``archive``
    """

    policy: str
    look_id: str
    window: Window
    sources: tuple[SourceCounts, ...]
    missing_intervals: int
    bags: int
    records: int
    calls: CallSum
    recordings: MediaSum
    findings: tuple[Finding, ...]
    unreached: dict[str, Cloud9ArchiveError]

    @property
    def run(self) -> RunRef:
        """What its findings are noted under."""
        return look_run(self.policy, self.look_id, self.window)

    @property
    def gaps(self) -> list[Finding]:
        """Those that fail the look, causes first."""
        codes = list(FINDING_KINDS)
        return sorted(
            (each for each in self.findings if each.kind.gap), key=lambda each: (codes.index(each.code), each)
        )

    def counts(self) -> dict[str, Any]:
        """What XCom takes: ids, counts and digests."""
        return {
            "window_start": utc_text(self.window.start),
            "window_end": utc_text(self.window.end),
            "sources": [asdict(each) for each in self.sources],
            "missing_intervals": self.missing_intervals,
            "bags": self.bags,
            "records": self.records,
            "calls": asdict(self.calls),
            "recordings": asdict(self.recordings),
            "findings": dict(sorted(Counter(each.code for each in self.findings).items())),
            "unreached": sorted(self.unreached),
        }


def look_run(policy: str, look_id: str, window: Window) -> RunRef:
    """
    What findings of a look are noted under; no run of the policy is called so.

    :param look_id: such as the id of the Airflow run
    """
    return RunRef(policy, f"look__{look_id}", RunKind.MANUAL, window)


def look_window(workspace: Workspace, lookback: timedelta) -> Window:
    """
    From a midnight UTC to the end of the last data interval whose run ought to be done.

    :raises WindowError: if the look-back is not positive, or longer than a quarter of a year
    """
    if not timedelta(0) < lookback <= LONGEST:
        raise WindowError(
            f"a look-back of {lookback} cannot be taken",
            subject="lookback",
            hint=f"give a duration up to {LONGEST.days}d, such as {LOOKBACK}",
        )
    alerts = workspace.policy.alerts
    lateness = max(LATENESS, alerts.late_after if alerts and alerts.late_after else LATENESS)
    end = last_edge(workspace.policy.schedule, workspace.clock() - lateness)
    begin = (end - lookback).replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(begin, end)


def read_lookback(text: str) -> timedelta:
    """
    The duration.

    :raises WindowError: if it is none
    """
    try:
        return parse_duration(text)
    except ValueError as error:
        raise WindowError(
            f"lookback {shown(text)!r}: {error}", subject="lookback", hint="give 7d, for example"
        ) from None


def take_look(workspace: Workspace, look_id: str, *, lookback: timedelta, paused: bool | None = None) -> Looked:
    """
    Listing, catalog and archive of the look-back were laid side by side, and what was found is open in the catalog.

    Nothing is taken up and nothing is decided: that is for runs. Taken again over the same facts, a look has the same
    result. A source that cannot be listed holds up neither the others nor the rest; nothing about it heals then.

    :param look_id: names the look in the findings that it saw
    :param paused: whether Airflow says that the policy's DAG is paused; None if it was not asked
    """
    window = look_window(workspace, lookback)
    run = look_run(workspace.policy.policy, look_id, window)
    notes, unreached = Notes(), dict[str, Cloud9ArchiveError]()
    standing = standing_of(workspace, window)
    sources: list[SourceLook] = []
    for source in workspace.policy.sources:
        try:
            sources.append(look_at_source(workspace, source, standing, window))
        except Cloud9ArchiveError as error:
            log.warning("source could not be listed", source=source, code=error.code, reason=str(error))
            unreached[source] = error
    undecided: Counter[str] = Counter()
    for each in sources:
        undecided.update(each.in_gaps)
        notes.add(each.notes)
    notes.add(note_gaps(workspace, standing, undecided))
    notes.add(note_pause(standing, window.end, paused=paused))
    bags = records = 0
    try:
        archived = look_at_archive(workspace, window)
    except Cloud9ArchiveError as error:
        log.warning("archive could not be listed", code=error.code, reason=str(error))
        unreached["archive"] = error
    else:
        notes.add(archived.notes)
        bags, records = archived.bags, archived.records
    sums = look_at_sums(workspace, window.end)
    notes.add(sums.notes)
    notes.put_down(workspace, run)
    looked = Looked(
        policy=run.policy,
        look_id=look_id,
        window=window,
        sources=tuple(
            SourceCounts(s.source, s.listed, s.undecided, s.vanished, s.amended, s.made_due) for s in sources
        ),
        missing_intervals=sum(gap.intervals for gap in standing.gaps),
        bags=bags,
        records=records,
        calls=sums.calls,
        recordings=sums.recordings,
        findings=tuple(sorted(set(notes.findings))),
        unreached=unreached,
    )
    log.info("daily look taken", policy=run.policy, window=str(window), **looked.counts()["findings"])
    return looked


def refuse_gaps(looked: Looked) -> None:
    """
    The look found no gap, and reached everything.

    :raises ReconciliationError: naming what it found; its cause is what could not be reached, if anything could not
    :raises TransientError: if something could not be reached for the time being, and no gap was found
    """
    gaps = looked.gaps
    first = _gravest(looked.unreached)
    if first is not None and not gaps:
        raise first
    if gaps:
        hint = gaps[0].kind.next_action
        raise ReconciliationError(_words(looked, gaps), subject=looked.policy, hint=hint) from first


def _gravest(unreached: dict[str, Cloud9ArchiveError]) -> Cloud9ArchiveError | None:
    """The first that needs a person, else the first."""
    return min(unreached.values(), key=lambda error: isinstance(error, TransientError), default=None)


def _words(looked: Looked, gaps: Sequence[Finding]) -> str:
    parts = [f"the daily look at {looked.policy} over {looked.window} found gaps"]
    for code, group in groupby(gaps, key=lambda finding: finding.code):
        found = list(group)
        named = ", ".join(f"{shown(each.subject)} ({each.words})" for each in found[:1])
        more = ", ".join(shown(each.subject) for each in found[1:NAMED])
        rest = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        parts.append(f"{code}: {named}{', ' if more else ''}{more}{rest}")
    parts += [f"{name} was not reached: {error.code}" for name, error in sorted(looked.unreached.items())]
    return "; ".join(parts)
