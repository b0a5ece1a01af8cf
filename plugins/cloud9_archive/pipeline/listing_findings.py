"""What is odd about the calls that a run listed, beside what was listed before: late, amended, alike."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cloud9_archive.catalog.amendments import amendments_told_by
from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.findings import open_subjects
from cloud9_archive.catalog.lateness import late_calls
from cloud9_archive.catalog.links_of_run import calls_between
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.lateness import LATE, late_findings, over_for
from cloud9_archive.domain.likeness import CLOSE_START, Outline, near_duplicates, outline
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window, joined
from cloud9_archive.domain.words import named, shown
from cloud9_archive.pipeline.call_facts import CallFacts
from cloud9_archive.pipeline.unheard_users import WITHOUT
from cloud9_archive.pipeline.windows import HOUR, hours_of


def late_metadata(catalog: Catalog, run: RunRef) -> Iterator[Finding]:
    """A finding for each source and day of which the run was the first to list calls, though it had been listed."""
    yield from late_findings(late_calls(catalog, run))


def amended_calls(catalog: Catalog, run: RunRef, calls: Collection[CallFacts]) -> Iterator[Finding]:
    """A finding for each call of the run that the source changed after it was archived, with the names of the fields."""
    for amendment in amendments_told_by(catalog, run, [call.ref for call in calls]):
        fields = named([shown(field) for field in amendment.fields], last="and")
        words = f"its source changed {fields or 'it'} after it was archived"
        yield Finding("CALL_AMENDED", "/".join(amendment.ref), words)


def alike_calls(catalog: Catalog, calls: Collection[CallFacts]) -> Iterator[Finding]:
    """
    A finding for the later call of each two that are alike, of which at least one is the run's.

    Looked for by index in the hours of the run's calls and a few seconds around, whoever listed what is there.
    """
    mine = {call.ref for call in calls}
    outlines: dict[tuple[str, str], Outline] = {}
    for source in sorted({ref.source for ref in mine}):
        hours = hours_of([call.started_at for call in calls if call.ref.source == source])
        for span in joined(Window(hour.start - CLOSE_START, hour.end + CLOSE_START) for hour in hours):
            for part in span.split(HOUR):
                for call in calls_between(catalog, source, part):
                    compared = outline(call)
                    if compared is not None:
                        outlines[compared.ref] = compared
    for like in near_duplicates(outlines.values()):
        if like.later.ref in mine or like.earlier.ref in mine:
            yield Finding("CALL_NEAR_DUPLICATE", "/".join(like.later.ref), like.words())


def standing_subjects(catalog: Catalog, run: RunRef) -> set[str]:
    """Subjects of open findings that heal by what the run is, rather than by what it lists."""
    subjects = set(open_subjects(catalog, run.policy, WITHOUT))
    if run.kind is RunKind.SCHEDULED:
        late = open_subjects(catalog, run.policy, LATE)
        subjects |= {subject for subject in late if over_for(subject, run.window)}
    return subjects
