"""A catalog that was copied elsewhere and is not in use any more: two of one archive would contradict each other."""

from __future__ import annotations

from sqlalchemy import Engine, select

from cloud9_archive.catalog.tables import events
from cloud9_archive.errors import CatalogError

RETIRED = "catalog.retired"
SUBJECT = "catalog"
NO_POLICY = ""
"""What events that concern no single policy have in place of one."""


def refuse_retired(engine: Engine) -> None:
    """
    Nothing, if the catalog is in use.

    :raises CatalogError: if it was copied elsewhere and retired
    """
    query = select(events.c.after).where(
        events.c.policy == NO_POLICY, events.c.subject == SUBJECT, events.c.what == RETIRED
    )
    with engine.connect() as connection:
        successor = connection.scalar(query.limit(1))
    if successor is not None:
        raise CatalogError(
            f"this catalog was copied to {successor}, and is not in use any more",
            subject=SUBJECT,
            hint="set [cloud9_archive] catalog_url to that one on every host",
        )
