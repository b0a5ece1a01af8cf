"""First step: the source's calls of the run's window are in the catalog, and their raw pages in staging."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from cloud9_archive.catalog.known_calls import begun_at
from cloud9_archive.catalog.listing import PageCounts, record_calls
from cloud9_archive.catalog.listings import FinishedListing, finish_listing
from cloud9_archive.catalog.runs import open_run
from cloud9_archive.catalog.stragglers import starts_without_links
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window, joined
from cloud9_archive.pipeline.windows import hours_of
from cloud9_archive.pipeline.workspace import Workspace

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FetchedCalls:
    """How many calls a source listed for a run, and how many of them were new or amended."""

    source: str
    pages: int
    listed: int
    new: int
    amended: int


def fetch_calls(workspace: Workspace, run: RunRef, source: str) -> FetchedCalls:
    """
    Every call that the source lists for the run's window is in the catalog and belongs to the run.

    The window is widened by the policy's lookback, because metadata may arrive late. A scheduled run also lists the
    hours of earlier calls that are due and name no recording yet: their links can only come from a listing. A run that
    was asked for single calls lists the hours in which they began, its whole window if one of them is not known, and
    leaves all other calls alone.

    :param source: Airflow connection id of the import source
    :raises WireFormatError: if the answer does not fit the wire format; never taken for "no calls"
    """
    policy = workspace.policy
    open_run(
        workspace.catalog,
        run,
        policy_version=policy.version,
        policy_document=policy.document(),
        now=workspace.clock(),
    )
    counts = PageCounts()
    pages = 0
    with workspace.source(source, run.kind) as client:
        for window in _windows(workspace, run, source):
            for page in client.list_calls(window):
                pages += 1
                workspace.staging.keep_page(run.policy, run.run_id, source, pages, page.body)
                calls = [call for call in page.calls if not run.call_ids or call.call_id in run.call_ids]
                counts += record_calls(workspace.catalog, run, calls, now=workspace.clock())
        expires = client.key_expires
    covered = None if run.call_ids else run.window.widened(policy.schedule.lookback)
    listing = FinishedListing(source, pages, counts.listed, workspace.clock(), expires, covered)
    finish_listing(workspace.catalog, run, listing)
    log.info("calls fetched", source=source, window=str(run.window), pages=pages, listed=counts.listed, new=counts.new)
    return FetchedCalls(source, pages, counts.listed, counts.new, counts.amended)


def _windows(workspace: Workspace, run: RunRef, source: str) -> list[Window]:
    if run.call_ids:
        begun = begun_at(workspace.catalog, workspace.policy.sources, run.call_ids)
        windows = list(hours_of([start for ref, start in begun.items() if ref.source == source]))
        every = {ref.call_id for ref in begun} >= set(run.call_ids)
        return joined(windows if every else [*windows, run.window])
    windows = [run.window.widened(workspace.policy.schedule.lookback)]
    if run.kind is RunKind.SCHEDULED:
        starts = starts_without_links(workspace.catalog, run.policy, source, now=workspace.clock())
        windows.extend(hours_of(starts))
    return joined(windows)
