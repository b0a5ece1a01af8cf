from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud9_archive.domain.call import Call, Party, RecordingLink, Side, canonical_json, utc_text

MOMENTS = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)
TEXT = st.text(max_size=8)
MAYBE = st.none() | TEXT
CALLS = st.builds(
    Call,
    source=TEXT,
    call_id=TEXT,
    started_at=MOMENTS,
    ended_at=st.none() | MOMENTS,
    duration=st.none() | st.floats(0, 1e6),
    parties=st.lists(st.builds(Party, st.sampled_from(Side), login=MAYBE, firm=MAYBE), max_size=2).map(tuple),
    recordings=st.lists(
        st.builds(RecordingLink, TEXT, st.none() | st.floats(0, 1e6), st.none() | st.floats(0, 1e6), MAYBE), max_size=2
    ).map(tuple),
    button_label=MAYBE,
    raw=st.dictionaries(TEXT, st.none() | st.integers() | TEXT, max_size=3),
)


@given(CALLS)
def test_a_call_survives_its_document(call: Call) -> None:
    again = Call.from_document(json.loads(canonical_json(call.document())))
    assert again == call
    assert again.digest() == call.digest()


@given(CALLS, TEXT)
def test_the_digest_changes_with_anything_that_the_source_says(call: Call, text: str) -> None:
    other = replace(call, raw={**call.raw, "remark": text})
    assert (other.digest() == call.digest()) is (other == call)


@given(st.dictionaries(TEXT, st.integers(), max_size=5))
def test_canonical_json_does_not_depend_on_the_order_of_keys(document: dict[str, int]) -> None:
    assert canonical_json(document) == canonical_json(dict(reversed(document.items())))


@pytest.mark.parametrize("field", ["started_at", "ended_at"])
def test_times_without_a_zone_are_refused(field: str) -> None:
    moments = {"started_at": datetime(2026, 3, 3, tzinfo=UTC), field: datetime(2026, 3, 3)}  # noqa: DTZ001 - the fault
    with pytest.raises(ValueError, match=f"'x': {field} has no time zone"):
        Call("cloud9", "x", **moments)


def test_moments_are_written_in_utc() -> None:
    local = datetime(2026, 3, 3, 1, tzinfo=timezone(timedelta(hours=2)))
    assert utc_text(local) == "2026-03-02T23:00:00Z"
    assert utc_text(None) is None
