from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.amendment import MOST_FIELDS, changed_fields


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({"duration": 1}, {"duration": 2}, ("duration",)),
        ({"raw": {"a": 1, "b": 1}}, {"raw": {"a": 1, "b": 2, "c": None}}, ("raw.b", "raw.c")),
        ({"raw": {"a": 1}, "x": None}, {"raw": {}}, ("raw.a", "x")),
        ({"raw": {"a": {"secret": 1}}}, {"raw": {"a": {"secret": 2}}}, ("raw.a",)),
    ],
)
def test_the_names_of_what_changed_and_no_values(
    before: dict[str, Any], after: dict[str, Any], fields: tuple[str, ...]
) -> None:
    assert changed_fields(before, after) == fields


DOCUMENTS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2)).map(lambda raw: {"raw": raw})


@given(DOCUMENTS, DOCUMENTS)
def test_nothing_is_named_exactly_when_nothing_changed(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert (changed_fields(before, after) == ()) is (before == after)
    assert changed_fields(before, after) == changed_fields(after, before)


def test_so_many_names_and_no_more() -> None:
    assert len(changed_fields({}, {str(number): number for number in range(100)})) == MOST_FIELDS
