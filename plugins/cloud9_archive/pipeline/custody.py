"""Documents of custody on their way: entered in the catalog, put into the archive, vouched for, and then carried out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import PurePosixPath

import structlog

from cloud9_archive.catalog import custody
from cloud9_archive.catalog.custody import Entered
from cloud9_archive.catalog.restoring_custody import restore_document
from cloud9_archive.domain.chain import Member, parse_link
from cloud9_archive.domain.custody import CustodyDocument, parse_custody
from cloud9_archive.domain.keys import chain_folder, custody_folder
from cloud9_archive.domain.run import RunKind, RunRef
from cloud9_archive.domain.selection import ArchivedRecord
from cloud9_archive.domain.window import Window
from cloud9_archive.errors import CustodyError
from cloud9_archive.pipeline.bag_survey import survey_bags
from cloud9_archive.pipeline.chain_proofs import Prover, check_still_signed, complete_proofs, open_prover
from cloud9_archive.pipeline.chain_writer import append_link, read_head
from cloud9_archive.pipeline.workspace import Workspace
from cloud9_archive.storage.readme import write_readme

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """
    Who asks for it, and why.

    :param actor: a person
    :param reason: goes into the archive, for good
    """

    actor: str
    reason: str


def prepare(workspace: Workspace) -> tuple[Prover, bool]:
    """
    The catalog knows what the archive says of custody, and new links can be signed as they must be.

    :returns: what signs links, and whether the catalog did not know all of it
    :raises ConfigurationError: if the chain is signed and no key is configured here, or is not the one that is known
    """
    prover = open_prover(workspace.settings.proof)
    check_still_signed(prover, read_head(workspace, workspace.policy.policy))
    unread = survey_bags(workspace)
    if unread:
        log.warning("bags that cannot be looked into are neither held nor extended nor disposed of", bags=unread)
    return prover, _learn(workspace)


def link_name(documents: Sequence[CustodyDocument]) -> str:
    """The run id of the link that vouches for these documents."""
    return f"custody__{documents[0].document_id}"


def vouch(workspace: Workspace, prover: Prover, *, kinds: Collection[str]) -> list[Entered]:
    """
    All documents of these kinds that are not carried out yet are in the archive, and in a link of its chain.

    :returns: them, in the order in which they were entered
    """
    policy = workspace.policy.policy
    waiting = custody.unfinished(workspace.catalog, policy, kinds=kinds)
    unchained = sorted((each for each in waiting if not each.chained), key=lambda each: each.chained_by)
    if unchained:
        write_readme(workspace.store)  # a hold may come before any run
    for chained_by, group in groupby(unchained, key=lambda each: each.chained_by):
        documents = [each.document for each in group]
        members = [_put(workspace, document) for document in documents]
        at = documents[0].at
        run = RunRef(policy, chained_by, RunKind.MANUAL, Window(at, at + timedelta(seconds=1)))
        append_link(workspace, run, report=members, prover=prover)
        complete_proofs(workspace, run, prover)
        custody.note_chained(workspace.catalog, policy, chained_by, now=workspace.clock())
    return waiting


def shown_names(records: Sequence[ArchivedRecord], *, most: int = 5) -> str:
    """The records as a message names them."""
    named = ", ".join(record.name for record in records[:most])
    return f"{named} and {len(records) - most} more" if len(records) > most else named


def nothing_selected(policy: str) -> CustodyError:
    """The error for a selection that nothing fits."""
    return CustodyError(
        f"nothing that is archived under {policy} fits the selection",
        subject="selection",
        hint="check the names and dates: a user is named as in the roster or by login, ids are whole, --to is not within",
    )


def _put(workspace: Workspace, document: CustodyDocument) -> Member:
    content = document.content()
    digest = hashlib.sha256(content).hexdigest()
    workspace.store.put(document.key, content, sha256=digest)
    return Member(document.key, digest)


def _learn(workspace: Workspace) -> bool:
    """
    Documents that lie in the archive and that this catalog does not know, as after it was made anew, are known.

    Only what a link vouches for counts: whoever can write there could put a release beside a hold.
    """
    policy = workspace.policy.policy
    known = custody.known_ids(workspace.catalog, policy)
    unknown = [key for key in workspace.store.keys(custody_folder(policy)) if PurePosixPath(key).stem not in known]
    if not unknown:
        return False
    vouched = _vouched(workspace)
    for key in unknown:
        content = workspace.store.read(key)
        run_id = vouched.get(Member(key, hashlib.sha256(content).hexdigest()))
        if run_id is None:
            log.warning("document of custody is in no link and does not count", key=key)
            continue
        with workspace.catalog.begin() as connection:
            restore_document(connection, parse_custody(content), chained_by=run_id, now=workspace.clock())
    return True


def _vouched(workspace: Workspace) -> dict[Member, str]:
    """Every member of the policy's chain, with the run id of its link."""
    members: dict[Member, str] = {}
    for key in workspace.store.keys(chain_folder(workspace.policy.policy)):
        if key.endswith(".json"):
            link = parse_link(workspace.store.read(key))
            members |= dict.fromkeys(link.members, link.run_id)
    return members
