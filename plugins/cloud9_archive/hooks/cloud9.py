"""The Airflow hook for Cloud9's Call Data API: reads the connection, signs every request."""

from __future__ import annotations

from typing import Any

from airflow.providers.http.hooks.http import HttpHook
from requests import Response

from cloud9_archive.api.checkup import diagnose
from cloud9_archive.api.client import Cloud9Client
from cloud9_archive.api.diagnosis import Step
from cloud9_archive.api.field_values import source_settings
from cloud9_archive.api.fields import FIELDS, Stored
from cloud9_archive.api.limits import Limiter
from cloud9_archive.api.outcomes import status_error
from cloud9_archive.api.session import StrictSession, open_session
from cloud9_archive.api.signature import utc_now
from cloud9_archive.api.source import SourceSettings
from cloud9_archive.deployment import deployment_certificates
from cloud9_archive.errors import Cloud9ArchiveError

# What a DAG author may say per request; trust, redirects and proxies are the connection's business.
_PER_REQUEST = ("timeout", "check_response", "stream")
# These belong to the signature.
_SIGNED_HEADERS = frozenset({"authorization", "date", "host"})


class Cloud9Hook(HttpHook):
    """
    Talks to Cloud9's Call Data API with the key of an Airflow connection.

    Being an :class:`HttpHook`, it also serves the stock ``HttpOperator(http_conn_id="cloud9_…")``, which asks the
    connection for its hook: those requests are signed too. Deferrable mode is not served: Airflow's trigger does not
    ask the connection for its hook.

    .. seealso:: ``docs/connection.md``

    :param cloud9_conn_id: id of a connection of type ``cloud9``
    :param options: the other parameters of :class:`HttpHook`. ``method`` counts; ``auth_type``, ``adapter`` and the
        keep-alive settings are taken and not used, since signature and trust always come from the connection.
    """

    conn_name_attr = "cloud9_conn_id"
    default_conn_name = "cloud9_default"
    conn_type = "cloud9"
    hook_name = "Cloud9 Call Data API"

    def __init__(self, cloud9_conn_id: str = default_conn_name, **options: Any) -> None:  # noqa: ANN401 - HttpHook's
        super().__init__(**{"http_conn_id": cloud9_conn_id, **options})

    @property
    def cloud9_conn_id(self) -> str:
        """Id of the connection."""
        return str(self.http_conn_id)

    def source_settings(self) -> SourceSettings:
        """
        What the connection says, checked.

        :raises ConnectionFieldError: naming the connection and the field
        """
        return self._settings_of(self.get_connection(self.cloud9_conn_id))

    def client(self, *, limiter: Limiter | None = None) -> Cloud9Client:
        """
        A client for the connection; use it in a ``with`` block.

        :param limiter: gives turns to send; by default the client keeps to the limits on its own
        :raises ConnectionFieldError: naming the connection and the field
        """
        return Cloud9Client(self.source_settings(), limiter=limiter)

    def get_conn(
        self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None
    ) -> StrictSession:
        """
        A strict, signing session to the connection's host; nothing of the connection's extra becomes a header.

        :param headers: sent with each request, except those that the signature needs
        :param extra_options: of these ``timeout`` (seconds), ``stream`` and ``check_response`` count
        :raises ConnectionFieldError: naming the connection and the field
        """
        source = self.source_settings()
        self._point_at(source)
        given = extra_options or {}
        self.merged_extra = {name: given[name] for name in _PER_REQUEST if name in given}
        session = open_session(source)
        session.stream = bool(given.get("stream", False))
        session.headers.update(
            {name: value for name, value in (headers or {}).items() if str(name).lower() not in _SIGNED_HEADERS}
        )
        return session

    def check_response(self, response: Response) -> None:
        """
        Nothing, when the status is 2xx; the body of a refusal is never logged.

        :raises Cloud9ArchiveError: the one that stands for the status
        """
        if not 200 <= response.status_code < 300:  # noqa: PLR2004 - 2xx
            asked = f"{response.request.method} {response.request.path_url.partition('?')[0]}"
            raise status_error(response.status_code, response.headers, asked=asked, now=utc_now())

    def test_connection(self) -> tuple[bool, str]:
        """Whether the connection works from this host, as ``cloud9-archive check`` finds it, and what to do if not."""
        try:
            source = self.source_settings()
        except Cloud9ArchiveError as error:
            return False, str(error)
        found = diagnose(source)
        if found.failed is not None:
            return False, found.failed.line
        told = [f"{source.base_url} answered signed requests; the clocks are {found.found(Step.CLOCK)}"]
        return True, "; ".join([*told, *(each.line for each in found.warnings)])

    def _set_base_url(self, connection: Any) -> None:  # noqa: ANN401 - as in HttpHook
        self._point_at(self._settings_of(connection))

    def _point_at(self, source: SourceSettings) -> None:
        self.base_url = source.base_url
        self._base_url_initialized = True

    def _settings_of(self, connection: Any) -> SourceSettings:  # noqa: ANN401 - the SDK's or the core's Connection
        extra = connection.extra_dejson
        values = {
            field.name: extra.get(field.name) if field.stored == "extra" else _stored(connection, field.stored)
            for field in FIELDS
        }
        return source_settings(self.cloud9_conn_id, values, certificates=deployment_certificates())


def _stored(connection: Any, attribute: Stored) -> object:  # noqa: ANN401 - see above
    value: object = getattr(connection, attribute)
    return value
