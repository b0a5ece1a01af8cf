"""What a rebuild of the catalog came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cloud9_archive.domain.accounting import CallState
from cloud9_archive.pipeline.verify_report import Head, VerifyFinding


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """
    What a rebuild came to.

    :param bags: sealed bags that were read
    :param calls: how many calls are in each state, over all policies
    :param heads: of the chains; to be compared with those kept elsewhere
    :param findings: what was not taken over, and why
    :param resumed: whether it went on where another was cut off
    """

    policies: tuple[str, ...]
    links: int
    bags: int
    reports: int
    calls: Mapping[CallState, int]
    heads: tuple[Head, ...]
    findings: tuple[VerifyFinding, ...]
    resumed: bool

    def document(self) -> dict[str, object]:
        """All of it as plain JSON values."""
        return {
            "policies": list(self.policies),
            "links": self.links,
            "bags": self.bags,
            "reports": self.reports,
            "calls": {state.value: count for state, count in sorted(self.calls.items())},
            "heads": [{"policy": h.policy, "number": h.number, "digest": h.digest} for h in self.heads],
            "findings": [{"code": f.code.value, "subject": f.subject, "words": f.words} for f in self.findings],
            "resumed": self.resumed,
        }
