"""What a source lists now, beside what the catalog has of it: nothing is taken up, and nothing is decided."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from cloud9_archive.catalog.findings import OpenFinding
from cloud9_archive.catalog.looking import KnownCall, known_by_id, known_within, make_due
from cloud9_archive.domain.accounting import ABSENT
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.key_expiry import key_expiry
from cloud9_archive.domain.run import RunKind
from cloud9_archive.domain.window import Window, joined
from cloud9_archive.domain.words import shown
from cloud9_archive.pipeline.expiring_keys import key_subject
from cloud9_archive.pipeline.look_at_runs import Standing
from cloud9_archive.pipeline.look_notes import Notes, open_of
from cloud9_archive.pipeline.windows import HOUR, hours_of
from cloud9_archive.pipeline.workspace import CallSource, Workspace

DAY = timedelta(days=1)
_CALL_CODES = ("CALL_OVERLOOKED", "CALL_UNDECIDED", "CALL_VANISHED")
_DAY_CODES = ("LISTING_SHRUNK", "LISTING_AMENDED")
_LONGEST_AGO = timedelta(days=31)
"""Days with an open finding are listed again for so long."""


@dataclass
class SourceLook:
    """
    What came of listing a source.

    :param listed: calls that it lists for the span
    :param undecided: of these, those that the policy has not decided on
    :param vanished: calls of the catalog that it lists no more
    :param amended: calls that it tells otherwise than a run has listed them
    :param made_due: calls with absent media that the next scheduled run asks for because of what is listed
    :param in_gaps: by a gap's subject, how many undecided calls began in it
    """

    source: str
    listed: int = 0
    undecided: int = 0
    vanished: int = 0
    amended: int = 0
    made_due: int = 0
    in_gaps: dict[str, int] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)


@dataclass(frozen=True, slots=True)
class _Seen:
    started_at: datetime
    digest: str


@dataclass
class _Day:
    """
    A day's calls.

    :param listed: for how long of the day the source was asked
    :param known: how many the catalog has
    :param gone: which of them are not listed
    :param amended: ids of those that are told otherwise
    """

    listed: timedelta = timedelta(0)
    known: int = 0
    gone: list[KnownCall] = field(default_factory=list)
    amended: list[str] = field(default_factory=list)


def look_at_source(workspace: Workspace, source: str, standing: Standing, window: Window) -> SourceLook:
    """
    The source was listed for the window, and what it lists is laid beside the catalog.

    Listed is what runs stand for, or ought to; and days of which an earlier look has found something that is open.
    Only when calls are due again is anything changed: those whose media are absent and that are told otherwise now.

    :param standing: what the policy's runs stand for
    :param window: whole days, up to the end of the last interval that is over
    :raises Cloud9ArchiveError: if it cannot be listed to its end; nothing is noted then
    """
    began = workspace.clock()
    open_ones = open_of(workspace, [*_CALL_CODES, *_DAY_CODES])
    spans = [*standing.listable(source, window), *_days_in_question(open_ones, source, window)]
    look, days, everything = SourceLook(source), dict[date, _Day](), set[str]()
    with workspace.source(source, RunKind.BACKFILL) as client:
        for part in _days_of(joined(spans)):
            seen = _listed(client, part)
            everything |= seen.keys()
            look.listed += len(seen)
            day = days.setdefault(part.start.date(), _Day())
            day.listed += part.end - part.start
            _compare(workspace, look, part, seen, day, standing=standing, began=began)
        expires = client.key_expires
    for when, day in sorted(days.items()):
        _note_day(workspace, look, when, day, everything)
    whole = {_day_subject(source, when) for when, day in days.items() if day.listed >= _length(when, window)}
    _note_healed(workspace, look, open_ones, everything, whole)
    if due := key_expiry(expires, now=began):
        look.notes.saw("KEY_EXPIRES", key_subject(source), due.words)
    look.notes.looked_at("KEY_EXPIRES", [key_subject(source)])
    return look


def _listed(client: CallSource, window: Window) -> dict[str, _Seen]:
    """Calls that began in the window; bounds are asked for in whole seconds, so that neighbours come along."""
    return {
        call.call_id: _Seen(call.started_at, call.digest())
        for page in client.list_calls(window)
        for call in page.calls
        if call.started_at in window
    }


def _compare(
    workspace: Workspace,
    look: SourceLook,
    window: Window,
    seen: dict[str, _Seen],
    day: _Day,
    *,
    standing: Standing,
    began: datetime,
) -> None:
    policy = workspace.policy.policy
    # What a run lists meanwhile is that run's: it is neither overlooked nor gone.
    here = {each.call_id: each for each in known_within(workspace.catalog, policy, look.source, window)}
    known = here | known_by_id(workspace.catalog, policy, look.source, seen.keys() - here.keys())
    due: list[str] = []
    for call_id, call in seen.items():
        one = known.get(call_id)
        if one is None or one.state is None:
            if one is None or one.first_listed_at < began - HOUR:
                _note_undecided(workspace, look, call_id, call, standing, known=one is not None)
        elif one.digest != call.digest and one.last_listed_at < began:
            day.amended.append(call_id)
            if one.state in ABSENT:
                due.append(call_id)
    settled = [each for each in here.values() if each.first_listed_at < began]
    day.known += len(settled)
    day.gone += [each for each in settled if each.call_id not in seen]
    look.made_due += make_due(workspace.catalog, policy, look.source, due, now=began)


def _note_undecided(
    workspace: Workspace, look: SourceLook, call_id: str, call: _Seen, standing: Standing, *, known: bool
) -> None:
    gap = standing.gap_at(call.started_at)
    if gap is None and not standing.is_covered(look.source, call.started_at):
        return  # nobody said that it is to be archived
    look.undecided += 1
    if gap is not None:
        look.in_gaps[gap.subject] = look.in_gaps.get(gap.subject, 0) + 1
        return
    code, what = (
        ("CALL_UNDECIDED", "the policy has not decided on it")
        if known
        else ("CALL_OVERLOOKED", "no run has ever listed it")
    )
    words = f"it began at {utc_text(call.started_at)}, and {what}: {_run(workspace, call.started_at, call_id)}"
    look.notes.saw(code, f"{look.source}/{call_id}", words)


def _note_day(workspace: Workspace, look: SourceLook, when: date, day: _Day, everything: set[str]) -> None:
    """What is told of a whole day; calls that moved to another one are not gone."""
    subject = _day_subject(look.source, when)
    gone = [each for each in day.gone if each.call_id not in everything]
    look.vanished += len(gone)
    look.amended += len(day.amended)
    if len(gone) * 2 > day.known:
        words = f"{day.known} calls of the day are in the catalog, and {len(gone)} of them are listed no more"
        look.notes.saw("LISTING_SHRUNK", subject, words)
    else:
        for each in gone:
            words = f"it began at {utc_text(each.started_at)}, was last listed at {utc_text(each.last_listed_at)}, and is listed no more"
            look.notes.saw("CALL_VANISHED", f"{look.source}/{each.call_id}", words)
    if day.amended:
        begin = _midnight(when)
        words = f"{len(day.amended)} calls of the day are told otherwise than runs have listed them: "
        look.notes.saw("LISTING_AMENDED", subject, words + _command(workspace, Window(begin, begin + DAY)))


def _note_healed(
    workspace: Workspace,
    look: SourceLook,
    open_ones: Sequence[OpenFinding],
    everything: set[str],
    whole_days: set[str],
) -> None:
    """What was found earlier is over if the call was decided on, or listed again; or if its day was looked at anew."""
    prefix = f"{look.source}/"
    mine = [each for each in open_ones if each.finding.subject.startswith(prefix)]
    call_ids = [each.finding.subject.removeprefix(prefix) for each in mine if each.finding.code in _CALL_CODES]
    known = known_by_id(workspace.catalog, workspace.policy.policy, look.source, call_ids)
    for each in mine:
        one = known.get(each.finding.subject.removeprefix(prefix))
        if each.finding.code == "CALL_VANISHED":
            over = one is not None and (one.call_id in everything or one.last_listed_at > each.seen_at)
        elif each.finding.code in _CALL_CODES:
            over = one is not None and one.state is not None
        else:
            over = each.finding.subject in whole_days
        if over:
            look.notes.looked_at(each.finding.code, [each.finding.subject])


def _days_in_question(open_ones: Sequence[OpenFinding], source: str, window: Window) -> Iterator[Window]:
    """Days before the window of which something is open that only listing them can heal."""
    for each in open_ones:
        of, _, day = each.finding.subject.rpartition("/")
        if each.finding.code not in _DAY_CODES or of != source or each.accepted is not None:
            continue
        begin = datetime.fromisoformat(day).replace(tzinfo=UTC)
        if window.start - _LONGEST_AGO <= begin < window.start:
            yield Window(begin, begin + DAY)


def _days_of(spans: Sequence[Window]) -> Iterator[Window]:
    """The spans, cut at midnight UTC."""
    for span in spans:
        begin = span.start
        while begin < span.end:
            midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
            yield Window(begin, min(midnight, span.end))
            begin = midnight


def _length(when: date, window: Window) -> timedelta:
    """How much of the day there is to list: all of it, or until the window ends."""
    begin = _midnight(when)
    return min(begin + DAY, max(window.end, begin)) - begin


def _midnight(when: date) -> datetime:
    return datetime(when.year, when.month, when.day, tzinfo=UTC)


def _day_subject(source: str, when: date) -> str:
    return f"{source}/{when.isoformat()}"


def _run(workspace: Workspace, moment: datetime, call_id: str) -> str:
    """The command that takes up one call; ids are the source's, and may hold anything."""
    (hour,) = hours_of([moment.astimezone(UTC)])
    plain = call_id.isascii() and shown(call_id) == call_id
    return _command(workspace, hour) + (f" --call={shlex.quote(call_id)}" if plain else "")


def _command(workspace: Workspace, window: Window) -> str:
    begin, end = utc_text(window.start), utc_text(window.end)
    return f"cloud9-archive run {workspace.policy.policy} --from {begin} --to {end}"
