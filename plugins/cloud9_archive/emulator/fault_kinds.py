"""Every fault that the emulator can be told to have: what it means, and where it may strike."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

Endpoint = Literal["metadata", "recordings", "recording_list", "media"]
ENDPOINTS: tuple[Endpoint, ...] = ("metadata", "recordings", "recording_list", "media")


class FaultKind(StrEnum):
    """What goes wrong; :data:`FAULTS` says what each one means."""

    STATUS = "status"
    REDIRECT = "redirect"
    RESET_EARLY = "reset_early"
    RESET = "reset"
    STALL = "stall"
    SLOW_DRIP = "slow_drip"
    SHORT_BODY = "short_body"
    LENGTH_TOO_LARGE = "length_too_large"
    LENGTH_TOO_SMALL = "length_too_small"
    CHUNKED_CUT = "chunked_cut"
    GZIP = "gzip"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    DATE_OFF = "date_off"
    NO_DATE = "no_date"
    EARLY_HINTS = "early_hints"
    NOT_JSON = "not_json"
    JSON_ERROR = "json_error"
    OVERSIZED = "oversized"
    DEEP_JSON = "deep_json"
    REPEATED_TOKEN = "repeated_token"  # noqa: S105 - a page token
    ENDLESS_PAGES = "endless_pages"
    DUPLICATE_PAGE = "duplicate_page"
    SHRINKING_PAGE = "shrinking_page"
    EMPTY_LISTING = "empty_listing"
    ROWS_INSERTED = "rows_inserted"
    ROWS_REMOVED = "rows_removed"
    ROWS_EDITED = "rows_edited"
    DUPLICATE_ROWS = "duplicate_rows"
    OUTSIDE_WINDOW = "outside_window"
    WINDOW_TOO_LONG = "window_too_long"
    RENAMED_FIELD = "renamed_field"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_WORD = "unknown_word"
    NAN = "nan"
    HALF_SURROGATE = "half_surrogate"
    ALTERED = "altered"
    ZIP_WRONG_CRC = "zip_wrong_crc"
    ZIP_TRUNCATED = "zip_truncated"
    ZIP_BOMB = "zip_bomb"
    ZIP_ESCAPE = "zip_escape"
    BASE64_DAMAGED = "base64_damaged"
    URL_OTHER_HOST = "url_other_host"
    URL_LOOPBACK = "url_loopback"
    URL_PLAIN_HTTP = "url_plain_http"
    URL_EXPIRED = "url_expired"
    URL_UNKNOWN = "url_unknown"


_ANYWHERE = {
    FaultKind.STATUS: "the answer is `status` (500); `retry_after` is its Retry-After: seconds, with `retry_after_date` as a date, or any text",
    FaultKind.REDIRECT: "the answer is `status` (302) and leads to `location`, which is another host unless given",
    FaultKind.RESET_EARLY: "the connection is reset before the headers",
    FaultKind.RESET: "the connection is reset after `after_bytes` of the body (half of it)",
    FaultKind.STALL: "nothing comes for `seconds` (1), before the headers or after `after_bytes` of the body; then the rest",
    FaultKind.SLOW_DRIP: "the body comes in twenty pieces, spread over `seconds` (1)",
    FaultKind.SHORT_BODY: "the connection is closed after `after_bytes` of the body (half of it)",
    FaultKind.LENGTH_TOO_LARGE: "Content-Length announces 100 bytes more than come before the connection is closed",
    FaultKind.LENGTH_TOO_SMALL: "Content-Length announces `after_bytes` (half) of the body, and all of it comes",
    FaultKind.CHUNKED_CUT: "the body is chunked and ends without the last chunk, after `after_bytes` (half of it)",
    FaultKind.GZIP: "the body is compressed with gzip, and says so, though nobody asked for that",
    FaultKind.WRONG_CONTENT_TYPE: "the Content-Type is text/plain",
    FaultKind.DATE_OFF: "the Date header is `seconds` (86400) ahead of the server's clock",
    FaultKind.NO_DATE: "there is no Date header",
    FaultKind.EARLY_HINTS: "a 103 Early Hints comes before the answer",
    FaultKind.NOT_JSON: "the answer is 200 with an HTML page to sign in",
    FaultKind.JSON_ERROR: 'the answer is 200 with JSON of the form `{"error": …, "message": …}`',
    FaultKind.OVERSIZED: "`size` bytes (32 MiB) follow the body: blanks after JSON, zeros after audio",
    FaultKind.DEEP_JSON: "the answer is 200 with JSON lists nested 100000 deep",
}
_LISTING = {
    FaultKind.REPEATED_TOKEN: "the page leads to itself, by the token with which it was asked for",
    FaultKind.ENDLESS_PAGES: "the page says that there is more, and there the same rows come again, each time by a new token",
    FaultKind.DUPLICATE_PAGE: "the page before comes once more, then it goes on",
    FaultKind.SHRINKING_PAGE: "the second half of the page's rows is left out",
    FaultKind.EMPTY_LISTING: "the answer is 200 with no rows, and there is no next page",
    FaultKind.ROWS_INSERTED: "the window's first `rows` rows (1) are not there yet on its first page, and are there afterwards",
    FaultKind.ROWS_REMOVED: "the window's first `rows` rows (1) are gone from a later page on, until it is listed anew: by page and offset, what follows moves up",
    FaultKind.ROWS_EDITED: "the page's last row has another `buttonLabel` (of recordings: `fileName`); the next page begins with that row as it is",
    FaultKind.DUPLICATE_ROWS: "the page's last row stands there twice",
    FaultKind.OUTSIDE_WINDOW: "`rows` rows (1) of calls from before the window stand at the end of the page",
    FaultKind.WINDOW_TOO_LONG: "the window is refused as too long, whatever its length",
    FaultKind.RENAMED_FIELD: "the key of the rows has another name",
    FaultKind.MISSING_FIELD: "`field` (`callId`, of recordings `recordingId`) is missing in the struck row",
    FaultKind.WRONG_TYPE: "`field` (`startTime`, of recordings `fileName`) is an object in the struck row",
    FaultKind.NAN: "`field` (`milliDuration`) is NaN in the struck row",
    FaultKind.HALF_SURROGATE: "`field` (`buttonLabel`, of recordings `fileName`) is half of a surrogate pair in the struck row",
}
_CALLS = {
    FaultKind.UNKNOWN_WORD: "`field` (`callType`) holds a word or code that nobody knows in the struck row",
}
_RECORDINGS = {
    FaultKind.ALTERED: "sixteen bytes in the middle of the audio are flipped on the way, and nothing else tells",
    FaultKind.ZIP_WRONG_CRC: "the answer is a ZIP whose member does not fit its checksum",
    FaultKind.ZIP_TRUNCATED: "the answer is the first half of a ZIP",
    FaultKind.ZIP_BOMB: "the answer is a ZIP whose member grows to `size` bytes (32 MiB) of zeros",
    FaultKind.ZIP_ESCAPE: "the answer is a ZIP whose member is named `../../escaped.ogg`",
    FaultKind.BASE64_DAMAGED: "the answer is JSON with audio that is no base64",
    FaultKind.URL_OTHER_HOST: "the answer is JSON with `location`, which is an https URL of another host unless given",
    FaultKind.URL_LOOPBACK: "the answer is JSON with an https URL of this server's own port on 2130706433, which is 127.0.0.1",
    FaultKind.URL_PLAIN_HTTP: "the answer is JSON with an http URL of this server",
    FaultKind.URL_EXPIRED: "the answer is JSON with a URL of this server that has expired: 403",
    FaultKind.URL_UNKNOWN: "the answer is JSON with a URL of this server that leads to nothing: 404",
}
_GROUPS: tuple[tuple[str, tuple[Endpoint, ...], Mapping[FaultKind, str]], ...] = (
    ("any", ENDPOINTS, _ANYWHERE),
    ("listings", ("metadata", "recording_list"), _LISTING),
    ("metadata", ("metadata",), _CALLS),
    ("recordings", ("recordings",), _RECORDINGS),
)
FAULTS: Mapping[FaultKind, str] = {kind: meaning for _, _, group in _GROUPS for kind, meaning in group.items()}
_ALSO_ON_MEDIA = frozenset({FaultKind.ALTERED})


# A call's own list of recordings has no pages and no window.
NEEDS_A_WINDOW = frozenset(
    {
        FaultKind.REPEATED_TOKEN,
        FaultKind.ENDLESS_PAGES,
        FaultKind.DUPLICATE_PAGE,
        FaultKind.SHRINKING_PAGE,
        FaultKind.ROWS_INSERTED,
        FaultKind.ROWS_REMOVED,
        FaultKind.ROWS_EDITED,
        FaultKind.OUTSIDE_WINDOW,
        FaultKind.WINDOW_TOO_LONG,
    }
)


def strikes_at(kind: FaultKind) -> tuple[Endpoint, ...]:
    """The endpoints at which such a fault may strike."""
    endpoints = next(endpoints for _, endpoints, group in _GROUPS if kind in group)
    return (*endpoints, "media") if kind in _ALSO_ON_MEDIA else endpoints


def faults_table() -> str:
    """The faults as a table for the documentation."""
    rows = ["| fault | strikes at | meaning |", "|---|---|---|"]
    for name, _, group in _GROUPS:
        for kind, meaning in group.items():
            where = f"{name}, media" if kind in _ALSO_ON_MEDIA else name
            rows.append(f"| `{kind}` | {where} | {meaning} |")
    return "\n".join(rows)
