"""Loaded by the interpreter of a media worker that a test starts: recordings of certain names do what they are called."""

from __future__ import annotations

import ctypes
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

if any("cloud9_archive.media.worker_main" in word for word in sys.orig_argv):
    from cloud9_archive.media import probe, transcode

    examine, make = probe.examine, transcode.transcode

    os.write(1, b"a greeting that nobody asked for\n")

    def loop() -> NoReturn:
        while True:
            pass

    def each_output(text: bytes) -> None:
        """Whatever this process may write to, the pipe to its parent above all."""
        for descriptor in range(1, 10):
            with suppress(OSError):
                os.write(descriptor, text)

    def endless() -> NoReturn:
        while True:
            each_output(b"x" * 65_536)

    def closed() -> NoReturn:
        os.closerange(1, 10)
        while True:
            time.sleep(1)

    def refused() -> None:
        """Everything that a worker must not be able to do, tried; the first that works is told by a crash."""
        attempts: tuple[Callable[[], object], ...] = (
            socket.socket,
            lambda: subprocess.run(["/bin/true"], check=True),
            lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - it must not work
        )
        for attempt in attempts:
            with suppress(PermissionError):
                attempt()
                os._exit(99)

    EXAMINED: dict[str, Callable[[], object]] = {
        "segfault": lambda: ctypes.string_at(0),
        "abort": os.abort,
        "loop": loop,
        "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
        "leave": lambda: os._exit(7),
        "garbage": lambda: each_output(b"\xff\x00{]\n"),
        "twice": lambda: each_output(b'{"examination": null}\n{"examination": null}\n'),
        "unasked": lambda: each_output(b'{"failure": {"code": "BATCH", "reason": ""}}\n'),
        "endless": endless,
        "closed": closed,
        "refused": refused,
        "hungry": lambda: bytearray(2**40),
        "terminated": lambda: [
            os.kill(os.getpid(), number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        ],
    }
    LIES: dict[str, Callable[[Any, Path], Any]] = {
        "lie-size": lambda made, _: replace(made, size=made.size + 1),
        "lie-digest": lambda made, _: replace(made, sha256="0" * 64),
        "lie-part": lambda made, _: replace(made, part="../../etc/passwd"),
        "lie-nan": lambda made, _: replace(made, duration=math.nan),
        "lie-gone": lambda made, target: (target.unlink(), made)[1],
        "lie-link": lambda made, target: (target.rename(target.with_name("x")), target.symlink_to("x"), made)[2],
    }

    def examine_with_ill_will(path: Path) -> Any:
        EXAMINED.get(path.stem, int)()
        return examine(path)

    def transcode_with_ill_will(source: Path, target: Path, *arguments: Any, **options: Any) -> Any:
        if source.stem == "half":
            target.with_name(f".{target.name}.{os.getpid()}.part").write_bytes(b"half of it")
            loop()
        if source.stem == "full":
            target.with_name(f".{target.name}.{os.getpid()}.part").symlink_to("/dev/full")
        made = make(source, target, *arguments, **options)
        if source.stem == "lie-none":
            return replace(made, derivatives=())
        lie = LIES.get(source.stem)
        return made if lie is None else replace(made, derivatives=(lie(made.derivatives[0], target),))

    probe.examine = examine_with_ill_will
    transcode.transcode = transcode_with_ill_will
