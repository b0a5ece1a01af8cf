"""Both sums over calls, with what another run works on counted as awaited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from cloud9_archive.catalog.accounts import CallAccount
from cloud9_archive.domain.accounting import CallSum, MediaState, MediaSum, call_sum, media_sum
from cloud9_archive.domain.run import RecordingRef

_BEYOND_WORK = (MediaState.ARCHIVED, MediaState.DISPOSED)


def sum_calls(accounts: Iterable[CallAccount]) -> CallSum:
    """The sum over the calls; one that another run works on counts as awaited."""
    return call_sum(Counter(account.outcome for account in accounts))


def sum_recordings(accounts: Iterable[CallAccount]) -> MediaSum:
    """The sum over the wanted recordings of the calls, each counted once."""
    states: dict[RecordingRef, MediaState] = {}
    for account in accounts:
        for recording in account.recordings:
            if recording.state is not None:
                held = account.held_by is not None and recording.state not in _BEYOND_WORK
                states[recording.ref] = MediaState.AWAITING_MEDIA if held else recording.state
    return media_sum(Counter(states.values()))
