"""Policy files: one YAML file becomes one policy, or an error that names every fault and its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from pydantic import ValidationError

from cloud9_archive.domain.policy import NOT_OFFERED_YET, Policy
from cloud9_archive.domain.words import nearest
from cloud9_archive.errors import PolicyError
from cloud9_archive.pipeline.media_profiles import refused_profiles
from cloud9_archive.pipeline.policy_keys import model_at, pattern_of
from cloud9_archive.pipeline.problems import Problem, listed, shown
from cloud9_archive.pipeline.text_files import read_text
from cloud9_archive.pipeline.yaml_places import PlacedDocument, UnreadableYamlError, dotted, read_placed

LARGEST_FILE = 256 * 1024
"""Bytes; a policy of this project needs about one thousand."""

_WANTED = {
    "string_type": "text is wanted; put it in quotes if YAML takes it for something else",
    "int_type": "a whole number is wanted",
    "bool_type": "true or false is wanted",
    "tuple_type": "a list is wanted, such as [cloud9_emea]",
    "model_type": "a group of keys is wanted",
    "model_attributes_type": "a group of keys is wanted",
    "too_short": "at least one entry is wanted",
    "too_long": "at most {max_length} entries are wanted",
    "string_too_long": "at most {max_length} characters are wanted",
    "greater_than_equal": "a whole number of at least {ge} is wanted",
    "less_than_equal": "a whole number of at most {le} is wanted",
}


def load_policy(path: Path) -> Policy:
    """
    The policy that the file holds.

    :param path: a YAML file, named as its policy is
    :raises PolicyError: if it cannot be read or is not valid; the message lists every fault as
        ``file:line: field: found …: what is wanted``
    """
    text = _text(path)
    try:
        document = read_placed(text)
    except UnreadableYamlError as error:
        raise _refusal([error.problem], path=path) from None
    problems = list(document.problems)
    policy = _validated(document, problems)
    if policy is not None and policy.policy != path.stem:
        problems.append(
            Problem(
                document.line(("policy",)),
                "policy",
                shown(policy.policy),
                f"the name of the file is wanted, {shown(path.stem)}, or a file named {policy.policy}.yaml",
            )
        )
    if policy is not None:
        problems += _refused_profiles(policy, document)
    if problems or policy is None:
        raise _refusal(problems, path=path)
    return policy


def line_in_policy(path: Path, place: tuple[str | int, ...]) -> int:
    """The line of a valid policy's file at which this key or entry stands."""
    return read_placed(_text(path)).line(place)


def _refused_profiles(policy: Policy, document: PlacedDocument) -> Iterator[Problem]:
    """The policy's own profiles that nothing codes, or that would merge two parties."""
    for name, refusal in refused_profiles(policy):
        place: tuple[str, ...] = ("media", "profiles", name)
        key = (refusal.subject or "").removeprefix(f"{dotted(place)}.")
        told = getattr(policy.media.profiles[name], key, None)
        if told is not None:
            place = (*place, key)
        found = "a group of keys" if told is None else shown(told)
        wanted = " – ".join(filter(None, (refusal.message, refusal.hint)))
        yield Problem(document.line(place), dotted(place), found, wanted)


def _text(path: Path) -> str:
    try:
        text = read_text(path, largest=LARGEST_FILE, utf8_wanted="UTF-8 text is wanted")
    except OSError as error:
        raise PolicyError(
            f"the policy file {path} cannot be read: {error.strerror}",
            subject=path.stem,
            hint="write one with: cloud9-archive policy new NAME",
        ) from None
    if isinstance(text, Problem):
        raise _refusal([text], path=path)
    return text


def _refusal(problems: Sequence[Problem], *, path: Path) -> PolicyError:
    return PolicyError(listed(problems, path=path), subject=path.stem)


def _validated(document: PlacedDocument, problems: list[Problem]) -> Policy | None:
    """The policy, or None with the faults added."""
    if not isinstance(document.value, dict):
        problems.append(Problem(document.line(()), "", shown(document.value), "a group of keys is wanted"))
        return None
    try:
        return Policy.model_validate(document.value)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            path = tuple(
                part for part in fault["loc"] if not str(part).startswith(("<", "["))
            )  # a kind of value, not a key
            found, wanted = _explained(fault["type"], path, fault)
            problems.append(Problem(document.line(path), dotted(path), found, wanted))
        return None


def _explained(kind: str, path: tuple[str | int, ...], fault: Mapping[str, Any]) -> tuple[str, str]:
    """What was found and what is wanted. The value of an unknown key is not repeated: it may be a secret."""
    context = fault.get("ctx", {})
    match kind:
        case "extra_forbidden":
            later = NOT_OFFERED_YET.get(pattern_of(path))
            known = list(model_at(path[:-1]).model_fields)
            wanted = later or f"one of {', '.join(known)} is wanted{nearest(str(path[-1]), known)}"
            return "an unknown key", wanted
        case "missing":
            return "nothing", f"this key is wanted{_example(path)}"
        case "literal_error":
            wanted = f"one of {context['expected'].replace(chr(39), '')} is wanted"
            return shown(fault["input"]), wanted + nearest(str(fault["input"]), _words(context["expected"]))
        case "value_error" | "profile_unknown":
            words: Iterable[str] = available_timezones() if path[-1] == "timezone" else context.get("known", ())
            wanted = context.get("wanted") or context["error"]
            return shown(fault["input"]), f"{wanted}{nearest(str(fault['input']), words)}"
        case _ if kind in _WANTED:
            return shown(fault["input"]), _WANTED[kind].format(**context)
        case _:
            return shown(fault["input"]), fault["msg"]


def _words(expected: str) -> Iterator[str]:
    for part in expected.replace(" or ", ", ").split(", "):
        yield part.strip("'")


def _example(path: tuple[str | int, ...]) -> str:
    """How the missing key may be written, with a comma and a blank before it."""
    field = model_at(path[:-1]).model_fields[str(path[-1])]
    if field.examples:
        return f", such as {path[-1]}: {field.examples[0]}"
    return f", with {', '.join(name for name, each in model_at(path).model_fields.items() if each.is_required())}"
