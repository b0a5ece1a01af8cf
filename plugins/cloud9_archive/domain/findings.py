"""Findings: what a person must know about a run, each kind with a stable code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cloud9_archive.domain.finding_kind import FindingKind, Severity
from cloud9_archive.domain.look_findings import LOOK_KINDS

__all__ = ["FINDING_KINDS", "Finding", "FindingKind", "Severity", "findings_table"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """
    One finding.

    :param code: a key of :data:`FINDING_KINDS`
    :param subject: the record that it is about, as ``source/id``
    :param words: what was found, as a sentence
    """

    code: str
    subject: str
    words: str

    @property
    def kind(self) -> FindingKind:
        """What its code stands for."""
        return FINDING_KINDS[self.code]


FINDING_KINDS: Mapping[str, FindingKind] = {
    "SOURCE_NOT_LISTED": FindingKind(
        Severity.ERROR,
        gap=True,
        meaning="A source of the policy was not listed to its end in this run.",
        next_action="Read the log of that source's fetch_calls task, mend what it names, and clear the task.",
    ),
    "CALL_UNDECIDED": FindingKind(
        Severity.ERROR,
        gap=True,
        meaning="A call was listed, and the policy has no decision on it.",
        next_action="Clear the run's apply_recording_rules task; a finding of the daily look names the command that decides.",
    ),
    "CALL_UNACCOUNTED": FindingKind(
        Severity.ERROR,
        gap=True,
        meaning="A call is to be recorded, and is neither archived, awaited, quarantined nor missing.",
        next_action="Read the logs of the batch that holds it, mend what they name, and clear the failed tasks.",
    ),
    "CALL_NOT_LISTED": FindingKind(
        Severity.ERROR,
        gap=True,
        meaning="A call that a run was asked for by its id was listed by no source of the policy.",
        next_action="Compare the id with Cloud9's, letter by letter; if it is right, give a window that holds the call's begin. It heals when a run that asks for it finds it.",
    ),
    "RECORDING_ABANDONED": FindingKind(
        Severity.ERROR,
        gap=True,
        meaning="A recording of an earlier run is under work, and nobody holds it any more.",
        next_action="The next scheduled run takes it over; if none is due, clear apply_recording_rules of the earlier run.",
    ),
    "MEDIA_MISSING": FindingKind(
        Severity.ERROR,
        gap=False,
        meaning="The media deadline has passed, and the source still does not have the recording.",
        next_action="Ask Cloud9, or look at the user's client; the recording is asked for again and heals when it comes.",
    ),
    "MEDIA_REFUSED": FindingKind(
        Severity.ERROR,
        gap=False,
        meaning="The source refuses a recording for good, as by 400 or 410, and gives others; it is awaited, and asked for ever more rarely.",
        next_action="Ask Cloud9 for it by its id, before the media deadline makes it MEDIA_MISSING. It heals when it comes.",
    ),
    "KEY_EXPIRES": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="The API key of a source expires within 90 days, as its connection says; then nothing can be listed.",
        next_action="Make a new key in the portal, put it and its date into the connection, then remove the old one. It heals with the next run.",
    ),
    "LISTING_SILENT": FindingKind(
        Severity.ERROR,
        gap=False,
        meaning="A source lists no call for a window, though it listed hundreds for it before, or a day earlier; or none on a day on which the policy expects some.",
        next_action="Ask Cloud9 whether calls were recorded then, and the desk whether its clients ran; then run the window again. A day without trade belongs into the holidays file of `expect`. It heals when that day's calls are listed.",
    ),
    "CALLS_FEW": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="On a day on which the policy expects calls, a source lists far fewer than is usual for that weekday: less than `expect.floor` percent of the median of six weeks.",
        next_action="Ask the desk whether it was a quiet day, and Cloud9 if it was not; then run the day again. A day without trade belongs into the holidays file. It heals when a run over that day finds enough calls.",
    ),
    "METADATA_LATE": FindingKind(
        Severity.NOTIFICATION,
        gap=False,
        meaning="A source listed calls only after it had been listed for their time without them. This run has taken them; nothing is missing.",
        next_action="Nothing, unless the delay comes near schedule.lookback: then make that longer, since what comes later still is found by a backfill only. It heals with the first scheduled run that begins a day or more after that day.",
    ),
    "CALL_AMENDED": FindingKind(
        Severity.NOTIFICATION,
        gap=False,
        meaning="A source tells a call otherwise than it is archived. The call is documented again in a later bag, and the earlier document stays.",
        next_action="Compare the two documents if the fields matter; Cloud9 knows why it changed them. It heals when a later run lists the call unchanged.",
    ),
    "CALL_NEAR_DUPLICATE": FindingKind(
        Severity.NOTIFICATION,
        gap=False,
        meaning="Two calls of a source between the same ends begin within 5 s and differ by at most 3 s in length, under two ids. Both are kept.",
        next_action="Nothing is removed, and nothing needs to be; ask Cloud9 if there are many. It heals when the source tells one of them otherwise.",
    ),
    "MEDIA_LENGTH_DIFFERS": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="An archived call and its recordings together differ in length by more than the policy's media.length_tolerance.",
        next_action="Listen to the recordings: where they are shorter, audio may be elsewhere or lost; ask Cloud9. It heals when the call's length or recordings are told otherwise, or the tolerance is.",
    ),
    "MEDIA_UNLINKED": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="No call names a recording any more that a listed call named before. What is archived of it stays.",
        next_action="Ask Cloud9 whether the recording belongs to another call. It heals when a run lists a call that names it.",
    ),
    "USER_WITHOUT_MEDIA": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="Of a user's calls, five or more on two days or more, none ever brought audio, while those of others of the source do.",
        next_action="Look at how the user's client records: it may keep the audio to itself. It heals when audio of one of the user's calls comes, or when no run has met the user for 30 days.",
    ),
    "ARCHIVED_NOW_EXCLUDED": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="A call was archived, and a decision that was asked for since excludes it: its audio is in the archive still.",
        next_action="Nothing was removed. Let whoever answers for the roster or policy see both decisions; it heals when the call is decided to be recorded again.",
    ),
    "ROSTER_LOGIN_UNKNOWN": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="Logins at the near end of a source's calls are on no roster, so nobody is recorded because of them.",
        next_action="Put each on the roster, as do_not_record if nobody wants them recorded; cloud9-archive roster compare lists all. It heals when the roster has them, or when no run has met them for 30 days.",
    ),
    "ROSTER_USER_QUIET": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="Users of the roster have taken part in no call for the policy's quiet_after.",
        next_action="Compare their logins with Cloud9's, letter by letter; give leavers a valid_to. It heals when they call.",
    ),
    "ROSTER_EXTENSION_UNMATCHED": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="Extensions have been on the roster for the policy's quiet_after and never matched a call.",
        next_action="Compare them with Cloud9's logins and numbers, letter by letter, and remove what is not in use. It heals when they match.",
    ),
    "ALERT_NOT_SENT": FindingKind(
        Severity.ERROR,
        gap=False,
        meaning="Findings of the policy were to be told, and the channel of its alerts did not take the message.",
        next_action="Try it with cloud9-archive policy test-alert, and mend connection or policy. The next run tells what was not told, and it heals.",
    ),
    "DERIVATIVE_FAILED": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="A recording is intact and archived, and a derivative that is asked for could not be made or does not match it.",
        next_action="Listen to the original, which is whole. The same software and profile would fail again: use another profile, or report it.",
    ),
    "DERIVATIVE_ABSENT": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="A call asks for a profile by which its recording has no derivative, because it was archived before for another call or by an older decision.",
        next_action="Nothing is lost: make the derivative from the archived original where it is needed. It heals when the call is decided on anew for a profile that is there.",
    ),
    "MEDIA_QUARANTINED": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="A recording is damaged, empty or not audio; its original is archived and marked, without derivative.",
        next_action="Listen to the original; if the source has a better one, ask for it to be uploaded again.",
    ),
    "SIGNATURE_MISSING": FindingKind(
        Severity.ERROR,
        gap=False,
        meaning="A chain link has no signature, and the configured key is not the one that it names: an attempt was cut off before the key was changed.",
        next_action="Configure the earlier key, clear the run's reconcile task, then configure the new key again. It heals when the signature is there.",
    ),
    "TIMESTAMP_MISSING": FindingKind(
        Severity.WARNING,
        gap=False,
        meaning="The time-stamping authority gave no usable time stamp for a chain link.",
        next_action="Nothing stops because of it, and each run asks again; if it stays, ask the authority, or correct timestamp_url and timestamp_ca_file. It heals when the time stamp is there.",
    ),
    **LOOK_KINDS,
}
"""Every code; the table in the runbook is generated from this."""


def findings_table() -> str:
    """The codes as a Markdown table."""
    rows = ["| code | severity | fails the run | meaning | next action |", "| --- | --- | --- | --- | --- |"]
    rows += [
        f"| `{code}` | {kind.severity} | {'yes' if kind.gap else 'no'} | {kind.meaning} | {kind.next_action} |"
        for code, kind in sorted(FINDING_KINDS.items())
    ]
    return "\n".join(rows)
