"""Airflow operators: thin over the pipeline."""

from __future__ import annotations

from cloud9_archive.operators.batches import (
    Cloud9ArchiveOperator,
    Cloud9FetchRecordingsOperator,
    Cloud9TranscodeOperator,
)
from cloud9_archive.operators.calls import Cloud9ApplyRecordingRulesOperator, Cloud9FetchCallsOperator
from cloud9_archive.operators.day import Cloud9DayReportOperator
from cloud9_archive.operators.dispose import Cloud9DisposeOperator
from cloud9_archive.operators.look import Cloud9DailyLookOperator
from cloud9_archive.operators.reconcile import Cloud9ReconcileOperator
from cloud9_archive.operators.roster import Cloud9SyncRosterOperator
from cloud9_archive.operators.verify import Cloud9VerifyArchiveOperator

__all__ = [
    "Cloud9ApplyRecordingRulesOperator",
    "Cloud9ArchiveOperator",
    "Cloud9DailyLookOperator",
    "Cloud9DayReportOperator",
    "Cloud9DisposeOperator",
    "Cloud9FetchCallsOperator",
    "Cloud9FetchRecordingsOperator",
    "Cloud9ReconcileOperator",
    "Cloud9SyncRosterOperator",
    "Cloud9TranscodeOperator",
    "Cloud9VerifyArchiveOperator",
]
