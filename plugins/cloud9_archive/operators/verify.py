"""An archive, verified on a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from cloud9_archive.deployment import deployment_settings
from cloud9_archive.errors import VerificationError

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

NAMED = 10
"""Findings that a failure names; the log has them all."""


class Cloud9VerifyArchiveOperator(BaseOperator):
    """
    The archive of some policies is as its seals and chains say; else this task fails and names what is not.

    .. seealso:: :func:`cloud9_archive.pipeline.verify_policies.verify_policies`

    :param policies: names of policies with one archive target (templated)
    :param sample: number of bags, or a share such as ``5%``, that a run reads (templated); by default all
    :param max_duration: such as ``2h``; no further bag is begun after it (templated)
    """

    template_fields: Sequence[str] = ("policies", "sample", "max_duration")
    ui_color = "#e3eef9"

    def __init__(
        self,
        *,
        policies: Sequence[str],
        sample: str | None = None,
        max_duration: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - BaseOperator's own arguments
    ) -> None:
        super().__init__(**kwargs)
        self.policies = policies
        self.sample = sample
        self.max_duration = max_duration

    def execute(self, context: Context) -> dict[str, Any]:
        """Counts and heads of what was verified."""
        from datetime import timedelta

        from cloud9_archive.domain.schedule import parse_duration
        from cloud9_archive.hooks.archives import archive_access
        from cloud9_archive.pipeline.policy_files import load_policy
        from cloud9_archive.pipeline.verify_codes import Severity
        from cloud9_archive.pipeline.verify_policies import verify_policies
        from cloud9_archive.pipeline.verify_scope import Scope, parse_sample

        settings = deployment_settings()
        scope = Scope(
            sample=parse_sample(self.sample) if self.sample else None,
            max_duration=parse_duration(self.max_duration) if self.max_duration else None,
            turn=context["dag_run"].run_after.toordinal() // timedelta(weeks=1).days,
        )
        found = [load_policy(settings.policies / f"{name}.yaml") for name in self.policies]
        report = verify_policies(found, settings, scope=scope, open_archive=archive_access)
        for finding in report.findings:
            self.log.log(40 if finding.severity is Severity.FAULT else 30, "%s", finding.line())
        self.log.info("%s", report.summary())
        if not report.ok:
            faults = [
                f"{each.code.value} {each.subject}" for each in report.findings if each.severity is Severity.FAULT
            ]
            more = f" and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
            raise VerificationError(
                f"the archive of {', '.join(self.policies)} has {len(faults)} faults: {', '.join(faults[:NAMED])}{more}",
                subject=found[0].archive.target,
                hint="change nothing in the archive; docs/archive-format.md says what to do about each code",
            )
        document = report.document()
        return {name: document[name] for name in ("bags", "unread", "files", "bytes", "links", "heads")}
