"""A TLS context that trusts certificates and not authorities: each connection is checked before anything is sent."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from cryptography import x509

from cloud9_archive.api.thumbprint import shown_thumbprint, thumbprints_of


class PinnedSocket(ssl.SSLSocket):
    """A connection whose handshake ends well only with a pinned certificate."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as in ssl
        """
        The peer has shown a certificate that the context accepts.

        :raises ssl.SSLCertVerificationError: if it has not; the connection is of no use then
        """
        super().do_handshake(block)
        context = self.context
        if not isinstance(context, PinningContext):
            _refuse("the connection left the context that pins certificates")
        context.check(self.getpeercert(binary_form=True))


class PinningContext(ssl.SSLContext):
    """
    Accepts the pinned certificates alone, whoever signed them and whatever their name; expired ones never.

    OpenSSL's own check is off in it, as it goes by authorities. What it says about itself is what holds for its
    connections: a certificate is required, and it is checked. Whoever wants to turn that off is not heard.

    :param pins: SHA-1 or SHA-256 thumbprints, lower-case hex
    :param clock: the present moment, aware
    """

    sslsocket_class = PinnedSocket
    _pins: frozenset[str]
    _clock: Callable[[], datetime]

    def __new__(cls, pins: frozenset[str], *, clock: Callable[[], datetime]) -> PinningContext:  # noqa: ARG004, PYI034 - SSLContext is made here, and not for subclasses
        """A client's context."""
        context = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        ssl.SSLContext.check_hostname.__set__(context, False)  # type: ignore[attr-defined]  # a property, to typeshed an attribute
        ssl.SSLContext.verify_mode.__set__(context, ssl.CERT_NONE)  # type: ignore[attr-defined]  # as above
        # In a renegotiation the server could show another certificate.
        context.options |= ssl.OP_NO_RENEGOTIATION
        return context

    def __init__(self, pins: frozenset[str], *, clock: Callable[[], datetime]) -> None:
        self._pins = pins
        self._clock = clock

    @property  # type: ignore[override]  # to typeshed an attribute
    def verify_mode(self) -> ssl.VerifyMode:
        """A certificate is required."""
        return ssl.CERT_REQUIRED

    @verify_mode.setter
    def verify_mode(self, value: ssl.VerifyMode) -> None:
        pass

    @property
    def check_hostname(self) -> bool:
        """Nobody else needs to check the name: the certificate is known."""
        return True

    @check_hostname.setter
    def check_hostname(self, value: bool) -> None:
        pass

    def wrap_socket(self, sock: Any, *args: Any, **options: Any) -> ssl.SSLSocket:  # noqa: ANN401 - as in ssl
        """The connection, its handshake done as soon as it is connected: an implicit one would not be checked."""
        return super().wrap_socket(sock, *args, **{**options, "do_handshake_on_connect": True})

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:  # noqa: ANN401, ARG002 - as in ssl
        """
        Nothing: without a socket the handshake would be the caller's, and not checked.

        :raises ssl.SSLError: always
        """
        raise ssl.SSLError("a context that pins certificates serves sockets only")

    def check(self, certificate: bytes | None) -> None:
        """
        The certificate is pinned, and valid now.

        :param certificate: DER
        :raises ssl.SSLCertVerificationError: if not
        """
        if not certificate:
            _refuse("the server showed no certificate")
        if not thumbprints_of(certificate) & self._pins:
            _refuse(f"the thumbprint of the server's certificate, {shown_thumbprint(certificate)}, is not in tls_trust")
        try:
            parsed = x509.load_der_x509_certificate(certificate)
        except ValueError:
            _refuse("the server's certificate cannot be read")
        now = self._clock()
        if now > parsed.not_valid_after_utc:
            _refuse(f"the pinned certificate has expired, on {parsed.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
        if now < parsed.not_valid_before_utc:
            _refuse(f"the pinned certificate is not valid before {parsed.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")


def _refuse(words: str) -> NoReturn:
    error = ssl.SSLCertVerificationError(1, words)
    error.verify_code, error.verify_message = 0, words
    raise error
