"""Any text comes back as it was, from any database."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.listing import record_calls
from cloud9_archive.catalog.runs import open_run
from cloud9_archive.catalog.tables import call_recordings, calls
from cloud9_archive.catalog.text_type import original_form, stored_form
from cloud9_archive.domain.call import Call, RecordingLink
from cloud9_archive.domain.run import RunRef

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()) | st.sampled_from("\x00\x100a\ud800"))


@given(ANY_TEXT)
def test_what_is_stored_can_be_read_back(text: str) -> None:
    stored = stored_form(text)
    assert original_form(stored) == text
    assert "\x00" not in stored
    stored.encode()


@given(ANY_TEXT, ANY_TEXT)
def test_different_texts_are_stored_differently(one: str, two: str) -> None:
    assert (stored_form(one) == stored_form(two)) is (one == two)


@given(st.text())
def test_ordinary_text_is_stored_as_it_is(text: str) -> None:
    if "\x00" not in text and "\x10" not in text:
        assert stored_form(text) == text


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.sampled_from("a\x00\x10é😀'"), min_size=1, max_size=5), min_size=1, max_size=5, unique=True))
def test_ids_with_nul_are_ids_like_any_other(catalog: Catalog, run: RunRef, ids: list[str]) -> None:
    open_run(catalog, run, policy_version="v", policy_document={}, now=NOW)
    listed = [Call("cloud9", each, NOW, recordings=(RecordingLink(each, filename=each),)) for each in ids]
    record_calls(catalog, run, listed, now=NOW)
    assert record_calls(catalog, run, listed, now=NOW).new == 0
    with catalog.begin() as connection:
        assert set(ids) <= set(connection.scalars(calls.select().with_only_columns(calls.c.call_id)))
        pairs = connection.execute(
            call_recordings.select().with_only_columns(call_recordings.c.call_id, call_recordings.c.recording_id)
        )
        assert all(call_id == recording_id for call_id, recording_id in pairs)
