"""Every exception of this package, in one tree.

::

    Cloud9ArchiveError
    ├── TransientError                try again: the client in seconds, then the task in minutes
    │   ├── UnreachableError          name lookup, connection, reset, timeout
    │   ├── ServerFaultError          the server answered 5xx
    │   ├── RateLimitedError          the server answered 429
    │   │   └── NoTurnError           the next turn under the limits is too far away
    │   ├── IncompleteBodyError       the bytes that arrived are not those that were announced
    │   ├── MediaHostFaultError       a media host did not give what Cloud9 said was there
    │   ├── StagingLostError          bytes that the catalog knows are not on this host
    │   └── AlertNotSentError         nobody could be told
    ├── ConfigurationError            a person must act first: never retried
    │   ├── ConnectionFieldError      a field of the Airflow connection is missing or wrong
    │   ├── CredentialsError          401
    │   ├── AddressNotAllowedError    403
    │   ├── ScopeError                the key may do one thing and not the other
    │   ├── TlsError                  the server's certificate was not accepted, or ours by the server
    │   ├── ProxyRefusedError         the forward proxy let nothing through
    │   ├── WireFormatError           the API's answer does not fit the wire format file
    │   ├── MediaHostError            audio is said to be where it may not be fetched from
    │   ├── PolicyError               a policy file
    │   ├── RosterError               a roster file
    │   ├── WindowError               the run has no window to work on
    │   ├── ArchiveConflictError      other bytes stand where ours must go
    │   ├── LockNotProvenError        a file in the archive is not locked as it must be
    │   ├── StillLockedError          a lock keeps a file that is to be removed
    │   ├── CustodyError              a hold, extension or disposal cannot be as it was asked for
    │   ├── CatalogError              the catalog cannot be used as it is
    │   ├── AlertChannelError         alerts cannot go out the way the policy says
    │   ├── AirflowRefusedError       Airflow's REST API answered with an error
    │   ├── ReconciliationError       the run does not add up
    │   └── VerificationError         an archive is not as its seals and chain say
    └── RecordError                   one recording is bad: quarantine it, carry on
        ├── RecordingRefusedError     the source does not give this one, and says that asking again is of no use
        ├── DamagedMediaError
        ├── EmptyMediaError
        ├── UnsupportedMediaError
        │   └── NotAudioError         an error page, an archive, a picture, text
        ├── TranscodeError
        │   └── DerivativeMismatchError  it was made, and is not what the original is
        ├── MediaLimitError           needs more time, memory or space than one recording may have
        └── MediaWorkerLostError      its decoder crashed

The family decides about retries; ``code`` is stable and appears in findings, reports and docs.
"""

from __future__ import annotations

from typing import ClassVar


class Cloud9ArchiveError(Exception):
    """
    Something went wrong, said so that a person knows what to do next.

    :param message: what was found, naming the record, rule or field
    :param subject: id of the record, or place of the field, that it concerns
    :param hint: the next action, as a sentence
    """

    code: ClassVar[str] = "ERROR"

    def __init__(self, message: str, *, subject: str | None = None, hint: str | None = None) -> None:
        self.message = message
        self.subject = subject
        self.hint = hint
        super().__init__(message, subject, hint)

    def __str__(self) -> str:
        """One line: the message, then the hint."""
        return f"{self.message} – {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        """Keyword arguments survive pickling: errors cross process boundaries here."""
        return (_rebuild, (type(self), self.message, self.subject, self.hint))


def _rebuild(kind: type[Cloud9ArchiveError], message: str, subject: str | None, hint: str | None) -> Cloud9ArchiveError:
    return kind(message, subject=subject, hint=hint)


class TransientError(Cloud9ArchiveError):
    """The same attempt may work later."""

    code = "TRANSIENT"


class UnreachableError(TransientError):
    """No complete answer came: name lookup, connection, reset or timeout."""

    code = "UNREACHABLE"


class ServerFaultError(TransientError):
    """The server answered 5xx."""

    code = "SERVER_FAULT"


class RateLimitedError(TransientError):
    """The server answered 429."""

    code = "RATE_LIMITED"


class NoTurnError(RateLimitedError):
    """The next turn under the limits, which all workers of a key share, is too far away to wait for."""

    code = "NO_TURN"


class IncompleteBodyError(TransientError):
    """Fewer or more bytes arrived than the server announced."""

    code = "INCOMPLETE_BODY"


class MediaHostFaultError(TransientError):
    """A media host refused, failed or was not reached; Cloud9 is asked for another address."""

    code = "MEDIA_HOST_FAULT"


class StagingLostError(TransientError):
    """Bytes that the catalog says were staged are not there."""

    code = "STAGING_LOST"


class AlertNotSentError(TransientError):
    """The channel of a policy's alerts did not take one; it is told by a later run."""

    code = "ALERT_NOT_SENT"


class ConfigurationError(Cloud9ArchiveError):
    """A person must change something before another attempt can work."""

    code = "CONFIGURATION"


class ConnectionFieldError(ConfigurationError):
    """A field of the Airflow connection is missing or has a wrong value."""

    code = "CONNECTION_FIELD"


class CredentialsError(ConfigurationError):
    """The server answered 401."""

    code = "CREDENTIALS"


class AddressNotAllowedError(ConfigurationError):
    """The server answered 403: the caller's public address is not on the key's list."""

    code = "ADDRESS_NOT_ALLOWED"


class ScopeError(ConfigurationError):
    """The key is accepted, but its scope lacks an endpoint that is needed."""

    code = "SCOPE"


class TlsError(ConfigurationError):
    """The server's certificate was not accepted, or ours by the server."""

    code = "TLS"


class ProxyRefusedError(ConfigurationError):
    """The forward proxy let nothing through: credentials, or a destination that it does not serve."""

    code = "PROXY"


class WireFormatError(ConfigurationError):
    """The API's answer does not have the shape that the wire format file describes."""

    code = "WIRE_FORMAT"


class MediaHostError(ConfigurationError):
    """Cloud9 says that audio is at an address that may not be followed, or that is no place for audio."""

    code = "MEDIA_HOST"


class PolicyError(ConfigurationError):
    """A policy file is not valid."""

    code = "POLICY"


class RosterError(ConfigurationError):
    """A roster is missing, empty or not valid."""

    code = "ROSTER"


class WindowError(ConfigurationError):
    """The run has no window, or not a usable one."""

    code = "WINDOW"


class ArchiveConflictError(ConfigurationError):
    """The archive already holds other bytes under this key; nothing was overwritten."""

    code = "ARCHIVE_CONFLICT"


class LockNotProvenError(ConfigurationError):
    """The archive does not hold a file under the lock that was asked for; it counts as not archived."""

    code = "LOCK_NOT_PROVEN"


class StillLockedError(ConfigurationError):
    """A lock of the archive keeps a file that is to be removed; it stays."""

    code = "STILL_LOCKED"


class CustodyError(ConfigurationError):
    """A legal hold, an extension of retention or a disposal cannot be as it was asked for; nothing was changed."""

    code = "CUSTODY"


class CatalogError(ConfigurationError):
    """The catalog is missing, of another version, or refuses an impossible change of state."""

    code = "CATALOG"


class AlertChannelError(ConfigurationError):
    """The connection or the options by which a policy's alerts go out cannot be used as they are."""

    code = "ALERT_CHANNEL"


class AirflowRefusedError(ConfigurationError):
    """Airflow's REST API answered a request of ours with an error."""

    code = "AIRFLOW_REFUSED"


class ReconciliationError(ConfigurationError):
    """The run does not add up: something is unaccounted for, or upstream work failed."""

    code = "RECONCILIATION"


class VerificationError(ConfigurationError):
    """An archive is not as its seals and its chain say it is."""

    code = "VERIFICATION"


class RecordError(Cloud9ArchiveError):
    """One recording cannot be used as it is; the others can."""

    code = "RECORD"


class RecordingRefusedError(RecordError):
    """
    The source refuses one recording for good, as far as it says: it is awaited, and not quarantined, as it may err.

    :param gone: whether the source said that it had the recording once (410)
    """

    code = "MEDIA_REFUSED"

    def __init__(
        self, message: str, *, subject: str | None = None, hint: str | None = None, gone: bool = False
    ) -> None:
        self.gone = gone
        super().__init__(message, subject=subject, hint=hint)


class DamagedMediaError(RecordError):
    """
    The audio is cut, altered or does not decode to its end.

    :param kind: the code of what a decoder met; None if it was not a decoder that found it
    :param at_seconds: audio that came out before
    :param lost_seconds: an estimate of what does not decode; None if nothing is known
    :param count: packets of which none or damaged audio came out
    """

    code = "MEDIA_DAMAGED"

    def __init__(
        self,
        message: str,
        *,
        subject: str | None = None,
        hint: str | None = None,
        kind: str | None = None,
        at_seconds: float | None = None,
        lost_seconds: float | None = None,
        count: int = 1,
    ) -> None:
        self.kind = kind
        self.at_seconds = at_seconds
        self.lost_seconds = lost_seconds
        self.count = count
        super().__init__(message, subject=subject, hint=hint)


class EmptyMediaError(RecordError):
    """There are no bytes, or no audio in them."""

    code = "MEDIA_EMPTY"


class UnsupportedMediaError(RecordError):
    """The bytes are not audio of a kind that is known here."""

    code = "MEDIA_UNSUPPORTED"


class NotAudioError(UnsupportedMediaError):
    """The bytes are no audio at all: an error page, an archive, a picture, text."""

    code = "MEDIA_NOT_AUDIO"


class TranscodeError(RecordError):
    """The derivative could not be made."""

    code = "TRANSCODE"


class DerivativeMismatchError(TranscodeError):
    """The derivative was made and read back, and does not hold what the original does."""

    code = "DERIVATIVE_MISMATCH"


class MediaLimitError(RecordError):
    """The recording needs more time, memory or space than one recording may have."""

    code = "MEDIA_LIMIT_EXCEEDED"


class MediaWorkerLostError(RecordError):
    """The process that decoded the recording crashed over it."""

    code = "MEDIA_WORKER_LOST"
