"""The report of a run as a page to read, of a bounded size whatever the run listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from cloud9_archive.catalog.accounts import CallAccount
from cloud9_archive.domain.accounting import CallState, CallSum, MediaSum
from cloud9_archive.domain.bag import ARCHIVE_FORMAT
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.findings import FINDING_KINDS, Finding, FindingKind
from cloud9_archive.domain.keys import path_segment
from cloud9_archive.domain.words import named
from cloud9_archive.pipeline.report import RunFacts
from cloud9_archive.pipeline.report_charts import STATES, drawn, over_time, place_of
from cloud9_archive.pipeline.report_filing import AUDIT, CSV, JSON, Frame
from cloud9_archive.pipeline.report_page import LONGEST_TEXT, rendered

MOST_ROWS = 200
"""Findings, and calls, that the page shows; the other files have all."""

MOST_BAGS = 50
_NEEDS_NO_LOOK = (CallState.ARCHIVED, CallState.EXCLUDED, CallState.DISPOSED)


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """How often a kind of finding occurs."""

    code: str
    kind: FindingKind
    number: int


@dataclass(frozen=True, slots=True)
class PageRow:
    """
    A call that is neither archived nor excluded.

    :param recordings: how many, and in which states
    """

    began: str
    source: str
    call_id: str
    state: str
    held_by: str
    recordings: str


def run_page(facts: RunFacts, frame: Frame) -> bytes:
    """The page, in UTF-8; the same for equal facts and frame."""
    states = [(account, place_of(account.outcome)) for account in facts.accounts]
    totals = Counter(state for _, state in states)
    by_source: dict[str, Counter[str]] = {source: Counter() for source in sorted(facts.sources)}
    for account, state in states:
        by_source.setdefault(account.ref.source, Counter())[state] += 1
    column_word, columns = over_time([(account.started_at, state) for account, state in states])
    look = [account for account in facts.accounts if account.outcome not in _NEEDS_NO_LOOK]
    calls, recordings = facts.calls, facts.recordings
    gaps = any(finding.kind.gap for finding in facts.findings)
    return rendered(
        "run.html",
        policy=facts.run.policy,
        facts=facts,
        frame=frame,
        archive_format=ARCHIVE_FORMAT,
        zone="UTC",
        longest=LONGEST_TEXT,
        files=_files(facts, frame.number),
        begin=utc_text(facts.run.window.start),
        end=utc_text(facts.run.window.end),
        calls=calls,
        recordings=recordings,
        holds=not gaps and not calls.unaccounted and not recordings.unaccounted,
        stragglers=len(facts.stragglers),
        states=STATES,
        totals={state: totals[state] for state in STATES},
        sources=drawn(by_source),
        column_word=column_word,
        columns=drawn(columns),
        unlisted=sorted(source for source, listed in facts.sources.items() if not listed),
        groups=finding_groups(facts.findings),
        findings=by_urgency(facts.findings)[:MOST_ROWS],
        more_findings=max(0, len(facts.findings) - MOST_ROWS),
        rows=[_row(account) for account in look[:MOST_ROWS]],
        more_rows=max(0, len(look) - MOST_ROWS),
        bags=facts.bags[:MOST_BAGS],
        bag_count=len(facts.bags),
        bag_files=sum(bag.files for bag in facts.bags),
        bag_size=sum(bag.size for bag in facts.bags),
        policy_calls=CallSum(**frame.policy_sums["calls"]),
        policy_recordings=MediaSum(**frame.policy_sums["recordings"]),
    )


def by_urgency(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, those that fail a run first, then by severity, code and subject."""
    return sorted(findings, key=lambda each: (*_urgency(each.kind), each))


def finding_groups(findings: Iterable[Finding]) -> list[FindingGroup]:
    """The kinds that occur, in the same order."""
    ordered = by_urgency(findings)
    return [
        FindingGroup(code, FINDING_KINDS[code], len(list(group)))
        for code, group in groupby(ordered, key=lambda each: each.code)
    ]


def _urgency(kind: FindingKind) -> tuple[bool, int]:
    return not kind.gap, kind.severity.rank


def _files(facts: RunFacts, number: int) -> tuple[str, ...]:
    name = path_segment(facts.run.run_id if number == 1 else f"{facts.run.run_id}.{number}")
    return tuple(f"{name}.{ending}" for ending in (JSON, CSV, AUDIT))


def _row(account: CallAccount) -> PageRow:
    states = Counter(each.state.value if each.state else "not wanted" for each in account.recordings)
    return PageRow(
        began=utc_text(account.started_at) or "",
        source=account.ref.source,
        call_id=account.ref.call_id,
        state=account.outcome.value,
        held_by=account.held_by or "",
        recordings=named(
            [f"{number} {state.replace('_', ' ')}" for state, number in sorted(states.items())], last="and"
        ),
    )
