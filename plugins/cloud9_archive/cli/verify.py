"""The command ``verify``: an archive checked from its own files, whoever wrote it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cloud9_archive.cli.archives import CONN_ID_HELP, archive_at
from cloud9_archive.cli.decrypt import DecryptKeys, opener_of
from cloud9_archive.domain.schedule import parse_duration
from cloud9_archive.errors import Cloud9ArchiveError, ConfigurationError
from cloud9_archive.pipeline.verify_scope import Scope, parse_sample

_CANNOT_TELL = 2


def verify_command(  # noqa: PLR0913 - one argument for each option
    url: Annotated[str, typer.Argument(help="The archive: a path, file:///…, or s3://bucket/prefix")],
    *,
    policy: Annotated[str | None, typer.Option(help="Check this policy only.")] = None,
    head: Annotated[
        list[str] | None,
        typer.Option(
            help="A head digest kept elsewhere: finds a chain whose end was cut off. May be given several times."
        ),
    ] = None,
    public_key: Annotated[
        list[Path] | None,
        typer.Option(
            help="PEM file of a public key kept elsewhere: signatures must be by one of these. "
            "May be given several times; without it, the keys in the archive are taken."
        ),
    ] = None,
    tsa_ca: Annotated[
        Path | None, typer.Option(help="PEM file of a time-stamping authority's certificates, kept elsewhere.")
    ] = None,
    decrypt_key: DecryptKeys = None,
    since: Annotated[
        str | None, typer.Option(help="Read bags and reports filed under this day or later only: 2026-11-22.")
    ] = None,
    sample: Annotated[
        str | None, typer.Option(help="Read only so many bags, such as 20, or such a share of them, such as 5%.")
    ] = None,
    max_duration: Annotated[
        str | None, typer.Option(help="Begin no further bag after this time, such as 30m; the order changes each turn.")
    ] = None,
    turn: Annotated[
        int | None,
        typer.Option(help="Number of the turn, which the choice depends on.", show_default="days since 1970"),
    ] = None,
    conn_id: Annotated[
        str | None,
        typer.Option(help=CONN_ID_HELP),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """
    Check an archive, every byte of it or a part, against its seals and chain.

    Prints one line per finding and a summary; on a terminal, shows how far it is. Ends with 0 if all is well, 1 if
    there is a fault (notices are not faults), 2 if the archive cannot be looked at, or an option cannot be used.
    """
    from cloud9_archive.cli.verify_bar import watched  # noqa: PLC0415 - imports what checks time stamps, and with it requests
    from cloud9_archive.pipeline.verify import verify_archive  # noqa: PLC0415 - as above
    from cloud9_archive.pipeline.verify_proofs import read_trust  # noqa: PLC0415 - as above

    try:
        scope = _scope(since=since, sample=sample, max_duration=max_duration, turn=turn)
        trust = read_trust(public_key or [], tsa_ca)
        opener = opener_of(decrypt_key)
        store = archive_at(url, conn_id)
        with watched(Console(stderr=True)) as watch:
            report = verify_archive(
                store, policy=policy, heads=head or [], trust=trust, scope=scope, opener=opener, watch=watch
            )
    except Cloud9ArchiveError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(_CANNOT_TELL) from None
    if as_json:
        typer.echo(json.dumps(report.document(), indent=2))
    else:
        for finding in report.findings:
            typer.echo(finding.line())
        typer.echo(report.summary())
    if not report.ok:
        raise typer.Exit(1)


def _scope(*, since: str | None, sample: str | None, max_duration: str | None, turn: int | None) -> Scope:
    try:
        return Scope(
            since=date.fromisoformat(since) if since else None,
            sample=parse_sample(sample) if sample else None,
            max_duration=parse_duration(max_duration) if max_duration else None,
            turn=turn if turn is not None else datetime.now(UTC).date().toordinal() - date(1970, 1, 1).toordinal(),
        )
    except ValueError as error:
        raise ConfigurationError(
            f"--since or --max-duration: {error}", hint="write them like --since 2026-11-22 --max-duration 30m"
        ) from None
