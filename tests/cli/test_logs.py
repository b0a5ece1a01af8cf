from __future__ import annotations

import logging

import pytest
import structlog

from cloud9_archive.cli.logs import quiet_logs


def test_logs_are_quiet_and_on_stderr_and_then_as_they_were(capsys: pytest.CaptureFixture[str]) -> None:
    before, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    with quiet_logs():
        structlog.get_logger("x").info("unheard")
        structlog.get_logger("x").warning("heard", subject="s")
        logging.getLogger("alembic.runtime.migration").info("unheard too")
        logging.getLogger("cloud9_archive.api").warning("heard as well")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == ["event='heard' subject='s' level='warning'", "heard as well"]
    assert structlog.get_config() == before
    assert logging.getLogger().handlers == handlers
