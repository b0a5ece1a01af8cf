"""The archive's chain, as far as this catalog has read it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update

from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.tables import bags, chain


@dataclass(frozen=True, slots=True)
class KnownLink:
    """A link that was written or read: its number, and the digest of its bytes."""

    number: int
    digest: str
    run_id: str


def head(catalog: Catalog, policy: str) -> KnownLink | None:
    """The newest known link of the policy's chain."""
    newest = select(func.max(chain.c.number)).where(chain.c.policy == policy).scalar_subquery()
    query = select(chain).where(chain.c.policy == policy, chain.c.number == newest)
    with catalog.begin() as connection:
        row = connection.execute(query).one_or_none()
    return KnownLink(row.number, row.digest, row.run_id) if row else None


def links_of_run(catalog: Catalog, policy: str, run_id: str) -> list[KnownLink]:
    """The known links that the run appended, oldest first."""
    query = select(chain).where(chain.c.policy == policy, chain.c.run_id == run_id).order_by(chain.c.number)
    with catalog.begin() as connection:
        return [KnownLink(row.number, row.digest, row.run_id) for row in connection.execute(query)]


def unlinked_bags(catalog: Catalog, policy: str) -> list[tuple[str, str, str]]:
    """Sealed bags of the policy that no known link covers: id, prefix and seal digest, by id."""
    query = (
        select(bags.c.bag_id, bags.c.prefix, bags.c.seal_sha256)
        .where(bags.c.policy == policy, bags.c.link_number.is_(None))
        .order_by(bags.c.bag_id)
    )
    with catalog.begin() as connection:
        return [(row.bag_id, row.prefix, row.seal_sha256) for row in connection.execute(query)]


def note_link(catalog: Catalog, policy: str, link: KnownLink, *, covers: Collection[str], written_at: datetime) -> None:
    """
    The link is known.

    :param covers: ids of the bags that it has as members
    """
    with catalog.begin() as connection:
        connection.execute(
            upsert(connection, chain)
            .values(policy=policy, number=link.number, digest=link.digest, run_id=link.run_id, written_at=written_at)
            .on_conflict_do_nothing()
        )
        for bag_id in covers:
            connection.execute(update(bags).where(bags.c.bag_id == bag_id).values(link_number=link.number))
