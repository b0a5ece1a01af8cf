"""What a policy says of its archive: where it stands, how long it keeps, and how it locks."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from cloud9_archive.domain.policy_words import CertificatePaths, ConnectionId, Part, RetentionTime
from cloud9_archive.domain.retention import Retention
from cloud9_archive.domain.s3_place import is_s3_target, parse_s3_target


class Encryption(Part):
    """For whom everything is encrypted that says who spoke with whom, or what."""

    recipients: CertificatePaths = Field(
        description="Certificates in PEM, one a file, below `include/` or absolute: RSA of 2048 bits or more, or elliptic "
        "(P-256, P-384, P-521). Whoever has the private key of one opens every file; no worker needs any.",
        examples=["[certs/archive.pem]"],
        json_schema_extra={"uniqueItems": True},
    )


class Archive(Part):
    """Where the archive stands, and how long what is in it is kept."""

    target: str = Field(
        max_length=1024,
        description="A folder: relative to the deployment's archive base, absolute, or a `file://` URL; or "
        "`s3://bucket/prefix`.",
        examples=["archive"],
    )
    conn_id: ConnectionId | None = Field(
        default=None,
        validate_default=True,
        description="Airflow connection of type aws that leads to the bucket; only with `s3://`. Default: the worker's "
        "own credentials, as boto3 finds them.",
        examples=["aws_archive"],
    )
    retention: RetentionTime | None = Field(
        default=None,
        description="How long everything is kept at least, from a call's start on, such as `7y` or `90d`. A section or "
        "the roster may ask for longer.",
        examples=["7y"],
    )
    lock: Literal["governance", "compliance"] | None = Field(
        default=None,
        description="Object Lock of every file until its retention ends, as privileged accounts can lift it "
        "(`governance`) or nobody can (`compliance`); only with `s3://`, and only with `retention`.",
        examples=["compliance"],
    )
    encrypt: Encryption | None = Field(
        default=None,
        description="Encrypts recordings, documents and reports before they reach the archive; without it they lie there "
        "in plain.",
    )

    @field_validator("target")
    @classmethod
    def _target_is_a_place(cls, value: str) -> str:
        scheme, separator, _ = value.partition("://")
        if is_s3_target(value):
            parse_s3_target(value)
            return value
        if separator and scheme.lower() != "file":
            raise ValueError("a folder, a file:// URL or s3://bucket/prefix is wanted: there are no other archives")
        if not value.strip() or value != value.strip() or not value.isprintable():
            raise ValueError("a folder is wanted, such as archive, without blanks around it or control characters")
        if ".." in re.split(r"[/\\]", value):
            raise ValueError("a folder without .. in its path is wanted")
        return value

    @field_validator("conn_id")
    @classmethod
    def _connection_leads_to_a_bucket(cls, value: str | None, known: ValidationInfo) -> str | None:
        if value is not None and not is_s3_target(known.data.get("target", "s3://")):
            raise ValueError("no conn_id is wanted where target is a folder: it would not be used")
        return value

    @field_validator("lock")
    @classmethod
    def _lock_has_an_end(cls, value: str | None, known: ValidationInfo) -> str | None:
        if value is None:
            return value
        if not is_s3_target(known.data.get("target", "s3://")):
            raise ValueError("no lock is wanted where target is a folder: a file system only records retention")
        retention: Retention | None = known.data.get("retention")
        if retention is None and "retention" in known.data:
            raise ValueError("a lock is wanted only together with archive.retention, such as 7y: it must have an end")
        return value
