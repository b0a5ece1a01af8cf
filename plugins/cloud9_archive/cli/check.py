"""``cloud9-archive check``: whether a connection works from this host, and what to do if not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from cloud9_archive.cli.ending import exit_code

if TYPE_CHECKING:
    from cloud9_archive.api.diagnosis import Diagnosis


def check_command(
    conn_id: Annotated[str, typer.Argument(metavar="CONN", help="Id of an Airflow connection of type cloud9.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the diagnosis as one JSON object.")] = False,
) -> None:
    """
    Try a connection, step by step, until one fails.

    After name, connection and certificate come two signed requests: for a single second of calls, and for a recording
    that does not exist. Prints one line for each step, and what to do about the one that failed. It speaks for the host that it runs on:
    run it on a worker. Ends with 0 if the connection works, 2 if a person must change something, 3 if it may work
    later.
    """
    found = diagnosed(conn_id)
    if as_json:
        typer.echo(json.dumps(_document(conn_id, found), ensure_ascii=False))
    else:
        typer.echo("\n".join(_lines(found)))
    raise typer.Exit(exit_code(found.error))


def diagnosed(conn_id: str) -> Diagnosis:
    """What is known of each step of using the connection."""
    from cloud9_archive.api.checkup import diagnose  # noqa: PLC0415 - only when it runs
    from cloud9_archive.api.diagnosis import connection_fault  # noqa: PLC0415 - as above
    from cloud9_archive.cli.connections import source_of  # noqa: PLC0415 - imports Airflow
    from cloud9_archive.cli.logs import quiet_logs  # noqa: PLC0415 - as above
    from cloud9_archive.errors import ConnectionFieldError  # noqa: PLC0415 - as above

    with quiet_logs():
        try:
            source = source_of(conn_id)
        except ConnectionFieldError as error:
            return connection_fault(error)
        return diagnose(source)


def _lines(found: Diagnosis) -> list[str]:
    lines = []
    for checked in found.steps:
        lines.append(f"{checked.verdict.value:<8} {checked.step.value:<13} {checked.found}")
        if checked.hint:
            lines.append(f"{'':<8} {'':<13} → {checked.hint}")
    return lines


def _document(conn_id: str, found: Diagnosis) -> dict[str, object]:
    return {
        "connection": conn_id,
        "ok": found.error is None,
        "code": found.error.code if found.error else None,
        "steps": [
            {"step": each.step.value, "verdict": each.verdict.value, "found": each.found, "hint": each.hint}
            for each in found.steps
        ],
    }
