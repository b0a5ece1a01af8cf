"""Ledgers in the catalog: nothing is lost when several write, nothing is left of a change that failed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import event, select

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.rates import FORGOTTEN_AFTER, CatalogLedgers
from cloud9_archive.catalog.tables import rate_buckets

NOW = 1_770_000_000.25
ADD_ONE = """
import sys
from cloud9_archive.catalog.catalog import open_catalog
from cloud9_archive.catalog.rates import CatalogLedgers
ledgers = CatalogLedgers(open_catalog(sys.argv[1]))
for _ in range(50):
    ledgers.change("a", lambda text, now: (f"{int(text or 0) + 1}", None))
"""


def read(ledgers: CatalogLedgers, name: str = "a") -> str:
    return ledgers.change(name, lambda text, now: (text, text))


def test_a_ledger_is_what_was_made_of_it(catalog: Catalog) -> None:
    ledgers = CatalogLedgers(catalog)
    assert ledgers.change("a", lambda text, now: (f"{text}one", 17)) == 17
    ledgers.change("a", lambda text, now: (f"{text} two", None))
    assert (read(ledgers), read(ledgers, "b")) == ("one two", "")


def test_what_a_change_raises_leaves_the_ledger_as_it_was(catalog: Catalog) -> None:
    ledgers = CatalogLedgers(catalog)
    ledgers.change("a", lambda text, now: ("one", None))

    def fail(text: str, now: int) -> Any:
        raise ValueError(text)

    for name, known in (("a", "one"), ("b", "")):
        with pytest.raises(ValueError, match=f"^{known}$"):
            ledgers.change(name, fail)
        assert read(ledgers, name) == known


def test_processes_that_change_a_ledger_at_once_take_turns(catalog: Catalog, url: str) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", ADD_ONE, url], stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for child in children:
        _, complaint = child.communicate(timeout=120)
        assert child.returncode == 0, complaint
    assert read(CatalogLedgers(catalog)) == "200"


def test_hosts_share_the_databases_clock_and_one_host_has_its_own(catalog: Catalog) -> None:
    ledgers = CatalogLedgers(catalog, wall_clock=lambda: NOW)
    seen = [ledgers.change(name, lambda text, now: (text, now)) for name in ("a", "b", "a")]
    if catalog.engine.dialect.name == "sqlite":
        assert seen == [1_770_000_000_250] * 3
    else:
        assert seen == sorted(seen)
        assert seen[0] > 1_770_000_000_250, "this host's clock was not asked"


def test_the_moment_is_that_at_which_the_ledger_was_locked(catalog: Catalog) -> None:
    ledgers = CatalogLedgers(catalog)
    order: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        order.append("clock" if "clock_timestamp" in statement else statement.split(maxsplit=1)[0].lower())

    read(ledgers)
    event.listen(catalog.engine, "before_cursor_execute", note)
    CatalogLedgers(catalog, wall_clock=lambda: float(order.append("clock") or NOW)).change(
        "a", lambda text, now: ("", order.append("change"))
    )
    event.remove(catalog.engine, "before_cursor_execute", note)
    assert [step for step in order if step != "begin"] == ["select", "clock", "change"], (
        "and what did not change is not written"
    )


def test_buckets_that_nobody_uses_any_more_are_forgotten(catalog: Catalog) -> None:
    if catalog.engine.dialect.name != "sqlite":
        pytest.skip("the database's clock cannot be set")
    later = FORGOTTEN_AFTER.total_seconds() + 1
    for name, at in (("old", NOW), ("used", NOW), ("used", NOW + later / 2), ("new", NOW + later)):
        CatalogLedgers(catalog, wall_clock=lambda at=at: at).change(name, lambda text, now: (f"{now}", None))  # type: ignore[misc]
    with catalog.begin() as connection:
        assert set(connection.scalars(select(rate_buckets.c.bucket))) == {"used", "new"}


def test_a_turn_costs_a_search_by_key(catalog: Catalog) -> None:
    if catalog.engine.dialect.name != "sqlite":
        pytest.skip("plans are compared on SQLite")
    seen: list[tuple[str, Any]] = []

    def remember(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        seen.append((statement, parameters))

    ledgers = CatalogLedgers(catalog)
    read(ledgers)
    event.listen(catalog.engine, "before_cursor_execute", remember)
    ledgers.change("a", lambda text, now: ("one", None))
    event.remove(catalog.engine, "before_cursor_execute", remember)
    statements = [(words, given) for words, given in seen if not words.startswith("BEGIN")]
    assert [words.split()[0] for words, _ in statements] == ["SELECT", "UPDATE"]
    with catalog.engine.connect() as connection:
        for words, given in statements:
            (step,) = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", given)
            assert step.detail.startswith("SEARCH rate_buckets USING")
