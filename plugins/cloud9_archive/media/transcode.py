"""Making the derivative: decode, resample, encode, compare, and only then give it its name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from cloud9_archive.errors import TranscodeError
from cloud9_archive.media.decode import LONGEST_SECONDS, decoded_frames
from cloud9_archive.media.naming import unfinished
from cloud9_archive.media.probe import examine
from cloud9_archive.media.profiles import Profile
from cloud9_archive.media.verdicts import Checks, Examination, Transcoded, Verdict, Waveform
from cloud9_archive.media.verify import length_complaint, tolerance

_LAYOUTS: Final = {1: "mono", 2: "stereo"}
_MAX_WAV_BYTES: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Made:
    """
    What one transcoding left behind.

    :param derivatives: the one that stands at the target, or its parts in the order of the original's channels
    :param waveform: the peaks beside them, if they were written
    """

    derivatives: tuple[Transcoded, ...]
    waveform: Waveform | None = None


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
    The derivative stands complete at ``target``; the same source, profile and software give the same bytes again.

    It was written under another name, brought to disk, read back and compared with the original first, so a half
    one never has the final name. What stood at ``target`` before is replaced.

    :param source: the original
    :param target: where the derivative shall stand, in a directory that exists
    :param profile: any but ``none``
    :param examination: the verdict on ``source``, if it is known already
    :param max_seconds: audio that may be decoded, seconds
    :param reported_duration: seconds that the source reports; a figure to compare with, never a reason to refuse
    :raises RecordError: if the original is damaged, empty or of no known kind, or the derivative does not match it
    :raises OSError: if this host cannot read or write
    """
    if not profile.alters:
        raise TranscodeError(f"the profile {profile.name!r} makes no derivative")
    examination = examination or examine(source)
    refusal = examination.refusal()
    if refusal is not None:
        raise refusal
    partial = unfinished(target, os.getpid())
    try:
        _write(source, partial, profile, examination, max_seconds)
        result = _compare(partial, profile, examination, reported_duration)
        _bring_to_disk(partial)
        partial.replace(target)
        _bring_to_disk(target.parent)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    return Made((result,))


def _write(source: Path, partial: Path, profile: Profile, examination: Examination, max_seconds: float) -> None:
    channels = cast("int", examination.channels)
    expected = (examination.duration or 0.0) * profile.bytes_per_hour(channels) / 3600
    if profile.container == "wav" and expected > _MAX_WAV_BYTES:
        raise TranscodeError(
            f"{expected / 2**30:.1f} GiB of samples do not fit into a WAVE file",
            hint="use a profile with fewer bytes per hour for recordings of this length",
        )
    frames = decoded_frames(source, examination, max_seconds=max_seconds)
    with av.open(str(partial.absolute()), "w", format=profile.container, options={"fflags": "+bitexact"}) as container:
        stream = cast(
            "AudioStream",
            container.add_stream(
                profile.codec, rate=profile.rate, layout=_LAYOUTS[channels], options=dict(profile.encoder_options)
            ),
        )
        stream.codec_context.format = profile.sample_format
        if profile.codec == "libopus":
            stream.bit_rate = profile.bit_rate(channels)
        stream.codec_context.open()
        for frame in _resampled(frames, stream, profile, channels):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _resampled(
    frames: Iterator[AudioFrame], stream: AudioStream, profile: Profile, channels: int
) -> Iterator[AudioFrame]:
    """Frames of the size that the encoder takes, stamped by counting: gaps in the source's stamps mean nothing here."""
    resampler = AudioResampler(
        format=profile.sample_format,
        layout=_LAYOUTS[channels],
        rate=profile.rate,
        frame_size=stream.codec_context.frame_size or None,
    )
    position = 0

    def stamped(parts: list[AudioFrame]) -> Iterator[AudioFrame]:
        nonlocal position
        for part in parts:
            part.pts = position
            part.time_base = Fraction(1, profile.rate)
            position += part.samples
            yield part

    for frame in frames:
        if len(frame.layout.channels) != channels:
            raise TranscodeError(f"the decoder gives {len(frame.layout.channels)} channels, the file says {channels}")
        yield from stamped(resampler.resample(frame))
    yield from stamped(resampler.resample(None))


def _compare(partial: Path, profile: Profile, original: Examination, reported: float | None) -> Transcoded:
    """What the derivative's own bytes say of it, after they have been found to match the original."""
    written = examine(partial)
    if written.verdict is not Verdict.INTACT:
        raise TranscodeError(f"the derivative is {written.verdict.value}: {written.words}")
    if written.channels != original.channels:
        raise TranscodeError(f"the derivative has {written.channels} channels, the original {original.channels}")
    duration = written.duration or 0.0
    complaint = length_complaint(
        original.duration or 0.0,
        duration,
        within=tolerance(original.container, frame_seconds=_frame_seconds(profile)),
        what="the derivative",
    )
    if complaint:
        raise TranscodeError(complaint)
    with partial.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Transcoded(
        sha256=digest,
        size=written.size,
        duration=duration,
        samples=round(duration * profile.rate),
        channels=cast("int", written.channels),
        rate=profile.rate,
        codec=profile.codec,
        encoder=encoder_version(profile),
        checks=Checks(
            matches=True,
            samples_expected=round((original.duration or 0.0) * profile.rate),
            samples_found=round(duration * profile.rate),
            channels_expected=cast("int", original.channels),
            channels_found=cast("int", written.channels),
            correlation=(),
            correlation_swapped=(),
            level_difference=(),
            silent_channels=(),
            channels_distinct=False,
            duration_difference=duration - (original.duration or 0.0),
            reported_difference=None if reported is None else (original.duration or 0.0) - reported,
        ),
    )


def encoder_version(profile: Profile) -> str:
    """
    The software that writes this profile, as kept in the provenance of a derivative.

    :param profile: any but ``none``
    """
    codec = ".".join(str(part) for part in av.library_versions["libavcodec"])
    return f"PyAV {av.__version__} libavcodec {codec} {profile.codec}"


def _frame_seconds(profile: Profile) -> float:
    # Sample codings have no frames; resampling may still round the ends by a sample each.
    return 0.02 if profile.codec == "libopus" else 2 / profile.rate


def _bring_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
