"""The one way to a policy's roster, wherever the policy says that it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.roster import Roster
from cloud9_archive.domain.roster_place import RosterQuery
from cloud9_archive.errors import RosterError
from cloud9_archive.pipeline.problems import Problem, shown
from cloud9_archive.pipeline.roster_files import (
    LoadedRoster,
    Matching,
    Origin,
    read_roster,
    roster_from_bytes,
    roster_from_rows,
)
from cloud9_archive.pipeline.roster_reach import QueryAnswer, RosterReach
from cloud9_archive.pipeline.roster_rows import Columns, Row, Rows


def read_roster_of(policy: Policy, *, include: Path, reach: RosterReach | None = None) -> LoadedRoster | None:
    """
    The roster that the policy names; None when its recording rules are off.

    :param include: the folder that holds ``policies/`` and ``rosters/``
    :param reach: reaches addresses and databases; without it only files can be read
    :raises RosterError: if the roster cannot be reached or is not valid, or lies outside the folder by way of a link
    """
    rules = policy.recording_rules
    matching = Matching(fold_case=rules.fold_case, wildcards=rules.wildcards)
    match rules.roster:
        case None:
            return None
        case RosterQuery() as query:
            return _from_query(query, _needed(reach, policy), matching)
        case str() as place if "://" in place:
            with _needed(reach, policy).open_url(place) as content:
                return roster_from_bytes(content, Origin(place), matching=matching)
        case place:
            return read_roster(_file(place, policy, include=include), matching=matching)


def load_roster_of(policy: Policy, *, include: Path, reach: RosterReach | None = None) -> Roster | None:
    """
    As :func:`read_roster_of`, the roster alone.

    :raises RosterError: likewise
    """
    loaded = read_roster_of(policy, include=include, reach=reach)
    return loaded.roster if loaded else None


def _needed(reach: RosterReach | None, policy: Policy) -> RosterReach:
    if reach is None:
        raise RosterError(
            f"the roster of policy {policy.policy}, {policy.recording_rules.roster_name}, is not a file",
            subject=policy.policy,
            hint="it can be read only where Airflow and its connections are",
        )
    return reach


def _file(place: str, policy: Policy, *, include: Path) -> Path:
    path = include / place
    if not path.resolve().is_relative_to(include.resolve()):
        raise RosterError(
            f"the roster {path} of policy {policy.policy} lies outside {include}",
            subject=policy.policy,
            hint="put the file itself below rosters/, not a link to another place",
        )
    return path


def _from_query(query: RosterQuery, reach: RosterReach, matching: Matching) -> LoadedRoster:
    problems: list[Problem] = []
    with (
        reach.query(query.sql, conn_id=query.conn_id) as answer,
        closing(_query_rows(answer, problems)) as rows,
    ):
        return roster_from_rows(rows, problems, Origin(f"query over {query.conn_id}", unit=", row "), matching=matching)


def _query_rows(answer: QueryAnswer, problems: list[Problem]) -> Rows:
    yield Columns(1, list(answer.names))
    for number, values in enumerate(answer.rows, start=1):
        texts = [_value_text(value) for value in values]
        faults = list(_value_faults(number, answer.names, values, texts))
        problems.extend(faults)
        if not faults:
            yield Row(number, dict(zip(answer.names, (text or "" for text in texts), strict=True)))


def _value_text(value: object) -> str | None:
    """The value as a cell has it; None if no cell can."""
    match value:
        case None:
            return ""
        case str():
            return value.strip()
        case datetime():
            return value.date().isoformat() if value.time() == time() else None
        case date():
            return value.isoformat()
        case _:
            plain = isinstance(value, int | Decimal) and not isinstance(value, bool)
            return str(value) if plain else None


def _value_faults(
    number: int, names: Sequence[str], values: Sequence[object], texts: Sequence[str | None]
) -> Iterator[Problem]:
    for name, value, text in zip(names, values, texts, strict=True):
        if text is None:
            yield Problem(number, name, shown(str(value)), "text, a whole number or a date is wanted")
