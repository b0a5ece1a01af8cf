"""What ``cloud9-archive media`` does; apart from the commands, because it reads the deployment's settings."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cloud9_archive.cli.ending import ExitCode
from cloud9_archive.cli.logs import quiet_logs
from cloud9_archive.cli.run_work import policy_file
from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.media.jobs import MediaJob, MediaResult
from cloud9_archive.media.naming import finals, part_path, waveform_path
from cloud9_archive.media.profiles import PROFILES, UNALTERED, Profile, profile_named
from cloud9_archive.media.verdicts import Checks, Failure, Transcoded
from cloud9_archive.media.workers import run_jobs
from cloud9_archive.pipeline.media_profiles import altering, profile_of, profiles_of_policy
from cloud9_archive.pipeline.policy_files import load_policy
from cloud9_archive.pipeline.settings import Settings

_LONGEST_PATH = 4096


def inspected(files: Sequence[Path], *, as_json: bool) -> Iterator[tuple[str, ExitCode]]:
    """
    What is said of each file, in the order of the files, and the exit code that it alone would end with.

    :raises Cloud9ArchiveError: if no worker can be started
    """
    settings = deployment_settings()
    found: dict[str, MediaResult] = {}
    jobs = []
    for number, path in enumerate(files):
        words = why_not(path)
        if words is None:
            jobs.append(MediaJob(str(number), path, None, PROFILES[UNALTERED]))
        else:
            failure = Failure(ConfigurationError.code, words)
            found[str(number)] = MediaResult(str(number), None, (), failure)
    told = 0
    results = run_jobs(jobs, workers=min(settings.media_workers, len(jobs) or 1), limits=settings.media_limits)
    with quiet_logs(), closing(results):  # type: ignore[type-var]
        while told < len(files):
            while str(told) not in found:
                result = next(results)
                found[result.recording_key] = result
            result = found.pop(str(told))
            document = json.dumps(_document(files[told], result)) if as_json else _line(files[told], result)
            yield document, _code(result)
            told += 1


def transcoded(
    file: Path, out: Path, *, profile: str | None, policy: str | None, as_json: bool
) -> tuple[list[str], ExitCode]:
    """
    What is said of the derivatives, and the worst exit code; they stand at ``out``, or in it if that is a folder.

    :param profile: one to make; None for all that the policy's decisions may ask for
    :param policy: name or path of the policy that knows the profiles; None for those that are shipped
    :raises ConfigurationError: if there is no such file, policy or profile, or something stands where a derivative must go
    :raises Cloud9ArchiveError: if no worker can be started
    """
    words = why_not(file)
    if words is not None:
        raise ConfigurationError(f"{_name(file)}: {words}", subject=str(file), hint="name a recording")
    settings = deployment_settings()
    with quiet_logs():
        chosen = _chosen(profile, policy, settings)
        targets = _targets(file, chosen, out, all_of_a_policy=profile is None)
        jobs = [MediaJob(form.name, file, targets[form.name], form) for form in chosen]
        workers = min(settings.media_workers, len(jobs))
        found = {one.recording_key: one for one in run_jobs(jobs, workers=workers, limits=settings.media_limits)}
    results = [(targets[form.name], found[form.name], form.name) for form in chosen]
    if as_json:
        lines = [json.dumps(_document(file, result, target, name)) for target, result, name in results]
    else:
        lines = [line for target, result, _ in results for line in _lines(file, result, target)]
    # What is wrong with the original is the same for all.
    return list(dict.fromkeys(lines)), max(_code(result) for _, result, _ in results)


def _chosen(profile: str | None, policy: str | None, settings: Settings) -> tuple[Profile, ...]:
    if policy is None:
        if profile is None:
            raise ConfigurationError(
                "nothing says what is to be made", subject="--profile", hint="give --profile, or --policy, or both"
            )
        forms = altering([profile_named(profile)])
    else:
        loaded = load_policy(policy_file(policy, settings))
        forms = profiles_of_policy(loaded) if profile is None else altering([profile_of(loaded, profile)])
    if not forms:
        raise ConfigurationError(
            f"the profile {profile!r} makes no derivative" if profile else f"policy {policy!r} asks for no derivative",
            subject="--profile" if profile else "--policy",
            hint="media inspect reads the original",
        )
    return forms


def _lines(file: Path, result: MediaResult, target: Path) -> list[str]:
    if result.failure is not None:
        return [_line(file, result)]
    lines = [line for each in result.derivatives for line in _derivative_lines(target, each)]
    if result.waveform is not None:
        lines.append(f"{_name(waveform_path(target))}: {result.waveform.peaks} peaks a channel")
    return lines


def why_not(path: Path) -> str | None:
    """Why the file cannot be looked at, in words; None if it can. A named pipe or a device is never opened."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return "it is a folder; name the files in it"
        if not stat.S_ISREG(mode):
            return "it is no regular file"
        with path.open("rb"):
            return None
    except FileNotFoundError:
        return "there is no such file"
    except (OSError, ValueError) as fault:
        return f"it cannot be read: {getattr(fault, 'strerror', None) or fault}"


def _targets(file: Path, forms: Sequence[Profile], out: Path, *, all_of_a_policy: bool) -> dict[str, Path]:
    """Where each derivative shall stand; nothing stands there, nor where its parts and peaks would."""
    if not all_of_a_policy:
        (form,) = forms
        targets = {form.name: out / f"{file.stem}.{form.extension}" if out.is_dir() else out}
    elif out.is_dir():
        targets = {form.name: out / f"{file.stem}.{form.name}.{form.extension}" for form in forms}
    else:
        raise ConfigurationError(f"there is no folder {_name(out)}", subject=str(out), hint="make it, or name another")
    for target in targets.values():
        _refuse_taken(target)
    return targets


def _refuse_taken(target: Path) -> None:
    if not target.parent.is_dir():
        raise ConfigurationError(
            f"there is no folder {_name(target.parent)}", subject=str(target), hint="make it, or name another"
        )
    for path in finals(target):
        if os.path.lexists(path):
            raise ConfigurationError(
                f"there is {_name(path)} already", subject=str(path), hint="nothing is replaced: name another file"
            )


def _code(result: MediaResult) -> ExitCode:
    if result.failure is None:
        return ExitCode.OK
    if result.failure.code == ConfigurationError.code:
        return ExitCode.CONFIGURATION
    return ExitCode.TRANSIENT if result.failure.transient else ExitCode.FINDING


def _line(file: Path, result: MediaResult) -> str:
    found, failure = result.examination, result.failure
    if failure is None and found is not None:
        channels = f"{found.channels} channel{'' if found.channels == 1 else 's'}"
        return (
            f"{_name(file)}: {found.verdict.value}, {found.duration:.3f} s, {found.container} {found.codec}, "
            f"{channels}, {found.sample_rate} Hz"
        )
    if failure is None:  # the workers never answer so
        return f"{_name(file)}: nothing is known"
    if failure.code == ConfigurationError.code:
        return f"{_name(file)}: {failure.reason}"
    if found is not None and found.refusal() is not None:
        return f"{_name(file)}: {found.verdict.value}: {failure.reason}"
    return f"{_name(file)}: not usable ({failure.code}): {failure.reason}"


def _derivative_lines(target: Path, made: Transcoded) -> Iterator[str]:
    channels = f"{made.channels} channel{'' if made.channels == 1 else 's'}"
    yield (
        f"{_name(part_path(target, made.part))}: {made.duration:.3f} s, {made.codec}, {channels}, {made.rate} Hz, "
        f"{made.size} bytes, sha256 {made.sha256}"
    )
    if made.checks is not None:
        yield f"  matches its original: {_figures(made.checks)}"


def _figures(checks: Checks) -> str:
    words = [f"{checks.samples_found} samples of {checks.samples_expected}"]
    for name, figures, unit in (
        ("correlation", checks.correlation, ""),
        ("level", checks.level_difference, " dB"),
    ):
        told = [f"{figure:.3f}" for figure in figures if figure is not None]
        words += [f"{name} {' and '.join(told)}{unit}"] if told else []
    if checks.silent_channels:
        words.append(f"silent: channel {' and '.join(map(str, checks.silent_channels))}")
    return ", ".join(words)


def _document(
    file: Path, result: MediaResult, target: Path | None = None, profile: str | None = None
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "file": str(file),
        "intact": result.failure is None,
        "failure": asdict(result.failure) if result.failure else None,
        "examination": asdict(result.examination) if result.examination else None,
    }
    if target is not None:
        del document["intact"]
        document["profile"] = profile
        document["derivatives"] = [
            {"file": str(part_path(target, each.part)), **asdict(each)} for each in result.derivatives
        ]
        waveform = result.waveform
        document["waveform"] = {"file": str(waveform_path(target)), **asdict(waveform)} if waveform else None
    return document


def _name(path: Path) -> str:
    return shown(str(path), longest=_LONGEST_PATH)
