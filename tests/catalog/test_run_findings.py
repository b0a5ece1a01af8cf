"""What findings rest on in the catalog, on each database: amendments, spans that were listed, logins, a finding's life."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from cloud9_archive.catalog.amendments import amendments_told_by
from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.deciding import record_decisions
from cloud9_archive.catalog.findings import (
    Acceptance,
    accept_finding,
    healed_findings,
    note_findings,
    open_findings,
    open_subjects,
)
from cloud9_archive.catalog.lateness import late_calls, spans_of_day
from cloud9_archive.catalog.listing import record_calls
from cloud9_archive.catalog.listings import FinishedListing, finish_listing
from cloud9_archive.catalog.login_audio import Met, never_heard, note_logins
from cloud9_archive.catalog.runs import open_run
from cloud9_archive.catalog.tables import login_audio, policy_calls
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.decision import Decision, Outcome, Rule
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.run import CallRef, RunRef
from cloud9_archive.domain.window import Window

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CALL = Call("cloud9", "C1", NOW - timedelta(hours=3), raw={"a": 1})
REF = CallRef("cloud9", "C1")
EVERYTHING = Decision(Outcome.RECORD, Rule.RULES_OFF, "Rules are off.", (), None, "p1")


def lists(catalog: Catalog, run: RunRef, call: Call, *, now: datetime = NOW) -> None:
    """The run has listed and decided on the call."""
    open_run(catalog, run, policy_version="p1", policy_document={}, now=now)
    record_calls(catalog, run, [call], now=now)
    record_decisions(catalog, run, [(call, EVERYTHING)], deadline=timedelta(days=1), now=now)


def archived(catalog: Catalog, digest: str) -> None:
    with catalog.begin() as connection:
        connection.execute(update(policy_calls).values(archived_digest=digest, state="archived"))


def test_each_policy_that_has_an_amended_call_in_a_bag_tells_of_it_once(catalog: Catalog, run: RunRef) -> None:
    other = replace(run, policy="other")
    for each in (run, other):
        lists(catalog, each, CALL)
    amended = replace(CALL, raw={"a": 2})
    lists(catalog, run, amended)
    assert amendments_told_by(catalog, run, [REF]) == [], "it stands in no bag"
    archived(catalog, amended.digest())
    lists(catalog, replace(run, run_id="two"), replace(CALL, raw={"a": 3}))
    for first, second in ((replace(run, run_id="two"), run), (other, replace(other, run_id="two"))):
        (amendment,) = amendments_told_by(catalog, first, [REF])
        assert (amendment.ref, amendment.fields) == (REF, ("raw.a",))
        assert amendments_told_by(catalog, first, [REF]) == [amendment], "and it still does"
        assert amendments_told_by(catalog, second, [REF]) == []


def test_an_amendment_is_left_to_a_run_that_has_the_call(catalog: Catalog, run: RunRef) -> None:
    other = replace(run, policy="other")
    lists(catalog, other, CALL)
    archived(catalog, CALL.digest())
    lists(catalog, run, replace(CALL, raw={"a": 2}))
    assert amendments_told_by(catalog, other, []) == []
    assert len(amendments_told_by(catalog, replace(other, run_id="two"), [REF])) == 1


def listed(
    catalog: Catalog, run: RunRef, *, at: datetime, window: Window | None = None, source: str = "cloud9"
) -> None:
    finish_listing(catalog, run, FinishedListing(source, 1, 1, at, covered=window or run.window))


def late(catalog: Catalog, run: RunRef) -> list[CallRef]:
    return [call.ref for call in late_calls(catalog, run)]


def test_late_is_a_call_that_an_earlier_listing_of_the_policy_left_out(catalog: Catalog, run: RunRef) -> None:
    earlier = replace(run, run_id="earlier")
    for each in (replace(earlier, policy="other"), replace(earlier, run_id="of another source")):
        listed(catalog, each, at=NOW - MINUTE, source="cloud9" if each.policy == "other" else "elsewhere")
    lists(catalog, run, CALL)
    listed(catalog, run, at=NOW)
    assert late(catalog, run) == [], "nobody has listed this source for the policy before"
    listed(catalog, replace(run, run_id="at once"), at=NOW)
    assert late(catalog, run) == [], "it was not complete before"
    listed(catalog, earlier, at=NOW - MINUTE, window=Window(CALL.started_at + MINUTE, NOW))
    assert late(catalog, run) == [], "it was not asked for that time"
    listed(catalog, earlier, at=NOW - MINUTE, window=Window(CALL.started_at, NOW))
    assert late(catalog, run) == [REF]
    later = replace(run, run_id="later")
    lists(catalog, later, CALL, now=NOW + MINUTE)
    assert late(catalog, later) == [], "only the run that decided on it first tells"


def test_a_cleared_run_compares_with_its_own_first_listing_of_that_span(catalog: Catalog, run: RunRef) -> None:
    listed(catalog, run, at=NOW - 2 * MINUTE)
    lists(catalog, run, CALL)
    listed(catalog, run, at=NOW)
    assert late(catalog, run) == [REF]
    listed(catalog, run, at=NOW, window=run.window.widened(MINUTE))
    assert late(catalog, run) == [], "the span is another one, and so it is listed first"


def test_a_run_that_asked_for_single_calls_has_covered_nothing(catalog: Catalog, run: RunRef) -> None:
    finish_listing(catalog, run, FinishedListing("cloud9", 1, 1, NOW))
    assert spans_of_day(catalog, run.policy, "cloud9", run.window) == []
    listed(catalog, replace(run, run_id="two"), at=NOW)
    assert spans_of_day(catalog, run.policy, "cloud9", run.window) == [run.window]


def test_a_login_is_never_heard_until_it_is_and_what_is_met_again_counts_once(catalog: Catalog) -> None:
    calls = {str(number): NOW + number * MINUTE for number in range(12)}

    def met(login: str, what: Met, *, now: datetime = NOW) -> list[tuple[str, int]]:
        note_logins(catalog, "p", {("cloud9", login): what}, now=now)
        return [(each.login, len(each.calls)) for each in never_heard(catalog, "p", since=NOW)]

    for _ in range(2):
        assert met("x", Met(unheard=dict(list(calls.items())[:4]))) == [], "nobody of the source is heard"
    assert met("y", Met(heard_at=NOW)) == [("x", 4)]
    assert met("x", Met(unheard=calls)) == [("x", 10)]
    assert met("y", Met(unheard=calls)) == [("x", 10)], "one that was heard once is not never heard"
    assert never_heard(catalog, "p", since=NOW + MINUTE) == [], "nobody meets it any more"
    assert never_heard(catalog, "q", since=NOW) == []
    assert met("x", Met(heard_at=NOW)) == []
    with catalog.begin() as connection:
        assert set(connection.scalars(select(login_audio.c.unheard))) == {"{}"}, (
            "what says nothing any more is not kept"
        )


def test_a_finding_is_opened_seen_again_healed_and_opened_anew(catalog: Catalog, run: RunRef) -> None:
    finding = Finding("MEDIA_MISSING", "a/1", "words")

    def seen(run_id: str, minutes: int, *found: Finding) -> list[tuple[int, datetime, datetime | None]]:
        note_findings(catalog, replace(run, run_id=run_id), found, examined={"a/1"}, now=NOW + minutes * MINUTE)
        every = [*open_findings(catalog, run.policy), *healed_findings(catalog, run.policy)]
        return [(each.times_seen, each.opened_at, each.healed_at) for each in every]

    assert seen("one", 0, finding) == [(1, NOW, None)]
    assert seen("one", 1, finding) == [(1, NOW, None)]
    assert seen("two", 2, finding) == [(2, NOW, None)]
    assert open_subjects(catalog, run.policy, "MEDIA_MISSING") == ["a/1"]
    assert accept_finding(catalog, run.policy, "MEDIA_MISSING", "a/1", Acceptance("Jane", "known", NOW))
    assert seen("three", 3) == [(2, NOW, NOW + 3 * MINUTE)]
    assert open_subjects(catalog, run.policy, "MEDIA_MISSING") == []
    assert seen("four", 4, finding) == [(1, NOW + 4 * MINUTE, None)]
    assert open_findings(catalog, run.policy)[0].accepted is None
