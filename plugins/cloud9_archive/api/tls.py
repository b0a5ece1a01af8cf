"""Trust: one TLS context per source, and the adapter that lets no other in."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPSConnectionPool

from cloud9_archive.api.client_certificate import client_certificate, present
from cloud9_archive.api.interim import PatientPool
from cloud9_archive.api.pins import PinningContext
from cloud9_archive.api.proxy import Proxy
from cloud9_archive.api.signature import utc_now
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.api.trust import Anchors, Pins, read_trust


def trust_context(
    source: SourceSettings, *, present_certificate: bool = True, clock: Callable[[], datetime] = utc_now
) -> ssl.SSLContext:
    """
    A context that demands a certificate that the source trusts, over TLS 1.2 or newer, and shows the source's own.

    :param source: its ``tls_trust`` alone is trusted; when that is empty, the system's authorities are
    :param present_certificate: False for any host but the API's: the same trust, but the client's certificate is not
        shown there
    :param clock: the present moment, aware
    :raises ConnectionFieldError: if a file or thumbprint cannot be used, naming the field
    """
    trust = read_trust(source)
    context: ssl.SSLContext
    if isinstance(trust, Pins):
        context = PinningContext(trust.thumbprints, clock=clock)
    else:
        # Not ssl.create_default_context: that one writes every session's keys where SSLKEYLOGFILE says.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if isinstance(trust, Anchors):
            _anchor(context, trust, source)
        else:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    own = client_certificate(source, now=clock()) if present_certificate else None
    if own is not None:
        present(context, own, source)
    return context


def _anchor(context: ssl.SSLContext, anchors: Anchors, source: SourceSettings) -> None:
    # What is named is trusted as it is: an intermediate authority needs no root beside it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=b"".join(anchors.certificates))
    except ssl.SSLError as error:
        raise source.fault(
            "tls_trust", f"{anchors.words}: TLS does not take them ({error.reason})", hint="export them again as PEM"
        ) from error


class StrictAdapter(HTTPAdapter):
    """
    Speaks through one TLS context, whatever ``verify``, ``cert`` or the environment say.

    requests would load its own bundle of public authorities into the pool; each method here closes one of those ways.

    :param context: the only context
    :param proxy: opens a tunnel for every request; without one, all go out directly
    """

    pools: type[HTTPSConnectionPool] = PatientPool
    """What direct connections are kept in."""

    def __init__(self, context: ssl.SSLContext, *, proxy: Proxy | None = None) -> None:
        self._context = context
        self._proxy = proxy
        super().__init__()

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: Any,  # noqa: ANN401 - as in requests
        proxies: Any = None,  # noqa: ANN401, ARG002 - as in requests
        cert: Any = None,  # noqa: ANN401 - as in requests
    ) -> Any:  # noqa: ANN401 - as in requests
        """Every connection goes through the adapter's proxy, whatever the caller or the environment name."""
        only = {"https": self._proxy.url} if self._proxy else {}
        return super().get_connection_with_tls_context(request, verify, proxies=only, cert=cert)

    def proxy_headers(self, proxy: str) -> dict[str, str]:  # noqa: ARG002 - as in requests
        """The credentials, for the proxy alone; they are in no address, since addresses are logged."""
        return dict(self._proxy.headers) if self._proxy else {}

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:  # noqa: ANN401, FBT001, FBT002 - as in requests
        """Direct connections use the context, and nothing goes out but over TLS."""
        super().init_poolmanager(connections, maxsize, block, **{**pool_kwargs, "ssl_context": self._context})
        self.poolmanager.pool_classes_by_scheme = {"https": self.pools}

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:  # noqa: ANN401 - as in requests
        """Tunnels through a proxy use the context too, to the proxy and to the server behind it."""
        contexts = {"ssl_context": self._context, "proxy_ssl_context": self._context}
        manager = super().proxy_manager_for(proxy, **{**proxy_kwargs, **contexts})
        manager.pool_classes_by_scheme = {"https": PatientPool}
        return manager

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
