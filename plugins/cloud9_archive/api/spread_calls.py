"""Calls whose rows are spread over pages: an API may give a row for each recording of a call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from cloud9_archive.domain.call import Call, RecordingLink


class PageOfCalls(Protocol):
    """A page that holds calls; it is a dataclass."""

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every row that was given."""


P = TypeVar("P", bound=PageOfCalls)


@dataclass(slots=True)
class SpreadCalls:
    """The recordings of each call, from all its rows so far."""

    _links: dict[str, dict[str, RecordingLink]] = field(default_factory=dict)

    def joined(self, pages: Iterable[P]) -> Iterator[P]:
        """
        The pages, each call with the recordings of all its rows, those on the next page included.

        A page is held back until the next one has come, so that a call that goes on there is told alike on both: two
        editions of one call in one listing would look as if the source had amended it.
        """
        held: P | None = None
        for page in pages:
            for call in page.calls:
                self._links.setdefault(call.call_id, {}).update({link.recording_id: link for link in call.recordings})
            if held is not None:
                yield self._whole(held)
            held = page
        if held is not None:
            yield self._whole(held)

    def _whole(self, page: P) -> P:
        calls = tuple(replace(call, recordings=self._of(call)) for call in page.calls)
        return replace(page, calls=calls)  # type: ignore[type-var]  # a protocol cannot say that it is a dataclass

    def _of(self, call: Call) -> tuple[RecordingLink, ...]:
        return tuple(self._links[call.call_id].values())
