"""JSON that breaks off may come whole the next time; JSON that is wrong will not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.api.answer_json import decoded
from cloud9_archive.errors import IncompleteBodyError, WireFormatError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
ANSWERS = st.lists(VALUES) | st.dictionaries(st.text(), VALUES)


class Wire:
    def misfit(self, place: str, found: str) -> WireFormatError:
        return WireFormatError(f"{place} {found}")


@given(answer=ANSWERS, spelled=st.sampled_from(["ascii", "utf-8"]), where=st.floats(0, 1, exclude_max=True))
def test_wherever_an_answer_is_cut_it_is_asked_for_again(answer: Any, spelled: str, where: float) -> None:
    whole = json.dumps(answer, ensure_ascii=spelled == "ascii").encode("utf-8", "surrogatepass")
    cut = whole[: max(1, int(where * len(whole)))]
    with pytest.raises(IncompleteBodyError, match="breaks off"):
        decoded(Wire(), cut)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a": 1}}',
        b'{"a": 1,}',
        b'{"a" 1}',
        b"[1 2]",
        b"{'a': 1}",
        b"[NaN]",
        b"[1e999]",
        b"[tru]",
        b"\xff[",
    ],
)
def test_json_that_is_wrong_is_the_formats_business(body: bytes) -> None:
    with pytest.raises(WireFormatError, match="should be JSON"):
        decoded(Wire(), body)
