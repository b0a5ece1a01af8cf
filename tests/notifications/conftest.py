"""A webhook on loopback, with what it was sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> Callable[[], list[dict[str, Any]]]:
    """What the webhook was sent so far; its connection is ``ops_hook``."""
    connection = {
        "conn_type": "http",
        "schema": "http",
        "host": "127.0.0.1",
        "port": httpserver.port,
        "extra": {"Authorization": "Bearer canary-of-the-webhook"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_OPS_HOOK", json.dumps(connection))
    return lambda: [json.loads(request.get_data()) for request, _ in httpserver.log]
