"""The report of a day as a page to read, of a bounded size whatever the day held."""

from __future__ import annotations

from collections import Counter

from cloud9_archive.domain.accounting import CallSum, MediaSum
from cloud9_archive.domain.bag import ARCHIVE_FORMAT
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.keys import day_report_path
from cloud9_archive.pipeline.day_facts import DayFacts
from cloud9_archive.pipeline.report_charts import STATES, drawn, place_of
from cloud9_archive.pipeline.report_filing import CSV, JSON, Frame
from cloud9_archive.pipeline.report_page import LONGEST_TEXT, rendered
from cloud9_archive.pipeline.run_page import MOST_ROWS, by_urgency, finding_groups

MOST_RUNS = 200


def day_page(facts: DayFacts, frame: Frame) -> bytes:
    """The page, in UTF-8; the same for equal facts and frame."""
    totals = Counter(place_of(account.outcome) for account in facts.accounts)
    by_source: dict[str, Counter[str]] = {source: Counter() for source in facts.sources}
    for account in facts.accounts:
        by_source[account.ref.source][place_of(account.outcome)] += 1
    # Two hours have one name where clocks go back; a mark keeps them apart.
    hours: dict[str, Counter[str]] = {}
    for begins, groups in facts.by_hour.items():
        label = facts.local(begins)
        label = f"{label} again" if label in hours else label
        hours[label] = Counter(place_of(each.outcome) for mine in groups.values() for each in mine)
    standing = [each for each in facts.findings if each.status != "healed"]
    order = {finding: place for place, finding in enumerate(by_urgency(each.finding for each in facts.findings))}
    shown = sorted(facts.findings, key=lambda each: (each.status == "healed", order[each.finding]))
    return rendered(
        "day.html",
        policy=facts.policy,
        facts=facts,
        frame=frame,
        archive_format=ARCHIVE_FORMAT,
        zone=f"UTC, hours of the day in {facts.timezone}",
        longest=LONGEST_TEXT,
        files=_files(facts, frame.number),
        day=f"{facts.day:%Y-%m-%d}",
        weekday=f"{facts.day:%A}",
        begin=utc_text(facts.window.start),
        end=utc_text(facts.window.end),
        calls=facts.calls,
        recordings=facts.recordings,
        states=STATES,
        totals={state: totals[state] for state in STATES},
        sources=drawn(by_source),
        columns=drawn(hours),
        uncovered=[
            (source, utc_text(each.start), utc_text(each.end))
            for source, gaps in facts.uncovered.items()
            for each in gaps
        ][:MOST_ROWS],
        weekdays=_weekdays(facts),
        standing=Counter(each.status for each in facts.findings),
        groups=finding_groups(each.finding for each in standing),
        findings=shown[:MOST_ROWS],
        more_findings=max(0, len(shown) - MOST_ROWS),
        runs=facts.runs[:MOST_RUNS],
        more_runs=max(0, len(facts.runs) - MOST_RUNS),
        utc_text=utc_text,
        policy_calls=CallSum(**frame.policy_sums["calls"]),
        policy_recordings=MediaSum(**frame.policy_sums["recordings"]),
    )


def _files(facts: DayFacts, number: int) -> tuple[str, ...]:
    keys = (day_report_path(facts.policy, day=facts.day, number=number, extension=each) for each in (JSON, CSV))
    return tuple(key.rpartition("/")[2] for key in keys)


def _weekdays(facts: DayFacts) -> list[tuple[str, int | None, str]]:
    """The day and the same weekday of earlier weeks: calls listed, and the difference of the day to them in percent."""
    listed = facts.calls.listed
    rows: list[tuple[str, int | None, str]] = [(facts.day.isoformat(), listed, "this day")]
    for day, before in sorted(facts.same_weekday.items(), reverse=True):
        change = f"{(listed - before) / before:+.0%}" if before else ""
        rows.append((day.isoformat(), before, change))
    return rows
