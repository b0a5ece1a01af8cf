"""Finished days beside what the policy expects of them: no calls at all, or far fewer than usual."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from cloud9_archive.catalog.begun import calls_begun
from cloud9_archive.catalog.lateness import spans_of_day
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.run import RunRef
from cloud9_archive.domain.silence import DAY
from cloud9_archive.domain.trading_days import TradingDays, covers, day_window, days_within, far_below, usual
from cloud9_archive.domain.window import Window
from cloud9_archive.pipeline.holidays import trading_days_of
from cloud9_archive.pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class JudgedDays:
    """
    What a run says of the days that it touches.

    :param trading: None when the policy expects nothing
    :param judged: source and day of each that is over and was listed whole
    """

    trading: TradingDays | None
    zone: str
    judged: frozenset[tuple[str, date]]
    findings: tuple[Finding, ...]

    def leaves_to_guess(self, source: str, window: Window) -> bool:
        """Whether nothing but other days tells if a silence in the window is odd."""
        if self.trading is None:
            return True
        days = days_within(window, zone=self.zone)
        return all(day in self.trading and (source, day) not in self.judged for day in days)

    def subjects(self, run: RunRef) -> Iterator[str]:
        """What the days are noted under; and where runs are shorter, what was suspected of them while they went on."""
        for source, day in self.judged:
            yield day_subject(source, day)
            if run.window.end - run.window.start < DAY:
                yield f"{source}/{day}"


def day_subject(source: str, day: date) -> str:
    """What a finding about a day's number of calls is noted under."""
    return f"{source}/calls of {day}"


def judge_days(workspace: Workspace, run: RunRef, *, sources: Collection[str]) -> JudgedDays:
    """
    Each day that the run touches, that is over, and that runs of the policy have listed whole, beside what is usual.

    :param sources: those that the run listed to their end
    :raises PolicyError: if the holidays file is not valid
    """
    zone = workspace.policy.schedule.timezone
    trading = trading_days_of(workspace.policy, include=workspace.settings.include_folder)
    judged: set[tuple[str, date]] = set()
    findings: list[Finding] = []
    if trading is not None and not run.call_ids:
        for day in days_within(run.window, zone=zone):
            window = day_window(day, zone=zone)
            if window.end > workspace.clock():
                continue
            for source in sorted(sources):
                if covers(spans_of_day(workspace.catalog, run.policy, source, window), window):
                    judged.add((source, day))
                    findings += _findings(workspace, source, day, trading)
    return JudgedDays(trading, zone, frozenset(judged), tuple(findings))


def _findings(workspace: Workspace, source: str, day: date, trading: TradingDays) -> Iterator[Finding]:
    if day not in trading:
        return

    def begun(on: date) -> int:
        return calls_begun(workspace.catalog, source, day_window(on, zone=workspace.policy.schedule.timezone))

    calls = begun(day)
    if not calls:
        words = f"no call began on {day:%A}, {day}, and the policy expects calls on that day"
        yield Finding("LISTING_SILENT", day_subject(source, day), words)
        return
    usually = usual([begun(each) for each in trading.like(day)])
    if usually is not None and far_below(calls, usually, floor=trading.expect.floor):
        many = f"{calls} calls" if calls > 1 else "1 call"
        words = f"{many} began on {day:%A}, {day}; {usually:g} are usual for that weekday"
        yield Finding("CALLS_FEW", day_subject(source, day), words)
