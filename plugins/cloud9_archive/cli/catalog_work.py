"""What ``cloud9-archive catalog`` does; apart from the commands, because it imports the catalog and Airflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cloud9_archive.catalog.catalog import HEAD, Catalog, open_catalog
from cloud9_archive.catalog.faults import database_faults_told
from cloud9_archive.catalog.findings import Acceptance, OpenFinding, accept_finding, healed_findings, open_findings
from cloud9_archive.cli.logs import quiet_logs
from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import CatalogError, ConfigurationError, PolicyError
from cloud9_archive.pipeline.settings import Settings
from cloud9_archive.pipeline.workspace import utc_now

_SQLITE = "sqlite:///"
_WIDE = 10_000


def migrated() -> str:
    """
    The catalog is current; its address without the password, and its revision.

    :raises CatalogError: if it cannot be brought to date
    """
    with catalog_of(deployment_settings()) as catalog:
        return f"{catalog.engine.url.render_as_string(hide_password=True)} is at revision {HEAD}"


def findings_of(policy: str, *, healed: bool = False) -> list[OpenFinding]:
    """
    The policy's findings that are not healed, by code and subject; after them those that are, if asked for.

    :raises CatalogError: if there is no catalog yet
    :raises PolicyError: if nobody knows the policy
    """
    settings = deployment_settings()
    require_catalog(settings)
    with catalog_of(settings) as catalog:
        found = [*open_findings(catalog, policy), *(healed_findings(catalog, policy) if healed else ())]
    known = {path.stem for path in settings.policies.glob("*.yaml")}
    if not found and policy not in known:
        raise PolicyError(
            f"there is no policy {shown(policy)!r} in {settings.policies}, and no finding under that name",
            subject=policy,
            hint=f"name one of these: {', '.join(sorted(known)) or 'there is none yet'}",
        )
    return found


def accepted(policy: str, code: str, subject: str, *, actor: str, reason: str) -> str:
    """
    The finding is accepted; a sentence that says so.

    :raises CatalogError: if there is no such open finding
    :raises ConfigurationError: if name or reason is empty
    """
    for option, text in (("--actor", actor), ("--reason", reason)):
        if not text.strip():
            raise ConfigurationError(f"{option} is empty", subject=option, hint="give a person's name, and a reason")
    settings = deployment_settings()
    require_catalog(settings)
    with catalog_of(settings) as catalog:
        if not accept_finding(catalog, policy, code, subject, Acceptance(actor.strip(), reason.strip(), utc_now())):
            raise CatalogError(
                f"{policy} has no open finding {shown(code)} about {shown(subject)}",
                subject=subject,
                hint=f"cloud9-archive catalog findings {policy} shows code and subject of each",
            )
    return f"{code} about {shown(subject)} is accepted by {shown(actor.strip())}"


def finding_document(found: OpenFinding) -> dict[str, str | int | None]:
    """The finding as plain JSON values."""
    return {
        "code": found.finding.code,
        "subject": found.finding.subject,
        "words": found.finding.words,
        "severity": found.finding.kind.severity.value,
        "opened_at": utc_text(found.opened_at),
        "seen_at": utc_text(found.seen_at),
        "times_seen": found.times_seen,
        "healed_at": utc_text(found.healed_at),
        "run_id": found.run_id,
        "next_action": found.finding.kind.next_action,
        "accepted_by": found.accepted.by if found.accepted else None,
        "accepted_because": found.accepted.because if found.accepted else None,
        "accepted_at": utc_text(found.accepted.at) if found.accepted else None,
    }


def print_findings(policy: str, found: Sequence[OpenFinding], *, console: Console | None = None) -> None:
    """The findings stand on the console as a table, and what to do about each kind below it."""
    console = console or Console()
    if not console.is_terminal:
        console.width = _WIDE  # whoever reads a file or a pipe wants whole lines
    if not found:
        console.print(f"{policy}: no open finding", markup=False, highlight=False)
        return
    table = Table("code", "severity", "subject", "open since", "seen", "found", box=box.SIMPLE)
    for each in found:
        found_words = each.finding.words
        if each.accepted:
            found_words = f"accepted by {each.accepted.by}: {each.accepted.because} – {found_words}"
        if each.healed_at:
            found_words = f"healed {utc_text(each.healed_at)} by {each.run_id} – {found_words}"
        words = (each.finding.subject, utc_text(each.opened_at) or "", f"{each.times_seen}x", found_words)
        table.add_row(
            each.finding.code, each.finding.kind.severity.value, *(Text(shown(w, longest=400)) for w in words)
        )
    console.print(table)
    for code, kind in {each.finding.code: each.finding.kind for each in found}.items():
        console.print(f"{code}: {kind.next_action}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def catalog_of(settings: Settings) -> Iterator[Catalog]:
    """The deployment's catalog, current, and closed at the end."""
    with catalog_at(settings.catalog_address) as catalog:
        yield catalog


@contextmanager
def catalog_at(address: str) -> Iterator[Catalog]:
    """
    The catalog at this SQLAlchemy URL, current, and closed at the end.

    :raises CatalogError: as :func:`~cloud9_archive.catalog.catalog.open_catalog`
    """
    with quiet_logs(), database_faults_told():
        catalog = open_catalog(address)
        try:
            yield catalog
        finally:
            catalog.close()


def deployments_catalog() -> str:
    """The SQLAlchemy URL of the deployment's catalog."""
    return deployment_settings().catalog_address


def require_catalog(settings: Settings) -> None:
    """A catalog that is not there is told, rather than made empty and found without findings."""
    require_catalog_at(settings.catalog_address)


def require_catalog_at(address: str) -> None:
    """
    As :func:`require_catalog`.

    :param address: SQLAlchemy URL
    """
    if address.startswith(_SQLITE) and not Path(address.removeprefix(_SQLITE)).is_file():
        raise CatalogError(
            f"there is no catalog at {address}",
            hint="check [cloud9_archive] data_root and catalog_url; the first run makes it, or: cloud9-archive "
            "catalog migrate",
        )
