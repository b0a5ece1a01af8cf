"""``cloud9-archive policy explain`` and ``simulate``: why a call is recorded, and what a change would do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cloud9_archive.cli.call_files import read_calls
from cloud9_archive.cli.late_reach import LateReach
from cloud9_archive.domain.explanation import explained
from cloud9_archive.domain.rules import Ruler
from cloud9_archive.errors import Cloud9ArchiveError, ConfigurationError
from cloud9_archive.pipeline.policy_files import load_policy
from cloud9_archive.pipeline.roster_sources import load_roster_of

Include = Annotated[
    Path, typer.Option("--include", help="Folder that holds policies/ and rosters/.", envvar="CLOUD9_ARCHIVE_INCLUDE")
]
_HERE = Path("include")
_PolicyName = Annotated[str, typer.Argument(help="A policy's name, or the path of its file.")]


def decision_commands(app: typer.Typer) -> None:
    """``explain``, ``simulate`` and ``test-alert`` are commands of the app."""
    app.command("explain")(explain_command)
    app.command("simulate")(simulate_command)
    app.command("test-alert")(send_test_command)


def explain_command(
    policy: _PolicyName,
    *,
    call: Annotated[str | None, typer.Option("--call", help="Id of a call in the catalog.")] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Its import source; needed if several have a call with this id.")
    ] = None,
    calls: Annotated[
        Path | None, typer.Option("--calls", help="Calls, one JSON document a line, each with all its fields.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
    include: Include = _HERE,
) -> None:
    """
    Say for a call whether it is recorded or excluded under the policy as it is now, and why, as a tree in words.

    Each participant with what the roster says of it, each section with the filters that fit and those that do not.
    Of a call in the catalog the decisions that were made on it are told too. Nothing is changed.
    """
    try:
        ruler, name = ruler_of(policy, include=include)
        if (call is None) == (calls is None):
            raise ConfigurationError(
                "there is no call to explain, or there are two kinds", hint="give either --call ID or --calls FILE"
            )
        if call is not None:
            from cloud9_archive.cli.policy_work import explained_in_catalog  # noqa: PLC0415 - imports Airflow and SQLAlchemy

            for line in explained_in_catalog(ruler, name, call, source=source, as_json=as_json):
                typer.echo(line)
        elif calls is not None:
            for each in read_calls(calls):
                explanation = explained(each, ruler)
                for line in [json.dumps(explanation.document())] if as_json else explanation.lines():
                    typer.echo(line)
    except Cloud9ArchiveError as error:
        raise refused(error) from None


def simulate_command(
    policy: _PolicyName,
    *,
    begin: Annotated[str, typer.Option("--from", help="First instant of the window: ISO 8601 with an offset.")],
    end: Annotated[str, typer.Option("--to", help="End of the window, itself not within it.")],
    against: Annotated[
        Path | None, typer.Option("--against", help="A changed policy file; by default the policy's own as it is now.")
    ] = None,
    roster: Annotated[
        Path | None, typer.Option("--roster", help="A changed roster file, instead of the one that the policy names.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as one JSON object.")] = False,
    include: Include = _HERE,
) -> None:
    """
    Compare the decisions that stand with those that a changed policy or roster would make.

    Looks at the calls of the window that are in the catalog, and changes nothing: no decision, no archive, no file. Calls
    on which the policy has not decided yet are compared with what it would decide now.
    """
    from cloud9_archive.cli.policy_work import SimulationOrder, simulated  # noqa: PLC0415 - imports Airflow and SQLAlchemy

    order = SimulationOrder(policy, begin, end, against, roster, include)
    try:
        for line in simulated(order, as_json=as_json):
            typer.echo(line)
    except Cloud9ArchiveError as error:
        raise refused(error) from None


def send_test_command(policy: _PolicyName, *, include: Include = _HERE) -> None:
    """
    Send a test through the policy's ``alerts``, to see that people get what it would tell them.

    Ends with 0 if the channel took it. Nothing is written to the catalog.
    """
    from cloud9_archive.cli.policy_work import send_test_alert  # noqa: PLC0415 - imports Airflow

    try:
        typer.echo(send_test_alert(policy_path(policy, include=include)))
    except Cloud9ArchiveError as error:
        raise refused(error) from None


def policy_path(policy: str, *, include: Path) -> Path:
    """The file of a policy that was named, or given as a path."""
    return Path(policy) if policy.endswith(".yaml") else include / "policies" / f"{policy}.yaml"


def ruler_of(policy: str, *, include: Path) -> tuple[Ruler, str]:
    """
    The policy and its roster, ready to decide, and the policy's name.

    :raises ConfigurationError: if either of them is not valid
    """
    chosen = load_policy(policy_path(policy, include=include))
    return Ruler(chosen, load_roster_of(chosen, include=include, reach=LateReach())), chosen.policy


def refused(error: Cloud9ArchiveError) -> typer.Exit:
    """The error told on stderr, and the exit that goes with it."""
    typer.echo(str(error), err=True)
    return typer.Exit(1)
