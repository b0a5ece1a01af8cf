"""The worked examples: run as a program, writes the archives and the page anew; a test compares them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "bench"))

EXAMPLES = ROOT / "docs" / "examples" / "archive"
PAGE = ROOT / "docs" / "archive-examples.md"
STEP = re.compile(r"<!-- worked -->\n```bash\n(.*?)```\n\n```text\n(.*?)```\n", re.DOTALL)

_PREPARE = "set -euo pipefail\nexport LC_ALL=C.UTF-8\n"


def printed(shell: str) -> str:
    """What these lines print in the folder of the examples."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", _PREPARE + shell],
        cwd=EXAMPLES,
        env={**os.environ, "PATH": tools},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


def rendered(page: str) -> str:
    """The page, with what its lines print now."""
    return STEP.sub(lambda step: step[0].replace(f"```text\n{step[2]}", f"```text\n{printed(step[1])}"), page)


def write() -> None:
    """Archives and page are as this software makes them."""
    from envelope_keys_made import keyed  # noqa: PLC0415 - only found on the path that is set above
    from example_archive import build  # noqa: PLC0415 - as above

    shutil.rmtree(EXAMPLES, ignore_errors=True)
    EXAMPLES.mkdir(parents=True)
    person = keyed(EXAMPLES, "archive", "SECP256R1")
    for name, certificate in (("plain", None), ("encrypted", person.certificate)):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(build(Path(folder), certificate=certificate), EXAMPLES / name)
        shutil.rmtree(EXAMPLES / name / ".incoming", ignore_errors=True)
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
