"""``cloud9-archive policy``: check policies, write the schema, begin a policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cloud9_archive.cli.policy_decisions import Include, decision_commands, refused
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.policy_warnings import policy_warnings
from cloud9_archive.errors import ConfigurationError, PolicyError
from cloud9_archive.pipeline.holidays import trading_days_of
from cloud9_archive.pipeline.policy_files import line_in_policy, load_policy
from cloud9_archive.pipeline.policy_reference import key_table, schema_text, skeleton
from cloud9_archive.pipeline.problems import shown
from cloud9_archive.pipeline.roster_sources import load_roster_of

policy_app = typer.Typer(
    name="policy", help="Check, describe, begin and explain policies.", no_args_is_help=True, rich_markup_mode=None
)

decision_commands(policy_app)
_HERE = Path("include")
MOST_WARNINGS = 50
"""Warnings that are told of one policy; a large roster may have as many as rows."""


@dataclass(slots=True)
class Checked:
    """
    What is to be said of a policy's file.

    :param faults: what makes it invalid
    :param warnings: what is valid, and has no effect
    """

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@policy_app.command("lint")
def lint_command(
    paths: Annotated[list[Path] | None, typer.Argument(help="Policy files; all of include/policies if none.")] = None,
    include: Include = _HERE,
) -> None:
    """
    Every fault of every policy and of its roster, one a line; exit code 1 if there is any.

    Warnings are told too, and change nothing about the exit code: sections that never decide because one before them
    fits all of their calls, extensions that can never match, and certificates that end within 30 days.
    """
    files = paths or policy_files(include)
    if not files:
        typer.echo(
            f"{include / 'policies'}: there is no policy – write one with: cloud9-archive policy new NAME", err=True
        )
        raise typer.Exit(1)
    checked = [checked_policy(path, include=include) for path in files]
    for each in checked:
        for line in (*each.faults, *each.warnings):
            typer.echo(line, err=True)
    if any(each.faults for each in checked):
        raise typer.Exit(1)
    typer.echo(f"{len(files)} {'policy is' if len(files) == 1 else 'policies are'} valid")


def policy_files(include: Path) -> list[Path]:
    """The policy files of the folder, by name; ``.yml`` too, so that a policy nobody loads is noticed."""
    return sorted(path for path in (include / "policies").glob("*") if path.suffix in (".yaml", ".yml"))


def checked_policy(path: Path, *, include: Path) -> Checked:
    """What is wrong with the policy, or else with its roster; and what in them has no effect."""
    checked = Checked()
    if path.suffix != ".yaml":
        wanted = f"found the file name {shown(path.name)}: a name that ends in .yaml is wanted"
        checked.faults.append(f"{path}:1: {wanted}")
    try:
        policy = load_policy(path)
        roster = None
        if policy.recording_rules.roster_is_file:  # others are reached only where Airflow is: roster check
            roster = load_roster_of(policy, include=include)
        trading_days_of(policy, include=include)
    except ConfigurationError as error:
        checked.faults.append(str(error))
        return checked
    _check_certificates(policy, path, checked, include=include)
    found = list(policy_warnings(policy, roster))
    for each in found[:MOST_WARNINGS]:
        if each.section is None:
            place = f"{include / policy.recording_rules.roster_name}:{each.line or 1}"
        else:
            place = f"{path}:{line_in_policy(path, ('recording_rules', 'sections', each.section))}"
        checked.warnings.append(f"{place}: warning: {each.words}")
    if len(found) > MOST_WARNINGS:
        checked.warnings.append(f"{path}: and {len(found) - MOST_WARNINGS} warnings more")
    return checked


def _check_certificates(policy: Policy, path: Path, checked: Checked, *, include: Path) -> None:
    """Certificates that the policy cannot encrypt for are faults, and those that end soon are warned of."""
    if policy.archive.encrypt is None:
        return
    from cloud9_archive.pipeline.recipients import ending_soon  # noqa: PLC0415 - cryptography, of use only here

    place = ("archive", "encrypt", "recipients")
    try:
        for number, words in ending_soon(policy, include=include, now=datetime.now(UTC)):
            line = line_in_policy(path, (*place, number))
            checked.warnings.append(f"{path}:{line}: warning: the certificate {words}")
    except ConfigurationError as error:
        checked.faults.append(f"{path}:{line_in_policy(path, place)}: {'.'.join(place)}: {error}")


@policy_app.command("schema")
def schema_command(
    *,
    check: Annotated[bool, typer.Option("--check", help="Compare with policy.schema.json, write nothing.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The table of keys for docs/policy.md.")] = False,
    include: Include = _HERE,
) -> None:
    """Print the JSON schema of a policy file, for editors; redirect it to include/policy.schema.json."""
    if not check:
        typer.echo(key_table() if markdown else schema_text(), nl=False)
        return
    path = include / "policy.schema.json"
    if not path.is_file() or path.read_text(encoding="utf-8") != schema_text():
        typer.echo(f"{path} is not up to date – write it anew: cloud9-archive policy schema > {path}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{path} is up to date")


@policy_app.command("new")
def new_command(
    name: Annotated[str, typer.Argument(help="The policy's name; also its file's and its DAG's.")],
    include: Include = _HERE,
) -> None:
    """Write a commented policy to begin with; a file that exists is never overwritten."""
    path = include / "policies" / f"{name}.yaml"
    try:
        text = skeleton(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise refused(PolicyError(f"{path} exists already", hint="choose another name, or edit that file")) from None
    except PolicyError as error:
        raise refused(error) from None
    typer.echo(f"wrote {path}")
