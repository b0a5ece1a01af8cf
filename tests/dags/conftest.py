"""The example DAGs, read as Airflow's DAG processor reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from cloud9_archive.dag import build_dag


@pytest.fixture
def bag(settings_only: Path, repository: Path) -> DagBag:
    del settings_only
    return DagBag(repository / "dags")


@pytest.fixture
def dag_of(settings_only: Path) -> Callable[[str], DAG]:
    """Builds the DAG of a policy made of the smallest one and some more lines."""

    def build(more: str = "") -> DAG:
        text = (settings_only / "policies" / "americas_credit.yaml").read_text(encoding="utf-8")
        text = text.replace("policy: americas_credit", "policy: trial")
        for key in ("sources", "schedule"):
            if f"{key}:" in more:
                text = "\n".join(_without(text.splitlines(), key))
        (settings_only / "policies" / "trial.yaml").write_text(f"{text}\n{more}\n", encoding="utf-8")
        return build_dag("trial")

    return build


def _without(lines: list[str], key: str) -> list[str]:
    kept: list[str] = []
    dropping = False
    for line in lines:
        if line.startswith(f"{key}:"):
            dropping = True
        elif line[:1].strip():
            dropping = False
        if not dropping:
            kept.append(line)
    return kept
