"""Keys: safe for any id, different for different ids, and the same for ever."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloud9_archive.domain import keys
from cloud9_archive.errors import ConfigurationError

ANY_TEXT = st.text(st.characters(codec=None, categories=None, exclude_categories=()), max_size=80)
SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
MADE = [
    lambda text: keys.recording_key("cloud9_emea", text),
    lambda text: keys.call_key("cloud9_emea", text),
    keys.path_segment,
]


@pytest.mark.parametrize("make", MADE)
@given(text=ANY_TEXT)
@example(text="")
@example(text="..")
@example(text="../../etc/passwd")
@example(text="a\0b\nc")
@example(text="\ud800")
@example(text="-rf")
@example(text="name. ")
def test_any_text_becomes_one_safe_segment(make: Callable[[str], str], text: str) -> None:
    segment = make(text)
    assert SAFE.fullmatch(segment)
    assert len(segment) <= 80
    assert not segment.endswith(".")
    assert keys.check_archive_key(segment) == segment


@pytest.mark.parametrize("name", ["CON", "con", "nul.txt", "COM1", "lpt9.x.y", "Aux.json"])
@pytest.mark.parametrize("make", MADE)
def test_no_segment_opens_a_windows_device(make: Callable[[str], str], name: str) -> None:
    assert make(name).split(".")[0].lower() not in {"con", "nul", "com1", "lpt9", "aux"}


@pytest.mark.parametrize("make", MADE)
@given(one=ANY_TEXT, other=ANY_TEXT)
@example(one="Call-A", other="call-a")
@example(one="é", other="e\u0301")
@example(one="a/b", other="a_b")
@example(one="\ud83d\ude00", other="😀")
@example(one="x" * 60, other="x" * 61)
def test_different_texts_differ_even_where_case_does_not_count(
    make: Callable[[str], str], one: str, other: str
) -> None:
    assert (make(one).lower() == make(other).lower()) == (one == other)


def test_a_text_that_looks_like_a_made_segment_does_not_stand_for_it() -> None:
    made = keys.path_segment("Run+1").lower()
    assert keys.path_segment(made) != made
    assert keys.path_segment(made).lower() != made


def test_source_and_id_cannot_run_into_each_other() -> None:
    assert keys.recording_key("ab", "c")[-20:] != keys.recording_key("a", "bc")[-20:]
    assert keys.recording_key("s", "x")[-20:] != keys.call_key("s", "x")[-20:]


def test_an_id_of_a_megabyte_is_cut_and_still_told_apart() -> None:
    long = "z" * 1_000_000
    assert len(keys.call_key("s", long)) == 48 + 1 + 20
    assert keys.call_key("s", long) != keys.call_key("s", long + "z")


@pytest.mark.parametrize(
    ("made", "golden"),
    [
        (keys.recording_key("cloud9_emea", "0f3a-77"), "0f3a-77-b015703214756ac8c4e7"),
        (keys.call_key("cloud9_emea", "0f3a-77"), "0f3a-77-85711971c99f4b425ebd"),
        (keys.recording_key("s", "a/../b\0é"), "a_.._b__-6c1c26138bd743b8d6a8"),
        (
            keys.path_segment("scheduled__2026-11-22T00:00:00+00:00"),
            "scheduled__2026-11-22T00_00_00_00_00-88e7a278721ff677c018",
        ),
        (keys.path_segment("emea_rates"), "emea_rates"),
    ],
)
def test_keys_never_change(made: str, golden: str) -> None:
    assert made == golden


def test_places() -> None:
    day = date(2026, 3, 4)
    assert keys.bag_folder("emea_rates", day=day, bag_id="b-1") == "emea_rates/bags/2026/03/04/b-1"
    assert (
        keys.report_path("emea_rates", day=day, run_id="r1", extension="csv") == "emea_rates/reports/2026/03/04/r1.csv"
    )
    assert keys.link_path("emea_rates", 12) == "emea_rates/chain/00000012.json"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        "./a",
        "a/.hidden",
        "a\\b",
        "a\0b",
        "a\nb",
        "\ud800",
        "x" * 256,
        "ab/" * 342 + "x",
    ],
)
def test_keys_that_could_mean_another_place_are_refused(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        keys.check_archive_key(key)
    assert len(str(caught.value)) < 1500
