"""Calls found in the catalog by what people know of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from cloud9_archive.catalog import searching
from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.deciding import record_decisions
from cloud9_archive.catalog.listing import record_calls
from cloud9_archive.catalog.runs import open_run
from cloud9_archive.catalog.searching import search_calls
from cloud9_archive.domain.call import Call, Party, RecordingLink, Side
from cloud9_archive.domain.call_selection import CallSelection
from cloud9_archive.domain.decision import At, Decision, Outcome, RecordedUser, Rule
from cloud9_archive.domain.roster import ExtensionType
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.window import Window

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
JANE = RecordedUser("jane", ExtensionType.USER_AGENT_ID, "jsmith@firm.example", At.NEAR)


def call(number: int, source: str = "s", *, near: Party | None = None, far: Party | None = None, **more: Any) -> Call:
    parties = (
        near or Party(Side.NEAR, login="jsmith@firm.example", display_name="Jane Smith"),
        far or Party(Side.FAR, firm="Other Bank", display_name="Bob"),
    )
    return Call(
        source,
        f"c{number}",
        START + number * HOUR,
        parties=parties,
        recordings=(RecordingLink(f"r{number}"),),
        raw={"id": number},
        **more,
    )


CALLS = [
    call(1),
    call(2, button_label="GBP 10% desk"),
    call(3, far=Party(Side.FAR, display_name="Jürgen Strauß", firm="Groß & Söhne")),
    call(4, near=Party(Side.NEAR, login="akhan@firm.example", number="+44 20")),
    call(5, "t", far=Party(Side.FAR, group="Rates [x]")),
    call(6, "t", button_label="a_b"),
]


@pytest.fixture
def known(catalog: Catalog) -> Catalog:
    run = RunRef("p", "r", RunKind.SCHEDULED, Window(START, START + 24 * HOUR))
    open_run(catalog, run, policy_version="0" * 64, policy_document={}, now=START)
    record_calls(catalog, run, CALLS, now=START)
    recorded = Decision(Outcome.RECORD, Rule.RECORDED_PARTY, "Jane.", (JANE,), None, "0" * 64)
    excluded = replace(recorded, outcome=Outcome.EXCLUDE, rule=Rule.NO_RECORDED_PARTY, recorded_for=())
    decided = [(CALLS[0], recorded), (CALLS[3], excluded)]
    record_decisions(catalog, run, decided, deadline=HOUR, now=START)
    return catalog


def ids(catalog: Catalog, policy: str | None = None, **asked: Any) -> list[str]:
    return [each.call.call_id for each in search_calls(catalog, CallSelection(**asked), policy=policy)]


ASKED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["c4", "c3", "c2", "c1", "c6", "c5"]),
    ({"users": ("JANE",)}, ["c1"]),
    ({"users": ("jane smith", "+44 20")}, ["c4", "c3", "c2", "c1", "c6", "c5"]),
    ({"users": ("jane s",)}, []),
    ({"users": ("ak*",)}, ["c4"]),
    ({"counterparties": ("groß & söhne",)}, ["c3"]),
    ({"counterparties": ("*bank",)}, ["c4", "c2", "c1", "c6"]),
    ({"counterparties": ("jane smith",)}, []),
    ({"counterparties": ("rates [x]",)}, ["c5"]),
    ({"begin": START + 2 * HOUR, "end": START + 4 * HOUR}, ["c3", "c2"]),
    ({"call_ids": frozenset({"c5", "c1"})}, ["c1", "c5"]),
    ({"recording_ids": frozenset({"r3"})}, ["c3"]),
    ({"texts": ("strauss",)}, ["c3"]),
    ({"texts": ("STRAUẞ",)}, ["c3"]),
    ({"texts": ("jürgen", "söhne")}, ["c3"]),
    ({"texts": ("10%",)}, ["c2"]),
    ({"texts": ("a_b",)}, ["c6"]),
    ({"texts": ("axb",)}, []),
    ({"texts": ('"near"',)}, []),
    ({"texts": ("c1",)}, []),
]


def test_what_is_asked_for_is_found(known: Catalog) -> None:
    assert [(asked, ids(known, **asked)) for asked, _ in ASKED] == ASKED


def test_a_policy_finds_what_it_decided_on_and_how_it_stands(known: Catalog) -> None:
    found = list(search_calls(known, CallSelection(), policy="p"))
    assert [(each.call.call_id, each.state, each.users, each.rule) for each in found] == [
        ("c4", "excluded", (), "no_recorded_party"),
        ("c1", "selected", ("jane",), "recorded_party"),
    ]
    assert [(one.ref.recording_id, one.state, one.prefix) for one in found[1].recordings] == [("r1", None, None)]
    assert ids(known, policy="q") == []


def test_of_two_policies_that_decided_on_a_call_the_one_asked_for_is_told(known: Catalog) -> None:
    run = RunRef("q", "r", RunKind.SCHEDULED, Window(START, START + 24 * HOUR))
    open_run(known, run, policy_version="1" * 64, policy_document={}, now=START)
    excluded = Decision(Outcome.EXCLUDE, Rule.NO_RECORDED_PARTY, "Nobody.", (), None, "1" * 64)
    record_decisions(known, run, [(CALLS[0], excluded), (CALLS[1], excluded)], deadline=HOUR, now=START)
    for policy, expected in {
        "p": [("c4", "p", "excluded"), ("c1", "p", "selected")],
        "q": [("c2", "q", "excluded"), ("c1", "q", "excluded")],
        None: [("c1", "p", "selected"), ("c1", "q", "excluded")],
    }.items():
        asked = CallSelection() if policy else CallSelection(call_ids=frozenset({"c1"}))
        found = [(each.call.call_id, each.policy, each.state) for each in search_calls(known, asked, policy=policy)]
        assert found == expected, policy


def test_no_more_is_read_than_it_takes(known: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "AT_ONCE", 2)
    assert ids(known) == ["c4", "c3", "c2", "c1", "c6", "c5"]
    asked: list[str] = []
    event.listen(known.engine, "before_cursor_execute", lambda *words: asked.append(words[2]))
    next(search_calls(known, CallSelection()))
    pages = [statement for statement in asked if "LIMIT" in statement]
    assert len(pages) == 1
    if known.engine.dialect.name != "sqlite":
        return
    with known.begin() as connection:
        plan = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {pages[0].replace('LIMIT ? OFFSET ?', 'LIMIT 2')}", ("s",)
        )
        assert any("ix_calls_source_started_at" in row[3] for row in plan)
