"""The parsing worker's program: judges one file or reads one packet after the other.

Started by `adapters/sandbox.py` with the command of `ops/worker_commands.py`.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import msgspec

from adapters.bodies import UNPACK
from adapters.containers.bounds import Limits
from adapters.containers.findings import BadContainer
from adapters.containers.kinds import PDF
from adapters.containers.look import look_through
from adapters.edxml.limits import ReadLimits
from adapters.edxml.read import read_packet
from adapters.sandbox import (
    Answer,
    Judged,
    JudgeFile,
    NotReadable,
    NotThere,
    PacketRead,
    Question,
    ReadPacket,
)
from adapters.workers import Ready, serve
from ops.confinement import allow_cpu, confine, enclose
from signing.errors import TrustFolderUnreadable, Unreadable
from signing.hex_strings import read_at_once
from signing.report import VerificationReport
from signing.trust import TrustStore, load_trust
from signing.verify import verify_pdf

# Judging is most of the work: the programs that answer requests go first.
_NICENESS = 5
# A backstop only: the pool kills by the clock, and earlier.
_CPU_PER_QUESTION = timedelta(seconds=60)


def main() -> None:
    """Answer questions until the gateway closes the pipe."""
    parser = argparse.ArgumentParser(prog="parsing_worker")
    parser.add_argument("--trust", type=Path, required=True)
    parser.add_argument("--bodies", type=Path, required=True)
    parser.add_argument("--memory-bytes", type=int, required=True)
    parser.add_argument("--unpacked-bytes", type=int, required=True)
    parser.add_argument("--max-files", type=int, required=True)
    parser.add_argument("--text-bytes", type=int, required=True)
    parser.add_argument("own_folder", help="the name of the folder it may write to")
    arguments = parser.parse_args()
    read_at_once()
    logging.disable(logging.CRITICAL)  # pyHanko logs a stack trace for each bad signature
    serve(lambda: _prepare(arguments))


@dataclass(frozen=True, slots=True)
class _Reader:
    """What questions are answered with."""

    trust: TrustStore
    container_limits: Limits
    packet_limits: ReadLimits

    def answer(self, question: bytes) -> bytes:
        """Return the answer to one question, both as the pipe carries them."""
        asked: Question = msgspec.json.decode(question, type=Question)
        allow_cpu(_CPU_PER_QUESTION)
        return msgspec.json.encode(self._answer(asked))

    def _answer(self, asked: Question) -> Answer:
        try:
            match asked:
                case JudgeFile():
                    return Judged(self._report(asked))
                case ReadPacket(path, into):
                    return PacketRead(read_packet(Path(path), into=Path(into), limits=self.packet_limits))
        except (Unreadable, BadContainer) as unreadable:
            return NotReadable(str(unreadable))
        except OSError as missing:
            return NotThere(str(missing))

    def _report(self, asked: JudgeFile) -> VerificationReport:
        path = Path(asked.path)
        found = look_through(path, media_type=asked.media_type, limits=self.container_limits)
        if asked.media_type == PDF:
            report = verify_pdf(path, trust=self.trust, at=asked.at)
        else:
            report = VerificationReport.unsigned()
        return replace(report, warnings=report.warnings + found)


def _prepare(arguments: argparse.Namespace) -> tuple[Ready, Callable[[bytes], bytes]]:
    unpacked_bytes: int = arguments.unpacked_bytes
    isolated = confine(
        memory_growth_bytes=arguments.memory_bytes, niceness=_NICENESS, file_bytes=unpacked_bytes
    )
    try:
        trust = load_trust(arguments.trust)
    except TrustFolderUnreadable as broken:
        return Ready(isolated, failure=str(broken)), bytes
    # Last: what was read until here is the operator's own.
    own_folder: Path = arguments.bodies / UNPACK / arguments.own_folder
    own_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    enclosed = enclose(readable=[arguments.bodies], writable=[own_folder])
    reader = _Reader(
        trust,
        Limits(total_bytes=unpacked_bytes),
        ReadLimits(
            max_text_bytes=arguments.text_bytes,
            max_files=arguments.max_files,
            max_file_bytes=unpacked_bytes,
            max_total_bytes=unpacked_bytes,
        ),
    )
    return Ready(isolated, enclosed), reader.answer


if __name__ == "__main__":
    main()
