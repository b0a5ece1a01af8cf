"""What a run's calls say of the roster: logins that it lacks, users who are quiet, extensions that match nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby

from cloud9_archive.catalog.calls_of_run import calls_of_run
from cloud9_archive.catalog.roster_use import (
    NEVER_ENDS,
    Key,
    WatchedExtension,
    forget_unknown_logins,
    note_matches,
    note_unknown_logins,
    quiet_users,
    unknown_logins_of,
    unmatched_extensions,
    watch_extensions,
    watches,
)
from cloud9_archive.domain.call import Call, Party, Side, utc_text
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.roster import Extension, ExtensionType, Roster
from cloud9_archive.domain.roster_comparison import UnknownLogin
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.words import shown
from cloud9_archive.pipeline.workspace import Workspace

SUBJECT = "roster"
"""What findings about a policy's roster as a whole are noted under."""

REMEMBERED = timedelta(days=30)
"""For how long an unknown login is remembered after a run last met it."""

NAMED = 20


def note_roster_use(workspace: Workspace, run: RunRef, roster: Roster | None) -> None:
    """
    The catalog knows which extensions the run's calls have matched, and which logins of their near ends no roster has.

    Work in proportion to the run; and to the roster when it is another than before.

    :param roster: the one that the run decided by; None when recording rules are off
    """
    catalog, policy, now = workspace.catalog, run.policy, workspace.clock()
    if roster is None:
        forget_unknown_logins(catalog, policy, seen_before=now, known=lambda _: True)
        watch_extensions(catalog, policy, (), version="", now=now)
        return
    forget_unknown_logins(catalog, policy, seen_before=now - REMEMBERED)
    if not watches(catalog, policy, roster.version):
        # First whom the new roster knows, then that it is watched: whoever dies in between is asked both again.
        forget_unknown_logins(catalog, policy, seen_before=now - REMEMBERED, known=partial(_has, roster))
        watch_extensions(catalog, policy, map(_watched, roster.extensions), version=roster.version, now=now)
    matched: dict[Key, datetime] = {}
    unknown: dict[tuple[str, str], UnknownLogin] = {}
    for call in calls_of_run(catalog, run):
        for party in call.parties:
            for extension in _matching(roster, party, call):
                key = _key(extension)
                matched[key] = max(call.started_at, matched.get(key, call.started_at))
        near = {party.login for party in call.parties if party.side is Side.NEAR and party.login}
        for login in near:
            if not roster.matching(login, call.started_at):
                _remember(unknown, call, login)
    note_matches(catalog, policy, list(matched.items()))
    note_unknown_logins(catalog, policy, list(unknown.values()), now=now)


def find_roster_faults(workspace: Workspace, run: RunRef) -> Iterator[Finding]:
    """
    A finding for each source whose calls name unknown logins; after scheduled runs also what is quiet on the roster.

    Found by index: the work is in proportion to what is found.
    """
    rules = workspace.policy.recording_rules
    if not rules.enabled:
        return
    unknown = unknown_logins_of(workspace.catalog, run.policy)
    for source, group in groupby(unknown, key=lambda each: each.source):
        if source in workspace.policy.sources:
            yield Finding("ROSTER_LOGIN_UNKNOWN", source, _unknown_words(list(group)))
    if run.kind is RunKind.SCHEDULED and rules.quiet_after is not None:
        since = run.window.end - rules.quiet_after
        day = utc_text(since.replace(microsecond=0))
        users = quiet_users(workspace.catalog, run.policy, since=since)
        if users:
            yield Finding(
                "ROSTER_USER_QUIET", SUBJECT, f"{_counted(users, 'user')} in no call since {day}: {_list(users)}"
            )
        values = [value for _, value, _ in unmatched_extensions(workspace.catalog, run.policy, since=since)]
        if values:
            words = (
                f"{_counted(values, 'extension')} on the roster since {day} or longer without a match: {_list(values)}"
            )
            yield Finding("ROSTER_EXTENSION_UNMATCHED", SUBJECT, words)


def roster_subjects(run: RunRef) -> frozenset[str]:
    """What the run looked at, so that its silence heals a finding: other than scheduled runs do not look for the quiet."""
    return frozenset({SUBJECT}) if run.kind is RunKind.SCHEDULED else frozenset()


def _matching(roster: Roster, party: Party, call: Call) -> Iterator[Extension]:
    if party.login:
        yield from roster.matching(party.login, call.started_at)
    if party.number:
        yield from roster.matching(party.number, call.started_at, kind=ExtensionType.NUMBER_ADDRESS)


def _has(roster: Roster, unknown: UnknownLogin) -> bool:
    return bool(roster.matching(unknown.login, unknown.last_call_at))


def _remember(unknown: dict[tuple[str, str], UnknownLogin], call: Call, login: str) -> None:
    key = call.source, login
    known = unknown.get(key)
    if known is None:
        unknown[key] = UnknownLogin(*key, call.call_id, call.started_at)
        return
    latest = (known.call_id, known.last_call_at)
    if call.started_at > known.last_call_at:
        latest = (call.call_id, call.started_at)
    unknown[key] = UnknownLogin(*key, *latest, calls=known.calls + 1)


def _watched(extension: Extension) -> WatchedExtension:
    return WatchedExtension(_key(extension), extension.user, _iso(extension.valid_to) or NEVER_ENDS)


def _key(extension: Extension) -> Key:
    return extension.type.value, extension.value, _iso(extension.valid_from)


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _unknown_words(logins: list[UnknownLogin]) -> str:
    words = [f"{shown(each.login)} ({each.calls}, last {utc_text(each.last_call_at)})" for each in logins[:NAMED]]
    calls = sum(each.calls for each in logins)
    return (
        f"{_counted(logins, 'login')} at the near end of {calls} calls on no roster, as runs met them last: "
        f"{_list(words, of=len(logins))}"
    )


def _counted(things: list[object] | list[str] | list[UnknownLogin], what: str) -> str:
    return f"{len(things)} {what}{'s' if len(things) > 1 else ''}"


def _list(words: Iterable[str], *, of: int | None = None) -> str:
    listed = [shown(word, longest=200) for word in words]
    more = (of or len(listed)) - NAMED
    return ", ".join(listed[:NAMED]) + (f" and {more} more" if more > 0 else "")
