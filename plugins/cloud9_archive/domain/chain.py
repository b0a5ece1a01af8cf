"""The chain of a policy: one link per run, each with a Merkle root over what the run left and the digest before it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

from cloud9_archive.domain.call import canonical_json, utc_text
from cloud9_archive.domain.keys import check_archive_key
from cloud9_archive.errors import ConfigurationError

LINK_FORMAT = "cloud9-archive chain link 1"
PROVEN_LINK_FORMAT = "cloud9-archive chain link 2"
"""Of links that promise a signature or a time stamp: format 1 with the fields ``key_id`` and ``timestamp``."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_HINT = "the chain was altered or cut: run cloud9-archive verify, and compare with a head digest kept elsewhere"
_FIELDS = frozenset(
    ["format", "number", "kind", "policy", "run_id", "written_at", "previous", "members", "merkle_root"]
)
_PROOF_FIELDS = frozenset(["key_id", "timestamp"])


class LinkKind(StrEnum):
    """Whether the run followed the schedule or went back over an older window."""

    REGULAR = "regular"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """
    One file that a link vouches for: a bag's seal, or a report.

    :param path: key in the archive, from its root
    :param sha256: 64 lower-case hex digits
    """

    path: str
    sha256: str

    def line(self) -> bytes:
        """The Merkle leaf: the line that ``sha256sum -c`` reads."""
        return f"{self.sha256}  {self.path}\n".encode()


@dataclass(frozen=True, slots=True)
class ChainLink:
    """
    What one run left in the archive, and where it stands in the policy's history.

    :param number: from 1, without gaps
    :param written_at: aware datetime, kept in UTC
    :param previous: SHA-256 of the bytes of the link before it; None for number 1
    :param members: at least one, in the order of their paths, each path once
    :param key_id: SHA-256, hex, of the public key (DER) that checks the signature beside the link; None: it has none
    :param timestamp: whether a time stamp belongs beside the link
    :raises ConfigurationError: if a field cannot stand in a link
    """

    number: int
    kind: LinkKind
    policy: str
    run_id: str
    written_at: datetime
    previous: str | None
    members: tuple[Member, ...]
    key_id: str | None = None
    timestamp: bool = False

    def __post_init__(self) -> None:
        """Only a link that can be written, read again and checked with sha256sum comes into being."""
        for field, fault in _link_faults(self):
            raise ConfigurationError(f"chain link {self.number} of {self.policy!r}: {field} {fault}", subject=field)
        object.__setattr__(self, "written_at", self.written_at.astimezone(UTC))

    @property
    def merkle_root(self) -> str:
        """RFC 6962 tree hash over the members' lines, hex."""
        return merkle_root([member.line() for member in self.members]).hex()

    def digest(self) -> str:
        """SHA-256 of the link's bytes, hex: the next link's ``previous``, and the head if there is none."""
        return hashlib.sha256(link_bytes(self)).hexdigest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """
    The Merkle tree hash of RFC 6962 section 2.1 over the leaves in their order.

    :returns: 32 bytes; for no leaves the SHA-256 of nothing
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        # Joining neighbours and carrying an odd one up splits at the largest power of two, as the RFC defines it.
        pairs = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def next_link(
    previous: ChainLink | None,
    *,
    kind: LinkKind,
    policy: str,
    run_id: str,
    written_at: datetime,
    members: Iterable[Member],
    key_id: str | None = None,
    timestamp: bool = False,
) -> ChainLink:
    """
    The link that follows ``previous``, or the first one; members may come in any order.

    :param written_at: aware datetime
    :param key_id: of the key that will sign the link
    :param timestamp: whether a time stamp will be asked for
    :raises ConfigurationError: if a field cannot stand in a link, or the policies differ
    """
    link = ChainLink(
        number=previous.number + 1 if previous else 1,
        kind=kind,
        policy=policy,
        run_id=run_id,
        written_at=written_at,
        previous=previous.digest() if previous else None,
        members=tuple(sorted(members)),
        key_id=key_id,
        timestamp=timestamp,
    )
    check_succession(previous, link)
    return link


def link_bytes(link: ChainLink) -> bytes:
    """The one text of a link: canonical JSON and a newline."""
    proven = link.key_id is not None or link.timestamp
    document = {
        "format": PROVEN_LINK_FORMAT if proven else LINK_FORMAT,
        "number": link.number,
        "kind": link.kind.value,
        "policy": link.policy,
        "run_id": link.run_id,
        "written_at": utc_text(link.written_at),
        "previous": link.previous,
        "members": [{"path": member.path, "sha256": member.sha256} for member in link.members],
        "merkle_root": link.merkle_root,
    }
    if proven:
        document |= {"key_id": link.key_id, "timestamp": link.timestamp}
    return canonical_json(document) + b"\n"


def parse_link(content: bytes) -> ChainLink:
    """
    The link that :func:`link_bytes` wrote; anything else is refused, to the byte.

    :raises ConfigurationError: if it is no such text; ``subject`` is ``merkle_root`` when only the root is wrong
    """
    document = _document(content)
    try:
        link = ChainLink(
            number=document["number"],
            kind=LinkKind(document["kind"]),
            policy=document["policy"],
            run_id=document["run_id"],
            written_at=datetime.fromisoformat(document["written_at"]),
            previous=document["previous"],
            members=tuple(Member(path=member["path"], sha256=member["sha256"]) for member in document["members"]),
            key_id=document.get("key_id"),
            timestamp=document.get("timestamp", False),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _refused(f"a field has the wrong form ({type(error).__name__})") from None
    if document["merkle_root"] != link.merkle_root:
        raise ConfigurationError(
            f"chain link {link.number} of {link.policy!r}: the Merkle root is not that of its members",
            subject="merkle_root",
            hint=_HINT,
        )
    if link_bytes(link) != content:
        raise _refused("it is not written in the canonical form")
    return link


def check_succession(previous: ChainLink | None, link: ChainLink) -> None:
    """
    Nothing, if ``link`` follows directly on ``previous``, or is a first link when there is none.

    :raises ConfigurationError: if the policy, number or previous digest does not fit
    """
    expected = (previous.policy, previous.number + 1, previous.digest()) if previous else (link.policy, 1, None)
    found = (link.policy, link.number, link.previous)
    for field, wanted, there in zip(("policy", "number", "previous"), expected, found, strict=True):
        if wanted != there:
            raise ConfigurationError(
                f"chain link {link.number} of {link.policy!r}: {field} is {there}, where {wanted} must follow",
                subject=field,
                hint=_HINT,
            )


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise _refused("it is not JSON in UTF-8") from None
    formats = {LINK_FORMAT: _FIELDS, PROVEN_LINK_FORMAT: _FIELDS | _PROOF_FIELDS}
    found = document.get("format") if isinstance(document, dict) else None
    if not isinstance(found, str) or document.keys() != formats.get(found):
        raise _refused(f"it is not an object of the format {' or '.join(map(repr, formats))} with exactly its fields")
    return cast("dict[str, Any]", document)


def _link_faults(link: ChainLink) -> Iterable[tuple[str, str]]:
    if type(link.number) is not int or link.number < 1:
        yield "number", "is not a whole number from 1"
    for field, text in (("policy", link.policy), ("run_id", link.run_id)):
        if not isinstance(text, str) or not text or not text.isprintable():
            yield field, "is empty, or not printable text"
    if link.written_at.utcoffset() is None:
        yield "written_at", "has no time zone"
    if link.previous is not None and not _is_digest(link.previous):
        yield "previous", "is not a SHA-256 digest"
    if link.key_id is not None and not _is_digest(link.key_id):
        yield "key_id", "is not a SHA-256 digest"
    flag: object = link.timestamp
    if type(flag) is not bool:
        yield "timestamp", "is neither true nor false"
    if not link.members:
        yield "members", "are none: a run leaves at least its report"
    yield from _member_faults(link.members)


def _member_faults(members: tuple[Member, ...]) -> Iterable[tuple[str, str]]:
    before = ""
    for member in members:
        if not isinstance(member.path, str) or not _is_digest(member.sha256):
            yield "members", "hold something that is not a path with a SHA-256 digest"
            return
        check_archive_key(member.path)
        if member.path <= before:
            yield "members", f"are not in order, or hold {member.path} twice"
        before = member.path


def _is_digest(text: object) -> bool:
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None


def _refused(words: str) -> ConfigurationError:
    return ConfigurationError(f"chain link refused: {words}", subject="link", hint=_HINT)
