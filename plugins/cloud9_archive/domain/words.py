"""How untrusted text is shown in messages: on one line, bounded, and without characters that act."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_SHOWN = 80
MOST_NAMED = 5


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
