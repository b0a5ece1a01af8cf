"""What durable archiving and verifying cost beside durable copies and sha256sum of the same files, and PUTs into a Ceph gateway.

*Stored*: staged files go through ``put_all`` into an archive: written, hashed, flushed, linked, their folders flushed, and each
read back by its name and hashed once more. Beside it, of the same files:

- *a durable copy*: ``cp -r`` and one ``sync -f`` of the file system. The goal is held against this one. It hashes nothing, and
  flushes everything at once, which is the quickest way to have a copy that survives a power cut;
- *a copy in memory*: ``cp -r`` alone. It ends before the disk has begun: no disk writes as fast as this.

Each round stores into a new archive, and the copies follow at once, so that other work on the machine meets all of them; the best
round of each counts. Processor time stands beside it: it is less at the mercy of others, and says nothing about waiting for the
disk.

*Archive step*: the same for a whole bag as a task makes it, with a ``record.json`` and a call document for each recording, the
plan and the calls' states in the catalog, and staging cleared; and what a recording costs in a bag of 500 beside one of 50.

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
from cloud9_archive.emulator.audio.ogg_writer import OpusSample, looped, read_sample
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
"""Of the speed of a durable copy; a goal for files of 200 KB and more."""

RECORDINGS, SECONDS = 100, 50
"""A bag of the usual number of recordings, of about 200 KB."""

GROWING, GROWING_SECONDS, GROWTH_ROUNDS = (50, 500), 5, 2
LINEAR = 0.7
"""Of the recordings a second in a bag a tenth as large; what costs the square would leave 0.1."""

VERIFIED, VERIFIED_SECONDS = 60, 300
"""Recordings of about 660 KB: a quantity that takes longer than programs take to start."""

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
    def voice(self) -> OpusSample:
        source = files("cloud9_archive.emulator.audio").joinpath("samples", "mono-5s.ogg").read_bytes()
        return read_sample(source)

    def fetch_recording(self, wanted: WantedRecording, *, into: Path) -> FetchedRecording | PendingRecording:
        content = looped(self.voice, milliseconds=self.seconds * 1000, serial=1, comment=f"{wanted.recording_id:20}")
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
class Copies:
    """What copies of the same files took, as :class:`Spent` counts."""

    memory: Spent = field(default_factory=Spent)
    durable: Spent = field(default_factory=Spent)

    def measure(self, source: Path, target: Path) -> None:
        """They were made once more, the disk at rest before each."""
        both = ((self.durable, 'cp -r "$0" "$1" && sync -f "$1"'), (self.memory, 'cp -r "$0" "$1"'))
        for number, (spent, line) in enumerate(both):
            order = ["sh", "-c", line, source, target.with_name(f"{target.name}-{number}")]
            spent.measure(lambda: subprocess.run(order, check=True))  # noqa: B023 - at once
            os.sync()


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
        yield from _verifying(_verifiable(place / "verified"))
        yield _growth(place / "growth")
        yield _gateway(place / "ceph")


def _storing(name: str, place: Path, size: int, count: int) -> Iterator[Figure]:
    items = []
    for number in range(count):
        content, staged = os.urandom(size), place / "staged" / f"{number:05d}" / "original.ogg"
        staged.parent.mkdir(parents=True)
        staged.write_bytes(content)
        key = f"p/bags/2026/03/03/b/data/recordings/{number:05d}/original.ogg"
        items.append(Put(key, staged, hashlib.sha256(content).hexdigest()))
    ours, copies = Spent(), Copies()
    for number in range(ROUNDS):
        os.sync()
        store = LocalStore(place / f"archive-{number}")
        ours.measure(lambda: _stored(store, items))  # noqa: B023 - at once
        copies.measure(place / "staged", place / f"copy-{number}")
    shutil.rmtree(place)
    goal = NO_SLOWER if name in WITH_GOAL else None
    yield from _beside_copies(f"files of {name} stored", ours, copies, [size] * count, goal=goal)


def _stored(store: LocalStore, items: list[Put]) -> None:
    assert all(file.proven and file.created for file in store.put_all(items))


def _step(place: Path) -> Iterator[Figure]:
    ours, copies = Spent(), Copies()
    for number in range(ROUNDS):
        one = Round(place / str(number), SECONDS, RECORDINGS)
        one.place.mkdir(parents=True)
        with one.stack:
            archive_it, report_it = one.ready()
            os.sync()
            ours.measure(archive_it)
            bag = next(one.place.glob("archive/bench/bags/*/*/*/*"))
            os.sync()
            copies.measure(bag, one.place / "copy")
            report_it()
    sizes = [path.stat().st_size for path in bag.rglob("*") if path.is_file()]
    yield from _beside_copies(f"archive step, {RECORDINGS} recordings", ours, copies, sizes, goal=None)


def _growth(place: Path) -> Figure:
    """What a recording costs the archive step in a small bag, and in a large one."""
    each = {count: Spent() for count in GROWING}
    for number in range(GROWTH_ROUNDS):
        for count, spent in each.items():
            one = Round(place / f"{number}-{count}", GROWING_SECONDS, count)
            one.place.mkdir(parents=True)
            with one.stack:
                archive_it, _ = one.ready()
                os.sync()
                spent.measure(archive_it)
            shutil.rmtree(one.place)
    few, many = (count / each[count].wall for count in GROWING)
    cpu = {f"CPU of {count}": f"{_ms(each[count].cpu)} ms" for count in GROWING}
    what = f"archive step, {GROWING[1]} recordings in a bag: of the speed with {GROWING[0]}"
    return Figure(what, round(many), round(few), "recordings/s", goal=LINEAR, notes=cpu)


def _beside_copies(what: str, ours: Spent, copies: Copies, sizes: list[int], *, goal: float | None) -> Iterator[Figure]:
    speed, durable, memory = (_mb(sum(sizes) / spent.wall) for spent in (ours, copies.durable, copies.memory))
    notes = {"files": len(sizes), "files/s": round(len(sizes) / ours.wall), "load": round(os.getloadavg()[0], 1)}
    yield Figure(f"{what}: of a durable copy", speed, durable, "MB/s", goal=goal, notes=notes)
    yield Figure(f"{what}: of a copy in memory", speed, memory, "MB/s")
    yield Figure(f"{what}: processor time of a durable copy's", _ms(copies.durable.cpu), _ms(ours.cpu), "ms")


def _verifiable(place: Path) -> Path:
    """An archive of one bag, with report and chain."""
    one = Round(place, VERIFIED_SECONDS, VERIFIED)
    place.mkdir(parents=True)
    with one.stack:
        for do in one.ready():
            do()
    return place / "archive"


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
