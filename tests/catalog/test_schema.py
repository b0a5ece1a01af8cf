"""The schema: what migrations make is what the tables say, once, whoever opens first."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import StatementError

from cloud9_archive.catalog.catalog import HEAD, Catalog, _readable, open_catalog
from cloud9_archive.catalog.history import decisions_on
from cloud9_archive.catalog.tables import bags, media, metadata, recordings, runs
from cloud9_archive.domain.run import CallRef
from cloud9_archive.errors import CatalogError
from cloud9_archive.pipeline.settings import Settings


def test_migrations_make_the_tables(catalog: Catalog) -> None:
    with catalog.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(files("cloud9_archive.catalog") / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_opening_twice_at_once_from_two_processes_makes_one_schema(url: str) -> None:
    program = "import sys; from cloud9_archive.catalog.catalog import open_catalog; open_catalog(sys.argv[1]).close()"
    children = [
        subprocess.Popen([sys.executable, "-c", program, url], stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for child in children:
        _, complaint = child.communicate(timeout=60)
        assert child.returncode == 0, complaint
    catalog = open_catalog(url)
    with catalog.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]
    catalog.close()


def test_a_newer_schema_is_refused(url: str) -> None:
    catalog = open_catalog(url)
    with catalog.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    catalog.close()
    with pytest.raises(CatalogError, match=r"'9999' is unknown to this version .* – install the version that wrote it"):
        open_catalog(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql+pymysql://u:secret@h/d"])
def test_other_databases_are_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(CatalogError, match="catalog cannot live in") as caught:
        open_catalog(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://u:p@s3cret@nowhere.invalid/d",
        "postgresql+psycopg://u:p@h:s3cret@nowhere.invalid/d",
        "postgresql+psycopg://u:p@h/s3cret@nowhere.invalid/d",
        "postgresql+psycopg://u:p@h?s3cret@nowhere.invalid/d",
        "postgresql+psycopg:/u:s3cret@nowhere.invalid/d",
        "mysql://u:p@s3cret@h/d",
    ],
)
def test_a_password_that_is_not_escaped_is_a_fault_of_the_url_that_does_not_quote_it(address: str) -> None:
    with pytest.raises(CatalogError) as caught:
        open_catalog(address)
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cret" not in str(error)
        error = error.__cause__ or error.__context__


def test_an_at_sign_that_is_escaped_is_the_passwords() -> None:
    assert _readable("postgresql+psycopg://u%40h:p%40ss@h/d").password == "p@ss"


def test_the_settings_do_not_show_the_catalogs_url(tmp_path: Path) -> None:
    assert "s3cret" not in repr(Settings(tmp_path, tmp_path, catalog_url="postgresql+psycopg://u:s3cret@h/d"))


def test_times_without_a_zone_are_refused(catalog: Catalog) -> None:
    naive = datetime(2026, 3, 3)  # noqa: DTZ001 - the fault that is tested
    with catalog.begin() as connection, pytest.raises(StatementError, match="aware datetimes only"):
        connection.execute(runs.select().where(runs.c.opened_at == naive))


def test_sqlite_survives_power_cuts_by_its_settings(tmp_path: Path) -> None:
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    with catalog.begin() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert found == ["wal", 2]
    catalog.close()


def test_only_opening_changes_the_journal_mode(tmp_path: Path) -> None:
    file = tmp_path / "catalog.sqlite"

    def mode(change: str = "") -> str:
        with closing(sqlite3.connect(file)) as connection:
            return str(connection.execute(f"PRAGMA journal_mode{change}").fetchone()[0])

    catalog = open_catalog(f"sqlite:///{file}")
    assert mode() == "wal"
    assert mode("=DELETE") == "delete"
    with catalog.begin() as connection:
        connection.execute(text("SELECT 1"))
    assert mode() == "delete", "a connection that works beside others leaves the mode alone"
    open_catalog(f"sqlite:///{file}")
    assert mode() == "wal"


def test_decisions_of_an_older_catalog_are_kept(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(files("cloud9_archive.catalog") / "migrations"))
    engine = create_engine(url)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO decisions (policy, source, call_id, outcome, rule, reason, users, policy_version, run_id, "
                "decided_at) VALUES ('p', 's', 'c', 'record', 'recorded_party', 'Why.', '[\"jane\"]', 'v', 'r', "
                "'2026-03-04 02:00:00')"
            )
        )
        connection.commit()
    engine.dispose()
    catalog = open_catalog(url)
    (made,) = decisions_on(catalog, "p", CallRef("s", "c"))
    assert (made.users, made.retention, made.reason) == (("jane",), None, "Why.")
    with catalog.begin() as connection:
        assert connection.execute(text("SELECT recorded_for, call_digest FROM decisions")).all() == [("[]", None)]
    catalog.close()


def test_derivatives_of_an_older_catalog_become_lists(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(files("cloud9_archive.catalog") / "migrations"))
    engine = create_engine(url)
    derivative = json.dumps({"profile": "opus_24k", "sha256": "0" * 64, "size": 9, "encoder": "av"}, sort_keys=True)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        connection.execute(
            text(
                "INSERT INTO recordings (source, recording_id, first_listed_at) VALUES ('s', :id, '2026-03-04 02:00:00')"
            ),
            [{"id": "a"}, {"id": "b"}],
        )
        connection.execute(
            text(
                "INSERT INTO media (policy, source, recording_id, state, deadline_at, derivative) "
                "VALUES ('p', 's', :id, 'transcoded', '2026-03-04 02:00:00', :derivative)"
            ),
            [{"id": "a", "derivative": derivative}, {"id": "b", "derivative": None}],
        )
        connection.commit()
    engine.dispose()
    catalog = open_catalog(url)
    with catalog.begin() as connection:
        rows = connection.execute(select(media).order_by(media.c.recording_id)).all()
    catalog.close()
    assert json.loads(rows[0].derivatives) == [
        {"file": "opus_24k.ogg", "part": "", "checks": None, "settings": None, **json.loads(derivative)}
    ]
    assert (rows[1].derivatives, rows[0].failed_derivatives, rows[0].waveform) == (None, None, None)


def test_a_bag_and_a_recording_may_have_more_than_two_gibibytes(catalog: Catalog) -> None:
    large = 3 * 1024**3
    at = datetime(2026, 3, 4, tzinfo=UTC)
    with catalog.begin() as connection:
        connection.execute(recordings.insert().values(source="s", recording_id="r", first_listed_at=at))
        held = {"policy": "p", "source": "s", "recording_id": "r", "state": "archived", "deadline_at": at}
        connection.execute(media.insert().values(**held, original_size=large))
        bag = {"bag_id": "b", "policy": "p", "run_id": "r", "prefix": "p/b", "seal_sha256": "0" * 64, "files": 1}
        connection.execute(bags.insert().values(**bag, size=large, sealed_at=at))
        found = connection.execute(select(media.c.original_size, bags.c.size).where(bags.c.bag_id == "b")).one()
    assert tuple(found) == (large, large)
