"""The tables of the documentation that are made from code; ``make docs`` writes them, a test compares them."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cloud9_archive import errors
from cloud9_archive.api.wire_reference import wire_key_table
from cloud9_archive.catalog.tables import metadata
from cloud9_archive.domain.accounting import MEDIA_MOVES
from cloud9_archive.domain.findings import findings_table
from cloud9_archive.errors import Cloud9ArchiveError, ConfigurationError, RecordError, TransientError
from cloud9_archive.get_provider_info import get_provider_info

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)

FAMILIES = {
    TransientError: "transient: tried again",
    ConfigurationError: "configuration: a person acts first",
    RecordError: "record: quarantined, the rest goes on",
}

ONE_ROW = {
    "calls": "a call as a source last listed it",
    "recordings": "a recording that a call named",
    "call_recordings": "the tie between a call and a recording",
    "policies": "a version of a policy that a run used",
    "decisions": "a decision on a call; never changed",
    "policy_calls": "a call under a policy: where it stands",
    "media": "a wanted recording under a policy: where it stands",
    "runs": "a run and its newest report",
    "listings": "a source that a run listed to its end",
    "run_calls": "a call that a run listed",
    "run_stragglers": "a call of an earlier window that a scheduled run took up",
    "batches": "a batch, its holder and its lease",
    "bags": "a sealed bag",
    "chain": "a link of a chain that this catalog wrote or read",
    "findings": "a finding, open or healed",
    "events": "a change: who, what, when, before, after; never changed",
}


def errors_table() -> str:
    """Every error with its code, its family and the first line of its docstring, in the order of the tree."""
    rows = ["| code | family | meaning | class |", "|---|---|---|---|"]
    for kind in vars(errors).values():
        if not isinstance(kind, type) or not issubclass(kind, Cloud9ArchiveError) or kind is Cloud9ArchiveError:
            continue
        family = next(words for base, words in FAMILIES.items() if issubclass(kind, base))
        meaning = (kind.__doc__ or "").strip().splitlines()[0].rstrip(".")
        rows.append(f"| `{kind.code}` | {family} | {meaning}. | `{kind.__name__}` |")
    return "\n".join(rows)


def settings_table() -> str:
    """The options of the section ``[cloud9_archive]``."""
    rows = ["| option | default | meaning | environment variable |", "|---|---|---|---|"]
    for section, content in get_provider_info()["config"].items():
        for name, option in content["options"].items():
            default = f"`{option['default']}`" if option["default"] else "–"
            variable = f"`AIRFLOW__{section.upper()}__{name.upper()}`"
            rows.append(f"| `{name}` | {default} | {option['description']} | {variable} |")
    return "\n".join(rows)


def catalog_table() -> str:
    """The catalog's tables: what one row is, its key, and the columns that need explaining."""
    rows = ["| table | one row is | key | further columns |", "|---|---|---|---|"]
    for table in metadata.tables.values():
        key = ", ".join(f"`{column.name}`" for column in table.primary_key.columns)
        others = (column for column in table.columns if not column.primary_key)
        told = "; ".join(f"`{column.name}`" + (f" ({column.comment})" if column.comment else "") for column in others)
        rows.append(f"| `{table.name}` | {ONE_ROW[table.name]} | {key} | {told or '–'} |")
    return "\n".join(rows)


def moves_table() -> str:
    """The changes of a recording's state that the catalog lets happen."""
    rows = ["| from | to |", "|---|---|"]
    for state, reachable in MEDIA_MOVES.items():
        rows.append(f"| `{state}` | {', '.join(f'`{each}`' for each in sorted(reachable)) or 'nothing: it is final'} |")
    return "\n".join(rows)


def layers_block() -> str:
    """The layers as import-linter checks them, the top first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return "\n".join(["```text", *(layer.replace("cloud9_archive.", "") for layer in layers), "```"])


GENERATED: Mapping[str, Callable[[], str]] = {
    "findings": findings_table,
    "errors": errors_table,
    "settings": settings_table,
    "catalog": catalog_table,
    "moves": moves_table,
    "layers": layers_block,
    "wire-keys": wire_key_table,
}


def renewed(text: str) -> str:
    """The page with every generated block made anew."""
    return BLOCK.sub(lambda block: f"{block[1]}{GENERATED[block[2]]()}\n{block[3]}", text)


def pages() -> Iterator[Path]:
    """Every Markdown page of the repository."""
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted((ROOT / "docs").glob("*.md"))


def main() -> int:
    """Every page is up to date; the changed ones are named."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if (fresh := renewed(text)) != text:
            page.write_text(fresh, encoding="utf-8")
            sys.stdout.write(f"wrote {page.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
