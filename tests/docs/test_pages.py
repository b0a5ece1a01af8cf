"""What the pages say exists: tables, links, commands, options and make targets."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cloud9_archive.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
TEXTS = {name: page.read_text(encoding="utf-8") for name, page in zip(NAMES, PAGES, strict=True)}
TITLES_OF_FORMATS = ("cloud9-archive key 1", "cloud9-archive chain link")
PARSE = """
import json, sys
from airflow.cli.cli_parser import get_parser
parser = get_parser()
for words in json.load(sys.stdin):
    print(words, file=sys.stderr)
    parser.parse_args(words)
"""


def code_of(text: str) -> Iterator[str]:
    """Everything in code type: spans, and the lines of fenced and indented blocks."""
    fences = re.findall(r"^ *```\w*\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    rest = re.sub(r"^ *```\w*\n.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    for block in fences:
        yield from (line.strip() for line in block.splitlines())
    yield from (line.strip() for line in re.findall(r"^ {4,}(.*)$", rest, re.MULTILINE))
    yield from (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", rest))


def commands(program: str) -> list[tuple[str, list[str]]]:
    """Every use of the program on a page, with its words; what a shell would do with them is left out."""
    found = []
    for name, text in TEXTS.items():
        for code in code_of(text):
            if not code.startswith((f"{program} ", f".venv/bin/{program} ")) or code.startswith(TITLES_OF_FORMATS):
                continue
            words = shlex.split(re.split(r" [>|;]|…", code)[0], comments=True)[1:]
            if words:
                found.append((name, words))
    return found


def headings(text: str) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", NAMES)
def test_generated_tables_are_those_of_the_code(name: str) -> None:
    tables = runpy.run_path(str(Path(__file__).parent / "tables.py"))
    assert tables["renewed"](TEXTS[name]) == TEXTS[name], "run make docs"


def test_every_generated_table_is_on_a_page() -> None:
    tables = runpy.run_path(str(Path(__file__).parent / "tables.py"))
    named = {name for text in TEXTS.values() for name in re.findall(r"<!-- generated: ([a-z-]+) -->\n", text)}
    assert named == set(tables["GENERATED"])


@pytest.mark.parametrize("name", NAMES)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[name]):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path) if path else page
        assert place.exists(), f"{name} links to {target}"
        if anchor:
            assert anchor in headings(place.read_text(encoding="utf-8")), f"{name} links to {target}"


def test_every_command_of_ours_and_its_options_exist() -> None:
    uses = commands("cloud9-archive")
    assert uses
    for name, words in uses:
        command: Any = typer.main.get_command(app)
        rest = list(words)
        while rest and hasattr(command, "commands"):
            word = rest.pop(0)
            if word == "--help":
                break
            assert word in command.commands, f"{name}: cloud9-archive {' '.join(words)}"
            command = command.commands[word]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        options = [word.partition("=")[0] for word in rest if word.startswith("-")]
        assert set(options) <= known, f"{name}: cloud9-archive {' '.join(words)}"


def test_every_command_of_airflow_is_one(tmp_path: Path) -> None:
    uses = [words for _, words in commands("airflow") if words != ["connections", "import"]]
    assert uses
    env = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", PARSE], input=json.dumps(uses), env=env, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr[-2000:]


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for name, text in TEXTS.items():
        named = {target for code in code_of(text) for target in re.findall(r"\bmake ([a-z-]+)", code)}
        assert named <= targets, f"{name} names {named - targets}"


def test_the_demo_that_is_shown_adds_up() -> None:
    shown = re.search(r"^demo: (listed=.*)$", TEXTS["README.md"], re.MULTILINE)
    assert shown is not None
    figures = dict(pair.split("=") for pair in shown[1].split())
    outcomes = ("archived", "excluded", "awaiting", "quarantined", "missing")
    assert int(figures["listed"]) == sum(int(figures[outcome]) for outcome in outcomes)
    assert figures["verified"] == "ok"
