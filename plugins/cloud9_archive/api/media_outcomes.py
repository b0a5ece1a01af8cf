"""What media hosts answer, and what it means; none of it looks like an answer of Cloud9's."""

from __future__ import annotations

from typing import Final

from cloud9_archive.api.outcome import Outcome
from cloud9_archive.errors import Cloud9ArchiveError, MediaHostError, MediaHostFaultError

MEDIA_OUTCOMES: Final[dict[str, Outcome]] = {
    "media address": Outcome(
        "audio is said to be elsewhere, at an address that may not be followed",
        MediaHostError,
        "the host is not among the connection's media hosts, or the address is not plain https",
        "if audio may come from there, add the host to media_hosts",
    ),
    "media peer": Outcome(
        "a media host's name leads to loopback, link-local or another address that is nobody's host",
        MediaHostError,
        "its name is wrong in DNS, or somebody wants this worker to ask where only it can",
        "find out who answers for this name; list an address instead of the name if it is right all the same",
    ),
    "media 3xx": Outcome(
        "3xx from a media host",
        MediaHostError,
        "the media host answered with a redirect, which is never followed",
        "if the place that it names is right, ask Cloud9 to give that address in the first place",
    ),
    "media page": Outcome(
        "an HTML page or JSON from a media host",
        MediaHostError,
        "something between this worker and the media host answers in its place, or the address is not one of audio",
        "open the egress to the media host, or correct recording.answer.url in the wire format file",
    ),
    "media encoding": Outcome(
        "a Content-Encoding from a media host",
        MediaHostError,
        "the bytes are not those of the recording, though only identity was accepted",
        "find out what stands between this worker and the media host and changes answers, or how the audio is stored there",
    ),
    "media gone": Outcome(
        "400, 401, 403, 404 or 410 from a media host",
        MediaHostFaultError,
        "the address has expired, was withdrawn, or is not there yet",
        "nothing: Cloud9 is asked for another one; if it stays, check that clocks are right",
    ),
    "media fault": Outcome(
        "any other status from a media host, or none",
        MediaHostFaultError,
        "the media host failed, or was not reached in the time that the connection allows",
        "nothing: Cloud9 is asked again; if it stays, check the firewall and the proxy between this worker and the host",
    ),
}
_GONE: Final = frozenset({400, 401, 403, 404, 410})
_REDIRECTION: Final = 3


def media_error(kind: str, found: str, *, asked: str) -> Cloud9ArchiveError:
    """
    The error for what a media host did; it never looks like one of Cloud9's own.

    :param kind: one of the table's rows on media hosts
    :param found: what was seen
    :param asked: the host, and nothing else of the address
    """
    outcome = MEDIA_OUTCOMES[kind]
    return (outcome.error or MediaHostFaultError)(
        f"{asked} {found}: {outcome.meaning}", subject=asked, hint=outcome.hint
    )


def media_status_error(status: int, *, asked: str, leads_to: str | None = None) -> Cloud9ArchiveError:
    """
    The error that a media host's status stands for.

    :param leads_to: the host that a redirect names
    """
    if status // 100 == _REDIRECTION:
        return media_error("media 3xx", f"was answered {status}, a redirect to {leads_to or 'nowhere'}", asked=asked)
    return media_error("media gone" if status in _GONE else "media fault", f"was answered {status}", asked=asked)
