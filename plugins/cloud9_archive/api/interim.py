"""Connections on which interim answers (1xx) are read over, until the one that counts."""

from __future__ import annotations

import http.client
from typing import Final

from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection

MOST_INTERIM: Final = 20
_FIRST_FINAL: Final = 200


class FinalResponse(http.client.HTTPResponse):
    """
    The answer that counts: RFC 9110 lets any number of 1xx come before it, and http.client knows only 100.

    101 is no interim answer: the connection would speak another protocol, which nobody asked for.
    """

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MOST_INTERIM):
            found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # typeshed leaves it out
            status = found[1]
            if status >= _FIRST_FINAL or status == http.client.SWITCHING_PROTOCOLS:
                return found
            http.client.parse_headers(self.fp)
        raise http.client.BadStatusLine(f"{MOST_INTERIM} interim answers and no other")


class PatientConnection(HTTPSConnection):
    """Gives the final answers."""

    response_class = FinalResponse


class PatientPool(HTTPSConnectionPool):
    """Of such connections."""

    ConnectionCls = PatientConnection
