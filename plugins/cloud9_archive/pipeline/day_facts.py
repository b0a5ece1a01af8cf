"""What the report of a day states: the calls that began on it, who went over it, what came late, what was found."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from cloud9_archive.catalog.accounts import CallAccount
from cloud9_archive.catalog.day_reports import FindingRecord, RunOver
from cloud9_archive.catalog.runs import RunState
from cloud9_archive.domain.accounting import CallState, CallSum, MediaSum
from cloud9_archive.domain.bag import ARCHIVE_FORMAT
from cloud9_archive.domain.call import canonical_json, utc_text
from cloud9_archive.domain.window import Window, joined
from cloud9_archive.pipeline.account_sums import sum_calls, sum_recordings
from cloud9_archive.pipeline.csv_cells import csv_text, harmless

HOUR = timedelta(hours=1)
CSV_COLUMNS = ("day", "hour", "begins", "source", *CallSum.__dataclass_fields__, "unaccounted")


@dataclass(frozen=True)
class DayFacts:
    """
    What a day's report states; equal facts make equal reports, whenever they are drawn up.

    :param day: in the time zone
    :param window: from its first moment to the one after its last
    :param sources: those of the policy
    :param accounts: every call of these sources that began on the day
    :param late_calls: how many of them no run listed in whose own window they began
    :param late_recordings: how many of their recordings were archived by another run than such a one
    :param same_weekday: calls listed on the same weekday of earlier weeks, the latest first; None where no run went
    """

    policy: str
    day: date
    timezone: str
    window: Window
    sources: tuple[str, ...]
    accounts: Sequence[CallAccount]
    runs: Sequence[RunOver]
    findings: Sequence[FindingRecord]
    late_calls: int
    late_recordings: int
    same_weekday: Mapping[date, int | None]

    @cached_property
    def calls(self) -> CallSum:
        """The sum over the calls that began on the day."""
        return sum_calls(self.accounts)

    @cached_property
    def recordings(self) -> MediaSum:
        """The sum over their wanted recordings, each counted once."""
        return sum_recordings(self.accounts)

    @cached_property
    def uncovered(self) -> dict[str, list[Window]]:
        """By source, the parts of the day that no run which was reconciled has listed."""
        found = {}
        for source in self.sources:
            listed = [
                each.window
                for each in self.runs
                if source in each.sources and not each.single_calls and each.state is not RunState.OPEN
            ]
            found[source] = list(_left(self.window, joined(listed)))
        return found

    @property
    def holds(self) -> bool:
        """Whether every part of the day was listed, and every call is accounted for."""
        return not self.calls.unaccounted and not self.recordings.unaccounted and not any(self.uncovered.values())

    @cached_property
    def by_hour(self) -> dict[datetime, dict[str, list[CallAccount]]]:
        """The calls by the hour (UTC) and the source in which they began, empty ones too; a day may have 23 or 25."""
        groups: dict[datetime, dict[str, list[CallAccount]]] = {
            begins: {source: [] for source in self.sources} for begins in self._hours()
        }
        for account in self.accounts:
            begins = self.window.start + (account.started_at - self.window.start) // HOUR * HOUR
            groups[begins][account.ref.source].append(account)
        return groups

    def _hours(self) -> Iterator[datetime]:
        begins = self.window.start
        while begins < self.window.end:
            yield begins
            begins += HOUR

    def local(self, moment: datetime) -> str:
        """The moment on a clock on the wall."""
        return f"{moment.astimezone(ZoneInfo(self.timezone)):%H:%M}"

    def document(self) -> dict[str, Any]:
        """The facts as plain JSON values."""
        excluded = Counter(each.rule or "" for each in self.accounts if each.state is CallState.EXCLUDED)
        return {
            "format": ARCHIVE_FORMAT,
            "policy": self.policy,
            "day": self.day.isoformat(),
            "timezone": self.timezone,
            "begins": utc_text(self.window.start),
            "ends": utc_text(self.window.end),
            "calls": asdict(self.calls),
            "recordings": asdict(self.recordings),
            "excluded_by_rule": dict(sorted(excluded.items())),
            "sources": [self._source(source) for source in self.sources],
            "hours": [
                {"begins": utc_text(begins), "local": self.local(begins), "source": source, "calls": asdict(total)}
                for begins, source, total in self._hourly()
            ],
            "late": {"calls": self.late_calls, "recordings": self.late_recordings},
            "findings": [_finding(each) for each in self.findings],
            "runs": [_run(each) for each in self.runs],
            "same_weekday": [
                {"day": day.isoformat(), "listed": listed}
                for day, listed in sorted(self.same_weekday.items(), reverse=True)
            ],
        }

    def digest(self) -> str:
        """SHA-256 of the facts."""
        return hashlib.sha256(canonical_json(self.document())).hexdigest()

    def sums(self) -> dict[str, Any]:
        """Both sums, and the findings that are not healed by code, as plain JSON values."""
        codes = Counter(each.finding.code for each in self.findings if each.status != "healed")
        return {
            "calls": asdict(self.calls),
            "recordings": asdict(self.recordings),
            "findings": dict(sorted(codes.items())),
        }

    def csv(self) -> bytes:
        """One line for every hour and source, separated by semicolons; UTF-8."""
        lines = [list(CSV_COLUMNS)]
        for begins, source, total in self._hourly():
            figures = (*asdict(total).values(), total.unaccounted)
            cells = (self.day.isoformat(), self.local(begins), utc_text(begins) or "", harmless(source))
            lines.append([*cells, *map(str, figures)])
        return csv_text(lines).encode()

    def _hourly(self) -> Iterator[tuple[datetime, str, CallSum]]:
        for begins, groups in self.by_hour.items():
            for source, accounts in groups.items():
                yield begins, source, sum_calls(accounts)

    def _source(self, source: str) -> dict[str, Any]:
        mine = sum_calls(each for each in self.accounts if each.ref.source == source)
        gaps = [{"begins": utc_text(each.start), "ends": utc_text(each.end)} for each in self.uncovered[source]]
        return {"source": source, "calls": asdict(mine), "uncovered": gaps}


def _left(day: Window, covered: Sequence[Window]) -> Iterator[Window]:
    """What of the day lies in none of the windows, which are in order and apart."""
    begins = day.start
    for window in covered:
        if begins < window.start:
            yield Window(begins, min(window.start, day.end))
        begins = max(begins, window.end)
        if begins >= day.end:
            return
    yield Window(begins, day.end)


def _finding(record: FindingRecord) -> dict[str, Any]:
    accepted = record.accepted
    return {
        **asdict(record.finding),
        "status": record.status,
        "opened_at": utc_text(record.opened_at),
        "healed_at": utc_text(record.healed_at),
        "accepted_at": utc_text(accepted.at) if accepted else None,
        "accepted_by": accepted.by if accepted else None,
        "accepted_because": accepted.because if accepted else None,
    }


def _run(run: RunOver) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "kind": run.kind.value,
        "window_start": utc_text(run.window.start),
        "window_end": utc_text(run.window.end),
        "state": run.state.value,
        "single_calls": run.single_calls,
        "sources": sorted(run.sources),
        "listed": run.listed,
        "report": run.report,
    }
