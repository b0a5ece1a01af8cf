"""Files on their way into an encrypted archive: encrypted in staging, once, and put from there however often."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from cloud9_archive.catalog.batches import Batch, BatchRecording
from cloud9_archive.pipeline.bag_documents import ENCRYPTED_ENDING
from cloud9_archive.pipeline.bag_plan import PlannedFile
from cloud9_archive.pipeline.envelope import ENVELOPE, encrypt
from cloud9_archive.pipeline.recipients import Recipient
from cloud9_archive.pipeline.staging import Staging, staging_lost


@dataclass(frozen=True, slots=True)
class Encrypting:
    """
    Encrypts a batch's files, into a staged folder that no other attempt writes to.

    :param batch: whose staged files are whole
    :param recipients: at least one
    """

    staging: Staging
    batch: Batch
    recipients: Sequence[Recipient]
    envelopes: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def tags(self) -> tuple[tuple[str, str], ...]:
        """How, and for whose certificates, the bag's files are encrypted."""
        return (
            ("Encryption", ENVELOPE),
            ("Encryption-Recipients", " ".join(recipient.fingerprint for recipient in self.recipients)),
        )

    def wrapped(self, file: PlannedFile, recording: BatchRecording | None) -> PlannedFile:
        """
        The file is encrypted in staging, and on stable storage.

        :raises StagingLostError: if its staged bytes are gone or altered
        """
        name = file.path.removeprefix("data/").replace("/", "+")
        target = self.staging.envelope(self.batch.policy, self.batch.batch_id, self.envelopes, name)
        if file.text is not None:
            _, sha256, size = encrypt_text(file.text.encode(), target, self.recipients)
        else:
            sha256, size = self._staged(file, recording, target)
        return PlannedFile(path=file.path, sha256=sha256, size=size, envelope=name)

    def _staged(self, file: PlannedFile, recording: BatchRecording | None, target: Path) -> tuple[str, int]:
        if recording is None:
            raise ValueError(f"{file.path} belongs to no recording")
        policy, digest = self.batch.policy, recording.original_sha256 or ""
        source = self.staging.original(policy, recording.ref, digest)
        if file.staged != "original":
            name = PurePosixPath(file.path).name.removesuffix(ENCRYPTED_ENDING)
            source = self.staging.derivative(policy, recording.ref, digest, name)
        subject = "/".join(recording.ref)
        try:
            plain, sha256, size = encrypt_file(source, file.size, target, self.recipients)
        except (FileNotFoundError, ValueError) as error:
            raise staging_lost(subject, str(error)) from None
        if plain != file.sha256:
            raise staging_lost(subject, f"expected {file.sha256}, found {plain}")
        return sha256, size


def encrypt_text(content: bytes, target: Path, recipients: Sequence[Recipient]) -> tuple[str, str, int]:
    """
    The content stands encrypted at ``target``, on stable storage.

    :returns: SHA-256 of the content, SHA-256 and size of the encrypted file
    """
    return _encrypt(io.BytesIO(content), len(content), target, recipients)


def encrypt_file(source: Path, size: int, target: Path, recipients: Sequence[Recipient]) -> tuple[str, str, int]:
    """
    The file stands encrypted at ``target``, on stable storage.

    :param size: bytes that the source must have
    :returns: SHA-256 of the source, SHA-256 and size of the encrypted file
    :raises FileNotFoundError: if the source is gone
    :raises ValueError: if it has another size
    """
    with source.open("rb") as plain:
        return _encrypt(plain, size, target, recipients)


def _encrypt(source: BinaryIO, size: int, target: Path, recipients: Sequence[Recipient]) -> tuple[str, str, int]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as stream:
        made = encrypt(source, size, stream, recipients)
        stream.flush()
        os.fsync(stream.fileno())
    return made
