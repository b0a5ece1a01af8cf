"""A catalog whose database does not answer, said in the words of this package's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, OperationalError

from cloud9_archive.domain.words import shown
from cloud9_archive.errors import UnreachableError

_LONGEST = 300


@contextmanager
def database_faults_told() -> Iterator[None]:
    """
    A database that cannot be used at present is told as such, without its address: that may hold a password.

    :raises UnreachableError: instead of the database driver's error
    """
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        reason = " ".join(str(error.orig).split())
        raise UnreachableError(
            f"the catalog's database cannot be used: {shown(reason, longest=_LONGEST)}",
            hint="check that it runs, that this host reaches it, and [cloud9_archive] catalog_url or data_root",
        ) from error
