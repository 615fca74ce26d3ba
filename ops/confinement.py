"""What a process gives up: a worker before it reads its first byte, a gateway before it knows a secret.

Linux only.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from ops import landlock

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000

_PROGRAMS = tuple(
    Path(folder) for folder in {sys.prefix, sys.base_prefix, "/lib", str(Path(__file__).parents[1])}
)
"""Where imports are found that are only made when a file needs them."""

_libc = ctypes.CDLL(None, use_errno=True)


def confine(*, memory_growth_bytes: int, niceness: int = 0, file_bytes: int = 0) -> bool:
    """Give up what a worker does not need; return whether the network is gone too.

    Afterwards: it dies with its parent, leaves no core file, cannot be traced, gains no privileges,
    starts no processes (unless it runs as root, where the kernel does not count them), writes no file
    longer than `file_bytes`, yields to others by `niceness`, and may grow by `memory_growth_bytes` at most.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    isolated = _leave_network()
    close_memory()
    limit = _data_bytes() + memory_growth_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    os.nice(niceness)
    return isolated


def close_memory() -> None:
    """Keep other processes of the same user out of this one's memory and environment.

    A worker that a stranger's file has taken over runs under the user of its gateway: it could read the
    gateway's secrets in /proc.
    """
    _libc.prctl(_PR_SET_DUMPABLE, 0)


def enclose(*, readable: Sequence[Path], writable: Sequence[Path] = ()) -> bool:
    """Close every file but those beneath `readable`, `writable` and the programs; return whether the kernel
    can. Only beneath `writable` can files be made, changed or removed.

    What is open stays open. To be called after `confine`.
    """
    return landlock.close_files(readable=[*readable, *_PROGRAMS], writable=writable)


def allow_cpu(more: timedelta) -> None:
    """Let this process use so much more CPU time; the kernel kills it when it uses more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime + more.total_seconds()) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (until, hard))


def _leave_network() -> bool:
    """Move into a network namespace without any interface; root may, others need a user namespace."""
    return any(_libc.unshare(flags) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET))


def _data_bytes() -> int:
    """Return the private memory this process has now, as RLIMIT_DATA counts it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    raise OSError("the kernel does not say how much memory this process has")
