from __future__ import annotations

import io
import json
import secrets
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from moto.server import ThreadedMotoServer
from postgres_server import fresh_database
from rosters import policy_with, roster_text

from cloud9_archive.errors import RosterError
from cloud9_archive.hooks.rosters import AirflowReach, _Told
from cloud9_archive.pipeline.roster_files import Origin, roster_from_bytes
from cloud9_archive.pipeline.roster_sources import load_roster_of

PEOPLE = "CREATE TABLE people (extension_type text, extension text, mode text)"


@pytest.fixture
def reach() -> AirflowReach:
    return AirflowReach()


@pytest.fixture
def sqlite_hr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "hr.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(PEOPLE)
        connection.execute("INSERT INTO people VALUES ('user_agent_id', 'a@firm.example', 'full')")
    connection.close()
    monkeypatch.setenv("AIRFLOW_CONN_HR_DB", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return path


@pytest.fixture
def postgres_hr(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with fresh_database() as address:
        parts = urlsplit(address)
        connection = {
            "conn_type": "postgres",
            "host": parts.hostname,
            "port": parts.port,
            "login": parts.username,
            "schema": parts.path.strip("/"),
        }
        monkeypatch.setenv("AIRFLOW_CONN_HR_DB", json.dumps(connection))
        yield address


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    # Airflow keeps a file system for each connection, so all tests of a session's connection need one server.
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    import boto3  # noqa: PLC0415 - slow to import

    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test-secret", "region_name": "eu-west-1"}
    s3 = boto3.client("s3", endpoint_url=s3_server, **keys)
    name = f"hr-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=name, Key="rosters/emea.csv", Body=b"extension_type,extension\n")
    connection = {
        "conn_type": "aws",
        "login": "test",
        "password": "test-secret",
        "extra": {"endpoint_url": s3_server, "region_name": "eu-west-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_HR_HERE", json.dumps(connection))
    return f"s3://aws_hr_here@{name}"


def test_a_query_over_sqlite_is_answered_and_changes_nothing(reach: AirflowReach, sqlite_hr: Path) -> None:
    with reach.query("SELECT extension_type, extension AS EXTENSION, mode FROM people", conn_id="hr_db") as answer:
        assert answer.names == ("extension_type", "extension", "mode")
        assert [tuple(row) for row in answer.rows] == [("user_agent_id", "a@firm.example", "full")]
    with pytest.raises(RosterError, match="readonly"), reach.query("DELETE FROM people", conn_id="hr_db"):
        pass
    with sqlite3.connect(sqlite_hr) as connection:
        assert connection.execute("SELECT count(*) FROM people").fetchone() == (1,)
    connection.close()


def test_a_query_over_postgres_is_answered_piece_by_piece(reach: AirflowReach, postgres_hr: str) -> None:
    sql = "SELECT 'user_agent_id' AS extension_type, 'login' || n AS \"Extension\" FROM generate_series(1, 2500) AS n"
    with reach.query(sql, conn_id="hr_db") as answer:
        assert answer.names == ("extension_type", "extension")
        rows = [tuple(row) for row in answer.rows]
    assert (len(rows), rows[-1]) == (2500, ("user_agent_id", "login2500"))


def test_an_answer_without_rows_still_has_its_names(reach: AirflowReach, postgres_hr: str) -> None:
    with reach.query("SELECT 1 AS extension WHERE false", conn_id="hr_db") as answer:
        assert (answer.names, list(answer.rows)) == (("extension",), [])


def test_postgres_itself_refuses_a_query_that_changes_something(reach: AirflowReach, postgres_hr: str) -> None:
    from sqlalchemy import create_engine, text  # noqa: PLC0415 - as in the bench

    engine = create_engine(postgres_hr)
    with engine.begin() as connection:
        connection.execute(text(PEOPLE))
        connection.execute(text("INSERT INTO people VALUES ('user_agent_id', 'a', 'full')"))
    sql = "WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone"
    with pytest.raises(RosterError, match="cannot be read"), reach.query(sql, conn_id="hr_db"):
        pass
    with engine.begin() as connection:
        connection.execute(text("CREATE SEQUENCE tickets"))
    sql = "SELECT nextval('tickets') AS extension"
    with pytest.raises(RosterError, match="read-only transaction"), reach.query(sql, conn_id="hr_db"):
        pass
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM people")).scalar() == 1
    engine.dispose()


def test_what_no_database_is_behind_is_told(reach: AirflowReach, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RosterError, match="over hr_gone cannot be read"), reach.query("SELECT 1", conn_id="hr_gone"):
        pass
    monkeypatch.setenv("AIRFLOW_CONN_WEB", json.dumps({"conn_type": "http", "host": "localhost"}))
    with pytest.raises(RosterError, match="'web' does not lead to a database"), reach.query("SELECT 1", conn_id="web"):
        pass
    closed = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "u", "password": "hunter2-hunter2"}
    monkeypatch.setenv("AIRFLOW_CONN_CLOSED", json.dumps(closed))
    with pytest.raises(RosterError) as caught, reach.query("SELECT 1", conn_id="closed"):
        pass
    assert "cannot be read: OperationalError" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_bytes_of_an_object_are_read_over_the_connection_in_its_address(reach: AirflowReach, bucket: str) -> None:
    with reach.open_url(f"{bucket}/rosters/emea.csv") as stream:
        assert stream.read() == b"extension_type,extension\n"


@pytest.mark.parametrize("place", ["rosters/gone.csv", "../emea.csv"])
def test_an_object_that_is_not_there_is_told(reach: AirflowReach, bucket: str, place: str) -> None:
    with (
        pytest.raises(RosterError, match="cannot be read: FileNotFoundError"),
        reach.open_url(f"{bucket}/{place}") as stream,
    ):
        stream.read()


def test_a_connection_that_is_not_defined_is_told_before_anything_is_asked(reach: AirflowReach) -> None:
    with (
        pytest.raises(RosterError, match=r"s3://aws_gone@bucket/emea\.csv cannot be read: AirflowNotFoundException"),
        reach.open_url("s3://aws_gone@bucket/emea.csv"),
    ):
        pass


def test_what_breaks_off_is_told_and_is_no_roster() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            begun = self.tell() > 0
            if begun:
                raise ConnectionResetError("reset by peer")
            return super().read(100)

    text = roster_text(*(f"user{number}" for number in range(100)))
    stream: Any = _Told(Broken(text.encode()), "s3://aws@bucket/emea.csv")
    with pytest.raises(RosterError, match="cannot be read: ConnectionResetError: reset by peer"):
        roster_from_bytes(stream, Origin("s3://aws@bucket/emea.csv"))


def test_a_file_is_read_by_its_address(reach: AirflowReach, tmp_path: Path) -> None:
    path = tmp_path / "emea.csv"
    path.write_bytes(b"bytes")
    with reach.open_url(path.as_uri()) as stream:
        assert stream.read(3) == b"byt"
    with pytest.raises(RosterError, match="FileNotFoundError"), reach.open_url(f"{path.as_uri()}x"):
        pass


def test_what_the_file_system_says_is_told_without_credentials(reach: AirflowReach) -> None:
    with pytest.raises(RosterError) as caught, reach.open_url("nowhere://user:hunter2@place/emea.csv"):
        pass
    assert "hunter2" not in str(caught.value)


def test_a_policy_has_its_roster_from_postgres(reach: AirflowReach, postgres_hr: str, tmp_path: Path) -> None:
    sql = (
        "SELECT 'user_agent_id' AS extension_type, 'trader' || n || '@firm.example' AS extension, n AS \"user\", "
        "'full' AS mode, DATE '2026-01-01' + n::int AS valid_from, NULL AS valid_to FROM generate_series(1, 3000) AS n"
    )
    roster = load_roster_of(policy_with({"sql": sql, "conn_id": "hr_db"}), include=tmp_path, reach=reach)
    assert roster is not None
    assert len(roster.extensions) == 3000
    (found,) = roster.matching("trader7@firm.example", datetime(2026, 1, 8, tzinfo=UTC))
    assert (found.user, found.valid_from) == ("7", date(2026, 1, 8))


def test_a_policy_has_its_roster_from_s3_and_faults_name_its_address(
    reach: AirflowReach, bucket: str, tmp_path: Path
) -> None:
    policy = policy_with(f"{bucket}/rosters/emea.csv")
    with pytest.raises(RosterError) as caught:
        load_roster_of(policy, include=tmp_path, reach=reach)
    assert str(caught.value).startswith(f"{bucket}/rosters/emea.csv:1: mode: found nothing: this column is wanted")
