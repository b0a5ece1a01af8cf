"""An import source: where Cloud9 is, who asks, whom it trusts, and how patiently."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from cloud9_archive.api.field_fault import field_fault
from cloud9_archive.api.places import is_host, is_port, place_from_text, with_port
from cloud9_archive.api.proxy import Proxy, checked_proxy
from cloud9_archive.api.thumbprint import thumbprint_from_text, thumbprints_from_text
from cloud9_archive.errors import ConnectionFieldError

DEFAULT_PORT = 443
DEFAULT_WIRE_FORMAT = "call_data_v1_1"
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_CERTIFICATE_FIELDS = frozenset({"tls_certificate", "tls_key_file", "tls_key_password"})


@dataclass(frozen=True, slots=True)
class DeploymentCertificates:
    """
    What ``[cloud9_archive]`` says about certificates.

    :param folder: where certificates are looked up by thumbprint
    :param certificate: the certificate of connections that name none: a file, or a thumbprint
    :param key_file: its private key, when the certificate's file does not hold it
    :param key_password: opens the key; never shown
    """

    folder: Path | None = None
    certificate: str | None = None
    key_file: str | None = None
    key_password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """
    What is needed to talk to one Cloud9 tenant; checked, so that whoever holds it need not.

    Files are named here and read by :func:`cloud9_archive.api.tls.trust_context`.

    :param conn_id: Airflow connection id, named in every complaint
    :param host: host name or address, lower case, without scheme
    :param api_secret: never shown
    :param scheme: ``https``; there is no other
    :param key_expires: the day on which the API key expires, when it is known
    :param wire_format: name of a shipped format, or absolute path of a format file
    :param region: sent with listings when given
    :param tls_certificate: absolute path of the certificate that this client shows, or its thumbprint
    :param tls_key_file: absolute path of its private key, when the certificate's file does not hold it
    :param tls_key_password: opens the key; never shown
    :param tls_trust: absolute path of a PEM file, or thumbprints, separated by commas: what alone is trusted; none
        means the authorities of the system
    :param certificate_folder: where thumbprints are looked up
    :param default_certificate: the certificate is the deployment's, not the connection's
    :param proxy_host: the forward proxy through which everything goes
    :param proxy_password: never shown
    :param connect_timeout: seconds to wait for a connection
    :param read_timeout: seconds to wait for the next bytes
    :param total_timeout: seconds for one answer as a whole, body included
    :param max_recording_bytes: bytes; a larger recording is refused
    :param media_hosts: hosts, or ``host:port``, from which audio may be fetched when an answer names an address
    :raises ConnectionFieldError: naming the connection and the field
    """

    conn_id: str
    host: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    port: int = DEFAULT_PORT
    scheme: str = "https"
    key_expires: date | None = None
    wire_format: str = DEFAULT_WIRE_FORMAT
    region: str | None = None
    tls_certificate: str | None = None
    tls_key_file: str | None = None
    tls_key_password: str | None = field(default=None, repr=False)
    tls_trust: str | None = None
    certificate_folder: Path | None = None
    default_certificate: bool = False
    proxy_host: str | None = None
    proxy_port: int | None = None
    proxy_user: str | None = field(default=None, repr=False)
    proxy_password: str | None = field(default=None, repr=False)
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    total_timeout: float = 900.0
    max_recording_bytes: int = 2 * 1024**3
    media_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Every field is usable afterwards, as far as that can be told without reading a file."""
        self._check_place()
        self._check_credentials()
        self._check_tls()
        self._check_media_hosts()
        _ = self.proxy
        for name in ("connect_timeout", "read_timeout", "total_timeout", "max_recording_bytes"):
            number = getattr(self, name)
            if not math.isfinite(number) or number <= 0:
                raise self.fault(name, f"{number} is not a positive number")

    @property
    def authority(self) -> str:
        """``host:port``, the port always written out."""
        return with_port(self.host, self.port)

    @property
    def base_url(self) -> str:
        """Scheme and authority, without a slash at the end."""
        return f"{self.scheme}://{self.authority}"

    @property
    def proxy(self) -> Proxy | None:
        """The forward proxy, if there is one."""
        return checked_proxy(
            self.fault, host=self.proxy_host, port=self.proxy_port, user=self.proxy_user, password=self.proxy_password
        )

    def fault(self, name: str, found: str, *, hint: str | None = None) -> ConnectionFieldError:
        """
        The complaint about one field of this connection.

        :param name: the field
        :param found: what is wrong with it; never a secret
        """
        if self.default_certificate and name in _CERTIFICATE_FIELDS:
            found = f"it is empty, and of the deployment's default, [cloud9_archive] {name}: {found}"
        return field_fault(self.conn_id, name, found, hint=hint)

    def _check_place(self) -> None:
        if self.scheme != "https":
            raise self.fault(
                "scheme",
                f"{self.scheme!r} is refused: calls and credentials travel over https only",
                hint="leave the scheme empty or write https",
            )
        if not is_host(self.host):
            raise self.fault(
                "host",
                "it is not a host name or address" if self.host else "it is empty",
                hint="give a host name such as calldataapi.example.com, or its https:// address without a path",
            )
        if not is_port(self.port):
            raise self.fault("port", f"{self.port} is not a port", hint="leave it empty for 443")

    def _check_credentials(self) -> None:
        for name in ("api_key", "api_secret"):
            if not getattr(self, name):
                raise self.fault(name, "it is empty", hint="both are shown once, when the key is made in the portal")
        if not _PRINTABLE.fullmatch(self.api_key):
            raise self.fault(
                "api_key",
                "it has blanks around it or characters that no HTTP header can carry",
                hint="paste it again without line ends; the API key goes into Login, the secret into Password",
            )

    def _check_tls(self) -> None:
        if not self.tls_certificate:
            for name in ("tls_key_file", "tls_key_password"):
                if getattr(self, name):
                    raise self.fault(
                        name, "it is given, but tls_certificate is empty", hint="name the certificate it belongs to"
                    )
        if self.tls_key_file and not Path(self.tls_key_file).is_absolute():
            raise self.fault(
                "tls_key_file",
                f"{self.tls_key_file[:200]!r} is not an absolute path",
                hint="put the file on every worker and on the API server, and give its absolute path",
            )
        for name, read in (("tls_certificate", thumbprint_from_text), ("tls_trust", thumbprints_from_text)):
            value: str | None = getattr(self, name)
            if value and not Path(value).is_absolute():
                try:
                    read(value)
                except ValueError as error:
                    raise self.fault(
                        name, str(error), hint="give the absolute path of a file, or SHA-1 or SHA-256 thumbprints"
                    ) from error

    def _check_media_hosts(self) -> None:
        for entry in self.media_hosts:
            place = place_from_text(self.conn_id, entry, name="media_hosts")
            if place.scheme or not is_host(place.host) or (place.port is not None and not is_port(place.port)):
                raise self.fault(
                    "media_hosts",
                    "an entry is not a host or host:port",
                    hint="name each host in full, without scheme, path or wildcard, separated by commas",
                )
