"""The benchmark measures what it says; how fast this machine is, no test can ask."""

from __future__ import annotations

import runpy
from pathlib import Path


def test_the_benchmark_reaches_every_kind_of_decision() -> None:
    module = runpy.run_path(str(Path(__file__).with_name("rules_speed.py")), run_name="rules_speed")
    found = module["measured"](extensions=1000, calls=1000, rounds=1)
    assert (found.extensions, found.sections) == (1000, 50)
    assert found.calls_per_second >= found.slowest > 0
    assert {
        "section_excludes",
        "section_records",
        "no_section_fits",
        "no_recorded_party",
        "never_record",
        "do_not_record",
    } <= set(found.rules)
    assert found.rules["no_section_fits"] > 500, "most calls must come to the last section"
