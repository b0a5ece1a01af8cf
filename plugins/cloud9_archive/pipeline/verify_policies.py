"""The archive of some policies, verified with what this deployment keeps outside of it: heads, keys, certificates."""

from __future__ import annotations

from collections.abc import Sequence

from cloud9_archive.catalog.catalog import open_catalog
from cloud9_archive.catalog.chain import head
from cloud9_archive.domain.policy import Policy
from cloud9_archive.pipeline.settings import Settings
from cloud9_archive.pipeline.verify import verify_archive
from cloud9_archive.pipeline.verify_proofs import read_trust
from cloud9_archive.pipeline.verify_report import VerifyReport
from cloud9_archive.pipeline.verify_scope import Scope
from cloud9_archive.pipeline.workspace import OpenArchive, archive_of


def verify_policies(
    policies: Sequence[Policy], settings: Settings, *, scope: Scope, open_archive: OpenArchive | None = None
) -> VerifyReport:
    """
    The whole archive of the policies, which have one target, was checked; the catalog's heads must be in its chains.

    :param policies: at least one
    :param open_archive: the way to a bucket; without it, only policies that name no ``archive.conn_id`` are served
    """
    store = archive_of(policies[0], settings, open_archive=open_archive)
    catalog = open_catalog(settings.catalog_address)
    try:
        known = [head(catalog, policy.policy) for policy in policies]
    finally:
        catalog.close()
    trust = read_trust(settings.proof.public_key_files, settings.proof.timestamp_ca_file)
    return verify_archive(store, heads=[link.digest for link in known if link], trust=trust, scope=scope)
