"""Small twins of what stands outside the exchange. They behave; they do not count calls."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.domain.errors import ExchangeError, MalformedDocument
from gateway.domain.ledger import Claim
from gateway.domain.model import Channel, Handover, Lane, PolicyLabel, ReceiptKind
from signing.report import Facets, SignatureReport, Verdict, VerificationReport


@dataclass
class HandClock:
    """A clock that stands still until a test moves it: `clock += timedelta(…)`."""

    now: datetime = datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def __iadd__(self, step: timedelta) -> HandClock:
        self.now += step
        return self


SIGNED = b"%PDF-1.7 signed by the agency"
TAMPERED = b"%PDF-1.7 signed by the agency, then changed"
UNSIGNED = b"%PDF-1.7 nobody signed this"
UNREADABLE = b"%PDF-1.7 and then nothing"


def _open_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


@dataclass
class ReadingVerifier:
    """Judges a file by the words in it, once `gate` is open; `is_busy` tells that it was asked. A file that
    is what `holds_up` says is never judged, and `is_held_up` tells that it came.

    `at_work` is how many files it judges now, `most_at_once` how many it ever did at the same time.
    """

    gate: asyncio.Event = field(default_factory=_open_gate)
    is_busy: asyncio.Event = field(default_factory=asyncio.Event)
    holds_up: bytes = b""
    is_held_up: asyncio.Event = field(default_factory=asyncio.Event)
    at_work: int = 0
    most_at_once: int = 0

    async def verify(
        self, path: Path, *, media_type: str, sha256: str | None = None, content: Path | None = None
    ) -> VerificationReport:
        """Return the verdict the file itself asks for; one with `content` signs just that or is broken."""
        self.is_busy.set()
        self.at_work += 1
        self.most_at_once = max(self.most_at_once, self.at_work)
        try:
            return await self._judge(content or path, "application/pdf" if content else media_type)
        finally:
            self.at_work -= 1

    async def _judge(self, path: Path, media_type: str) -> VerificationReport:
        await self.gate.wait()
        content = await asyncio.to_thread(path.read_bytes)
        if content == UNREADABLE:
            raise MalformedDocument
        if content and content == self.holds_up:
            self.is_held_up.set()
            await asyncio.Event().wait()
        if b"<edXML:edXML" in content:
            return VerificationReport(Verdict.UNSIGNED, kind="edxml")
        if media_type != "application/pdf" or b"signed by" not in content:
            return VerificationReport.unsigned()
        is_changed = b"then changed" in content
        verdict = Verdict.TOTAL_FAILED if is_changed else Verdict.TOTAL_PASSED
        signature = SignatureReport(
            field="Signature1",
            indication=verdict,
            sub_indication="HASH_FAILURE" if is_changed else None,
            signer="Nguyễn Văn A",
            organisation="Ủy ban nhân dân",
            signed_at=datetime(2026, 11, 20, 3, 0, tzinfo=UTC),
            facets=Facets(),
            reasons=("the file was changed after signing",) if is_changed else (),
        )
        return VerificationReport(verdict, (signature,))


@dataclass
class PlainSigner:
    """Signs a root by naming it; raises `failure` instead when it is set."""

    failure: ExchangeError | None = None

    async def sign_root(self, root: bytes) -> str:
        """Return a text that holds the root."""
        if self.failure is not None:
            raise self.failure
        return f"root.{root.hex()}.signature"


@dataclass
class ScriptedConnector:
    """Takes deliveries, or raises what stands next in its script."""

    script: list[ExchangeError] = field(default_factory=list)
    taken: list[Claim] = field(default_factory=list)

    async def deliver(self, claim: Claim) -> None:
        """Take the delivery, unless the script says otherwise."""
        if self.script:
            raise self.script.pop(0)
        self.taken.append(claim)


@dataclass
class PatientBroker:
    """Keeps what is announced until somebody takes it."""

    announced: list[Handover] = field(default_factory=list)

    def announce(self, handovers: Sequence[Handover]) -> None:
        """Keep the handovers."""
        self.announced += handovers

    async def waiting(self) -> dict[tuple[Lane, Channel], int]:
        """Return that every queue is empty."""
        return {(lane, channel): 0 for lane in Lane for channel in Channel}

    def take(self) -> list[Handover]:
        """Return what was announced since the last time."""
        taken, self.announced = self.announced, []
        return taken


@dataclass
class CountingMeter:
    """Counts what happened, by name."""

    counts: Counter[str] = field(default_factory=Counter)

    def verified(self, verdict: Verdict | None, *, seconds: float) -> None:
        """Count a judged file; None is one that no verdict could be found on."""
        self.counts[f"verified {verdict}"] += 1

    def accepted(self, label: PolicyLabel, *, size_bytes: int) -> None:
        """Count an accepted document."""
        self.counts[f"accepted {label}"] += 1

    def offered(self, lane: Lane, channel: Channel, *, seconds: float) -> None:
        """Count a delivery handed over."""
        self.counts[f"offered {lane} {channel}"] += 1

    def failed(self, lane: Lane, channel: Channel) -> None:
        """Count a failed attempt."""
        self.counts[f"failed {lane} {channel}"] += 1

    def ended(self, kind: ReceiptKind, *, seconds: float) -> None:
        """Count the end of a delivery."""
        self.counts[f"ended {kind}"] += 1
