"""What ``cloud9-archive search`` does; apart from the command, because it imports the catalog."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cloud9_archive.catalog.searching import FoundCall, FoundRecording, search_calls
from cloud9_archive.cli.catalog_work import catalog_at, deployments_catalog, require_catalog_at
from cloud9_archive.cli.ending import ExitCode
from cloud9_archive.domain.accounting import CallState, MediaState
from cloud9_archive.domain.call import Side, utc_text
from cloud9_archive.domain.call_selection import CallSelection
from cloud9_archive.domain.run import CallRef
from cloud9_archive.domain.words import shown
from cloud9_archive.pipeline.bag_documents import BagPaths
from cloud9_archive.pipeline.export_index import end_of

_WIDE = 10_000
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class SearchOrder:
    """
    What is looked for.

    :param limit: of calls that are shown
    :param catalog: SQLAlchemy URL; None: the deployment's
    """

    selection: CallSelection
    policy: str | None
    limit: int
    catalog: str | None
    as_json: bool


def carry_out(order: SearchOrder) -> ExitCode:
    """
    What was found stands on stdout.

    :raises CatalogError: if there is no catalog
    """
    address = order.catalog or deployments_catalog()
    require_catalog_at(address)
    with catalog_at(address) as catalog:
        found = list(islice(search_calls(catalog, order.selection, policy=order.policy), order.limit + 1))
    more, found = len(found) > order.limit, found[: order.limit]
    if order.as_json:
        for each in found:
            typer.echo(json.dumps(document_of(each), ensure_ascii=False))
    elif found:
        print_found(found)
    if more:
        typer.echo(f"there are more than {order.limit}: narrow the search, or raise --limit", err=True)
    if not found:
        typer.echo("no call was found", err=True)
    return ExitCode.OK if found else ExitCode.FINDING


def document_of(found: FoundCall) -> dict[str, Any]:
    """The call as plain JSON values."""
    call = found.call
    paths = BagPaths(found.encrypted)
    return {
        "policy": found.policy,
        "source": call.source,
        "call_id": call.call_id,
        "started_at": utc_text(call.started_at),
        "ended_at": utc_text(call.ended_at),
        "duration": call.duration,
        "direction": call.direction.value,
        "call_type": call.call_type.value,
        "button_label": call.button_label,
        "near_end": end_of(call, Side.NEAR),
        "far_end": end_of(call, Side.FAR),
        "users": list(found.users),
        "state": found.state or "listed",
        "rule": found.rule,
        "document": None
        if found.prefix is None or found.state == CallState.DISPOSED
        else f"{found.prefix}/{paths.call(CallRef(call.source, call.call_id))}",
        "recordings": [
            {"recording_id": each.ref.recording_id, "state": each.state or "not_wanted", "original": key_of(each)}
            for each in found.recordings
        ],
    }


def key_of(recording: FoundRecording) -> str | None:
    """The key of the recording's original in the archive; None if there is none."""
    if recording.prefix is None or not recording.has_original or recording.state == MediaState.DISPOSED:
        return None
    return f"{recording.prefix}/{BagPaths(recording.encrypted).original_of(recording.ref, recording.container)}"


def print_found(found: Sequence[FoundCall], *, console: Console | None = None) -> None:
    """The calls stand on the console as a table."""
    console = console or Console()
    if not console.is_terminal:
        console.width = _WIDE  # whoever reads a file or a pipe wants whole lines
    table = Table(
        "started", "policy", "call", "near end", "far end", "state", "recordings", "archived in", box=box.SIMPLE
    )
    for each in found:
        call = each.call
        recordings = ", ".join(f"{one.ref.recording_id}={one.state or 'not_wanted'}" for one in each.recordings)
        words = (
            utc_text(call.started_at) or "",
            each.policy or "",
            f"{call.source}/{call.call_id}",
            end_of(call, Side.NEAR),
            end_of(call, Side.FAR),
            each.state or "listed",
            recordings,
            each.prefix or "",
        )
        table.add_row(*(Text(shown(text, longest=_LONGEST) if text else "") for text in words))
    console.print(table)
