"""The calls that a run listed, whole, a page at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import select, tuple_

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.joins import of_run, same_call
from cloud9_archive.catalog.tables import calls, run_calls
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.run import CallRef, RunRef

AT_ONCE = 1000
"""Calls in memory; no transaction is open between one page and the next."""


def calls_of_run(catalog: Catalog, run: RunRef) -> Iterator[Call]:
    """Every call that the run listed, by source and id."""
    after: CallRef | None = None
    while page := _page(catalog, run, after):
        yield from page
        after = CallRef(page[-1].source, page[-1].call_id)


def _page(catalog: Catalog, run: RunRef, after: CallRef | None) -> list[Call]:
    query = (
        select(calls.c.document)
        .join(run_calls, same_call(run_calls, calls))
        .where(of_run(run_calls, run))
        .order_by(run_calls.c.source, run_calls.c.call_id)
        .limit(AT_ONCE)
    )
    if after is not None:
        query = query.where(tuple_(run_calls.c.source, run_calls.c.call_id) > tuple_(after.source, after.call_id))
    with catalog.begin() as connection:
        return [Call.from_document(json.loads(document)) for document in connection.scalars(query)]
