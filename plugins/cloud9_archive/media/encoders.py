"""The files that derivatives are written into: by FFmpeg, or by libsndfile for what FFmpeg cannot encode."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, Protocol, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from cloud9_archive.errors import TranscodeError
from cloud9_archive.media.conversion import LAYOUTS, Converter
from cloud9_archive.media.profiles import Profile

GSM: Final = "gsm"
# The others' bit rates follow from what they are.
_RATED: Final = ("libopus", "libmp3lame", "aac")


class Encoder(Protocol):
    """A file that takes audio until it is closed."""

    def take(self, frame: AudioFrame | None) -> None:
        """
        The audio was encoded.

        :param frame: of any size and format; None after the last one
        """

    def close(self) -> None:
        """The file is complete, if all was taken."""


def open_encoder(path: Path, profile: Profile, channels: int, rate: int) -> Encoder:
    """
    A new file under the profile.

    :param path: where it is written
    :param profile: any but ``none``
    :param channels: of the file
    :param rate: of the file, Hz
    """
    if profile.codec == GSM:
        return _GsmFile(path, rate)
    return _FfmpegFile(path, profile, channels, rate)


def encoder_version(profile: Profile) -> str:
    """
    The software that writes this profile, as kept in the provenance of a derivative.

    :param profile: any but ``none``
    """
    if profile.codec == GSM:
        import soundfile  # noqa: PLC0415 - a second library of codecs is loaded by those who need it only

        return f"soundfile {soundfile.__version__} libsndfile {soundfile.__libsndfile_version__} {profile.codec}"
    codec = ".".join(str(part) for part in av.library_versions["libavcodec"])
    return f"PyAV {av.__version__} libavcodec {codec} {profile.codec}"


class _FfmpegFile:
    def __init__(self, path: Path, profile: Profile, channels: int, rate: int) -> None:
        self._container = av.open(str(path.absolute()), "w", format=profile.container, options={"fflags": "+bitexact"})
        self._stream = cast(
            "AudioStream",
            self._container.add_stream(
                profile.codec, rate=rate, layout=LAYOUTS[channels], options=dict(profile.encoder_options)
            ),
        )
        codec = self._stream.codec_context
        codec.format = profile.sample_format
        if profile.codec in _RATED:
            self._stream.bit_rate = profile.bit_rate(channels)
        codec.open()
        # Into frames of the size that the codec wants, PyAV cuts the blocks by itself.
        self._converter = Converter(profile.sample_format, channels, rate)
        self._rate = rate
        self._position = 0

    def close(self) -> None:
        self._container.close()

    def take(self, frame: AudioFrame | None) -> None:
        for part in self._stamped(self._converter.convert(frame)):
            self._container.mux(self._stream.encode(part))
        if frame is None:
            self._container.mux(self._stream.encode(None))

    def _stamped(self, parts: list[AudioFrame]) -> Iterator[AudioFrame]:
        for part in parts:
            part.pts = self._position
            part.time_base = Fraction(1, self._rate)
            self._position += part.samples
            yield part


class _GsmFile:
    def __init__(self, path: Path, rate: int) -> None:
        import soundfile  # noqa: PLC0415 - a second library of codecs is loaded by those who need it only

        self._fault: type[Exception] = soundfile.LibsndfileError
        self._file = soundfile.SoundFile(str(path.absolute()), "w", rate, 1, subtype="GSM610", format="WAV")
        self._converter = Converter("s16", 1, rate)
        self._path = path

    def close(self) -> None:
        self._file.close()

    def take(self, frame: AudioFrame | None) -> None:
        try:
            for part in self._converter.convert(frame):
                self._file.write(part.to_ndarray()[0])
        except self._fault as fault:
            # The library hides what the system said: a full disk or a limit says it again.
            with self._path.open("ab") as file:
                file.write(bytes(io.DEFAULT_BUFFER_SIZE))
            raise TranscodeError(f"libsndfile does not write the derivative: {fault}") from fault
