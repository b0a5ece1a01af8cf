"""``cloud9-archive export``: calls for somebody else, with what proves where they came from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloud9_archive.cli.archives import CONN_ID_HELP
from cloud9_archive.cli.decrypt import DecryptKeys, opener_of
from cloud9_archive.cli.ending import errors_told
from cloud9_archive.cli.selecting import Asked, Begin, CallIds, Counterparties, End, RecordingIds, Users


def export_command(  # noqa: PLR0913 - one argument for each option
    url: Annotated[str, typer.Argument(help="The archive: a path, file:///…, or s3://bucket/prefix")],
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder to make; it must not be there, or be empty.")],
    user: Users = None,
    counterparty: Counterparties = None,
    begin: Begin = None,
    end: End = None,
    call: CallIds = None,
    recording: RecordingIds = None,
    policy: Annotated[str | None, typer.Option(help="Of this policy only.")] = None,
    sidecar: Annotated[
        list[str] | None,
        typer.Option(help="Also put verba (XML in that manner) or relativity (JSON) beside each medium. Several: all."),
    ] = None,
    decrypt_key: DecryptKeys = None,
    everything: Annotated[bool, typer.Option("--everything", help="Needed if nothing narrows the selection.")] = False,
    actor: Annotated[
        str | None, typer.Option(help="Who does it, for the trail; by default this account.", show_default=False)
    ] = None,
    reason: Annotated[str | None, typer.Option(help="What for; stands in the trail and in the export.")] = None,
    catalog: Annotated[
        str | None,
        typer.Option(
            "--catalog", help="SQLAlchemy URL of the catalog whose trail keeps it; by default the deployment's."
        ),
    ] = None,
    conn_id: Annotated[str | None, typer.Option(help=CONN_ID_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as one JSON object.")] = False,
) -> None:
    """
    Hand out calls of an archive as a BagIt bag: originals, derivatives, documents, an index and their provenance.

    All that is asked must fit. Every file is compared with its bag's seal and the chain while it is copied; the archive
    is only read. With --decrypt-key, the export holds decrypted copies beside the encrypted files, and nothing in plain is
    written anywhere else. Where the deployment has a catalog, its trail keeps who handed out what.

    Ends with 0 if everything was handed out, 1 if the export lacks something that the archive should have, 2 if a person
    must change something first, 3 if it may work later.
    """
    from cloud9_archive.cli.export_work import HandOut, carry_out  # noqa: PLC0415 - imports SQLAlchemy and more

    with errors_told():
        asked = Asked(user, counterparty, begin, end, call, recording)
        order = HandOut(
            url=url,
            out=out,
            selection=asked.selection(),
            policy=policy,
            sidecars=tuple(sidecar or ()),
            opener=opener_of(decrypt_key),
            everything=everything,
            actor=actor,
            reason=reason,
            catalog=catalog,
            conn_id=conn_id,
            as_json=as_json,
        )
        code = carry_out(order)
    raise typer.Exit(code)
