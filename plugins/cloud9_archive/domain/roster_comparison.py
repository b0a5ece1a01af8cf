"""A roster beside the people whom Cloud9 knows: who joined, who left, and which logins nobody put on a roster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cloud9_archive.domain.people import CloudUser
from cloud9_archive.domain.roster import Extension, ExtensionType, Roster


@dataclass(frozen=True, slots=True)
class Joiner:
    """
    A user of Cloud9 whom the roster does not have.

    :param near: a login of the roster that differs only in case or blanks, if there is one
    """

    user: CloudUser
    near: str | None


@dataclass(frozen=True, slots=True)
class UnknownLogin:
    """
    A login at the near end of calls that the roster does not have.

    :param call_id: its latest call
    :param last_call_at: when that began, aware UTC
    :param calls: how many calls of the run that met it have this login
    """

    source: str
    login: str
    call_id: str
    last_call_at: datetime
    calls: int = 1


@dataclass(frozen=True, slots=True)
class RosterComparison:
    """
    What differs between a roster and the users of Cloud9.

    :param roster_version: digest of the roster
    :param joiners: by login
    :param leavers: valid extensions of type ``user_agent_id`` that match no user of Cloud9, by login
    :param unknown: logins that calls have shown, each with whether Cloud9 knows it
    """

    at: datetime
    roster_version: str
    users: int
    extensions: int
    joiners: tuple[Joiner, ...]
    leavers: tuple[Extension, ...]
    unknown: tuple[tuple[UnknownLogin, bool], ...]


def compare_roster(
    roster: Roster, users: Iterable[CloudUser], *, at: datetime, unknown: Iterable[UnknownLogin] = ()
) -> RosterComparison:
    """
    The roster beside Cloud9's users, as both are at that moment; work in proportion to both together.

    :param at: aware datetime
    :param unknown: logins that calls have shown and no roster had
    """
    by_login = {user.login: user for user in users}
    matched: set[Extension] = set()
    joiners = []
    for login, user in sorted(by_login.items()):
        extensions = roster.matching(login, at)
        matched.update(extensions)
        if not extensions:
            joiners.append(Joiner(user, roster.near_miss(login)))
    valid = [each for each in roster.extensions if each.type is ExtensionType.USER_AGENT_ID and each.valid_at(at)]
    return RosterComparison(
        at=at,
        roster_version=roster.version,
        users=len(by_login),
        extensions=len(valid),
        joiners=tuple(joiners),
        leavers=tuple(each for each in valid if each not in matched),
        unknown=tuple((each, each.login in by_login) for each in unknown),
    )
