"""A site's own scanner for harmful content, run over each file that may be kept. It fails closed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from adapters.edxml.packet import Read
from gateway.domain.errors import DependencyUnavailable, MalformedDocument
from gateway.domain.model import Sha256
from gateway.domain.ports import Verifier
from signing.report import VerificationReport

_log = logging.getLogger(__name__)


class Parsers(Verifier, Protocol):
    """Judges files and reads packets, in parsing workers."""

    async def read_packet(self, path: Path, *, into: Path) -> Read:
        """Return what a packet says, its attachments as files in a folder."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """Judges and reads as `inner` does, and lets a file pass only when the scanner finds nothing in it.

    `command` gets the file's path as its last argument: 0 is clean, 1 harmful, anything else no answer.
    """

    inner: Parsers
    command: Sequence[str]
    within: timedelta

    async def verify(
        self, path: Path, *, media_type: str, sha256: Sha256 | None = None, content: Path | None = None
    ) -> VerificationReport:
        """Return the verdict on a file that the scanner lets pass.

        Raises:
            MalformedDocument: As `inner`, or the scanner found something harmful.
            VerificationUnavailable: As `inner`.
            DependencyUnavailable: The scanner did not answer.
        """
        report = await self.inner.verify(path, media_type=media_type, sha256=sha256, content=content)
        match await self._scan(path):
            case 0:
                return report
            case 1:
                _log.warning("scanner.found_something")
                raise MalformedDocument(
                    "The file is harmful.", reasons=("the scanner found something in it",)
                )
            case ended:
                _log.error("scanner.no_answer", extra={"exit_code": ended})
                raise _no_answer()

    async def read_packet(self, path: Path, *, into: Path) -> Read:
        """Return what a packet says. Its files are scanned when they are judged."""
        return await self.inner.read_packet(path, into=into)

    async def _scan(self, path: Path) -> int:
        """Return the scanner's exit code."""
        try:
            scanner = await asyncio.create_subprocess_exec(
                *self.command,
                str(path),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
                start_new_session=True,
            )
        except OSError as missing:
            _log.error("scanner.not_started", extra={"reason": str(missing)})
            raise _no_answer() from missing
        try:
            async with asyncio.timeout(self.within.total_seconds()):
                return await scanner.wait()
        except TimeoutError as late:
            _log.error("scanner.too_late")
            raise _no_answer() from late
        finally:
            with suppress(ProcessLookupError):  # the whole group: the scanner may have started others
                os.killpg(scanner.pid, signal.SIGKILL)
            await scanner.wait()


def _no_answer() -> DependencyUnavailable:
    return DependencyUnavailable("The scanner for harmful content does not answer; nothing was kept.")
