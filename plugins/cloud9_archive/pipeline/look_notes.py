"""What a part of the daily look saw, and of which findings its silence means something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cloud9_archive.catalog.findings import OpenFinding, note_findings, open_findings
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.run import RunRef
from cloud9_archive.pipeline.workspace import Workspace


@dataclass
class Notes:
    """
    Findings, and what was examined.

    :param examined: by code, the subjects of which an open finding heals unless it was seen again
    """

    findings: list[Finding] = field(default_factory=list)
    examined: dict[str, set[str]] = field(default_factory=dict)

    def saw(self, code: str, subject: str, words: str) -> None:
        """This was found."""
        self.findings.append(Finding(code, subject, words))

    def looked_at(self, code: str, subjects: Iterable[str]) -> None:
        """These were looked at for findings of this code."""
        self.examined.setdefault(code, set()).update(subjects)

    def add(self, other: Notes) -> None:
        """What another part noted is noted here too."""
        self.findings.extend(other.findings)
        for code, subjects in other.examined.items():
            self.looked_at(code, subjects)

    def put_down(self, workspace: Workspace, run: RunRef) -> None:
        """What was seen is open in the catalog; what was examined and not seen is healed."""
        by_code: dict[str, list[Finding]] = {}
        for finding in self.findings:
            by_code.setdefault(finding.code, []).append(finding)
        for code in sorted(by_code.keys() | self.examined.keys()):
            note_findings(
                workspace.catalog,
                run,
                by_code.get(code, []),
                examined=self.examined.get(code, set()),
                now=workspace.clock(),
                codes={code},
            )


def open_of(workspace: Workspace, codes: Sequence[str]) -> list[OpenFinding]:
    """The policy's open findings of these codes."""
    found = open_findings(workspace.catalog, workspace.policy.policy)
    return [each for each in found if each.finding.code in codes]
