"""Ed25519 keys of a chain: the private one signs links, the public one checks them, and its digest names both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.settings import ProofSettings

_LARGEST = 64 * 1024
_MAKE = "make one with: openssl genpkey -algorithm ed25519 -out signing-key.pem"


class LinkSigner:
    """
    Signs chain links; the private key does not leave it, neither in a repr nor in a pickle.

    :param key: the private key
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.public_pem = public_pem(key.public_key())
        self.key_id = public_key_id(key.public_key())
        self.__key = key

    def __repr__(self) -> str:
        """Which key it signs with."""
        return f"LinkSigner({self.key_id})"

    def __reduce__(self) -> NoReturn:
        """A private key is not sent anywhere."""
        raise TypeError("a signer cannot be pickled")

    def sign(self, content: bytes) -> bytes:
        """The 64 bytes of the signature; the same whenever it is asked for, since Ed25519 draws no random numbers."""
        return self.__key.sign(content)


def open_signer(settings: ProofSettings) -> LinkSigner | None:
    """
    The deployment's signer, or None if no key is configured.

    :raises ConfigurationError: if what is configured is not an Ed25519 private key that opens; its text is in no message
    """
    if settings.signing_key_file:
        field, text = "signing_key_file", read_pem(settings.signing_key_file)
    elif settings.signing_key:
        field, text = "signing_key", settings.signing_key.encode()
    else:
        return None
    password = settings.signing_key_password.encode() if settings.signing_key_password else None
    try:
        key = load_pem_private_key(text, password if b"ENCRYPTED" in text else None)
    except TypeError:
        raise _refused(field, "is encrypted", hint="give its password in signing_key_password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _refused(field, "is no private key in PEM that opens with the password given", hint=_MAKE) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _refused(field, "is a private key of another kind than Ed25519", hint=_MAKE)
    return LinkSigner(key)


def load_public_key(content: bytes, *, name: str) -> Ed25519PublicKey:
    """
    The public key of a PEM file.

    :param name: what to call the file in a message
    :raises ConfigurationError: if there is no Ed25519 public key in it
    """
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PublicKey):
        return key
    raise ConfigurationError(
        f"{name} is no Ed25519 public key in PEM",
        subject=name,
        hint="write it with: openssl pkey -in signing-key.pem -pubout -out public-key.pem",
    )


def read_public_keys(paths: Sequence[Path]) -> dict[str, Ed25519PublicKey]:
    """
    The keys of the files, by their ids.

    :raises ConfigurationError: if one cannot be read, or is none
    """
    keys = [load_public_key(read_pem(path), name=str(path)) for path in paths]
    return {public_key_id(key): key for key in keys}


def public_key_id(key: Ed25519PublicKey) -> str:
    """SHA-256, hex, of the key in DER (SubjectPublicKeyInfo)."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def public_pem(key: Ed25519PublicKey) -> bytes:
    """The key as PEM, as ``openssl pkey -pubout`` writes it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def is_signed_by(key: Ed25519PublicKey, *, signature: bytes, content: bytes) -> bool:
    """Whether the signature is this key's over just these bytes."""
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def read_pem(path: Path) -> bytes:
    """
    The content of a small file.

    :raises ConfigurationError: if it cannot be read
    """
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise ConfigurationError(
            f"{str(path)!r} cannot be read: {error.strerror}",
            subject=str(path),
            hint="put the file on every host that needs it; a private key is to be readable by that account only",
        ) from None


def _refused(field: str, words: str, *, hint: str) -> ConfigurationError:
    return ConfigurationError(f"[cloud9_archive] {field} {words}", subject=field, hint=hint)
