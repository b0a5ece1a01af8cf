"""The parties of a call, from its row: both ends apart, or one list in which each says its end."""

from __future__ import annotations

from typing import Any

from cloud9_archive.api.answer_json import shown
from cloud9_archive.api.row_values import RowValues, at, rows_at, searched
from cloud9_archive.api.wire_rows import EndRules, PartyRules, UserRules
from cloud9_archive.domain.call import Party, Side


def read_parties(values: RowValues, rules: PartyRules, row: dict[str, Any], place: str) -> list[Party]:
    """
    The users that a rule finds, or the end itself when no user is named there.

    :param place: where the row is in the answer
    """
    end, where = _end(values, rules, row, place)
    if end is None:
        return []
    if rules.side is None:
        return _each_with_its_side(values, rules, end, where)
    own = _fields_of_end(values, rules.end, end, where)
    if rules.users is None:
        user = _fields_of_user(values, rules.user, end, where)
        return [Party(rules.side, **user, **own)] if any({**user, **own}.values()) else []
    users = rows_at(values.wire, rules.users, end, where)
    return [
        Party(rules.side, **_fields_of_user(values, rules.user, user, place_of_user), **own)
        for user, place_of_user in users
    ] or [Party(rules.side, **own)]


def _end(values: RowValues, rules: PartyRules, row: dict[str, Any], place: str) -> tuple[dict[str, Any] | None, str]:
    """Where the rule's fields are: an object in the row, or the row itself."""
    if rules.at is None:
        return row, place
    end, where = searched(values.wire, rules.at, row, place), at(rules.at, place)
    if end is None and not rules.required:
        return None, where
    if not isinstance(end, dict):
        raise values.wire.misfit(where, f"should be an object, but is {shown(end)}")
    return end, where


def _each_with_its_side(values: RowValues, rules: PartyRules, end: dict[str, Any], where: str) -> list[Party]:
    """Parties of one list; a side that the format file does not know stops the run, for nobody can say who it was."""
    if rules.users is None or rules.side_at is None:
        return []
    return [
        Party(
            Side(values.needed_word(rules.side_at, user, place)),
            **_fields_of_user(values, rules.user, user, place),
            **_fields_of_end(values, rules.end, user, place),
        )
        for user, place in rows_at(values.wire, rules.users, end, where)
    ]


def _fields_of_end(values: RowValues, rules: EndRules, end: dict[str, Any], where: str) -> dict[str, str | None]:
    return {name: values.text(getattr(rules, name), end, where) for name in EndRules.model_fields}


def _fields_of_user(
    values: RowValues, rules: UserRules | None, user: dict[str, Any], where: str
) -> dict[str, str | None]:
    if rules is None:
        return {}
    return {name: values.text(getattr(rules, name), user, where) for name in UserRules.model_fields}
