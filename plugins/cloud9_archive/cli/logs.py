"""Logs of a command: warnings only, and on stderr, so that stdout holds the result alone."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Until the block ends, warnings go to stderr, and nothing else is logged; Airflow would log to stdout."""
    root, structured = logging.getLogger(), structlog.get_config()
    handlers = root.handlers[:]
    # Without a handler, logging writes warnings to whatever stderr is at that moment: a progress bar may stand in for it.
    root.handlers.clear()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        processors=[structlog.processors.add_log_level, structlog.processors.KeyValueRenderer(key_order=["event"])],
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        root.handlers[:] = handlers
        structlog.configure(**structured)
