"""How the tables hang together: the conditions that queries join and filter by."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, FromClause, and_, false, or_

from cloud9_archive.catalog.tables import call_recordings, media, policy_calls
from cloud9_archive.domain.run import CallRef, RunRef


def same_call(left: FromClause, right: FromClause) -> ColumnElement[bool]:
    """Both rows speak of one call."""
    return and_(left.c.source == right.c.source, left.c.call_id == right.c.call_id)


def same_recording(left: FromClause, right: FromClause) -> ColumnElement[bool]:
    """Both rows speak of one recording."""
    return and_(left.c.source == right.c.source, left.c.recording_id == right.c.recording_id)


def under_policy(policy: str, call: FromClause) -> ColumnElement[bool]:
    """The ``policy_calls`` row is this policy's for the call."""
    return and_(policy_calls.c.policy == policy, same_call(policy_calls, call))


def media_of_link(policy: str) -> ColumnElement[bool]:
    """The ``media`` row is this policy's for the recording of a ``call_recordings`` row."""
    return and_(media.c.policy == policy, same_recording(media, call_recordings))


def of_run(table: FromClause, run: RunRef) -> ColumnElement[bool]:
    """The row belongs to the run."""
    return and_(table.c.policy == run.policy, table.c.run_id == run.run_id)


def this_call(policy: str, ref: CallRef) -> ColumnElement[bool]:
    """The ``policy_calls`` row is this policy's for one call."""
    return and_(
        policy_calls.c.policy == policy, policy_calls.c.source == ref.source, policy_calls.c.call_id == ref.call_id
    )


def one_of(
    first: ColumnElement[str], second: ColumnElement[str], pairs: Iterable[tuple[str, str]]
) -> ColumnElement[bool]:
    """
    The row's two columns are one of the pairs.

    Said for each first part by itself: SQLite finds nothing by index when it is asked for a list of pairs.

    :param pairs: so many as fit into one statement
    """
    seconds: dict[str, list[str]] = {}
    for one, other in pairs:
        seconds.setdefault(one, []).append(other)
    return or_(false(), *(and_(first == one, second.in_(others)) for one, others in sorted(seconds.items())))
