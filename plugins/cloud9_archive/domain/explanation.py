"""A decision as a tree in words: each participant and extension that was asked, each section and why it did or did not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from cloud9_archive.domain.call import Call, Party, utc_text
from cloud9_archive.domain.decision import Decision, Outcome, Rule
from cloud9_archive.domain.filters import Facts
from cloud9_archive.domain.reasons import KIND_WORDS, described, direction_words
from cloud9_archive.domain.roster import Extension, RecordingMode
from cloud9_archive.domain.rules import Hearing, Ruler, counts
from cloud9_archive.domain.section_index import ReadySection
from cloud9_archive.domain.words import shown

MOST_PARTIES = 50

_ABOUT_MODE = {
    RecordingMode.FULL: "asks for the call",
    RecordingMode.DO_NOT_RECORD: "does not ask for the call, and does not hinder others",
    RecordingMode.NEVER_RECORD: "is never to be recorded",
}


@dataclass(frozen=True, slots=True)
class ExplainedParty:
    """
    A participant and what the roster says of it.

    :param who: the participant, as a clause
    :param says: a clause for each extension that matches, or one that says why there is none
    """

    side: str
    who: str
    says: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainedFilter:
    """One filter: what it asks for, what the call has, and whether it fits."""

    name: str
    asks: str
    found: str
    fits: bool


@dataclass(frozen=True, slots=True)
class ExplainedSection:
    """
    A section and its filters.

    :param verdict: ``decides``, ``does not fit``, or ``not asked``
    """

    number: int
    name: str
    then: str
    verdict: str
    filters: tuple[ExplainedFilter, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    A call's decision, and how it came about.

    :param more_parties: participants beyond those that are told
    :param media_profile: the policy's, which holds where the decision names none
    """

    call: Call
    decision: Decision
    parties: tuple[ExplainedParty, ...]
    more_parties: int
    sections: tuple[ExplainedSection, ...]
    media_profile: str

    def lines(self) -> Iterator[str]:
        """The tree, one line after the other."""
        call, decision = self.call, self.decision
        yield (
            f"{shown(call.source)}/{shown(call.call_id)}, {utc_text(call.started_at)}, {call.call_type}, "
            f"{call.direction}: {decision.outcome} ({decision.rule})"
        )
        for party in self.parties:
            yield f"├─ {party.side} end: {party.who}"
            yield from (f"│  ├─ {words}" for words in party.says)
        if self.more_parties:
            yield f"├─ and {self.more_parties} participants more"
        for section in self.sections:
            yield f"├─ section {section.number}, {shown(section.name)}, would {section.then}: {section.verdict}"
            for each in section.filters:
                yield f"│  ├─ {'fits' if each.fits else 'does not fit'}: asks that {each.asks}; {each.found}"
        for entry in decision.recorded_for:
            kept = f", to be kept {entry.retention}" if entry.retention else ""
            kind = KIND_WORDS[entry.extension_type]
            yield f"├─ recorded for {shown(entry.user)}, {kind} {shown(entry.extension)}, {entry.side} end{kept}"
        if decision.retention:
            yield f"├─ the medium is to be kept {decision.retention}"
        if decision.profile:
            yield f"├─ the section asks for the profile {decision.profile}"
        elif decision.outcome is Outcome.RECORD:
            yield f"├─ the profile is the policy's, {self.media_profile}"
        yield f"└─ {decision.reason}"

    def document(self) -> dict[str, Any]:
        """The explanation as plain JSON values; the decision's own fields stand at the top."""
        return {
            "source": self.call.source,
            "call_id": self.call.call_id,
            **self.decision.document(),
            "parties": [asdict(each) for each in self.parties],
            "more_parties": self.more_parties,
            "sections": [asdict(each) for each in self.sections],
        }


def explained(call: Call, ruler: Ruler) -> Explanation:
    """How the ruler decides on the call, step by step."""
    decision, heard = ruler.decide(call), ruler.hear(call)
    told = heard.asked[:MOST_PARTIES] if ruler.roster else []
    return Explanation(
        call,
        decision,
        tuple(ExplainedParty(p.side.value, _who(p), tuple(_says(p, found, call, ruler))) for p, found in told),
        len(heard.asked) - len(told) if ruler.roster else 0,
        tuple(_sections(call, heard, decision, ruler)),
        ruler.media_profile,
    )


def _who(party: Party) -> str:
    known = [("login", party.login), ("number", party.number), ("name", party.display_name), ("firm", party.firm)]
    told = [f"{name} {shown(text)}" for name, text in known if text]
    return ", ".join(told) or "nothing is known of it"


def _says(party: Party, extensions: tuple[Extension, ...], call: Call, ruler: Ruler) -> Iterator[str]:
    for extension in extensions:
        words = described(extension)
        if counts(extension, party.side, call.direction):
            yield f"{words}: {_ABOUT_MODE[extension.mode]}"
        else:
            yield f"{words}: counts only for {direction_words(extension)} calls, so it says nothing of this one"
    if not extensions:
        yield from ruler.reasons.missed(party, call) or ["there is nothing to look up on the roster"]


def _sections(call: Call, heard: Hearing, decision: Decision, ruler: Ruler) -> Iterator[ExplainedSection]:
    facts = heard.facts(call)
    asked = decision.rule in (Rule.SECTION_EXCLUDES, Rule.SECTION_RECORDS, Rule.NO_SECTION_FITS)
    for ready in ruler.sections:
        fits = asked and ready.fits(facts)
        verdict = ("decides" if fits else "does not fit") if asked else "not asked"
        yield _section(ready, verdict, facts)
        asked = asked and not fits


def _section(ready: ReadySection, verdict: str, facts: Facts) -> ExplainedSection:
    filters = () if verdict == "not asked" else ready.filters
    told = tuple(ExplainedFilter(each.name, each.words, each.found(facts), each.holds(facts)) for each in filters)
    return ExplainedSection(ready.number, ready.section.name, ready.section.then, verdict, told)
