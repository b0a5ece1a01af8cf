"""Findings that only the daily look makes, which lays listing, catalog and archive side by side."""

from __future__ import annotations

from collections.abc import Mapping

from cloud9_archive.domain.finding_kind import FindingKind, Severity

LOOK_KINDS: Mapping[str, FindingKind] = {
    "RUN_MISSING": FindingKind(
        Severity.ERROR,
        gap=True,
        meaning="Data intervals of a policy are over, and no run has listed every source for them to its end.",
        next_action="Run the backfill that the finding names. It heals with the next daily look after that.",
    ),
    "POLICY_PAUSED": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="The DAG of a policy is paused, as Airflow says, or because no run has come since; nothing of it is archived.",
        next_action="Switch the DAG on and run the backfill that RUN_MISSING names, or accept the finding with the reason for the pause. It heals with the next daily look.",
    ),
    "CALL_OVERLOOKED": FindingKind(
        Severity.ERROR,
        gap=True,
        meaning="A source lists a call, and no run has ever listed it: it was reported later than runs look back.",
        next_action="Run the command that the finding names, and give the policy a longer lookback if it happens again. It heals when a run has decided on the call.",
    ),
    "CALL_VANISHED": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="A call is in the catalog, and its source lists it no more, though it lists the others of that day.",
        next_action="Nothing was removed from the archive. Ask Cloud9 who deleted the call, and accept the finding with the answer. It heals when the call is listed again.",
    ),
    "LISTING_SHRUNK": FindingKind(
        Severity.ERROR,
        gap=False,
        meaning="Of a day's calls that are in the catalog, a source lists less than half by now, or none.",
        next_action="Ask Cloud9 whether its listing is whole, and look at the key's scopes. It heals when the day is listed whole again.",
    ),
    "LISTING_AMENDED": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="A source tells calls of a day otherwise than runs have listed them: it amended them later than runs look back.",
        next_action="Run the command that the finding names: it documents the calls anew. It heals with the next daily look after that.",
    ),
    "MEDIA_NOT_ASKED_FOR": FindingKind(
        Severity.ERROR,
        gap=False,
        meaning="Calls with awaited or missing media have been due for more than a day, and no scheduled run has asked for them.",
        next_action="Switch the policy's DAG on: its scheduled runs ask for them. Without one, run the command that the finding names.",
    ),
    "BAG_NOT_IN_ARCHIVE": FindingKind(
        Severity.CRITICAL,
        gap=True,
        meaning="The catalog knows a sealed bag, and the archive does not have its seal.",
        next_action="Change nothing; run cloud9-archive verify, and bring the bag back from the archive's copy. It heals when it is there.",
    ),
    "RECORD_NOT_IN_ARCHIVE": FindingKind(
        Severity.CRITICAL,
        gap=True,
        meaning="The catalog calls a recording or a call archived, and its file is not in its bag, without a tombstone.",
        next_action="Change nothing; run cloud9-archive verify, and bring the file back from the archive's copy. It heals when it is there.",
    ),
    "BAG_NOT_IN_CATALOG": FindingKind(
        Severity.ERROR,
        gap=True,
        meaning="A sealed bag is in the archive, and the catalog does not know it: the catalog is older than the archive, or another one.",
        next_action="Stop the policy's DAG, and make the catalog anew with cloud9-archive catalog rebuild. It heals with the next daily look after that.",
    ),
}
"""Code and kind, causes before their consequences."""

HEALED_BY_RUNS = frozenset({"CALL_OVERLOOKED"})
"""Those that a run heals as well, when it accounts for the call."""

LOOK_CODES = frozenset(LOOK_KINDS) - HEALED_BY_RUNS
"""Those of which a run's silence says nothing, whatever subject it looked at."""
