"""What ``policy explain --call`` and ``policy simulate`` do; apart, because it imports the catalog and Airflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cloud9_archive.catalog.history import MadeDecision, calls_named, decisions_on
from cloud9_archive.cli.catalog_work import catalog_of, require_catalog
from cloud9_archive.cli.connections import connections_found
from cloud9_archive.cli.late_reach import LateReach
from cloud9_archive.cli.logs import quiet_logs
from cloud9_archive.cli.policy_decisions import policy_path
from cloud9_archive.deployment import deployment_settings
from cloud9_archive.domain.alert import Alert
from cloud9_archive.domain.alerting import AlertKind
from cloud9_archive.domain.call import utc_text
from cloud9_archive.domain.explanation import explained
from cloud9_archive.domain.findings import Severity
from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.rules import Ruler
from cloud9_archive.domain.run import CallRef
from cloud9_archive.domain.window import Window
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import ConfigurationError, PolicyError, WindowError
from cloud9_archive.notifications.channels import send
from cloud9_archive.pipeline.policy_files import load_policy
from cloud9_archive.pipeline.roster_files import Matching, load_roster
from cloud9_archive.pipeline.roster_sources import load_roster_of
from cloud9_archive.pipeline.simulate import Flip, Simulation, simulate

_WINDOW_HINT = "for example --from 2026-11-20T00:00:00+00:00 --to 2026-11-21T00:00:00+00:00"


@dataclass(frozen=True, slots=True)
class SimulationOrder:
    """
    What is to be compared.

    :param policy: name, or path of a policy file
    :param begin: ISO 8601 with an offset
    :param end: ISO 8601 with an offset
    :param against: a changed policy file
    :param roster: a changed roster file
    """

    policy: str
    begin: str
    end: str
    against: Path | None
    roster: Path | None
    include: Path


def send_test_alert(path: Path) -> str:
    """
    What a test of the policy's alerts led to, as a sentence.

    :raises ConfigurationError: if the policy has no alerts, or they cannot go out as it says
    :raises AlertNotSentError: if the channel did not take it
    """
    policy = load_policy(path)
    if policy.alerts is None:
        raise PolicyError(f"{path} has no alerts: nobody is told", subject="alerts", hint="docs/alerts.md has examples")
    with quiet_logs(), connections_found():
        send(policy.alerts, Alert(AlertKind.TEST, policy.policy, Severity.NOTIFICATION))
    return f"the connection {policy.alerts.conn_id} took a test"


def explained_in_catalog(
    ruler: Ruler, policy: str, call_id: str, *, source: str | None, as_json: bool
) -> Iterator[str]:
    """
    The tree of a call in the catalog, and the decisions that were made on it.

    :raises ConfigurationError: if there is no such call, or several sources have one
    """
    settings = deployment_settings()
    require_catalog(settings)
    with catalog_of(settings) as catalog:
        found = calls_named(catalog, call_id, source=source)
        if len(found) != 1:
            sources = ", ".join(shown(call.source) for call in found)
            raise ConfigurationError(
                f"the calls of several sources have the id {shown(call_id)}: {sources}"
                if found
                else f"there is no call {shown(call_id)} in the catalog",
                subject=call_id,
                hint="say which with --source"
                if found
                else "name a call that a run has listed, by the source's own id",
            )
        made = decisions_on(catalog, policy, CallRef(found[0].source, call_id))
    explanation = explained(found[0], ruler)
    if as_json:
        yield json.dumps({**explanation.document(), "decisions": [_made_document(each) for each in made]})
        return
    yield from explanation.lines()
    for each in made:
        standing = "stands" if each is made[-1] else "was replaced"
        yield (
            f"   decided {utc_text(each.decided_at)} by run {shown(each.run_id)}, {standing}: {each.outcome} ({each.rule}), "
            f"{f'profile {each.profile}, ' if each.profile else ''}"
            f"policy {each.policy_version[:12]}, roster {(each.roster_version or 'none')[:12]}. {each.reason}"
        )
    if not made:
        yield "   the policy has not decided on it yet"


def simulated(order: SimulationOrder, *, as_json: bool) -> Iterator[str]:
    """
    The comparison, in lines.

    :raises ConfigurationError: if a policy, a roster or the window is not valid
    """
    policy = load_policy(policy_path(order.policy, include=order.include))
    current = Ruler(policy, load_roster_of(policy, include=order.include, reach=LateReach()))
    changed_policy, changed = _changed(order, policy)
    window = _window(order)
    sources = sorted({*policy.sources, *changed_policy.sources})
    settings = deployment_settings()
    require_catalog(settings)
    with catalog_of(settings) as catalog:
        outcome = simulate(catalog, policy.policy, sources, window, current=current, changed=changed)
    if as_json:
        document = {"policy": policy.policy, "window_start": utc_text(window.start), "window_end": utc_text(window.end)}
        yield json.dumps({**document, **outcome.document()})
        return
    yield from _lines(policy.policy, outcome)


def _changed(order: SimulationOrder, policy: Policy) -> tuple[Policy, Ruler]:
    changed = load_policy(order.against) if order.against else policy
    rules = changed.recording_rules
    if order.roster is None:
        return changed, Ruler(changed, load_roster_of(changed, include=order.include, reach=LateReach()))
    if not rules.enabled:
        raise PolicyError(
            f"recording rules of policy {changed.policy} are off, so that no roster is asked",
            subject=changed.policy,
            hint="leave out --roster, or compare with a policy that has them on",
        )
    roster = load_roster(order.roster, matching=Matching(rules.fold_case, rules.wildcards))
    return changed, Ruler(changed, roster)


def _window(order: SimulationOrder) -> Window:
    ends = []
    for option, text in (("--from", order.begin), ("--to", order.end)):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise WindowError(f"{option} {shown(text)} is not a point in time", hint=_WINDOW_HINT) from None
        if moment.tzinfo is None:
            raise WindowError(f"{option} {shown(text)} has no offset from UTC", hint=_WINDOW_HINT)
        ends.append(moment.astimezone(UTC))
    if ends[0] >= ends[1]:
        raise WindowError("the window is empty: --from lies at or after --to", hint=_WINDOW_HINT)
    return Window(*ends)


def _lines(policy: str, outcome: Simulation) -> Iterator[str]:
    yield (
        f"simulate {policy}: calls={outcome.calls} flips={len(outcome.flips)} now_recorded={outcome.now_recorded} "
        f"now_excluded={outcome.now_excluded} archived_now_excluded={outcome.archived_now_excluded} "
        f"otherwise={outcome.otherwise} undecided={outcome.undecided}"
    )
    yield from (_line(flip) for flip in outcome.flips)


def _line(flip: Flip) -> str:
    state = flip.state.value if flip.state else "undecided"
    return (
        f"{shown(flip.ref.source)}/{shown(flip.ref.call_id)}, {utc_text(flip.started_at)}, {state}: "
        f"{flip.before} ({flip.before_rule}) → {flip.after.outcome} ({flip.after.rule}). {flip.after.reason}"
    )


def _made_document(made: MadeDecision) -> dict[str, object]:
    return {
        "decision_id": made.decision_id,
        "outcome": made.outcome.value,
        "rule": made.rule,
        "reason": made.reason,
        "users": list(made.users),
        "retention": made.retention,
        "profile": made.profile,
        "policy_version": made.policy_version,
        "roster_version": made.roster_version,
        "run_id": made.run_id,
        "decided_at": utc_text(made.decided_at),
    }
