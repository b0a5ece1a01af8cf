"""Documents of custody as the catalog knows them: entered first, then put and chained, then carried out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from cloud9_archive.catalog import events
from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.tables import custody
from cloud9_archive.domain.custody import AnyDocument, CustodyDocument, parse_custody
from cloud9_archive.domain.holds import HoldState, hold_states

_OF_HOLDS = ("legal_hold", "release_request", "release")


@dataclass(frozen=True, slots=True)
class Entered:
    """
    A document, and how far it has come.

    :param chained_by: run id of the link that is to have it as a member
    :param chained: whether it has
    """

    document: AnyDocument
    chained_by: str
    chained: bool


def enter(
    connection: Connection,
    documents: Sequence[CustodyDocument],
    *,
    chained_by: str,
    trail: Sequence[events.Event],
    now: datetime,
    learned: bool = False,
) -> None:
    """
    The documents are decided on, with what they are to say, and in the trail.

    :param learned: they were found in the archive, in its chain
    """
    for document in documents:
        connection.execute(
            upsert(connection, custody)
            .values(
                policy=document.policy,
                document_id=document.document_id,
                kind=document.kind,
                document=document.content().decode(),
                chained_by=chained_by,
                entered_at=now,
                chained_at=now if learned else None,
            )
            .on_conflict_do_nothing()
        )
    if documents:
        events.append(connection, trail, policy=documents[0].policy, who=documents[0].actor, now=now)


def known_ids(catalog: Catalog, policy: str) -> set[str]:
    """Ids of the policy's documents."""
    with catalog.begin() as connection:
        return set(connection.scalars(select(custody.c.document_id).where(custody.c.policy == policy)))


def unfinished(catalog: Catalog, policy: str, *, kinds: Collection[str] = ()) -> list[Entered]:
    """Documents that are not carried out yet, in the order in which they were entered; of some kinds, or all."""
    query = select(custody).where(custody.c.policy == policy, custody.c.completed_at.is_(None))
    if kinds:
        query = query.where(custody.c.kind.in_(kinds))
    with catalog.begin() as connection:
        rows = connection.execute(
            query.order_by(custody.c.entered_at, custody.c.chained_by, custody.c.document_id)
        ).all()
    return [Entered(parse_custody(row.document), row.chained_by, row.chained_at is not None) for row in rows]


def note_chained(catalog: Catalog, policy: str, chained_by: str, *, now: datetime) -> None:
    """The link has its documents."""
    with catalog.begin() as connection:
        connection.execute(
            update(custody)
            .where(custody.c.policy == policy, custody.c.chained_by == chained_by, custody.c.chained_at.is_(None))
            .values(chained_at=now)
        )


def note_completed(connection: Connection, document: CustodyDocument, *, now: datetime) -> None:
    """Everything that follows from the document was done."""
    this = (custody.c.policy == document.policy, custody.c.document_id == document.document_id)
    connection.execute(update(custody).where(*this, custody.c.completed_at.is_(None)).values(completed_at=now))


def holds(connection: Connection, policy: str) -> tuple[HoldState, ...]:
    """Every hold of the policy, oldest first. A hold counts once it is entered, a release once a link has it."""
    query = select(custody.c.document).where(
        custody.c.policy == policy,
        custody.c.kind.in_(_OF_HOLDS),
        or_(custody.c.kind != "release", custody.c.chained_at.is_not(None)),
    )
    return hold_states([parse_custody(text) for text in connection.scalars(query)])


def documents_by_id(connection: Connection, policy: str, ids: Collection[str]) -> list[AnyDocument]:
    """The documents of these ids."""
    found: list[AnyDocument] = []
    for chunk in chunks(sorted(ids)):
        query = select(custody.c.document).where(custody.c.policy == policy, custody.c.document_id.in_(chunk))
        found += [parse_custody(text) for text in connection.scalars(query)]
    return found
