"""From an answer to a recording on disk: what came is looked at, and the audio taken out of whatever it is wrapped in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from cloud9_archive.api.answers import Address, Base64Text, find_recording
from cloud9_archive.api.archives import Absent, unpack_recording
from cloud9_archive.api.base64_text import Base64Fault, base64_bytes
from cloud9_archive.api.exchange import Exchange
from cloud9_archive.api.long_texts import MOST_WITHOUT, JsonFile
from cloud9_archive.api.media_outcomes import media_error
from cloud9_archive.api.payload import Payload, recognised
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.transfer import Arriving, Deadline, Stored, scratch_beside, store_chunks
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.domain.run import WantedRecording
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import (
    Cloud9ArchiveError,
    DamagedMediaError,
    RecordError,
    UnsupportedMediaError,
    WireFormatError,
)

Refusal = Callable[[Payload], Cloud9ArchiveError]


class Follow(Protocol):
    """Opens the address that an answer gives, as :meth:`~cloud9_archive.api.follow.MediaFollower.follow` does."""

    def __call__(self, url: str, *, deadline: Deadline) -> AbstractContextManager[Arriving]:
        """The bytes there, while they come."""


def receive_recording(
    exchange: Exchange,
    wanted: WantedRecording,
    into: Path,
    *,
    wire: WireFormat,
    source: SourceSettings,
    follow: Follow,
) -> Stored | Absent:
    """
    The wanted recording's bytes, complete and durable in ``into``; or how the answer says that they are not there yet.

    Content decides, and headers do not: audio and bytes of no known kind are kept as they came, a ZIP archive is
    unpacked, JSON is read by the wire format's ``recording.answer``, and a page is refused.

    :param exchange: answered with status 200
    :param into: file to make, in an existing folder; what stands there is replaced
    :raises WireFormatError: if the answer is a page, or JSON in which no audio is found
    :raises MediaHostError: if the answer gives an address that may not be followed
    :raises RecordError: if this recording cannot be taken from what came
    """
    receiver = _Receiver(wanted, into, wire, source, follow, exchange.deadline)
    arriving = exchange.arriving()
    arriving.expect(most=receiver.most_received, too_large=receiver.too_large)
    if recognised(arriving.head()) is Payload.JSON:
        return receiver.from_json(arriving)
    return receiver.keep(arriving, refusal=receiver.page_refused)


@dataclass(frozen=True, slots=True)
class _Receiver:
    wanted: WantedRecording
    into: Path
    wire: WireFormat
    source: SourceSettings
    follow: Follow
    deadline: Deadline

    def keep(self, arriving: Arriving, *, refusal: Refusal) -> Stored | Absent:
        """What arrives is audio, or a ZIP archive that holds it; ``refusal`` makes the error for what is neither."""
        arriving.expect(most=self.source.max_recording_bytes, too_large=self.too_large)
        kind = recognised(arriving.head())
        match kind:
            case Payload.EMPTY if self.wire.recording.pending.empty_body:
                return Absent("empty body")
            case Payload.ZIP:
                return self._from_zip(arriving)
            case Payload.JSON | Payload.PAGE:
                raise refusal(kind)
            case _:
                self._refuse_nameless()
                return store_chunks(self._bounded(arriving), self.into)

    def from_json(self, arriving: Arriving) -> Stored | Absent:
        """The recording that a JSON answer holds or leads to."""
        with scratch_beside(self.into) as scratch:
            received = store_chunks(self._bounded_json(arriving), scratch)
            with JsonFile(scratch, self.wire) as json:
                place = find_recording(json.answer, self.wanted, wire=self.wire)
                match place:
                    case Absent():
                        return place
                    case Base64Text():
                        decoded = Arriving(self._decoded(json.pieces(place.text)))
                        return _out_of(received, self.keep(decoded, refusal=self._refused_within))
                    case Address():
                        url = place.text
                        if json.is_long(url):
                            raise self.wire.misfit("the address of the recording", "is too long for one")
        return self._from_elsewhere(url)

    def _from_elsewhere(self, url: str) -> Stored | Absent:
        with self.follow(url, deadline=self.deadline) as arriving:

            def refused(kind: Payload) -> Cloud9ArchiveError:
                return media_error("media page", f"gave {kind} instead of audio", asked=arriving.origin)

            return self.keep(arriving, refusal=refused)

    def _from_zip(self, arriving: Arriving) -> Stored | Absent:
        with scratch_beside(self.into) as scratch:
            received = store_chunks(self._bounded(arriving), scratch)
            unpacked = unpack_recording(
                scratch,
                self.wanted,
                self.into,
                most=self.source.max_recording_bytes,
                too_large=self.too_large,
                only_named=self.wire.recording.only_named,
            )
        return _out_of(received, unpacked)

    def _refuse_nameless(self) -> None:
        """Audio without a name is the recording only if no other can have come."""
        recording = self.wire.recording
        if recording.by_call_alone and recording.only_named and not recording.answer.items:
            raise self.wire.misfit(
                "the recording",
                "came without a name, but it is asked for by its call alone, so nobody knows which of the call's it is",
                change="let recording.request name the recording_id or the filename, or write "
                "recording.answer.only_named: false if no call has more than one recording",
            )

    def _bounded(self, arriving: Arriving) -> Iterator[bytes]:
        return arriving.chunks(most=self.source.max_recording_bytes, too_large=self.too_large)

    @property
    def most_received(self) -> int:
        """Bytes: Base64 is larger than its audio by a third, line ends and escaped characters add to that."""
        return self.source.max_recording_bytes * 3 // 2 + MOST_WITHOUT

    def _bounded_json(self, arriving: Arriving) -> Iterator[bytes]:
        if self.wire.recording.answer.base64 is None:
            return arriving.chunks(most=MOST_WITHOUT, too_large=self._answer_too_large)
        return arriving.chunks(most=self.most_received, too_large=self.too_large)

    def _decoded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from base64_bytes(pieces)
        except Base64Fault as fault:
            raise DamagedMediaError(
                f"recording {self._shown} came as Base64, but {fault}",
                subject=self.wanted.recording_id,
                hint=f"look whether recording.answer.base64 of {self.wire.origin} leads to the audio; else ask Cloud9",
            ) from fault

    def page_refused(self, kind: Payload) -> WireFormatError:
        """The error for a page in place of the recording."""
        return WireFormatError(
            f"recording {self._shown} was answered with {kind} instead of audio",
            subject=self.wanted.recording_id,
            hint="find out what answers in Cloud9's place: a proxy or a sign-in page between this worker and Cloud9",
        )

    def _refused_within(self, kind: Payload) -> UnsupportedMediaError:
        return UnsupportedMediaError(
            f"recording {self._shown} came as Base64 in JSON, and what that stands for is {kind}",
            subject=self.wanted.recording_id,
            hint=f"look whether recording.answer.base64 of {self.wire.origin} leads to the audio; else ask Cloud9",
        )

    @property
    def _shown(self) -> str:
        return repr(shown(self.wanted.recording_id))

    def _answer_too_large(self, size: int) -> WireFormatError:
        return self.wire.misfit("the body", f"is JSON of {size} bytes or more, too many for an answer without audio")

    def too_large(self, size: int) -> RecordError:
        """The error for a recording of more bytes than are allowed."""
        return RecordError(
            f"recording {self._shown} has {size} bytes or more; {self.source.max_recording_bytes} are allowed",
            subject=self.wanted.recording_id,
            hint=f"raise max_recording_bytes of the connection {self.source.conn_id!r} if that is plausible",
        )


def _out_of(received: Stored, taken: Stored | Absent) -> Stored | Absent:
    """The audio, with the digest of the outermost that it was taken out of."""
    return replace(taken, received_sha256=received.sha256) if isinstance(taken, Stored) else taken
