"""Judging files that lie anywhere on this machine, by the same parsing workers that judge documents.

Needs no gateway: a trust folder is enough. Workers read nothing but copies in a folder made for them, within
the limits of memory and time of the settings.
"""

from __future__ import annotations

import asyncio
import os
import stat
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry

from adapters.bodies import open_bodies
from adapters.edxml.packets import EdxmlPackets
from gateway.domain.errors import ExchangeError, TooLarge, VerificationUnavailable
from gateway.domain.file_types import is_signature_of, type_by_content
from gateway.domain.packets import Packets, ReceivedFile
from gateway.domain.ports import Bodies, Verifier
from gateway.service.judge import judge
from ops.parts import now
from ops.sections import Trust
from ops.settings import Settings
from ops.verifying import open_verifier
from signing.basis import POLICY_VERSION
from signing.errors import TrustFolderUnreadable
from signing.report import VerificationReport
from signing.report import Warning as ReportWarning
from signing.scan import Finding
from signing.trust import load_trust
from signing.verify import kind_of

_AHEAD = 256
"""How many files may be judged before the one whose turn it is to be shown."""
_DETACHED = ".p7s"
_CHUNK_BYTES = 1024 * 1024
_COPIED_UNSEEN_BYTES = 64 * 1024 * 1024
_TOO_LARGE_TO_COPY = replace(
    VerificationReport.unsigned(),
    warnings=(
        ReportWarning(
            Finding.NOT_SCANNED, "The file is no PDF, CMS or XML file, and too large to be looked through."
        ),
    ),
    policy_version=POLICY_VERSION,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no verdict: a stable code, and what a person reads."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: a verdict, or why there is none."""

    file: Path
    report: VerificationReport | None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """By what files are judged. `at` is the moment, None the present; `content` is the document of detached
    signatures that have none beside them."""

    trust: Path
    at: datetime | None = None
    is_offline: bool = False
    content: Path | None = None


async def verify_files(
    files: Sequence[Path], terms: Terms, settings: Settings, *, show: Callable[[Outcome], None]
) -> None:
    """Tell `show` what became of each file, in order; as many are judged at a time as there are cores.

    Raises:
        VerificationUnavailable: The trust folder cannot be read or has no certificate, or there can be no
            worker.
    """
    await asyncio.to_thread(_demand_certificates, terms)
    workers = min(len(files), os.cpu_count() or 1)
    async with _open_judging(settings, terms, workers=workers) as judging:
        under_way: deque[asyncio.Task[Outcome]] = deque()
        try:
            for file in files:
                under_way.append(asyncio.create_task(judging.outcome(file)))
                if len(under_way) == _AHEAD:
                    show(await under_way.popleft())
            while under_way:
                show(await under_way.popleft())
        finally:  # nobody may be reading any more what is shown
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)


@asynccontextmanager
async def _open_judging(settings: Settings, terms: Terms, *, workers: int) -> AsyncIterator[_Judging]:
    with tempfile.TemporaryDirectory(prefix="lienthong-verify-") as made:
        folder = Path(made)
        bodies = await open_bodies(folder, free_floor_bytes=0, now=now())
        changed = _settings_for(settings, terms, folder, workers=workers)
        moment = terms.at
        async with open_verifier(
            changed, CollectorRegistry(), clock=now if moment is None else lambda: moment
        ) as parsers:
            packets = EdxmlPackets(bodies, parsers, relay="")
            turns = asyncio.Semaphore(workers)
            yield _Judging(parsers, packets, bodies, settings.limits.file_bytes, terms.content, turns)


def _settings_for(settings: Settings, terms: Terms, folder: Path, *, workers: int) -> Settings:
    """Return the settings with this trust and these workers, for which the folder is all there is to read."""
    evidence = settings.evidence_dir if _is_own(settings.evidence_dir) else folder / "evidence"
    return msgspec.structs.replace(
        settings,
        bodies_url=f"file://{folder}",
        trust=Trust(str(terms.trust)),
        parsing=msgspec.structs.replace(settings.parsing, workers=workers),
        content=msgspec.structs.replace(settings.content, active="flag", scanner_command=[]),
        evidence=msgspec.structs.replace(
            settings.evidence,
            dir=str(evidence),
            hosts=[] if terms.is_offline else settings.evidence.hosts,
        ),
    )


def _is_own(folder: Path) -> bool:
    """Return whether a folder is there and ours: what we put into another's, its gateway could not read."""
    with suppress(OSError):  # what cannot even be looked at is not ours
        return folder.is_dir() and folder.stat().st_uid == os.geteuid()
    return False


@dataclass(frozen=True, slots=True)
class _Judging:
    verifier: Verifier
    packets: Packets
    bodies: Bodies
    max_bytes: int
    content: Path | None
    turns: asyncio.Semaphore

    async def outcome(self, file: Path) -> Outcome:
        async with self.turns:
            try:
                return Outcome(file, await self._judge(file))
            except _Empty:
                fault = Fault("empty-file", "The file is empty.")
            except IsADirectoryError:
                fault = Fault("directory", f"This is a folder. Name the files in it: {file / '*'}")
            except FileNotFoundError:
                fault = Fault("not-found", "There is no such file.")
            except OSError as broken:
                fault = Fault("unreadable", broken.strerror or "The file cannot be read.")
            except ExchangeError as refused:
                fault = Fault(refused.code, " ".join([refused.detail, *refused.reasons]))
        return Outcome(file, None, fault)

    async def _judge(self, file: Path) -> VerificationReport:
        if await asyncio.to_thread(_is_large_and_unsigned, file, max_bytes=self.max_bytes):
            return _TOO_LARGE_TO_COPY
        async with AsyncExitStack() as copies:
            copy = await copies.enter_async_context(self._copied(file))
            beside = await asyncio.to_thread(self._content_of, file)
            content = await copies.enter_async_context(self._copied(beside)) if beside else None
            return await judge(
                copy,
                verifier=self.verifier,
                packets=self.packets,
                content=content.draft if content else None,
            )

    @asynccontextmanager
    async def _copied(self, file: Path) -> AsyncIterator[ReceivedFile]:
        """Lend a copy of a file where the workers may read.

        Raises:
            OSError: It is not there, or is no readable file.
            TooLarge: It is larger than the exchange takes.
            StoreUnavailable: There is no room.
        """
        async with self.bodies.receiving() as draft:
            with await asyncio.to_thread(_opened, file, max_bytes=self.max_bytes) as source:
                while chunk := await asyncio.to_thread(source.read, _CHUNK_BYTES):
                    await draft.write(chunk)
            yield ReceivedFile(file.name, type_by_content(draft.head), draft)

    def _content_of(self, file: Path) -> Path | None:
        """Return the document of a detached signature: the one named, else `x.pdf` for `x.pdf.p7s`."""
        if file.suffix.lower() != _DETACHED:
            return None
        if self.content is not None:
            return self.content
        as_written = file.with_suffix("")
        if as_written.is_file():
            return as_written
        with suppress(PermissionError):  # the folder may let us open files and not list them
            beside = (each for each in file.parent.iterdir() if is_signature_of(file.name, of=each.name))
            return next((each for each in beside if each.is_file()), None)
        return None


class _Empty(Exception):
    """There is nothing in the file that could be judged."""


def _demand_certificates(terms: Terms) -> None:
    """Pass when there is somebody to trust: else every signature would be a stranger's, and nobody knew why.

    Raises:
        VerificationUnavailable: The trust folder cannot be read, or has no certificate.
    """
    try:
        trust = load_trust(terms.trust, now=terms.at or datetime.now(UTC))
    except TrustFolderUnreadable as broken:
        raise VerificationUnavailable(str(broken)) from broken
    if not trust.certificates:
        raise VerificationUnavailable(
            f"No certificate found in {terms.trust}: they are in files named *.pem or *.crt."
        )


def _is_large_and_unsigned(file: Path, *, max_bytes: int) -> bool:
    """Return whether a file is too large to be copied for nothing: it is none that can carry a signature.

    Raises:
        OSError, TooLarge: As `_opened`.
        _Empty: It has no byte.
    """
    with _opened(file, max_bytes=max_bytes) as opened:
        size = os.fstat(opened.fileno()).st_size
    if not size:
        raise _Empty
    return size > _COPIED_UNSEEN_BYTES and kind_of(file) is None


def _opened(file: Path, *, max_bytes: int) -> FileIO:
    """Return a file opened for reading.

    Raises:
        OSError: It is not there, or is no readable file.
        TooLarge: It is larger than the exchange takes.
    """
    opened = FileIO(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))  # a pipe must not keep us
    found = os.fstat(opened.fileno())
    try:
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError
        if not stat.S_ISREG(found.st_mode):
            raise OSError(None, "It is not a file.")
        if found.st_size > max_bytes:
            raise TooLarge(f"{file.name} is larger than {max_bytes:,} bytes, the most the exchange takes.")
    except BaseException:
        opened.close()
        raise
    return opened
