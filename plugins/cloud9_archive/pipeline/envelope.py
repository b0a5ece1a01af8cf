"""A file encrypted for its recipients: CMS AuthEnvelopedData (RFC 5083) with AES-256-GCM (RFC 5084), in DER."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import BinaryIO, ClassVar

from asn1crypto import cms, core
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM

from cloud9_archive.pipeline.envelope_keys import KEY_SIZE, wrapped_for
from cloud9_archive.pipeline.recipients import Recipient

ENVELOPE = "CMS AuthEnvelopedData AES-256-GCM"
"""What the format says of how its files are encrypted."""

CHUNK = 1024 * 1024
"""Bytes of a file that are in memory at a time, however large it is."""

TAG_SIZE = 16
NONCE_SIZE = 12

SEQUENCE, SET, OID, OCTETS, EXPLICIT_0, IMPLICIT_0 = 0x30, 0x31, 0x06, 0x04, 0xA0, 0x80
"""Tags of an envelope's outer parts."""

AUTH_ENVELOPED = core.ObjectIdentifier("1.2.840.113549.1.9.16.1.23").dump()
CONTENT_IS_BYTES = core.ObjectIdentifier("1.2.840.113549.1.7.1").dump()
VERSION = core.Integer(0).dump()


class GcmParameters(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """GCMParameters of RFC 5084."""

    _fields: ClassVar = [("nonce", core.OctetString), ("tag_size", core.Integer, {"default": 12})]


class CipherNamed(core.Sequence):  # type: ignore[misc]  # as above
    """AlgorithmIdentifier of AES-256-GCM."""

    _fields: ClassVar = [("algorithm", core.ObjectIdentifier), ("parameters", GcmParameters)]


AES_256_GCM = "2.16.840.1.101.3.4.1.46"


def encrypt(source: BinaryIO, size: int, target: BinaryIO, recipients: Sequence[Recipient]) -> tuple[str, str, int]:
    """
    The encrypted file is in ``target``, in the memory of one chunk.

    Key and nonce are drawn anew, so encrypting the same bytes twice gives other bytes.

    :param size: bytes that ``source`` holds
    :returns: SHA-256 of the plain bytes, SHA-256 of the encrypted ones, hex, and the latter's number
    :raises ValueError: if the source holds more or fewer bytes; there is a recipient at least
    """
    if not recipients:
        raise ValueError("what is encrypted for nobody could never be opened")
    key, nonce = os.urandom(KEY_SIZE), os.urandom(NONCE_SIZE)
    encryptor = Cipher(AES256(key), GCM(nonce)).encryptor()
    plain, stored = hashlib.sha256(), hashlib.sha256()
    read = written = 0

    def put(piece: bytes) -> None:
        nonlocal written
        target.write(piece)
        stored.update(piece)
        written += len(piece)

    put(_head(size, nonce, [wrapped_for(recipient, key) for recipient in recipients]))
    while chunk := source.read(CHUNK):
        plain.update(chunk)
        read += len(chunk)
        put(encryptor.update(chunk))
    if read != size:
        raise ValueError(f"{size} bytes were to be encrypted, and there are {read}")
    encryptor.finalize()
    put(core.OctetString(encryptor.tag).dump())
    return plain.hexdigest(), stored.hexdigest(), written


def _head(size: int, nonce: bytes, infos: Sequence[cms.RecipientInfo]) -> bytes:
    """Everything before the first encrypted byte; in DER lengths stand in front, so all of them are known by now."""
    cipher = CipherNamed({"algorithm": AES_256_GCM, "parameters": {"nonce": nonce, "tag_size": TAG_SIZE}})
    mac = len(_header(OCTETS, TAG_SIZE)) + TAG_SIZE
    content = CONTENT_IS_BYTES + cipher.dump() + _header(IMPLICIT_0, size)
    content = _header(SEQUENCE, len(content) + size) + content
    enveloped: bytes = VERSION + cms.RecipientInfos(infos).dump() + content
    enveloped = _header(SEQUENCE, len(enveloped) + size + mac) + enveloped
    enveloped = AUTH_ENVELOPED + _header(EXPLICIT_0, len(enveloped) + size + mac) + enveloped
    return _header(SEQUENCE, len(enveloped) + size + mac) + enveloped


def _header(tag: int, length: int) -> bytes:
    """Tag and length, as DER has them."""
    if length < 0x80:  # noqa: PLR2004 - X.690
        return bytes((tag, length))
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(digits))) + digits
