"""Options that name calls, alike in every command that looks for some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from cloud9_archive.domain.call_selection import CallSelection
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import ConfigurationError

Users = Annotated[
    list[str] | None,
    typer.Option(
        "--user",
        help="A user for whom calls are recorded, or login, name or number of the near end; * is any text. Several: one of them.",
    ),
]
Counterparties = Annotated[
    list[str] | None,
    typer.Option(
        "--counterparty", help="Login, name, number, group or firm of the far end; * is any text. Several: one of them."
    ),
]
Begin = Annotated[
    str | None, typer.Option("--from", help="Calls that began then or later: a day (UTC) or an instant with an offset.")
]
End = Annotated[
    str | None, typer.Option("--to", help="Calls that began before that: the end of a day (UTC), or an instant.")
]
CallIds = Annotated[list[str] | None, typer.Option("--call", help="Id of a call. Several: one of them.")]
RecordingIds = Annotated[list[str] | None, typer.Option("--recording", help="Id of a recording. Several: one of them.")]


@dataclass(frozen=True, slots=True)
class Asked:
    """The options as they were given."""

    users: Sequence[str] | None
    counterparties: Sequence[str] | None
    begin: str | None
    end: str | None
    call_ids: Sequence[str] | None
    recording_ids: Sequence[str] | None
    texts: Sequence[str] | None = None

    def selection(self) -> CallSelection:
        """
        What they ask for.

        :raises ConfigurationError: if a moment cannot be read, or they leave no time
        """
        begin, end = _moment("--from", self.begin, last=False), _moment("--to", self.end, last=True)
        if begin is not None and end is not None and end <= begin:
            raise ConfigurationError("--to is not after --from", subject="--to", hint="no call can begin in that time")
        return CallSelection(
            users=tuple(self.users or ()),
            counterparties=tuple(self.counterparties or ()),
            begin=begin,
            end=end,
            call_ids=frozenset(self.call_ids or ()),
            recording_ids=frozenset(self.recording_ids or ()),
            texts=tuple(self.texts or ()),
        )


def _moment(option: str, text: str | None, *, last: bool) -> datetime | None:
    """
    The instant, in UTC.

    :param last: whether a day means its end
    """
    if text is None:
        return None
    try:
        if len(text) == len("2026-11-22"):
            day = date.fromisoformat(text)
            day = date.fromordinal(day.toordinal() + 1) if last else day
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ConfigurationError(
        f"{option} is {shown(text)!r}",
        subject=option,
        hint="write a day, 2026-11-22, or an instant with an offset, 2026-11-22T09:00:00+00:00",
    )
