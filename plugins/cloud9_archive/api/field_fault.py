"""The one form in which a field of a connection is complained about."""

from __future__ import annotations

from cloud9_archive.errors import ConnectionFieldError


def field_fault(conn_id: str, name: str, found: str, *, hint: str | None = None) -> ConnectionFieldError:
    """The complaint about one field of a connection; ``found`` never holds a secret."""
    return ConnectionFieldError(
        f"connection {conn_id!r}, field {name}: {found}", subject=f"{conn_id}.{name}", hint=hint
    )
