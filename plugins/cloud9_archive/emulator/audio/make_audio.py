"""Regenerates the shipped samples: two espeak-ng voices in conversation, encoded by ffmpeg."""

from __future__ import annotations

import array
import json
import shutil
import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

RATE = 22_050
PAUSE = RATE * 3 // 10
SAMPLES = Path(__file__).parent / "samples"
VOICES = ("en-gb", "en-us+f3")
TURNS = (
    "Morning, what is your level in the ten year, please?",
    "Morning. I am ninety four sixteen bid, ninety four eighteen offered.",
    "In what size would you show me that?",
    "Good for fifty million on either side.",
    "I can pay seventeen for twenty five.",
    "Seventeen is yours. You buy twenty five million at ninety four seventeen.",
    "Done. Settlement on the usual date, and please send the ticket to the middle office.",
    "Confirmed. It is on its way. Anything in the five year?",
    "Not now. What are you hearing about the auction on Thursday?",
    "Good demand from real money, and a little concession before noon.",
    "Then leave me an order to sell ten at nineteen, good until the close.",
    "Ten to sell at nineteen, good until the close. I will call you if it trades.",
    "Thanks. Is the other line still open to your repo desk?",
    "It is open all day. Shout if you need them.",
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """
    One sample to be made.

    :param seconds: length of the audio
    :param speech: seconds of speech at its beginning; silence follows
    """

    name: str
    channels: int
    seconds: int
    speech: int
    encoding: tuple[str, ...]


def recipes() -> list[Recipe]:
    """Every sample that is shipped: both containers, mono and stereo, short to long, and a mostly silent open line."""
    made: list[Recipe] = []
    for channels, layout, opus, aac in ((1, "mono", "24k", "40k"), (2, "stereo", "48k", "64k")):
        for seconds in (5, 20, 60):
            voip = ("-c:a", "libopus", "-b:a", opus, "-application", "voip")
            made.append(Recipe(f"{layout}-{seconds}s.ogg", channels, seconds, seconds, voip))
            rate = "44100" if channels == 1 else "48000"
            made.append(
                Recipe(
                    f"{layout}-{seconds}s.m4a", channels, seconds, seconds, ("-c:a", "aac", "-b:a", aac, "-ar", rate)
                )
            )
    made.append(Recipe("line-60s.ogg", 1, 60, 12, ("-c:a", "libopus", "-b:a", "16k", "-application", "voip")))
    return made


def spoken(text: str, *, voice: str, workspace: Path) -> array.array[int]:
    """
    The text as 16-bit samples at :data:`RATE`.

    :param voice: an espeak-ng voice name
    """
    target = workspace / "turn.wav"
    subprocess.run([program("espeak-ng"), "-v", voice, "-s", "165", "-w", str(target), text], check=True)  # noqa: S603 - our own sentences
    with wave.open(str(target)) as turn:
        samples = array.array("h")
        samples.frombytes(turn.readframes(turn.getnframes()))
        return samples


def conversation(workspace: Path, *, seconds: int) -> tuple[array.array[int], array.array[int]]:
    """Both sides of a talk of that length: while one speaks the other is silent."""
    sides = (array.array("h"), array.array("h"))
    turn = 0
    while len(sides[0]) < seconds * RATE:
        speaker = turn % 2
        speech = spoken(TURNS[turn % len(TURNS)], voice=VOICES[speaker], workspace=workspace)
        sides[speaker].extend(speech)
        sides[1 - speaker].frombytes(bytes(2 * len(speech)))
        for side in sides:
            side.frombytes(bytes(2 * PAUSE))
        turn += 1
    return sides


def encode(recipe: Recipe, *, sides: tuple[array.array[int], array.array[int]], workspace: Path) -> Path:
    """The sample's file, written anew; mono is the sum of both sides."""
    speech, total = recipe.speech * RATE, recipe.seconds * RATE
    frames = array.array("h")
    for left, right in zip(sides[0][:speech], sides[1][:speech], strict=True):
        frames.extend((left, right) if recipe.channels == len(sides) else (left + right,))
    frames.frombytes(bytes(2 * recipe.channels * (total - speech)))
    source = workspace / "source.wav"
    with wave.open(str(source), "wb") as plain:
        plain.setnchannels(recipe.channels)
        plain.setsampwidth(2)
        plain.setframerate(RATE)
        plain.writeframes(frames.tobytes())
    target = SAMPLES / recipe.name
    quiet = ("-hide_banner", "-loglevel", "error", "-y", "-i", str(source), "-map_metadata", "-1")
    exact = ("-fflags", "+bitexact", "-flags:a", "+bitexact")
    subprocess.run([program("ffmpeg"), *quiet, *recipe.encoding, *exact, str(target)], check=True)  # noqa: S603 - our own arguments
    return target


def program(name: str) -> str:
    """The program's path, or an exit with one line that names what to install."""
    found = shutil.which(name)
    if found is None:
        sys.exit(f"make_audio: {name} is not on the path; install it (Debian: apt-get install {name})")
    return found


def main() -> None:
    """All samples and their table are written anew."""
    SAMPLES.mkdir(exist_ok=True)
    made = recipes()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        sides = conversation(workspace, seconds=max(recipe.speech for recipe in made))
        for recipe in made:
            encode(recipe, sides=sides, workspace=workspace)
    table = [{"name": r.name, "channels": r.channels, "milliseconds": r.seconds * 1000} for r in made]
    (SAMPLES / "samples.json").write_text(json.dumps(table, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
