"""The three steps of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cloud9_archive.operators.base import PolicyOperator

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk.definitions.context import Context

    from cloud9_archive.pipeline.archive import ArchivedBatch


class BatchOperator(PolicyOperator):
    """
    A step of a batch.

    :param batch_id: id that ``apply_recording_rules`` returned (templated)
    """

    template_fields: Sequence[str] = ("batch_id", *PolicyOperator.template_fields)

    def __init__(self, *, batch_id: str, **kwargs: Any) -> None:  # noqa: ANN401 - BaseOperator's own arguments
        super().__init__(**kwargs)
        self.batch_id = batch_id


class Cloud9FetchRecordingsOperator(BatchOperator):
    """
    The batch's originals are in staging, or known to be absent.

    .. seealso:: :func:`cloud9_archive.pipeline.fetch_recordings.fetch_recordings`
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """Counts of what was fetched."""
        from cloud9_archive.pipeline.fetch_recordings import fetch_recordings

        del context
        with self.workspace() as workspace:
            return asdict(fetch_recordings(workspace, self.batch_id))


class Cloud9TranscodeOperator(BatchOperator):
    """
    Each original of the batch has its derivatives, or is quarantined with the reason.

    .. seealso:: :func:`cloud9_archive.pipeline.transcode.transcode`
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """Counts of what was transcoded."""
        from cloud9_archive.pipeline.transcode import transcode

        del context
        with self.workspace() as workspace:
            return asdict(transcode(workspace, self.batch_id))


class Cloud9ArchiveOperator(BatchOperator):
    """
    The batch's bag is sealed in the archive and proven by reading it back.

    .. seealso:: :func:`cloud9_archive.pipeline.archive.archive`
    """

    _archived: ArchivedBatch | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """The bag, and counts of what is in it."""
        from cloud9_archive.operators.figures import note_archived
        from cloud9_archive.pipeline.archive import archive

        del context
        with self.workspace() as workspace:
            archived = archive(workspace, self.batch_id)
        note_archived(self.policy, files=archived.created, size=archived.size if archived.created else 0)
        self._archived = archived
        return asdict(archived)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage | None:
        """What OpenLineage is told: the archive, and how much the batch's bag holds."""
        from cloud9_archive.lineage import archive_lineage

        del task_instance
        done = self._archived
        return done and archive_lineage(self.policy, rows=done.recordings, files=done.files, size=done.size)
