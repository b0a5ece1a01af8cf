"""The parts that documents of custody are made of: what a person wrote, and records by the place where they lie."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from cloud9_archive.domain.bag import check_bag_path
from cloud9_archive.domain.moment import Moment
from cloud9_archive.domain.selection import RecordKind

LONGEST_TEXT = 500
_ENDING = re.compile(r"\.[a-z0-9]{1,8}", re.ASCII)


def _told(text: str) -> str:
    if not text.isprintable() or text != text.strip() or not text:
        raise ValueError("a text is wanted that can be read: one line, without blanks around it")
    return text


Told = Annotated[str, StringConstraints(max_length=LONGEST_TEXT), AfterValidator(_told)]
"""What a person wrote: an actor, a reason, a label."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
BagPath = Annotated[str, AfterValidator(check_bag_path)]


class Part(BaseModel):
    """Unknown fields are passed over, as a reader must; the model writes just its own."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class PlacedRecord(Part):
    """
    A record, by the place where it lies.

    :param path: of a recording's folder or a call's document, in its bag
    """

    bag: str
    path: BagPath
    kind: RecordKind
    source: str
    id: str


class ExtendedRecord(PlacedRecord):
    """
    A record that is kept longer.

    :param before: until when it was kept; None: nothing was stated
    """

    before: Moment | None
    after: Moment

    @model_validator(mode="after")
    def _grows(self) -> ExtendedRecord:
        if self.before is not None and self.after <= self.before:
            raise ValueError(f"{self.path}: its retention would not grow")
        return self


class DisposedFile(Part):
    """
    A file that was removed.

    :param path: in the bag, as the bag's manifest has it
    :param size: bytes
    """

    path: BagPath
    sha256: Digest
    size: Annotated[int, Field(ge=0)]


class DisposedRecord(PlacedRecord):
    """
    A record that was disposed of, with all its files.

    :param retain_until: when its retention had ended
    """

    retain_until: Moment
    files: tuple[DisposedFile, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _files_are_its_own(self) -> DisposedRecord:
        for file in self.files:
            if not belongs_to(file.path, self.path):
                raise ValueError(f"{file.path} is no file of {self.path}")
        return self


def belongs_to(file: str, record: str) -> bool:
    """
    Whether a file of a bag is part of a record: it, a file in its folder, or it with one more ending.

    :param file: path in the bag
    :param record: path of the record in the bag
    """
    rest = file.removeprefix(record)
    return file.startswith(record) and (rest == "" or rest.startswith("/") or _ENDING.fullmatch(rest) is not None)
