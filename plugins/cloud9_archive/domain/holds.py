"""Which legal holds stand, by the documents that place and release them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cloud9_archive.domain.custody import CustodyDocument, LegalHold, Release, ReleaseRequest
from cloud9_archive.domain.selection import folded

Kind = TypeVar("Kind", bound=CustodyDocument)


@dataclass(frozen=True, slots=True)
class HoldState:
    """
    A hold, and how far its release has come.

    :param request: the open request; None if nobody asked
    :param release: None: it stands
    """

    hold: LegalHold
    request: ReleaseRequest | None = None
    release: Release | None = None


def hold_states(documents: Iterable[CustodyDocument]) -> tuple[HoldState, ...]:
    """Every hold, oldest first. A release counts only beside the request that it names, by another person."""
    known = {document.document_id: document for document in documents}
    states = []
    for hold in _of_kind(known.values(), LegalHold):
        requests = [each for each in _of_kind(known.values(), ReleaseRequest) if each.hold == hold.document_id]
        releases = [each for each in _of_kind(known.values(), Release) if each.hold == hold.document_id]
        valid = [each for each in releases if _is_asked_for(each, requests)]
        states.append(HoldState(hold, requests[0] if requests else None, valid[0] if valid else None))
    return tuple(states)


def standing(states: Iterable[HoldState]) -> tuple[LegalHold, ...]:
    """The holds that are not released."""
    return tuple(state.hold for state in states if state.release is None)


def _is_asked_for(release: Release, requests: Sequence[ReleaseRequest]) -> bool:
    return any(each.document_id == release.request and folded(each.actor) != folded(release.actor) for each in requests)


def _of_kind(documents: Iterable[CustodyDocument], kind: type[Kind]) -> list[Kind]:
    found = [document for document in documents if isinstance(document, kind)]
    return sorted(found, key=lambda document: (document.at, document.document_id))
