"""What ``cloud9-archive roster`` does; apart from the commands, because it imports the catalog and Airflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from cloud9_archive.api.limits import Limiter
from cloud9_archive.api.management import ManagementClient
from cloud9_archive.catalog.rates import CatalogLedgers
from cloud9_archive.cli.catalog_work import catalog_of
from cloud9_archive.cli.connections import source_of
from cloud9_archive.cli.late_reach import LateReach
from cloud9_archive.cli.run_work import policy_file
from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.roster import RecordingMode
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import RosterError
from cloud9_archive.pipeline.last_good_roster import recorded_users
from cloud9_archive.pipeline.policy_files import load_policy
from cloud9_archive.pipeline.roster_comparing import (
    Compared,
    compare_with_cloud9,
    comparison_document,
    write_comparison,
)
from cloud9_archive.pipeline.roster_proposal import Proposal, propose_roster
from cloud9_archive.pipeline.roster_sources import read_roster_of
from cloud9_archive.pipeline.settings import Settings
from cloud9_archive.pipeline.workspace import utc_now


@dataclass(frozen=True, slots=True)
class CompareOrder:
    """
    What was asked for.

    :param policy: name, or path of a policy file
    :param management: connection to the Management API
    :param include: the deployment's folder when None
    """

    policy: str
    management: str
    report: Path | None = None
    propose: Path | None = None
    mode: RecordingMode | None = None
    include: Path | None = None


def print_check(name: str, *, include: Path | None, as_json: bool) -> None:
    """
    What is in the policy's roster is printed.

    :raises RosterError: if it cannot be read, or the policy has none
    """
    settings = _settings(include)
    policy = load_policy(policy_file(name, settings))
    loaded = read_roster_of(policy, include=settings.include_folder, reach=LateReach())
    if loaded is None:
        raise RosterError(
            f"recording rules of policy {policy.policy} are off, so that it has no roster", subject=policy.policy
        )
    for note in loaded.notes:
        typer.echo(f"note: {note}", err=True)
    roster = loaded.roster
    counts = {
        "extensions": len(roster.extensions),
        "users": len({each.user for each in roster.extensions}),
        "recorded_users": len(recorded_users(roster)),
    }
    if as_json:
        typer.echo(json.dumps({"origin": loaded.origin, "version": roster.version, **counts}, ensure_ascii=False))
    else:
        numbers = " ".join(f"{name}={count}" for name, count in counts.items())
        typer.echo(f"roster: {numbers} version={roster.version} origin={loaded.origin}")


def print_comparison(order: CompareOrder, *, as_json: bool) -> None:
    """
    What differs is printed, and written where that was asked for.

    :raises Cloud9ArchiveError: if policy, roster, connection or answer are not as they must be
    """
    settings = _settings(order.include)
    policy = load_policy(policy_file(order.policy, settings))
    with catalog_of(settings) as catalog:
        limiter = Limiter(CatalogLedgers(catalog))
        with ManagementClient(source_of(order.management), limiter=limiter) as client:
            users = client.list_users()
        compared = compare_with_cloud9(policy, settings, catalog, users=users, reach=LateReach(), now=utc_now())
    if order.report:
        write_comparison(order.report, compared.comparison, policy=policy.policy)
    proposal = propose_roster(order.propose, compared, mode=order.mode) if order.propose else None
    if as_json:
        typer.echo(json.dumps(comparison_document(compared.comparison, policy=policy.policy), ensure_ascii=False))
        return
    for line in _lines(compared, proposal):
        typer.echo(line)


def _lines(compared: Compared, proposal: Proposal | None) -> Iterator[str]:
    found = compared.comparison
    for joiner in found.joiners:
        near = f"; the roster has {shown(joiner.near)}" if joiner.near else ""
        yield f"joiner: {shown(joiner.user.login)} ({shown(joiner.user.display_name)}){near}"
    for extension in found.leavers:
        yield f"leaver: {shown(extension.value)} of user {shown(extension.user)}, valid {extension.validity}"
    for unknown, known in found.unknown:
        yield f"unknown login: {shown(unknown.login)} at {shown(unknown.source)}, {'a' if known else 'no'} user of Cloud9"
    if proposal:
        for login in proposal.left_out:
            yield f"left out of the proposal: {shown(login)} cannot stand in a roster"
        yield f"proposal: added={proposal.added} ended={proposal.ended}"
    yield "compare: " + " ".join(f"{name}={count}" for name, count in compared.counts.items())


def _settings(include: Path | None) -> Settings:
    settings = deployment_settings()
    return replace(settings, include_folder=include.absolute()) if include else settings
