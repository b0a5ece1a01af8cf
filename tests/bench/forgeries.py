"""What somebody may do who knows the format: files added, ends cut off, bags and links that fit one another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tampering import Acts, Case, Tree, bag_of, kind_of, writes

from cloud9_archive.domain import bag
from cloud9_archive.domain.bag import BagEntry
from cloud9_archive.domain.chain import ChainLink, LinkKind, Member, link_bytes, next_link, parse_link
from cloud9_archive.domain.keys import bag_folder, link_path, public_key_path, report_path, signature_path
from cloud9_archive.pipeline.signing import public_key_id, public_pem

POLICY, OTHER = "emea", "apac"
NEWEST = 2
NOW = datetime(2026, 3, 7, tzinfo=UTC)


def whole_cases(tree: Tree) -> Iterator[Case]:
    """Everything that is done to more than one file, or adds some."""
    for what, acts in _added(tree).items():
        yield from (Case(f"an unlisted file {what}", "", key, writes(key, b"x")) for key in acts)
    for what, act in (*_removed(tree), *_moved(tree), *_forged(tree)):
        yield Case(what, "", what, act)


def bags(tree: Tree, policy: str = POLICY) -> list[str]:
    """Folders of a policy's bags; the first holds two good recordings, the second a damaged one."""
    return sorted({folder for folder in map(bag_of, tree.keys) if folder and folder.startswith(policy)})


def run_of(tree: Tree, number: int) -> list[str]:
    """Everything that the run left whose link has the number, the link and what is beside it included."""
    stem = link_path(POLICY, number).removesuffix(".json")
    members = parse_link(tree.read(f"{stem}.json")).members
    folders = [bag_of(member.path) or member.path for member in members]
    return [*folders, *(f"{stem}.{ending}" for ending in ("json", "sig", "tsr"))]


def _added(tree: Tree) -> Mapping[str, list[str]]:
    first = bags(tree)[0]
    recording = next(key for key in tree.keys if key.startswith(first) and key.endswith("record.json"))
    return {
        "in a bag's payload": [f"{first}/data/x", f"{first}/data/.x", recording.replace("record.json", "x.wav")],
        "in a bag beside its tag files": [f"{first}/x", f"{first}/fetch.txt", f"{first}/manifest-md5.txt"],
        "among the bags": [f"{POLICY}/bags/x", f"{first.rpartition('/')[0]}/x"],
        "among the reports": [
            f"{POLICY}/reports/x",
            report_path(POLICY, day=date(2026, 3, 3), run_id="x", extension="csv"),
        ],
        "in the chain": [f"{POLICY}/chain/x", signature_path(POLICY, 9), link_path(POLICY, 3), link_path(POLICY, 9)],
        "among the public keys": ["keys/x.pem", public_key_path("0" * 64)],
        "in a policy's folder": [f"{POLICY}/x"],
        "at the root": ["x", ".x", "nobody/x", "nobody/chain/00000001.json"],
    }


def _removed(tree: Tree) -> Acts:
    first, newest = run_of(tree, 1), run_of(tree, NEWEST)
    yield "the first link removed, with signature and time stamp", lambda t: t.remove(*first[-3:])
    yield "the newest link removed, with signature and time stamp", lambda t: t.remove(*newest[-3:])
    yield "the newest link removed, with its bag and report", lambda t: t.remove(*newest)
    yield "all links of a policy removed", lambda t: t.remove(f"{POLICY}/chain")
    yield "a policy removed", lambda t: t.remove(POLICY)
    yield "a bag removed", lambda t: t.remove(bags(t)[0])
    yield (
        "the signatures and time stamps of a policy removed",
        lambda t: t.remove(
            *(key for key in t.keys if kind_of(key) in {"signature", "time stamp"} and key.startswith(POLICY))
        ),
    )


def _moved(tree: Tree) -> Acts:
    first = bags(tree)[0]
    other_day = first.replace("/03/06/", "/03/07/")
    yield "a bag moved to another day", lambda t: t.rename(first, other_day)
    yield "a bag moved to another policy", lambda t: t.rename(first, first.replace(POLICY, OTHER, 1))
    yield "a bag's folder renamed", lambda t: t.rename(first, f"{first}x")
    yield "a policy's folder changed in letter case", lambda t: t.rename(POLICY, POLICY.upper())


def _forged(tree: Tree) -> Acts:
    stranger = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"stranger").digest())
    yield "a recording replaced, record.json and manifests made to fit", lambda t: _refit(t) and None
    yield "the same, and the newest link made to fit", lambda t: _relink(t, _refit(t), signer=None)
    yield "the same, signed with another key", lambda t: _relink(t, _refit(t), signer=stranger)
    yield "a bag copied under another id", _copy_bag
    yield "a chain copied to a policy that never was", _copy_chain
    yield "a bag forged", lambda t: _forge_bag(t, POLICY) and None
    yield "a bag forged, and an unsigned link", lambda t: _forge_run(t, POLICY, signer=None)
    yield "a bag forged, and a link signed with another key", lambda t: _forge_run(t, POLICY, signer=stranger)
    yield "a policy forged, signed with another key", lambda t: _forge_run(t, "nobody", signer=stranger)
    yield "a bag's seal removed and its payload replaced", _unseal


def _refit(tree: Tree) -> Member:
    """The second bag's original is another, and the bag is right in itself; its new seal."""
    folder = bags(tree)[1]
    payload = {key.removeprefix(f"{folder}/"): tree.read(key) for key in tree.keys if key.startswith(f"{folder}/data/")}
    path = next(path for path in payload if "/original." in path)
    record_path = f"{path.rpartition('/')[0]}/record.json"
    record = json.loads(payload[record_path])
    old, payload[path] = record["original"]["sha256"], b"OggS" + payload[path][:-4]
    record["original"]["sha256"] = hashlib.sha256(payload[path]).hexdigest()
    payload[record_path] = payload[record_path].replace(old.encode(), record["original"]["sha256"].encode())
    tags = dict(bag.parse_bag_info(tree.read(f"{folder}/{bag.BAG_INFO}")))
    return _put_bag(tree, tags.pop("Bag-Group-Identifier"), tags.pop("External-Identifier"), payload, folder=folder)


def _put_bag(tree: Tree, policy: str, bag_id: str, payload: Mapping[str, bytes], *, folder: str = "") -> Member:
    day = date(2026, 3, 6)
    folder = folder or bag_folder(policy, day=day, bag_id=bag_id)
    entries = [BagEntry(path, hashlib.sha256(content).hexdigest(), len(content)) for path, content in payload.items()]
    tags = bag.tag_files(entries, bag_id=bag_id, policy=policy, bagging_date=day)
    for path, content in [*payload.items(), *((tag.path, tag.content) for tag in tags)]:
        tree.write(f"{folder}/{path}", content)
    return Member(f"{folder}/{bag.SEAL}", tags[-1].sha256)


def _forge_bag(tree: Tree, policy: str) -> Member:
    return _put_bag(tree, policy, "20260303-forged", {"data/calls/forged.json": b"{}\n"})


def _forge_run(tree: Tree, policy: str, *, signer: Ed25519PrivateKey | None) -> None:
    """A bag and a report that never were, and a link over them."""
    key = report_path(policy, day=date(2026, 3, 3), run_id="forged", extension="json")
    tree.write(key, b"{}\n")
    members = [_forge_bag(tree, policy), Member(key, hashlib.sha256(b"{}\n").hexdigest())]
    last = parse_link(tree.read(link_path(POLICY, NEWEST))) if policy == POLICY else None
    link = next_link(
        last, kind=LinkKind.REGULAR, policy=policy, run_id="forged", written_at=NOW, members=members,
        key_id=public_key_id(signer.public_key()) if signer else None,
    )  # fmt: skip
    _put_link(tree, link, signer)


def _relink(tree: Tree, seal: Member, *, signer: Ed25519PrivateKey | None) -> None:
    """The newest link vouches for the seal; it is signed by somebody else, or has the signature that it had."""
    link = parse_link(tree.read(link_path(POLICY, NEWEST)))
    members = tuple(seal if member.path == seal.path else member for member in link.members)
    key_id = public_key_id(signer.public_key()) if signer else link.key_id
    _put_link(tree, replace(link, members=members, key_id=key_id), signer)


def _put_link(tree: Tree, link: ChainLink, signer: Ed25519PrivateKey | None) -> None:
    content = link_bytes(link)
    tree.write(link_path(link.policy, link.number), content)
    if signer and link.key_id:
        tree.write(signature_path(link.policy, link.number), signer.sign(content))
        tree.write(public_key_path(link.key_id), public_pem(signer.public_key()))


def _copy_bag(tree: Tree) -> None:
    folder = bags(tree)[0]
    for key in [key for key in tree.keys if key.startswith(folder)]:
        tree.write(key.replace(folder, f"{folder}-copy"), tree.read(key))


def _copy_chain(tree: Tree) -> None:
    for key in [key for key in tree.keys if key.startswith(f"{POLICY}/chain/")]:
        tree.write(key.replace(POLICY, "nobody", 1), tree.read(key))


def _unseal(tree: Tree) -> None:
    folder = bags(tree)[1]
    tree.remove(f"{folder}/{bag.SEAL}")
    tree.write(next(key for key in tree.keys if key.startswith(folder) and "/original." in key), b"x")
