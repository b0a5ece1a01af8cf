"""The files of run reports, checked against the chain; encrypted ones are opened for whoever verifies with a private key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from cloud9_archive.domain.bag import ARCHIVE_FORMAT
from cloud9_archive.domain.keys import path_segment
from cloud9_archive.pipeline.bag_documents import ENCRYPTED_ENDING
from cloud9_archive.pipeline.verify_bag import Checker
from cloud9_archive.pipeline.verify_codes import Code
from cloud9_archive.pipeline.verify_encrypted import Opened, open_file
from cloud9_archive.storage.store import READ_LIMIT

_AUDIT, _JSON = f".audit.csv{ENCRYPTED_ENDING}", f".json{ENCRYPTED_ENDING}"


@dataclass
class RunReports:
    """
    Checks the files of reports, in any order.

    :param audits: digest of what an encrypted audit file holds, by what its name begins with, until its report is read
    :param told: what an encrypted report says of it, with the report's key, until its audit file is read
    """

    checker: Checker
    audits: dict[str, str] = field(default_factory=dict)
    told: dict[str, tuple[str, object]] = field(default_factory=dict)

    def check(self, key: str, expected: str | None) -> None:
        """
        The file is what the chain vouches for; with a key, it opens, is of this format, and goes with the one beside it.

        :param expected: its digest; None: nothing vouches for it, which is a finding already
        """
        measured = self.checker.digest(key)
        if measured and expected and measured[0] != expected:
            words = f"its digest is {measured[0]}, the chain vouches for {expected}"
            self.checker.found(Code.CHAIN_MEMBER_ALTERED, key, words)
        if measured is None or not key.endswith(ENCRYPTED_ENDING):
            return
        if self.checker.opener is None:
            self.checker.unopened += 1
            return
        opened = open_file(self.checker, self.checker.opener, key, whole=key.endswith(_JSON))
        if opened is not None:
            self._look_into(key, opened)

    def _look_into(self, key: str, opened: Opened) -> None:
        if key.endswith(_AUDIT):
            name = key.removesuffix(_AUDIT)
            self.audits[name] = opened.sha256
        elif key.endswith(_JSON) and opened.size <= READ_LIMIT:
            name = key.removesuffix(_JSON)
            self.told[name] = (key, self._audit_of(key, opened.content or b""))
        else:
            return
        if name in self.audits and name in self.told:
            self._compare(self.audits.pop(name), *self.told.pop(name))

    def _audit_of(self, key: str, content: bytes) -> object:
        """What the report says of its audit file, or None with a finding if it is no report of this policy."""
        try:
            report = json.loads(content)
            known = report["format"] == ARCHIVE_FORMAT and path_segment(report["policy"]) == key.partition("/")[0]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            known = False
        if not known:
            self.checker.found(Code.DOCUMENT_CONTRADICTED, key, "what it holds is no report of this format and policy")
            return None
        return report.get("audit_sha256")  # the first releases had none

    def _compare(self, audit: str, key: str, told: object) -> None:
        if told is not None and told != audit:
            words = f"it says that its audit file has the digest {told} when it is opened, and it is {audit}"
            self.checker.found(Code.DOCUMENT_CONTRADICTED, key, words)
