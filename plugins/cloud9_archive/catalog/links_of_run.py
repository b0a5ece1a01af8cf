"""Which recordings the calls of a run are tied to, which of these ties their sources still name, and how long the audio is."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.joins import one_of, same_call, same_recording
from cloud9_archive.catalog.listing import chunks
from cloud9_archive.catalog.tables import call_recordings, calls, media
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.run import CallRef, RecordingRef
from cloud9_archive.domain.window import Window


@dataclass(frozen=True, slots=True)
class TiedRecording:
    """
    A recording under a policy, and who names it.

    :param length: of its audio as its structure promises, seconds; None if it was never found intact
    :param calls: the calls that it is or was tied to
    """

    length: float | None
    calls: int = 1


def whole_calls(catalog: Catalog, refs: Collection[CallRef]) -> Iterator[Call]:
    """The calls as their sources tell them now, by source and id."""
    for chunk in chunks(sorted(refs)):
        # Put in order here: asked for the order of the key, SQLite would walk the whole of it.
        query = select(calls.c.document).where(one_of(calls.c.source, calls.c.call_id, chunk))
        with catalog.begin() as connection:
            found = [Call.from_document(json.loads(document)) for document in connection.scalars(query)]
        yield from sorted(found, key=lambda call: (call.source, call.call_id))


def calls_between(catalog: Catalog, source: str, window: Window) -> Iterator[Call]:
    """Every call of the source that began in the window, whoever listed it."""
    query = select(calls.c.document).where(
        calls.c.source == source, calls.c.started_at >= window.start, calls.c.started_at < window.end
    )
    with catalog.begin() as connection:
        documents = list(connection.scalars(query))
    yield from (Call.from_document(json.loads(document)) for document in documents)


def tied_recordings(catalog: Catalog, policy: str, refs: Collection[RecordingRef]) -> dict[RecordingRef, TiedRecording]:
    """The length of each recording, and to how many calls it is tied."""
    found: dict[RecordingRef, TiedRecording] = {}
    for chunk in chunks(sorted(set(refs))):
        query = (
            select(media.c.source, media.c.recording_id, media.c.examination, func.count(call_recordings.c.call_id))
            .join(call_recordings, same_recording(call_recordings, media))
            .where(media.c.policy == policy, one_of(media.c.source, media.c.recording_id, chunk))
            .group_by(media.c.source, media.c.recording_id, media.c.examination)
        )
        with catalog.begin() as connection:
            for source, recording_id, examination, number in connection.execute(query):
                length = json.loads(examination or "{}").get("duration")
                found[RecordingRef(source, recording_id)] = TiedRecording(length, number)
    return found


def still_named(catalog: Catalog, refs: Collection[RecordingRef]) -> set[RecordingRef]:
    """Those of the recordings that some call names as its source tells it now."""
    named: set[RecordingRef] = set()
    for chunk in chunks(sorted(set(refs))):
        query = (
            select(call_recordings.c.source, call_recordings.c.recording_id, calls.c.document)
            .join(calls, same_call(calls, call_recordings))
            .where(one_of(call_recordings.c.source, call_recordings.c.recording_id, chunk))
        )
        with catalog.begin() as connection:
            for source, recording_id, document in connection.execute(query):
                if any(link["recording_id"] == recording_id for link in json.loads(document)["recordings"]):
                    named.add(RecordingRef(source, recording_id))
    return named
