"""``cloud9-archive media``: what the pipeline finds in a file, and what it makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloud9_archive.cli.ending import errors_told

media_app = typer.Typer(
    name="media", help="Look into recordings, and transcode them, as a run does.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document a file, on a line of its own.")]


@media_app.command("inspect")
def inspect_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Recordings: Ogg/Opus, M4A, WAVE, MP3.")],
    *,
    as_json: AsJson = False,
) -> None:
    """
    Say of each file whether every part of it is there and decodes to its last sample.

    Files are read by worker processes under the deployment's limits. Ends with 0 if all are intact, 1 if one is not,
    2 if one cannot be looked at (no such file, no regular file), 3 if this host failed.
    """
    from cloud9_archive.cli.media_work import inspected  # noqa: PLC0415 - imports Airflow

    with errors_told():
        worst = 0
        for line, code in inspected(files, as_json=as_json):
            typer.echo(line)
            worst = max(worst, code)
    raise typer.Exit(worst)


@media_app.command("transcode")
def transcode_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The original.")],
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Where the derivative shall stand, or a folder for it. What stands there is never replaced."
        ),
    ],
    profile: Annotated[
        str | None, typer.Option("--profile", help="A shipped profile, or with --policy one of the policy's own.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            help="Name, or path of a policy file: every derivative that its decisions may ask for is made. "
            "--out is a folder then.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Make derivatives of a file, compared with their original as in a run; what does not match is not kept.

    Peaks for a player, and with some profiles one file per party, stand beside each. With --policy alone they are named
    after their profiles. Ends with 0 if all were made, 1 if the original is not intact or a derivative does not match it, 2
    if a file or option is wrong, 3 if this host failed.
    """
    from cloud9_archive.cli.media_work import transcoded  # noqa: PLC0415 - imports Airflow

    with errors_told():
        lines, code = transcoded(file, out, profile=profile, policy=policy, as_json=as_json)
    typer.echo("\n".join(lines))
    raise typer.Exit(code)
