"""What a run came to, as a table of plain text for logs and XCom."""

from __future__ import annotations

from dataclasses import asdict

from cloud9_archive.pipeline.run import FiledSum


def run_table(filed: FiledSum) -> str:
    """Both sums, findings by code, the report's page and the chain's head: a line each, counts and keys only."""
    calls, recordings = asdict(filed.calls), dict(filed.recordings)
    rows = [
        ("calls", _sum("listed", calls)),
        ("recordings", _sum("wanted", recordings)),
        ("findings", ", ".join(f"{code} {count}" for code, count in filed.findings.items()) or "none"),
        ("report", filed.page),
        ("chain head", filed.chain_head),
    ]
    return "\n".join(f"{name:<11} {words}" for name, words in rows)


def _sum(whole: str, counts: dict[str, int]) -> str:
    parts = " + ".join(f"{name} {count}" for name, count in counts.items() if name != whole)
    return f"{whole} {counts[whole]} = {parts}"
