"""A document of custody, read from an archive as a link of its chain vouches for it."""

from __future__ import annotations

import hashlib

from cloud9_archive.domain.chain import Member
from cloud9_archive.domain.custody import AnyDocument, parse_custody
from cloud9_archive.errors import Cloud9ArchiveError
from cloud9_archive.pipeline.archived_bag import Reader


def read_custody(reader: Reader, member: Member) -> AnyDocument | None:
    """
    The document, or None if it is not what the link says, or no document of custody.

    :param member: of a link; its file is there
    :raises Cloud9ArchiveError: if it cannot be read
    """
    content = reader.read(member.path)
    if hashlib.sha256(content).hexdigest() != member.sha256:
        return None
    try:
        return parse_custody(content)
    except Cloud9ArchiveError:
        return None
