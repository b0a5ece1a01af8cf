"""What the demo prints and writes at its end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cloud9_archive.demo.expectation import OUTCOMES
from cloud9_archive.demo.outcome import RunRow, bags_of
from cloud9_archive.demo.servers import Place

MOST_PROBLEMS = 20
TITLE = "What became of the calls, as the archive says and Cloud9 confirms"


def print_result(
    console: Console, place: Place, rows: Sequence[RunRow], problems: Sequence[str], *, seconds: float
) -> None:
    """The table, the problems if there are any, and the last line; the same figures in ``summary.json``."""
    console.print(_table(rows))
    for problem in problems[:MOST_PROBLEMS]:
        console.print(f"[red]problem:[/] {problem}", highlight=False, soft_wrap=True)
    if len(problems) > MOST_PROBLEMS:
        console.print(f"[red]and {len(problems) - MOST_PROBLEMS} more problems[/]")
    totals = {outcome: sum(row.counts[outcome] for row in rows) for outcome in OUTCOMES}
    summary = {
        "listed": sum(row.listed for row in rows),
        "archived": totals["archived"],
        "excluded": totals["excluded"],
        "awaiting": totals["awaiting_media"],
        "quarantined": totals["quarantined"],
        "missing": totals["missing"],
        "verified": "failed" if problems else "ok",
        "archive": _shortest(place.archive),
    }
    details = {
        "bags": len(list(bags_of(place.archive))),
        "seconds": round(seconds, 1),
        "runs": [
            {
                "policy": row.policy,
                "window": row.label,
                "listed": row.listed,
                **row.counts,
                "excluded_by_rule": dict(row.excluded_by_rule),
            }
            for row in rows
        ],
        "problems": list(problems),
    }
    (place.root / "summary.json").write_text(json.dumps({**summary, **details}, indent=1) + "\n", encoding="utf-8")
    console.print(
        f"{details['bags']} bags, each accepted by sha256sum and bagit; {seconds:.0f} s in all", highlight=False
    )
    line = " ".join(f"{name}={value}" for name, value in summary.items())
    console.print(f"demo: {line}", highlight=False, soft_wrap=True)


def print_where_next(console: Console, place: Place) -> None:
    """Three things to do with what the demo left behind."""
    bag = next(bags_of(place.archive), None)
    console.print("\n[bold]Where to look next[/]")
    if bag is not None:
        console.print(f"  (cd {_shortest(bag)} && sha256sum -c manifest-sha256.txt)", highlight=False, soft_wrap=True)
    console.print(f"  .venv/bin/cloud9-archive verify {_shortest(place.archive)}", highlight=False, soft_wrap=True)
    console.print("  make up      the same, with Airflow's page left running")


def _table(rows: Sequence[RunRow]) -> Table:
    table = Table(title=TITLE, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("calls from (UTC)", no_wrap=True)
    for name in ("listed", "archived", "exclu-\nded", "await-\ning", "quaran-\ntined", "missing"):
        table.add_column(name, justify="right", no_wrap=True)
    for policy, group in groupby(rows, key=lambda row: row.policy):
        table.add_row(f"[bold]{policy}[/]")
        for row in group:
            counts = [str(row.counts[outcome]) for outcome in OUTCOMES]
            table.add_row(f" {row.label}", str(row.listed), *counts)
            for rule, count in sorted(row.excluded_by_rule.items()):
                table.add_row(f"   [dim]{rule}[/]", "", "", f"[dim]{count}[/]")
    sums = [str(sum(row.counts[outcome] for row in rows)) for outcome in OUTCOMES]
    table.add_section()
    table.add_row("[bold]all[/]", str(sum(row.listed for row in rows)), *sums)
    return table


def _shortest(path: Path) -> str:
    """The path below the current folder if it lies there, else as it is."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
