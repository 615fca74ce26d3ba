"""What the services need from the outside, besides the ledger (`ledger_ports.py`) and packets.

Each port is met once in `adapters` or `queue/broker`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from gateway.domain.ledger import (
    Claim,
)
from gateway.domain.model import (
    AgencyCode,
    Channel,
    Handover,
    Lane,
    PolicyLabel,
    ReceiptKind,
    Sha256,
)
from signing.report import Verdict, VerificationReport

Clock = Callable[[], datetime]
"""Returns the present moment, aware, in UTC. Injected everywhere, so that tests can move it."""


# --- bodies, verdicts, receipts ------------------------------------------------------------------


class Draft(Protocol):
    """A body being received. It is gone when its context ends, unless it was kept."""

    @property
    def path(self) -> Path:
        """Return where the bytes are, for a parsing worker to read."""

    @property
    def size_bytes(self) -> int:
        """Return how many bytes were written so far."""

    @property
    def sha256(self) -> Sha256:
        """Return the hash of what was written so far."""

    @property
    def head(self) -> bytes:
        """Return up to the first 1,024 bytes."""

    async def write(self, chunk: bytes) -> None:
        """Append bytes."""


class Bodies(Protocol):
    """Bytes under their SHA-256. Kept means: on disk, file and folder fsynced."""

    def receiving(self) -> AbstractAsyncContextManager[Draft]:
        """Return a context in which one body is received.

        Raises:
            StoreUnavailable: Free space is below the floor.
        """

    async def keep(self, drafts: Sequence[Draft]) -> None:
        """Make drafts durable under their hashes; keeping known bytes again is harmless."""

    def path(self, sha256: Sha256) -> Path:
        """Return where a kept body can be read."""

    def unpacking(self) -> AbstractAsyncContextManager[Path]:
        """Return a context with an empty folder for a parsing worker to write to; it is gone at its end.

        Raises:
            StoreUnavailable: Free space is below the floor.
        """

    async def adopt(self, path: Path) -> Draft:
        """Return a file of an `unpacking` folder as a draft. It is hashed here: who wrote it parsed a
        stranger's bytes and is not believed."""


class Verifier(Protocol):
    """Judges the signatures of a file, and what is in it, in a parsing worker."""

    async def verify(
        self, path: Path, *, media_type: str, sha256: Sha256 | None = None, content: Path | None = None
    ) -> VerificationReport:
        """Return the verdict on a file. What can carry no signature counts as unsigned; archives are looked
        through.

        Args:
            path: Where it is.
            media_type: What it is taken for.
            sha256: Its hash, where that is known: the verdict on the same bytes need not be found twice.
            content: The file that it signs, for a detached signature.

        Raises:
            MalformedDocument: The file is broken, hides something or broke the limits of time or memory:
                there is no verdict.
            VerificationUnavailable: No parsing worker could be had.
        """


class RootSigner(Protocol):
    """Holds the receipt key, in a key worker."""

    async def sign_root(self, root: bytes) -> str:
        """Return the JWS over a Merkle root of 32 bytes.

        Raises:
            SigningUnavailable: The key worker does not answer.
        """


# --- hand-over -----------------------------------------------------------------------------------


class Connector(Protocol):
    """Speaks to one kind of receiver."""

    async def deliver(self, claim: Claim) -> None:
        """Offer a delivery to its recipient.

        Raises:
            AgencyUnavailable: Not now; `retry_after` holds what the receiver asked for.
            RecipientRefused: Never.
        """


class Broker(Protocol):
    """Hands work over. It may lose anything at any time: the rows remember."""

    def announce(self, handovers: Sequence[Handover]) -> None:
        """Publish soon. Never blocks and never fails: what is lost here the sweeper finds."""

    async def waiting(self) -> dict[tuple[Lane, Channel], int]:
        """Return how many broker messages wait in each work queue; empty while the broker is away."""


class Wakeups(Protocol):
    """Tells long polls that their agency's inbox changed. Losing one costs a poll interval, no more."""

    def wake(self, agencies: Collection[AgencyCode]) -> None:
        """Wake the long polls of these agencies, in every process."""

    async def wait(self, agency: AgencyCode, *, timeout: timedelta) -> None:
        """Return when the agency is woken, or after the timeout."""


class Meter(Protocol):
    """Counts what happens, for the operator's dashboards. Never fails, never blocks."""

    def verified(self, verdict: Verdict | None, *, seconds: float) -> None:
        """Count a judged file; None is one that no verdict could be found on."""

    def accepted(self, label: PolicyLabel, *, size_bytes: int) -> None:
        """Count an accepted document."""

    def offered(self, lane: Lane, channel: Channel, *, seconds: float) -> None:
        """Count a delivery handed over, so many seconds after it was accepted."""

    def failed(self, lane: Lane, channel: Channel) -> None:
        """Count a failed attempt."""

    def ended(self, kind: ReceiptKind, *, seconds: float) -> None:
        """Count the end of a delivery, so many seconds after it was accepted."""
