"""Sources that list nothing where hundreds were to be expected: a finding, since silence would hide a gap."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from cloud9_archive.catalog.accounts import CallAccount
from cloud9_archive.catalog.begun import spell
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.silence import DAY
from cloud9_archive.domain.window import Window
from cloud9_archive.pipeline.day_counts import JudgedDays
from cloud9_archive.pipeline.workspace import Workspace


def silence_subject(run: RunRef, source: str) -> str:
    """What a silence is noted under: the source and the day, so that only that day's calls heal it."""
    return f"{source}/{run.window.end:%Y-%m-%d}"


def find_silences(
    workspace: Workspace, run: RunRef, *, days: JudgedDays, sources: Collection[str], accounts: Sequence[CallAccount]
) -> Iterator[Finding]:
    """
    A finding for each source that lists no call of the run's window, though many were known or usual.

    A scheduled run also looks at the day that ends with its window, since the windows of a busy schedule are short.
    Nothing is asked of a run that was told which span to take: the hours around it may never have been listed; nor of
    one that was told which calls to take. Where the policy says on which days it expects calls, other days are asked
    only of a day that is not over: a silence is told once.

    :param days: what the run says of the days that it touches
    :param sources: those that were listed to their end
    :param accounts: every call that the run listed
    """
    if run.call_ids:
        return
    for source in sources:
        listed = sum(1 for account in accounts if account.ref.source == source and account.started_at in run.window)
        if listed:
            continue
        seen = spell(workspace.catalog, source, run.window, listed=0)
        if not seen.suspicious and run.kind is RunKind.SCHEDULED:
            day = Window(run.window.end - DAY, run.window.end)
            whole = spell(workspace.catalog, source, day, listed=0)
            seen = seen if whole.known else whole
        if seen.suspicious and (seen.vanished or days.leaves_to_guess(source, seen.window)):
            yield Finding("LISTING_SILENT", silence_subject(run, source), seen.words())
