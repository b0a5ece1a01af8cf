"""A call as Cloud9 reports it, and the recordings that belong to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class CallType(StrEnum):
    """The kinds of connection that Cloud9's own recordings list tells apart, and intercom."""

    SHOUTDOWN = "shoutdown"
    RINGDOWN = "ringdown"
    CLICK_TO_CALL = "click_to_call"
    INTERCOM = "intercom"
    UNKNOWN = "unknown"


class Direction(StrEnum):
    """Who began the call, seen from the near end."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    INTERNAL = "internal"
    UNKNOWN = "unknown"


class Side(StrEnum):
    """The end of the connection at which a party sits; near is the side that reports the call."""

    NEAR = "near"
    FAR = "far"


@dataclass(frozen=True, slots=True)
class Party:
    """
    One participant, or one end of which only a number, group or firm is known.

    :param login: Cloud9 login name, the value of a ``user_agent_id`` extension
    """

    side: Side
    login: str | None = None
    user_id: str | None = None
    display_name: str | None = None
    number: str | None = None
    firm_id: str | None = None
    firm: str | None = None
    group_id: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class RecordingLink:
    """
    One recording of a call; the same recording may be linked from several calls.

    :param offset: where the call begins inside the recording, seconds
    :param duration: length of the recording as reported, seconds
    """

    recording_id: str
    offset: float | None = None
    duration: float | None = None
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """
    One side's view of a conversation (a CDR).

    :param source: Airflow connection id of the import source that reported it
    :param call_id: the source's own id, any text
    :param started_at: aware UTC
    :param ended_at: aware UTC
    :param duration: seconds
    :param raw: the source's row as it came, unknown fields included
    """

    source: str
    call_id: str
    started_at: datetime
    ended_at: datetime | None = None
    duration: float | None = None
    call_type: CallType = CallType.UNKNOWN
    direction: Direction = Direction.UNKNOWN
    parties: tuple[Party, ...] = ()
    recordings: tuple[RecordingLink, ...] = ()
    button_label: str | None = None
    connection: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Times without a zone are a fault of the caller: refuse them where they enter."""
        for name in ("started_at", "ended_at"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"call {self.call_id!r}: {name} has no time zone")

    @property
    def length(self) -> float | None:
        """Seconds from begin to end, as the source says or as its times tell; None if neither does."""
        if self.duration is not None or self.ended_at is None:
            return self.duration
        return (self.ended_at - self.started_at).total_seconds()

    def document(self) -> dict[str, Any]:
        """Everything known of the call, as plain JSON values; :meth:`from_document` is its inverse."""
        return {
            "source": self.source,
            "call_id": self.call_id,
            "started_at": utc_text(self.started_at),
            "ended_at": utc_text(self.ended_at),
            "duration": self.duration,
            "call_type": self.call_type.value,
            "direction": self.direction.value,
            "parties": [{name: getattr(p, name) for name in Party.__dataclass_fields__} for p in self.parties],
            "recordings": [
                {name: getattr(r, name) for name in RecordingLink.__dataclass_fields__} for r in self.recordings
            ],
            "button_label": self.button_label,
            "connection": self.connection,
            "raw": dict(self.raw),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Call:
        """The call that :meth:`document` described."""
        ended = document["ended_at"]
        return cls(
            source=document["source"],
            call_id=document["call_id"],
            started_at=datetime.fromisoformat(document["started_at"]),
            ended_at=datetime.fromisoformat(ended) if ended else None,
            duration=document["duration"],
            call_type=CallType(document["call_type"]),
            direction=Direction(document["direction"]),
            parties=tuple(Party(**{**p, "side": Side(p["side"])}) for p in document["parties"]),
            recordings=tuple(RecordingLink(**r) for r in document["recordings"]),
            button_label=document["button_label"],
            connection=document["connection"],
            raw=document["raw"],
        )

    def digest(self) -> str:
        """SHA-256 of the call's canonical document: it changes exactly when the source amended the call."""
        return hashlib.sha256(canonical_json(self.document())).hexdigest()


def canonical_json(document: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """The one UTF-8 JSON text of a value: sorted keys, no spaces, so that digests can be compared."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def utc_text(moment: datetime | None) -> str | None:
    """
    ISO 8601 text in UTC with a ``Z``; microseconds only when there are any.

    :param moment: aware datetime
    """
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
