"""Several attempts at one batch: what fails because another attempt was faster is no failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from cloud9_archive.catalog.batches import Batch, is_sealed
from cloud9_archive.errors import CatalogError, TransientError
from cloud9_archive.pipeline.workspace import Workspace

log = structlog.get_logger(__name__)


@contextmanager
def unless_sealed(workspace: Workspace, batch: Batch) -> Iterator[None]:
    """
    What goes wrong in the block is raised, unless the batch's bag is sealed by now.

    Whoever seals a bag clears its staged files. An attempt that is still at work then – a task that was cleared
    while it ran – finds its files gone, and there is nothing left for it to do.
    """
    try:
        yield
    except (TransientError, CatalogError, FileNotFoundError):
        if not is_sealed(workspace.catalog, batch.batch_id):
            raise
        log.info("bag was sealed by another attempt meanwhile", batch=batch.batch_id)
