"""The roster that a run decides by, and the last good one: what cannot be read never means that nobody is recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.rosters import KnownRoster, last_roster, note_roster
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.roster import RecordingMode, Roster
from cloud9_archive.errors import RosterError
from cloud9_archive.pipeline.roster_files import LoadedRoster
from cloud9_archive.pipeline.roster_reach import RosterReach
from cloud9_archive.pipeline.roster_sources import read_roster_of
from cloud9_archive.pipeline.roster_writer import roster_row, write_rows
from cloud9_archive.pipeline.settings import Settings

log = structlog.get_logger(__name__)

FEWEST_GONE = 5
"""So many recorded users must be missing before a smaller roster is suspicious: a desk of three may lose two."""

SHOWN_VERSION = 12


def roster_to_decide_by(
    policy: Policy, settings: Settings, catalog: Catalog, *, reach: RosterReach | None, now: datetime
) -> Roster | None:
    """
    The policy's roster as it is now, which is the last good one from here on; None when recording rules are off.

    The last good one is never used in place of one that cannot be read: whether that is right, only a person can say.

    :param now: aware UTC
    :raises RosterError: if it cannot be reached, is not valid, or records less than half of the users that the last
        good one did; the message says when that one was read and where its copy lies
    """
    known = last_roster(catalog, policy.policy)
    try:
        loaded = read_roster_of(policy, include=settings.include_folder, reach=reach)
        if loaded is None:
            return None
        read = _described(loaded, now)
        if known is not None:
            _refuse_sudden_loss(known, read, accepted=policy.recording_rules.accept_roster)
    except RosterError as error:
        raise _with_last_good(error, known) from error
    for note in loaded.notes:
        log.warning("roster can be tidied up", note=note)
    kept = known if known and known.version == read.version and _is_file(known.copy_path) else None
    copy_path = kept.copy_path if kept else _keep_copy(policy, settings, loaded)
    note_roster(catalog, policy.policy, replace(read, copy_path=copy_path))
    return loaded.roster


def recorded_users(roster: Roster) -> frozenset[str]:
    """Users with an extension of mode ``full``, whenever it is valid."""
    return frozenset(each.user for each in roster.extensions if each.mode is RecordingMode.FULL)


def _described(loaded: LoadedRoster, now: datetime) -> KnownRoster:
    roster = loaded.roster
    return KnownRoster(
        version=roster.version,
        origin=loaded.origin,
        extensions=len(roster.extensions),
        users=len({each.user for each in roster.extensions}),
        recorded_users=len(recorded_users(roster)),
        copy_path=None,
        read_at=now,
    )


def _refuse_sudden_loss(known: KnownRoster, read: KnownRoster, *, accepted: str | None) -> None:
    gone = known.recorded_users - read.recorded_users
    if 2 * read.recorded_users >= known.recorded_users or gone < FEWEST_GONE:
        return
    if accepted is not None and read.version.startswith(accepted):
        return
    raise RosterError(
        f"the roster {read.origin} records {read.recorded_users} users, where the last good one recorded "
        f"{known.recorded_users}: more than half are gone",
        subject=Path(read.origin).name,
        hint="mend the roster, or, if that is meant, add to recording_rules the line accept_roster: "
        f'"{read.version[:SHOWN_VERSION]}"',
    )


def _with_last_good(error: RosterError, known: KnownRoster | None) -> RosterError:
    if known is None:
        return error
    copy = f"a copy lies in {known.copy_path}" if known.copy_path else "no copy of it could be kept"
    words = f"the last good roster was read at {utc_text(known.read_at)} from {known.origin}; {copy}"
    return RosterError(error.message, subject=error.subject, hint=f"{error.hint}; {words}" if error.hint else words)


def _keep_copy(policy: Policy, settings: Settings, loaded: LoadedRoster) -> str | None:
    """The path of a copy; older ones of the policy are gone. A copy that fails does not hold up the run."""
    roster = loaded.roster
    folder = settings.data_root / "rosters"
    path = folder / f"{policy.policy}-{roster.version[:SHOWN_VERSION]}.csv"
    try:
        write_rows(path, (roster_row(each) for each in roster.extensions))
        for older in folder.glob(f"{policy.policy}-{'[0-9a-f]' * SHOWN_VERSION}.csv"):
            if older != path:
                older.unlink(missing_ok=True)
    except OSError as error:
        log.warning("no copy of the roster was kept", path=str(path), reason=error.strerror)
        return None
    return str(path)


def _is_file(path: str | None) -> bool:
    return path is not None and Path(path).is_file()
