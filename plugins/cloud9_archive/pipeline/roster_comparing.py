"""A policy's roster laid beside the users of Cloud9; what differs is written down, and the roster is left as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cloud9_archive.catalog.catalog import Catalog
from cloud9_archive.catalog.roster_use import unknown_logins_of
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.people import CloudUser
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.roster import Roster
from cloud9_archive.domain.roster_comparison import RosterComparison, compare_roster
from cloud9_archive.errors import ConfigurationError, RosterError
from cloud9_archive.pipeline.csv_cells import csv_text, harmless
from cloud9_archive.pipeline.roster_reach import RosterReach
from cloud9_archive.pipeline.roster_sources import load_roster_of
from cloud9_archive.pipeline.settings import Settings
from cloud9_archive.pipeline.text_files import not_written, written_whole

CSV_COLUMNS = ("kind", "source", "login", "user", "display_name", "email", "firm_id", "group_ids", "note")


@dataclass(frozen=True, slots=True)
class Compared:
    """
    A comparison, and the roster that it is about.

    :param roster: as it was read for this
    """

    comparison: RosterComparison
    roster: Roster

    @property
    def counts(self) -> dict[str, int]:
        """What differs, in numbers."""
        found = self.comparison
        return {
            "cloud9_users": found.users,
            "roster_extensions": found.extensions,
            "joiners": len(found.joiners),
            "leavers": len(found.leavers),
            "unknown_logins": len(found.unknown),
            "unknown_to_cloud9": sum(not known for _, known in found.unknown),
        }


def compare_with_cloud9(
    policy: Policy,
    settings: Settings,
    catalog: Catalog,
    *,
    users: Sequence[CloudUser],
    reach: RosterReach | None,
    now: datetime,
) -> Compared:
    """
    The policy's roster beside these users, with the logins that runs have met and no roster had.

    :param now: aware UTC
    :raises RosterError: if the policy has no roster, or it cannot be read; or if Cloud9 lists nobody, since then
        everybody would be a leaver
    """
    roster = load_roster_of(policy, include=settings.include_folder, reach=reach)
    if roster is None:
        raise RosterError(
            f"recording rules of policy {policy.policy} are off, so that it has no roster to compare",
            subject=policy.policy,
            hint="name a policy that has them on",
        )
    if not users:
        raise RosterError(
            "the Management API lists no user at all, so that everybody on the roster would be a leaver",
            subject=policy.policy,
            hint="check which users the key of the connection may see",
        )
    unknown = unknown_logins_of(catalog, policy.policy)
    return Compared(compare_roster(roster, users, at=now, unknown=unknown), roster)


def write_comparison(path: Path, found: RosterComparison, *, policy: str) -> None:
    """
    The comparison stands in the file, as JSON or CSV by its name.

    :raises ConfigurationError: if the name ends otherwise, or the file cannot be written
    """
    if path.suffix not in (".json", ".csv"):
        raise ConfigurationError(f"the report {path} is of no known format", hint="end its name in .json or .csv")
    if path.suffix == ".json":
        text = json.dumps(comparison_document(found, policy=policy), ensure_ascii=False, indent=1) + "\n"
    else:
        rows = [[harmless(row[name]) for name in CSV_COLUMNS] for row in _rows(found)]
        text = csv_text([list(CSV_COLUMNS), *rows])
    try:
        with written_whole(path) as stream:
            stream.write(text)
    except OSError as error:
        raise not_written(path, error) from None


def comparison_document(found: RosterComparison, *, policy: str) -> dict[str, Any]:
    """The comparison as plain JSON values."""
    groups: dict[str, list[dict[str, str]]] = {"joiner": [], "leaver": [], "unknown_login": []}
    for row in _rows(found):
        groups[row.pop("kind")].append({name: value for name, value in row.items() if value})
    return {
        "policy": policy,
        "compared_at": utc_text(found.at),
        "roster_version": found.roster_version,
        "cloud9_users": found.users,
        "roster_extensions": found.extensions,
        "joiners": groups["joiner"],
        "leavers": groups["leaver"],
        "unknown_logins": groups["unknown_login"],
    }


def _rows(found: RosterComparison) -> Iterator[dict[str, str]]:
    for joiner in found.joiners:
        note = f"the roster has {joiner.near!r}" if joiner.near else ""
        yield _row("joiner", note=note, **_person(joiner.user))
    for extension in found.leavers:
        note = f"valid {extension.validity}"
        names = {"login": extension.value, "user": extension.user, "display_name": extension.display_name}
        yield _row("leaver", note=note, **names)
    for unknown, known in found.unknown:
        when = f"{unknown.calls} calls, the last {utc_text(unknown.last_call_at)}"
        note = f"{when}; {'a' if known else 'no'} user of Cloud9"
        yield _row("unknown_login", source=unknown.source, login=unknown.login, note=note)


def _person(user: CloudUser) -> dict[str, str]:
    return {
        "login": user.login,
        "display_name": user.display_name,
        "email": user.email or "",
        "firm_id": user.firm_id or "",
        "group_ids": " ".join(user.group_ids),
    }


def _row(kind: str, **cells: str) -> dict[str, str]:
    return {"kind": kind, **{name: cells.get(name, "") for name in CSV_COLUMNS[1:]}}
