"""Ways from page to page, and what an API can do wrong on each: every one is noticed, and none ends as no calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from signed_peer import Answer, serve
from werkzeug import Request, Response
from wire_files import SHIPPED, content, written

from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.api.page_marks import PageMarks, read_marks
from cloud9_archive.api.paging import PageTrail
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.wire import read_wire_format
from cloud9_archive.api.wire_model import WireFormat
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import TransientError, WireFormatError

LISTING = "/v1.1/calls/metadata"
START = datetime(2026, 11, 22, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=1))
SIZE = 3

PAGE: dict[str, Any] = {"by": "page", "sent_as": "page", "size": SIZE, "size_sent_as": "size"}
OFFSET: dict[str, Any] = {"by": "offset", "sent_as": "skip", "size": SIZE, "size_sent_as": "size"}
TOKEN: dict[str, Any] = {"by": "token", "at": "next", "sent_as": "token", "first": ""}
LINK: dict[str, Any] = {"by": "link", "header": "Link"}

Open = Callable[[dict[str, Any], Answer], Cloud9Client]


def with_paging(folder: Path, paging: dict[str, Any]) -> WireFormat:
    own = content()
    own["listing"]["paging"] = paging
    return read_wire_format(written(folder, own))


@pytest.fixture
def opened(peer: HTTPServer, source: SourceSettings, tmp_path: Path) -> Iterator[Open]:
    clients: list[Cloud9Client] = []

    def make(paging: dict[str, Any], answer: Answer) -> Cloud9Client:
        serve(peer, {"/": answer})
        clients.append(Cloud9Client(source, wire=with_paging(tmp_path, paging), sleep=lambda _: None))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def many(row: dict[str, Any]) -> Callable[..., list[dict[str, Any]]]:
    return lambda *ids: [{**row, "callId": f"c-{number}"} for number in ids]


def listed(client: Cloud9Client) -> list[str]:
    return [call.call_id for page in client.list_calls(WINDOW) for call in page.calls]


def answered(rows: list[dict[str, Any]], **more: Any) -> Response:
    return Response(json.dumps({"calls": rows, **more}), content_type="application/json")


def names(*ids: int) -> list[str]:
    return [f"c-{number}" for number in ids]


def in_turn(*pages: Response | Answer) -> Answer:
    """Answers one after the other; asking beyond the last is an error of the client."""
    left = list(pages)

    def answer(request: Request) -> Response:
        page = left.pop(0)
        return page if isinstance(page, Response) else page(request)

    return answer


@pytest.mark.parametrize("paging", [PAGE, {**PAGE, "first": 0}, OFFSET])
def test_counted_pages_are_read_to_an_empty_one_and_then_once_more(
    opened: Open, peer: HTTPServer, many: Any, paging: dict[str, Any]
) -> None:
    rows = many(*range(7))

    def answer(request: Request) -> Response:
        asked = request.get_json()
        assert asked["size"] == SIZE
        skip = asked["skip"] if paging["by"] == "offset" else (asked["page"] - paging.get("first", 1)) * SIZE
        return answered(rows[skip : skip + SIZE])

    assert listed(opened(paging, answer)) == names(*range(7)) * 2
    assert len(peer.log) == 8


def test_a_single_page_that_is_not_full_is_not_read_again(opened: Open, peer: HTTPServer, many: Any) -> None:
    assert listed(opened(PAGE, in_turn(answered(many(1, 2)), answered([])))) == names(1, 2)
    assert len(peer.log) == 2


def test_no_calls_take_one_request(opened: Open, peer: HTTPServer) -> None:
    assert listed(opened(OFFSET, in_turn(answered([])))) == []
    assert len(peer.log) == 1


def test_an_answer_may_say_whether_there_is_another_page(opened: Open, peer: HTTPServer, many: Any) -> None:
    paging = {**PAGE, "more": "page < pages"}
    pages = [answered(many(1, 2, 3), page=1, pages=2), answered(many(4), page=2, pages=2)]
    assert listed(opened(paging, in_turn(*pages, *pages))) == names(1, 2, 3, 4) * 2
    assert len(peer.log) == 4


def test_one_answer_may_hold_everything(opened: Open, peer: HTTPServer, many: Any) -> None:
    assert listed(opened({"by": "none"}, in_turn(answered(many(1, 2))))) == names(1, 2)


def test_a_link_header_leads_on(opened: Open, peer: HTTPServer, many: Any) -> None:
    first = answered(many(1))
    first.headers["Link"] = f'<{LISTING}?page=1>; rel="first", <?page=2&x=%2F>; title="a, b"; rel="last next"'
    assert listed(opened(LINK, in_turn(first, answered(many(2))))) == names(1, 2)
    assert peer.log[1][0].environ["REQUEST_URI"] == f"{LISTING}?page=2&x=%2F"
    assert peer.log[1][0].get_json() == peer.log[0][0].get_json()


def test_a_call_taken_away_between_pages_hides_no_other(opened: Open, peer: HTTPServer, many: Any) -> None:
    """While page 2 is asked for, call 2 is gone, so call 4 has moved to page 1, which was read already."""
    first = [answered(many(1, 2, 3)), answered(many(5)), answered([])]
    later = [answered(many(1, 3, 4)), answered(many(5)), answered([])]
    got = listed(opened(PAGE, in_turn(*first, *later, *later)))
    assert set(got) == set(names(1, 2, 3, 4, 5))


def test_a_call_put_in_between_pages_comes_twice_and_does_no_harm(opened: Open, many: Any) -> None:
    first = [answered(many(1, 2, 3)), answered(many(3, 4)), answered([])]
    later = [answered(many(0, 1, 2)), answered(many(3, 4)), answered([])]
    assert set(listed(opened(PAGE, in_turn(*first, *later, *later)))) == set(names(0, 1, 2, 3, 4))


def test_calls_that_never_rest_are_told_as_such(opened: Open, peer: HTTPServer, many: Any) -> None:
    pages = [page for turn in range(9) for page in (answered(many(1, 2, 10 + turn)), answered([]))]
    with pytest.raises(TransientError, match="kept moving"):
        listed(opened(PAGE, in_turn(*pages)))
    assert len(peer.log) == 10


@pytest.mark.parametrize("paging", [PAGE, OFFSET])
def test_the_same_page_again_and_again_is_a_circle(
    opened: Open, peer: HTTPServer, many: Any, paging: dict[str, Any]
) -> None:
    """An API that does not know the parameter gives its first page for ever."""
    with pytest.raises(WireFormatError, match="the same 3 rows came again and again"):
        listed(opened(paging, lambda _: answered(many(1, 2, 3))))
    assert len(peer.log) == 5


@pytest.mark.parametrize("next_link", [LISTING, "?page=1"])
def test_a_link_that_leads_back_is_a_circle(opened: Open, many: Any, next_link: str) -> None:
    page = answered(many(1))
    page.headers["Link"] = f"<{next_link}>; rel=next"
    with pytest.raises(WireFormatError, match="the header Link repeats"):
        listed(opened(LINK, lambda _: page))


def test_a_page_that_shrinks_stops_the_run_and_says_what_to_change(opened: Open, many: Any) -> None:
    pages = [answered(many(1, 2, 3), next="b"), answered(many(4), next="c"), answered(many(5, 6))]
    with pytest.raises(WireFormatError) as caught:
        listed(opened(TOKEN, in_turn(*pages)))
    assert caught.value.subject == "page 2 of the listing"
    assert "holds 1 rows, though it is not the last and 3 belong on a page" in caught.value.message
    assert "full_pages: false" in (caught.value.hint or "")


@pytest.mark.parametrize("paging", [PAGE, OFFSET])
def test_a_counted_page_that_shrinks_is_noticed_by_the_next(opened: Open, many: Any, paging: dict[str, Any]) -> None:
    with pytest.raises(WireFormatError, match="page 2 of the listing holds 2 rows"):
        listed(opened(paging, in_turn(answered(many(1, 2, 3)), answered(many(4, 5)), answered(many(7)))))


def test_pages_may_shrink_where_the_format_says_so(opened: Open, many: Any) -> None:
    pages = [answered(many(1, 2, 3), next="b"), answered(many(4), next="c"), answered(many(5, 6))]
    assert listed(opened({**TOKEN, "full_pages": False}, in_turn(*pages))) == names(1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize("at", [{"at": "next"}, {"header": "Next"}])
def test_a_token_that_repeats_is_noticed(opened: Open, many: Any, at: dict[str, str]) -> None:
    paging = {"by": "token", "sent_as": "token", **at}
    numbers = iter(range(100))

    def answer(_: Request) -> Response:
        page = answered(many(next(numbers)), next="same")
        page.headers["Next"] = "same"
        return page

    with pytest.raises(WireFormatError, match="repeats"):
        listed(opened(paging, answer))


def test_a_first_token_that_comes_back_is_noticed(opened: Open, many: Any) -> None:
    with pytest.raises(WireFormatError, match="repeats"):
        listed(opened({**TOKEN, "first": "*"}, lambda _: answered(many(1), next="*")))


def test_calls_added_while_pages_are_read_are_no_fault(opened: Open, many: Any) -> None:
    pages = [answered(many(1, 2), next="b", count=3), answered(many(3, 4), count=5)]
    assert len(listed(opened({**TOKEN, "total": "count"}, in_turn(*pages)))) == 4


def test_a_row_that_comes_twice_does_not_stand_in_for_one_that_is_lost(opened: Open, many: Any) -> None:
    pages = [answered(many(1, 2), next="b", count=4), answered(many(2, 3), count=4)]
    with pytest.raises(WireFormatError, match="count says 4 rows, but 3 came"):
        listed(opened({**TOKEN, "total": "count"}, in_turn(*pages)))


@pytest.mark.parametrize("found", [None, "7", -1, True, 1.5, []])
def test_a_total_that_is_no_number_is_named(opened: Open, found: object) -> None:
    with pytest.raises(WireFormatError, match="count should be a number of rows"):
        listed(opened({**TOKEN, "total": "count"}, lambda _: answered([], count=found)))


@pytest.mark.parametrize("found", [None, "true", 1])
def test_a_word_about_more_pages_that_is_neither_true_nor_false_is_named(opened: Open, found: object) -> None:
    with pytest.raises(WireFormatError, match="more should be true or false"):
        listed(opened({**PAGE, "more": "more"}, lambda _: answered([], more=found)))


def test_an_offset_that_cannot_get_on_is_noticed(opened: Open, peer: HTTPServer) -> None:
    with pytest.raises(WireFormatError, match="promises more, but the page was empty"):
        listed(opened({**OFFSET, "more": "more"}, lambda _: answered([], more=True)))
    assert len(peer.log) == 1


def test_rows_outside_the_window_are_kept(opened: Open, row: dict[str, Any]) -> None:
    outside = {**row, "startTime": "2020-01-01 00:00:00"}
    assert listed(opened({"by": "none"}, in_turn(answered([outside])))) == ["c-1"]


def test_rows_of_one_call_on_one_page_give_all_its_recordings(opened: Open, row: dict[str, Any]) -> None:
    rows = [{**row, "recordings": [{"recordingId": f"r-{number}"}]} for number in range(3)]
    client = opened({"by": "none"}, in_turn(answered(rows)))
    (page,) = client.list_calls(WINDOW)
    assert [[link.recording_id for link in call.recordings] for call in page.calls] == [["r-0", "r-1", "r-2"]] * 3


def test_rows_of_one_call_on_two_pages_give_all_its_recordings_on_both(opened: Open, row: dict[str, Any]) -> None:
    rows = [{**row, "recordings": [{"recordingId": f"r-{number}"}]} for number in range(2 * SIZE)]
    one_pass = (answered(rows[:SIZE]), answered(rows[SIZE:]), answered([]))
    client = opened(OFFSET, in_turn(*one_pass, *one_pass))
    pages = client.list_calls(WINDOW)
    told = [[link.recording_id for link in call.recordings] for page in pages for call in page.calls]
    assert told == [[f"r-{number}" for number in range(2 * SIZE)]] * 4 * SIZE


# What a page that was listed can look like, for any sequence of pages: sizes, and whether another one follows.
sizes = st.lists(st.integers(0, 5), min_size=1, max_size=8)


@settings(deadline=None)
@given(sizes)
def test_a_trail_of_tokens_ends_at_its_last_page_or_names_the_page_that_shrank(rows: list[int]) -> None:
    wire = read_wire_format(SHIPPED)
    trail = PageTrail(wire, wire.listing.paging, base="https://host/path")
    shrunk = next((n for n in range(1, len(rows) - 1) if rows[n] < max(rows[:n])), None)
    grown = next((n for n in range(1, len(rows)) if rows[n] > min(rows[:n])), None)
    for number, size in enumerate(rows):
        ids = tuple(f"{number}-{each}" for each in range(size))
        lead = None if number == len(rows) - 1 else f"t{number}"
        marks = PageMarks(ids, tuple(one.encode() for one in ids), lead)
        if number in (shrunk, grown):
            named = number if number == shrunk else rows.index(min(rows[:number]))
            with pytest.raises(WireFormatError, match=f"page {named + 1} of the listing"):
                trail.follow(marks)
            return
        trail.follow(marks)
    assert trail.step is None


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_link_header_crashes(header: str) -> None:
    own = content()
    own["listing"]["paging"] = LINK
    wire = WireFormat.model_validate({**own, "origin": SHIPPED})
    lead = read_marks(wire, wire.listing.paging, {}, {"Link": header}, ids=(), rows=()).lead
    assert lead is None or lead in header
