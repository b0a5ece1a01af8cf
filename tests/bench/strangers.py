"""Who looks at an archive without this software: sha256sum, bagit-python and openssl, told what archive-format.md tells."""

from __future__ import annotations

import json
import logging
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import bagit
from tampering import bag_of

from cloud9_archive.domain.bag import SEAL

logging.getLogger("bagit").setLevel(logging.CRITICAL)


def found_by_sha256sum(root: Path, touched: Iterable[str], heads: dict[str, str]) -> bool:
    """
    Whether ``sha256sum -c`` is discontent: with a bag's manifests, with what links say of their members and of the link
    before them, or because no link has the head digest that was kept.
    """
    for bag in _bags(root, touched):
        for manifest in (SEAL, "manifest-sha256.txt"):
            if not _run(root / bag, ["sha256sum", "--strict", "--quiet", "-c", manifest]):
                return True
    lines = ""
    for policy, head in heads.items():
        links = sorted((root / policy / "chain").glob("*.json"))
        for link, before in zip(links, [None, *links], strict=False):
            try:
                document = json.loads(link.read_bytes())
                lines += "".join(f"{member['sha256']}  {member['path']}\n" for member in document["members"])
            except (ValueError, TypeError, KeyError, AttributeError):
                return True  # jq ends with an error
            if (before is None) is not (document.get("previous") is None):
                return True
            lines += f"{document['previous']}  {before.relative_to(root)}\n" if before else ""
        printed = subprocess.run(["sha256sum", *links, "/dev/null"], capture_output=True, check=False, text=True)
        if head not in printed.stdout:
            return True
    return not _run(root, ["sha256sum", "--strict", "--quiet", "-c", "-"], lines)


def found_by_bagit(root: Path, touched: Iterable[str]) -> bool:
    """Whether bagit-python does not take one of the bags for valid."""
    for bag in _bags(root, touched):
        try:
            bagit.Bag(str(root / bag)).validate()
        except (bagit.BagError, ValueError, OSError):
            return True
    return False


def found_by_openssl(root: Path, touched: Iterable[str], *, public_key: Path, tsa_ca: Path) -> bool:
    """Whether a link's signature or time stamp does not hold, or a public key's id is not its name."""
    touched = list(touched)
    for key in touched:
        if re.fullmatch(r"keys/[0-9a-f]{64}\.pem", key) and not _is_its_key(root / key):
            return True
    stems = {key.rpartition(".")[0] for key in touched if re.fullmatch(r"[^/]+/chain/[0-9]{8}\.[a-z]+", key)}
    for link in [root / f"{stem}.json" for stem in stems if (root / f"{stem}.json").is_file()]:
        signed, stamped = _promised(link)
        signature = ["pkeyutl", "-verify", "-pubin", "-inkey", public_key, "-rawin", "-in", link, "-sigfile"]
        stamp = ["ts", "-verify", "-data", link, "-CAfile", tsa_ca, "-in"]
        if signed and not _run(root, ["openssl", *signature, link.with_suffix(".sig")]):
            return True
        if stamped and not _run(root, ["openssl", *stamp, link.with_suffix(".tsr")]):
            return True
    return False


def _promised(link: Path) -> tuple[bool, bool]:
    """Whether the link promises a signature and a time stamp; one that cannot be read has to have both."""
    try:
        document = json.loads(link.read_bytes())
        return document.get("key_id") is not None, bool(document.get("timestamp"))
    except (ValueError, AttributeError):
        return True, True


def _bags(root: Path, touched: Iterable[str]) -> set[str]:
    """Folders of bags, of those that were touched, that have a seal."""
    return {bag for bag in map(bag_of, touched) if bag and (root / bag / SEAL).exists()}


def _is_its_key(path: Path) -> bool:
    made = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", path, "-outform", "DER"], capture_output=True, check=False
    )
    digest = subprocess.run(["sha256sum"], input=made.stdout, capture_output=True, check=True).stdout.decode()
    return made.returncode == 0 and digest.startswith(path.stem)


def _run(folder: Path, command: list[object], told: str = "") -> bool:
    """Whether the program is content."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=folder, input=told.encode(), capture_output=True, check=False).returncode == 0
