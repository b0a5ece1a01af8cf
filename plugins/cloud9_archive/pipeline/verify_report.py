"""What verify can find, by code, and the report that it makes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """A fault fails the verification; a notice does not."""

    FAULT = "fault"
    NOTICE = "notice"


class Code(StrEnum):
    """Stable codes of verify's findings; each is its own name."""

    ARCHIVE_EMPTY = "ARCHIVE_EMPTY"
    POLICY_UNKNOWN = "POLICY_UNKNOWN"
    README_MISSING = "README_MISSING"
    README_ALTERED = "README_ALTERED"
    FILE_MISSING = "FILE_MISSING"
    FILE_ALTERED = "FILE_ALTERED"
    FILE_UNREADABLE = "FILE_UNREADABLE"
    FILE_EXTRA = "FILE_EXTRA"
    FILE_MISPLACED = "FILE_MISPLACED"
    FILE_OVERWRITTEN = "FILE_OVERWRITTEN"
    FILE_DELETED = "FILE_DELETED"
    FILE_WRITTEN_TWICE = "FILE_WRITTEN_TWICE"
    BAG_MALFORMED = "BAG_MALFORMED"
    RECORD_CONTRADICTED = "RECORD_CONTRADICTED"
    FILE_NOT_OPENED = "FILE_NOT_OPENED"
    DOCUMENT_CONTRADICTED = "DOCUMENT_CONTRADICTED"
    BAG_UNSEALED = "BAG_UNSEALED"
    BAG_NOT_CHAINED = "BAG_NOT_CHAINED"
    REPORT_NOT_CHAINED = "REPORT_NOT_CHAINED"
    CUSTODY_NOT_CHAINED = "CUSTODY_NOT_CHAINED"
    CUSTODY_REFUSED = "CUSTODY_REFUSED"
    TOMBSTONE_WRONG = "TOMBSTONE_WRONG"
    FILE_NOT_REMOVED = "FILE_NOT_REMOVED"
    CHAIN_GAP = "CHAIN_GAP"
    CHAIN_LINK_REFUSED = "CHAIN_LINK_REFUSED"
    CHAIN_ROOT_WRONG = "CHAIN_ROOT_WRONG"
    CHAIN_BROKEN = "CHAIN_BROKEN"
    CHAIN_MEMBER_MISSING = "CHAIN_MEMBER_MISSING"
    CHAIN_MEMBER_ALTERED = "CHAIN_MEMBER_ALTERED"
    CHAIN_ROLLED_BACK = "CHAIN_ROLLED_BACK"
    CHAIN_UNSIGNED = "CHAIN_UNSIGNED"
    SIGNATURE_MISSING = "SIGNATURE_MISSING"
    SIGNATURE_WRONG = "SIGNATURE_WRONG"
    KEY_MISSING = "KEY_MISSING"
    KEY_ALTERED = "KEY_ALTERED"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    TIMESTAMP_MISSING = "TIMESTAMP_MISSING"
    TIMESTAMP_WRONG = "TIMESTAMP_WRONG"


@dataclass(frozen=True, slots=True)
class Meaning:
    """
    What a code says.

    :param subject: what the finding's subject names
    :param words: what was found
    :param action: what a person does next
    """

    severity: Severity
    subject: str
    words: str
    action: str


_RESTORE = "Restore it from a copy whose digest is the expected one; then find out who wrote to the archive."
_CHAIN = "Compare the chain with a copy and with head digests kept elsewhere; find out who wrote to the archive."

MEANINGS = {
    Code.ARCHIVE_EMPTY: Meaning(
        Severity.FAULT,
        "archive",
        "No policy has left anything.",
        "Check the URL; an archive that was emptied looks so.",
    ),
    Code.POLICY_UNKNOWN: Meaning(
        Severity.FAULT, "policy", "The policy asked for has left nothing.", "Check its name and the archive's URL."
    ),
    Code.README_MISSING: Meaning(
        Severity.FAULT, "file", "README.txt is not at the root.", "The next run of any policy writes it again."
    ),
    Code.README_ALTERED: Meaning(
        Severity.FAULT,
        "file",
        "README.txt is not the text of any release.",
        "Do not follow its instructions; move it away, and the next run writes it again.",
    ),
    Code.FILE_MISSING: Meaning(Severity.FAULT, "file", "A sealed bag lists a file that is not there.", _RESTORE),
    Code.FILE_ALTERED: Meaning(Severity.FAULT, "file", "A file's digest is not the one its bag lists.", _RESTORE),
    Code.FILE_UNREADABLE: Meaning(
        Severity.FAULT,
        "file",
        "A file could not be read, or is a link or device.",
        "Check the disk and the rights, then verify again.",
    ),
    Code.FILE_EXTRA: Meaning(
        Severity.FAULT,
        "file",
        "A file lies in a sealed bag that does not list it.",
        "Move it out of the archive; find out who put it there.",
    ),
    Code.FILE_MISPLACED: Meaning(
        Severity.FAULT,
        "file",
        "A file lies where the layout has no place for one.",
        "Move it out of the archive; find out who put it there.",
    ),
    Code.FILE_OVERWRITTEN: Meaning(
        Severity.FAULT,
        "file",
        "In the bucket, other bytes were put over a file; the first version, which was checked, is still there.",
        "Find out who wrote to the bucket; remove the newer version, after keeping a copy of it.",
    ),
    Code.FILE_DELETED: Meaning(
        Severity.FAULT,
        "file",
        "In the bucket, a delete marker stands over a file, or where one was; its version, if there is one, was checked.",
        "Find out who deleted it; remove the delete marker.",
    ),
    Code.FILE_WRITTEN_TWICE: Meaning(
        Severity.NOTICE,
        "file",
        "In the bucket, the same bytes were put over a file.",
        "None: a put that was cut off or ran twice leaves this where the server may not remove versions.",
    ),
    Code.BAG_MALFORMED: Meaning(
        Severity.FAULT, "bag", "A tag file of a sealed bag does not say what this format wants.", _RESTORE
    ),
    Code.RECORD_CONTRADICTED: Meaning(
        Severity.FAULT,
        "file",
        "A record.json does not name just the files that lie beside it, by their digests.",
        "Compare it with a copy; if the bag was sealed so, report it.",
    ),
    Code.FILE_NOT_OPENED: Meaning(
        Severity.FAULT,
        "file",
        "An encrypted file does not open with any of the private keys given, or is not the file that was encrypted.",
        "Give the key of one of its recipients, older ones too; if that is given, compare it with a copy.",
    ),
    Code.DOCUMENT_CONTRADICTED: Meaning(
        Severity.FAULT,
        "file",
        "Found by `catalog rebuild` and `export`: a document says otherwise than its name, its bag, another document or this format.",
        "What it says was not taken over. Compare it with a copy; if the bag was sealed so, report it.",
    ),
    Code.BAG_UNSEALED: Meaning(
        Severity.NOTICE,
        "bag",
        "A bag has no seal: a run is writing it, or was cut off.",
        "Clear the archive task of its batch if no run is in progress.",
    ),
    Code.BAG_NOT_CHAINED: Meaning(
        Severity.FAULT,
        "bag",
        "A sealed bag is in no link of its policy's chain.",
        "Clear the run's reconcile task if it did not finish; a run in progress clears this by itself.",
    ),
    Code.REPORT_NOT_CHAINED: Meaning(
        Severity.FAULT,
        "file",
        "A report of a run or day is in no link of its policy's chain.",
        "Clear the run's reconcile task if it did not finish, or draw the day's report up again; a run in progress clears this by itself.",
    ),
    Code.CUSTODY_NOT_CHAINED: Meaning(
        Severity.FAULT,
        "file",
        "A hold, release, extension or tombstone is in no link of its policy's chain, and does not count.",
        "Give the command that wrote it again if it was cut off; else find out who put it there.",
    ),
    Code.CUSTODY_REFUSED: Meaning(
        Severity.FAULT,
        "file",
        "A document of custody is not what this format wants, or does not go with the others.",
        "Compare it with a copy; find out who wrote to the archive.",
    ),
    Code.TOMBSTONE_WRONG: Meaning(
        Severity.FAULT,
        "file",
        "A tombstone lists a file that its bag does not list so.",
        "Compare tombstone and bag with a copy; find out who wrote to the archive.",
    ),
    Code.FILE_NOT_REMOVED: Meaning(
        Severity.NOTICE,
        "file",
        "A tombstone lists a file that is still there: a disposal was cut off, or a lock keeps the file.",
        "Dispose of the policy's expired records again; what a lock keeps goes when it ends.",
    ),
    Code.CHAIN_GAP: Meaning(Severity.FAULT, "link", "Numbers of the chain are missing.", _CHAIN),
    Code.CHAIN_LINK_REFUSED: Meaning(Severity.FAULT, "link", "A link is not the text that this format wants.", _CHAIN),
    Code.CHAIN_ROOT_WRONG: Meaning(Severity.FAULT, "link", "A link's Merkle root is not that of its members.", _CHAIN),
    Code.CHAIN_BROKEN: Meaning(
        Severity.FAULT, "link", "A link does not follow on the one before it, or stands under another's name.", _CHAIN
    ),
    Code.CHAIN_MEMBER_MISSING: Meaning(
        Severity.FAULT, "file", "A link vouches for a seal or report that is not there.", _RESTORE
    ),
    Code.CHAIN_MEMBER_ALTERED: Meaning(
        Severity.FAULT, "file", "A seal or report does not have the digest that a link vouches for.", _RESTORE
    ),
    Code.CHAIN_ROLLED_BACK: Meaning(
        Severity.FAULT, "head", "No link has the head digest that was kept elsewhere: newer links are gone.", _CHAIN
    ),
    Code.CHAIN_UNSIGNED: Meaning(
        Severity.FAULT,
        "link",
        "A link is not signed though links before it are, or none of a chain is though a public key was given.",
        _CHAIN,
    ),
    Code.SIGNATURE_MISSING: Meaning(
        Severity.FAULT,
        "link",
        "A link names a key, and its signature is not beside it.",
        "Clear the reconcile task of its run, which signs it again, with the key that it names; a run in progress does so by itself.",
    ),
    Code.SIGNATURE_WRONG: Meaning(
        Severity.FAULT, "file", "A signature is not that of the link beside it by the key that it names.", _CHAIN
    ),
    Code.KEY_MISSING: Meaning(
        Severity.FAULT,
        "file",
        "Links are signed with a key that does not lie in the archive.",
        "Put the public key back from a copy kept elsewhere; the next run that signs with it does so too.",
    ),
    Code.KEY_ALTERED: Meaning(
        Severity.FAULT,
        "file",
        "A public key of the archive is not the one that its name says.",
        "Put the public key back from a copy kept elsewhere; then find out who wrote to the archive.",
    ),
    Code.KEY_UNKNOWN: Meaning(
        Severity.FAULT,
        "file",
        "Links are signed with a key that is none of those given.",
        "Give the public keys of all signing keys there ever were; if this is none of them, somebody else wrote the links.",
    ),
    Code.TIMESTAMP_MISSING: Meaning(
        Severity.FAULT,
        "link",
        "A time stamp is promised and is not beside the link, or none of a chain has one though an authority was given.",
        "Each run asks again for those that it could not have; if an older one is missing, compare with a copy.",
    ),
    Code.TIMESTAMP_WRONG: Meaning(
        Severity.FAULT,
        "file",
        "It is no time stamp on the link beside it, or not by an authority below the certificates given.",
        "Check that the certificates are the authority's; then compare with a copy, and find out who wrote to the archive.",
    ),
}


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


def findings_table() -> str:
    """The codes as a Markdown table, for the docs."""
    rows = ["| code | severity | names the | found | do |", "|---|---|---|---|---|"]
    rows += [
        f"| `{c.value}` | {m.severity.value} | {m.subject} | {m.words} | {m.action} |" for c, m in MEANINGS.items()
    ]
    return "\n".join(rows) + "\n"
