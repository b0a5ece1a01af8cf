"""Signatures and time stamps of a chain, checked with keys and certificates that were kept elsewhere, or the archive's."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud9_archive.api.time_stamps import check_timestamp, claimed_time, read_roots
from cloud9_archive.domain.chain import ChainLink
from cloud9_archive.domain.keys import KEYS_FOLDER, public_key_path
from cloud9_archive.errors import Cloud9ArchiveError
from cloud9_archive.pipeline.signing import (
    is_signed_by,
    load_public_key,
    public_key_id,
    public_pem,
    read_pem,
    read_public_keys,
)
from cloud9_archive.pipeline.verify_bag import Checker
from cloud9_archive.pipeline.verify_codes import Code

_KEY_FILE = re.compile(rf"{KEYS_FOLDER}/[0-9a-f]{{64}}\.pem", re.ASCII)


@dataclass(frozen=True, slots=True)
class Trust:
    """
    What was kept outside of the archive.

    :param public_keys: by id; empty: signatures are checked with the archive's own keys
    :param roots: of time-stamping authorities; empty: who stated a time is not checked
    """

    public_keys: Mapping[str, Ed25519PublicKey] = field(default_factory=dict)
    roots: Sequence[x509.Certificate] = ()


def read_trust(public_keys: Sequence[Path], roots: Path | None) -> Trust:
    """
    The keys and certificates of the files.

    :param roots: PEM file of an authority's certificates
    :raises ConfigurationError: if a file cannot be read, or holds none
    """
    return Trust(read_public_keys(public_keys), read_roots(read_pem(roots), name=str(roots)) if roots else ())


@dataclass
class Keyring:
    """The keys that links were found to name, each looked at once."""

    checker: Checker
    trust: Trust
    held: dict[str, Ed25519PublicKey | None] = field(default_factory=dict)

    def key(self, key_id: str, *, link: str) -> Ed25519PublicKey | None:
        """
        The key to check with, or None with a finding that stands for all its links.

        :param link: key of the link that names it; findings tell the first one
        """
        if key_id not in self.held:
            there = self._of_archive(key_id, link)
            trusted = self.trust.public_keys.get(key_id)
            if self.trust.public_keys and trusted is None:
                self.checker.found(
                    Code.KEY_UNKNOWN, public_key_path(key_id), f"links are signed with it, {link} and maybe others"
                )
            self.held[key_id] = trusted if self.trust.public_keys else there
        return self.held[key_id]

    def _of_archive(self, key_id: str, link: str) -> Ed25519PublicKey | None:
        place = public_key_path(key_id)
        if not self.checker.store.exists(place):
            self.checker.found(Code.KEY_MISSING, place, f"links are signed with it, {link} and maybe others")
            return None
        content = self.checker.read_counted(place)
        if content is None:
            return None
        try:
            key = load_public_key(content, name=place)
        except Cloud9ArchiveError as error:
            self.checker.found(Code.KEY_ALTERED, place, error.message)
            return None
        if public_key_id(key) == key_id and public_pem(key) == content:
            return key
        self.checker.found(Code.KEY_ALTERED, place, "it does not hold the key of its name, and nothing else")
        return None


def is_key_file(key: str) -> bool:
    """Whether a key of the archive is that of a public key."""
    return _KEY_FILE.fullmatch(key) is not None


def check_unused_keys(keyring: Keyring, files: Sequence[str]) -> None:
    """Public keys lie in the archive only because links are signed with them."""
    used = {public_key_path(key_id) for key_id in keyring.held}
    for name in files:
        if name not in used:
            keyring.checker.found(Code.FILE_MISPLACED, name, "no link is signed with this key")


class ChainProofs:
    """
    What stands beside the links of one chain, checked link by link.

    :param there: keys of everything in the chain's folder that is no link
    """

    def __init__(self, keyring: Keyring, there: set[str]) -> None:
        self._keyring = keyring
        self._checker = keyring.checker
        self._left = there
        self._signed = False
        self._stamped = False

    def check(self, key: str, link: ChainLink, content: bytes) -> None:
        """
        Signature and time stamp of a link that was read.

        :param key: of the link
        """
        stem = key.removesuffix(".json")
        if link.key_id is not None:
            self._signed = True
            self._check_signature(key, f"{stem}.sig", link.key_id, content)
        elif self._signed:
            self._checker.found(Code.CHAIN_UNSIGNED, key, "it is not signed, and links before it are")
        if link.timestamp:
            self._stamped = True
            self._check_timestamp(key, f"{stem}.tsr", content)

    def end(self, head: str | None) -> None:
        """
        Nothing lies there that no link promises, and there is something to hold what is trusted against.

        :param head: key of the newest link, if there is one
        """
        for name in sorted(self._left):
            words = "a chain holds nothing but links named by their number, and what they promise"
            self._checker.found(Code.FILE_MISPLACED, name, words)
        if head and self._keyring.trust.public_keys and not self._signed:
            self._checker.found(Code.CHAIN_UNSIGNED, head, "no link of the chain is signed, and a public key was given")
        if head and self._keyring.trust.roots and not self._stamped:
            words = "no link of the chain has a time stamp, and certificates of an authority were given"
            self._checker.found(Code.TIMESTAMP_MISSING, head, words)

    def _check_signature(self, key: str, place: str, key_id: str, content: bytes) -> None:
        public = self._keyring.key(key_id, link=key)
        if place not in self._left:
            self._checker.found(Code.SIGNATURE_MISSING, key, f"there is no {place}")
            return
        self._left.discard(place)
        signature = self._checker.read_counted(place)
        if signature is None or public is None:
            return
        if not is_signed_by(public, signature=signature, content=content):
            self._checker.found(Code.SIGNATURE_WRONG, place, f"it is not that of the key {key_id} over {key}")

    def _check_timestamp(self, key: str, place: str, content: bytes) -> None:
        if place not in self._left:
            self._checker.found(Code.TIMESTAMP_MISSING, key, f"there is no {place}")
            return
        self._left.discard(place)
        token = self._checker.read_counted(place)
        if token is None:
            return
        try:
            if self._keyring.trust.roots:
                check_timestamp(token, content, roots=self._keyring.trust.roots)
            else:
                claimed_time(token, hashlib.sha256(content).digest())
        except Cloud9ArchiveError as error:
            self._checker.found(Code.TIMESTAMP_WRONG, place, error.message)
