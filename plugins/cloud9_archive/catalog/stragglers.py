"""Calls of earlier windows that wait for something only a listing can bring."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.joins import same_call
from cloud9_archive.catalog.tables import call_recordings, policy_calls
from cloud9_archive.domain.accounting import ABSENT


def starts_without_links(catalog: Catalog, policy: str, source: str, *, now: datetime) -> list[datetime]:
    """When the calls started that are due and name no recording yet, oldest first."""
    query = (
        select(policy_calls.c.started_at)
        .outerjoin(
            call_recordings,
            same_call(call_recordings, policy_calls),
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
