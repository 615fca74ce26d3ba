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
from ops.confinement import allow_cpu, confine
from signing.errors import TrustFolderUnreadable, Unreadable
from signing.trust import TrustStore, load_trust
from signing.verify import verify_pdf

# A backstop only: the pool kills by the clock, and earlier.
_CPU_PER_FILE = timedelta(seconds=20)


def main() -> None:
    """Answer questions until the gateway closes the pipe."""
    parser = argparse.ArgumentParser(prog="parsing_worker")
    parser.add_argument("--trust", type=Path, required=True)
    parser.add_argument("--memory-bytes", type=int, required=True)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # pyHanko logs a stack trace for each bad signature
    serve(lambda: _prepare(arguments.trust, memory_bytes=arguments.memory_bytes))


def _prepare(trust_dir: Path, *, memory_bytes: int) -> tuple[Ready, Callable[[bytes], bytes]]:
    isolated = confine(memory_growth_bytes=memory_bytes)
    try:
        trust = load_trust(trust_dir)
    except TrustFolderUnreadable as broken:
        return Ready(isolated, failure=str(broken)), bytes
    return Ready(isolated), lambda question: msgspec.json.encode(_answer(question, trust))


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
