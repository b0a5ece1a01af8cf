"""The command line over a deployment: settings and connections from the environment, an emulated Cloud9 behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.cli import app
from cloud9_archive.cli.connections import source_of
from cloud9_archive.pipeline.workspace import OpenSource

Command = Callable[..., Result]


@pytest.fixture
def command() -> Command:
    """Carries out ``cloud9-archive`` with these words; an error that is not ours fails the test."""

    def carry_out(*words: object) -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return carry_out


@pytest.fixture
def firm(deployment: Any) -> Iterator[Any]:
    """The deployment, with the emulator as it was afterwards."""
    yield deployment
    deployment.cloud9.admin.clear_faults()
    deployment.cloud9.admin.allow("emea", "127.0.0.0/8", "::1/128")


@pytest.fixture
def hours(day: datetime) -> tuple[str, str]:
    """Some busy hours of the day, as the options take them."""
    return (day + timedelta(hours=8)).isoformat(), (day + timedelta(hours=12)).isoformat()


@pytest.fixture
def impatient() -> OpenSource:
    """Opens a client that waits neither between its own attempts nor for others' turns."""
    return lambda conn_id, limiter: Cloud9Client(source_of(conn_id), sleep=lambda _: None)
