"""One budget for all who work with a catalog: threads, processes, scheduled runs and backfills."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
from postgres_server import fresh_database

from cloud9_archive.api.limits import Bucket, Limiter
from cloud9_archive.catalog.catalog import Catalog, open_catalog
from cloud9_archive.catalog.rates import CatalogLedgers
from cloud9_archive.domain.run import RunKind
from cloud9_archive.emulator.limits import SlidingLimit
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.fetch_recordings import fetch_recordings
from cloud9_archive.pipeline.settings import Settings

LIMIT = 20
BUCKET = Bucket.of("a-key", "/a", LIMIT)
BOOK = """
import json, sys
from cloud9_archive.api.limits import Bucket, Limiter
from cloud9_archive.catalog.catalog import open_catalog
from cloud9_archive.catalog.rates import CatalogLedgers
url, share, count = sys.argv[1:]
limiter = Limiter(CatalogLedgers(open_catalog(url)), share=float(share) or None, sleep=lambda _: None)
print(json.dumps([limiter.wait_turn(Bucket.of("a-key", "/a", 20)).at for _ in range(int(count))]))
"""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    else:
        with fresh_database() as address:
            yield address


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    opened = open_catalog(url)
    yield opened
    opened.close()


def impatient(catalog: Catalog, *, share: float | None = None) -> Limiter:
    """Books turns as fast as it can, and waits for none."""
    return Limiter(CatalogLedgers(catalog), share=share, sleep=lambda _: None)


def booked_by_processes(url: str, *shares: float, count: int) -> list[list[int]]:
    words = [[sys.executable, "-c", BOOK, url, str(share), str(count)] for share in shares]
    children = [subprocess.Popen(each, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for each in words]
    booked = []
    for child in children:
        told, complaint = child.communicate(timeout=120)
        assert child.returncode == 0, complaint
        booked.append(json.loads(told))
    return booked


def served(turns: list[int]) -> None:
    """A server that counts each minute serves all of these."""
    server = SlidingLimit()
    for turn in sorted(turns):
        server.admit("a-key", "a", most=LIMIT, now=turn / 1000)


def test_processes_share_one_budget_and_use_it_up(catalog: Catalog, url: str) -> None:
    turns = [turn for each in booked_by_processes(url, 0, 0, 0, count=25) for turn in each]
    served(turns)
    assert max(turns) - min(turns) < (75 / LIMIT) * 61_000, "nothing of the limit was left unused"


def test_a_backfill_of_several_processes_keeps_to_its_share(catalog: Catalog, url: str) -> None:
    *backfill, scheduled = booked_by_processes(url, 0.25, 0.25, 0, count=10)
    shared = sorted(backfill[0] + backfill[1])
    served(shared + scheduled)
    assert all(later - turn >= 61_000 for turn, later in zip(shared, shared[5:], strict=False))


def test_a_scheduled_run_gets_the_rest_at_once_while_a_backfill_asks_for_all_it_can_get(catalog: Catalog) -> None:
    busy, over = Barrier(4, timeout=60), Event()

    def backfill(_: int) -> list[int]:
        limiter, turns = impatient(catalog, share=0.5), []
        turns.append(limiter.wait_turn(BUCKET).at)
        busy.wait()
        while not over.is_set() and len(turns) < 15:
            turns.append(limiter.wait_turn(BUCKET).at)
        return turns

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(backfill, number) for number in range(3)]
        busy.wait()
        scheduled = impatient(catalog)
        turns = [scheduled.wait_turn(BUCKET) for _ in range(LIMIT // 2)]
        over.set()
        others = [turn for each in asking for turn in each.result(60)]
    assert [turn.waited for turn in turns] == [0.0] * (LIMIT // 2)
    served([*others, *(turn.at for turn in turns)])


def test_a_429_in_one_process_slows_the_others(catalog: Catalog, url: str) -> None:
    impatient(catalog).pause(BUCKET, 30)
    begun = impatient(catalog).wait_turn(BUCKET).at
    turns = sorted(turn for each in booked_by_processes(url, 0, 0.5, count=3) for turn in each)
    assert turns[0] >= begun
    assert all(later - turn >= 61_000 / LIMIT for turn, later in pairwise(turns))


def test_a_process_that_dies_leaves_its_booked_turn_and_nothing_else(catalog: Catalog, url: str) -> None:
    dying = BOOK.replace("sleep=lambda _: None", "sleep=lambda _: __import__('os').kill(__import__('os').getpid(), 9)")
    child = subprocess.run([sys.executable, "-c", dying, url, "0", str(LIMIT + 1)], check=False, timeout=120)
    assert child.returncode == -9
    limiter = impatient(catalog)
    turns = [limiter.wait_turn(BUCKET) for _ in range(LIMIT)]
    assert 55 < turns[0].waited <= 61
    assert turns[-1].waited > 100, "one of the next minute's turns is the dead one's"


@pytest.mark.parametrize(("kind", "share"), [(RunKind.SCHEDULED, None), (RunKind.BACKFILL, 0.5), (RunKind.MANUAL, 0.5)])
def test_only_scheduled_runs_may_use_every_request(
    everything: Any, run_of: Any, kind: RunKind, share: float | None
) -> None:
    shares, opened = [], everything.open_source

    def open_source(conn_id: str, limiter: Limiter) -> Any:
        shares.append(limiter.share)
        return opened(conn_id, limiter)

    everything.open_source = open_source
    workspace = everything.workspace()
    (batch_id, *_) = everything.begin(workspace, run_of(kind, hours=10))
    assert shares == [share]
    fetch_recordings(workspace, batch_id)
    assert shares == [share, share], "a batch's step knows whose it is"


def test_a_batch_that_a_scheduled_run_took_over_is_no_backfills_any_more(
    everything: Any, run_of: Any, clock: Any
) -> None:
    shares, opened = [], everything.open_source
    everything.open_source = lambda conn_id, limiter: shares.append(limiter.share) or opened(conn_id, limiter)
    workspace = everything.workspace()
    batch_ids = everything.begin(workspace, run_of(hours=10))
    clock.move_to(clock.now + 2 * workspace.settings.claim_lease)
    assert set(batch_ids) <= set(everything.begin(workspace, run_of(RunKind.SCHEDULED, hours=10, run_id="later")))
    fetch_recordings(workspace, batch_ids[0])
    assert shares == [0.5, None, None]


@pytest.mark.parametrize("share", [0, -0.5, 1.01, float("nan")])
def test_a_share_that_is_none_is_refused(tmp_path: Path, share: float) -> None:
    settings = Settings(data_root=tmp_path, include_folder=tmp_path)
    with pytest.raises(ConfigurationError, match=r"backfill_rate_share is .* – give a number above 0 and at most 1"):
        replace(settings, backfill_rate_share=share)
