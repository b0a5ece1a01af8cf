"""A file's own key, wrapped for each recipient and unwrapped by one of them: RSA-OAEP, or agreement on a curve."""

from __future__ import annotations

from typing import ClassVar

from asn1crypto import algos, cms, core, keys, x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from cloud9_archive.pipeline.recipients import Recipient

KEY_SIZE = 32
"""Bytes of the key of a file, and of the one that wraps it."""

PrivateKey = RSAPrivateKey | ec.EllipticCurvePrivateKey

_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
_OAEP_NAMED = {
    "hash_algorithm": {"algorithm": "sha256"},
    "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}},
}
_AGREEMENT = "1.3.132.1.11.1"  # dhSinglePass-stdDH-sha256kdf-scheme, RFC 5753


class _SharedInfo(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """ECC-CMS-SharedInfo of RFC 5753, for an agreement without further material."""

    _fields: ClassVar = [("key_info", cms.KeyEncryptionAlgorithm), ("supp_pub_info", core.OctetString, {"explicit": 2})]


def wrapped_for(recipient: Recipient, key: bytes) -> cms.RecipientInfo:
    """
    The key as the recipient alone can read it.

    :param key: 32 bytes
    """
    public = recipient.key
    certificate = x509.Certificate.load(recipient.certificate.public_bytes(Encoding.DER))
    known_by = cms.IssuerAndSerialNumber({"issuer": certificate.issuer, "serial_number": certificate.serial_number})
    if isinstance(public, RSAPublicKey):
        return cms.RecipientInfo("ktri", _by_transport(public, key, known_by))
    return cms.RecipientInfo("kari", _by_agreement(public, key, known_by))


def unwrapped(info: cms.RecipientInfo, private: PrivateKey) -> bytes | None:
    """The key, if it was wrapped for this private key in one of the two ways that this format knows."""
    try:
        if info.name == "ktri" and isinstance(private, RSAPrivateKey):
            return private.decrypt(info.chosen["encrypted_key"].native, _OAEP)
        if info.name == "kari" and isinstance(private, ec.EllipticCurvePrivateKey):
            own = load_der_public_key(info.chosen["originator"].chosen.untag().dump())
            if isinstance(own, ec.EllipticCurvePublicKey) and own.curve.name == private.curve.name:
                wrapping = _wrapping_key(private.exchange(ec.ECDH(), own))
                (one,) = info.chosen["recipient_encrypted_keys"]
                return keywrap.aes_key_unwrap(wrapping, one["encrypted_key"].native)
    except (ValueError, TypeError, UnsupportedAlgorithm, keywrap.InvalidUnwrap):
        return None
    return None


def known_by(info: cms.RecipientInfo) -> str:
    """Whom the key is wrapped for, in words: the certificate's serial number and issuer."""
    found = info.chosen
    rid = found["rid"] if info.name == "ktri" else found["recipient_encrypted_keys"][0]["rid"]
    return f"{rid.chosen['serial_number'].native:X} of {rid.chosen['issuer'].human_friendly}"


def _by_transport(public: RSAPublicKey, key: bytes, known_by: cms.IssuerAndSerialNumber) -> cms.KeyTransRecipientInfo:
    return cms.KeyTransRecipientInfo(
        {
            "version": "v0",
            "rid": cms.RecipientIdentifier("issuer_and_serial_number", known_by),
            "key_encryption_algorithm": {"algorithm": "rsaes_oaep", "parameters": algos.RSAESOAEPParams(_OAEP_NAMED)},
            "encrypted_key": public.encrypt(key, _OAEP),
        }
    )


def _by_agreement(
    public: ec.EllipticCurvePublicKey, key: bytes, known_by: cms.IssuerAndSerialNumber
) -> cms.KeyAgreeRecipientInfo:
    own = ec.generate_private_key(public.curve)
    own_public = own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return cms.KeyAgreeRecipientInfo(
        {
            "version": "v3",
            "originator": cms.OriginatorIdentifierOrKey("originator_key", keys.PublicKeyInfo.load(own_public)),
            "key_encryption_algorithm": {"algorithm": _AGREEMENT, "parameters": _wrapping()},
            "recipient_encrypted_keys": [
                {
                    "rid": cms.KeyAgreementRecipientIdentifier("issuer_and_serial_number", known_by),
                    "encrypted_key": keywrap.aes_key_wrap(_wrapping_key(own.exchange(ec.ECDH(), public)), key),
                }
            ],
        }
    )


def _wrapping_key(shared: bytes) -> bytes:
    told = _SharedInfo({"key_info": _wrapping(), "supp_pub_info": (KEY_SIZE * 8).to_bytes(4, "big")})
    return X963KDF(hashes.SHA256(), KEY_SIZE, told.dump()).derive(shared)


def _wrapping() -> cms.KeyEncryptionAlgorithm:
    return cms.KeyEncryptionAlgorithm({"algorithm": "aes256_wrap"})
