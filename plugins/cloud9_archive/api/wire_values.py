"""The smallest pieces of a wire format: expressions, zones, paths, moments, and the rule of one field."""

from __future__ import annotations

import difflib
import re
import typing
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

ISO_8601, EPOCH_SECONDS, EPOCH_MILLISECONDS = "iso8601", "epoch_seconds", "epoch_milliseconds"
NAMED_TIMES = (ISO_8601, EPOCH_SECONDS, EPOCH_MILLISECONDS)
READING_METHODS = ("GET", "POST")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PATH = re.compile(r"/[A-Za-z0-9._~/-]+")
_PROBED = datetime(2025, 3, 4, 15, 16, 17, tzinfo=UTC)
_STEPS = (timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))


class Part(BaseModel):
    """A piece of a wire format: fixed once read, and without a key that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _compiled(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        return jmespath.compile(text)
    except JMESPathError as error:
        raise ValueError(f"{text!r} is not a JMESPath expression") from error


def _zone(name: object) -> object:
    try:
        return ZoneInfo(name) if isinstance(name, str) else name
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone") from error


def _reading(method: object) -> object:
    if method not in READING_METHODS:
        raise ValueError(
            f"found {str(method)[:20]!r}: write GET or POST; the archive only reads, "
            "so a request that could change the source is never sent"
        )
    return method


def _moment_style(text: str) -> str:
    """One of the named styles, or a pattern that says at least which day it is."""
    if "%" not in text:
        if text in NAMED_TIMES:
            return text
        near = difflib.get_close_matches(text, NAMED_TIMES, n=1)
        wanted = f"did you mean {near[0]}?" if near else f"write {', '.join(NAMED_TIMES)} or a pattern of strftime"
        raise ValueError(f"{text!r} is no way to write a moment: {wanted}")
    try:
        again = datetime.strptime(_PROBED.strftime(text), text)  # noqa: DTZ007 - only its date is looked at
    except ValueError as error:
        raise ValueError(f"{text!r} cannot be read back: {error}") from error
    if again.date() != _PROBED.date():
        raise ValueError(f"{text!r} does not tell year, month and day")
    return text


def _path(text: str) -> str:
    if not _PATH.fullmatch(PLACEHOLDER.sub("x", text)):
        raise ValueError(
            f"{text[:80]!r} is not a path: write one that begins with a slash, without host, query or blanks"
        )
    return text


_PICKING = {"projection", "value_projection", "filter_projection", "flatten", "or_expression", "literal"}


def _kinds(node: Any) -> set[str]:  # noqa: ANN401 - jmespath's tree
    return {node["type"]}.union(*(_kinds(child) for child in node.get("children", ()) if isinstance(child, dict)))


def _whole_list(expression: ParsedResult) -> ParsedResult:
    if _kinds(expression.parsed) & _PICKING:
        raise ValueError(
            f"{expression.expression!r} picks from a list or has a fallback: name the list itself, because when a name in "
            "the condition changes, picking finds nothing, and nothing would be taken for nobody or no calls"
        )
    return expression


def _words(given: object) -> object:
    """Codes may be written as numbers; a bare yes, no, on or off is no text in YAML, and would never be found."""
    if not isinstance(given, dict):
        return given
    if any(isinstance(word, bool) for word in given):
        raise ValueError("a word reads as true or false in YAML: put it in quotes")
    return {str(word) if isinstance(word, int) else word: ours for word, ours in given.items()}


Expression = Annotated[ParsedResult, BeforeValidator(_compiled)]
WholeList = Annotated[Expression, AfterValidator(_whole_list)]
Words = Annotated[dict[str, str], BeforeValidator(_words)]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Method = Annotated[Literal["GET", "POST"], BeforeValidator(_reading)]
HttpPath = Annotated[str, AfterValidator(_path)]
PerMinute = Annotated[int, Field(gt=0)]
MomentStyle = Annotated[str, AfterValidator(_moment_style)]
Word = Annotated[str, Field(min_length=1)]


class FieldRule(Part):
    """Where one value is, and how to read it; a bare expression is short for its ``path``."""

    path: Expression = Field(description="JMESPath expression, relative to the row or end that the field belongs to")
    required: bool = Field(default=False, description="absent or null is an unknown shape, and stops the run")
    values: Words | None = Field(
        default=None, description="their words → ours; true and false are words too, in quotes"
    )
    factor: float = Field(
        default=1.0, description="what a number is multiplied by, to arrive at seconds", allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _from_expression(cls, given: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        return {"path": given} if isinstance(given, str) else given


class TimeRules(Part):
    """How moments are written; ``zone`` is what texts without an offset mean."""

    zone: Zone = Field(description="IANA zone of texts that carry no offset of their own")
    request: MomentStyle = Field(
        description=f"how a request writes a moment: {', '.join(NAMED_TIMES)}, or a pattern of strftime"
    )
    answer: tuple[MomentStyle, ...] = Field(
        min_length=1, description="how answers write moments; the first that fits is taken"
    )


def shortest_step(style: str) -> timedelta:
    """The shortest time that a way of writing moments can tell apart: a second, a minute, an hour or a day."""
    if "%" not in style:
        return _STEPS[0]
    return next(step for step in _STEPS if (_PROBED + step).strftime(style) != _PROBED.strftime(style))


def with_known_words(rule: FieldRule | None, known: set[str]) -> FieldRule | None:
    """The rule, whose map leads only to words that are known here."""
    unknown = sorted(set((rule.values or {}).values()) - known) if rule else []
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1)
        wanted = f"did you mean {near[0]}?" if near else f"write one of {', '.join(sorted(known))}"
        raise ValueError(f"{unknown[0]!r} is none of our words: {wanted}")
    return rule


def models_in(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - any annotation
    """The models that a field of this type may hold."""
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for inner in typing.get_args(annotation) for model in models_in(inner)]
