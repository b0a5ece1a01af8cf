"""How the same world speaks: the shapes of requests and answers that a firm's Call Data API might have."""

from __future__ import annotations

from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, model_validator

Method = Literal["POST", "GET"]
Pending = Literal[
    "not_found", "no_content", "empty_body", "empty_zip", "zip_without_entry", "json_status", "json_without_entry"
]


class Dialect(BaseModel):
    """
    A way to speak; without arguments the one that the shipped wire format expects.

    None of it is known of Cloud9 beyond what the shipped format calls confirmed: the dialects are the emulator's own
    invention, and a client that speaks them all will be ready for the real one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    listing_method: Method = Field(
        default="POST",
        description="calls, and recordings listed by window: POST with a JSON body, or GET with a query and no body",
    )
    recording_method: Method = Field(default="POST", description="recordings: as above")
    call_recordings_method: Method = Field(default="GET", description="recordings listed per call: as above")
    paging: Literal["token_header", "token_body", "page", "offset", "link_body", "link_header"] = Field(
        default="token_header",
        description="`Next-Page-Token` header, or `nextPageToken` in the body, asked for as `nextPageToken`; numbers"
        " `page` from 1 and `pageSize`; numbers `offset` and `limit`; a link to the next page as `next` in the body,"
        " or in a `Link` header with `rel=next`",
    )
    page_end: Literal["empty_page", "has_more", "total"] = Field(
        default="empty_page",
        description="how numbered pages end: one without rows comes, the body's `hasMore` is false, or `total` counts"
        " the window's rows; other pages tell the latter two as well",
    )
    link: Literal["absolute", "relative"] = Field(
        default="absolute", description="how links to the next page are written; relative ones begin with the path"
    )
    times: Literal["text", "iso_8601", "epoch_seconds", "epoch_milliseconds"] = Field(
        default="text",
        description="times in requests and answers: `YYYY-MM-DD HH:mm:ss` (answers: with milliseconds) in `zone`,"
        " ISO 8601 with the offset of `zone`, or numbers (epoch seconds of answers have three decimals)",
    )
    zone: str = Field(
        default="UTC",
        description="IANA name; a text that a clock change makes ambiguous means the earlier moment, as in Python",
    )
    parties: Literal["nested", "flat"] = Field(
        default="nested",
        description="`nearEnd` and `farEnd` as objects with `users`; or `nearFirm`, `nearFirmId`, `nearGroup`,"
        " `nearGroupId`, `nearNumber`, `nearUserName`, `nearUserId`, `nearFullName`, the same with `2` for a second"
        " user, and the same with `far`",
    )
    codes: Literal["words", "numbers"] = Field(
        default="words",
        description="`callType` as words, or Shoutdown 1, Ringdown 2, Click to Call 3, Intercom 4; `direction` as"
        " words, or Incoming 1, Outgoing 2, Internal 3",
    )
    rows_key: str = Field(default="calls", min_length=1, description="key of the calls in the answer")
    recordings: Literal["inline", "listed", "per_call"] = Field(
        default="inline",
        description="recordings in the rows of their calls; or listed by `/v1/calls/recordingList` for a window of"
        " calls, each with `calls` as a list of `callId` and `offsetMillis`; or by `/v1/calls/{callId}/recordings`",
    )
    asked_by: Literal["recording_id", "file_name", "call_id"] = Field(
        default="recording_id",
        description="recordings are asked for as `recordingId`, `fileName`, or `callId`, which gives all of the call's",
    )
    delivery: Literal["bytes", "zip", "zip_extra", "base64", "url"] = Field(
        default="bytes",
        description="audio as it is; a ZIP with one member per recording, named like its file; such a ZIP with text"
        " files and another call's recording in it; JSON with base64 in `content`; JSON with a link in `url`. When"
        " asked by call, JSON is a list of `items`",
    )
    url_seconds: float = Field(
        default=300.0, gt=0, description="how long a link is good, by the clock of the emulated world"
    )
    url_uses: int | None = Field(default=None, ge=1, description="how often a link is good; without it, always")
    pending: Pending = Field(
        default="not_found",
        description="a recording that is not uploaded: 404; 204; 200 with no body; a ZIP without members; a ZIP with a"
        ' text file only; `{"status": "PENDING"}`; `{"items": []}`. When asked by call, only if none is uploaded:'
        " else those that are not are left out",
    )

    @model_validator(mode="after")
    def _can_be_spoken(self) -> Self:
        """What contradicts itself is a mistake of whoever set it."""
        if self.asked_by == "call_id" and self.delivery == "bytes":
            raise ValueError("a call may have several recordings: delivery must be a ZIP or JSON")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {self.zone!r}") from error
        return self


def dialect_table() -> str:
    """The settings as a table for the documentation."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in Dialect.model_fields.items():
        default = "–" if field.default is None else f"`{field.default}`"
        rows.append(f"| `{name}` | {default} | {field.description} |")
    return "\n".join(rows)
