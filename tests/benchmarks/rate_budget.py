"""Requests under one key's limits, achieved of those allowed, by processes that share one catalog.

The emulator of a row is a program of its own with the published limits (70 listings and 350 recordings in every 60 s),
and it counts. A row's span begins with the first request that it saw. Allowed is what its sliding limit lets through in
such a span at most: the limit once for each minute begun, the first burst included. A minute later the same burst may
come again, and no sooner. ``BENCH_SECONDS`` sets the length of the span (default 300).
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import rate_client
from measuring import Figure
from postgres_server import fresh_database, postgres_answers

from cloud9_archive.catalog.catalog import open_catalog
from cloud9_archive.domain.run import RunKind
from cloud9_archive.emulator.admin_client import AdminClient
from cloud9_archive.emulator.truth import RequestSeen

SECONDS = float(os.environ.get("BENCH_SECONDS", "300"))
LIMITS = {"metadata": 70, "recordings": 350}
SHARE = 0.5
DAYS = {
    RunKind.SCHEDULED: datetime(2026, 11, 19, tzinfo=UTC),
    RunKind.BACKFILL: datetime(2026, 11, 18, tzinfo=UTC),
}
"""Each kind asks for a day of its own, so that the emulator can tell them apart."""

ROWS: Sequence[tuple[RunKind, ...]] = (
    (RunKind.SCHEDULED,),
    (RunKind.SCHEDULED,) * 2,
    (RunKind.SCHEDULED,) * 4,
    (RunKind.BACKFILL, RunKind.BACKFILL, RunKind.SCHEDULED),
)
BACKFILL_AHEAD = 5.0
"""Seconds that backfills are at work before the scheduled run comes."""

START = 60.0
TOO_MANY = 429


@dataclass(frozen=True)
class Work:
    """
    What a program asks for again and again.

    :param recordings: the smallest of that day that are there
    """

    kind: RunKind
    hour: datetime
    recordings: tuple[str, ...]

    @classmethod
    def of(cls, kind: RunKind, admin: AdminClient) -> Self:
        day = DAYS[kind]
        told = admin.truth("emea", begin=day, end=day + timedelta(days=1)).recordings.values()
        there = sorted((each.size, each.recording_id) for each in told if each.availability == "available")
        return cls(kind, day + timedelta(hours=9), tuple(recording_id for _, recording_id in there[:10]))

    def made(self, seen: RequestSeen) -> bool:
        """Whether this request is one of these."""
        subject = seen.subject or ""
        return subject in self.recordings or subject.startswith(self.hour.date().isoformat())

    def order(self, admin: AdminClient, url: str) -> dict[str, object]:
        """What the program is told."""
        return {
            "url": url,
            "source": {
                "host": admin.host,
                "port": admin.port,
                "tls_trust": str(admin.ca_file),
                "api_key": admin.keys["emea"].api_key,
                "api_secret": admin.keys["emea"].api_secret,
            },
            "share": None if self.kind is RunKind.SCHEDULED else SHARE,
            "hour": self.hour.isoformat(),
            "recordings": self.recordings,
            "parent": os.getpid(),
        }


@dataclass(frozen=True)
class Catalogs:
    """A kind of database, and an address of an empty one for each row."""

    kind: str
    urls: Sequence[str]


def measure() -> Iterator[Figure]:
    """Every row, on each kind of database that answers; the kinds at the same time."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cloud9-bench-")))
        kinds = [Catalogs("SQLite", [f"sqlite:///{home / f'catalog-{number}.sqlite'}" for number in range(len(ROWS))])]
        if postgres_answers():
            kinds.append(Catalogs("Postgres", [stack.enter_context(fresh_database()) for _ in ROWS]))
        for url in (url for kind in kinds for url in kind.urls):
            open_catalog(url).close()  # not in the threads: Alembic has one migration at a time in mind
        pool = stack.enter_context(ThreadPoolExecutor(len(kinds)))
        for figures in pool.map(lambda kind: _rows(kind, home / kind.kind), kinds):
            yield from figures


def _rows(catalogs: Catalogs, home: Path) -> list[Figure]:
    figures: list[Figure] = []
    for number, (kinds, url) in enumerate(zip(ROWS, catalogs.urls, strict=True)):
        figures += _figures(catalogs.kind, kinds, _row(kinds, url, home / f"{number}"))
    return figures


def _row(kinds: Sequence[RunKind], url: str, home: Path) -> list[tuple[RequestSeen, RunKind | None]]:
    """What the emulator saw while programs of these kinds shared the catalog, and whose it was."""
    home.mkdir(parents=True)
    with _emulator(home) as admin, ExitStack() as stack:
        work = {kind: Work.of(kind, admin) for kind in kinds}
        for kind in kinds:
            if kind is RunKind.SCHEDULED and RunKind.BACKFILL in kinds:
                _until(lambda: bool(admin.requests().requests), "no request of the backfill came")
                time.sleep(BACKFILL_AHEAD)
            stack.enter_context(_client(work[kind].order(admin, url)))
        _until(lambda: any(work[RunKind.SCHEDULED].made(seen) for seen in admin.requests().requests), "no request came")
        time.sleep(SECONDS + 1)
        return [(seen, _maker(work.values(), seen)) for seen in admin.requests().requests]


def _maker(works: Iterable[Work], seen: RequestSeen) -> RunKind | None:
    """Whose request it is; of a refused one the emulator does not know."""
    return next((work.kind for work in works if work.made(seen)), None)


@contextmanager
def _emulator(home: Path) -> Iterator[AdminClient]:
    ready = home / "ready.json"
    words = ["--home", str(home), "--ready-file", str(ready), "--line-seconds", "20", "--calls-per-day", "40"]
    with _ended(subprocess.Popen([sys.executable, "-m", "cloud9_archive.emulator", *words], stdout=subprocess.DEVNULL)):
        _until(ready.exists, "the emulator did not start")
        yield AdminClient.from_ready_file(ready)


@contextmanager
def _client(order: dict[str, object]) -> Iterator[None]:
    child = subprocess.Popen([sys.executable, rate_client.__file__], stdin=subprocess.PIPE, text=True)
    assert child.stdin is not None
    child.stdin.write(json.dumps(order))
    child.stdin.close()
    with _ended(child):
        yield


@contextmanager
def _ended(child: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        child.terminate()
        child.wait(30)


def _until(condition: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + START
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(complaint)
        time.sleep(0.05)


def _figures(
    database: str, kinds: Sequence[RunKind], log: Sequence[tuple[RequestSeen, RunKind | None]]
) -> Iterator[Figure]:
    for endpoint, limit in LIMITS.items():
        here = [(seen, kind) for seen, kind in log if seen.path.endswith(endpoint)]
        refused = sum(seen.status == TOO_MANY for seen, _ in here)
        served = [(seen.at, kind) for seen, kind in here if seen.status != TOO_MANY]
        allowed = limit * math.ceil(SECONDS / 60)
        what = f"{database}, {endpoint}, {_words(kinds)}"
        moments = [at for at, _ in served]
        notes = {"429s": refused, "busiest 60 s": _busiest(moments)}
        goal = 0.98 if refused == 0 else math.inf
        yield Figure(what, _in_span(moments), allowed, "requests", goal=goal, notes=notes)
        if RunKind.BACKFILL in kinds:
            scheduled = [at for at, kind in served if kind is RunKind.SCHEDULED]
            rest = allowed - SHARE * allowed
            yield Figure(
                f"{what}: the scheduled one", _in_span(scheduled), rest, "requests left by the share", goal=0.98
            )


def _in_span(moments: Sequence[datetime]) -> int:
    """How many requests there were in the span that begins with the first of them."""
    end = min(moments) + timedelta(seconds=SECONDS)
    return sum(at < end for at in moments)


def _busiest(moments: Sequence[datetime]) -> int:
    minute = timedelta(seconds=60)
    return max(sum(begin <= at < begin + minute for at in moments) for begin in moments)


def _words(kinds: Sequence[RunKind]) -> str:
    if RunKind.BACKFILL in kinds:
        return f"{kinds.count(RunKind.SCHEDULED)} scheduled, {kinds.count(RunKind.BACKFILL)} backfilling"
    return f"{len(kinds)} {'process' if len(kinds) == 1 else 'processes'}"
