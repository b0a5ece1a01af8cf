"""Calls looked up in the catalog by people, dates, ids and words; newest first, a page at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select, tuple_

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.joins import media_of_link, same_call
from cloud9_archive.catalog.tables import bag_records, bags, call_recordings, calls, decisions, media, policy_calls
from cloud9_archive.catalog.text_type import stored_form
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.call_selection import CallSelection
from cloud9_archive.domain.run import RecordingRef

_FOLDED = re.compile("ss|ff|fi|fl|st", re.IGNORECASE)
"""What a single letter beyond ASCII may be folded to, which a database does not do."""

AT_ONCE = 500
"""Calls read in one transaction, so that no run waits long for a reader."""


@dataclass(frozen=True, slots=True)
class FoundRecording:
    """
    A recording of a call that was found.

    :param state: None if the policy does not want it
    :param container: format of its original, which its file's name ends with; None if none was looked at
    :param has_original: whether bytes of it were received
    :param prefix: key of the bag that holds it
    :param encrypted: whether that bag is
    """

    ref: RecordingRef
    state: str | None
    container: str | None
    has_original: bool
    prefix: str | None
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class FoundCall:
    """
    A call that was found, as it stands under one policy.

    :param state: None if the policy has not decided on it
    :param prefix: key of the bag that holds its newest document
    :param encrypted: whether that bag is
    """

    policy: str | None
    call: Call
    state: str | None
    users: tuple[str, ...]
    rule: str | None
    prefix: str | None
    recordings: tuple[FoundRecording, ...]
    encrypted: bool = False


# A bag is encrypted as a whole, and each has a call whose document's name says so.
_ENCRYPTED = exists().where(bag_records.c.bag_id == bags.c.bag_id, bag_records.c.path.like("%.p7m"))


def search_calls(catalog: Catalog, selection: CallSelection, *, policy: str | None = None) -> Iterator[FoundCall]:
    """
    The calls that fit, newest first within each source, under each policy that decided on them.

    Ids and dates are found by index. Of people and words, the calls of the dates are read and compared: as many as it
    takes, and no more than that are held in memory.
    """
    with catalog.begin() as connection:
        sources = list(_sources(connection))
    for source in sources:
        yield from _of_source(catalog, selection, source, policy)


def _sources(connection: Connection) -> Iterator[str]:
    """Every source, by a step along the key for each."""
    last: str | None = connection.scalar(select(func.min(calls.c.source)))
    while last is not None:
        yield last
        last = connection.scalar(select(func.min(calls.c.source)).where(calls.c.source > last))


def _of_source(catalog: Catalog, selection: CallSelection, source: str, policy: str | None) -> Iterator[FoundCall]:
    key = tuple_(calls.c.started_at, calls.c.call_id)
    query = _query(selection, policy).where(calls.c.source == source)
    query = query.order_by(calls.c.started_at.desc(), calls.c.call_id.desc()).limit(AT_ONCE)
    last: tuple[Any, str] | None = None
    while True:
        page = query if last is None else query.where(key < tuple_(*last))
        with catalog.begin() as connection:
            refs = [(row.started_at, row.call_id) for row in connection.execute(page)]
            found = _accounts(connection, source, [call_id for _, call_id in refs], policy)
        yield from (each for each in found if selection.fits(each.call, users=each.users))
        if len(refs) < AT_ONCE:
            return
        last = refs[-1]


def _query(selection: CallSelection, policy: str | None) -> Select[Any]:
    """Calls that may fit; what a database cannot compare is left to :meth:`CallSelection.fits`."""
    query = select(calls.c.started_at, calls.c.call_id)
    if selection.begin is not None:
        query = query.where(calls.c.started_at >= selection.begin)
    if selection.end is not None:
        query = query.where(calls.c.started_at < selection.end)
    if selection.call_ids:
        query = query.where(calls.c.call_id.in_(sorted(selection.call_ids)))
    if selection.recording_ids:
        links = select(call_recordings.c.call_id).where(
            call_recordings.c.source == calls.c.source,
            call_recordings.c.call_id == calls.c.call_id,
            call_recordings.c.recording_id.in_(sorted(selection.recording_ids)),
        )
        query = query.where(links.exists())
    if policy is not None:
        under = select(policy_calls.c.call_id).where(policy_calls.c.policy == policy, same_call(policy_calls, calls))
        query = query.where(under.exists())
    for text in selection.texts:
        if (condition := _contains(text)) is not None:
            query = query.where(condition)
    return query


def _contains(text: str) -> ColumnElement[bool] | None:
    """Whether the text stands in the call's document; None for texts that stand there in another form."""
    if not text.isascii() or _FOLDED.search(text) or stored_form(text) != text or json.dumps(text)[1:-1] != text:
        return None
    return calls.c.document.icontains(text, autoescape=True)


def _accounts(connection: Connection, source: str, call_ids: Sequence[str], policy: str | None) -> list[FoundCall]:
    if not call_ids:
        return []
    mine = (calls.c.source == source, calls.c.call_id.in_(call_ids))
    query = (
        select(
            calls.c.document,
            policy_calls.c.policy,
            policy_calls.c.state,
            decisions.c.users,
            decisions.c.rule,
            bags.c.prefix,
            _ENCRYPTED.label("encrypted"),
        )
        .select_from(calls)
        .outerjoin(policy_calls, same_call(policy_calls, calls))
        .outerjoin(decisions, decisions.c.decision_id == policy_calls.c.decision_id)
        .outerjoin(bags, bags.c.bag_id == policy_calls.c.bag_id)
        .where(*mine, *([policy_calls.c.policy == policy] if policy is not None else []))
        .order_by(calls.c.started_at.desc(), calls.c.call_id.desc(), policy_calls.c.policy)
    )
    rows = connection.execute(query).all()
    held: dict[tuple[str, str], list[FoundRecording]] = {}
    for name in sorted({row.policy for row in rows if row.policy is not None}):
        for call_id, recording in _recordings(connection, source, call_ids, name):
            held.setdefault((name, call_id), []).append(recording)
    return [_found(row, held) for row in rows]


def _found(row: Any, held: dict[tuple[str, str], list[FoundRecording]]) -> FoundCall:  # noqa: ANN401 - SQLAlchemy's own type is wider here
    call = Call.from_document(json.loads(row.document))
    recordings = held.get((row.policy, call.call_id), [])
    users = tuple(json.loads(row.users)) if row.users else ()
    return FoundCall(row.policy, call, row.state, users, row.rule, row.prefix, tuple(recordings), bool(row.encrypted))


def _recordings(
    connection: Connection, source: str, call_ids: Sequence[str], policy: str
) -> Iterator[tuple[str, FoundRecording]]:
    query = (
        select(
            call_recordings,
            media.c.state,
            media.c.examination,
            media.c.original_sha256,
            bags.c.prefix,
            _ENCRYPTED.label("encrypted"),
        )
        .outerjoin(media, media_of_link(policy))
        .outerjoin(bags, bags.c.bag_id == media.c.bag_id)
        .where(call_recordings.c.source == source, call_recordings.c.call_id.in_(call_ids))
        .order_by(call_recordings.c.call_id, call_recordings.c.recording_id)
    )
    for row in connection.execute(query):
        container = (json.loads(row.examination) if row.examination else {}).get("container")
        has_original = row.original_sha256 is not None
        ref = RecordingRef(row.source, row.recording_id)
        yield row.call_id, FoundRecording(ref, row.state, container, has_original, row.prefix, bool(row.encrypted))
