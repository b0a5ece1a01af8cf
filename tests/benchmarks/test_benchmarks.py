"""The benchmarks themselves: that they run, count as they say, and are named where people look."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import measuring
import pytest
from measuring import Figure

from cloud9_archive.domain.run import RunKind

REACHED = Figure("a thing", 99, 100, "things", goal=0.98, notes={"429s": 0})
MISSED = Figure("another", 97, 100, "things", goal=0.98)


def stand_in(*figures: Figure) -> Any:
    module: Any = ModuleType("stand_in", "Things of those allowed.\n\nMore.")
    module.measure = lambda: iter(figures)
    return module


def test_make_help_names_every_benchmark(repository: Path) -> None:
    line = re.search(r"^bench:.*## .*: (.*)$", (repository / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert line is not None
    assert line[1].split(", ") == measuring.names()
    for name in measuring.names():
        assert (measuring.load(name).__doc__ or "").partition("\n")[0].endswith(".")


@pytest.mark.parametrize(("figures", "code"), [([REACHED], 0), ([REACHED, MISSED], 1)])
def test_figures_are_shown_side_by_side_and_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    figures: list[Figure],
    code: int,
) -> None:
    monkeypatch.setattr(measuring, "load", lambda name: stand_in(*figures))
    monkeypatch.setattr(measuring, "names", lambda: ["things"])
    assert measuring.main([], folder=tmp_path) == code
    shown = capsys.readouterr().out
    assert "things: Things of those allowed." in shown
    assert re.search(r"a thing .* 99 .* 100 things .* 99.0% .* 98% .* 429s 0", shown)
    assert ("98% missed" in shown) is bool(code)
    kept = json.loads((tmp_path / "things.json").read_bytes())
    assert kept["figures"][0] | {"notes": None} == {
        "what": "a thing",
        "measured": 99,
        "reference": 100,
        "unit": "things",
        "ratio": 0.99,
        "goal": 0.98,
        "reached": True,
        "notes": None,
    }
    assert datetime.fromisoformat(kept["began_at"]) <= datetime.now(UTC)
    assert kept["machine"]["cores"] >= 1
    assert kept["versions"]["apache-airflow"].startswith("3.")


def test_a_name_that_no_benchmark_has_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert measuring.main(["rate_bugdet"]) == 2
    assert "there is no rate_bugdet; there are aac_flips, archive_speed, media_speed" in capsys.readouterr().err


def test_the_rate_budget_is_counted_by_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of their own against the real limits, for some seconds: enough to see the share, too short for goals."""
    bench: Any = measuring.load("rate_budget")
    monkeypatch.setattr(bench, "SECONDS", 4.0)
    monkeypatch.setattr(bench, "BACKFILL_AHEAD", 2.0)
    monkeypatch.setattr(bench, "ROWS", ((RunKind.BACKFILL, RunKind.SCHEDULED),))
    figures = {figure.what.partition(", ")[2]: figure for figure in bench.measure() if "SQLite" in figure.what}
    together = "1 scheduled, 1 backfilling"
    assert set(figures) == {
        f"{endpoint}, {together}{whose}"
        for endpoint in ("metadata", "recordings")
        for whose in ("", ": the scheduled one")
    }
    assert figures[f"metadata, {together}"].reference == 70
    assert figures[f"recordings, {together}: the scheduled one"].reference == 175
    for figure in figures.values():
        assert figure.measured > 0
        assert figure.notes.get("429s", 0) == 0
    listed = figures[f"metadata, {together}"]
    assert 35 < float(listed.notes["busiest 60 s"]) <= 70


def test_media_work_is_measured_beside_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of figure over little audio: what is counted, and that it is counted; goals need the whole."""
    bench: Any = measuring.load("media_speed")
    monkeypatch.setattr(bench, "CALLS", {1: 2})
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench, "PROFILES", {"alaw_8k": bench.PROFILES["alaw_8k"]})
    monkeypatch.setattr(bench, "BATCH_OF_TWO_CORES", 2)
    monkeypatch.setattr(bench, "CORES_SECONDS", 1)
    monkeypatch.setattr(bench, "LONG", {"2 s": 2.0})
    figures = {figure.what: figure for figure in bench.measure()}
    assert set(figures) == {
        "1 s to alaw_8k: bare codecs of our pass",
        "1 s to alaw_8k: one decode of verification",
        "1 s to alaw_8k: one ffmpeg a file of ours",
        "1 s to opus_24k: one worker of two",
        "memory allowed for 2 s",
    }
    assert all(figure.measured > 0 for figure in figures.values())
    # What verification costs is the difference of two measurements: over one second of audio it may be lost in noise.
    difference = "1 s to alaw_8k: one decode of verification"
    assert all(figure.reference > 0 for what, figure in figures.items() if what != difference)
    assert 20 < figures["memory allowed for 2 s"].reference < 150


def test_archiving_is_measured_beside_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of figure over a few files; without the gateway, which says so."""
    bench: Any = measuring.load("archive_speed")
    monkeypatch.setattr(bench, "FILES", {"200 KB": (200_000, 3)})
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench, "RECORDINGS", 2)
    monkeypatch.setattr(bench, "SECONDS", 1)
    monkeypatch.setattr(bench, "VERIFIED", 2)
    monkeypatch.setattr(bench, "VERIFIED_SECONDS", 1)
    monkeypatch.setattr(bench, "GROWING", (1, 3))
    monkeypatch.setattr(bench, "NEEDED", ("no such program",))
    figures = {figure.what: figure for figure in bench.measure()}
    stored, gateway = figures["files of 200 KB stored: of a durable copy"], figures.popitem()[1]
    assert stored.goal == pytest.approx(2 / 3)
    assert stored.notes["files"] == 3
    assert figures["archive step, 2 recordings: of a durable copy"].notes["files"] == 2 * 3 + 4
    assert figures["verified: of sha256sum in two processes"].goal == 0.8
    assert all(figure.measured > 0 and figure.reference > 0 for figure in figures.values())
    assert (gateway.goal, "not installed" in str(gateway.notes["Ceph"])) == (None, True)
