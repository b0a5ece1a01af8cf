"""What the admin endpoints take and tell, as models that tests and the demo parse."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cloud9_archive.emulator.calls import Condition, Damage, Kind
from cloud9_archive.emulator.fault_kinds import Endpoint, FaultKind


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
    :param recording_list_per_minute: requests of one key to the listings of recordings, which are the emulator's own
    :param page_size: rows on a page
    :param skew_seconds: largest accepted distance of a Date header
    :param longest_window_hours: longest window that is listed
    """

    metadata_per_minute: int = Field(default=70, ge=0)
    recordings_per_minute: int = Field(default=350, ge=0)
    recording_list_per_minute: int = Field(default=350, ge=0)
    page_size: int = Field(default=200, ge=1)
    skew_seconds: float = Field(default=300.0, ge=0)
    longest_window_hours: float = Field(default=24.0, gt=0)


class AllowList(_Told):
    """The networks (CIDR) from which a desk's key may be used."""

    desk: str
    networks: tuple[str, ...]


class KeyScopes(_Told):
    """What a desk's key is good for: listings need ``metadata``, audio needs ``recordings``."""

    desk: str
    scopes: tuple[Literal["metadata", "recordings"], ...]


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
    :param path: ids and tokens in it are replaced by ``{callId}`` and ``{token}``
    :param subject: the recording asked for, or the window and the place in it
    :param error: the refusal's word, if it was refused
    :param fault: what struck it
    """

    at: AwareDatetime
    method: str
    path: str
    desk: str | None
    status: int
    subject: str | None
    error: str | None
    fault: FaultKind | None


class MinuteCount(_Told):
    """
    What the limiter let through and turned down in one minute of real time.

    :param minute: its beginning, aware UTC
    """

    desk: str
    endpoint: Endpoint
    minute: AwareDatetime
    admitted: int
    refused: int


class Counters(_Told):
    """
    What was asked for since the start.

    :param requests: by ``METHOD path``, paths as in :class:`RequestSeen`
    :param statuses: by ``METHOD path status``
    :param downloads: by recording id, answers with its bytes
    :param faults: strikes by kind; of ``status`` by ``status 503``
    :param minutes: of requests that the limiter judged, in order of time
    """

    requests: dict[str, int]
    statuses: dict[str, int]
    downloads: dict[str, int]
    faults: dict[str, int]
    minutes: tuple[MinuteCount, ...]


class Violation(_Told):
    """
    A request that no client may ever make, such as PATCH on metadata, or a followed link that shows the API key.

    :param why: one sentence
    """

    at: datetime
    method: str
    path: str
    desk: str | None
    why: str


class RequestLog(_Told):
    """The latest requests, oldest first, and every violation."""

    requests: tuple[RequestSeen, ...]
    violations: tuple[Violation, ...]
