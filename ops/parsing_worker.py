"""The parsing worker's program: judges the signatures of one file after the other.

Started by `adapters/sandbox.py` with the command of `ops/worker_commands.py`.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec

from adapters.sandbox import Answer, Judged, JudgeFile, NotReadable, NotThere
from adapters.workers import Ready, serve
from ops.confinement import allow_cpu, confine, enclose
from signing.errors import TrustFolderUnreadable, Unreadable
from signing.hex_strings import read_at_once
from signing.trust import TrustStore, load_trust
from signing.verify import verify_pdf

# Judging is most of the work: the programs that answer requests go first.
_NICENESS = 5
# A backstop only: the pool kills by the clock, and earlier.
_CPU_PER_FILE = timedelta(seconds=20)


def main() -> None:
    """Answer questions until the gateway closes the pipe."""
    parser = argparse.ArgumentParser(prog="parsing_worker")
    parser.add_argument("--trust", type=Path, required=True)
    parser.add_argument("--bodies", type=Path, required=True)
    parser.add_argument("--memory-bytes", type=int, required=True)
    arguments = parser.parse_args()
    read_at_once()
    logging.disable(logging.CRITICAL)  # pyHanko logs a stack trace for each bad signature
    folders = (arguments.trust, arguments.bodies)
    serve(lambda: _prepare(*folders, memory_bytes=arguments.memory_bytes))


def _prepare(
    trust_dir: Path, bodies_dir: Path, *, memory_bytes: int
) -> tuple[Ready, Callable[[bytes], bytes]]:
    isolated = confine(memory_growth_bytes=memory_bytes, niceness=_NICENESS)
    try:
        trust = load_trust(trust_dir)
    except TrustFolderUnreadable as broken:
        return Ready(isolated, failure=str(broken)), bytes
    # Last: what was read until here is the operator's own.
    enclosed = enclose(readable=[bodies_dir])
    return Ready(isolated, enclosed), lambda question: msgspec.json.encode(_answer(question, trust))


def _answer(question: bytes, trust: TrustStore) -> Answer:
    asked = msgspec.json.decode(question, type=JudgeFile)
    allow_cpu(_CPU_PER_FILE)
    try:
        return Judged(verify_pdf(Path(asked.path), trust=trust, at=asked.at))
    except Unreadable as unreadable:
        return NotReadable(str(unreadable))
    except OSError as missing:
        return NotThere(str(missing))


if __name__ == "__main__":
    main()
