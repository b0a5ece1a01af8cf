"""Where a deployment keeps things; the Airflow face and the command line fill this in from Airflow's config."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cloud9_archive.errors import ConfigurationError

if TYPE_CHECKING:
    from cloud9_archive.media.jobs import MediaLimits

_MIB = 1024 * 1024
# The interpreter and its libraries need some 220 MiB of address space before they decode anything.
_LEAST_MEMORY_MIB = 512
_MOST_HOURS = 168


@dataclass(frozen=True, slots=True)
class Settings:
    """
    A deployment's folders and limits.

    :param data_root: holds the catalog and staging, and archives with relative targets
    :param include_folder: holds ``policies/`` and ``rosters/``
    :param catalog_url: SQLAlchemy URL; SQLite below ``data_root`` when None
    :param staging_folder: where bytes wait for the archive; below ``data_root`` when None. Tasks on several hosts
        need a folder that all of them see
    :param claim_lease: for how long a batch belongs to its run without a sign of life
    :param media_workers: decoding processes of one transcode task
    :param media_memory_mib: address space of each of them, MiB
    :param media_longest_hours: audio that one recording may have
    :param media_deadline: after which a recording under work is given up; by its size when None
    :param backfill_rate_share: above 0 and at most 1; the part of each of the source's limits that all runs together
        may use which are not scheduled
    :raises ConfigurationError: if a number is out of its range
    """

    data_root: Path
    include_folder: Path
    catalog_url: str | None = None
    staging_folder: Path | None = None
    claim_lease: timedelta = timedelta(hours=6)
    media_workers: int = 2
    media_memory_mib: int = 1024
    media_longest_hours: float = 24.0
    media_deadline: timedelta | None = None
    backfill_rate_share: float = 0.5

    def __post_init__(self) -> None:
        """Every number is in its range."""
        share, memory, longest = self.backfill_rate_share, self.media_memory_mib, self.media_longest_hours
        deadline = self.media_deadline
        _require(0 < share <= 1, "backfill_rate_share", share, "a number above 0 and at most 1, such as 0.5")
        _require(self.media_workers >= 1, "media_workers", self.media_workers, "a whole number, at least 1")
        _require(memory >= _LEAST_MEMORY_MIB, "media_memory_mib", memory, f"at least {_LEAST_MEMORY_MIB}")
        _require(0 < longest <= _MOST_HOURS, "media_longest_hours", longest, f"more than 0 and at most {_MOST_HOURS}")
        _require(
            deadline is None or deadline > timedelta(0),
            "media_deadline_minutes",
            deadline,
            "a number of minutes above 0, or nothing",
        )

    @property
    def media_limits(self) -> MediaLimits:
        """What one recording may cost."""
        from cloud9_archive.media.jobs import MediaLimits  # noqa: PLC0415 - parsing a DAG needs nothing of media

        return MediaLimits(
            memory_bytes=self.media_memory_mib * _MIB,
            wall_seconds=self.media_deadline.total_seconds() if self.media_deadline else None,
            longest_seconds=self.media_longest_hours * 3600,
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


def _require(holds: bool, option: str, found: object, right: str) -> None:  # noqa: FBT001 - a condition
    if not holds:
        raise ConfigurationError(f"[cloud9_archive] {option} is {found}", subject=option, hint=f"give {right}")
