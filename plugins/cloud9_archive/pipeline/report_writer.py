"""Puts a run's report into the archive: JSON, both CSV files, and a page to read."""

from __future__ import annotations

from collections.abc import Mapping

from cloud9_archive.catalog.runs import RunRecord
from cloud9_archive.domain.keys import report_path
from cloud9_archive.pipeline.report import RunFacts, report_csv, report_json
from cloud9_archive.pipeline.report_filing import AUDIT, CSV, HTML, JSON, Draft, Filed, Frame, file_report
from cloud9_archive.pipeline.run_page import run_page
from cloud9_archive.pipeline.workspace import Workspace


def put_report(workspace: Workspace, record: RunRecord, facts: RunFacts) -> Filed:
    """A report with these facts is in the archive; see :func:`~cloud9_archive.pipeline.report_filing.file_report`."""
    run = record.run

    def key_of(number: int, extension: str) -> str:
        name = run.run_id if number == 1 else f"{run.run_id}.{number}"
        return report_path(run.policy, day=run.window.start.date(), run_id=name, extension=extension)

    def contents(frame: Frame) -> Mapping[str, bytes]:
        return {
            CSV: report_csv(facts),
            AUDIT: facts.audit_csv(),
            JSON: report_json(facts, frame),
            HTML: run_page(facts, frame),
        }

    # The page last: it shows what its JSON file says of the moment, which a later attempt reads there.
    draft = Draft(run.policy, run.run_id, facts.digest(), (CSV, AUDIT, JSON, HTML), key_of, contents)
    return file_report(workspace, draft, after=record.report_number)
