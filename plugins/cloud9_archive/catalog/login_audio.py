"""Whose calls bring audio, and whose never did."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import exists, select

from cloud9_archive.catalog.catalog import Catalog, upsert
from cloud9_archive.catalog.joins import one_of
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.tables import login_audio
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.unheard import REMEMBERED_CALLS, Unheard

Login = tuple[str, str]
"""Source and login."""


@dataclass(slots=True)
class Met:
    """
    What a run met of a login.

    :param heard_at: start of its latest call whose audio came
    :param unheard: start of each call whose audio did not come, by its id
    """

    heard_at: datetime | None = None
    unheard: dict[str, datetime] = field(default_factory=dict)


def note_logins(catalog: Catalog, policy: str, met: Mapping[Login, Met], *, now: datetime) -> None:
    """The catalog knows what the run met; meeting the same again changes nothing. Work in proportion to the logins."""
    for chunk in chunks(sorted(met)):
        with catalog.begin() as connection:
            query = select(login_audio).where(
                login_audio.c.policy == policy, one_of(login_audio.c.source, login_audio.c.login, chunk)
            )
            known = {(row.source, row.login): row for row in connection.execute(query)}
            rows = []
            for login in chunk:
                before, now_met = known.get(login), met[login]
                heard = [moment for moment in (before.heard_at if before else None, now_met.heard_at) if moment]
                unheard = {} if heard else _first({**_read(before.unheard if before else "{}"), **now_met.unheard})
                rows.append(
                    {
                        "policy": policy,
                        "source": login[0],
                        "login": login[1],
                        "heard_at": max(heard, default=None),
                        "unheard": json.dumps({key: utc_text(start) for key, start in unheard.items()}, sort_keys=True),
                        "seen_at": now,
                    }
                )
            statement = upsert(connection, login_audio)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=list(login_audio.primary_key.columns),
                    set_={name: statement.excluded[name] for name in ("heard_at", "unheard", "seen_at")},
                ),
                rows,
            )


def never_heard(catalog: Catalog, policy: str, *, since: datetime) -> list[Unheard]:
    """
    The logins of whose calls none ever brought audio, of sources whose other logins' calls do.

    :param since: one that no run met any more from then on is left out
    """
    other = login_audio.alias()
    query = (
        select(login_audio.c.source, login_audio.c.login, login_audio.c.unheard)
        .where(
            login_audio.c.policy == policy,
            login_audio.c.heard_at.is_(None),
            login_audio.c.seen_at >= since,
            exists().where(
                other.c.policy == policy, other.c.source == login_audio.c.source, other.c.heard_at.is_not(None)
            ),
        )
        .order_by(login_audio.c.source, login_audio.c.login)
    )
    with catalog.begin() as connection:
        return [Unheard(row.source, row.login, _read(row.unheard)) for row in connection.execute(query)]


def _first(unheard: Mapping[str, datetime]) -> dict[str, datetime]:
    """The earliest calls, and so many that their number and days say enough."""
    ordered: Iterable[tuple[str, datetime]] = sorted(unheard.items(), key=lambda each: (each[1], each[0]))
    return dict(list(ordered)[:REMEMBERED_CALLS])


def _read(text: str) -> dict[str, datetime]:
    return {call_id: datetime.fromisoformat(start) for call_id, start in json.loads(text).items()}
