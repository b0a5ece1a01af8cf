"""Who finds which tampering: what the tests expect, and the tables that docs/archive-format.md shows of it."""

from __future__ import annotations

from collections.abc import Mapping

from tampering import ACTS, KINDS

FINDERS = {"v": "verify", "s": "sha256sum", "b": "bagit", "o": "openssl"}
"""Letters of the tables; in brackets: some cases of that kind only."""

BY_KIND = {
    "README.txt": "v",
    "tag file": "vsb",
    "seal": "vs",
    "payload": "vsb",
    "report": "vs",
    "link": "vso",
    "signature": "vo",
    "time stamp": "vo",
    "public key": "vo",
}
"""As a rule."""

_UNLISTED, _LINKED = "an unlisted file put beside it", "replaced by a symbolic link to its bytes"
_ELSEWHERE, _OLDER = "swapped with one of another kind", "replaced by that of another run"

_EXCEPTIONS: Mapping[tuple[str, str], str] = {
    ("a bit flipped", "seal"): "vs(b)",
    ("a bit flipped", "public key"): "v(o)",
    ("cut short", "public key"): "v(o)",
    ("lengthened", "time stamp"): "v",
    ("lengthened", "public key"): "v",
    ("deleted", "link"): "vs",
    ("renamed, or its letter case changed", "link"): "vs",
    ("swapped with one of its kind", "README.txt"): "",
    ("swapped with one of its kind", "seal"): "vsb",
    ("swapped with one of its kind", "public key"): "",
    (_ELSEWHERE, "README.txt"): "vsb",
    (_ELSEWHERE, "seal"): "vsb",
    (_ELSEWHERE, "payload"): "vsb(o)",
    (_ELSEWHERE, "report"): "vs(b)(o)",
    (_ELSEWHERE, "time stamp"): "vso",
    (_OLDER, "README.txt"): "",
    (_OLDER, "seal"): "vsb",
    (_OLDER, "public key"): "",
    **{(_LINKED, kind): "vb" if kind in {"tag file", "payload"} else "v" for kind in KINDS},
    **{(_UNLISTED, kind): "vb" if kind == "payload" else "v" for kind in KINDS},
}

WHOLE: Mapping[str, str] = {
    "an unlisted file in a bag's payload": "vb",
    "an unlisted file in a bag beside its tag files": "v(b)",
    "an unlisted file among the bags": "v",
    "an unlisted file among the reports": "v",
    "an unlisted file in the chain": "v(s)(o)",
    "an unlisted file among the public keys": "v(o)",
    "an unlisted file in a policy's folder": "v",
    "an unlisted file at the root": "v(o)",
    "the first link removed, with signature and time stamp": "vs",
    "the newest link removed, with signature and time stamp": "vs",
    "the newest link removed, with its bag and report": "vs",
    "all links of a policy removed": "vs",
    "a policy removed": "vs",
    "a bag removed": "vs",
    "the signatures and time stamps of a policy removed": "vo",
    "a bag moved to another day": "vs",
    "a bag moved to another policy": "vs",
    "a bag's folder renamed": "vs",
    "a policy's folder changed in letter case": "vs",
    "a recording replaced, record.json and manifests made to fit": "vs",
    "the same, and the newest link made to fit": "vso",
    "the same, signed with another key": "vso",
    "a bag copied under another id": "v",
    "a chain copied to a policy that never was": "v",
    "a bag forged": "v",
    "a bag forged, and an unsigned link": "v",
    "a bag forged, and a link signed with another key": "vo",
    "a policy forged, signed with another key": "vo",
    "a bag's seal removed and its payload replaced": "vs",
}
"""What is done to more than one file, or adds some, and who finds it."""

NEEDS_A_HEAD = frozenset({"the newest link removed, with its bag and report", "a policy removed"})
"""What leaves nothing behind that could be compared, and is found by a head digest kept elsewhere alone."""

NEEDS_A_KEY = frozenset(
    {"a bag forged, and a link signed with another key", "a policy forged, signed with another key"}
)
"""What is consistent in itself, and is found by a public key kept elsewhere alone."""


def expected(what: str, kind: str) -> str:
    """Letters of those who find it; empty if there is no such case."""
    return WHOLE[what] if what in WHOLE else _EXCEPTIONS.get((what, kind), BY_KIND[kind])


def tampering_table() -> str:
    """Each kind of tampering with a single file, by the kind of file."""
    rows = [
        f"| | {' | '.join(f'`{kind}`' if '.' in kind else kind for kind in KINDS)} |",
        f"|---{'|---' * len(KINDS)}|",
    ]
    rows += [f"| {what} | {' | '.join(_cell(expected(what, kind)) for kind in KINDS)} |" for what in ACTS]
    return "\n".join(rows)


def forgery_table() -> str:
    """Each kind of tampering with more than one file."""
    rows = ["| | found by | it takes |", "|---|---|---|"]
    for what, letters in WHOLE.items():
        needs = [words for words, those in (("a head", NEEDS_A_HEAD), ("a public key", NEEDS_A_KEY)) if what in those]
        rows.append(f"| {what} | {_cell(letters)} | {f'{needs[0]} kept elsewhere' if needs else '–'} |")
    return "\n".join(rows)


def _cell(letters: str) -> str:
    spaced = letters.replace("(", " (").replace(")", ") ")
    return " ".join(part if part.startswith("(") else " ".join(part) for part in spaced.split()) or "–"
