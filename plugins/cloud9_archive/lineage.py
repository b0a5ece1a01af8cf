"""What OpenLineage is told of a task: from which sources calls came, into which archive, and how many."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.keys import path_segment
from cloud9_archive.domain.s3_place import is_s3_target, parse_s3_target
from cloud9_archive.pipeline.policy_files import load_policy

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage


def archive_lineage(
    policy_name: str, *, sources: Collection[str] = (), rows: int = 0, files: int | None = None, size: int | None = None
) -> OperatorLineage | None:
    """
    The import sources as inputs, and the policy's folder in its archive as output; None if nobody listens.

    Nothing but names of connections and counts is told. OpenLineage is imported here alone: only its own provider, when it
    is installed, asks a task for this.

    :param rows: calls or recordings that the archive has by this task
    :param files: written to the archive, if that is known
    :param size: bytes of them
    """
    try:
        from airflow.providers.openlineage.extractors import OperatorLineage  # noqa: PLC0415 - may not be installed
        from openlineage.client.event_v2 import InputDataset, OutputDataset  # noqa: PLC0415 - as above
        from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics  # noqa: PLC0415 - as above
    except ImportError:
        return None
    counts = statistics.OutputStatisticsOutputDatasetFacet(rowCount=rows, size=size, fileCount=files)
    namespace, name = archive_dataset(policy_name)
    return OperatorLineage(
        inputs=[InputDataset(namespace=f"cloud9://{source}", name="calls") for source in sorted(sources)],
        outputs=[OutputDataset(namespace=namespace, name=name, outputFacets={"outputStatistics": counts})],
    )


def archive_dataset(policy_name: str) -> tuple[str, str]:
    """Namespace and name of the policy's folder in its archive, as OpenLineage names files and buckets."""
    settings = deployment_settings()
    policy = load_policy(settings.policies / f"{policy_name}.yaml")
    target, segment = policy.archive.target, path_segment(policy.policy)
    if is_s3_target(target):
        place = parse_s3_target(target)
        return f"s3://{place.bucket}", f"{place.prefix}/{segment}" if place.prefix else segment
    scheme, separator, _ = target.partition("://")
    folder = Path(unquote(urlsplit(target).path) if separator and scheme.lower() == "file" else target)
    return "file", str(settings.data_root / folder / segment)
