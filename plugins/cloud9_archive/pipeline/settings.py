"""Where a deployment keeps things; the Airflow face and the command line fill this in from Airflow's config."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from cloud9_archive.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Settings:
    """
    A deployment's folders and limits.

    :param data_root: holds the catalog and staging, and archives with relative targets
    :param include_folder: holds ``policies/`` and ``rosters/``
    :param catalog_url: SQLAlchemy URL; SQLite below ``data_root`` when None. It may hold a password, and is never shown
    :param staging_folder: where bytes wait for the archive; below ``data_root`` when None. Tasks on several hosts
        need a folder that all of them see
    :param claim_lease: for how long a batch belongs to its run without a sign of life
    :param media_workers: decoding processes of one transcode task
    :param backfill_rate_share: above 0 and at most 1; the part of each of the source's limits that all runs together
        may use which are not scheduled
    :raises ConfigurationError: if the share is none
    """

    data_root: Path
    include_folder: Path
    catalog_url: str | None = field(default=None, repr=False)
    staging_folder: Path | None = None
    claim_lease: timedelta = timedelta(hours=6)
    media_workers: int = 2
    backfill_rate_share: float = 0.5

    def __post_init__(self) -> None:
        """The share is one."""
        if not 0 < self.backfill_rate_share <= 1:
            raise ConfigurationError(
                f"[cloud9_archive] backfill_rate_share is {self.backfill_rate_share}",
                subject="backfill_rate_share",
                hint="give a number above 0 and at most 1, such as 0.5",
            )

    @property
    def catalog_address(self) -> str:
        """The catalog's SQLAlchemy URL."""
        return self.catalog_url or f"sqlite:///{self.data_root / 'catalog.sqlite'}"

    @property
    def staging(self) -> Path:
        """The staging folder."""
        return self.staging_folder or self.data_root / "staging"

    @property
    def policies(self) -> Path:
        """The folder of policy files."""
        return self.include_folder / "policies"
