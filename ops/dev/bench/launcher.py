"""Starts `lienthong` with every fsync counted and, if asked, samples of where it spends its time.

`python -m ops.dev.bench.launcher FSYNCS SAMPLES WORD…`: `FSYNCS` is a file of 8 bytes that holds the
count, `SAMPLES` a file for folded stacks (`-`: none), `WORD…` the command line of `lienthong`.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

COUNT = struct.Struct("<Q")
SAMPLE_EVERY_SECONDS = 0.002


def read_count(path: Path) -> int:
    """Return how many fsyncs the process writing this file has made."""
    count: int = COUNT.unpack(path.read_bytes())[0]
    return count


def main() -> None:
    """Run the command line of `lienthong`, watched."""
    fsyncs, samples, *words = sys.argv[1:]
    _count_fsyncs(Path(fsyncs))
    sys.argv = ["lienthong", *words]
    # Only now: a module that has taken `fsync` out of `os` before would not be counted.
    from ops.cli import main as lienthong

    if samples == "-":
        lienthong()
        return
    with _sampling(Path(samples)):
        lienthong()


def _count_fsyncs(path: Path) -> None:
    path.write_bytes(COUNT.pack(0))
    with path.open("r+b") as file:
        count = mmap.mmap(file.fileno(), COUNT.size)
    turn = threading.Lock()

    def counted(fsync: Callable[[Any], None]) -> Callable[[Any], None]:
        def call(file: Any) -> None:
            with turn:
                COUNT.pack_into(count, 0, COUNT.unpack_from(count)[0] + 1)
            fsync(file)

        return call

    os.fsync = counted(os.fsync)  # type: ignore[assignment]
    os.fdatasync = counted(os.fdatasync)  # type: ignore[assignment]


@contextmanager
def _sampling(path: Path) -> Iterator[None]:
    """Note the main thread's stack at every tick of the CPU time used; write folded stacks at the end."""
    stacks: Counter[str] = Counter()

    def note(_: int, frame: FrameType | None) -> None:
        stacks[";".join(reversed(list(_names(frame))))] += 1

    signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, SAMPLE_EVERY_SECONDS, SAMPLE_EVERY_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        path.write_text("".join(f"{stack} {count}\n" for stack, count in stacks.most_common()))


def _names(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        code = frame.f_code
        yield f"{Path(code.co_filename).parent.name}/{Path(code.co_filename).name}:{code.co_qualname}"
        frame = frame.f_back


if __name__ == "__main__":
    main()
