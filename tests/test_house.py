"""Rules of the house that no single room can keep: the tree of errors, public names, and words that are not used."""

from __future__ import annotations

import ast
import copy
import pickle
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive import errors, operators
from cloud9_archive.errors import Cloud9ArchiveError, ConfigurationError, RecordError, TransientError

FAMILIES = (TransientError, ConfigurationError, RecordError)
PACKAGE = Path(errors.__file__).parent
BANNED = {"process", "handle", "manager", "helper", "util", "utils", "data", "info", "sync", "watermark", "success"}
AIRFLOWS_OWN = {"get_provider_info"}


def subclasses(kind: type[Cloud9ArchiveError]) -> Iterator[type[Cloud9ArchiveError]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


KINDS: list[type[Cloud9ArchiveError]] = [
    Cloud9ArchiveError,
    *(kind for kind in subclasses(Cloud9ArchiveError) if kind.__module__.startswith("cloud9_archive.")),
]
MODULES = sorted(PACKAGE.rglob("*.py"))


def drawn_tree() -> dict[str, str]:
    """Each class of the drawing in the module's docstring, with the one that it hangs from."""
    parents: dict[str, str] = {}
    above: dict[int, str] = {-1: ""}
    for line in (errors.__doc__ or "").splitlines():
        match = re.search(r"\b[A-Z]\w+Error\b", line)
        if match is None or not re.fullmatch(r"[\s│├└─]*", line[: match.start()]):
            continue
        depth = match.start() // 4 - 1
        above[depth] = match[0]
        parents[match[0]] = above[depth - 1]
    return parents


def test_every_error_hangs_in_the_drawing_where_it_hangs_in_the_code() -> None:
    real = {kind.__name__: "" if kind is Cloud9ArchiveError else kind.__bases__[0].__name__ for kind in KINDS}
    assert drawn_tree() == real


def test_all_errors_are_in_their_one_module() -> None:
    names = {kind.__name__ for kind in KINDS}
    elsewhere = [
        f"{path.relative_to(PACKAGE)}: {node.name}"
        for path in MODULES
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ClassDef) and names & {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    ]
    assert elsewhere == []


def test_every_error_belongs_to_one_family() -> None:
    for kind in KINDS[1:]:
        assert sum(issubclass(kind, family) for family in FAMILIES) == 1


def test_codes_are_distinct_and_made_for_reports() -> None:
    codes = Counter(kind.code for kind in KINDS)
    assert {code: count for code, count in codes.items() if count > 1} == {}
    assert all(re.fullmatch(r"[A-Z]+(_[A-Z]+)*", code) for code in codes)
    assert all("code" in vars(kind) for kind in KINDS)


WORDS = st.text(max_size=200)


@given(st.sampled_from(KINDS), WORDS, st.none() | WORDS, st.none() | WORDS)
def test_an_error_arrives_whole_in_another_interpreter(
    kind: type[Cloud9ArchiveError], message: str, subject: str | None, hint: str | None
) -> None:
    sent = kind(message, subject=subject, hint=hint)
    for arrived in (pickle.loads(pickle.dumps(sent)), copy.copy(sent)):  # noqa: S301 - our own bytes
        assert type(arrived) is kind
        assert (arrived.message, arrived.subject, arrived.hint) == (message, subject, hint)
        assert str(arrived) == str(sent)


@pytest.mark.parametrize(("hint", "line"), [(None, "it is so"), ("do this", "it is so – do this")])
def test_an_error_is_its_message_and_its_hint(hint: str | None, line: str) -> None:
    assert str(Cloud9ArchiveError("it is so", subject="7", hint=hint)) == line


def test_the_operators_are_public_under_one_name() -> None:
    assert sorted(operators.__all__) == [
        "Cloud9ApplyRecordingRulesOperator",
        "Cloud9ArchiveOperator",
        "Cloud9DailyLookOperator",
        "Cloud9DayReportOperator",
        "Cloud9DisposeOperator",
        "Cloud9FetchCallsOperator",
        "Cloud9FetchRecordingsOperator",
        "Cloud9ReconcileOperator",
        "Cloud9SyncRosterOperator",
        "Cloud9TranscodeOperator",
        "Cloud9VerifyArchiveOperator",
    ]
    for name in operators.__all__:
        kind = getattr(operators, name)
        assert kind.__name__ == name
        assert kind.execute.__doc__


def test_every_module_says_what_it_is() -> None:
    first_lines = {path: (ast.get_docstring(ast.parse(path.read_bytes())) or "").partition("\n")[0] for path in MODULES}
    assert [path for path, line in first_lines.items() if not line.endswith(".")] == []


def test_no_module_is_called_like_one_of_pythons_or_like_nothing() -> None:
    # Airflow may execute a module below plugins/ under its bare name.
    stems = {path.stem for path in MODULES} - {"__init__", "__main__"} - AIRFLOWS_OWN
    assert stems & sys.stdlib_module_names == set()
    assert {stem for stem in stems if set(stem.split("_")) & BANNED} == set()


def test_importing_the_package_imports_nothing_else() -> None:
    body = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")).body
    imported = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [node.module for node in imported if isinstance(node, ast.ImportFrom)] in ([], ["__future__"])
    assert not any(isinstance(node, ast.Import) for node in imported)
