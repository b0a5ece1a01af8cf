"""What a worker gives up for good before it reads its first recording; nothing here needs a privilege."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import resource
import select
import signal
import struct
import sys
from typing import Final

_OPEN_FILES: Final = 64
_ON_LINUX: Final = sys.platform == "linux"
# linux/prctl.h, linux/seccomp.h, linux/audit.h, linux/filter.h
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_SET_MODE_FILTER: Final = 1
_SECCOMP_FILTER_FLAG_TSYNC: Final = 1
_RETURN_ALLOW: Final = 0x7FFF0000
_RETURN_ERRNO: Final = 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _MACHINE_AT = 0, 4
_X32_CALLS: Final = 0x40000000
# Per machine: its word in a filter, the number of seccomp(2), and the calls that decoding needs none of: socket,
# execve, execveat, ptrace, process_vm_readv, process_vm_writev, io_uring_setup, pidfd_getfd.
_MACHINES: Final = {
    "x86_64": (0xC000003E, 317, (41, 59, 322, 101, 310, 311, 425, 438)),
    "aarch64": (0xC00000B7, 277, (198, 221, 281, 117, 270, 271, 425, 438)),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def confine() -> None:
    """
    The process outlives signals that are meant for its parent, and can do less than its user may.

    It dumps no core, opens few files and holds no folder busy. On Linux it gains no privileges any more, and where
    the kernel filters system calls, it reaches no network, runs no program and looks into no other process. Elsewhere
    it goes on without. It stays the same user, so it can read the files of that user.
    """
    # A module that is imported first in here would be compiled into a file that the limit on file sizes cuts short, and
    # Python 3.11 takes what was cut for whole: no program on this host could import the module any more.
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _OPEN_FILES if most == resource.RLIM_INFINITY else min(_OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # Ctrl-C, a terminal that closes and a service manager reach the whole group; whether the work goes on is the
    # parent's to say, and a child that ended by itself would be taken for a crash over its recording.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    if _ON_LINUX and sys.maxsize > 2**32:
        _filter_calls()


def end_with(lifeline: int) -> None:
    """
    The process ends at once when the other end of the pipe is closed, which its parent's death does.

    The kernel sends the signal, so that it works in the midst of a decoder's loop as well. The parent-death signal of
    Linux would not do: it follows the thread that started the child, and threads end earlier than processes.

    :param lifeline: reading end of a pipe into which nobody writes
    """
    # The default action ends a process on Linux only; elsewhere it is Python that does, between two frames.
    signal.signal(signal.SIGIO, signal.SIG_DFL if _ON_LINUX else lambda *_: os._exit(1))
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    if select.select([lifeline], [], [], 0)[0]:
        os._exit(1)


def _filter_calls() -> bool:
    """Whether the kernel refuses the calls of :data:`_MACHINES` from now on, to every thread."""
    machine = _MACHINES.get(platform.machine())
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or machine is None:
        return False
    word, seccomp, refused = machine
    deny = len(refused) + 1
    steps = [(_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 0, deny + 2, word), (_LOAD, 0, 0, _NUMBER_AT)]
    steps += [(_AT_LEAST, deny, 0, _X32_CALLS)]
    steps += [(_EQUAL, deny - place, 0, call) for place, call in enumerate(refused, 1)]
    steps += [(_RETURN, 0, 0, _RETURN_ALLOW), (_RETURN, 0, 0, _RETURN_ERRNO | errno.EPERM)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.cast(code, ctypes.c_void_p))
    done = libc.syscall(seccomp, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, ctypes.byref(program))
    return bool(done == 0)
