"""Which archived records a legal hold or an extension of retention is about."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cloud9_archive.domain.moment import Moment


class RecordKind(StrEnum):
    """What is kept, held and disposed of as one: a recording with all its files, or the document of a call."""

    RECORDING = "recording"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class CallFacts:
    """
    What a selection looks at of a call.

    :param started_at: aware UTC
    :param names: users and logins of the call, each as :func:`folded` gives it
    :param recording_ids: the recordings that it names
    :param kept_until: until when the decision on it and the policy in force want it kept; None if neither says
    """

    source: str
    call_id: str
    started_at: datetime
    names: frozenset[str] = frozenset()
    recording_ids: frozenset[str] = frozenset()
    kept_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ArchivedRecord:
    """
    A recording's folder or a call's document in a bag.

    :param path: in the bag
    :param retain_until: as its document states it; None if it states none
    :param extended_until: the latest extension; None if there is none
    :param calls: the call itself, or the calls that the recording belongs to, as far as they are known
    """

    bag_id: str
    path: str
    kind: RecordKind
    source: str
    record_id: str
    retain_until: datetime | None
    extended_until: datetime | None = None
    calls: tuple[CallFacts, ...] = ()

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.kind.value} {self.source}/{self.record_id}"

    @property
    def end(self) -> datetime | None:
        """
        The first moment at which it need not be kept any more; None: it is kept without end, nobody has stated one.

        It is the latest of what its document says, of all extensions, and of what each of its calls asks for now: a
        call that came later, or a longer ``archive.retention``, keeps it longer, never shorter.
        """
        stated = [each for each in (self.retain_until, self.extended_until) if each is not None]
        if not stated:
            return None
        return max([*stated, *(call.kept_until for call in self.calls if call.kept_until is not None)])


class Selection(BaseModel):
    """
    Records that fit all conditions given; within one condition, any of its values.

    A recording fits the conditions on calls if one of its calls fits them all. A call fits ``recordings`` if it names
    one of them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    users: tuple[str, ...] = ()
    begin: Moment | None = Field(default=None, alias="from")
    end: Moment | None = Field(default=None, alias="to")
    calls: tuple[str, ...] = ()
    recordings: tuple[str, ...] = ()
    bags: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _selects_something(self) -> Selection:
        if not (self.users or self.begin or self.end or self.calls or self.recordings or self.bags):
            raise ValueError(
                "selection: a user, a date, a call, a recording or a bag is wanted; everything is too much"
            )
        if self.begin and self.end and self.begin >= self.end:
            raise ValueError("selection: from must lie before to")
        return self

    def matches(self, record: ArchivedRecord) -> bool:
        """Whether the record is meant."""
        if self.bags and record.bag_id not in self.bags:
            return False
        fitting = [call for call in record.calls if self._fits(call)]
        if (self.users or self.begin or self.end or self.calls) and not fitting:
            return False
        if not self.recordings:
            return True
        named = {record.record_id} if record.kind is RecordKind.RECORDING else _recordings_of(fitting)
        return bool(named & set(self.recordings))

    def _fits(self, call: CallFacts) -> bool:
        return (
            (not self.users or bool({folded(user) for user in self.users} & call.names))
            and (self.begin is None or call.started_at >= self.begin)
            and (self.end is None or call.started_at < self.end)
            and (not self.calls or call.call_id in self.calls)
        )


def folded(name: str) -> str:
    """The name without what tells nobody apart: case, width and blanks. Two people have two."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _recordings_of(calls: Iterable[CallFacts]) -> set[str]:
    return {recording_id for call in calls for recording_id in call.recording_ids}
