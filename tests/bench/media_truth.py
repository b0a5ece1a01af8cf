"""What a player plays of a file, and what a run of the pipeline finds in it: the two that must agree."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import av

from cloud9_archive.media.jobs import MediaJob
from cloud9_archive.media.profiles import PROFILES
from cloud9_archive.media.verdicts import Verdict
from cloud9_archive.media.workers import run_jobs


def heard(path: Path, container: str = "ogg") -> tuple[object, ...]:
    """
    What a player that complains of nothing plays of the file: the truth that verdicts are held against.

    :return: a digest of every sample, and rates and layouts; equal if and only if the sound is
    """
    sound, shape = hashlib.sha256(), set()
    try:
        with av.open(str(path), format=container, metadata_errors="replace") as opened:
            for packet in opened.demux(opened.streams.audio[0]):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    continue
                for frame in frames:
                    shape.add((frame.sample_rate, frame.layout.name, frame.format.name))
                    sound.update(frame.to_ndarray().tobytes())
    except (av.FFmpegError, IndexError, ValueError):
        shape.add((0, "", "the reader gives up"))
    return sound.hexdigest(), *sorted(shape)


def found_in(paths: Iterable[tuple[str, Path]]) -> dict[str, str]:
    """The code that a run of the pipeline gives each file, by its name: examined and decoded by a worker."""
    jobs = (MediaJob(name, path, None, PROFILES["none"]) for name, path in paths)
    codes = {}
    for result in run_jobs(jobs, workers=1):
        assert result.examination
        refused = result.examination.verdict is not Verdict.INTACT
        assert refused == (result.failure is not None), f"{result.recording_key}: {result.failure}"
        codes[result.recording_key] = result.examination.code
    return codes


def judged(cases: Mapping[str, tuple[bytes, bytes]], folder: Path, container: str) -> tuple[set[str], set[str]]:
    """
    Which damaged files sound different from the good ones, and which a run flags.

    :param cases: by name, the damaged file and the good one
    :param folder: an empty one; files lie in it under the names of all containers, which nobody may go by
    """
    paths: dict[str, Path] = {}
    changed, sounds = set(), dict[bytes, tuple[object, ...]]()
    for number, (name, (content, good)) in enumerate(cases.items()):
        if good not in sounds:
            sounds[good] = heard(put(folder, "good", good), container)
        paths[name] = put(folder, f"{number}{_SUFFIXES[number % len(_SUFFIXES)]}", content)
        if heard(paths[name], container) != sounds[good]:
            changed.add(name)
    return changed, {name for name, code in found_in(paths.items()).items() if code != "INTACT"}


def put(folder: Path, name: str, content: bytes) -> Path:
    """The content as a file."""
    path = folder / name
    path.write_bytes(content)
    return path


_SUFFIXES = (".ogg", "", ".m4a", ".mp3", ".wav")
