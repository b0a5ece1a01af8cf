"""Listing calls and deciding on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cloud9_archive.domain.words import shown
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.operators.base import WindowOperator

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


class Cloud9FetchCallsOperator(WindowOperator):
    """
    The calls that a source lists for the run's window are in the catalog.

    .. seealso:: :func:`cloud9_archive.pipeline.fetch_calls.fetch_calls`

    :param source: id of an Airflow connection of type ``cloud9`` (templated)
    """

    template_fields: Sequence[str] = ("source", *WindowOperator.template_fields)

    def __init__(self, *, source: str, **kwargs: Any) -> None:  # noqa: ANN401 - BaseOperator's own arguments
        super().__init__(**kwargs)
        self.source = source

    def execute(self, context: Context) -> dict[str, Any]:
        """Counts of what was listed."""
        from cloud9_archive.pipeline.fetch_calls import fetch_calls

        run = self.run_of(context)
        with self.workspace() as workspace:
            return asdict(fetch_calls(workspace, run, self.source))


class Cloud9ApplyRecordingRulesOperator(WindowOperator):
    """
    Every listed call is decided on, and what is to be recorded is in batches; returns the batches' ids.

    .. seealso:: :func:`cloud9_archive.pipeline.apply_recording_rules.apply_recording_rules`

    :param redecide: true: calls of the window whose decision another roster or policy made are decided on anew (templated)
    """

    template_fields: Sequence[str] = ("redecide", *WindowOperator.template_fields)

    def __init__(
        self,
        *,
        redecide: str | bool = "{{ params.get('redecide') or 'false' }}",
        **kwargs: Any,  # noqa: ANN401 - BaseOperator's own arguments
    ) -> None:
        super().__init__(**kwargs)
        self.redecide = redecide

    def execute(self, context: Context) -> list[str]:
        """Ids of the batches that this run holds."""
        from cloud9_archive.pipeline.apply_recording_rules import apply_recording_rules

        run = self.run_of(context)
        with self.workspace() as workspace:
            applied = apply_recording_rules(workspace, run, redecide=_is_true(self.redecide))
        counts = {
            "recorded": applied.recorded,
            "excluded": applied.excluded,
            "redecided": applied.redecided,
            "now_recorded": applied.now_recorded,
            "now_excluded": applied.now_excluded,
            **applied.rules,
        }
        context["ti"].xcom_push("decisions", counts)
        return list(applied.batch_ids)


def _is_true(redecide: str | bool) -> bool:  # noqa: FBT001 - a template gives text, a caller a truth value
    """
    What was asked for.

    :raises ConfigurationError: if it is neither true nor false; what is unclear changes no decision
    """
    word = str(redecide).strip().lower()
    if word not in ("true", "false"):
        raise ConfigurationError(
            f"the param redecide is {shown(word)}", subject="redecide", hint="give true or false; the default is false"
        )
    return word == "true"
