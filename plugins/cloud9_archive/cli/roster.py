"""``cloud9-archive roster``: check a roster wherever it is, and lay it beside the users of Cloud9."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloud9_archive.cli.ending import errors_told
from cloud9_archive.domain.roster import RecordingMode

roster_app = typer.Typer(
    name="roster", help="Check rosters, and compare them with the users of Cloud9.", no_args_is_help=True
)

PolicyName = Annotated[str, typer.Argument(help="The policy's name, or the path of its file.")]
Include = Annotated[
    Path | None,
    typer.Option(
        "--include",
        help="Folder that holds policies/ and rosters/; by default the deployment's.",
        envvar="CLOUD9_ARCHIVE_INCLUDE",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@roster_app.command("check")
def check_command(policy: PolicyName, *, as_json: AsJson = False, include: Include = None) -> None:
    """
    Read a policy's roster, from a file, an address or a database, and say what is in it.

    Every fault is told with its place. What is only untidy, such as a row that stands twice, is told on stderr.
    Nothing is remembered: runs go on comparing with the roster that they read last.
    """
    from cloud9_archive.cli.roster_work import print_check  # noqa: PLC0415 - imports Airflow and SQLAlchemy

    with errors_told():
        print_check(policy, include=include, as_json=as_json)


@roster_app.command("compare")
def compare_command(
    policy: PolicyName,
    *,
    management: Annotated[
        str, typer.Option("--management", help="Connection of type cloud9 to the Management API, with its own key.")
    ],
    report: Annotated[
        Path | None, typer.Option("--report", help="Also write the report here, as .json or .csv.")
    ] = None,
    propose: Annotated[
        Path | None, typer.Option("--propose", help="Write the roster as it would be; the one in use stays as it is.")
    ] = None,
    mode: Annotated[
        RecordingMode | None, typer.Option("--mode", help="Mode of joiners in the proposal; empty by default.")
    ] = None,
    as_json: AsJson = False,
    include: Include = None,
) -> None:
    """
    Lay a policy's roster beside the users of Cloud9.

    Names joiners (users whom the roster does not have), leavers (logins that Cloud9 does not know) and logins that
    calls have shown and no roster has. It only reads; what to do with it is a person's decision.
    """
    from cloud9_archive.cli.roster_work import CompareOrder, print_comparison  # noqa: PLC0415 - as above

    order = CompareOrder(policy, management, report, propose, mode, include)
    with errors_told():
        print_comparison(order, as_json=as_json)
