"""Everything that is known to go wrong at a source, and what becomes of the calls: the fault suite, and its table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cloud9_archive.emulator.fault_kinds import FaultKind


class Becomes(StrEnum):
    """What becomes of a run that meets the fault."""

    HEALED = "the run heals it by itself"
    HARMLESS = "nothing: the run ends as without it"
    FAILS = "the run fails and names it; nothing is lost, and the next run completes the archive"
    AWAITED = "the recording is awaited, and comes with a later run"
    QUARANTINED = "the recording is archived as it came and marked, or refused and named; the others are archived"
    LATER = "the run ends; what it was not shown comes with the next run over that time"


@dataclass(frozen=True, slots=True)
class FaultCase:
    """
    One thing that goes wrong.

    :param name: what goes wrong, for a person
    :param endpoint: of the emulator
    :param count: how many requests it strikes
    :param code: of the error that the run ends with, or of the recording's failure
    :param says: what the format says otherwise, by dotted keys
    """

    name: str
    kind: FaultKind
    endpoint: str
    becomes: Becomes
    count: int = 1
    code: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    says: Mapping[str, Any] = field(default_factory=dict)

    @property
    def strikes(self) -> str:
        """Whom it strikes, and how often."""
        what = "a listing" if self.endpoint == "metadata" else "a recording"
        return f"{what}, {'once' if self.count == 1 else 'again and again'}"


STAYS = 500
"""So many requests that no retry outlasts it."""

LISTING, AUDIO = "metadata", "recordings"
IN_JSON = {"recording.answer": {"base64": "content", "url": "url"}}
K, B = FaultKind, Becomes


def _status(status: int, becomes: Becomes, code: str | None = None, **case: Any) -> tuple[FaultCase, ...]:
    details = {"status": status, **case.pop("details", {})}
    return tuple(
        FaultCase(f"status {status}", K.STATUS, endpoint, becomes, code=code, details=details, **case)
        for endpoint in (LISTING, AUDIO)
    )


def _both(name: str, kind: FaultKind, becomes: Becomes, **case: Any) -> tuple[FaultCase, ...]:
    return tuple(FaultCase(name, kind, endpoint, becomes, **case) for endpoint in (LISTING, AUDIO))


CASES: tuple[FaultCase, ...] = (
    *_status(500, B.HEALED),
    *_status(502, B.HEALED),
    *_status(503, B.HEALED, details={"retry_after": 1}),
    *_status(408, B.HEALED),
    *_status(429, B.HEALED, details={"retry_after": 1}),
    FaultCase("429 with a date", K.STATUS, LISTING, B.HEALED, details={"status": 429, "retry_after": 1, "retry_after_date": True}),
    FaultCase("429 without Retry-After", K.STATUS, AUDIO, B.HEALED, details={"status": 429}),
    FaultCase("429 with a senseless Retry-After", K.STATUS, LISTING, B.HEALED, details={"status": 429, "retry_after": "soon"}),
    FaultCase("429 with an absurd Retry-After", K.STATUS, AUDIO, B.HEALED, details={"status": 429, "retry_after": 10**9}),
    *_status(401, B.FAILS, "CREDENTIALS"),
    *_status(403, B.FAILS, "ADDRESS_NOT_ALLOWED"),
    FaultCase("status 404", K.STATUS, LISTING, B.FAILS, code="WIRE_FORMAT", details={"status": 404}),
    FaultCase("status 404", K.STATUS, AUDIO, B.AWAITED, details={"status": 404}),
    FaultCase("status 204", K.STATUS, AUDIO, B.AWAITED, details={"status": 204}),
    FaultCase("status 400", K.STATUS, LISTING, B.FAILS, code="WIRE_FORMAT", details={"status": 400}),
    FaultCase("status 400, as MEDIA_REFUSED", K.STATUS, AUDIO, B.AWAITED, details={"status": 400}),
    FaultCase("status 410, as MEDIA_REFUSED", K.STATUS, AUDIO, B.AWAITED, details={"status": 410}),
    FaultCase("status 500", K.STATUS, LISTING, B.FAILS, STAYS, "SERVER_FAULT", {"status": 500}),
    FaultCase("status 500", K.STATUS, AUDIO, B.AWAITED, STAYS, details={"status": 500}),
    *_both("a redirect to another host", K.REDIRECT, B.FAILS, code="CONNECTION_FIELD"),
    *_both("a reset before the answer", K.RESET_EARLY, B.HEALED),
    *_both("a reset in the middle of the body", K.RESET, B.HEALED),
    FaultCase("a reset in the middle of the body", K.RESET, LISTING, B.FAILS, STAYS, "INCOMPLETE_BODY"),
    FaultCase("a reset in the middle of the body", K.RESET, AUDIO, B.AWAITED, STAYS),
    *_both("silence beyond the read timeout", K.STALL, B.HEALED, details={"seconds": 1.0}),
    *_both("a body that drips", K.SLOW_DRIP, B.HARMLESS, details={"seconds": 0.4}),
    *_both("a body that ends early", K.SHORT_BODY, B.HEALED),
    *_both("a Content-Length that is too large", K.LENGTH_TOO_LARGE, B.HEALED),
    *_both("a Content-Length that is too small", K.LENGTH_TOO_SMALL, B.HEALED),
    *_both("chunks without the last one", K.CHUNKED_CUT, B.HEALED),
    *_both("a compressed body that nobody asked for", K.GZIP, B.FAILS, code="WIRE_FORMAT"),
    *_both("a wrong Content-Type", K.WRONG_CONTENT_TYPE, B.HARMLESS),
    *_both("a Date that is a day off", K.DATE_OFF, B.HARMLESS),
    *_both("no Date", K.NO_DATE, B.HARMLESS),
    *_both("early hints before the answer", K.EARLY_HINTS, B.HARMLESS),
    *_both("a sign-in page with status 200", K.NOT_JSON, B.FAILS, code="WIRE_FORMAT"),
    *_both("an error in JSON with status 200", K.JSON_ERROR, B.FAILS, code="WIRE_FORMAT"),
    FaultCase("blanks without end behind the JSON", K.OVERSIZED, LISTING, B.HARMLESS),
    *_both("JSON nested without end", K.DEEP_JSON, B.FAILS, code="WIRE_FORMAT"),
    FaultCase("a page token that repeats", K.REPEATED_TOKEN, LISTING, B.HEALED),
    FaultCase("a page token that repeats", K.REPEATED_TOKEN, LISTING, B.FAILS, STAYS, "WIRE_FORMAT"),
    FaultCase("new pages with the same rows, without end", K.ENDLESS_PAGES, LISTING, B.FAILS, STAYS, "WIRE_FORMAT"),
    FaultCase("the same page once more", K.DUPLICATE_PAGE, LISTING, B.HARMLESS),
    FaultCase("a page that shrinks", K.SHRINKING_PAGE, LISTING, B.FAILS, code="WIRE_FORMAT"),
    FaultCase("no rows though there are calls (see LISTING_SILENT)", K.EMPTY_LISTING, LISTING, B.LATER),
    FaultCase("rows inserted between pages", K.ROWS_INSERTED, LISTING, B.LATER),
    FaultCase("rows removed between pages, by token", K.ROWS_REMOVED, LISTING, B.HARMLESS),
    FaultCase("rows edited between pages", K.ROWS_EDITED, LISTING, B.HARMLESS),
    FaultCase("a row twice on a page", K.DUPLICATE_ROWS, LISTING, B.HARMLESS, STAYS),
    FaultCase("a row twice on one page", K.DUPLICATE_ROWS, LISTING, B.HARMLESS),
    FaultCase("a window that is refused as too long", K.WINDOW_TOO_LONG, LISTING, B.FAILS, code="WIRE_FORMAT"),
    FaultCase("a key with another name", K.RENAMED_FIELD, LISTING, B.FAILS, code="WIRE_FORMAT"),
    FaultCase("a call without its id", K.MISSING_FIELD, LISTING, B.FAILS, code="WIRE_FORMAT"),
    FaultCase("an object where a time should be", K.WRONG_TYPE, LISTING, B.FAILS, code="WIRE_FORMAT"),
    FaultCase("a word that the format does not know", K.UNKNOWN_WORD, LISTING, B.HARMLESS),
    FaultCase("NaN in JSON", K.NAN, LISTING, B.FAILS, code="WIRE_FORMAT"),
    FaultCase("half a character in a text", K.HALF_SURROGATE, LISTING, B.HARMLESS),
    FaultCase("audio that was altered on the way", K.ALTERED, AUDIO, B.HEALED),
    FaultCase("audio that was altered on the way", K.ALTERED, AUDIO, B.QUARANTINED, STAYS, "MEDIA_DAMAGED"),
    FaultCase("an archive with a wrong checksum", K.ZIP_WRONG_CRC, AUDIO, B.HEALED),
    FaultCase("an archive with a wrong checksum", K.ZIP_WRONG_CRC, AUDIO, B.QUARANTINED, STAYS, "MEDIA_DAMAGED"),
    FaultCase("half an archive", K.ZIP_TRUNCATED, AUDIO, B.HEALED),
    FaultCase("half an archive", K.ZIP_TRUNCATED, AUDIO, B.QUARANTINED, STAYS, "MEDIA_DAMAGED"),
    FaultCase("an archive that grows without end", K.ZIP_BOMB, AUDIO, B.QUARANTINED, code="MEDIA_LIMIT_EXCEEDED"),
    FaultCase("an archive that grows without end", K.ZIP_BOMB, AUDIO, B.QUARANTINED, STAYS, "MEDIA_LIMIT_EXCEEDED"),
    FaultCase("an archive whose member would climb out", K.ZIP_ESCAPE, AUDIO, B.QUARANTINED, code="MEDIA_UNSUPPORTED"),
    FaultCase("text that is no base64", K.BASE64_DAMAGED, AUDIO, B.HEALED, says=IN_JSON),
    FaultCase("text that is no base64", K.BASE64_DAMAGED, AUDIO, B.QUARANTINED, STAYS, "MEDIA_DAMAGED", says=IN_JSON),
    FaultCase("a link to a host that is not listed", K.URL_OTHER_HOST, AUDIO, B.FAILS, code="MEDIA_HOST", says=IN_JSON),
    FaultCase("a link to this machine in disguise", K.URL_LOOPBACK, AUDIO, B.FAILS, code="MEDIA_HOST", says=IN_JSON),
    FaultCase("a link without TLS", K.URL_PLAIN_HTTP, AUDIO, B.FAILS, code="MEDIA_HOST", says=IN_JSON),
    FaultCase("a link that has expired", K.URL_EXPIRED, AUDIO, B.HEALED, says=IN_JSON),
    FaultCase("a link that has expired", K.URL_EXPIRED, AUDIO, B.AWAITED, STAYS, says=IN_JSON),
    FaultCase("a link to nothing", K.URL_UNKNOWN, AUDIO, B.HEALED, says=IN_JSON),
)  # fmt: skip
"""Faults of the network and of credentials are tested where they arise; docs/connection.md has their table."""


def fault_suite_table() -> str:
    """The cases as a Markdown table."""
    rows = ["| what goes wrong | strikes | what becomes of it | code |", "|---|---|---|---|"]
    rows += [
        f"| {case.name} | {case.strikes} | {case.becomes.value} | {f'`{case.code}`' if case.code else '–'} |"
        for case in CASES
    ]
    return "\n".join(rows)
