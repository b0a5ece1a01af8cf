"""Keys of sources that expire soon: a key that runs out is a gap that announces itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cloud9_archive.catalog.listings import FinishedListing
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.key_expiry import key_expiry


def key_subject(source: str) -> str:
    """What a key's expiry is noted under."""
    return f"{source}/API key"


def expiring_keys(listings: Iterable[FinishedListing]) -> Iterator[Finding]:
    """A finding for each source whose key expires within 90 days of its listing, or had expired by then."""
    for listing in listings:
        due = key_expiry(listing.key_expires, now=listing.completed_at)
        if due is not None:
            yield Finding("KEY_EXPIRES", key_subject(listing.source), due.words)
