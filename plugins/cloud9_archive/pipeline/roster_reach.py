"""What a roster may be fetched from beside a file below include/: the Airflow face reaches it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """
    What a query gives.

    :param names: of its columns, lower case
    :param rows: values in the order of the names, fetched piece by piece
    """

    names: tuple[str, ...]
    rows: Iterator[Sequence[object]]


class RosterReach(Protocol):
    """Reaches rosters that are not files of this deployment."""

    def open_url(self, url: str) -> AbstractContextManager[BinaryIO]:
        """
        The bytes at an address that Airflow's object storage knows, until the block ends.

        :raises RosterError: if it cannot be reached
        """

    def query(self, sql: str, *, conn_id: str) -> AbstractContextManager[QueryAnswer]:
        """
        The answer to a query over an Airflow connection, until the block ends; nothing is changed there.

        :raises RosterError: if the database cannot be reached, or refuses the query
        """
