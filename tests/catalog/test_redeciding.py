"""Deciding anew: append-only, once, and with what follows for calls and recordings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from cloud9_archive.catalog.batches import read_batch
from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.deciding import record_decisions
from cloud9_archive.catalog.forming import form_batches
from cloud9_archive.catalog.history import calls_named, calls_within, decisions_on
from cloud9_archive.catalog.listing import record_calls
from cloud9_archive.catalog.redeciding import Redecided, outdated, replace_decisions
from cloud9_archive.catalog.runs import open_run
from cloud9_archive.catalog.tables import batches, decisions, events, media, policy_calls
from cloud9_archive.domain.accounting import BatchState, CallState, MediaState
from cloud9_archive.domain.call import Call, RecordingLink
from cloud9_archive.domain.decision import At, Decision, Outcome, RecordedUser, Rule
from cloud9_archive.domain.retention import Retention, parse_retention
from cloud9_archive.domain.roster import ExtensionType
from cloud9_archive.domain.run import CallRef, RecordingRef, RunRef
from cloud9_archive.domain.window import Window

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
LEASE = timedelta(hours=6)
JANE = RecordedUser("jane", ExtensionType.USER_AGENT_ID, "jane@firm.example", At.NEAR)
RECORD = Decision(Outcome.RECORD, Rule.RECORDED_PARTY, "Jane is recorded.", (JANE,), "r1", "p1")
EXCLUDE = Decision(Outcome.EXCLUDE, Rule.NO_RECORDED_PARTY, "Nobody is recorded.", (), "r1", "p1")


def call_of(call_id: str, *recordings: str) -> Call:
    links = tuple(RecordingLink(each) for each in recordings)
    return Call("cloud9", call_id, NOW - timedelta(hours=3), recordings=links)


def decided(catalog: Catalog, run: RunRef, *pairs: tuple[Call, Decision]) -> None:
    open_run(catalog, run, policy_version="p1", policy_document={}, now=NOW)
    record_calls(catalog, run, [call for call, _ in pairs], now=NOW)
    record_decisions(catalog, run, pairs, deadline=timedelta(days=1), now=NOW)


def formed(catalog: Catalog, run: RunRef) -> list[str]:
    return form_batches(catalog, run, max_recordings=10, lease=LEASE, now=NOW)


def again(catalog: Catalog, run: RunRef, decision: Decision, *, now: datetime = NOW) -> Redecided:
    """Everything that is out of date for the decision's versions is decided so."""
    new = replace(decision, roster_version="r2")
    old = outdated(catalog, run, policy_version="p1", roster_version="r2", after=None, limit=100)
    return replace_decisions(catalog, run, [(each, new) for each in old], now=now)


def states(catalog: Catalog) -> tuple[dict[str, str], dict[str, str]]:
    with catalog.begin() as connection:
        of_calls = connection.execute(select(policy_calls.c.call_id, policy_calls.c.state)).all()
        of_media = connection.execute(select(media.c.recording_id, media.c.state)).all()
    return {row[0]: row[1] for row in of_calls}, {row[0]: row[1] for row in of_media}


def archived(catalog: Catalog, call: Call, *recordings: str) -> None:
    """The call and its recordings are as after their bag was sealed."""
    with catalog.begin() as connection:
        row = {"state": CallState.ARCHIVED, "bag_id": "B", "archived_digest": call.digest(), "batch_id": None}
        connection.execute(update(policy_calls).where(policy_calls.c.call_id == call.call_id).values(row))
        where = media.c.recording_id.in_(recordings)
        connection.execute(update(media).where(where).values(state=MediaState.ARCHIVED, bag_id="B", batch_id=None))


def row_of(catalog: Catalog, call_id: str) -> Any:
    with catalog.begin() as connection:
        return connection.execute(select(policy_calls).where(policy_calls.c.call_id == call_id)).one()


def test_decisions_of_the_same_versions_are_left_alone(catalog: Catalog, run: RunRef) -> None:
    decided(catalog, run, (call_of("C1"), RECORD))
    assert outdated(catalog, run, policy_version="p1", roster_version="r1", after=None, limit=9) == []


def test_a_new_decision_is_added_once_and_names_the_one_that_it_replaces(catalog: Catalog, run: RunRef) -> None:
    decided(catalog, run, (call_of("C1", "R1"), EXCLUDE))
    assert again(catalog, run, RECORD) == Redecided(decided=1, now_recorded=1)
    assert again(catalog, run, RECORD) == Redecided()
    made = decisions_on(catalog, run.policy, CallRef("cloud9", "C1"))
    assert [(each.outcome, each.roster_version) for each in made] == [("exclude", "r1"), ("record", "r2")]
    with catalog.begin() as connection:
        assert connection.scalars(select(decisions.c.replaces).order_by(decisions.c.decision_id)).all() == [
            None,
            made[0].decision_id,
        ]
        told = connection.execute(select(events.c.before, events.c.after).where(events.c.what == "call.redecided"))
        assert told.all() == [("exclude no_recorded_party", "record recorded_party")]
    assert states(catalog)[0] == {"C1": "selected"}
    assert len(formed(catalog, run)) == 1
    assert states(catalog)[1] == {"R1": "wanted"}


def test_rules_that_were_off_count_as_another_roster(catalog: Catalog, run: RunRef) -> None:
    off = Decision(Outcome.RECORD, Rule.RULES_OFF, "Rules are off.", (), None, "p1")
    decided(catalog, run, (call_of("C1"), off))
    assert len(outdated(catalog, run, policy_version="p1", roster_version="r1", after=None, limit=9)) == 1
    assert outdated(catalog, run, policy_version="p1", roster_version=None, after=None, limit=9) == []


def test_a_call_that_its_source_amended_is_out_of_date(catalog: Catalog, run: RunRef) -> None:
    decided(catalog, run, (call_of("C1", "R1"), RECORD))
    record_calls(catalog, run, [call_of("C1", "R1", "R2")], now=NOW)
    assert len(outdated(catalog, run, policy_version="p1", roster_version="r1", after=None, limit=9)) == 1


def test_pages_follow_each_other_without_gap(catalog: Catalog, run: RunRef) -> None:
    ids = ["b", "a\x00", "é", "a", "Z"]
    decided(catalog, run, *((call_of(each), RECORD) for each in ids))
    found: list[str] = []
    last = None
    while page := outdated(catalog, run, policy_version="p2", roster_version="r1", after=last, limit=2):
        last = page[-1].ref
        found += [each.ref.call_id for each in page]
    assert sorted(found) == sorted(ids)


def test_what_was_to_be_fetched_for_an_excluded_call_alone_is_not_wanted_any_more(
    catalog: Catalog, run: RunRef
) -> None:
    alone, sharing = call_of("C1", "R1", "R2"), call_of("C2", "R2")
    decided(catalog, run, (alone, RECORD), (sharing, RECORD))
    (batch_id,) = formed(catalog, run)
    with catalog.begin() as connection:
        connection.execute(update(media).values(state=MediaState.FETCHED))
    old = outdated(catalog, run, policy_version="p2", roster_version="r1", after=None, limit=9)
    new = replace(EXCLUDE, policy_version="p2")
    outcome = replace_decisions(catalog, run, [(old[0], new)], now=NOW)
    assert outcome == Redecided(1, now_excluded=1, unwanted=(RecordingRef("cloud9", "R1"),))
    assert states(catalog) == ({"C1": "excluded", "C2": "selected"}, {"R2": "fetched"})
    assert row_of(catalog, "C1").batch_id is None
    assert formed(catalog, run) == [batch_id]


def test_what_is_archived_stays_and_the_call_is_excluded_from_now_on(catalog: Catalog, run: RunRef) -> None:
    call = call_of("C1", "R1")
    decided(catalog, run, (call, RECORD))
    formed(catalog, run)
    archived(catalog, call, "R1")
    assert again(catalog, run, EXCLUDE) == Redecided(1, now_excluded=1)
    assert states(catalog) == ({"C1": "excluded"}, {"R1": "archived"})
    assert row_of(catalog, "C1").bag_id == "B"
    record_calls(catalog, run, [call_of("C1", "R1", "R9")], now=NOW)
    formed(catalog, run)
    assert states(catalog) == ({"C1": "excluded"}, {"R1": "archived"}), "an amendment brings nothing back"


@pytest.mark.parametrize(
    ("new", "documented_anew"),
    [
        (RECORD, False),
        (replace(RECORD, reason="Otherwise said."), False),
        (replace(RECORD, recorded_for=(JANE, replace(JANE, user="john"))), True),
        (replace(RECORD, retention=parse_retention("7y")), True),
        (replace(RECORD, rule=Rule.SECTION_RECORDS, section="s"), True),
        (replace(RECORD, profile="flac"), True),
    ],
)
def test_an_archived_call_is_documented_anew_when_its_decision_says_something_else(
    catalog: Catalog, run: RunRef, new: Decision, *, documented_anew: bool
) -> None:
    call = call_of("C1", "R1")
    decided(catalog, run, (call, RECORD))
    formed(catalog, run)
    archived(catalog, call, "R1")
    assert again(catalog, run, new) == Redecided(1)
    assert (row_of(catalog, "C1").state == "selected") is documented_anew
    with catalog.begin() as connection:
        connection.execute(update(batches).values(state=BatchState.SEALED))
    assert bool(formed(catalog, run)) is documented_anew
    assert states(catalog)[1] == {"R1": "archived"}


@pytest.mark.parametrize("profile", ["flac", None])
def test_an_archived_call_is_documented_anew_when_its_section_asks_for_no_profile_any_more(
    catalog: Catalog, run: RunRef, profile: str | None
) -> None:
    call = call_of("C1", "R1")
    decided(catalog, run, (call, replace(RECORD, profile="flac")))
    formed(catalog, run)
    archived(catalog, call, "R1")
    assert again(catalog, run, replace(RECORD, profile=profile)) == Redecided(1)
    assert (row_of(catalog, "C1").state == "selected") is (profile is None)


@pytest.mark.parametrize("case", ["another's", "sealing"])
def test_what_a_batch_holds_is_left_alone_and_named(catalog: Catalog, run: RunRef, case: str) -> None:
    decided(catalog, run, (call_of("C1", "R1"), RECORD))
    formed(catalog, run)
    change = {"run_id": "another"} if case == "another's" else {"state": BatchState.SEALING}
    with catalog.begin() as connection:
        connection.execute(update(batches).values(change))
    assert again(catalog, run, EXCLUDE) == Redecided(held=(CallRef("cloud9", "C1"),))
    assert states(catalog) == ({"C1": "selected"}, {"R1": "wanted"})
    assert len(decisions_on(catalog, run.policy, CallRef("cloud9", "C1"))) == 1
    if case == "another's":
        assert again(catalog, run, EXCLUDE, now=NOW + LEASE).now_excluded == 1


def test_the_second_of_two_runs_that_decide_anew_at_once_changes_nothing(catalog: Catalog, run: RunRef) -> None:
    decided(catalog, run, (call_of("C1"), RECORD))
    old = outdated(catalog, run, policy_version="p1", roster_version="r2", after=None, limit=9)
    for decision, count in ((replace(EXCLUDE, roster_version="r2"), 1), (replace(RECORD, roster_version="r3"), 0)):
        assert replace_decisions(catalog, run, [(old[0], decision)], now=NOW).decided == count
    assert states(catalog)[0] == {"C1": "excluded"}


def test_history_is_read_by_id_and_by_window(catalog: Catalog, run: RunRef) -> None:
    other = replace(call_of("C1"), source="elsewhere")
    decided(catalog, run, (call_of("C1"), RECORD), (call_of("C2"), EXCLUDE))
    record_calls(catalog, run, [other, call_of("C3")], now=NOW)
    assert [call.source for call in calls_named(catalog, "C1")] == ["cloud9", "elsewhere"]
    assert calls_named(catalog, "C1", source="elsewhere") == [other]
    assert calls_named(catalog, "none") == []
    window = Window(NOW - timedelta(hours=3), NOW)
    found = list(calls_within(catalog, run.policy, ["cloud9"], window))
    assert [(each.call.call_id, each.state, each.standing and each.standing.users) for each in found] == [
        ("C1", "selected", ("jane",)),
        ("C2", "excluded", ()),
        ("C3", None, None),
    ]
    assert list(calls_within(catalog, run.policy, ["cloud9"], Window(NOW - timedelta(hours=2), NOW))) == []


def test_history_is_read_in_pages(catalog: Catalog, run: RunRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud9_archive.catalog.history.AT_ONCE", 2)
    decided(catalog, run, *((call_of(f"C{number}"), RECORD) for number in range(4)))
    window = Window(NOW - timedelta(days=1), NOW)
    found = [each.call.call_id for each in calls_within(catalog, run.policy, ["cloud9"], window)]
    assert found == ["C0", "C1", "C2", "C3"]


def test_a_shared_recording_is_kept_as_long_as_the_longest_of_its_calls(catalog: Catalog, run: RunRef) -> None:
    short, long, none = call_of("C1", "R1"), call_of("C2", "R1"), call_of("C3", "R2")
    kept = [replace(RECORD, retention=parse_retention(each)) for each in ("400d", "1y")]
    decided(catalog, run, (short, kept[0]), (long, kept[1]), (none, RECORD))
    formed_ids = formed(catalog, run)

    def ends(retention: Retention | None) -> list[tuple[dict[str, datetime | None], list[datetime | None]]]:
        batches = [read_batch(catalog, each, lease=LEASE, now=NOW, retention=retention) for each in formed_ids]
        kept = [
            ({each.ref.recording_id: each.retain_until for each in batch.recordings}, batch.calls) for batch in batches
        ]
        return sorted(
            ((ends, [call.retain_until for call in calls]) for ends, calls in kept), key=lambda each: str(each[0])
        )

    end, start = short.started_at + timedelta(days=400), none.started_at
    own = [end, long.started_at + timedelta(days=365)]
    assert ends(None) == [({"R1": end}, own), ({"R2": None}, [None])], "what expires apart is in bags apart"
    assert ends(parse_retention("380d")) == [
        ({"R1": end}, [end, long.started_at + timedelta(days=380)]),
        ({"R2": start + timedelta(days=380)}, [start + timedelta(days=380)]),
    ]
    batch = next(
        b for b in (read_batch(catalog, each, lease=LEASE, now=NOW) for each in formed_ids) if len(b.calls) > 1
    )
    assert [call.decision["retention"] for call in batch.calls] == ["400d", "1y"]
    assert batch.calls[0].decision["recorded_for"] == [JANE.document()]
