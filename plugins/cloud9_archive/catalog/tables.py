"""The catalog's tables; migrations/ brings a database to this shape, and a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

from cloud9_archive.catalog.text_type import SourceText


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware UTC in Python, naive UTC in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The instant without its zone; a value without a zone is refused."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the catalog takes aware datetimes only")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The instant in UTC."""
        del dialect
        return None if value is None else value.replace(tzinfo=UTC)


Size = BigInteger().with_variant(Integer(), "sqlite")
"""Bytes."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
    }
)


def _key(name: str) -> Column[str]:
    return Column(name, SourceText, primary_key=True)


# What the sources reported ------------------------------------------------------------------------

calls = Table(
    "calls",
    metadata,
    _key("source"),
    _key("call_id"),
    Column("started_at", UtcDateTime, nullable=False),
    Column("document", Text, nullable=False, comment="Call.document() as canonical JSON, raw row included"),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the document; changes when the source amends"),
    Column("first_listed_at", UtcDateTime, nullable=False),
    Column("last_listed_at", UtcDateTime, nullable=False),
    Index(None, "source", "started_at"),
)

recordings = Table(
    "recordings",
    metadata,
    _key("source"),
    _key("recording_id"),
    Column("duration", Float, comment="seconds, as reported"),
    Column("filename", SourceText),
    Column("first_listed_at", UtcDateTime, nullable=False),
)

call_recordings = Table(
    "call_recordings",
    metadata,
    _key("source"),
    _key("call_id"),
    _key("recording_id"),
    Column("offset", Float, comment="seconds into the recording at which the call begins"),
    ForeignKeyConstraint(["source", "call_id"], ["calls.source", "calls.call_id"]),
    ForeignKeyConstraint(["source", "recording_id"], ["recordings.source", "recordings.recording_id"]),
    # With the call in it, or SQLite would rather walk all of the source's ties in the key.
    Index(None, "source", "recording_id", "call_id"),
)

# What a policy makes of it ------------------------------------------------------------------------

policies = Table(
    "policies",
    metadata,
    _key("policy"),
    _key("version"),
    Column("document", Text, nullable=False),
    Column("first_used_at", UtcDateTime, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", Integer, primary_key=True, autoincrement=True),
    Column("policy", String, nullable=False),
    Column("source", SourceText, nullable=False),
    Column("call_id", SourceText, nullable=False),
    Column("outcome", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("reason", SourceText, nullable=False),
    Column("users", Text, nullable=False, comment="JSON list of recorded users"),
    Column("policy_version", String(64), nullable=False),
    Column("roster_version", String(64)),
    Column("run_id", String, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("section", SourceText, comment="name of the section that decided"),
    Column(
        "recorded_for",
        Text,
        nullable=False,
        server_default="[]",
        comment="JSON list: an entry with extension, end and retention for each recorded user",
    ),
    Column("retention", String, comment="the longest that is asked for, such as 7y"),
    Column("call_digest", String(64), comment="digest of the call as it was decided on"),
    Column("replaces", Integer, comment="the decision that it took the place of, on request"),
    Column("profile", String, comment="the profile that is asked for; without one, the policy's media.profile"),
    Index(None, "policy", "source", "call_id"),
)

policy_calls = Table(
    "policy_calls",
    metadata,
    _key("policy"),
    _key("source"),
    _key("call_id"),
    Column("state", String, nullable=False),
    Column("decision_id", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime, nullable=False, comment="from here on absent media are missing"),
    Column("next_check_at", UtcDateTime, nullable=False, comment="when it is due again, unless it is settled"),
    Column("attempts", Integer, nullable=False, comment="how often its media were asked for in vain"),
    Column("batch_id", String, comment="the batch that holds it, while that batch is unfinished"),
    Column("archived_digest", String(64), comment="digest of the call as last documented in a bag"),
    Column("bag_id", String),
    ForeignKeyConstraint(["source", "call_id"], ["calls.source", "calls.call_id"]),
    Index(None, "policy", "state", "next_check_at"),
    Index(None, "source", "call_id"),
    Index(None, "batch_id"),
)

media = Table(
    "media",
    metadata,
    _key("policy"),
    _key("source"),
    _key("recording_id"),
    Column("state", String, nullable=False),
    Column("deadline_at", UtcDateTime, nullable=False),
    Column("batch_id", String, comment="the batch that holds it, while that batch is unfinished"),
    Column("original_sha256", String(64)),
    Column("original_size", Size),
    Column("fetched_at", UtcDateTime),
    Column("examination", Text, comment="JSON: what the bytes turned out to be"),
    Column("derivatives", Text, comment="JSON list: file, digest, provenance and checks of each derivative"),
    Column("failed_derivatives", Text, comment="JSON list: profile, code and reason of each that was not made"),
    Column("waveform", Text, comment="JSON: file, digest and size of the peaks beside the derivatives"),
    Column("failure_code", String),
    Column("failure_reason", SourceText),
    Column("bag_id", String),
    ForeignKeyConstraint(["source", "recording_id"], ["recordings.source", "recordings.recording_id"]),
    Index(None, "policy", "state"),
    Index(None, "batch_id"),
)

amendments = Table(
    "amendments",
    metadata,
    _key("policy"),
    _key("source"),
    _key("call_id"),
    Column("digest", String(64), primary_key=True),
    Column("run_id", SourceText, comment="the run that tells of it; empty until one of the policy does"),
    Column("fields", Text, nullable=False, comment="JSON list: names of what changed, never values"),
    Column("listed_at", UtcDateTime, nullable=False, comment="when the source listed it so first"),
    ForeignKeyConstraint(["source", "call_id"], ["calls.source", "calls.call_id"]),
    Index(None, "policy", "run_id"),
)

login_audio = Table(
    "login_audio",
    metadata,
    _key("policy"),
    _key("source"),
    _key("login"),
    Column("heard_at", UtcDateTime, comment="start of the latest call whose audio came"),
    Column("unheard", Text, nullable=False, comment="JSON: start of its first calls without audio, by their ids"),
    Column("seen_at", UtcDateTime, nullable=False, comment="when a run last met it"),
    Index(None, "policy", "heard_at"),
)

# Rosters, and whom of them the calls have shown --------------------------------------------------

rosters = Table(
    "rosters",
    metadata,
    _key("policy"),
    _key("version"),
    Column("origin", SourceText, nullable=False, comment="file, address or query that it was read from"),
    Column("extensions", Integer, nullable=False),
    Column("users", Integer, nullable=False),
    Column("recorded_users", Integer, nullable=False, comment="users with an extension of mode full"),
    Column("copy_path", String, comment="path of the copy, on the host that read it"),
    Column("first_read_at", UtcDateTime, nullable=False),
    Column("last_read_at", UtcDateTime, nullable=False),
    Index(None, "policy", "last_read_at"),
)

roster_extensions = Table(
    "roster_extensions",
    metadata,
    _key("policy"),
    _key("type"),
    _key("value"),
    _key("valid_from"),
    Column("valid_to", String(10), nullable=False, comment="day; 9999-12-31 when there is no end"),
    Column("user", SourceText, nullable=False),
    Column("matched_at", UtcDateTime, comment="start of the latest call that it matched"),
    Column("quiet_since", UtcDateTime, nullable=False, comment="the same, or when it came onto the roster"),
    Column("version", String(64), nullable=False, comment="the roster that last had it"),
    Index(None, "policy", "quiet_since"),
    Index(None, "policy", "user"),
    Index(None, "policy", "version"),
)

unknown_logins = Table(
    "unknown_logins",
    metadata,
    _key("policy"),
    _key("source"),
    _key("login"),
    Column("call_id", SourceText, nullable=False, comment="its latest call"),
    Column("last_call_at", UtcDateTime, nullable=False),
    Column("calls", Integer, nullable=False, comment="in the run that met that call"),
    Column("seen_at", UtcDateTime, nullable=False, comment="when a run last met it"),
    Index(None, "policy", "seen_at"),
)

# Runs and their work ------------------------------------------------------------------------------

runs = Table(
    "runs",
    metadata,
    _key("policy"),
    _key("run_id"),
    Column("kind", String, nullable=False),
    Column("window_start", UtcDateTime, nullable=False),
    Column("window_end", UtcDateTime, nullable=False),
    Column("policy_version", String(64), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("state", String, nullable=False),
    Column("facts_digest", String(64), comment="digest of the facts in the newest report"),
    Column("report_number", Integer, nullable=False, server_default="0"),
    Column("report_key", String),
    Column("report_sums", Text, comment="JSON: both sums, and the findings by code, as the newest report has them"),
    Column(
        "single_calls",
        Integer,
        nullable=False,
        server_default="0",
        comment="how many calls it was asked for by their ids; 0: for all of its window",
    ),
    Index(None, "policy", "kind", "window_end"),
    Index(None, "policy", "window_end"),
)

day_reports = Table(
    "day_reports",
    metadata,
    _key("policy"),
    Column("day", Date, primary_key=True, comment="in the policy's time zone"),
    Column("number", Integer, nullable=False),
    Column("key", String, nullable=False),
    Column("facts_digest", String(64), nullable=False),
    Column("sums", Text, nullable=False, comment="JSON: both sums, and the findings that are not healed by code"),
)

listings = Table(
    "listings",
    metadata,
    _key("policy"),
    _key("run_id"),
    _key("source"),
    Column("pages", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("completed_at", UtcDateTime, nullable=False),
    Column("key_expires", Date, comment="the day on which the source's key expires, when its connection says it"),
    Column(
        "covered_from",
        UtcDateTime,
        comment="begin of the span that was listed whole; empty for a run that was told which calls to take",
    ),
    Column("covered_to", UtcDateTime),
    Column("first_completed_at", UtcDateTime, comment="when the run had listed that span first"),
    Index(None, "policy", "source", "covered_to"),
)

run_calls = Table(
    "run_calls",
    metadata,
    _key("policy"),
    _key("run_id"),
    _key("source"),
    _key("call_id"),
    ForeignKeyConstraint(["source", "call_id"], ["calls.source", "calls.call_id"]),
)

# A table of its own, so that what a run listed stays countable by itself.
run_stragglers = Table(
    "run_stragglers",
    metadata,
    _key("policy"),
    _key("run_id"),
    _key("source"),
    _key("call_id"),
    ForeignKeyConstraint(["source", "call_id"], ["calls.source", "calls.call_id"]),
)

batches = Table(
    "batches",
    metadata,
    _key("batch_id"),
    Column("policy", String, nullable=False),
    Column("run_id", String, nullable=False, comment="the run that holds it"),
    Column("state", String, nullable=False),
    Column("formed_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("plan", Text, comment="JSON: the bag's final content, from sealing until sealed"),
    # Unfinished batches are few; finished ones are many and never looked up this way.
    Index(
        "ix_batches_unfinished",
        "policy",
        "run_id",
        sqlite_where=text("state IN ('open', 'sealing')"),
        postgresql_where=text("state IN ('open', 'sealing')"),
    ),
)

# The archive, as far as it is known here ----------------------------------------------------------

bags = Table(
    "bags",
    metadata,
    _key("bag_id"),
    Column("policy", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("prefix", String, nullable=False),
    Column("seal_sha256", String(64), nullable=False, comment="digest of tagmanifest-sha256.txt"),
    Column("files", Integer, nullable=False),
    Column("size", Size, nullable=False),
    Column("sealed_at", UtcDateTime, nullable=False),
    Column("link_number", Integer, comment="the chain link that covers it"),
    Index(None, "policy", "run_id"),
    Index(None, "policy", "link_number"),
    Index(None, "policy", "sealed_at"),
)

chain = Table(
    "chain",
    metadata,
    _key("policy"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    Column("run_id", String, nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
    Index(None, "policy", "run_id"),
)

bag_records = Table(
    "bag_records",
    metadata,
    _key("bag_id"),
    Column("path", String, primary_key=True, comment="in the bag: a recording's folder, or a call's document"),
    Column("policy", String, nullable=False),
    Column("kind", String, nullable=False, comment="recording or call"),
    Column("source", SourceText, nullable=False),
    Column("record_id", SourceText, nullable=False),
    Column("retain_until", UtcDateTime, comment="as its document states it"),
    Column("extended_until", UtcDateTime, comment="the latest extension"),
    Column("legal_hold", Integer, comment="1: put under legal hold, 2: that is being lifted"),
    Column("tombstone", String, comment="the document of custody that disposes of it"),
    Column("disposed_at", UtcDateTime),
    Index(None, "policy", "tombstone", "retain_until"),
    Index(None, "policy", "source", "record_id"),
)

custody = Table(
    "custody",
    metadata,
    _key("policy"),
    _key("document_id"),
    Column("kind", String, nullable=False),
    Column("document", Text, nullable=False, comment="the text that is in the archive, or is to be put there"),
    Column("chained_by", String, nullable=False, comment="run id of the link that has it as a member"),
    Column("entered_at", UtcDateTime, nullable=False),
    Column("chained_at", UtcDateTime, comment="from then on it counts in the archive"),
    Column("completed_at", UtcDateTime, comment="when everything that follows from it was done"),
    Index(None, "policy", "kind"),
    Index(None, "policy", "completed_at"),
)

findings = Table(
    "findings",
    metadata,
    _key("policy"),
    _key("code"),
    _key("subject"),
    Column("words", SourceText, nullable=False),
    Column("run_id", String, nullable=False, comment="the run that saw it last"),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("healed_at", UtcDateTime),
    Column("told_at", UtcDateTime, comment="when an alert told it; empty again once healed"),
    Column("accepted_at", UtcDateTime, comment="a person has seen it and lives with it; empty again once healed"),
    Column("accepted_by", SourceText),
    Column("accepted_because", SourceText),
    Column(
        "times_seen",
        Integer,
        nullable=False,
        server_default="1",
        comment="how many runs have seen it since it was opened",
    ),
    Index(None, "policy", "subject"),
    Index(None, "policy", "healed_at"),
)

alerts = Table(
    "alerts",
    metadata,
    _key("policy"),
    _key("fingerprint"),
    Column("kind", String, nullable=False),
    Column("run_id", String, nullable=False, comment="the run that it was told of last"),
    Column("told_at", UtcDateTime, nullable=False),
    Column("repeats", Integer, nullable=False, comment="how often it was met since, and not told"),
    Index(None, "policy", "kind", "told_at"),
)

events = Table(
    "events",
    metadata,
    Column("event_id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("who", String, nullable=False, comment="the run that did it"),
    Column("policy", String, nullable=False),
    Column("what", String, nullable=False),
    Column("subject", SourceText, nullable=False),
    Column("before", SourceText),
    Column("after", SourceText),
    Index(None, "policy", "subject"),
)

# What all workers share ---------------------------------------------------------------------------

rate_buckets = Table(
    "rate_buckets",
    metadata,
    Column("bucket", SourceText, primary_key=True, comment="digest of the API key, and the endpoint"),
    Column(
        "ledger",
        Text,
        nullable=False,
        comment="JSON: turns of the last minute and turns booked ahead, in milliseconds; until when all pause",
    ),
    Column("changed_at", UtcDateTime, nullable=False),
)
