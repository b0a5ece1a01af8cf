"""Appending to the archive's chain; runs that append at once are arbitrated by the create-only store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from cloud9_archive.catalog.chain import KnownLink, head, links_of_run, note_link, unlinked_bags
from cloud9_archive.domain.bag import SEAL
from cloud9_archive.domain.chain import ChainLink, LinkKind, Member, link_bytes, next_link, parse_link
from cloud9_archive.domain.keys import link_path
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.errors import ArchiveConflictError, TransientError
from cloud9_archive.pipeline.chain_proofs import Prover, check_still_signed
from cloud9_archive.pipeline.workspace import Workspace

MOST_ATTEMPTS = 50


def append_link(workspace: Workspace, run: RunRef, *, report: Iterable[Member], prover: Prover) -> KnownLink:
    """
    A link of the chain has the report as a member, and every sealed bag that no link before it has.

    It may stand there already: an earlier attempt's.

    :param report: the report's files
    :param prover: will sign and time-stamp a link that is new; see :func:`complete_proofs`
    :raises ArchiveConflictError: if the chain in the archive is not the one that the catalog knows
    :raises ConfigurationError: if the link would be unsigned after signed ones
    """
    report = tuple(report)
    for known in links_of_run(workspace.catalog, run.policy, run.run_id):
        if set(report) <= set(parse_link(workspace.store.read(link_path(run.policy, known.number))).members):
            return known
    previous = read_head(workspace, run.policy)
    for _ in range(MOST_ATTEMPTS):
        found, previous = _read_on(workspace, run.policy, previous, report)
        if found is not None:
            return found
        check_still_signed(prover, previous)
        bags = unlinked_members(workspace, run.policy)
        link = next_link(
            previous,
            kind=LinkKind.BACKFILL if run.kind is RunKind.BACKFILL else LinkKind.REGULAR,
            policy=run.policy,
            run_id=run.run_id,
            written_at=workspace.clock(),
            members={*bags, *report},
            key_id=prover.key_id,
            timestamp=prover.authority is not None,
        )
        content = link_bytes(link)
        try:
            workspace.store.put(link_path(run.policy, link.number), content, sha256=hashlib.sha256(content).hexdigest())
        except ArchiveConflictError:
            continue  # another run was first with this number
        return _note(workspace, link)
    raise TransientError(
        f"{MOST_ATTEMPTS} other links were appended to the chain of {run.policy} meanwhile", subject=run.policy
    )


def unlinked_members(workspace: Workspace, policy: str) -> list[Member]:
    """Seals of the policy's bags that no known link covers: also those of runs that ended before they could."""
    return [Member(f"{prefix}/{SEAL}", digest) for _, prefix, digest in unlinked_bags(workspace.catalog, policy)]


def read_head(workspace: Workspace, policy: str) -> ChainLink | None:
    """
    The newest link that the catalog knows, read from the archive.

    :raises ArchiveConflictError: if it is not there, or not the one that was written
    """
    known = head(workspace.catalog, policy)
    if known is None:
        return None
    path = link_path(policy, known.number)
    content = workspace.store.read(path) if workspace.store.exists(path) else b""
    if hashlib.sha256(content).hexdigest() != known.digest:
        raise ArchiveConflictError(
            f"chain link {known.number} of {policy} in the archive is not the one that was written"
            if content
            else f"chain link {known.number} of {policy} is gone from the archive",
            subject=path,
            hint="the archive was altered or is another one: run cloud9-archive verify before anything else",
        )
    return parse_link(content)


def _read_on(
    workspace: Workspace, policy: str, previous: ChainLink | None, report: tuple[Member, ...]
) -> tuple[KnownLink | None, ChainLink | None]:
    """Follow the chain to its end; the link that has the report as a member, if one has, and the last link."""
    found: KnownLink | None = None
    number = previous.number if previous else 0
    while workspace.store.exists(path := link_path(policy, number + 1)):
        number += 1
        previous = parse_link(workspace.store.read(path))
        known = _note(workspace, previous)
        if set(report) <= set(previous.members):
            found = known
    return found, previous


def _note(workspace: Workspace, link: ChainLink) -> KnownLink:
    known = KnownLink(link.number, link.digest(), link.run_id)
    covers = [member.path.split("/")[-2] for member in link.members if "/bags/" in member.path]
    note_link(workspace.catalog, link.policy, known, covers=covers, written_at=link.written_at)
    return known
