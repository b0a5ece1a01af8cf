"""``cloud9-archive wire``: begin a wire format, and hold it against a sample answer."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloud9_archive.cli.ending import errors_told, exit_code

if TYPE_CHECKING:
    from cloud9_archive.api.sample_fields import FieldSeen
    from cloud9_archive.api.wire_check import SampleCheck
    from cloud9_archive.api.wire_model import WireFormat

wire_app = typer.Typer(
    name="wire",
    help="Adapt the wire format to what your vendor's reference says.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@wire_app.command("check")
def check_command(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="Name of a shipped format, or path of a format file.")],
    sample: Annotated[Path, typer.Argument(help="An answer of the API as it came: JSON.")],
    *,
    headers: Annotated[
        Path | None, typer.Option("--headers", help="Its headers, as curl --dump-header writes them.")
    ] = None,
    recordings: Annotated[
        bool, typer.Option("--recordings", help="The sample is an answer of recordings.listing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as one JSON object.")] = False,
) -> None:
    """
    Show how a sample answer maps: what each field finds, what is missing, and which requests would be sent.

    Nothing is sent. Ends with 0 if the sample can be read, 2 if it cannot or the format is not valid.
    """
    from cloud9_archive.api.wire_check import check_sample, read_headers  # noqa: PLC0415 - only when it runs

    with errors_told():
        wire = wire_named(form)
        given = read_headers(_content(headers).decode("utf-8", "replace")) if headers else None
        found = check_sample(wire, _content(sample), given, of_recordings=recordings)
    if as_json:
        typer.echo(json.dumps(_document(wire, found), ensure_ascii=False))
    else:
        typer.echo("\n".join(_lines(wire, found)))
    raise typer.Exit(exit_code(found.error))


@wire_app.command("new")
def new_command(
    path: Annotated[Path, typer.Argument(help="File to write; one that exists is never overwritten.")],
    *,
    like: Annotated[str, typer.Option("--like", help="The format to begin with.")] = "call_data_v1_1",
) -> None:
    """Copy a format as a start for your own; put its absolute path into the connection's wire format."""
    from cloud9_archive.errors import WireFormatError  # noqa: PLC0415 - only when it runs

    with errors_told():
        text = wire_named(like).origin.read_text(encoding="utf-8")
        try:
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as error:
            raise WireFormatError(
                f"{path} cannot be written: {error.strerror}", subject=str(path), hint="choose another file"
            ) from None
    typer.echo(f"wrote {path}")


@wire_app.command("show")
def show_command(
    form: Annotated[
        str | None, typer.Argument(metavar="FORMAT", help="Name of a shipped format; all names if none.")
    ] = None,
) -> None:
    """Print a shipped format with its comments, or the names of all."""
    from cloud9_archive.api.wire import shipped_formats  # noqa: PLC0415 - only when it runs

    with errors_told():
        if form is None:
            typer.echo("\n".join(shipped_formats()))
        else:
            typer.echo(wire_named(form).origin.read_text(encoding="utf-8"), nl=False)


def wire_named(form: str) -> WireFormat:
    """
    The shipped format of that name, or the format in that file.

    :raises WireFormatError: if there is none, or it is not valid
    """
    from cloud9_archive.api.wire import read_wire_format, shipped_formats  # noqa: PLC0415 - only when it runs

    return read_wire_format(shipped_formats().get(form) or Path(form).absolute())


def _content(path: Path) -> bytes:
    from cloud9_archive.errors import ConfigurationError  # noqa: PLC0415 - only when it runs

    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}", subject=str(path), hint="give the file of a sample answer"
        ) from None


def _lines(wire: WireFormat, found: SampleCheck) -> list[str]:
    width = max((len(field.field) for field in found.fields), default=0)
    wide = max((len(field.expression) for field in found.fields), default=0)
    lines = [f"format      {wire.format} ({wire.origin})", ""]
    lines += [_field_line(field, width, wide) for field in found.fields]
    lines += [
        "",
        f"rows        {found.rows}" + ("" if found.rows else ": a sample without rows shows nothing of the fields"),
        f"calls       {found.calls}",
        f"recordings  {found.recordings}",
        f"next page   {found.next_page}",
        f"in raw only {', '.join(found.unmapped) or 'nothing'}",
        "",
    ]
    for request in found.requests:
        lines.append(f"asks for {request.what}: {request.method} {request.target}")
        lines += [f"    {request.body}"] if request.body is not None else []
    lines.append("")
    if found.error is None:
        return [*lines, "the sample can be read"]
    return [*lines, "the sample cannot be read:", f"    {found.error.message}", f"    → {found.error.hint}"]


def _field_line(field: FieldSeen, width: int, wide: int) -> str:
    count = "" if field.found == field.looked else f" ({field.found} of {field.looked})"
    line = (
        f"{field.verdict.value:<20} {field.field:<{width}}  {field.expression:<{wide}}  {field.example or '–'}{count}"
    )
    why = field.fault or (f"values has no word for {', '.join(field.words)}" if field.words else None)
    return f"{line}\n{'':<20} → {why}" if why else line


def _document(wire: WireFormat, found: SampleCheck) -> dict[str, object]:
    error = found.error
    return {
        "format": wire.format,
        "origin": str(wire.origin),
        "ok": error is None,
        "error": None if error is None else {"code": error.code, "message": error.message, "hint": error.hint},
        "rows": found.rows,
        "calls": found.calls,
        "recordings": found.recordings,
        "next_page": found.next_page,
        "fields": [asdict(field) for field in found.fields],
        "unmapped": list(found.unmapped),
        "requests": [asdict(request) for request in found.requests],
    }
