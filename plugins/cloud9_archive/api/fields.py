"""The fields of a Cloud9 connection: one list for the form, the documentation and the reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cloud9_archive.api.source import DEFAULT_PORT, DEFAULT_WIRE_FORMAT

Kind = Literal["text", "secret", "whole number", "seconds", "day", "file", "file or thumbprint", "hosts"]
Stored = Literal["host", "port", "login", "password", "schema", "extra"]


@dataclass(frozen=True, slots=True)
class ConnectionField:
    """
    One field of the connection.

    :param name: its name in :class:`SourceSettings`
    :param stored: attribute of the Airflow connection that holds it; ``extra`` for a key of that name in extra
    :param label: what the form calls it
    :param default: as text; empty when there is none
    :param placeholder: what the form shows in the empty field
    """

    name: str
    stored: Stored
    label: str
    kind: Kind
    default: str
    meaning: str
    placeholder: str = ""

    @property
    def masked(self) -> bool:
        """Whether nobody is shown what it holds."""
        return self.kind == "secret"


FIELDS: tuple[ConnectionField, ...] = (
    ConnectionField(
        "host",
        "host",
        "Host",
        "text",
        "",
        "Host name of the Call Data API, or its https address without a path.",
        "calldataapi.example.com",
    ),
    ConnectionField("port", "port", "Port", "whole number", str(DEFAULT_PORT), "TCP port.", str(DEFAULT_PORT)),
    ConnectionField(
        "scheme", "schema", "Schema", "text", "https", "Hidden in the form; anything but https is refused."
    ),
    ConnectionField(
        "api_key",
        "login",
        "API key",
        "text",
        "",
        "The key from the portal; it is sent with each request.",
        "the key from the portal",
    ),
    ConnectionField(
        "api_secret",
        "password",
        "API secret",
        "secret",
        "",
        "The secret that the portal shows once; it is never sent.",
        "the secret that the portal showed once",
    ),
    ConnectionField(
        "key_expires",
        "extra",
        "Key expires on",
        "day",
        "",
        "The day on which the API key expires, such as 2027-03-31. From 90, 30 and 7 days before, there are warnings; nothing stops because of it.",
    ),
    ConnectionField(
        "wire_format",
        "extra",
        "Wire format",
        "text",
        DEFAULT_WIRE_FORMAT,
        "Name of a shipped wire format, or absolute path of a format file of your own.",
    ),
    ConnectionField(
        "region",
        "extra",
        "Region",
        "text",
        "",
        "Sent with each listing when given. It is known from requests for transcripts only; whether listings take it is not public.",
    ),
    ConnectionField(
        "tls_certificate",
        "extra",
        "TLS certificate",
        "file or thumbprint",
        "",
        "The certificate that this client shows: absolute path of a PEM or PKCS#12 file, or the SHA-1 or SHA-256 thumbprint of one in the deployment's certificate folder. Empty: the deployment's default certificate, if there is one.",
    ),
    ConnectionField(
        "tls_key_file",
        "extra",
        "TLS key file",
        "file",
        "",
        "Absolute path of the certificate's private key, PEM. Empty: the certificate's file holds it.",
    ),
    ConnectionField(
        "tls_key_password",
        "extra",
        "TLS key password",
        "secret",
        "",
        "Opens the private key, or the PKCS#12 file.",
    ),
    ConnectionField(
        "tls_trust",
        "extra",
        "TLS trust list",
        "file or thumbprint",
        "",
        "What alone is trusted: absolute path of a PEM file of authorities, or thumbprints, separated by commas, either of authorities or of the server's own certificate. Empty: the system's authorities.",
    ),
    ConnectionField(
        "proxy_host",
        "extra",
        "Proxy host",
        "text",
        "",
        "Forward proxy through which everything goes, recordings included; an HTTP proxy with CONNECT. Empty: none.",
    ),
    ConnectionField("proxy_port", "extra", "Proxy port", "whole number", "", "TCP port of the proxy."),
    ConnectionField(
        "proxy_user", "extra", "Proxy user", "text", "", "For basic authentication. Empty: the proxy asks for none."
    ),
    ConnectionField("proxy_password", "extra", "Proxy password", "secret", "", "The proxy user's password."),
    ConnectionField(
        "connect_timeout", "extra", "Connect timeout", "seconds", "10", "How long a connection may take to come about."
    ),
    ConnectionField("read_timeout", "extra", "Read timeout", "seconds", "60", "The longest silence within an answer."),
    ConnectionField(
        "total_timeout", "extra", "Total timeout", "seconds", "900", "The longest time for one answer, body included."
    ),
    ConnectionField(
        "max_recording_bytes",
        "extra",
        "Largest recording",
        "whole number",
        str(2 * 1024**3),
        "Bytes. A larger recording is refused and quarantined.",
    ),
    ConnectionField(
        "media_hosts",
        "extra",
        "Media hosts",
        "hosts",
        "",
        "Hosts, or host:port, separated by commas, from which audio may be fetched when an answer names an address. Each in full, without wildcard. Empty: none.",
    ),
)
"""In the order of the form."""


def connection_table() -> str:
    """The fields as a Markdown table, for ``docs/connection.md``."""
    rows = ["| Field in the form | Stored as | Kind | Default | Meaning |", "|---|---|---|---|---|"]
    rows += [
        f"| {f.label} | {f'extra `{f.name}`' if f.stored == 'extra' else f'`{f.stored}`'} | {f.kind} "
        f"| {f'`{f.default}`' if f.default else '–'} | {f.meaning} |"
        for f in FIELDS
    ]
    return "\n".join(rows)
