"""What the admin endpoints take and tell, as models that tests and the demo parse."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cloud9_archive.emulator.calls import Condition, Damage, Kind

Endpoint = Literal["metadata", "recordings"]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeskKey(_Told):
    """A desk's API key and its secret."""

    api_key: str
    api_secret: str = Field(repr=False)


class ClientFiles(_Told):
    """
    Where a client's certificate of the emulator's authority is, in every form in which firms keep one.

    :param encrypted_key: the key again, opened by the password, as is the PKCS#12 file
    """

    certificate: str
    key: str
    encrypted_key: str
    pkcs12: str
    password: str = Field(repr=False)


class ReadyFile(_Told):
    """
    All that a client needs; written once the server accepts connections.

    :param keys: by desk name
    :param mutual_tls: whether only clients that show a certificate are served
    :param client: a certificate to show
    """

    base_url: str
    host: str
    port: int
    ca_file: str
    admin_token: str = Field(repr=False)
    keys: dict[str, DeskKey]
    pid: int
    mutual_tls: bool = False
    client: ClientFiles | None = None


class ClockSetting(_Told):
    """
    The emulator's clocks; what is not given is real time.

    :param offset_seconds: added to real time for what is listed and uploaded
    :param fixed: an instant at which the world stands still; wins over the offset
    :param auth_offset_seconds: added to real time where dates are checked, and in the Date header of answers
    """

    offset_seconds: float = 0.0
    fixed: AwareDatetime | None = None
    auth_offset_seconds: float = 0.0


class LimitSetting(_Told):
    """
    The server's limits.

    :param metadata_per_minute: requests of one key to the metadata endpoint
    :param recordings_per_minute: requests of one key to the recordings endpoint
    :param page_size: rows on a page
    :param skew_seconds: largest accepted distance of a Date header
    :param longest_window_hours: longest window that is listed
    """

    metadata_per_minute: int = Field(default=70, ge=0)
    recordings_per_minute: int = Field(default=350, ge=0)
    page_size: int = Field(default=200, ge=1)
    skew_seconds: float = Field(default=300.0, ge=0)
    longest_window_hours: float = Field(default=24.0, gt=0)


class AllowList(_Told):
    """The networks (CIDR) from which a desk's key may be used."""

    desk: str
    networks: tuple[str, ...]


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    RESET = "reset"
    STALL = "stall"
    SHORT_BODY = "short_body"
    REPEATED_TOKEN = "repeated_token"  # noqa: S105 - a page token
    DUPLICATE_PAGE = "duplicate_page"
    SHRINKING_PAGE = "shrinking_page"
    RENAMED_FIELD = "renamed_field"
    NOT_JSON = "not_json"


class FaultOrder(_Told):
    """
    A fault for requests to come; the oldest that matches strikes.

    :param match: strike only this recording id, or a page that lists this call id
    :param count: how many requests it strikes
    :param status: for ``status``: the HTTP status answered
    :param retry_after: for ``status``: seconds for the Retry-After header
    :param after_bytes: bytes of the body that arrive before a reset, a stall or a short end; a stall without it comes before the headers
    :param seconds: for ``stall``: how long nothing comes
    """

    kind: FaultKind
    endpoint: Endpoint
    match: str | None = None
    count: int = Field(default=1, ge=1)
    status: int = Field(default=500, ge=200, le=599)
    retry_after: int | None = None
    after_bytes: int | None = Field(default=None, ge=0)
    seconds: float = Field(default=1.0, ge=0)


class RecordingTruth(_Told):
    """
    A recording as it is, whatever the API says of it.

    :param availability: whether the API hands it out now, will later, or never does
    :param sha256: of the bytes that are or would be handed out, lower-case hex
    :param size: bytes
    :param duration_seconds: of the audio before any damage, which is what the metadata reports
    """

    recording_id: str
    file_name: str
    availability: Literal["available", "pending", "never"]
    available_at: AwareDatetime | None
    sha256: str
    size: int
    duration_seconds: float
    channels: int
    container: Literal["ogg", "m4a"]
    condition: Condition
    damage: Damage | None


class LinkTruth(_Told):
    """A recording of a call; ``offset_millis`` is where in it the call begins."""

    recording_id: str
    offset_millis: int


class CallTruth(_Told):
    """
    A call that is listed now.

    :param links: what the API lists now
    :param all_links: what it will list once everything is uploaded
    """

    call_id: str
    kind: Kind
    call_type: str
    direction: str
    started_at: AwareDatetime
    ended_at: AwareDatetime
    listed_at: AwareDatetime
    near_logins: tuple[str, ...]
    far_logins: tuple[str, ...]
    links: tuple[LinkTruth, ...]
    all_links: tuple[LinkTruth, ...]


class Truth(_Told):
    """
    What a collector of this desk and window must end up with.

    :param now: the world's time when asked
    :param recordings: by recording id, of all links of all calls
    """

    desk: str
    begin: AwareDatetime
    end: AwareDatetime
    now: AwareDatetime
    calls: tuple[CallTruth, ...]
    recordings: dict[str, RecordingTruth]


class RequestSeen(_Told):
    """
    One request to the API, as it was answered; ``status`` 0 is a connection broken on purpose.

    :param at: real time, aware UTC
    :param subject: the recording id, or the window and page token asked for
    :param error: the refusal's word, if it was refused
    """

    at: AwareDatetime
    method: str
    path: str
    desk: str | None
    status: int
    subject: str | None
    error: str | None
    fault: FaultKind | None


class Counters(_Told):
    """
    What was asked for since the start.

    :param requests: by ``METHOD path``
    :param statuses: by ``METHOD path status``
    :param downloads: by recording id, answers with bytes
    """

    requests: dict[str, int]
    statuses: dict[str, int]
    downloads: dict[str, int]


class Violation(_Told):
    """A request that no client may ever make, such as PATCH on metadata."""

    at: datetime
    method: str
    path: str
    desk: str | None


class RequestLog(_Told):
    """The latest requests, oldest first, and every violation."""

    requests: tuple[RequestSeen, ...]
    violations: tuple[Violation, ...]
