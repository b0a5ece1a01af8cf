"""What may become of a call and of a recording, and the two sums that must hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class MediaState(StrEnum):
    """Where a wanted recording stands under a policy."""

    WANTED = "wanted"
    AWAITING_MEDIA = "awaiting_media"
    FETCHED = "fetched"
    TRANSCODED = "transcoded"
    ARCHIVED = "archived"
    QUARANTINED = "quarantined"
    MISSING = "missing"
    DISPOSED = "disposed"


class CallState(StrEnum):
    """Where a listed call stands under a policy."""

    LISTED = "listed"
    EXCLUDED = "excluded"
    SELECTED = "selected"
    ARCHIVED = "archived"
    AWAITING_MEDIA = "awaiting_media"
    QUARANTINED = "quarantined"
    MISSING = "missing"
    DISPOSED = "disposed"


class BatchState(StrEnum):
    """Where a batch stands; ``sealing`` means that its bag's content is fixed."""

    OPEN = "open"
    SEALING = "sealing"
    SEALED = "sealed"
    DISSOLVED = "dissolved"


MEDIA_MOVES: Mapping[MediaState, frozenset[MediaState]] = {
    MediaState.WANTED: frozenset(
        {MediaState.AWAITING_MEDIA, MediaState.FETCHED, MediaState.MISSING, MediaState.QUARANTINED}
    ),
    MediaState.AWAITING_MEDIA: frozenset({MediaState.FETCHED, MediaState.MISSING, MediaState.QUARANTINED}),
    MediaState.MISSING: frozenset({MediaState.FETCHED, MediaState.QUARANTINED}),
    MediaState.FETCHED: frozenset({MediaState.TRANSCODED, MediaState.QUARANTINED, MediaState.WANTED}),
    MediaState.TRANSCODED: frozenset({MediaState.ARCHIVED, MediaState.TRANSCODED, MediaState.WANTED}),
    MediaState.QUARANTINED: frozenset({MediaState.WANTED, MediaState.DISPOSED}),
    MediaState.ARCHIVED: frozenset({MediaState.DISPOSED}),
    MediaState.DISPOSED: frozenset(),
}
"""Which changes of state are possible; anything else is refused by the catalog."""

OUT_OF_WORK = (CallState.EXCLUDED, CallState.DISPOSED)
"""States of a call of which nothing is fetched or archived any more, whatever the source lists."""

UNDER_WORK = frozenset({MediaState.WANTED, MediaState.FETCHED, MediaState.TRANSCODED})
"""States that no recording may be in when its run is reconciled, unless another run holds it."""

ABSENT = (CallState.AWAITING_MEDIA, CallState.MISSING)
"""States of a call that waits for the source."""

TO_FETCH = frozenset({MediaState.WANTED, MediaState.AWAITING_MEDIA, MediaState.MISSING})
"""States in which the bytes are asked for."""


def call_state(media: Iterable[MediaState], *, documented: bool, past_deadline: bool) -> CallState:
    """
    The state of a selected call, from the states of its recordings.

    A call is only as far as its least settled recording. One that lists no recording awaits it until the deadline.

    :param documented: whether the call stands in a sealed bag as the source last reported it
    :param past_deadline: whether the policy's media deadline has passed for this call
    """
    states = set(media)
    if not states:
        return CallState.MISSING if past_deadline else CallState.AWAITING_MEDIA
    if states & UNDER_WORK:
        return CallState.SELECTED
    for state, outcome in (
        (MediaState.AWAITING_MEDIA, CallState.AWAITING_MEDIA),
        (MediaState.MISSING, CallState.MISSING),
    ):
        if state in states:
            return outcome
    if not documented:
        return CallState.SELECTED
    return CallState.QUARANTINED if MediaState.QUARANTINED in states else CallState.ARCHIVED


@dataclass(frozen=True, slots=True)
class CallSum:
    """``listed = archived + excluded + awaiting_media + quarantined + missing + disposed``, over calls."""

    listed: int = 0
    archived: int = 0
    excluded: int = 0
    awaiting_media: int = 0
    quarantined: int = 0
    missing: int = 0
    disposed: int = 0

    @property
    def unaccounted(self) -> int:
        """How many calls are in none of the outcomes; zero when the sum holds."""
        settled = self.archived + self.excluded + self.quarantined + self.disposed
        return self.listed - settled - self.awaiting_media - self.missing


@dataclass(frozen=True, slots=True)
class MediaSum:
    """``wanted = archived + awaiting_media + quarantined + missing + disposed``, over recordings."""

    wanted: int = 0
    archived: int = 0
    awaiting_media: int = 0
    quarantined: int = 0
    missing: int = 0
    disposed: int = 0

    @property
    def unaccounted(self) -> int:
        """How many recordings are in none of the outcomes; zero when the sum holds."""
        return self.wanted - self.archived - self.awaiting_media - self.quarantined - self.missing - self.disposed


def call_sum(counts: Mapping[CallState, int]) -> CallSum:
    """The sum over ``counts``; every counted call was listed."""
    return CallSum(
        listed=sum(counts.values()),
        archived=counts.get(CallState.ARCHIVED, 0),
        excluded=counts.get(CallState.EXCLUDED, 0),
        awaiting_media=counts.get(CallState.AWAITING_MEDIA, 0),
        quarantined=counts.get(CallState.QUARANTINED, 0),
        missing=counts.get(CallState.MISSING, 0),
        disposed=counts.get(CallState.DISPOSED, 0),
    )


def media_sum(counts: Mapping[MediaState, int]) -> MediaSum:
    """The sum over ``counts``; every counted recording is wanted."""
    return MediaSum(
        wanted=sum(counts.values()),
        archived=counts.get(MediaState.ARCHIVED, 0),
        awaiting_media=counts.get(MediaState.AWAITING_MEDIA, 0),
        quarantined=counts.get(MediaState.QUARANTINED, 0),
        missing=counts.get(MediaState.MISSING, 0),
        disposed=counts.get(MediaState.DISPOSED, 0),
    )
