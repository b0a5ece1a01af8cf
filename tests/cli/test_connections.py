from __future__ import annotations

import os
from pathlib import Path

import pytest

from cloud9_archive.cli.connections import client_of, source_of
from cloud9_archive.errors import ConnectionFieldError


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CLOUD9_X", "cloud9://key:the-secret@host.example:444/")
    source = source_of("cloud9_x")
    assert (source.host, source.port, source.api_key, source.api_secret) == ("host.example", 444, "key", "the-secret")
    with client_of("cloud9_x") as client:
        assert client.source == source


@pytest.mark.airflow
def test_the_metadata_database_is_read(airflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.models import Connection  # noqa: PLC0415 - needs the database
    from airflow.utils.session import create_session  # noqa: PLC0415 - as above

    parts = {"conn_type": "cloud9", "host": "kept.example", "login": "key", "password": "the-secret"}
    row = Connection("cloud9_kept", **parts)  # noqa: AIR311 - the row of the table, which the SDK has not
    with create_session() as session:
        session.add(row)
    try:
        assert source_of("cloud9_kept").api_secret == "the-secret"
        monkeypatch.setenv("AIRFLOW_CONN_CLOUD9_KEPT", "cloud9://key:another@host.example/")
        assert source_of("cloud9_kept").api_secret == "another"
    finally:
        with create_session() as session:
            session.delete(session.merge(row))


@pytest.mark.parametrize("before", [None, "client"])
def test_airflows_own_variable_is_as_it_was(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if before is None:
        monkeypatch.delenv("_AIRFLOW_PROCESS_CONTEXT", raising=False)
    else:
        monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", before)
    with pytest.raises(ConnectionFieldError, match="is not defined"):
        source_of("cloud9_nowhere")
    assert os.environ.get("_AIRFLOW_PROCESS_CONTEXT") == before


def test_a_name_that_is_no_name_is_shown_harmlessly() -> None:
    with pytest.raises(ConnectionFieldError) as caught:
        source_of("x\x1b[31m")
    assert "\x1b" not in str(caught.value)
