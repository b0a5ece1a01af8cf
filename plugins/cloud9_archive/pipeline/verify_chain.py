"""A policy's chain, checked link by link."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cloud9_archive.domain.chain import ChainLink, check_succession, parse_link
from cloud9_archive.domain.keys import link_path, path_segment
from cloud9_archive.errors import Cloud9ArchiveError
from cloud9_archive.pipeline.verify_bag import Checker
from cloud9_archive.pipeline.verify_codes import Code
from cloud9_archive.pipeline.verify_proofs import ChainProofs, Keyring
from cloud9_archive.pipeline.verify_report import Head


@dataclass(frozen=True, slots=True)
class Vouched:
    """
    What a chain says of its archive.

    :param members: digest by key, over all links
    :param digests: of every link that could be read
    :param head: the newest link
    """

    members: Mapping[str, str]
    digests: frozenset[str]
    head: Head | None


def verify_chain(checker: Checker, segment: str, keyring: Keyring) -> Vouched:
    """
    Numbers, names, previous digests, Merkle roots, signatures and time stamps are checked; members are not read here.

    :param segment: the policy's folder
    :param keyring: gives the keys that signatures are checked with
    """
    members: dict[str, str] = {}
    digests: set[str] = set()
    previous: ChainLink | None = None
    readable = True
    expected = 1
    head: Head | None = None
    numbers = {key: _number(key) for key in checker.store.keys(f"{segment}/chain")}
    proofs = ChainProofs(keyring, {key for key, number in numbers.items() if number is None})
    newest: str | None = None
    for key, number in numbers.items():
        if number is None:
            continue
        newest = key
        if number != expected:
            checker.found(Code.CHAIN_GAP, key, f"number {expected} must come here; {number - expected} are missing")
            previous, readable = None, False
        expected = number + 1
        content = checker.read(key)
        if content is not None:
            digests.add(hashlib.sha256(content).hexdigest())
        link = _link(checker, key, content) if content is not None else None
        if content is None or link is None:
            previous, readable = None, False
            continue
        proofs.check(key, link, content)
        _check_place(checker, key, link, segment=segment, number=number)
        if readable:
            _check_order(checker, key, previous, link)
        for member in link.members:
            if members.setdefault(member.path, member.sha256) != member.sha256:
                checker.found(Code.CHAIN_MEMBER_ALTERED, member.path, f"two links vouch for different digests: {key}")
        previous, readable = link, True
        head = Head(policy=segment, number=number, digest=link.digest())
    proofs.end(newest)
    return Vouched(members=members, digests=frozenset(digests), head=head)


def _number(key: str) -> int | None:
    """The number of a link's name, if the key is exactly that of a link."""
    segment, _, name = key.partition("/chain/")
    digits = name.removesuffix(".json")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:  # noqa: PLR2004 - far beyond any chain
        return None
    return int(digits) if key == link_path(segment, int(digits)) and int(digits) > 0 else None


def _link(checker: Checker, key: str, content: bytes) -> ChainLink | None:
    checker.links += 1
    checker.files += 1
    checker.size += len(content)
    try:
        return parse_link(content)
    except Cloud9ArchiveError as error:
        code = Code.CHAIN_ROOT_WRONG if error.subject == "merkle_root" else Code.CHAIN_LINK_REFUSED
        checker.found(code, key, error.message)
        return None


def _check_place(checker: Checker, key: str, link: ChainLink, *, segment: str, number: int) -> None:
    if link.number != number or path_segment(link.policy) != segment:
        checker.found(Code.CHAIN_BROKEN, key, f"it is link {link.number} of {link.policy}, under another name")


def _check_order(checker: Checker, key: str, previous: ChainLink | None, link: ChainLink) -> None:
    try:
        check_succession(previous, link)
    except Cloud9ArchiveError as error:
        checker.found(Code.CHAIN_BROKEN, key, error.message)
