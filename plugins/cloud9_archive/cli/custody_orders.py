"""What ``hold``, ``retention`` and ``dispose`` are told, as it was written, and what is said of what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from cloud9_archive.domain.selection import Selection
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import CustodyError
from cloud9_archive.pipeline.custody import Order


@dataclass(frozen=True, slots=True)
class SelectionOrder:
    """A selection as it was written on the command line."""

    users: Sequence[str] = ()
    begin: str | None = None
    end: str | None = None
    calls: Sequence[str] = ()
    recordings: Sequence[str] = ()
    bags: Sequence[str] = ()

    def selection(self) -> Selection:
        """
        The selection.

        :raises CustodyError: if it is none
        """
        try:
            return Selection(
                users=tuple(self.users),
                begin=moment(self.begin, "--from") if self.begin else None,
                end=moment(self.end, "--to") if self.end else None,
                calls=tuple(self.calls),
                recordings=tuple(self.recordings),
                bags=tuple(self.bags),
            )
        except ValidationError as error:
            raise refused(error) from None


def order_of(actor: str, reason: str) -> Order:
    """Who asks for it, and why."""
    return Order(actor=" ".join(actor.split()), reason=" ".join(reason.split()))


def moment(text: str, option: str) -> datetime:
    """
    The instant that a day or an ISO 8601 text with an offset names; a day begins at midnight UTC.

    :raises CustodyError: if it is neither
    """
    try:
        found = datetime.fromisoformat(text)
        if len(text) == len("2033-01-31"):
            found = found.replace(tzinfo=UTC)
        return found.astimezone(UTC) if found.tzinfo else _without_offset(found)
    except ValueError as error:
        raise CustodyError(
            f"{option} is {shown(text)!r}: {error}",
            subject=option,
            hint="write a day, 2033-01-31, or an instant with an offset, 2033-01-31T12:00:00+00:00",
        ) from None


@contextmanager
def told_refusals() -> Iterator[None]:
    """
    A text that no document can hold is an error of ours.

    :raises CustodyError: if an actor, a reason or a label cannot be read
    """
    try:
        yield
    except ValidationError as error:
        raise refused(error) from None


def refused(error: ValidationError) -> CustodyError:
    """What is wrong with what was asked for, in words."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    words = first["msg"].removeprefix("Value error, ")
    return CustodyError(
        f"{place}: {words}" if place else words, subject=place or "selection", hint="nothing was changed"
    )


def _without_offset(found: datetime) -> datetime:
    raise ValueError(f"{found.isoformat()} has no offset")
