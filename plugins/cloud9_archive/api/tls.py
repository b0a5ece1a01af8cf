"""Trust: one TLS context per source, and the adapter that lets no other in."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter

from cloud9_archive.api.source import SourceSettings


def trust_context(source: SourceSettings) -> ssl.SSLContext:
    """
    A context that demands a valid certificate for the right name over TLS 1.2 or newer.

    :param source: its ``ca_file`` holds the only authorities to trust; without one the system's are trusted
    :raises ConnectionFieldError: if the CA file holds no certificate
    """
    try:
        context = ssl.create_default_context(cafile=str(source.ca_file) if source.ca_file else None)
    except (ssl.SSLError, OSError) as error:
        raise source.fault(
            "ca_file", f"{str(source.ca_file)!r} holds no PEM certificate that can be read", hint="export it as PEM"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class StrictAdapter(HTTPAdapter):
    """
    Speaks through one TLS context, whatever ``verify``, ``cert`` or the environment say.

    requests would load its own bundle of public authorities into the pool; each method here closes one of those ways.

    :param context: the only context
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:  # noqa: ANN401, FBT001, FBT002 - as in requests
        """Direct connections use the context."""
        super().init_poolmanager(connections, maxsize, block, **{**pool_kwargs, "ssl_context": self._context})

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:  # noqa: ANN401 - as in requests
        """Tunnels through a proxy use the context too, to the proxy and to the server behind it."""
        contexts = {"ssl_context": self._context, "proxy_ssl_context": self._context}
        return super().proxy_manager_for(proxy, **{**proxy_kwargs, **contexts})

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:  # noqa: ANN401 - as in requests
        """Leave the pool as it is: the context already demands and checks the certificate."""

    def build_connection_pool_key_attributes(
        self,
        request: PreparedRequest,
        verify: bool | str,  # noqa: ARG002, FBT001 - as in requests
        cert: str | tuple[str, str] | None = None,  # noqa: ARG002 - as in requests
    ) -> tuple[Any, Any]:
        """Pools are told apart by scheme, host and port alone; trust is the same for all."""
        place, _trust = super().build_connection_pool_key_attributes(request, verify=True)
        no_trust_of_its_own: Mapping[str, Any] = {}
        return place, no_trust_of_its_own
