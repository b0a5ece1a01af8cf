"""Calls of earlier windows that wait for something only a listing can bring."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, select

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.tables import call_recordings, policy_calls
from cloud9_archive.domain.accounting import ABSENT


def starts_without_links(catalog: Catalog, policy: str, source: str, *, now: datetime) -> list[datetime]:
    """When the calls started that are due and name no recording yet, oldest first."""
    query = (
        select(policy_calls.c.started_at)
        .outerjoin(
            call_recordings,
            and_(
                call_recordings.c.source == policy_calls.c.source,
                call_recordings.c.call_id == policy_calls.c.call_id,
            ),
        )
        .where(
            policy_calls.c.policy == policy,
            policy_calls.c.state.in_(ABSENT),
            policy_calls.c.next_check_at <= now,
            policy_calls.c.source == source,
            call_recordings.c.recording_id.is_(None),
        )
        .order_by(policy_calls.c.started_at)
    )
    with catalog.begin() as connection:
        return list(connection.scalars(query))
