"""What durable archiving and verifying cost beside a plain copy and sha256sum of the same files, and PUTs into a Ceph gateway.

*Stored*: staged files go through ``put_all`` into an archive (written, hashed, flushed, linked, their folders flushed), and all of
them are read back and hashed once more, as the archive step does. Beside it: ``cp -r`` of the same files, which flushes and
hashes nothing. Each round stores into a new archive, and the copy follows at once, so that other work on the machine meets both;
the best round of each counts. Processor time stands beside it: it is less at the mercy of others, and says nothing about
waiting for the disk.

*Archive step*: the same for a whole bag as a task makes it, with a ``record.json`` and a call document for each recording, the
plan and the calls' states in the catalog, and staging cleared.

Verifying is compared with ``sha256sum`` in two processes, and with ``openssl dgst``, which has the processor's own SHA-256 where
a distribution's sha256sum does not. All files are in the page cache for all of them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from unittest.mock import patch

from buckets import access_to, new_bucket
from ceph_gateway import NEEDED, ceph_gateway
from measuring import Figure
from media_here import in_this_process
from plain_cloud9 import PlainCloud9

from cloud9_archive.api.client import FetchedRecording, PendingRecording
from cloud9_archive.domain.call import Call, Party, RecordingLink, Side
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.run import RunKind, RunRef, WantedRecording
from cloud9_archive.domain.window import Window
from cloud9_archive.emulator.audio.ogg_writer import looped, read_sample
from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules
from cloud9_archive.pipeline.archive import archive
from cloud9_archive.pipeline.fetch_calls import fetch_calls
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.reconcile import reconcile
from cloud9_archive.pipeline.settings import Settings
from cloud9_archive.pipeline.transcode import transcode
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.workspace import open_workspace
from cloud9_archive.storage.local import LocalStore
from cloud9_archive.storage.s3 import S3Store
from cloud9_archive.storage.store import PARALLEL, Put, in_parallel

FILES = {"20 KB": (20_000, 300), "200 KB": (200_000, 200), "1 MB": (1_000_000, 100)}
"""Sizes in bytes, and how many such files are stored."""

WITH_GOAL = ("200 KB", "1 MB")
NO_SLOWER = 1 / 1.5
"""Of the speed of a plain copy; a goal for files of 200 KB and more."""

RECORDINGS, SECONDS = 100, 50
"""A bag of the usual number of recordings, of about 200 KB."""

AS_SHA256SUM = 0.8
ROUNDS = 5
PUTS, PUT_SIZE = 300, 20_000
START = datetime(2026, 3, 3, tzinfo=UTC)


@dataclass
class LongCloud9(PlainCloud9):
    """
    A source with recordings of one length, each with bytes of its own.

    :param seconds: of audio
    """

    seconds: int = 5

    @cached_property
    def sample(self) -> list[bytes]:
        source = files("cloud9_archive.emulator.audio").joinpath("samples", "mono-5s.ogg").read_bytes()
        return [looped(read_sample(source), milliseconds=self.seconds * 1000, serial=1, comment="x" * 20)]

    def fetch_recording(self, wanted: WantedRecording, *, into: Path) -> FetchedRecording | PendingRecording:
        content = self.sample[0] + wanted.recording_id.encode()
        into.write_bytes(content)
        return FetchedRecording(
            wanted.recording_id, into, len(content), hashlib.sha256(content).hexdigest(), "audio/ogg"
        )


@dataclass
class Spent:
    """
    What one thing took, in its best round.

    :param wall: seconds
    :param cpu: seconds of this process and its children, in the round that took the least
    """

    wall: float = float("inf")
    cpu: float = float("inf")

    def measure(self, act: Callable[[], object]) -> None:
        """It was done once more."""
        before, began = os.times(), time.perf_counter()
        act()
        self.wall = min(self.wall, time.perf_counter() - began)
        self.cpu = min(self.cpu, sum(os.times()[:4]) - sum(before[:4]))


@dataclass
class Round:
    """A bag that is ready to be archived, in a place of its own."""

    place: Path
    seconds: int
    count: int
    stack: ExitStack = field(default_factory=ExitStack)

    def ready(self) -> tuple[Callable[[], object], Callable[[], object]]:
        """What archives the bag, and what reports on its run."""
        cloud9 = LongCloud9(seconds=self.seconds)
        for number in range(self.count):
            call = Call(
                "cloud9", f"C{number:05d}", START + timedelta(seconds=number), duration=self.seconds,
                parties=(Party(Side.NEAR, login="in@firm"),), recordings=(RecordingLink(f"R{number:05d}"),),
            )  # fmt: skip
            cloud9.calls[call.call_id] = call
        policy = {
            "policy": "bench",
            "sources": ["cloud9"],
            "schedule": {"cron": "0 2 * * *", "timezone": "UTC"},
            "recording_rules": {"enabled": False},
            "media": {"profile": "none", "deadline": "7d"},
            "archive": {"target": "archive"},
            "batch": {"max_recordings": self.count},
        }
        settings = Settings(data_root=self.place, include_folder=self.place)
        workspace = self.stack.enter_context(
            open_workspace(
                Policy.model_validate(policy),
                settings,
                open_source=lambda *_: cloud9,
                clock=lambda: START + timedelta(days=1),
            )
        )
        run = RunRef("bench", "run", RunKind.BACKFILL, Window(START, START + timedelta(hours=1)))
        fetch_calls(workspace, run, "cloud9")
        (batch_id,) = apply_recording_rules(workspace, run).batch_ids
        fetch_recordings(workspace, batch_id)
        with patch("cloud9_archive.pipeline.transcode.run_jobs", in_this_process):
            transcode(workspace, batch_id)
        return lambda: archive(workspace, batch_id), lambda: reconcile(workspace, run)


def measure() -> Iterator[Figure]:
    """Each goal as a ratio that it should have at least: more than 1 is faster than what it is compared with."""
    with tempfile.TemporaryDirectory(dir=Path.cwd() if _in_memory(tempfile.gettempdir()) else None) as folder:
        place = Path(folder)
        for name, (size, count) in FILES.items():
            yield from _storing(name, place / name.replace(" ", ""), size, count)
        yield from _step(place / "step")
        yield from _verifying(place / "step" / "0" / "archive")
        yield _gateway(place / "ceph")


def _storing(name: str, place: Path, size: int, count: int) -> Iterator[Figure]:
    items = []
    for number in range(count):
        content, staged = os.urandom(size), place / "staged" / f"{number:05d}" / "original.ogg"
        staged.parent.mkdir(parents=True)
        staged.write_bytes(content)
        key = f"p/bags/2026/03/03/b/data/recordings/{number:05d}/original.ogg"
        items.append(Put(key, staged, hashlib.sha256(content).hexdigest()))
    ours, copy = Spent(), Spent()
    for number in range(ROUNDS):
        os.sync()
        store = LocalStore(place / f"archive-{number}")
        ours.measure(lambda: _stored(store, items))  # noqa: B023 - at once
        copy.measure(lambda: subprocess.run(["cp", "-r", place / "staged", place / f"copy-{number}"], check=True))  # noqa: B023
    shutil.rmtree(place)
    yield from _beside_copy(
        f"files of {name} stored", ours, copy, [size] * count, goal=NO_SLOWER if name in WITH_GOAL else None
    )


def _stored(store: LocalStore, items: list[Put]) -> None:
    stored = store.put_all(items)
    assert in_parallel(store.digest, [file.key for file in stored]) == tuple(item.sha256 for item in items)


def _step(place: Path) -> Iterator[Figure]:
    ours, copy = Spent(), Spent()
    for number in range(ROUNDS):
        one = Round(place / str(number), SECONDS, RECORDINGS)
        one.place.mkdir(parents=True)
        with one.stack:
            archive_it, report_it = one.ready()
            os.sync()
            ours.measure(archive_it)
            bag = next(one.place.glob("archive/bench/bags/*/*/*/*"))
            copy.measure(lambda: subprocess.run(["cp", "-r", bag, one.place / "copy"], check=True))  # noqa: B023 - at once
            report_it()
    sizes = [path.stat().st_size for path in bag.rglob("*") if path.is_file()]
    yield from _beside_copy(f"archive step, {RECORDINGS} recordings", ours, copy, sizes, goal=None)


def _beside_copy(what: str, ours: Spent, copy: Spent, sizes: list[int], *, goal: float | None) -> Iterator[Figure]:
    speeds = _mb(sum(sizes) / ours.wall), _mb(sum(sizes) / copy.wall)
    notes = {"files": len(sizes), "files/s": round(len(sizes) / ours.wall), "load": round(os.getloadavg()[0], 1)}
    yield Figure(f"{what}: of a plain copy", *speeds, "MB/s", goal=goal, notes=notes)
    yield Figure(f"{what}: processor time of a plain copy's", _ms(copy.cpu), _ms(ours.cpu), "ms")


def _verifying(root: Path) -> Iterator[Figure]:
    ours, theirs = Spent(), {"sha256sum": Spent(), "openssl dgst -sha256": Spent()}
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    for _ in range(ROUNDS):
        ours.measure(lambda: _verified(root))
        for command, spent in theirs.items():
            line = f"find . -type f -print0 | xargs -0 -P 2 -n 50 {command} > /dev/null"
            spent.measure(lambda: subprocess.run(["sh", "-c", line], cwd=root, check=True))  # noqa: B023 - at once
    for command, spent in theirs.items():
        goal = AS_SHA256SUM if command == "sha256sum" else None
        notes = {"CPU": f"{_ms(ours.cpu)} ms of {_ms(spent.cpu)} ms", "load": round(os.getloadavg()[0], 1)}
        speeds = _mb(size / ours.wall), _mb(size / spent.wall)
        yield Figure(f"verified: of {command.split()[0]} in two processes", *speeds, "MB/s", goal=goal, notes=notes)


def _verified(root: Path) -> None:
    report = verify_archive(LocalStore(root))
    assert report.ok, report.summary()


def _gateway(place: Path) -> Figure:
    what = f"PUTs of {PUT_SIZE // 1000} KB into a Ceph gateway: of bare puts, {PARALLEL} at once"
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing:
        notes = {"Ceph": "not installed: nothing is measured; make test-services installs it"}
        return Figure(what, 1, 1, "PUT/s", notes=notes)
    place.mkdir()
    with patch.dict(os.environ, {"CLOUD9_SERVICES_REQUIRED": "1"}), ceph_gateway(place) as url:
        return Figure(
            what, *_puts(access_to(url, max_pool_connections=PARALLEL).client()), "PUT/s", notes={"puts": PUTS}
        )


def _puts(client: object) -> tuple[float, float]:
    """PUTs a second through the store, which looks for versions and reads back, and of a client that does neither."""
    contents = [os.urandom(PUT_SIZE) for _ in range(PUTS)]
    ours, bare = Spent(), Spent()
    for number in range(2):
        bucket = new_bucket(client)
        store = S3Store(bucket, f"{number}", client)
        items = [Put(f"p/{n}", content, hashlib.sha256(content).hexdigest()) for n, content in enumerate(contents)]
        ours.measure(lambda: store.put_all(items))  # noqa: B023 - at once

        def put(item: Put) -> Mapping[str, object]:
            answer: Mapping[str, object] = client.put_object(Bucket=bucket, Key=f"bare/{item.key}", Body=item.content)  # type: ignore[attr-defined]  # noqa: B023
            return answer

        bare.measure(lambda: in_parallel(put, items))  # noqa: B023 - at once
    return round(PUTS / ours.wall), round(PUTS / bare.wall)


def _in_memory(folder: str) -> bool:
    """Whether the folder is no disk: flushing costs nothing there."""
    told = subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True, check=False)
    return told.stdout.strip() in {"tmpfs", "ramfs"}


def _mb(size: float) -> float:
    return round(size / 1e6, 2)


def _ms(seconds: float) -> float:
    return max(1.0, round(seconds * 1000))
