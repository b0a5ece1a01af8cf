"""Opening encrypted files with a private key: for a person or a verification, never for the pipeline."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from asn1crypto import cms
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.envelope import (
    AES_256_GCM,
    AUTH_ENVELOPED,
    CHUNK,
    CONTENT_IS_BYTES,
    EXPLICIT_0,
    IMPLICIT_0,
    NONCE_SIZE,
    OCTETS,
    SEQUENCE,
    SET,
    TAG_SIZE,
    VERSION,
    CipherNamed,
)
from cloud9_archive.pipeline.envelope_keys import KEY_SIZE, PrivateKey, known_by, unwrapped
from cloud9_archive.pipeline.signing import read_pem

_LARGEST_HEAD = 64 * 1024
_LONG = 0x80
_MOST_DIGITS = 8
_TAG_PART = 2 + TAG_SIZE


class NotOpenedError(Exception):
    """The file does not open; the message says why, without any of its content."""


class NotRecipientError(NotOpenedError):
    """It is for others than the owners of the keys; with another key it may open."""


@dataclass(frozen=True, slots=True)
class Opener:
    """
    Opens files that are encrypted for one of its keys.

    :param keys: private keys; they are in no repr
    """

    keys: tuple[PrivateKey, ...]

    def __repr__(self) -> str:
        """How many keys it has."""
        return f"Opener({len(self.keys)} keys)"

    def opened(self, file: BinaryIO) -> Iterator[bytes]:
        """
        The plain bytes, piece by piece; only after the last one is it certain that none of them was altered.

        :raises NotOpenedError: if it is not for these keys, is cut off or altered, or is not an encrypted file at all
        """
        try:
            yield from self._opened(_Envelope(file))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
            raise NotOpenedError("it is no encrypted file of this format") from error

    def read(self, content: bytes) -> bytes:
        """
        The plain bytes of a small file, when all of them are known to be as they were encrypted.

        :raises NotOpenedError: as :meth:`opened` does
        """
        return b"".join(self.opened(io.BytesIO(content)))

    def _opened(self, envelope: _Envelope) -> Iterator[bytes]:
        decryptor = self._decryptor(envelope)
        left = envelope.size
        while left:
            chunk = envelope.take(min(left, CHUNK))
            left -= len(chunk)
            yield decryptor.update(chunk)
        envelope.enter(OCTETS, until=envelope.end)
        try:
            decryptor.finalize_with_tag(envelope.take(TAG_SIZE))
        except InvalidTag:
            raise NotOpenedError("it was altered after it was encrypted") from None
        if envelope.file.read(1):
            raise NotOpenedError("something follows its end")

    def _decryptor(self, envelope: _Envelope) -> AEADDecryptionContext:
        for info in envelope.infos:
            for private in self.keys:
                key = unwrapped(info, private)
                if key is not None and len(key) == KEY_SIZE:
                    return Cipher(AES256(key), GCM(envelope.nonce)).decryptor()
        whom = "; ".join(known_by(info) for info in envelope.infos)
        raise NotRecipientError(f"none of the keys given is that of a recipient: it is for the certificates {whom}")


class _Envelope:
    """The outer parts of an encrypted file, read up to its first encrypted byte."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._place = 0
        self.end = self.enter(SEQUENCE)
        self._expect(AUTH_ENVELOPED)
        self.enter(EXPLICIT_0, until=self.end)
        self.enter(SEQUENCE, until=self.end)
        self._expect(VERSION)
        self.infos: Sequence[cms.RecipientInfo] = cms.RecipientInfos.load(self._whole(SET), strict=True)
        end = self.enter(SEQUENCE)
        self._expect(CONTENT_IS_BYTES)
        cipher = CipherNamed.load(self._whole(SEQUENCE), strict=True)
        parameters = cipher["parameters"]
        self.nonce: bytes = parameters["nonce"].native
        named = (cipher["algorithm"].dotted, parameters["tag_size"].native, len(self.nonce))
        if named != (AES_256_GCM, TAG_SIZE, NONCE_SIZE):
            raise NotOpenedError("it is encrypted in another way than this format's")
        self.enter(IMPLICIT_0, until=end)
        self.size = end - self._place
        if self.end - end != _TAG_PART:
            raise ValueError("another part is wanted behind the content")

    def enter(self, tag: int, *, until: int | None = None) -> int:
        """
        The next part has this tag; where it ends, in bytes from the file's beginning.

        :param until: where it must end
        """
        found, length = self.take(2)
        if length >= _LONG:
            digits = length - _LONG
            if not 0 < digits <= _MOST_DIGITS:
                raise ValueError("a length of that kind does not occur")
            length = int.from_bytes(self.take(digits), "big")
        end = self._place + length
        if found != tag or until not in (None, end):
            raise ValueError("another part is wanted here")
        return end

    def take(self, count: int) -> bytes:
        """The next bytes."""
        found = b""
        while len(found) < count and (more := self.file.read(count - len(found))):
            found += more
        if len(found) < count:
            raise NotOpenedError("it is cut off")
        self._place += count
        return found

    def _expect(self, content: bytes) -> None:
        if self.take(len(content)) != content:
            raise ValueError("another part is wanted here")

    def _whole(self, tag: int) -> bytes:
        length = self.enter(tag) - self._place
        if length > _LARGEST_HEAD:
            raise ValueError("no such part is as long")
        digits = length.to_bytes(4, "big")
        return bytes((tag, 0x84)) + digits + self.take(length)


def read_opener(paths: Sequence[Path], *, password: bytes | None = None) -> Opener | None:
    """
    An opener with the private keys of these files; None without any.

    :param password: opens those that are encrypted
    :raises ConfigurationError: if one cannot be read, or is no RSA or elliptic private key that opens
    """
    return Opener(tuple(_read_key(path, password) for path in paths)) if paths else None


def is_locked(path: Path) -> bool:
    """
    Whether the private key in the file wants a password.

    :raises ConfigurationError: if it cannot be read
    """
    return b"ENCRYPTED" in read_pem(path)


def _read_key(path: Path, password: bytes | None) -> PrivateKey:
    content = read_pem(path)
    try:
        key = load_pem_private_key(content, password if b"ENCRYPTED" in content else None)
    except TypeError:
        raise _refused(path, "is encrypted, and no password was given", "give its password") from None
    except (ValueError, UnsupportedAlgorithm):
        words = "is no private key in PEM that opens" + (" with the password given" if password else "")
        raise _refused(path, words, "name the PEM file of the private key of a recipient") from None
    if isinstance(key, (RSAPrivateKey, EllipticCurvePrivateKey)):
        return key
    raise _refused(path, "is a private key of another kind than RSA or elliptic", "name the key of a recipient")


def _refused(path: Path, words: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"{path} {words}", subject=str(path), hint=hint)
