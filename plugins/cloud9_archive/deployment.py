"""The deployment's settings, read from Airflow's config section ``[cloud9_archive]``."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.sdk.configuration import conf

from cloud9_archive.errors import ConfigurationError
from cloud9_archive.pipeline.settings import ProofSettings, Settings

if TYPE_CHECKING:
    from cloud9_archive.api.source import DeploymentCertificates

SECTION = "cloud9_archive"
DEFAULTS = Settings(data_root=Path(), include_folder=Path())


def deployment_settings() -> Settings:
    """Folders and limits as ``[cloud9_archive]`` in airflow.cfg or ``AIRFLOW__CLOUD9_ARCHIVE__…`` sets them."""
    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser().absolute()
    lease = DEFAULTS.claim_lease // timedelta(minutes=1)
    return Settings(
        data_root=_folder("data_root") or home / "cloud9-archive",
        include_folder=_folder("include_folder") or home / "include",
        catalog_url=_text("catalog_url") or None,
        staging_folder=_folder("staging_folder"),
        claim_lease=timedelta(minutes=conf.getint(SECTION, "claim_lease_minutes", fallback=lease)),
        media_workers=conf.getint(SECTION, "media_workers", fallback=DEFAULTS.media_workers),
        media_memory_mib=conf.getint(SECTION, "media_memory_mib", fallback=DEFAULTS.media_memory_mib),
        media_longest_hours=conf.getfloat(SECTION, "media_longest_hours", fallback=DEFAULTS.media_longest_hours),
        media_deadline=_minutes("media_deadline_minutes"),
        backfill_rate_share=conf.getfloat(SECTION, "backfill_rate_share", fallback=DEFAULTS.backfill_rate_share),
        proof=_proof(),
    )


def deployment_certificates() -> DeploymentCertificates:
    """The certificate folder, and the certificate of connections that name none."""
    from cloud9_archive.api.source import DeploymentCertificates  # noqa: PLC0415 - parsing a DAG needs no connection

    return DeploymentCertificates(
        folder=_folder("certificate_folder"),
        certificate=_text("tls_certificate") or None,
        key_file=_text("tls_key_file") or None,
        key_password=conf.get(SECTION, "tls_key_password", fallback="") or None,
    )


def run_link(dag_id: str, run_id: str) -> str | None:
    """
    Address of the run in Airflow's page, or None if the deployment does not say where that is.

    :param run_id: may hold any characters
    """
    base = (conf.get("api", "base_url", fallback="") or "").strip().rstrip("/")
    if not base.startswith(("http://", "https://")):
        return None
    return f"{base}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"


def archive_address(policy: str, key: str) -> str | None:
    """
    Address at which people open a file of a policy's archive, or None if the deployment does not say one.

    :param key: from the archive's root
    :raises ConfigurationError: if ``reports_url`` is no http address, or one that holds a secret
    """
    said = _text("reports_url")
    if not said:
        return None
    parts = urlsplit(said)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise ConfigurationError(
            "reports_url is no http or https address without user name and password",
            subject="reports_url",
            hint="give an address at which people log in by themselves, such as https://archive.example.com/{policy}/{key}",
        )
    template = said if "{key}" in said else f"{said.rstrip('/')}/{{key}}"
    return template.replace("{policy}", quote(policy, safe="")).replace("{key}", quote(key))


def _proof() -> ProofSettings:
    """How chains are signed; Airflow itself looks a secret up for ``…_SECRET``, and runs a command for ``…_CMD``."""
    return ProofSettings(
        signing_key_file=_folder("signing_key_file"),
        signing_key=_text("signing_key") or None,
        signing_key_password=conf.get(SECTION, "signing_key_password", fallback="") or None,
        timestamp_url=_text("timestamp_url") or None,
        timestamp_ca_file=_folder("timestamp_ca_file"),
        public_key_files=tuple(
            Path(part.strip()).expanduser().absolute() for part in _text("public_key_files").split(",") if part.strip()
        ),
    )


def _folder(option: str) -> Path | None:
    text = _text(option)
    return Path(text).expanduser().absolute() if text else None


def _minutes(option: str) -> timedelta | None:
    return timedelta(minutes=conf.getfloat(SECTION, option)) if _text(option) else None


def _text(option: str) -> str:
    return (conf.get(SECTION, option, fallback="") or "").strip()
