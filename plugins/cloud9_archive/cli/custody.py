"""``cloud9-archive hold``, ``retention`` and ``dispose``: what becomes of records after they are archived."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cloud9_archive.cli.ending import ExitCode, errors_told

hold_app = typer.Typer(
    name="hold", help="Place and release legal holds: what they mean is not disposed of.", no_args_is_help=True
)
retention_app = typer.Typer(name="retention", help="Keep what is archived longer.", no_args_is_help=True)

Label = Annotated[str, typer.Argument(help="Name of the hold, such as a case number.")]
Policies = Annotated[
    list[str] | None,
    typer.Option("--policy", help="Of this policy only; may be given several times. By default of all policies."),
]
Users = Annotated[
    list[str] | None,
    typer.Option("--user", help="Calls of this user of the roster, or login; may be given several times."),
]
Begin = Annotated[
    str | None, typer.Option("--from", help="Calls that begin then or later: a day, or ISO 8601 with an offset.")
]
End = Annotated[str | None, typer.Option("--to", help="Calls that begin before then.")]
Calls = Annotated[list[str] | None, typer.Option("--call", help="A call by its id; may be given several times.")]
Recordings = Annotated[
    list[str] | None, typer.Option("--recording", help="A recording by its id; may be given several times.")
]
Bags = Annotated[list[str] | None, typer.Option("--bag", help="What lies in this bag; may be given several times.")]
Actor = Annotated[str, typer.Option("--actor", help="Who asks for it; goes into the archive for good.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; goes into the archive for good.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@hold_app.command("place")
def place_command(  # noqa: PLR0913 - one argument for each option
    label: Label,
    *,
    actor: Actor,
    reason: Reason,
    policy: Policies = None,
    user: Users = None,
    begin: Begin = None,
    end: End = None,
    call: Calls = None,
    recording: Recordings = None,
    bag: Bags = None,
) -> None:
    """
    Hold what fits all conditions given, now and whenever more of it is archived.

    Several holds may mean the same record; it is held until the last of them is released.
    """
    from cloud9_archive.cli.custody_orders import SelectionOrder, order_of  # noqa: PLC0415 - imports the pipeline
    from cloud9_archive.cli.custody_work import placed  # noqa: PLC0415 - as above

    chosen = SelectionOrder(user or (), begin, end, call or (), recording or (), bag or ())
    with errors_told():
        for line in placed(policy or [], label, chosen, order_of(actor, reason)):
            typer.echo(line)


@hold_app.command("release")
def release_command(label: Label, *, actor: Actor, reason: Reason, policy: Policies = None) -> None:
    """
    Ask that a hold be released, or approve what another person asked for; only then is it released.

    So this is given twice, by two different people.
    """
    from cloud9_archive.cli.custody_orders import order_of  # noqa: PLC0415 - as above
    from cloud9_archive.cli.custody_work import released  # noqa: PLC0415 - as above

    with errors_told():
        for line in released(policy or [], label, order_of(actor, reason)):
            typer.echo(line)


@hold_app.command("list")
def list_command(
    *,
    policy: Policies = None,
    every: Annotated[bool, typer.Option("--all", help="Released ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the holds that stand, oldest first."""
    from cloud9_archive.cli.custody_work import hold_documents  # noqa: PLC0415 - as above

    with errors_told():
        documents = hold_documents(policy or [], every=every)
        if as_json:
            typer.echo(json.dumps(documents, indent=2, ensure_ascii=False))
            return
        for each in documents:
            typer.echo(
                f"{each['label']}: {each['state']} policy={each['policy']} placed_by={each['placed_by']} "
                f"at={each['placed_at']} reason={each['reason']}"
            )
        typer.echo(f"holds: {len(documents)}")


@hold_app.command("show")
def show_command(label: Label, *, policy: Policies = None) -> None:
    """Show a hold, released ones too, with what it means now; as JSON."""
    from cloud9_archive.cli.custody_work import hold_documents  # noqa: PLC0415 - as above

    with errors_told():
        documents = hold_documents(policy or [], every=True, label=label)
        typer.echo(json.dumps(documents, indent=2, ensure_ascii=False))
    if not documents:
        raise typer.Exit(ExitCode.FINDING)


@retention_app.command("extend")
def extend_command(  # noqa: PLR0913 - one argument for each option
    policy: Annotated[str, typer.Argument(help="The policy's name, the path of its file, or its archive's address.")],
    *,
    actor: Actor,
    reason: Reason,
    until: Annotated[str | None, typer.Option("--until", help="Keep it until then: a day, or ISO 8601.")] = None,
    retention: Annotated[
        str | None, typer.Option("--retention", help="Keep it so long from each call's start on: 10y, 400d.")
    ] = None,
    user: Users = None,
    begin: Begin = None,
    end: End = None,
    call: Calls = None,
    recording: Recordings = None,
    bag: Bags = None,
) -> None:
    """
    Keep archived records that fit all conditions given longer; retention only grows.

    A date before the one that a record is kept until is refused, and nothing is changed. In a bucket with locks every
    file's own lock is made longer, and read back. Given again after it was cut off, it goes on.
    """
    from cloud9_archive.cli.custody_orders import SelectionOrder, order_of  # noqa: PLC0415 - as above
    from cloud9_archive.cli.custody_work import extended  # noqa: PLC0415 - as above

    chosen = SelectionOrder(user or (), begin, end, call or (), recording or (), bag or ())
    with errors_told():
        typer.echo(extended(policy, chosen, order_of(actor, reason), until=until, retention=retention))


def dispose_command(
    policy: Annotated[str, typer.Argument(help="The policy's name, the path of its file, or its archive's address.")],
    *,
    confirm: Annotated[
        int | None, typer.Option("--confirm", min=1, help="Remove what has expired, if it is so many records.")
    ] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Who asks for it; wanted with --confirm.")] = None,
    reason: Reason = "its retention has ended",
    as_json: AsJson = False,
) -> None:
    """
    List what has expired; with --confirm, remove it from the archive.

    Expired is what its retention has ended of, no legal hold means, no lock keeps, and whose bag is whole: it is read
    for that. A tombstone that a chain link vouches for is written before the first file is removed.

    Ends with 0, or with 1 if something that has expired could not be listed or removed.
    """
    from cloud9_archive.cli.custody_orders import order_of  # noqa: PLC0415 - as above
    from cloud9_archive.cli.custody_work import disposal  # noqa: PLC0415 - as above
    from cloud9_archive.errors import CustodyError  # noqa: PLC0415 - beside it

    with errors_told():
        if confirm is not None and not actor:
            raise CustodyError("--confirm was given without --actor", subject="--actor", hint="say who asks for it")
        lines, document, well = disposal(policy, order_of(actor or "nobody", reason), confirm=confirm)
        for line in [json.dumps(document, indent=2)] if as_json else lines:
            typer.echo(line)
    if not well:
        raise typer.Exit(ExitCode.FINDING)
