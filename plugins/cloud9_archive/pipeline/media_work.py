"""The media work on one recording: a job for each profile, what came of them, and what follows for the recording."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cloud9_archive.catalog.batches import BatchRecording
from cloud9_archive.domain.keys import recording_key
from cloud9_archive.errors import DamagedMediaError, EmptyMediaError, NotAudioError, UnsupportedMediaError
from cloud9_archive.media.jobs import MediaJob, MediaResult
from cloud9_archive.media.naming import part_path, waveform_path
from cloud9_archive.media.profiles import PROFILES, UNALTERED, Profile
from cloud9_archive.media.verdicts import Failure, Transcoded

_AT_FAULT = frozenset({DamagedMediaError.code, EmptyMediaError.code, UnsupportedMediaError.code, NotAudioError.code})
"""Codes that blame the original for certain. Any other failure may be the derivative's alone."""

_NOTHING = PROFILES[UNALTERED]


@dataclass(slots=True)
class MediaWork:
    """
    What is to be done about one recording, and what came of it.

    :param source: the original
    :param profiles: a derivative is to be made by each of them; by none, the original is only examined
    :param target: where a derivative's bytes are staged, by its file's name
    :param reported_duration: seconds that the recording should have, by what the source reports
    """

    recording: BatchRecording
    source: Path
    profiles: tuple[Profile, ...]
    folder: Path
    reported_duration: float | None
    _results: dict[str, MediaResult] = field(default_factory=dict)

    def jobs(self) -> list[MediaJob]:
        """A job for each profile."""
        return [self._job(profile) for profile in self.profiles or (_NOTHING,)]

    def doubt(self) -> MediaJob | None:
        """
        The job that tells whether the original is intact, when nothing else does.

        A derivative that could not be made may be the original's fault or not. The original was read to its end by
        whoever made another derivative of it; where nobody did, it is read once more, for itself.
        """
        if self._blamed() or self._examined() or UNALTERED in self._results:
            return None
        return self._job(_NOTHING)

    def note(self, result: MediaResult) -> bool:
        """Whether, with this result, every job has one."""
        _, _, name = result.recording_key.rpartition(" ")
        self._results[name] = result
        return len(self._results) >= len(self.profiles or (_NOTHING,))

    def failure(self) -> Failure | None:
        """Why the recording cannot be used as it is; None if its original is intact, whatever its derivatives are."""
        return self._blamed() or (None if self._examined() else self._results[UNALTERED].failure)

    def examination(self) -> dict[str, Any] | None:
        """What the original's structure was found to be."""
        known = [result.examination for result in self._results.values() if result.examination]
        return asdict(known[0]) if known else None

    def derivatives(self) -> list[dict[str, Any]]:
        """What is known of each file that was made, by profile and part; nothing of a profile that failed."""
        return [
            {
                "profile": profile.name,
                "file": part_path(Path(file_name(profile)), made.part).name,
                "parent_sha256": self.recording.original_sha256,
                "settings": _settings(profile, made),
                **asdict(made),
            }
            for profile in self.profiles
            if (result := self._results[profile.name]).failure is None
            for made in result.derivatives
        ]

    def failed(self) -> list[dict[str, str]]:
        """Profile, code and reason of each derivative that was not made, by profile."""
        return [
            {"profile": profile.name, "code": failure.code, "reason": failure.reason}
            for profile in self.profiles
            if (failure := self._results[profile.name].failure) is not None
        ]

    def waveform(self) -> dict[str, Any] | None:
        """What is known of the peaks; of several that are alike, the first is kept."""
        for profile in self.profiles:
            result = self._results[profile.name]
            if result.failure is None and result.waveform is not None:
                file = waveform_path(Path(file_name(profile))).name
                return {"profile": profile.name, "file": file, **asdict(result.waveform)}
        return None

    def _job(self, profile: Profile) -> MediaJob:
        key = f"{recording_key(*self.recording.ref)} {profile.name}"
        target = None
        if profile.alters:
            target = self.folder / staged_name(self.recording.original_sha256 or "", file_name(profile))
        return MediaJob(key, self.source, target, profile, self.reported_duration)

    def _blamed(self) -> Failure | None:
        failures = [result.failure for result in self._results.values() if result.failure]
        return next((failure for failure in failures if failure.code in _AT_FAULT), None)

    def _examined(self) -> bool:
        """Whether the original was read to its end without complaint."""
        return any(result.failure is None for result in self._results.values())


def file_name(profile: Profile) -> str:
    """What the file of a whole derivative is called, beside its original."""
    return f"{profile.name}.{profile.extension}"


def staged_name(sha256: str, file: str) -> str:
    """
    The name in staging of a file that was made from an original.

    :param sha256: of the original
    :param file: its name in the bag
    """
    return f"{sha256}.{file}"


def _settings(profile: Profile, made: Transcoded) -> dict[str, Any]:
    """By what it could be made again, since a firm may change what its own profile means."""
    return {
        "container": profile.container,
        "bit_rate": profile.bit_rate(made.channels),
        "sample_format": profile.sample_format,
        "channels": profile.channels,
        "options": dict(profile.encoder_options),
    }
