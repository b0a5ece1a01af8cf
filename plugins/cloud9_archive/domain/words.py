"""How untrusted text is shown in messages: on one line, bounded, and without characters that act."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

LONGEST_SHOWN = 80
MOST_NAMED = 5
_LONGEST_COMPARED = 60


def shown(text: str, *, longest: int = LONGEST_SHOWN) -> str:
    """
    The text on one line, as a bounded length of printable characters.

    :param longest: characters
    """
    if len(text) > longest:
        text = shortened(text, longest=longest)
    return text if text.isprintable() and text.strip() == text else repr(text)


def shortened(text: str, *, longest: int = LONGEST_SHOWN) -> str:
    """
    The text, or its beginning with an ellipsis; whatever characters it has.

    :param longest: characters, the ellipsis included
    """
    return text if len(text) <= longest else text[: longest - 1] + "…"


def named(words: Sequence[str], *, last: str = "or") -> str:
    """
    The words as people list them, ``a, b or c``; of more than five the first five and how many more there are.

    :param last: the word before the last one
    """
    more = len(words) - MOST_NAMED
    listed = [*words[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    if len(listed) <= 1:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} {last} {listed[-1]}"


def nearest(word: str, known: Iterable[str]) -> str:
    """A question after the nearest known word, with a blank before it; empty if none is near."""
    close = difflib.get_close_matches(word[:_LONGEST_COMPARED], list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""
