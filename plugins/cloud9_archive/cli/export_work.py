"""What ``cloud9-archive export`` does; apart from the command, because it imports the catalog and Airflow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from cloud9_archive.catalog.events import Event, append
from cloud9_archive.cli.archives import acting, archive_at
from cloud9_archive.cli.catalog_work import catalog_at, deployments_catalog, require_catalog_at
from cloud9_archive.cli.ending import ExitCode
from cloud9_archive.cli.verify_bar import watched
from cloud9_archive.domain.call import canonical_json
from cloud9_archive.domain.call_selection import CallSelection
from cloud9_archive.domain.words import nearest, shown
from cloud9_archive.errors import CatalogError, ConfigurationError
from cloud9_archive.pipeline.export import Exported, ExportOrder, export_selection
from cloud9_archive.pipeline.export_sidecars import Sidecar
from cloud9_archive.pipeline.opening import Opener
from cloud9_archive.pipeline.verify_codes import Severity

EXPORTED = "archive.exported"


@dataclass(frozen=True, slots=True)
class HandOut:
    """The command's options; see there."""

    url: str
    out: Path
    selection: CallSelection
    policy: str | None
    sidecars: tuple[str, ...]
    opener: Opener | None
    everything: bool
    actor: str | None
    reason: str | None
    catalog: str | None
    conn_id: str | None
    as_json: bool


def carry_out(asked: HandOut) -> ExitCode:
    """
    The calls are handed out, the trail says so where there is one, and what came of it is told.

    :raises Cloud9ArchiveError: if nothing was handed out
    """
    if asked.selection.everything and not asked.everything:
        raise ConfigurationError(
            "nothing narrows the selection",
            subject="selection",
            hint="name people, dates, calls or recordings, or say --everything",
        )
    order = ExportOrder(
        asked.selection, asked.policy, _sidecars(asked.sidecars), actor=acting(asked.actor), reason=asked.reason
    )
    address = _trail(asked.catalog)
    now = datetime.now(UTC)
    store = archive_at(asked.url, asked.conn_id)
    with watched(Console(stderr=True), "export") as watch:
        exported = export_selection(store, order, asked.out, now=now, opener=asked.opener, watch=watch)
    if address is not None:
        _note(address, order, exported, now)
    _tell(asked, exported, noted=address is not None)
    faulty = any(finding.severity is Severity.FAULT for finding in exported.findings)
    return ExitCode.FINDING if faulty else ExitCode.OK


def _sidecars(names: tuple[str, ...]) -> frozenset[Sidecar]:
    for name in names:
        if name not in set(Sidecar):
            raise ConfigurationError(
                f"--sidecar is {shown(name)!r}{nearest(name, Sidecar)}",
                subject="--sidecar",
                hint=f"give {' or '.join(Sidecar)}",
            )
    return frozenset(map(Sidecar, names))


def _trail(catalog: str | None) -> str | None:
    """The catalog whose trail is to keep it: one that was named must be there, the deployment's may be."""
    if catalog is not None:
        require_catalog_at(catalog)
        return catalog
    address = deployments_catalog()
    try:
        require_catalog_at(address)
    except CatalogError:
        return None
    return address


def _note(address: str, order: ExportOrder, exported: Exported, now: datetime) -> None:
    """One event for each policy: what was asked, what for, and the seal of what was handed out."""
    told = {
        "selection": order.selection.document(),
        "reason": order.reason,
        "calls": exported.calls,
        "recordings": exported.recordings,
        "decrypted_copies": exported.decrypted,
        "seal_sha256": exported.seal_sha256,
    }
    event = Event(EXPORTED, exported.seal_sha256, after=canonical_json(told).decode())
    with catalog_at(address) as catalog, catalog.begin() as connection:
        for policy in exported.policies:
            append(connection, [event], policy=policy, who=order.actor, now=now)


def _tell(asked: HandOut, exported: Exported, *, noted: bool) -> None:
    told: dict[str, Any] = {
        "out": str(asked.out),
        "calls": exported.calls,
        "recordings": exported.recordings,
        "files": exported.files,
        "bytes": exported.size,
        "seal_sha256": exported.seal_sha256,
        "decrypted_copies": exported.decrypted,
        "absent_recordings": list(exported.absent),
        "heads": [{"policy": h.policy, "number": h.number, "digest": h.digest} for h in exported.heads],
        "findings": [{"code": f.code.value, "subject": f.subject, "words": f.words} for f in exported.findings],
        "noted_in_trail": noted,
    }
    if asked.as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for finding in exported.findings:
        typer.echo(finding.line())
    for recording in exported.absent:
        typer.echo(f"not in the archive: recording {shown(recording, longest=200)}")
    if not noted:
        typer.echo("no catalog is here to keep in its trail who handed this out: name it with --catalog", err=True)
    if exported.decrypted:
        typer.echo(f"{exported.decrypted} files were decrypted into {asked.out}, which only this account may read")
    typer.echo(
        f"export: calls={exported.calls} recordings={exported.recordings} files={exported.files} bytes={exported.size} "
        f"absent={len(exported.absent)} findings={len(exported.findings)} seal={exported.seal_sha256} out={asked.out}"
    )
