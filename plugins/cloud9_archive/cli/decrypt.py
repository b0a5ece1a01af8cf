"""The command ``decrypt``: one encrypted file of an archive, opened with a recipient's private key."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloud9_archive.errors import Cloud9ArchiveError, ConfigurationError

if TYPE_CHECKING:
    from cloud9_archive.pipeline.opening import Opener

DecryptKeys = Annotated[
    list[Path] | None,
    typer.Option(
        "--decrypt-key",
        help="PEM file of a recipient's private key: encrypted files are opened and looked into as well. "
        "May be given several times; a password is taken from CLOUD9_ARCHIVE_KEY_PASSWORD, or asked for.",
    ),
]
PASSWORD = "CLOUD9_ARCHIVE_KEY_PASSWORD"  # noqa: S105 - the variable's name
_ENDING = ".p7m"


def decrypt_command(
    file: Annotated[Path, typer.Argument(help="An encrypted file, such as original.ogg.p7m.")],
    *,
    key: Annotated[
        list[Path],
        typer.Option(
            help=f"PEM file of a recipient's private key; may be given several times. A password is taken from {PASSWORD}, "
            "or asked for."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The file to write; by default beside it, without .p7m. Never overwritten.")
    ] = None,
) -> None:
    """
    Open an encrypted file of an archive. The openssl line in docs/archive-format.md does the same.

    What is written stands under its name only if it is whole and unaltered. Ends with 1 if the file does not open.
    """
    from cloud9_archive.pipeline.opening import NotOpenedError, read_opener  # noqa: PLC0415 - cryptography

    target = out or Path(str(file).removesuffix(_ENDING))
    half_written = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        opener = read_opener(key, password=key_password(key))
        if opener is None or target.exists():
            raise ConfigurationError(
                f"{target} exists already", subject=str(target), hint="name another file with --out"
            )
        mine_alone = os.open(half_written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with file.open("rb") as source, os.fdopen(mine_alone, "wb") as plain:
            for piece in opener.opened(source):
                plain.write(piece)
        half_written.rename(target)
    except (Cloud9ArchiveError, NotOpenedError, OSError) as error:
        words = f"{file}: {error}" if isinstance(error, NotOpenedError) else str(error)
        typer.echo(f"error: {words}", err=True)
        raise typer.Exit(1) from None
    finally:
        half_written.unlink(missing_ok=True)
    typer.echo(str(target))


def key_password(keys: Sequence[Path]) -> bytes | None:
    """
    The password of the keys that want one: from the environment, or from whoever sits at the terminal.

    :raises ConfigurationError: if a key cannot be read
    """
    from cloud9_archive.pipeline.opening import is_locked  # noqa: PLC0415 - cryptography

    locked = next((path for path in keys if is_locked(path)), None)
    if locked is None:
        return None
    given = os.environ.get(PASSWORD)
    if given is None:
        given = typer.prompt(f"Password of {locked}", hide_input=True, err=True)
    return str(given).encode()


def opener_of(keys: Sequence[Path] | None) -> Opener | None:
    """
    What opens encrypted files with these keys; None without any.

    :raises ConfigurationError: if one cannot be read, or does not open
    """
    from cloud9_archive.pipeline.opening import read_opener  # noqa: PLC0415 - cryptography

    return read_opener(keys or [], password=key_password(keys or []))
