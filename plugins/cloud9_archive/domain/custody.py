"""Documents of custody: what changes about records after their bag is sealed. Append-only, each vouched for by a link."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from cloud9_archive.domain.bag import ARCHIVE_FORMAT
from cloud9_archive.domain.call import canonical_json
from cloud9_archive.domain.custody_parts import Digest, DisposedFile, DisposedRecord, ExtendedRecord, Part, Told
from cloud9_archive.domain.keys import custody_path
from cloud9_archive.domain.moment import Moment
from cloud9_archive.domain.selection import Selection, folded
from cloud9_archive.errors import ConfigurationError


class CustodyDocument(Part):
    """
    What all kinds have.

    :param document_id: made from everything else in it
    :param actor: who did it
    """

    format: Literal["1"] = ARCHIVE_FORMAT  # type: ignore[assignment]  # the constant is this word
    kind: str
    document_id: str = ""
    policy: str
    at: Moment
    actor: Told
    reason: Told

    @model_validator(mode="after")
    def _is_named(self) -> CustodyDocument:
        if not self.document_id:
            object.__setattr__(self, "document_id", name_of(self.model_dump(mode="json", by_alias=True)))
        return self

    @property
    def key(self) -> str:
        """Where it lies in the archive."""
        return custody_path(self.policy, day=self.at.date(), document_id=self.document_id)

    def content(self) -> bytes:
        """Its one text: canonical JSON and a newline."""
        return canonical_json(self.model_dump(mode="json", by_alias=True)) + b"\n"


class RetentionExtension(CustodyDocument):
    """
    Records are kept longer.

    :param retention: as it was asked for, counted from each call's start; None if a moment was given
    """

    kind: Literal["retention_extension"] = "retention_extension"
    selection: Selection
    retention: str | None = None
    until: Moment | None = None
    records: tuple[ExtendedRecord, ...] = Field(min_length=1)


class HeldCounts(Part):
    """How much a hold meant when it was placed."""

    recordings: int
    calls: int


class LegalHold(CustodyDocument):
    """
    What the selection means is not disposed of, whenever it is archived, until the hold is released.

    :param held: of what was archived when it was placed
    """

    kind: Literal["legal_hold"] = "legal_hold"
    label: Told
    selection: Selection
    held: HeldCounts


class ReleaseRequest(CustodyDocument):
    """
    Somebody asks that a hold be released; nothing is released yet.

    :param hold: document id of the hold
    """

    kind: Literal["release_request"] = "release_request"
    label: Told
    hold: str


class Release(CustodyDocument):
    """
    A hold is released: somebody else approved the request.

    :param hold: document id of the hold
    :param request: document id of the request
    """

    kind: Literal["release"] = "release"
    label: Told
    hold: str
    request: str
    requested_by: Told

    @model_validator(mode="after")
    def _two_people(self) -> Release:
        if folded(self.actor) == folded(self.requested_by):
            raise ValueError("whoever asked for a release cannot approve it")
        return self


class Tombstone(CustodyDocument):
    """
    Records of one bag were disposed of: written and vouched for before the first file is removed.

    :param prefix: the bag's folder, from the archive's root
    :param seal_sha256: of the bag's seal, which stays, like its other tag files
    """

    kind: Literal["tombstone"] = "tombstone"
    bag: str
    prefix: str
    seal_sha256: Digest
    records: tuple[DisposedRecord, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _had_expired(self) -> Tombstone:
        for record in self.records:
            if record.bag != self.bag:
                raise ValueError(f"{record.path} is of another bag")
            if record.retain_until > self.at:
                raise ValueError(f"{record.path} had not expired")
        return self

    def files(self) -> dict[str, DisposedFile]:
        """Every file that it lists, by its key in the archive."""
        return {f"{self.prefix}/{file.path}": file for record in self.records for file in record.files}


AnyDocument = RetentionExtension | LegalHold | ReleaseRequest | Release | Tombstone
_READER: TypeAdapter[AnyDocument] = TypeAdapter(Annotated[AnyDocument, Field(discriminator="kind")])


def name_of(document: Mapping[str, Any]) -> str:
    """The day of a document and 16 digits of the SHA-256 of everything in it but its name."""
    rest = {name: value for name, value in document.items() if name != "document_id"}
    day = str(document["at"])[:10].replace("-", "")
    return f"{day}-{hashlib.sha256(canonical_json(rest)).hexdigest()[:16]}"


def parse_custody(content: bytes | str) -> AnyDocument:
    """
    The document that :meth:`CustodyDocument.content` wrote.

    :raises ConfigurationError: if it is none, or does not have the name that its content gives it
    """
    try:
        document = _READER.validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(
            f"custody document refused: {place}: {first['msg']}".replace(": :", ":"),
            subject="custody",
            hint="it was not written by this format, or was altered: run cloud9-archive verify",
        ) from None
    if document.document_id != (name := name_of(json.loads(content))):
        raise ConfigurationError(
            f"custody document refused: its document_id is {document.document_id!r}, its content makes it {name!r}",
            subject="custody",
            hint="it was altered: run cloud9-archive verify",
        )
    return document
