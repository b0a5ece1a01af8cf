"""Making derivatives: decode once, encode, measure both sides, compare, and only then give the files their names."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from av.audio.frame import AudioFrame

from cloud9_archive.errors import TranscodeError
from cloud9_archive.media.blocks import as_array, as_samples, in_blocks
from cloud9_archive.media.conversion import LAYOUTS
from cloud9_archive.media.decode import LONGEST_SECONDS, decoded_frames
from cloud9_archive.media.encoders import encoder_version, open_encoder
from cloud9_archive.media.envelope import Envelope, EnvelopeMeter
from cloud9_archive.media.naming import part_name, part_path, unfinished, waveform_path
from cloud9_archive.media.probe import examine
from cloud9_archive.media.profiles import Profile
from cloud9_archive.media.verdicts import Examination, Transcoded, Waveform
from cloud9_archive.media.verify import verify
from cloud9_archive.media.waveform import PeakMeter, Peaks

_MAX_WAV_BYTES: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Made:
    """
    What one transcoding left behind.

    :param derivatives: the one that stands at the target, or its parts in the order of the original's channels
    :param waveform: the peaks beside them
    """

    derivatives: tuple[Transcoded, ...]
    waveform: Waveform | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """One file to write, and the channels of the original that it holds, by index."""

    name: str
    held: tuple[int, ...]
    target: Path
    partial: Path


@dataclass(frozen=True, slots=True)
class _Measured:
    """What the one pass over the original showed."""

    envelope: Envelope
    peaks: Peaks
    rate: int


def transcode(
    source: Path,
    target: Path,
    profile: Profile,
    *,
    examination: Examination | None = None,
    max_seconds: float = LONGEST_SECONDS,
    reported_duration: float | None = None,
) -> Made:
    """
    The derivative, or its parts, and its peaks stand complete at ``target``; a retry gives the same bytes again.

    They were written under other names, brought to disk, decoded and compared with the original first, so a half one
    never has the final name. What stood there before is replaced.

    :param source: the original
    :param target: where the derivative shall stand, in a directory that exists; parts and peaks stand beside it
    :param profile: any but ``none``
    :param examination: the verdict on ``source``, if it is known already
    :param max_seconds: audio that may be decoded, seconds
    :param reported_duration: seconds that the source reports; a figure to compare with, never a reason to refuse
    :raises RecordError: if the original is damaged, empty or of no known kind, or a derivative does not match it
    :raises OSError: if this host cannot read or write
    """
    if not profile.alters:
        raise TranscodeError(f"the profile {profile.name!r} makes no derivative")
    examination = examination or examine(source)
    refusal = examination.refusal()
    if refusal is not None:
        raise refusal
    parts = _parts(target, profile, cast("int", examination.channels))
    peaks_partial = unfinished(waveform_path(target), os.getpid())
    try:
        measured = _write(source, parts, profile, examination, max_seconds)
        derivatives = tuple(_verified(part, profile, measured, reported_duration) for part in parts)
        document = measured.peaks.document()
        peaks_partial.write_bytes(document)
        _bring_to_disk(peaks_partial)
        for part in parts:
            part.partial.replace(part.target)
        peaks_partial.replace(waveform_path(target))
        _bring_to_disk(target.parent)
    except BaseException:
        for partial in (*(part.partial for part in parts), peaks_partial):
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        raise
    return Made(derivatives, _waveform(document, measured.peaks))


def _parts(target: Path, profile: Profile, channels: int) -> list[_Part]:
    if channels > 1 and profile.channels == "mono":
        raise TranscodeError(
            f"the profile {profile.name!r} has one channel and would merge the {channels} parties of this recording",
            hint="use a profile that keeps the channels or splits them into files",
        )
    split = channels > 1 and profile.channels == "split"
    shares = [(part_name(index + 1), (index,)) for index in range(channels)] if split else [("", range(channels))]
    parts = []
    for name, held in shares:
        path = part_path(target, name)
        parts.append(_Part(name, tuple(held), path, unfinished(path, os.getpid())))
    return parts


def _write(
    source: Path, parts: Sequence[_Part], profile: Profile, examination: Examination, max_seconds: float
) -> _Measured:
    """All parts are written and the original is measured, in one pass."""
    channels = cast("int", examination.channels)
    _refuse_what_cannot_fit(profile, examination, channels, len(parts))
    envelope: EnvelopeMeter | None = None
    peaks: PeakMeter | None = None
    rate = 0
    with ExitStack() as stack:
        encoders = []
        for block in in_blocks(decoded_frames(source, examination, max_seconds=max_seconds)):
            if envelope is None or peaks is None:
                if len(block.layout.channels) != channels:
                    raise TranscodeError(
                        f"the decoder gives {len(block.layout.channels)} channels, the file says {channels}"
                    )
                rate = block.sample_rate
                envelope, peaks = EnvelopeMeter(rate, channels), PeakMeter(rate, channels)
                encoders = [
                    stack.enter_context(
                        closing(open_encoder(part.partial, profile, len(part.held), profile.rate or rate))
                    )
                    for part in parts
                ]
            rows = as_array(block)
            samples = as_samples(rows, block.format.name)
            envelope.take(samples)
            peaks.take(samples)
            for encoder, frame in zip(encoders, _shared(block, parts), strict=True):
                encoder.take(frame)
        for encoder in encoders:
            encoder.take(None)
    if envelope is None or peaks is None:
        raise TranscodeError("no audio came out of the decoder")
    return _Measured(envelope.envelope(), peaks.peaks(), rate)


def _refuse_what_cannot_fit(profile: Profile, examination: Examination, channels: int, files: int) -> None:
    expected = (examination.duration or 0.0) * profile.bytes_per_hour(channels) / 3600 / files
    if profile.container == "wav" and expected > _MAX_WAV_BYTES:
        raise TranscodeError(
            f"{expected / 2**30:.1f} GiB of samples do not fit into a WAVE file",
            hint="use a profile with fewer bytes per hour for recordings of this length",
        )


def _shared(block: AudioFrame, parts: Sequence[_Part]) -> Iterator[AudioFrame]:
    """What each part gets of a block."""
    if len(parts) == 1:
        yield block
        return
    rows = as_array(block)
    kind = block.format.name.removesuffix("p") + "p"
    for part in parts:
        frame = AudioFrame.from_ndarray(rows[list(part.held)], format=kind, layout=LAYOUTS[len(part.held)])
        frame.sample_rate = block.sample_rate
        yield frame


def _verified(part: _Part, profile: Profile, measured: _Measured, reported: float | None) -> Transcoded:
    """What the derivative's own bytes say of it, after they have been found to match the original."""
    rate = profile.rate or measured.rate
    checks = verify(part.partial, profile.coding, rate, measured.envelope, measured.rate, part.held, reported)
    with part.partial.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    _bring_to_disk(part.partial)
    return Transcoded(
        sha256=digest,
        size=part.partial.stat().st_size,
        duration=checks.samples_found / rate,
        samples=checks.samples_found,
        channels=len(part.held),
        rate=rate,
        codec=profile.codec,
        encoder=encoder_version(profile),
        part=part.name,
        checks=checks,
    )


def _waveform(document: bytes, peaks: Peaks) -> Waveform:
    return Waveform(
        sha256=hashlib.sha256(document).hexdigest(),
        size=len(document),
        channels=peaks.pairs.shape[1],
        peaks_per_second=peaks.per_second,
        peaks=len(peaks.pairs),
    )


def _bring_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
