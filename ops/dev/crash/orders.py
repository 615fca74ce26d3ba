"""What a crash run sends: small documents, seeded, most unsigned, a few that must be refused."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from ops.dev.papers import Paper, draw, sign
from ops.dev.pki import DemoAuthority

SENDERS = tuple(f"H26.{number:02}" for number in range(1, 7))
RECIPIENTS = tuple(f"H26.{number:02}" for number in range(11, 23))
PUSHED_TO = RECIPIENTS[::4]
"""Recipients that are told by webhook; the others ask."""
MOST_RECIPIENTS = 5
SHARE_SIGNED, SHARE_PDF, SHARE_URGENT, SHARE_REFUSED = 0.1, 0.25, 0.2, 0.03
SIGNED_PAPERS = 8
"""Several documents share each of them: bodies are kept once."""


@dataclass(frozen=True, slots=True)
class Order:
    """One document to send. `parts` is its form: the envelope, then the files by name."""

    sender: str
    key: str
    document_id: str
    to: tuple[str, ...]
    parts: dict[str, tuple[str, bytes]]
    must_be_refused: bool = False

    @property
    def sha256(self) -> tuple[str, ...]:
        """Return the hashes of the files in order."""
        return tuple(
            hashlib.sha256(content).hexdigest()
            for name, (_, content) in self.parts.items()
            if name != "envelope"
        )


class Mill:
    """Makes orders without end; the same seed makes the same ones, signatures apart."""

    def __init__(self, dice: random.Random, *, signed: Sequence[bytes], unsigned: bytes) -> None:
        self._dice = dice
        self._signed = signed
        self._unsigned = unsigned
        self._number = 0

    def portion(self, size: int) -> list[Order]:
        """Return so many documents that must be accepted, and among them now and then one that must not."""
        orders: list[Order] = []
        for _ in range(size):
            if self._dice.random() < SHARE_REFUSED:
                orders.append(self._order(must_be_refused=True))
            orders.append(self._order(must_be_refused=False))
        return orders

    def _order(self, *, must_be_refused: bool) -> Order:
        self._number += 1
        document_id = f"{self._number}/CV-{self._dice.getrandbits(32):08x}"
        to = tuple(self._dice.sample(RECIPIENTS, self._dice.randint(1, MOST_RECIPIENTS)))
        envelope = {
            "document_id": document_id,
            "number": str(self._number),
            "notation": "CV",
            "subject": f"Về việc thử nghiệm chịu lỗi số {self._number}",
            "to": to,
            "urgency": "urgent" if self._dice.random() < SHARE_URGENT else "normal",
            "secrecy": "mat" if must_be_refused else "none",
        }
        files = self._files(document_id)
        return Order(
            sender=self._dice.choice(SENDERS),
            key=f"crash-{document_id.replace('/', '-')}",
            document_id=document_id,
            to=to,
            parts={"envelope": ("application/json", msgspec.json.encode(envelope)), **files},
            must_be_refused=must_be_refused,
        )

    def _files(self, document_id: str) -> dict[str, tuple[str, bytes]]:
        kind = self._dice.random()
        if kind < SHARE_SIGNED:
            return {"cong-van.pdf": ("application/pdf", self._dice.choice(self._signed))}
        if kind < SHARE_SIGNED + SHARE_PDF:
            return {"cong-van.pdf": ("application/pdf", self._unsigned + f"%{document_id}\n".encode())}
        text = "".join(f"{document_id}: dòng {line}\n" for line in range(self._dice.randint(50, 700)))
        return {"noi-dung.txt": ("text/plain", text.encode())}


async def open_mill(dice: random.Random, *, trust: Path) -> Mill:
    """Return a mill whose signers the trust folder knows."""
    authority = DemoAuthority(now=datetime.now(UTC))
    authority.write_trust(trust)
    signer = authority.seal("Ủy ban nhân dân thành phố", elliptic=True)
    unsigned = [await asyncio.to_thread(_draw, number) for number in range(SIGNED_PAPERS)]
    return Mill(dice, signed=[await sign(pdf, signer) for pdf in unsigned], unsigned=unsigned[0])


def _draw(number: int) -> bytes:
    paper = Paper(
        number=number,
        notation="CV-UBND",
        issuer="Ủy ban nhân dân thành phố",
        parent="",
        place="Hà Nội",
        day=date(2026, 1, 5),
        subject=f"thử nghiệm chịu lỗi lần {number}",
        to=("các cơ quan, đơn vị",),
    )
    return draw(paper)
