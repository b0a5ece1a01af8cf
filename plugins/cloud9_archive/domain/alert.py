"""A message to the people who answer for a policy: codes and counts, never names of people or of calls."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cloud9_archive.domain.alerting import AlertKind
from cloud9_archive.domain.call import canonical_json, utc_text
from cloud9_archive.domain.findings import FINDING_KINDS, Severity
from cloud9_archive.domain.window import Window

ALERT_FORMAT: Final = "cloud9-archive alert 1"

_TITLES: Final[Mapping[AlertKind, str]] = {
    AlertKind.RUN_FAILED: "a run failed",
    AlertKind.RUN_LATE: "a run is late",
    AlertKind.FINDINGS: "new findings",
    AlertKind.TEST: "this is a test",
}
_ACTIONS: Final[Mapping[AlertKind, str]] = {
    AlertKind.RUN_FAILED: "Open the run, read the message of its reconcile task, mend what it names, and clear the tasks that failed.",
    AlertKind.RUN_LATE: "Open the run and see which task it stands at; look at the workers, the queue and the pool.",
    AlertKind.FINDINGS: "Open the report of the run.",
    AlertKind.TEST: "Nothing is to be done: alerts of this policy arrive.",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """
    One message.

    :param severity: the most urgent of what it tells
    :param run_id: the run that led to it; empty for a test
    :param window: of that run, where it is known
    :param codes: how many new findings of each code
    :param link: address of the run in Airflow's page, where it is known
    :param chain_head: digest of the newest chain link; kept elsewhere, it shows whether an archive was cut short
    :param repeats: how often the same was met since it was told last
    :param remark: one more sentence of our own; never text from a source
    """

    kind: AlertKind
    policy: str
    severity: Severity
    run_id: str = ""
    window: Window | None = None
    codes: Mapping[str, int] = field(default_factory=dict)
    link: str | None = None
    chain_head: str | None = None
    repeats: int = 0
    remark: str = ""

    @property
    def fingerprint(self) -> str:
        """Equal for messages that tell the same of the same policy, whatever run they come from."""
        return hashlib.sha256(canonical_json([self.kind.value, self.policy, sorted(self.codes)])).hexdigest()

    @property
    def title(self) -> str:
        """One line: severity, policy, what."""
        codes = ", ".join(f"{code} {count}" for code, count in sorted(self.codes.items()))
        return f"[{self.severity.value}] {self.policy}: {_TITLES[self.kind]}{f' – {codes}' if codes else ''}"

    @property
    def next_actions(self) -> tuple[str, ...]:
        """What to do, each once, as the table of findings says it."""
        found = [FINDING_KINDS[code].next_action for code in sorted(self.codes, key=list(FINDING_KINDS).index)]
        return tuple(dict.fromkeys(found)) or (_ACTIONS[self.kind],)

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What is known, as labelled values."""
        rows = [("policy", self.policy), ("severity", self.severity.value)]
        if self.run_id:
            rows.append(("run", self.run_id))
        if self.window:
            rows.append(("interval", f"{utc_text(self.window.start)} to {utc_text(self.window.end)}"))
        rows += [(code, f"{count}") for code, count in sorted(self.codes.items())]
        if self.repeats:
            rows.append(("met again since it was told", f"{self.repeats} times"))
        if self.remark:
            rows.append(("remark", self.remark))
        if self.link:
            rows.append(("open", self.link))
        if self.chain_head:
            rows.append(("chain head", self.chain_head))
        return tuple(rows)

    @property
    def text(self) -> str:
        """The whole message as plain text."""
        lines = [f"{label}: {value}" for label, value in self.facts]
        return "\n".join([*lines, "", "What to do:", *(f"- {action}" for action in self.next_actions)])

    @property
    def html(self) -> str:
        """The whole message as HTML."""

        def value_of(label: str, value: str) -> str:
            shown = html.escape(value)
            return f'<a href="{shown}">{shown}</a>' if label == "open" else shown

        rows = "".join(
            f"<tr><th align=left>{html.escape(label)}</th><td>{value_of(label, value)}</td></tr>"
            for label, value in self.facts
        )
        actions = "".join(f"<li>{html.escape(action)}</li>" for action in self.next_actions)
        return f"<h3>{html.escape(self.title)}</h3><table>{rows}</table><p>What to do:</p><ul>{actions}</ul>"

    def document(self) -> dict[str, Any]:
        """The message as plain JSON values, as a webhook gets it."""
        return {
            "format": ALERT_FORMAT,
            "kind": self.kind.value,
            "title": self.title,
            "policy": self.policy,
            "severity": self.severity.value,
            "run_id": self.run_id or None,
            "window_start": utc_text(self.window.start) if self.window else None,
            "window_end": utc_text(self.window.end) if self.window else None,
            "codes": dict(sorted(self.codes.items())),
            "repeats": self.repeats,
            "remark": self.remark or None,
            "link": self.link,
            "chain_head": self.chain_head,
            "next_actions": list(self.next_actions),
        }
