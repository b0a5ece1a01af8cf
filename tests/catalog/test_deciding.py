"""Decisions stand: whichever run decides first has decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.deciding import record_decisions, undecided
from cloud9_archive.catalog.listing import record_calls
from cloud9_archive.catalog.runs import open_run
from cloud9_archive.catalog.tables import decisions, events, policy_calls
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.decision import At, Decision, Outcome, RecordedUser, Rule
from cloud9_archive.domain.roster import ExtensionType
from cloud9_archive.domain.run import RunRef

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
CALL = Call("cloud9", "C1", NOW - timedelta(hours=3))
RECORD = Decision(
    Outcome.RECORD,
    Rule.RECORDED_PARTY,
    "Jane is recorded.",
    (RecordedUser("jane", ExtensionType.USER_AGENT_ID, "jane@firm.example", At.NEAR),),
    "r1",
    "p1",
)
EXCLUDE = Decision(Outcome.EXCLUDE, Rule.NO_RECORDED_PARTY, "Nobody is recorded.", (), "r2", "p1")


def test_the_second_of_two_runs_that_decide_at_once_changes_nothing(catalog: Catalog, run: RunRef) -> None:
    for each, decision in ((run, RECORD), (replace(run, run_id="two"), EXCLUDE)):
        open_run(catalog, each, policy_version="p1", policy_document={}, now=NOW)
        record_calls(catalog, each, [CALL], now=NOW)
        # Both have read that the call is undecided before either wrote.
        record_decisions(catalog, each, [(CALL, decision)], deadline=timedelta(days=1), now=NOW)
    with catalog.begin() as connection:
        assert connection.scalars(select(decisions.c.outcome)).all() == [Outcome.RECORD]
        assert connection.scalars(select(policy_calls.c.state)).all() == ["selected"]
        made = select(events.c.what).where(events.c.what == "call.decided")
        assert len(connection.scalars(made).all()) == 1
    assert undecided(catalog, run, limit=10) == []
