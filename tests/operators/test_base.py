"""Which run a task belongs to: its kind, its window, and every refusal in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloud9_archive.domain.run import RunKind
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import ConfigurationError, PolicyError, WindowError
from cloud9_archive.operators import (
    Cloud9ApplyRecordingRulesOperator,
    Cloud9ArchiveOperator,
    Cloud9FetchCallsOperator,
    Cloud9FetchRecordingsOperator,
    Cloud9ReconcileOperator,
    Cloud9TranscodeOperator,
)
from cloud9_archive.operators.base import WindowOperator
from cloud9_archive.operators.calls import _is_true

MakeContext = Callable[..., Any]
GIVEN = {"window_start": "2025-03-01T09:00:00+01:00", "window_end": "2025-03-01T12:00:00+01:00"}


def rendered(context: Any, **fields: Any) -> WindowOperator:
    operator = Cloud9ApplyRecordingRulesOperator(task_id="apply_recording_rules", policy="emea_rates", **fields)
    operator.render_template_fields(context)
    return operator


@pytest.mark.parametrize(
    ("run_type", "kind"),
    [
        ("scheduled", RunKind.SCHEDULED),
        ("backfill", RunKind.BACKFILL),
        ("manual", RunKind.MANUAL),
        ("asset_triggered", RunKind.MANUAL),
        ("operator_triggered", RunKind.MANUAL),
    ],
)
def test_the_kind_of_a_run_is_airflows(context: MakeContext, run_type: str, kind: RunKind) -> None:
    made = context(run_type=run_type)
    run = rendered(made).run_of(made)
    assert (run.kind, run.policy, run.run_id) == (kind, "emea_rates", made["dag_run"].run_id)


def test_the_window_is_the_data_interval(context: MakeContext, day: datetime) -> None:
    made = context()
    assert rendered(made).run_of(made).window == Window(day, day + timedelta(days=1))


def test_params_come_before_the_data_interval(context: MakeContext) -> None:
    made = context(**GIVEN)
    wanted = Window(datetime(2025, 3, 1, 8, tzinfo=UTC), datetime(2025, 3, 1, 11, tzinfo=UTC))
    assert rendered(made).run_of(made).window == wanted


def test_params_serve_a_run_without_logical_date(context: MakeContext) -> None:
    made = context(interval=None, **GIVEN)
    assert rendered(made).run_of(made).window.start == datetime(2025, 3, 1, 8, tzinfo=UTC)


def test_an_operator_may_have_its_own_window(context: MakeContext) -> None:
    made = context()
    own = dict.fromkeys(GIVEN, "{{ dag_run.data_interval_start.replace(hour=%d).isoformat() }}")
    operator = rendered(made, window_start=own["window_start"] % 6, window_end=own["window_end"] % 9)
    assert str(operator.run_of(made).window) == "2025-03-04T06:00:00Z/2025-03-04T09:00:00Z"


def test_refusals_say_what_is_wrong_and_what_to_give(context: MakeContext, day: datetime) -> None:
    now = datetime.now(UTC)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"interval": None}, "the run has no data interval: it was triggered without a logical date – give the params"),
        ({"interval": (day, day)}, "the run's data interval is empty: it begins and ends at 2025-03-04T00:00:00+00:00"),
        ({"window_start": GIVEN["window_start"]}, "window_start is given without window_end – give the params"),
        ({"window_end": GIVEN["window_end"]}, "window_end is given without window_start – give the params"),
        ({"window_start": GIVEN["window_end"], "window_end": GIVEN["window_start"]}, "is empty – give a window_start"),
        ({"window_start": "yesterday", "window_end": "today"}, "window_start 'yesterday' is not a date and time"),
        ({"window_start": "2025-03-01T00:00", "window_end": "2025-03-02T00:00"}, "has no time zone – write it with"),
        ({"interval": (now - timedelta(hours=1), now + timedelta(hours=1))}, "is not over yet: calls until its end"),
    ]
    for given, words in cases:
        made = context(**given)
        with pytest.raises(WindowError) as caught:
            rendered(made).run_of(made)
        assert words in str(caught.value)
        assert caught.value.hint


@pytest.mark.usefixtures("settings_only")
def test_no_window_is_refused_before_anything_is_asked_or_written(context: MakeContext, tmp_path: Any) -> None:
    made = context(interval=None)
    for operator in (
        Cloud9FetchCallsOperator(task_id="fetch_calls", policy="emea_rates", source="cloud9_emea"),
        Cloud9ApplyRecordingRulesOperator(task_id="apply_recording_rules", policy="emea_rates"),
        Cloud9ReconcileOperator(task_id="reconcile", policy="emea_rates"),
    ):
        operator.render_template_fields(made)
        with pytest.raises(WindowError, match="without a logical date"):
            operator.execute(made)
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("settings_only")
def test_a_policy_that_is_gone_is_named(context: MakeContext) -> None:
    made = context()
    operator = Cloud9FetchCallsOperator(task_id="fetch_calls", policy="emea_fx", source="cloud9_emea")
    operator.render_template_fields(made)
    with pytest.raises(PolicyError, match=r"emea_fx\.yaml cannot be read"):
        operator.execute(made)


@pytest.mark.parametrize("kind", [Cloud9FetchRecordingsOperator, Cloud9TranscodeOperator, Cloud9ArchiveOperator])
def test_policy_and_batch_are_templated(context: MakeContext, kind: Any) -> None:
    operator = kind(task_id="step", policy="{{ params.region }}_rates", batch_id="{{ dag_run.dag_id }}-1")
    operator.render_template_fields(context(region="emea"))
    assert (operator.policy, operator.batch_id) == ("emea_rates", "emea_rates-1")


def test_source_and_window_are_templated(context: MakeContext) -> None:
    operator = Cloud9FetchCallsOperator(
        task_id="fetch_calls",
        policy="{{ dag_run.dag_id }}",
        source="cloud9_{{ params.region }}",
        window_start="{{ data_interval_start.date() }}",
        window_end=None,
    )
    operator.render_template_fields(context(region="emea"))
    assert (operator.policy, operator.source) == ("emea_rates", "cloud9_emea")
    assert (operator.window_start, operator.window_end) == ("2025-03-04", None)


def test_without_params_the_window_fields_render_to_nothing(context: MakeContext) -> None:
    made = context()
    operator = rendered({**made, "params": {}})
    assert (operator.window_start, operator.window_end) == ("", "")


@pytest.mark.parametrize(
    ("params", "wanted"),
    [({}, False), ({"redecide": False}, False), ({"redecide": True}, True), ({"redecide": None}, False)],
)
def test_decisions_stand_unless_the_param_says_otherwise(
    context: MakeContext, params: dict[str, object], *, wanted: bool
) -> None:
    operator = rendered(context(**params))
    assert isinstance(operator, Cloud9ApplyRecordingRulesOperator)
    assert _is_true(operator.redecide) is wanted


def test_what_is_neither_yes_nor_no_changes_no_decision() -> None:
    with pytest.raises(ConfigurationError, match="the param redecide is sometimes – give true or false"):
        _is_true("sometimes")
