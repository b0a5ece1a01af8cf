"""Rosters beyond files, for commands: Airflow is imported only when such a roster is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from cloud9_archive.pipeline.roster_reach import QueryAnswer


class LateReach:
    """Reaches rosters by the connections of the Airflow that the environment leads to."""

    @contextmanager
    def open_url(self, url: str) -> Iterator[BinaryIO]:
        """
        The bytes at the address, until the block ends.

        :raises RosterError: if it cannot be reached
        """
        from cloud9_archive.cli.connections import connections_found  # noqa: PLC0415 - imports Airflow
        from cloud9_archive.hooks.rosters import AirflowReach  # noqa: PLC0415 - as above

        with connections_found(), AirflowReach().open_url(url) as content:
            yield content

    @contextmanager
    def query(self, sql: str, *, conn_id: str) -> Iterator[QueryAnswer]:
        """
        The answer to the query, until the block ends.

        :raises RosterError: if the database cannot be reached, or refuses the query
        """
        from cloud9_archive.cli.connections import connections_found  # noqa: PLC0415 - imports Airflow
        from cloud9_archive.hooks.rosters import AirflowReach  # noqa: PLC0415 - as above

        with connections_found(), AirflowReach().query(sql, conn_id=conn_id) as answer:
            yield answer
