"""The parsing worker's program: judges one file or reads one packet after the other.

Started by `adapters/sandbox.py` with the command of `ops/worker_commands.py`.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path

import msgspec

from adapters.bodies import UNPACK
from adapters.containers.bounds import Limits
from adapters.containers.findings import BadContainer
from adapters.containers.look import look_through
from adapters.edxml.limits import ReadLimits
from adapters.edxml.read import read_packet
from adapters.evidence_store import KeptEvidence
from adapters.sandbox import (
    Answer,
    EvidenceNamed,
    Judged,
    JudgeFile,
    NameEvidence,
    NotReadable,
    NotThere,
    PacketRead,
    Question,
    ReadPacket,
    TellTrust,
    TrustTold,
)
from adapters.workers import Ready, serve
from gateway.domain.file_types import HEAD_BYTES, PDF, may_be_signed
from ops.confinement import allow_cpu, confine, enclose
from ops.evidence_naming import editions
from signing.basis import POLICY_VERSION, Basis
from signing.errors import TrustFolderUnreadable, Unreadable
from signing.evidence import NOTHING
from signing.pdf.hex_strings import read_at_once
from signing.report import BAD_CONTAINER, VerificationReport
from signing.report import Warning as ReportWarning
from signing.trust import TrustStore, load_trust
from signing.verify import verify_file

# Judging is most of the work: the programs that answer requests go first.
_NICENESS = 5
# A backstop only: the pool kills by the clock, and earlier.
_CPU_PER_QUESTION = timedelta(seconds=60)
_TRUST_READ_EVERY = timedelta(minutes=1)
_MAX_WANTED = 200
"""How much of what is missing is told: as much as anybody would fetch for one file, and more."""
_READERS = ("signing.cms.p7s", "signing.pdf.judge", "signing.xml.verify")
"""What judging loads when the first file of a kind comes. Here it is loaded at once: it looks for files, time
zones among them, that are closed by then."""


def main() -> None:
    """Answer questions until the gateway closes the pipe."""
    parser = argparse.ArgumentParser(prog="parsing_worker")
    parser.add_argument("--trust", type=Path, required=True)
    parser.add_argument("--bodies", type=Path, required=True)
    parser.add_argument("--evidence", type=Path)
    parser.add_argument("--memory-bytes", type=int, required=True)
    parser.add_argument("--unpacked-bytes", type=int, required=True)
    parser.add_argument("--max-files", type=int, required=True)
    parser.add_argument("--text-bytes", type=int, required=True)
    parser.add_argument("own_folder", help="the name of the folder it may write to")
    arguments = parser.parse_args()
    for reader in _READERS:
        import_module(reader)
    read_at_once()
    warnings.simplefilter("ignore")  # of odd certificates
    logging.disable(logging.CRITICAL)  # pyHanko logs a stack trace for each bad signature
    serve(lambda: _prepare(arguments))


@dataclass(slots=True)
class _Trust:
    """Whom to believe. The folder is read again now and then: who is trusted no longer must not wait for a
    restart."""

    folder: Path
    store: TrustStore
    read_at: datetime | None = None

    def at(self, moment: datetime) -> TrustStore:
        """Return what is in the folder, or was when it could last be read."""
        if self.read_at is not None and moment < self.read_at + _TRUST_READ_EVERY:
            return self.store
        return self.read(moment)

    def read(self, moment: datetime) -> TrustStore:
        """Return what is in the folder now, or was when it could last be read."""
        self.read_at = moment
        try:
            present = load_trust(self.folder, now=moment)
        except TrustFolderUnreadable as broken:
            print(f"the trust folder as it was goes on: {broken}", file=sys.stderr)
            return self.store
        if present.version != self.store.version:  # else the same one: much is remembered about it
            self.store = present
        return self.store


@dataclass(frozen=True, slots=True)
class _Reader:
    """What questions are answered with."""

    trust: _Trust
    evidence: KeptEvidence | None
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
                case NameEvidence(path, at, wanted):
                    trust = self.trust.at(at)
                    named = editions(Path(path), at=at, wanted=wanted, trust=trust, kept=self.evidence)
                    return EvidenceNamed(named)
                case TellTrust(at):
                    trust = self.trust.read(at)
                    return TrustTold(trust.version, trust.manifest, list(trust.certificates.values()))
        except (Unreadable, BadContainer) as unreadable:
            return NotReadable(str(unreadable))
        except OSError as missing:
            return NotThere(str(missing))

    def _report(self, asked: JudgeFile) -> VerificationReport:
        path = Path(asked.path)
        with path.open("rb") as file:
            is_signable = may_be_signed(asked.media_type, head=file.read(HEAD_BYTES))
        found = self._found(path, asked, is_signable=is_signable)
        basis = Basis(self.trust.at(asked.at), asked.at, self.evidence or NOTHING, looks=asked.looks)
        try:
            report = _judged(path, asked, basis) if is_signable else VerificationReport.unsigned()
        except Unreadable as unreadable:
            raise Unreadable(next((each.detail for each in found), str(unreadable))) from unreadable
        # Whatever was found or not: it was looked for by these rules.
        return replace(
            report,
            warnings=report.warnings + found,
            trust_version=basis.trust.version,
            policy_version=POLICY_VERSION,
            wanted=report.wanted[:_MAX_WANTED],
        )

    def _found(self, path: Path, asked: JudgeFile, *, is_signable: bool) -> tuple[ReportWarning, ...]:
        try:
            return look_through(path, media_type=asked.media_type, limits=self.container_limits)
        except BadContainer as bad:
            if not is_signable:
                raise
            # There is a verdict on its signatures all the same; who would keep the file refuses it.
            return (ReportWarning(BAD_CONTAINER, str(bad)),)


def _judged(path: Path, asked: JudgeFile, basis: Basis) -> VerificationReport:
    content = Path(asked.content) if asked.content else None
    try:
        return verify_file(path, basis=basis, content=content)
    except Unreadable:
        if asked.media_type == PDF.media_type:
            raise
        return VerificationReport.unsigned()  # whatever it is: it shows no trace of a signature


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
    evidence: list[Path] = [arguments.evidence] if arguments.evidence else []
    readable = [arguments.bodies, arguments.trust, *evidence]
    enclosed = enclose(readable=readable, writable=[own_folder])
    reader = _Reader(
        _Trust(arguments.trust, trust),
        KeptEvidence(evidence[0]) if evidence else None,
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
