"""What the archive holds after the demo, and how it compares with the emulator's truth."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cloud9_archive.demo.expectation import OUTCOMES, Expectation
from cloud9_archive.domain.keys import is_day_report
from cloud9_archive.domain.window import Window

SEAL = "tagmanifest-sha256.txt"


@dataclass(frozen=True, slots=True)
class RunRow:
    """
    A line of the demo's table: what one run's report says of its own window, lookback left out.

    :param differences: where it departs from the truth, as sentences
    """

    policy: str
    label: str
    counts: Mapping[str, int]
    excluded_by_rule: Mapping[str, int]
    differences: tuple[str, ...]

    @property
    def listed(self) -> int:
        """How many calls the window has."""
        return sum(self.counts.values())


def newest_report(archive: Path, policy: str, run_id: str) -> dict[str, Any] | None:
    """The run's newest report, read from the archive."""
    found: dict[str, Any] | None = None
    for path in archive.glob(f"{policy}/reports/*/*/*/*.json"):
        if is_day_report(path.name):
            continue
        report = json.loads(path.read_bytes())
        if report["run_id"] == run_id and (found is None or report["report_number"] > found["report_number"]):
            found = report
    return found


def compare(report: Mapping[str, Any], records: Mapping[str, list[dict[str, Any]]], expectation: Expectation) -> RunRow:
    """
    The report's row, with every difference between the archive and the truth.

    :param records: the ``record.json`` documents of all sealed bags of the policy, by recording id
    """
    window = Window(datetime.fromisoformat(report["window_start"]), datetime.fromisoformat(report["window_end"]))
    rows = {row["call_id"]: row for row in report["rows"] if datetime.fromisoformat(row["started_at"]) in window}
    differences = [
        f"call {call_id}: expected {expectation.calls.get(call_id)}, the archive's report says {state}"
        for call_id in sorted(expectation.calls.keys() | rows.keys())
        if (state := rows[call_id]["state"] if call_id in rows else None) != expectation.calls.get(call_id)
        # What a run at the same time took up counts as awaited here; that it is archived is seen by its recordings.
        and not (call_id in rows and rows[call_id].get("held_by"))
    ]
    differences += _media_differences(records, expectation)
    states = Counter(row["state"] for row in rows.values())
    return RunRow(
        policy=report["policy"],
        label=_label(window),
        counts={outcome: states.get(outcome, 0) for outcome in OUTCOMES},
        excluded_by_rule=Counter(row["rule"] for row in rows.values() if row["state"] == "excluded"),
        differences=tuple(differences),
    )


def records_of(archive: Path, policy: str) -> dict[str, list[dict[str, Any]]]:
    """Every ``record.json`` in the policy's sealed bags, by recording id; two for one id would be a duplicate."""
    records: dict[str, list[dict[str, Any]]] = {}
    for bag in bags_of(archive, policy):
        for path in sorted(bag.glob("data/recordings/*/record.json")):
            record = json.loads(path.read_bytes())
            records.setdefault(record["recording_id"], []).append(record)
    return records


def bags_of(archive: Path, policy: str = "*") -> Iterator[Path]:
    """The folders of all sealed bags."""
    return (seal.parent for seal in sorted(archive.glob(f"{policy}/bags/*/*/*/*/{SEAL}")))


def refused_bags(archive: Path) -> list[str]:
    """Bags that ``sha256sum`` or the BagIt reference implementation does not accept, as sentences."""
    import bagit  # noqa: PLC0415 - a tool of the demo, not of the package

    refused = []
    for bag in bags_of(archive):
        for manifest in ("manifest-sha256.txt", SEAL):
            command = ["sha256sum", "--check", "--strict", "--quiet", manifest]
            if subprocess.run(command, cwd=bag, capture_output=True, check=False).returncode:  # noqa: S603 - a fixed command
                refused.append(f"sha256sum does not accept {bag / manifest}")
        try:
            bagit.Bag(str(bag)).validate()
        except bagit.BagError as error:
            refused.append(f"bagit does not accept {bag}: {error}")
    return refused


def missing_tools() -> list[str]:
    """Programs that the demo needs and this machine does not have."""
    return [tool for tool in ("sha256sum",) if shutil.which(tool) is None]


def _label(window: Window) -> str:
    minutes = (window.end - window.start) // timedelta(minutes=1)
    length = f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
    return f"{window.start:%d %b %H:%M} + {length}"


def _media_differences(records: Mapping[str, list[dict[str, Any]]], expectation: Expectation) -> Iterator[str]:
    for recording_id, outcome in sorted(expectation.recordings.items()):
        found = records.get(recording_id, [])
        if outcome == "awaiting_media":
            if found:
                yield f"recording {recording_id}: expected to be awaited, the archive has it"
            continue
        if [record["state"] for record in found] != [outcome]:
            states = [record["state"] for record in found]
            yield f"recording {recording_id}: expected once as {outcome}, the archive has {states}"
        elif found[0]["original"]["sha256"] != expectation.digests[recording_id]:
            yield f"recording {recording_id}: the archived original is not what Cloud9 holds"
