"""Of each call that a run has, what its findings are looked for in; without the source's row, so that many fit into memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cloud9_archive.catalog.accounts import CallAccount
from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.links_of_run import whole_calls
from cloud9_archive.domain.call import Call, Side
from cloud9_archive.domain.run import CallRef, RecordingRef


@dataclass(frozen=True, slots=True)
class CallFacts:
    """
    A call that a run listed or took up.

    :param length: seconds; None if the source does not say
    :param offsets: of each recording that the source names now, seconds
    :param logins: at its near end
    """

    account: CallAccount
    length: float | None
    offsets: dict[RecordingRef, float | None]
    logins: tuple[str, ...]

    @property
    def ref(self) -> CallRef:
        """Points at the call."""
        return self.account.ref

    @property
    def started_at(self) -> datetime:
        """Aware UTC."""
        return self.account.started_at


def facts_of_calls(catalog: Catalog, accounts: Iterable[CallAccount]) -> list[CallFacts]:
    """The calls of these accounts, by source and id; one that occurs twice comes once."""
    known = {account.ref: account for account in accounts}
    return [_facts(call, known[CallRef(call.source, call.call_id)]) for call in whole_calls(catalog, known)]


def _facts(call: Call, account: CallAccount) -> CallFacts:
    return CallFacts(
        account,
        call.length,
        {RecordingRef(call.source, link.recording_id): link.offset for link in call.recordings},
        tuple(sorted({party.login for party in call.parties if party.side is Side.NEAR and party.login})),
    )
