"""What ``hold``, ``retention`` and ``dispose`` do; apart from the commands, because it imports the pipeline and Airflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from cloud9_archive.catalog import custody
from cloud9_archive.catalog.faults import database_faults_told
from cloud9_archive.cli.connections import archive_of_connection, client_of
from cloud9_archive.cli.custody_orders import SelectionOrder, moment, told_refusals
from cloud9_archive.cli.late_reach import LateReach
from cloud9_archive.cli.logs import quiet_logs
from cloud9_archive.cli.run_work import policy_file
from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.holds import HoldState
from cloud9_archive.domain.retention import parse_retention
from cloud9_archive.domain.selection import folded
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import CustodyError, PolicyError
from cloud9_archive.pipeline.custody import Order, prepare
from cloud9_archive.pipeline.dispose import dispose
from cloud9_archive.pipeline.expiry import Expiry, list_expired
from cloud9_archive.pipeline.extend_retention import extend_retention
from cloud9_archive.pipeline.legal_holds import matching, place_hold, release_hold
from cloud9_archive.pipeline.policy_files import load_policy
from cloud9_archive.pipeline.settings import Settings
from cloud9_archive.pipeline.workspace import Workspace, open_workspace

_NAMED = 20


def extended(policy: str, chosen: SelectionOrder, order: Order, *, until: str | None, retention: str | None) -> str:
    """What came of an extension, on one line."""
    if (until is None) == (retention is None):
        raise CustodyError(
            "an end is wanted, and one only", subject="until", hint="give --until DATE or --retention 10y"
        )
    try:
        longer = parse_retention(retention) if retention else None
    except ValueError as error:
        raise CustodyError(f"--retention is {shown(retention or '')!r}: {error}", subject="--retention") from None
    with workspace_of(policy) as workspace, told_refusals():
        done = extend_retention(
            workspace,
            chosen.selection(),
            order,
            until=moment(until, "--until") if until else None,
            retention=longer,
        )
    return f"retention: extended={done.records} unchanged={done.unchanged} finished={done.finished}"


def placed(policies: Sequence[str], label: str, chosen: SelectionOrder, order: Order) -> Iterator[str]:
    """A line for each policy under which the hold stands now."""
    selection = chosen.selection()
    for policy in policies or known_policies():
        with workspace_of(policy) as workspace, told_refusals():
            hold = place_hold(workspace, label, selection, order).hold
            yield (
                f"hold: label={shown(hold.label)!r} policy={hold.policy} recordings={hold.held.recordings} "
                f"calls={hold.held.calls} document={hold.key}"
            )


def released(policies: Sequence[str], label: str, order: Order) -> Iterator[str]:
    """A line for each policy under which the hold was asked to be released, or is."""
    found = False
    for policy in policies or known_policies():
        with workspace_of(policy) as workspace, told_refusals():
            if not policies and not _stands(workspace, label):
                continue
            found = True
            state = release_hold(workspace, label, order)
            stage = "released" if state.release else "release requested; another person has to release it too"
            document = state.release or state.request
            yield f"hold: label={shown(state.hold.label)!r} policy={policy}: {stage} document={document and document.key}"
    if not found:
        raise CustodyError(
            f"no hold labelled {shown(label)!r} stands under any policy", subject=label, hint="cloud9-archive hold list"
        )


def hold_documents(policies: Sequence[str], *, every: bool, label: str | None = None) -> list[dict[str, Any]]:
    """
    Holds as plain JSON values.

    :param every: released ones too
    :param label: of this label only, and with what it means now
    """
    documents = []
    for policy in policies or known_policies():
        with workspace_of(policy) as workspace:
            prepare(workspace)
            with workspace.catalog.begin() as connection:
                states = custody.holds(connection, workspace.policy.policy)
            for state in states:
                if (every or state.release is None) and (label is None or folded(state.hold.label) == folded(label)):
                    documents.append(_hold_document(state))
                    if label is not None:
                        meant = [each.record for each in matching(workspace, state.hold.selection)]
                        documents[-1]["records_now"] = len(meant)
                        documents[-1]["records_shown"] = [f"{r.name} in {r.bag_id}" for r in meant[:_NAMED]]
    return documents


def disposal(policy: str, order: Order, *, confirm: int | None) -> tuple[list[str], dict[str, Any], bool]:
    """
    What has expired, or what was removed: lines for people, the same for programs, and whether all went well.

    :param confirm: None lists only
    """
    with workspace_of(policy) as workspace, told_refusals():
        if confirm is None:
            expiry = list_expired(workspace)
            return list(_expiry_lines(policy, expiry)), _expiry_document(expiry), not expiry.unfit
        done = dispose(workspace, order, confirm=confirm)
    lines = [f"refused: {key}: {reason}" for key, reason in done.refused.items()]
    lines.append(f"dispose: records={done.records} files={done.files} bytes={done.size} refused={len(done.refused)}")
    return lines, {**asdict(done), "refused": dict(done.refused)}, not done.refused


def known_policies() -> list[str]:
    """The deployment's policies, by name."""
    names = sorted(path.stem for path in deployment_settings().policies.glob("*.yaml"))
    if not names:
        raise PolicyError(f"there is no policy in {deployment_settings().policies}", subject="policies")
    return names


@contextmanager
def workspace_of(policy: str) -> Iterator[Workspace]:
    """The policy's workspace, as runs have it; no source is opened."""
    settings = deployment_settings()
    path = policy_file(_policy_of(policy, settings), settings)
    if policy.endswith(".yaml"):
        settings = replace(settings, include_folder=Path(policy).absolute().parents[1])
    with (
        quiet_logs(),
        database_faults_told(),
        open_workspace(
            load_policy(path),
            settings,
            open_source=client_of,
            reach=LateReach(),
            open_archive=archive_of_connection,
        ) as workspace,
    ):
        yield workspace


def _policy_of(named: str, settings: Settings) -> str:
    """
    The policy that is named, or the only one that archives at an address.

    :raises PolicyError: if none does, or several do
    """
    if "/" not in named or named.endswith(".yaml"):
        return named
    places = {path.stem: load_policy(path).archive.target for path in sorted(settings.policies.glob("*.yaml"))}
    wanted = _place(named, settings)
    found = [name for name, target in places.items() if _place(target, settings) == wanted]
    if len(found) != 1:
        raise PolicyError(
            f"{shown(named)!r} is the archive of {len(found)} policies" + (f": {', '.join(found)}" if found else ""),
            subject=named,
            hint="name the policy",
        )
    return found[0]


def _place(target: str, settings: Settings) -> str:
    scheme, separator, rest = target.partition("://")
    if separator and scheme.lower() != "file":
        return target.rstrip("/")
    return str((settings.data_root / (rest if separator else target)).resolve())


def _stands(workspace: Workspace, label: str) -> bool:
    prepare(workspace)
    with workspace.catalog.begin() as connection:
        states = custody.holds(connection, workspace.policy.policy)
    return any(s.release is None and folded(s.hold.label) == folded(label) for s in states)


def _hold_document(state: HoldState) -> dict[str, Any]:
    hold = state.hold
    return {
        "label": hold.label,
        "policy": hold.policy,
        "state": "released" if state.release else "release requested" if state.request else "standing",
        "placed_at": utc_text(hold.at),
        "placed_by": hold.actor,
        "reason": hold.reason,
        "selection": hold.selection.model_dump(mode="json", by_alias=True),
        "requested_by": state.request and state.request.actor,
        "released_by": state.release and state.release.actor,
        "document": hold.key,
    }


def _expiry_lines(policy: str, expiry: Expiry) -> Iterator[str]:
    for each in expiry.bags:
        for record in each.records:
            yield (
                f"expired: {each.bag.prefix}/{record.path} since={utc_text(record.retain_until)} "
                f"files={len(record.files)} bytes={sum(file.size for file in record.files)}"
            )
    for place, reason in expiry.unfit.items():
        yield f"not as it was sealed: {place}: {shown(reason, longest=400)}"
    files = sum(len(record.files) for each in expiry.bags for record in each.records)
    yield (
        f"dispose: expired={expiry.count} bags={len(expiry.bags)} files={files} "
        f"bytes={sum(each.size for each in expiry.bags)} begun={expiry.begun} held={expiry.held} locked={expiry.locked} "
        f"unfit={len(expiry.unfit)}"
    )
    if expiry.count:
        yield f"nothing was removed; to remove it: cloud9-archive dispose {policy} --confirm {expiry.count} --actor …"


def _expiry_document(expiry: Expiry) -> dict[str, Any]:
    return {
        "expired": expiry.count,
        "begun": expiry.begun,
        "held": expiry.held,
        "locked": expiry.locked,
        "unfit": dict(expiry.unfit),
        "bags": [
            {"bag": each.bag.bag_id, "records": [record.model_dump(mode="json") for record in each.records]}
            for each in expiry.bags
        ],
    }
