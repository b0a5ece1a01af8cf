"""Which data intervals of a policy no run stands for, and whether anything runs it at all."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cloud9_archive.catalog.run_spans import RunSpan, first_scheduled, run_spans
from cloud9_archive.catalog.runs import RunState
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.days import days_window
from cloud9_archive.domain.window import Window, joined
from cloud9_archive.domain.words import named
from cloud9_archive.pipeline.intervals import data_intervals
from cloud9_archive.pipeline.look_notes import Notes, open_of
from cloud9_archive.pipeline.workspace import Workspace

LONGEST_GAP = timedelta(days=31)
"""How far back a gap that was found once is looked at again; an older one stays as it was noted."""

DAG_SUBJECT = "dag"
_RUNS = "runs/"
_SURE = 2
"""Intervals without any run that are taken for a pause, where Airflow cannot be asked."""


@dataclass(frozen=True, slots=True)
class Gap:
    """
    Data intervals without a run, one after the other.

    :param intervals: how many
    :param last: where the last of them begins
    :param sources: those that were not listed
    :param begun: runs of them that did not list all of these
    """

    window: Window
    intervals: int
    last: datetime
    sources: tuple[str, ...]
    begun: tuple[str, ...]

    @property
    def subject(self) -> str:
        """What it is noted under: where it begins, so that it stays the same finding while it grows."""
        return f"{_RUNS}{utc_text(self.window.start)}"


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What a policy's runs stand for.

    :param covered: by source, the spans that a run has listed to the end, and come to its own
    :param gaps: oldest first
    :param since: from where on gaps were looked for; None if no scheduled run ever said when to begin
    """

    covered: Mapping[str, Sequence[Window]]
    gaps: tuple[Gap, ...]
    since: datetime | None

    def gap_at(self, moment: datetime) -> Gap | None:
        """The gap that holds this moment."""
        return next((gap for gap in self.gaps if moment in gap.window), None)

    def is_covered(self, source: str, moment: datetime) -> bool:
        """Whether a run has listed the source for this moment."""
        return any(moment in span for span in self.covered[source])

    def listable(self, source: str, window: Window) -> list[Window]:
        """The parts of the window that runs stand for or ought to; where one is at work now is left to it."""
        spans = joined([*self.covered[source], *(gap.window for gap in self.gaps)])
        return [_cut(span, window) for span in spans if span.start < window.end and window.start < span.end]


def standing_of(workspace: Workspace, window: Window) -> Standing:
    """
    What the policy's runs stand for in the window, and which gaps they leave.

    A run that is not over counts as at work for as long as a batch belongs to its run; then as one that never ended.

    :param window: what is looked at; gaps that were found earlier are looked at again from their begin
    """
    policy, now = workspace.policy, workspace.clock()
    earlier = [begin for begin in _open_gaps(workspace) if begin > window.end - LONGEST_GAP]
    since = min([window.start, *earlier])
    spans = run_spans(workspace.catalog, policy.policy, since=since)
    covered = {source: joined(span.window for span in spans if _stands_for(span, source)) for source in policy.sources}
    at_work = [
        span.window
        for span in spans
        if span.state is RunState.OPEN and now - span.opened_at < workspace.settings.claim_lease
    ]
    first = first_scheduled(workspace.catalog, policy.policy)
    if first is None:
        return Standing(covered, (), None)
    schedule = policy.schedule
    begin = max(since, first, days_window(schedule.start, schedule.start, zone=schedule.timezone).start)
    taken = {source: joined([*spans_of_it, *at_work]) for source, spans_of_it in covered.items()}
    missed = [
        each
        for each in data_intervals(schedule, begin, window.end)
        if not all(_within(each, spans_of_it) for spans_of_it in taken.values())
    ]
    return Standing(covered, tuple(_gaps(missed, spans, taken)), begin)


def note_gaps(workspace: Workspace, standing: Standing, undecided: Mapping[str, int]) -> Notes:
    """
    A finding for each gap; earlier ones that runs stand for by now heal.

    :param undecided: by a gap's subject, how many calls are listed in it that the policy has not decided on
    """
    notes = Notes()
    for gap in standing.gaps:
        count = undecided.get(gap.subject, 0)
        listed = f", and calls are listed there that nothing was decided on: {count}" if count else ""
        begun = f" (runs that did not get that far: {len(gap.begun)})" if gap.begun else ""
        words = (
            f"no run for {gap.intervals} data interval{'s' if gap.intervals > 1 else ''} from "
            f"{utc_text(gap.window.start)} to {utc_text(gap.window.end)} has listed {named(gap.sources)} to the end{begun}{listed}; {_backfill(workspace, gap)}"
        )
        notes.saw("RUN_MISSING", gap.subject, words)
    if standing.since is not None:
        looked_at = [begin for begin in _open_gaps(workspace) if begin >= standing.since]
        notes.looked_at("RUN_MISSING", [f"{_RUNS}{utc_text(begin)}" for begin in looked_at])
    return notes


def note_pause(standing: Standing, end: datetime, *, paused: bool | None) -> Notes:
    """
    A finding if the policy's DAG is paused, or nothing seems to run it.

    :param end: of the span that was looked at
    :param paused: what Airflow says; None if it was not asked. Then several intervals at the end without even the
        attempt of a run are taken for a pause, and a run that stands for the last one for the contrary
    """
    notes = Notes()
    newest = standing.gaps[-1] if standing.gaps and standing.gaps[-1].window.end == end else None
    if paused:
        notes.saw("POLICY_PAUSED", DAG_SUBJECT, "Airflow says that the DAG is paused")
    elif paused is None and newest is not None and newest.intervals >= _SURE and not newest.begun:
        since = utc_text(newest.window.start)
        words = f"no run has come since {since}, though {newest.intervals} intervals are over: the DAG is paused, or nothing schedules it"
        notes.saw("POLICY_PAUSED", DAG_SUBJECT, words)
    if paused is not None or newest is None:
        notes.looked_at("POLICY_PAUSED", [DAG_SUBJECT])
    return notes


def _open_gaps(workspace: Workspace) -> list[datetime]:
    """Where the gaps begin that were found earlier and are open."""
    subjects = [each.finding.subject for each in open_of(workspace, ["RUN_MISSING"])]
    return [datetime.fromisoformat(subject.removeprefix(_RUNS)) for subject in subjects]


def _stands_for(span: RunSpan, source: str) -> bool:
    """Whether the run has listed the source, which its policy may not have had yet, and come to its end."""
    return span.state is not RunState.OPEN and (source in span.listed or source not in span.sources)


def _within(interval: Window, spans: Sequence[Window]) -> bool:
    """Whether one of the spans, which are apart and in order, holds all of the interval."""
    place = bisect_right(spans, interval.start, key=lambda span: span.start)
    return place > 0 and interval.end <= spans[place - 1].end


def _gaps(missed: Sequence[Window], spans: Sequence[RunSpan], taken: Mapping[str, Sequence[Window]]) -> Iterator[Gap]:
    for window in joined(missed):
        intervals = [each for each in missed if each.start in window]
        lacking = [source for source, of_it in taken.items() if not all(_within(each, of_it) for each in intervals)]
        begun = [
            span.run_id
            for span in spans
            if span.window.start < window.end
            and window.start < span.window.end
            and not all(_stands_for(span, source) for source in lacking)
        ]
        yield Gap(window, len(intervals), intervals[-1].start, tuple(lacking), tuple(begun))


def _backfill(workspace: Workspace, gap: Gap) -> str:
    zone = ZoneInfo(workspace.policy.schedule.timezone)
    first, last = (moment.astimezone(zone).date() for moment in (gap.window.start, gap.last))
    again = " --again failed" if gap.begun else ""
    return f"cloud9-archive backfill {workspace.policy.policy} --from {first} --to {last}{again}"


def _cut(span: Window, window: Window) -> Window:
    return Window(max(span.start, window.start), min(span.end, window.end))
