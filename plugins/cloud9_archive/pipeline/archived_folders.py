"""What lies in an archive by name: each policy's bags, reports and links."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from cloud9_archive.domain.bag import SEAL
from cloud9_archive.domain.chain import ChainLink, parse_link
from cloud9_archive.domain.keys import KEYS_FOLDER, link_path, path_segment
from cloud9_archive.errors import Cloud9ArchiveError
from cloud9_archive.pipeline.bag_documents import ENCRYPTED_ENDING
from cloud9_archive.storage.store import Store

_BAG_DEPTH = 6
"""Policy, ``bags``, year, month, day, id."""


@dataclass
class PolicyFolders:
    """
    What a policy has in an archive, by key.

    :param sealed: folders of bags
    :param unsealed: folders of what is no bag yet
    :param reports: files of reports
    :param encrypted: whether the name of anything in it says that it is
    """

    sealed: set[str] = field(default_factory=set)
    unsealed: set[str] = field(default_factory=set)
    reports: set[str] = field(default_factory=set)
    encrypted: bool = False


def policy_folders(store: Store) -> dict[str, PolicyFolders]:
    """The policies by the segment of their names: one pass over all keys, of which only these are kept."""
    found: dict[str, PolicyFolders] = {}
    for key, _ in store.versions():
        first, *rest = key.split("/")
        if not rest or (first == KEYS_FOLDER and len(rest) == 1):
            continue
        folders = found.setdefault(first, PolicyFolders())
        folders.encrypted = folders.encrypted or key.endswith(ENCRYPTED_ENDING)
        if rest[0] == "bags" and len(rest) >= _BAG_DEPTH:
            folder = "/".join((first, *rest[: _BAG_DEPTH - 1]))
            if rest[_BAG_DEPTH - 1 :] == [SEAL]:
                folders.unsealed.discard(folder)
                folders.sealed.add(folder)
            elif folder not in folders.sealed:
                folders.unsealed.add(folder)
        elif rest[0] == "reports":
            folders.reports.add(key)
    return found


def links_in_place(store: Store, segment: str) -> Iterator[tuple[ChainLink, str]]:
    """
    The links of a chain that are links and stand under their own name, in order, each with its digest.

    Whoever wants to know what is wrong with the others asks :func:`~cloud9_archive.pipeline.verify_chain.verify_chain`.

    :param segment: the policy's folder
    :raises Cloud9ArchiveError: if a file of the chain cannot be read
    """
    for key in store.keys(f"{segment}/chain"):
        if not key.endswith(".json"):
            continue
        content = store.read(key)
        try:
            link = parse_link(content)
        except Cloud9ArchiveError:
            continue
        if path_segment(link.policy) == segment and link_path(link.policy, link.number) == key:
            yield link, hashlib.sha256(content).hexdigest()
