"""``cloud9-archive search``: which calls the catalog knows, how they stand, and where they are archived."""

from __future__ import annotations

from typing import Annotated

import typer

from cloud9_archive.cli.ending import errors_told
from cloud9_archive.cli.selecting import Asked, Begin, CallIds, Counterparties, End, RecordingIds, Users


def search_command(  # noqa: PLR0913 - one argument for each option
    *,
    user: Users = None,
    counterparty: Counterparties = None,
    begin: Begin = None,
    end: End = None,
    call: CallIds = None,
    recording: RecordingIds = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            "--text", help="A text in the label of the line, or in a name of either end. Several: all of them."
        ),
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Under this policy only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Show so many calls at most.")] = 100,
    catalog: Annotated[
        str | None, typer.Option("--catalog", help="SQLAlchemy URL of the catalog; by default the deployment's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
) -> None:
    """
    Find calls in the catalog, newest first within each import source, with their state and the key of their bag.

    All that is asked must fit; case does not count. The names of participants are shown: mind who looks over your
    shoulder. Without dates, people and texts are looked for in every call from the newest on, until enough are found.

    Ends with 0 if a call was found, 1 if none was, 2 if an option cannot be used.
    """
    from cloud9_archive.cli.search_work import SearchOrder, carry_out  # noqa: PLC0415 - imports SQLAlchemy and more

    with errors_told():
        asked = Asked(user, counterparty, begin, end, call, recording, text)
        code = carry_out(SearchOrder(asked.selection(), policy, limit, catalog, as_json))
    raise typer.Exit(code)
