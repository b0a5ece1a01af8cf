"""Links to recordings: signed-looking URLs below /media that are good for a while, or for a number of uses."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cloud9_archive.emulator.calls import Recording
from cloud9_archive.emulator.refusal import RefusedError

GRANTS_KEPT = 10_000


@dataclass(slots=True)
class Grant:
    """
    A link that was given out.

    :param signature: what the URL must show as ``sig``
    :param expires_at: aware UTC, by the world's clock
    :param uses_left: None for any number
    :param altered: whether it leads to bytes that were altered
    """

    recording: Recording
    desk: str
    signature: str = field(repr=False)
    expires_at: datetime
    uses_left: int | None
    altered: bool


@dataclass(slots=True)
class Grants:
    """The links given out, by token; the oldest are forgotten."""

    _given: OrderedDict[str, Grant] = field(default_factory=OrderedDict, repr=False)

    def give(
        self, recording: Recording, *, desk: str, now: datetime, lasts: timedelta, uses: int | None, altered: bool
    ) -> str:
        """
        A fresh link, as path and query.

        :param now: the world's time, aware UTC
        :param lasts: negative for a link that has expired already
        """
        token, signature = secrets.token_hex(12), secrets.token_hex(20)
        self._given[token] = Grant(recording, desk, signature, now + lasts, uses, altered)
        if len(self._given) > GRANTS_KEPT:
            self._given.popitem(last=False)
        return f"/media/{token}?sig={signature}"

    def find(self, token: str) -> Grant:
        """
        The link of that token, good or not.

        :raises RefusedError: 404 if there is none
        """
        if token not in self._given:
            raise RefusedError(404, "UNKNOWN_LINK", "There is no such link.")
        return self._given[token]

    def use(self, grant: Grant, *, signature: str, now: datetime) -> None:
        """
        The link has been used once more.

        :raises RefusedError: 403 if its signature is wrong, or it is not good any more
        """
        if not hmac.compare_digest(signature.encode(), grant.signature.encode()):
            raise RefusedError(403, "BAD_LINK_SIGNATURE", "The link's signature is wrong.")
        if now >= grant.expires_at:
            raise RefusedError(403, "LINK_EXPIRED", "The link has expired.")
        if grant.uses_left is not None:
            if grant.uses_left == 0:
                raise RefusedError(403, "LINK_USED", "The link has been used as often as it may be.")
            grant.uses_left -= 1
