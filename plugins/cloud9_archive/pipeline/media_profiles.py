"""The profiles that a policy means: those that are shipped, and its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cloud9_archive.domain.policy import Policy
from cloud9_archive.domain.words import shown
from cloud9_archive.errors import ConfigurationError
from cloud9_archive.media.profiles import PROFILES, Profile, firm_profile

if TYPE_CHECKING:
    from cloud9_archive.catalog.batches import BatchRecording


def profile_of(policy: Policy, name: str) -> Profile:
    """
    The profile that goes by this name in the policy.

    :raises ConfigurationError: if there is none, or the policy's own could merge two parties or be coded by nothing
    """
    own = policy.media.profiles.get(name)
    if own is not None:
        return firm_profile(
            name,
            codec=own.codec,
            rate=own.rate,
            bit_rate=own.bit_rate,
            channels=own.channels,
        )
    if name in PROFILES:
        return PROFILES[name]
    raise ConfigurationError(
        f"policy {policy.policy} has no media profile {shown(name)}",
        subject="media.profile",
        hint=f"the profiles are: {', '.join([*PROFILES, *policy.media.profiles])}",
    )


def profiles_of_policy(policy: Policy) -> tuple[Profile, ...]:
    """
    Every profile that makes a derivative and that a decision under the policy may ask for: its own first, then sections'.

    :raises ConfigurationError: if one could merge two parties or be coded by nothing
    """
    sections = (section.profile for section in policy.recording_rules.sections)
    names = dict.fromkeys([policy.media.profile, *filter(None, sections)])
    return altering(profile_of(policy, name) for name in names)


def refused_profiles(policy: Policy) -> Iterator[tuple[str, ConfigurationError]]:
    """The policy's own profiles that cannot be used, each with the reason."""
    for name in policy.media.profiles:
        try:
            profile_of(policy, name)
        except ConfigurationError as error:
            yield name, error


def profiles_asked_for(policy: Policy, recording: BatchRecording) -> tuple[Profile, ...]:
    """
    The profiles by which the recording is to have a derivative, by name: all that the decisions on its calls ask for.

    :raises ConfigurationError: if a decision asks for one that the policy does not have any more
    """
    names = {name or policy.media.profile for name in recording.profiles or {None}}
    try:
        profiles = [profile_of(policy, name) for name in sorted(names)]
    except ConfigurationError as error:
        subject = "/".join(recording.ref)
        raise ConfigurationError(
            f"a decision on a call of recording {shown(subject)} asks for a profile: {error.message}",
            subject=subject,
            hint="put that profile back into media.profiles and clear this task, or decide anew with the param redecide",
        ) from None
    return altering(profiles)


def altering(profiles: Iterable[Profile]) -> tuple[Profile, ...]:
    """Those that make a derivative."""
    return tuple(profile for profile in profiles if profile.alters)
