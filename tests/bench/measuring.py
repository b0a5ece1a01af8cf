"""Runs the benchmarks of ``tests/benchmarks``: one table of ratios, and a JSON file each in ``var/bench``."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "benchmarks"
VERSIONS = ("airflow-provider-cloud9-archive", "apache-airflow", "requests", "sqlalchemy", "av")


@dataclass(frozen=True, slots=True)
class Figure:
    """
    Something measured, beside what it is to be compared with.

    :param what: what was measured
    :param measured: how much it was
    :param reference: how much it is compared with, in the same unit
    :param goal: the ratio that it should have at least; none if there is no goal
    :param notes: further figures by their names
    """

    what: str
    measured: float
    reference: float
    unit: str
    goal: float | None = None
    notes: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """How the one relates to the other."""
        return self.measured / self.reference

    @property
    def reached(self) -> bool:
        """Whether the goal is reached, if there is one."""
        return self.goal is None or self.ratio >= self.goal

    def document(self) -> dict[str, object]:
        """The figure for the JSON file."""
        return {
            "what": self.what,
            "measured": self.measured,
            "reference": self.reference,
            "unit": self.unit,
            "ratio": round(self.ratio, 4),
            "goal": self.goal,
            "reached": self.reached,
            "notes": dict(self.notes),
        }


def names() -> list[str]:
    """Every benchmark: the modules in ``tests/benchmarks`` that are no tests."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("test_"))


def load(name: str) -> ModuleType:
    """A benchmark's module; it has a ``measure()`` that yields figures, and its first line says of what."""
    spec = spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def show(name: str, title: str, figures: Iterable[Figure], console: Console) -> None:
    """The figures stand in a table, ratios side by side."""
    table = Table(title=f"{name}: {title}", title_justify="left")
    for heading in ("", "measured", "of", "ratio", "goal"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_column("")
    for figure in figures:
        goal = "–" if figure.goal is None else f"{figure.goal:.0%}{'' if figure.reached else ' missed'}"
        notes = ", ".join(f"{key} {value}" for key, value in figure.notes.items())
        of = f"{figure.reference:g} {figure.unit}"
        table.add_row(figure.what, f"{figure.measured:g}", of, f"{figure.ratio:.1%}", goal, notes)
    console.print(table)


def keep(name: str, title: str, figures: Iterable[Figure], *, folder: Path, began_at: datetime) -> Path:
    """The figures stand in a JSON file, with the machine and the versions that they were measured on."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "benchmark": name,
        "title": title,
        "began_at": began_at.isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "versions": {package: version(package) for package in VERSIONS},
        "figures": [figure.document() for figure in figures],
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def main(wanted: list[str], *, folder: Path = ROOT / "var" / "bench") -> int:
    """
    Every wanted benchmark was run, one after the other; all of them when none is named.

    :return: 0 if every goal is reached, else 1
    """
    known = names()
    if unknown := [name for name in wanted if name not in known]:
        sys.stderr.write(f"bench: there is no {', '.join(unknown)}; there are {', '.join(known)}\n")
        return 2
    reached = True
    for name in wanted or known:
        began_at = datetime.now(UTC)
        module = load(name)
        title, figures = (module.__doc__ or "").partition("\n")[0], list(module.measure())
        show(name, title, figures, Console(width=None if sys.stdout.isatty() else 140))
        keep(name, title, figures, folder=folder, began_at=began_at)
        reached = reached and all(figure.reached for figure in figures)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
