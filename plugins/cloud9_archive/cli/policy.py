"""``cloud9-archive policy``: check policies, write the schema, begin a policy, explain decisions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from cloud9_archive.cli.late_reach import LateReach
from cloud9_archive.domain.call import Call
from cloud9_archive.domain.decision import Decision
from cloud9_archive.domain.rules import decide
from cloud9_archive.errors import Cloud9ArchiveError, ConfigurationError, PolicyError
from cloud9_archive.pipeline.policy_files import load_policy
from cloud9_archive.pipeline.policy_reference import key_table, schema_text, skeleton
from cloud9_archive.pipeline.problems import shown
from cloud9_archive.pipeline.roster_sources import load_roster_of

policy_app = typer.Typer(
    name="policy", help="Check, describe, begin and explain policies.", no_args_is_help=True, rich_markup_mode=None
)

Include = Annotated[
    Path, typer.Option("--include", help="Folder that holds policies/ and rosters/.", envvar="CLOUD9_ARCHIVE_INCLUDE")
]
_HERE = Path("include")


@policy_app.command("lint")
def lint_command(
    paths: Annotated[list[Path] | None, typer.Argument(help="Policy files; all of include/policies if none.")] = None,
    include: Include = _HERE,
) -> None:
    """Every fault of every policy and of its roster, one a line; exit code 1 if there is any."""
    files = paths or policy_files(include)
    if not files:
        typer.echo(
            f"{include / 'policies'}: there is no policy – write one with: cloud9-archive policy new NAME", err=True
        )
        raise typer.Exit(1)
    faults = [fault for path in files for fault in policy_faults(path, include=include)]
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(1)
    typer.echo(f"{len(files)} {'policy is' if len(files) == 1 else 'policies are'} valid")


def policy_files(include: Path) -> list[Path]:
    """The policy files of the folder, by name; ``.yml`` too, so that a policy nobody loads is noticed."""
    return sorted(path for path in (include / "policies").glob("*") if path.suffix in (".yaml", ".yml"))


def policy_faults(path: Path, *, include: Path) -> Iterator[str]:
    """What is wrong with the policy, or else with its roster."""
    if path.suffix != ".yaml":
        yield f"{path}:1: found the file name {shown(path.name)}: a name that ends in .yaml is wanted"
    try:
        policy = load_policy(path)
        if (
            policy.recording_rules.roster_is_file
        ):  # others are reached only where Airflow is: cloud9-archive roster check
            load_roster_of(policy, include=include)
    except ConfigurationError as error:
        yield str(error)


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
        raise _refused(PolicyError(f"{path} exists already", hint="choose another name, or edit that file")) from None
    except PolicyError as error:
        raise _refused(error) from None
    typer.echo(f"wrote {path}")


@policy_app.command("explain")
def explain_command(
    policy: Annotated[str, typer.Argument(help="A policy's name, or the path of its file.")],
    *,
    calls: Annotated[Path, typer.Option("--calls", help="Calls, one JSON document a line, each with all its fields.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
    include: Include = _HERE,
) -> None:
    """Say for each call whether it is recorded or excluded under the policy, and why."""
    path = Path(policy) if policy.endswith(".yaml") else include / "policies" / f"{policy}.yaml"
    try:
        chosen = load_policy(path)
        roster = load_roster_of(chosen, include=include, reach=LateReach())
        for call in read_calls(calls):
            typer.echo(explained(call, decide(call, policy=chosen, roster=roster), as_json=as_json))
    except Cloud9ArchiveError as error:
        raise _refused(error) from None


def explained(call: Call, decision: Decision, *, as_json: bool) -> str:
    """The decision on one line."""
    if as_json:
        return json.dumps({"source": call.source, "call_id": call.call_id, **decision.document()})
    return f"{shown(call.call_id)}: {decision.outcome.value} ({decision.rule.value}). {decision.reason}"


def read_calls(path: Path) -> Iterator[Call]:
    """
    The calls of the file, in its order; blank lines are passed over.

    :raises ConfigurationError: if the file cannot be read, or a line of it is not a call
    """
    try:
        with path.open(encoding="utf-8") as stream:
            yield from _calls(stream, path=path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}", hint="give a file of calls, one JSON document a line"
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text", hint="give calls as UTF-8 JSON, one a line") from None


def _calls(lines: Iterable[str], *, path: Path) -> Iterator[Call]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            call = Call.from_document(json.loads(line))
            if not all(isinstance(text, str) for text in (call.call_id, *(each.login or "" for each in call.parties))):
                raise TypeError("call_id and logins are text")  # noqa: TRY301 - told below like every other fault of the line
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigurationError(
                f"{path}:{number}: this is not a call ({type(error).__name__}: {shown(str(error))})",
                hint="each line is one call document: source, call_id, started_at, parties and its other fields",
            ) from None
        yield call


def _refused(error: Cloud9ArchiveError) -> typer.Exit:
    """The error told on stderr, and the exit that goes with it."""
    typer.echo(str(error), err=True)
    return typer.Exit(1)
