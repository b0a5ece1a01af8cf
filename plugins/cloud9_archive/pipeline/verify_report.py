"""What a verification found, and the report that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cloud9_archive.pipeline.verify_codes import Code, Severity
from cloud9_archive.pipeline.verify_meanings import MEANINGS


@dataclass(frozen=True, slots=True)
class VerifyFinding:
    """
    One thing that is not as it must be.

    :param subject: key of the file, folder or link, or the name, that it concerns; printable
    """

    code: Code
    subject: str
    words: str

    @property
    def severity(self) -> Severity:
        """Of its code."""
        return MEANINGS[self.code].severity

    def line(self) -> str:
        """The finding on one line."""
        return f"{self.severity.value}: {self.code.value} {self.subject}: {self.words}"


@dataclass(frozen=True, slots=True)
class Head:
    """
    The newest link of a policy's chain.

    :param digest: SHA-256 of the link's bytes, hex
    """

    policy: str
    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """
    What was checked, and what was found.

    :param bags: sealed bags
    :param files: files whose digest was computed
    :param size: bytes of those files
    :param links: chain links
    :param unread: bags that were out of scope, and only compared with the chain by name
    :param disposed: files that are not there, as tombstones say
    :param unopened: encrypted files whose bytes were compared, and that no key was given for to look inside
    """

    bags: int
    files: int
    size: int
    links: int
    heads: tuple[Head, ...]
    findings: tuple[VerifyFinding, ...]
    unread: int = 0
    disposed: int = 0
    unopened: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing but notices was found."""
        return not any(finding.severity is Severity.FAULT for finding in self.findings)

    def summary(self) -> str:
        """The report on one line."""
        faults = sum(finding.severity is Severity.FAULT for finding in self.findings)
        heads = "".join(f" head={head.policy}:{head.number}:{head.digest}" for head in self.heads)
        unread = f" unread={self.unread}" if self.unread else ""
        disposed = f" disposed={self.disposed}" if self.disposed else ""
        unopened = f" unopened={self.unopened}" if self.unopened else ""
        return (
            f"verify: {'ok' if self.ok else 'failed'} bags={self.bags}{unread} files={self.files}{unopened}"
            f" bytes={self.size}{disposed}"
            f" links={self.links} faults={faults} notices={len(self.findings) - faults}{heads}"
        )

    def document(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "ok": self.ok,
            "bags": self.bags,
            "unread": self.unread,
            "disposed": self.disposed,
            "files": self.files,
            "unopened": self.unopened,
            "bytes": self.size,
            "links": self.links,
            "heads": [{"policy": h.policy, "number": h.number, "digest": h.digest} for h in self.heads],
            "findings": [
                {"code": f.code.value, "severity": f.severity.value, "subject": f.subject, "words": f.words}
                for f in self.findings
            ],
        }
