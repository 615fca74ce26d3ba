"""Judging files that lie anywhere on this machine, by the same parsing workers that judge documents.

Needs no gateway: a trust folder is enough. Workers read nothing but copies in a folder made for them, within
the limits of memory and time of the settings.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec
from prometheus_client import CollectorRegistry

from adapters.bodies import UNPACK
from adapters.edxml.files import shown_name
from adapters.scanner import Parsers
from gateway.domain.errors import ExchangeError, MalformedDocument
from gateway.domain.file_types import HEAD_BYTES, PDF, type_by_content
from ops.packet_verdict import AttachmentVerdict, packet_verdict
from ops.parts import now
from ops.sections import Trust
from ops.settings import Settings
from ops.verifying import open_verifier
from signing.basis import POLICY_VERSION
from signing.report import VerificationReport
from signing.report import Warning as ReportWarning
from signing.scan import Finding
from signing.verify import kind_of

_AHEAD = 256
"""How many files may be judged before the one whose turn it is to be shown."""
_DETACHED = ".p7s"
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
        VerificationUnavailable: The trust folder cannot be read, or there can be no worker.
    """
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
        (folder / UNPACK).mkdir()
        changed = _settings_for(settings, terms, folder, workers=workers)
        moment = terms.at
        async with open_verifier(
            changed, CollectorRegistry(), clock=now if moment is None else lambda: moment
        ) as parsers:
            yield _Judging(parsers, folder, terms.content, asyncio.Semaphore(workers))


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
    return folder.is_dir() and folder.stat().st_uid == os.geteuid()


@dataclass(frozen=True, slots=True)
class _Judging:
    parsers: Parsers
    folder: Path
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
        if await asyncio.to_thread(_is_large_and_unsigned, file):
            return _TOO_LARGE_TO_COPY
        async with AsyncExitStack() as copies:
            copy = await copies.enter_async_context(self._copied(file))
            content = self._content_of(file)
            if content is not None:
                content = await copies.enter_async_context(self._copied(content))
            report = await self._verdict(copy, content=content)
            return await self._with_attachments(copy, report) if report.kind == "edxml" else report

    @asynccontextmanager
    async def _copied(self, file: Path) -> AsyncIterator[Path]:
        """Lend a copy of a file where the workers may read.

        Raises:
            OSError: It is not there, is no readable file, or there is no room.
        """
        with tempfile.NamedTemporaryFile(dir=self.folder) as copy:
            await asyncio.to_thread(_copy, file, copy.file)
            yield Path(copy.name)

    async def _verdict(self, copy: Path, *, content: Path | None = None) -> VerificationReport:
        return await self.parsers.verify(copy, media_type=_media_type(copy), content=content)

    def _content_of(self, file: Path) -> Path | None:
        """Return the document of a detached signature: the one named, else `x.pdf` for `x.pdf.p7s`."""
        if file.suffix.lower() != _DETACHED:
            return None
        beside = file.with_suffix("")
        return self.content or (beside if beside.is_file() else None)

    async def _with_attachments(self, packet: Path, report: VerificationReport) -> VerificationReport:
        # There, and nowhere else, a worker may unpack to.
        with tempfile.TemporaryDirectory(dir=self.folder / UNPACK) as made:
            read = await self.parsers.read_packet(packet, into=Path(made))
            # Only their names: the worker that wrote the paths may have been taken over.
            files = [
                _Attached(shown_name(each.name, number=number), Path(made, Path(each.path).name))
                for number, each in enumerate(read.attachments, start=1)
            ]
            verdicts = [await self._attached(each, files) for each in files if each.may_be_signed]
            return packet_verdict(report, verdicts, mistakes=[str(fault) for fault in read.faults])

    async def _attached(self, file: _Attached, others: Sequence[_Attached]) -> AttachmentVerdict:
        beside = (each.copy for each in others if f"{each.name}{_DETACHED}" == file.name)
        try:
            return AttachmentVerdict(file.name, await self._verdict(file.copy, content=next(beside, None)))
        except (MalformedDocument, FileNotFoundError):
            return AttachmentVerdict(file.name, None)


@dataclass(frozen=True, slots=True)
class _Attached:
    """A file of a packet, by a name that can be shown."""

    name: str
    copy: Path

    @property
    def may_be_signed(self) -> bool:
        """Return whether signatures are looked for in it: other files hold none that can be judged."""
        return self.name.lower().endswith(_DETACHED) or _media_type(self.copy) == PDF.media_type


class _Empty(Exception):
    """There is nothing in the file that could be judged."""


def _is_large_and_unsigned(file: Path) -> bool:
    """Return whether a file is too large to be copied for nothing: it is none that can carry a signature.

    Raises:
        OSError: It is not there, or is no readable file.
        _Empty: It has no byte.
    """
    size = _demand_file(file).st_size
    if not size:
        raise _Empty
    return size > _COPIED_UNSEEN_BYTES and kind_of(file) is None


def _demand_file(file: Path) -> os.stat_result:
    found = file.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError
    if not stat.S_ISREG(found.st_mode):  # a pipe could keep us for ever
        raise OSError(None, "It is not a file.")
    return found


def _copy(file: Path, copy: IO[bytes]) -> None:
    _demand_file(file)
    with file.open("rb") as source:
        shutil.copyfileobj(source, copy)
    copy.flush()


def _media_type(copy: Path) -> str:
    with copy.open("rb") as file:
        return type_by_content(file.read(HEAD_BYTES))
