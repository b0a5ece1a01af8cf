"""A text that stays in its file reads the same as one that JSON's own decoder has read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud9_archive.api import long_texts
from cloud9_archive.api.long_texts import JsonFile
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.errors import IncompleteBodyError, WireFormatError

PIECES = [
    "A",
    "\\\\",
    "\\/",
    "/",
    '\\"',
    "\\n",
    "\\t",
    "\\b",
    "\\u0041",
    "\\u002B",
    "\\u002f",
    "u0041",
    "u00",
    "\\u00e9",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.integers(1, 12), st.integers(3, 60))
def test_escapes_are_undone_wherever_the_text_is_cut(
    tmp_path: Path, wire: WireFormat, text: str, piece: int, longest: int
) -> None:
    body = f'{{"a": ["{text}", 1], "b": "{text}x", "c": {{"{text}": null}}}}'
    path = tmp_path / "answer.json"
    path.write_text(body, encoding="utf-8")
    truth = json.loads(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_texts, "_PIECE", piece)
        patch.setattr(long_texts, "LONG_TEXT", longest)
        with JsonFile(path, wire) as answer:
            for found, true in ((answer.answer["a"][0], truth["a"][0]), (answer.answer["b"], truth["b"])):
                assert b"".join(answer.pieces(found)) == true.encode("ascii", errors="replace")
            assert answer.answer["a"][1] == 1


@given(st.text(st.sampled_from('{}[]",:\\/u0 1aé\n'), max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_no_json_is_none_here_either(tmp_path: Path, wire: WireFormat, text: str) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text + " ", encoding="utf-8")
    truth: Any
    try:
        truth = json.loads(text)
    except ValueError:
        truth = None
    try:
        with JsonFile(path, wire) as answer:
            assert answer.answer == truth
    except (IncompleteBodyError, WireFormatError):
        assert truth is None


def test_an_escape_that_json_does_not_know_is_foreign(tmp_path: Path, wire: WireFormat) -> None:
    path = tmp_path / "answer.json"
    path.write_text('["' + "A" * 20_000 + '\\x\\uZZZZ"]')
    with JsonFile(path, wire) as answer:
        assert answer.is_long(answer.answer[0])
        assert b"".join(answer.pieces(answer.answer[0])).endswith(b"A??ZZZZ")
