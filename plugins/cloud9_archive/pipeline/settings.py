"""Where a deployment keeps things; the Airflow face and the command line fill this in from Airflow's config."""

from __future__ import annotations

from dataclasses import dataclass, field
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
class ProofSettings:
    """
    What proves a chain to strangers: a signature, a time stamp, both or none.

    :param signing_key_file: PEM file of an Ed25519 private key
    :param signing_key: the same as text, from a secrets backend; it is in no repr
    :param signing_key_password: opens an encrypted one
    :param timestamp_url: http or https address of a time-stamping authority (RFC 3161)
    :param timestamp_ca_file: PEM file of the certificates that its answers are checked against
    :param public_key_files: PEM files of the public keys that the scheduled verification trusts; none: the archive's
    :raises ConfigurationError: if two keys are given, or an authority without certificates to check it against
    """

    signing_key_file: Path | None = None
    signing_key: str | None = field(default=None, repr=False)
    signing_key_password: str | None = field(default=None, repr=False)
    timestamp_url: str | None = None
    timestamp_ca_file: Path | None = None
    public_key_files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """What belongs together is there together."""
        if self.signing_key and self.signing_key_file:
            raise ConfigurationError(
                "[cloud9_archive] gives both signing_key and signing_key_file",
                subject="signing_key",
                hint="keep one of them",
            )
        if self.timestamp_url and not self.timestamp_ca_file:
            raise ConfigurationError(
                "[cloud9_archive] gives timestamp_url without timestamp_ca_file",
                subject="timestamp_ca_file",
                hint="name the PEM file of the authority's certificates: a time stamp that nobody checked would stay in the archive for good",
            )


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
    :param media_memory_mib: address space of each of them, MiB
    :param media_longest_hours: audio that one recording may have
    :param media_deadline: after which a recording under work is given up; by its size when None
    :param backfill_rate_share: above 0 and at most 1; the part of each of the source's limits that all runs together
        may use which are not scheduled
    :param proof: how chains are signed and time-stamped
    :raises ConfigurationError: if a number is out of its range
    """

    data_root: Path
    include_folder: Path
    catalog_url: str | None = field(default=None, repr=False)
    staging_folder: Path | None = None
    claim_lease: timedelta = timedelta(hours=6)
    media_workers: int = 2
    media_memory_mib: int = 1024
    media_longest_hours: float = 24.0
    media_deadline: timedelta | None = None
    backfill_rate_share: float = 0.5
    proof: ProofSettings = ProofSettings()

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
