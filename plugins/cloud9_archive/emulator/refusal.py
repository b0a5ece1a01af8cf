"""A request that the emulated Cloud9 turns down, and how it says so."""

from __future__ import annotations


class RefusedError(Exception):
    """
    The request is answered with an error.

    :param status: HTTP status code
    :param error: the word in the JSON body, for example ``UNKNOWN_RECORDING``
    :param message: one sentence for a person
    :param retry_after: seconds for the ``Retry-After`` header, if any
    """

    def __init__(self, status: int, error: str, message: str, *, retry_after: int | None = None) -> None:
        self.status = status
        self.error = error
        self.message = message
        self.retry_after = retry_after
        super().__init__(f"{status} {error}: {message}")
