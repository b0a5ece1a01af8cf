"""Reports as pages to read: one file without scripts, whose texts act as nothing but text."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cloud9_archive.domain.words import shortened

PAGES = Path(__file__).with_name("pages")
LONGEST_TEXT = 400
"""Characters of a text from outside; its JSON and CSV files have it whole."""


def rendered(template: str, **view: Any) -> bytes:  # noqa: ANN401 - whatever the template shows
    """
    The page, in UTF-8; the same for equal arguments.

    :param template: name of a file in ``pages``
    :param view: what it shows
    """
    return (_environment().get_template(template).render(**view).rstrip("\n") + "\n").encode()


def plain(value: object) -> object:
    """
    A text as characters that only show: one that would act, hide or turn the line around stands as its number.

    Markup is left alone, and so is what is no text.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    short = shortened(value, longest=LONGEST_TEXT)
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in short)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (PAGES / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment.globals.update(style=Markup(style), style_digest=digest)  # noqa: S704 - a file of this package
    environment.filters["count"] = _count
    return environment


def _count(number: int) -> Markup:
    """The number in groups of three digits, with thin spaces."""
    return Markup(f"{number:,}".replace(",", "&#8239;"))  # noqa: S704 - digits
