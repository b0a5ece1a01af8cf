"""Signature and time stamp beside each chain link: put there after it, and completed by whoever comes next."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog

from cloud9_archive.api.time_stamps import TimestampAuthority, read_roots
from cloud9_archive.catalog.chain import head, links_of_run
from cloud9_archive.catalog.findings import note_findings, open_findings
from cloud9_archive.domain.chain import ChainLink, parse_link
from cloud9_archive.domain.findings import Finding
from cloud9_archive.domain.keys import link_path, public_key_path, signature_path, timestamp_path
from cloud9_archive.domain.run import RunRef
from cloud9_archive.errors import ArchiveConflictError, Cloud9ArchiveError, ConfigurationError
from cloud9_archive.pipeline.settings import ProofSettings
from cloud9_archive.pipeline.signing import LinkSigner, open_signer, read_pem
from cloud9_archive.pipeline.workspace import Workspace

log = structlog.get_logger(__name__)

UNSIGNED = "SIGNATURE_MISSING"
UNSTAMPED = "TIMESTAMP_MISSING"


@dataclass(frozen=True, slots=True)
class Prover:
    """
    What signs and time-stamps a chain.

    :param signer: None: new links are not signed
    :param authority: None: no time stamp is asked for
    """

    signer: LinkSigner | None = None
    authority: TimestampAuthority | None = None

    @property
    def key_id(self) -> str | None:
        """Of the key that new links name."""
        return self.signer.key_id if self.signer else None


def open_prover(settings: ProofSettings) -> Prover:
    """
    The deployment's signer and time-stamping authority, as far as they are configured.

    :raises ConfigurationError: if a key, certificate or address cannot be used
    """
    authority = None
    if settings.timestamp_url and settings.timestamp_ca_file:
        path = settings.timestamp_ca_file
        roots = read_roots(read_pem(path), name=str(path))
        authority = TimestampAuthority(settings.timestamp_url, roots)
    return Prover(open_signer(settings), authority)


def check_still_signed(prover: Prover, previous: ChainLink | None) -> None:
    """
    Nothing, unless the next link would be the first unsigned one after signed ones.

    :raises ConfigurationError: if it would
    """
    if previous and previous.key_id and not prover.signer:
        raise ConfigurationError(
            f"the chain of {previous.policy} is signed, and no signing key is configured; nothing was appended",
            subject="signing_key_file",
            hint="configure signing_key_file or signing_key on the workers that reconcile; an unsigned link would be a fault for good",
        )


def complete_proofs(workspace: Workspace, run: RunRef, prover: Prover) -> tuple[Finding, ...]:
    """
    The run's links have their signatures and time stamps, and so have earlier ones that lacked them.

    Looked at are the run's links, those that a finding is open about, and the newest ones down to the first that
    lacked nothing. Nothing that fails here stops a run; it is logged, and open in the catalog until it heals.

    :returns: what is still missing
    """
    work = _Work(workspace, run.policy, prover)
    own = [link.number for link in links_of_run(workspace.catalog, run.policy, run.run_id)]
    for number in sorted({*own, *_with_open_findings(workspace, run.policy)}):
        work.complete(number)
    known = head(workspace.catalog, run.policy)
    number = known.number if known else 0
    while number and (work.complete(number) or number in own):
        number -= 1
    findings = tuple(sorted(work.findings))
    note_findings(workspace.catalog, run, findings, examined=work.examined, now=workspace.clock())
    for finding in findings:
        log.warning("chain link without proof", code=finding.code, link=finding.subject, words=finding.words)
    return findings


def _with_open_findings(workspace: Workspace, policy: str) -> Iterator[int]:
    for each in open_findings(workspace.catalog, policy):
        if each.finding.code in {UNSIGNED, UNSTAMPED}:
            name = each.finding.subject.rpartition("/")[2]
            yield int(name.removesuffix(".json"))


@dataclass
class _Work:
    """One look at a chain; an authority that failed once is not asked again by it."""

    workspace: Workspace
    policy: str
    prover: Prover
    findings: list[Finding] = field(default_factory=list)
    done: dict[int, bool] = field(default_factory=dict)
    silent: str | None = None

    @property
    def examined(self) -> set[str]:
        """The links that were looked at."""
        return {link_path(self.policy, number) for number in self.done}

    def complete(self, number: int) -> bool:
        """Whether the link lacked anything; it does no longer, or there is a finding."""
        if number in self.done:
            return self.done[number]
        key = link_path(self.policy, number)
        content = self.workspace.store.read(key)
        link = parse_link(content)
        exists = self.workspace.store.exists
        signature, stamp = signature_path(self.policy, number), timestamp_path(self.policy, number)
        unsigned = link.key_id is not None and not (exists(signature) and exists(public_key_path(link.key_id)))
        unstamped = link.timestamp and not exists(stamp)
        if unsigned:
            self._sign(key, signature, content, link)
        if unstamped:
            self._stamp(key, stamp, content)
        self.done[number] = unsigned or unstamped
        return self.done[number]

    def _sign(self, key: str, place: str, content: bytes, link: ChainLink) -> None:
        signer = self.prover.signer
        if signer is None or signer.key_id != link.key_id:
            self.findings.append(Finding(UNSIGNED, key, f"it is to be signed with the key {link.key_id}"))
            return
        self._put(place, signer.sign(content))
        self._put(public_key_path(signer.key_id), signer.public_pem)

    def _stamp(self, key: str, place: str, content: bytes) -> None:
        if self.prover.authority is None:
            self.silent = self.silent or "no time-stamping authority is configured any more"
        if self.silent is None and self.prover.authority is not None:
            try:
                self._put(place, self.prover.authority.stamp(content))
            except ArchiveConflictError:
                return  # another run was first, with a time stamp of its own
            except Cloud9ArchiveError as error:
                self.silent = error.message
        if self.silent is not None:
            self.findings.append(Finding(UNSTAMPED, key, self.silent))

    def _put(self, key: str, content: bytes) -> None:
        self.workspace.store.put(key, content, sha256=hashlib.sha256(content).hexdigest())
