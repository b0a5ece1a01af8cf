"""Whatever an API of this kind sounds like, a format file without code makes the same archive of it."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import wire_files
from dialect_bench import Archived, Speaking, run_of
from pipeline_bench import Bench

from cloud9_archive.domain.run import RunKind
from cloud9_archive.emulator.calls import Kind
from cloud9_archive.emulator.dialect import Dialect

MINUTE = timedelta(minutes=1)
# What a value of a field needs beside it, to be a dialect at all or to show in requests and answers.
BESIDE: dict[tuple[str, Any], list[dict[str, Any]]] = {
    ("listing_method", "GET"): [{}, {"paging": "link_body"}, {"paging": "page"}, {"recordings": "listed"}],
    ("call_recordings_method", "POST"): [{"recordings": "per_call"}],
    ("page_end", "has_more"): [{"paging": "page"}, {"paging": "offset"}, {"paging": "token_body"}],
    ("page_end", "total"): [{"paging": "page"}, {"paging": "offset"}, {"paging": "link_header"}],
    ("link", "relative"): [{"paging": "link_body"}, {"paging": "link_header", "listing_method": "GET"}],
    ("zone", "Europe/London"): [{"times": "text"}, {"times": "iso_8601"}],
    ("asked_by", "call_id"): [{"delivery": delivery} for delivery in ("zip", "zip_extra", "base64", "url")],
    ("url_uses", 1): [{"delivery": "url"}],
    ("pending", "empty_body"): [{"delivery": "zip"}, {"asked_by": "call_id", "delivery": "zip_extra"}],
    ("pending", "json_without_entry"): [{}, {"delivery": "base64"}, {"asked_by": "call_id", "delivery": "url"}],
}
OPEN_FIELDS: dict[str, list[Any]] = {
    "rows_key": ["call records"],
    "zone": ["Europe/London", "America/New_York", "Asia/Kolkata"],
    "url_seconds": [30.0],
    "url_uses": [1],
}


def values_of(name: str) -> list[Any]:
    """Every value of a field that is not the default; of fields that may hold anything, some."""
    field = Dialect.model_fields[name]
    found = OPEN_FIELDS.get(name) or list(typing.get_args(field.annotation))
    return [value for value in found if value != field.default]


def each_value() -> list[Any]:
    return [pytest.param(dialect, id=named(dialect)) for dialect in _each_value()]


def named(dialect: dict[str, Any]) -> str:
    return ",".join(f"{key}={word}" for key, word in dialect.items())


def _each_value() -> Iterator[dict[str, Any]]:
    for name in Dialect.model_fields:
        for value in values_of(name):
            for beside in BESIDE.get((name, value), [{"delivery": "url"} if name == "url_seconds" else {}]):
                yield {name: value, **beside}


@pytest.fixture(scope="module")
def usual() -> list[tuple[Archived, Archived]]:
    """What the default dialect gives, before and after the late recording is uploaded; noted by the first test."""
    return []


def whole_day(bench: Bench) -> Archived:
    """The day is archived, as the emulator's truth has it."""
    run = run_of()
    bench.run(run)
    bench.complete(run.window)
    return Archived.of(bench)


def healed(bench: Bench) -> Archived:
    """The recording that was not uploaded came, and a scheduled run over another time has fetched it."""
    late = bench.call(Kind.LATE_MEDIA).all_links[0].recording_id
    assert late not in bench.recording_states()
    bench.cloud9.admin.upload_now(late)
    bench.clock.move_to(bench.clock.now + 20 * MINUTE)
    bench.run(run_of(RunKind.SCHEDULED, start=bench.clock.now - 5 * MINUTE, hours=1 / 60))
    bench.complete(run_of().window)
    return Archived.of(bench)


def both(speaking: Speaking, form: dict[str, Any] | None = None, **dialect: Any) -> tuple[Archived, Archived]:
    """What the archive holds before and after the late recording is uploaded."""
    bench = speaking(form, **dialect)
    return whole_day(bench), healed(bench)


@pytest.fixture
def as_usual(speaking: Speaking, usual: list[tuple[Archived, Archived]]) -> tuple[Archived, Archived]:
    if not usual:
        usual.append(both(speaking, wire_files.content()))
        speaking.cloud9.cloud.uploads.clear()
    return usual[0]


@pytest.mark.parametrize("dialect", each_value())
def test_every_value_of_every_field_gives_the_same_archive(
    speaking: Speaking, dialect: dict[str, Any], as_usual: tuple[Archived, Archived]
) -> None:
    assert both(speaking, **dialect) == as_usual


@pytest.mark.parametrize("delivery", ["bytes", "base64", "url"])
def test_where_nothing_means_late_an_empty_recording_is_waited_for(
    speaking: Speaking, as_usual: tuple[Archived, Archived], delivery: str
) -> None:
    bench = speaking(pending="empty_body", delivery=delivery)
    bench.run(run_of())
    empty = {link.recording_id for link in bench.call(Kind.EMPTY).links}
    assert Archived.of(bench) == as_usual[0].without(empty)
    bench.verified()
