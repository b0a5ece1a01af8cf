"""Names of media profiles in a policy, and profiles of the firm's own: what they may be called, and which are known."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from cloud9_archive.domain.keys import path_segment
from cloud9_archive.domain.policy_words import SLUG, Part, Text

if TYPE_CHECKING:
    from cloud9_archive.domain.recording_rules import Section

SHIPPED_PROFILES = (
    "none",
    "pcm_8k",
    "pcm_16k",
    "alaw_8k",
    "ulaw_8k",
    "gsm_8k",
    "ms_adpcm_8k",
    "g722_16k",
    "mp3_32k",
    "opus_24k",
    "opus_32k",
    "flac",
    "aac_32k",
    "amr_nb",
)
"""The names in ``media.profiles.PROFILES``, which this room may not look into; a test compares them."""

MOST_OWN_PROFILES = 50
_LONGEST_NAME = 40
_NAME_WANTED = f"the name of a profile is wanted, 1 to {_LONGEST_NAME} of a-z, 0-9 and _, beginning with a letter"
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
    if SLUG.fullmatch(name) is None or len(name) > _LONGEST_NAME:
        raise ValueError(_NAME_WANTED)
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
        description="How the audio is coded: `pcm`, `alaw`, `opus` or another that a shipped profile uses.",
        examples=["opus"],
    )
    rate: int | None = Field(
        default=None, description="Samples per second and channel, Hz, that the codec knows; default: its usual one."
    )
    bit_rate: int | None = Field(
        default=None,
        description="Bits per second of each channel, for codecs that leave a choice; default: the codec's usual one.",
    )
    channels: Literal["keep", "split"] | None = Field(
        default=None,
        description="`keep` as many as the original has, or `split`, a file for each. Default: `keep`, or `split` for "
        "codecs that know one channel only; two parties are never merged.",
    )


OwnProfiles = Annotated[dict[OwnName, OwnProfile], Field(max_length=MOST_OWN_PROFILES)]
