"""How the command line reaches Airflow's API server, and as whom."""

from __future__ import annotations

import os
import sys

import typer
from airflow.sdk.configuration import conf

from cloud9_archive.airflow_api import AirflowApi
from cloud9_archive.cli.backfill import PASSWORD_VARIABLE, TOKEN_VARIABLE, USER_VARIABLE
from cloud9_archive.errors import ConfigurationError


def logged_in(url: str | None) -> AirflowApi:
    """
    A client that Airflow knows.

    :param url: address of the API server; this deployment's when None
    :raises ConfigurationError: if it is not known where Airflow is, or as whom to log in
    :raises AirflowRefusedError: if Airflow does not let this user in
    """
    base = (url or conf.get("api", "base_url", fallback="") or "").strip()
    if not base.startswith(("http://", "https://")):
        raise ConfigurationError(
            "the address of Airflow's API server is not known",
            subject="--airflow",
            hint="give --airflow https://airflow.example, or set [api] base_url",
        )
    api = AirflowApi(base, token=os.environ.get(TOKEN_VARIABLE, ""))
    if not api.token:
        api.log_in(*_user())
    return api


def _user() -> tuple[str, str]:
    name, password = os.environ.get(USER_VARIABLE, ""), os.environ.get(PASSWORD_VARIABLE, "")
    if (name and password) or not sys.stdin.isatty():
        if not (name and password):
            raise ConfigurationError(
                "nobody said as whom to log in to Airflow",
                subject=USER_VARIABLE,
                hint=f"set {USER_VARIABLE} and {PASSWORD_VARIABLE}, or {TOKEN_VARIABLE}",
            )
        return name, password
    name = name or typer.prompt("Airflow user", err=True)
    return name, password or typer.prompt("Password", hide_input=True, err=True)
