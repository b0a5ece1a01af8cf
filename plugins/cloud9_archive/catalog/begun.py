"""How many calls of a source began when, as far as its listings have told."""

from __future__ import annotations

from sqlalchemy import func, select

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.tables import calls
from cloud9_archive.domain.silence import DAY, WEEK, Spell, earlier
from cloud9_archive.domain.window import Window


def calls_begun(catalog: Catalog, source: str, window: Window) -> int:
    """How many calls that the source ever listed began in the window."""
    query = select(func.count()).where(
        calls.c.source == source, calls.c.started_at >= window.start, calls.c.started_at < window.end
    )
    with catalog.begin() as connection:
        return connection.execute(query).scalar_one()


def spell(catalog: Catalog, source: str, window: Window, *, listed: int) -> Spell:
    """
    The window beside the same span on earlier days.

    :param listed: calls of the window that the source lists now
    """

    def before(*, days: int) -> int:
        return calls_begun(catalog, source, earlier(window, days * DAY))

    week = WEEK // DAY
    return Spell(
        window,
        listed,
        known=calls_begun(catalog, source, window),
        day_before=before(days=1),
        week_before=before(days=week),
        day_before_that=before(days=week + 1),
    )
