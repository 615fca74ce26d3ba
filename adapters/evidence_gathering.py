"""Judging with what can be got: a verdict that lacks evidence is tried again once it was fetched.

Verdicts are remembered for a while: judged by the same rules, the same trust and the same evidence the same
file gets the same verdict, and the same file comes often.
A worker says which trust that is, at least once a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Protocol

import msgspec

from adapters.edxml.packet import Read
from adapters.evidence_fetching import Fetcher
from adapters.evidence_store import EvidenceFolder
from adapters.sandbox import TrustTold
from adapters.scanner import Parsers
from gateway.domain.errors import MalformedDocument, VerificationUnavailable
from gateway.domain.model import Sha256
from gateway.domain.ports import Clock
from signing.report import VerificationReport

_log = logging.getLogger(__name__)

_ROUNDS = 4
"""How often a file is judged at most: a certificate that was fetched may name what else to fetch."""
# Short: a file may also be judged worse by evidence that nobody has fetched yet.
_REMEMBERED_FOR = timedelta(minutes=10)
_TRUST_ASKED_EVERY = timedelta(minutes=1)
_REMEMBERED_BYTES = 32 * 1024 * 1024

_Question = tuple[Sha256, str]
"""A file, and what it is taken for."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A verdict in JSON, what it rests on, and until when it is good."""

    report: bytes
    basis: tuple[str, str, str]
    until: datetime


@dataclass(slots=True)
class RememberedVerdicts:
    """Verdicts under the file's hash, given while the rules, the trust and the evidence they rest on are the
    present ones."""

    _kept: OrderedDict[_Question, _Remembered] = field(default_factory=OrderedDict)
    _bytes: int = 0
    policy: str = ""
    """The version that the last verdict was judged by."""
    trust: str = ""
    """The version that is known to be in force; empty while none is, and then no verdict holds."""

    def get(self, question: _Question, *, epoch: str, at: datetime) -> VerificationReport | None:
        """Return the verdict on a file, if there is one that still holds."""
        kept = self._kept.get(question)
        if kept is None:
            return None
        if kept.basis != (self.policy, self.trust, epoch) or at >= kept.until:
            self._forget(question)
            return None
        self._kept.move_to_end(question)
        return msgspec.json.decode(kept.report, type=VerificationReport)

    def __contains__(self, question: _Question) -> bool:
        """Return whether there is a verdict, which may hold no more."""
        return question in self._kept

    def remember(self, question: _Question, report: VerificationReport, *, epoch: str, at: datetime) -> None:
        """Keep a verdict for ten minutes, or as long as what it rests on holds; the ones not asked for
        longest go when there are too many."""
        self._forget(question)
        until = at + _REMEMBERED_FOR
        basis = (report.policy_version, report.trust_version, epoch)
        kept = _Remembered(msgspec.json.encode(report), basis, min(until, report.holds_until or until))
        self._kept[question] = kept
        self._bytes += len(kept.report)
        while self._bytes > _REMEMBERED_BYTES:
            self._forget(next(iter(self._kept)))

    def _forget(self, question: _Question) -> None:
        kept = self._kept.pop(question, None)
        if kept is not None:
            self._bytes -= len(kept.report)


class Workers(Parsers, Protocol):
    """Judges files by a trust folder that it can tell."""

    async def trust(self) -> TrustTold:
        """Return whom it believes."""


@dataclass(slots=True)
class Gathering:
    """Judges as `inner` does, with the evidence that can be fetched within a time. Meets the port `Verifier`.

    However evidence fares, there is a verdict: what could not be got is named in its reasons.
    """

    inner: Workers
    clock: Clock
    within: timedelta
    """How long fetching may hold up one verdict, whatever it takes to judge."""
    _evidence: EvidenceFolder
    _fetcher: Fetcher
    _verdicts: RememberedVerdicts = field(default_factory=RememberedVerdicts)
    _kept_trust: str = ""
    """The version of the trust folder that was last seen to be kept."""
    _trust_asked_at: datetime | None = None
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def verify(
        self, path: Path, *, media_type: str, sha256: Sha256 | None = None, content: Path | None = None
    ) -> VerificationReport:
        """Return the verdict on a file, in which nothing is wanted any more.

        Raises:
            MalformedDocument, VerificationUnavailable: As `inner`.
        """
        # A detached signature is judged by two files, and not remembered by the hash of one.
        question = (sha256, media_type) if sha256 and content is None else None
        if question and question in self._verdicts:
            await self._know_trust()
            known = self._verdicts.get(question, epoch=self._epoch(), at=self.clock())
            if known:
                return known
        began = self.clock()
        report, epoch = await self._judge(path, media_type=media_type, content=content)
        await self._note_rules(report)
        if question and not report.wanted:  # what is missing may come any moment
            self._verdicts.remember(question, report, epoch=epoch, at=began)
        return replace(report, wanted=())

    def _epoch(self) -> str:
        """Return the epoch of the evidence.

        Raises:
            VerificationUnavailable: It cannot be read.
        """
        try:
            return self._evidence.epoch
        except OSError as broken:
            _log.error("evidence.not_readable", extra={"reason": str(broken)})
            raise VerificationUnavailable from broken

    async def read_packet(self, path: Path, *, into: Path) -> Read:
        """Return what a packet says. Its files are judged like others."""
        return await self.inner.read_packet(path, into=into)

    async def _note_rules(self, report: VerificationReport) -> None:
        """Remember by which rules files are judged now. Another trust than the known one is asked for: it may
        be new, or that of a worker that has not read the folder yet."""
        self._verdicts.policy = report.policy_version
        if report.trust_version not in ("", self._verdicts.trust) or self._kept_trust != self._verdicts.trust:
            await self._ask_trust()

    async def _know_trust(self) -> None:
        """Ask for the trust in force unless that was done within the last minute."""
        async with self._asking:  # who waits for a worker here does so for all
            asked = self._trust_asked_at
            if asked is None or not asked <= self.clock() < asked + _TRUST_ASKED_EVERY:
                await self._ask_trust()

    async def _ask_trust(self) -> None:
        """Note which trust is in force, and keep it if it is a new version: the manifest, which has that
        version as its hash, and all it names. So what was judged can be again."""
        self._trust_asked_at = self.clock()
        try:
            told = await self.inner.trust()
            self._verdicts.trust = told.version
            if told.version != self._kept_trust:
                await asyncio.to_thread(self._evidence.keep_objects, [*told.certificates, told.manifest])
        except (VerificationUnavailable, MalformedDocument) as failed:  # there is no worker, or it broke
            self._verdicts.trust = ""
            _log.error("evidence.trust_not_told", extra={"reason": str(failed)})
        except OSError as failed:  # the verdict stands; the next one tries again
            _log.error("evidence.trust_not_kept", extra={"reason": str(failed)})
        else:
            self._kept_trust = told.version

    async def _judge(
        self, path: Path, *, media_type: str, content: Path | None = None
    ) -> tuple[VerificationReport, str]:
        """Return the verdict, and the epoch of the evidence it was judged with."""
        left = self.within
        for _ in range(_ROUNDS):
            epoch, since = self._epoch(), self.clock()
            report = await self.inner.verify(path, media_type=media_type, content=content)
            if not report.wanted or left <= timedelta(0):
                break
            began = monotonic()
            if not await self._fetcher.fetch(report.wanted, since=since, within=left):
                break
            left -= timedelta(seconds=monotonic() - began)
        return report, epoch
