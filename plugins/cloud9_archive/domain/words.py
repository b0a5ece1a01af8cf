"""How untrusted text is shown in messages: on one line, bounded, and without characters that act."""

from __future__ import annotations

LONGEST_SHOWN = 80


def shown(text: str, *, longest: int = LONGEST_SHOWN) -> str:
    """
    The text on one line, as a bounded length of printable characters.

    :param longest: characters
    """
    cut = shortened(text, longest=longest)
    return cut if cut.isprintable() and cut.strip() == cut else repr(cut)


def shortened(text: str, *, longest: int = LONGEST_SHOWN) -> str:
    """
    The text, or its beginning with an ellipsis; whatever characters it has.

    :param longest: characters, the ellipsis included
    """
    return text if len(text) <= longest else text[: longest - 1] + "…"
