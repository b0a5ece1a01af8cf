"""A webhook of our own: the message as JSON to the address of an HTTP connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from cloud9_archive.domain.alert import Alert
from cloud9_archive.errors import AlertChannelError, AlertNotSentError

TIMEOUT: Final = 20
"""Seconds to connect, and seconds of silence in the answer."""

_KNOWN: Final = ("endpoint",)


def post(conn_id: str, alert: Alert, options: Mapping[str, Any]) -> None:
    """
    The webhook answered 2xx to a POST of the message; redirects are not followed.

    :param conn_id: connection of type ``http``: host, schema, port, and headers such as Authorization in its extra
    :param options: ``endpoint``, the path of the address, ``/`` if it is not given
    :raises AlertChannelError: if another option is given
    :raises AlertNotSentError: if another answer came; what else a request leads to is passed on
    """
    from airflow.providers.http.hooks.http import HttpHook  # noqa: PLC0415 - only needed when something is told

    strange = [name for name in options if name not in _KNOWN]
    if strange:
        raise AlertChannelError(
            f"alerts.options has {strange[0]}: a webhook takes endpoint only",
            subject="alerts.options",
            hint="remove it; headers belong into the connection",
        )
    hook = HttpHook(method="POST", http_conn_id=conn_id)
    answer = hook.run(
        endpoint=str(options.get("endpoint", "/")),
        data=json.dumps(alert.document()),
        headers={"Content-Type": "application/json"},
        extra_options={"timeout": TIMEOUT, "allow_redirects": False, "check_response": False},
    )
    if not HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
        raise AlertNotSentError(
            f"the webhook of connection {conn_id} answered {answer.status_code}",
            subject=conn_id,
            hint="look at its log; redirects are not followed",
        )
