"""Names of media profiles in a policy, and profiles of the firm's own: what they may be called, and which are known."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from cloud9_archive.domain.keys import path_segment
from cloud9_archive.domain.policy_words import SLUG, SLUG_WANTED, Part, Text

if TYPE_CHECKING:
    from cloud9_archive.domain.recording_rules import Section

SHIPPED_PROFILES = ("none", "pcm_16k", "alaw_8k", "opus_24k")
"""The names in ``media.profiles.PROFILES``, which this room may not look into; a test compares them."""

MOST_OWN_PROFILES = 50
_FILES_BESIDE = ("original", "record")


def check_profile(name: str, own: Collection[str]) -> str:
    """
    The name itself, when a profile is called so.

    :param own: names of the policy's own profiles
    :raises PydanticCustomError: if none is; its context has the known names
    """
    if name not in SHIPPED_PROFILES and name not in own:
        raise unknown_profile(own)
    return name


def unknown_profile(own: Collection[str]) -> PydanticCustomError:
    """The fault of a name that no profile has."""
    known = [*SHIPPED_PROFILES, *own]
    words = f"one of {', '.join(known)} is wanted, or a name that media.profiles defines"
    return PydanticCustomError("profile_unknown", "{wanted}", {"wanted": words, "known": known})


def unknown_in_sections(sections: Iterable[Section], own: Collection[str]) -> list[InitErrorDetails]:
    """A fault for each section of the rules that asks for a profile which does not exist."""
    return [
        InitErrorDetails(
            type=unknown_profile(own),
            loc=("recording_rules", "sections", place, "profile"),
            input=section.profile,
        )
        for place, section in enumerate(sections)
        if section.profile is not None and section.profile not in own and section.profile not in SHIPPED_PROFILES
    ]


def _check_own_name(name: str) -> str:
    if SLUG.fullmatch(name) is None:
        raise ValueError(f"the name of a profile: {SLUG_WANTED}")
    if name in SHIPPED_PROFILES:
        raise ValueError("another name is wanted: a profile is shipped under this one, and stays what it is")
    if name in _FILES_BESIDE or path_segment(name) != name:
        raise ValueError("another name is wanted: a file could not be called so beside the original")
    return name


_NAME_SCHEMA: dict[str, Any] = {
    "anyOf": [{"enum": list(SHIPPED_PROFILES)}, {"type": "string", "pattern": f"^{SLUG.pattern}$"}]
}
ProfileName = Annotated[Text, WithJsonSchema(_NAME_SCHEMA)]
OwnName = Annotated[
    str, AfterValidator(_check_own_name), WithJsonSchema({"type": "string", "pattern": f"^{SLUG.pattern}$"})
]


class OwnProfile(Part):
    """A profile of the firm's own; whether an encoder can do it, and keeps the parties apart, is checked with it."""

    codec: Text = Field(
        description="How the audio is coded; one of the codecs that shipped profiles use.", examples=["opus"]
    )
    container: Text | None = Field(default=None, description="Format of the file; default: the codec's usual one.")
    rate: int = Field(ge=1, description="Samples per second and channel, Hz.", examples=[16000])
    bit_rate: int | None = Field(
        default=None, ge=1, description="Bits per second and channel; for codecs that may choose."
    )
    channels: Literal["keep", "mono", "split"] = Field(
        default="keep",
        description="`keep` as many as the original has; `split` into a file for each channel; `mono`, a mix of all.",
    )


OwnProfiles = Annotated[dict[OwnName, OwnProfile], Field(max_length=MOST_OWN_PROFILES)]
