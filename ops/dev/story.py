"""What happens in the demo: papers are drawn, signed, sent, refused, sent again, taken and proven."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.domain.receipts import canonical
from ops.client.api import connect
from ops.client.line import Credentials, Refused
from ops.dev.city import Row
from ops.dev.papers import Paper, draw, sign, tamper
from ops.dev.pki import DemoAuthority, Identity

AT_ONCE = 32
"""How many agencies wait at their inboxes at the same time, and how many send: never all in one moment."""
LONG_POLL = timedelta(seconds=20)
GIVE_UP = timedelta(minutes=10)

Json = dict[str, Any]
Verify = Callable[[bytes], str | None]
"""Verifies a receipt file offline; returns None when it is good, else what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One document that should be accepted."""

    sender: Row
    to: tuple[Row, ...]
    envelope: Json
    pdf: Path


@dataclass(frozen=True, slots=True)
class Refusal:
    """One document the exchange refused, and why, in its own words."""

    file: str
    detail: str
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """What has happened so far."""

    submitted: int = 0
    deliveries: int = 0
    taken: int = 0
    delivered: int = 0
    receipts_verified: int = 0
    resend_is_same: bool = False
    refusals: list[Refusal] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Office:
    """Draws and signs papers into a folder; every agency signs with a certificate of its own."""

    def __init__(self, folder: Path, authority: DemoAuthority) -> None:
        self._folder = folder
        self._authority = authority
        self._identities: dict[str, Identity] = {}
        folder.mkdir(parents=True, exist_ok=True)

    async def signed(self, name: str, paper: Paper) -> Path:
        """Return a file with the signed paper."""
        return self.write(name, await self.sign(paper))

    async def sign(self, paper: Paper) -> bytes:
        """Return the paper drawn and signed by its issuer."""
        identity = self._identities.get(paper.issuer)
        if identity is None:
            identity = self._authority.seal(paper.issuer, elliptic=True)
            self._identities[paper.issuer] = identity
        return await sign(draw(paper), identity)

    def write(self, name: str, pdf: bytes) -> Path:
        """Return a file with these bytes."""
        path = self._folder / f"{name}.pdf"
        path.write_bytes(pdf)
        return path


def letter(number: int, sender: Row, *, subject: str, to: str) -> Paper:
    """Return what stands in one letter of an agency."""
    return Paper(
        number=number,
        notation="VP-TH",
        issuer=sender.name,
        parent="Ủy ban nhân dân thành phố",
        place="Hà Nội",
        day=datetime.now(UTC).date(),
        subject=subject,
        to=(to,),
    )


class Story:
    """The demo's one run over a city whose agencies all have credentials."""

    def __init__(
        self,
        city: list[Row],
        credentials: Mapping[str, Credentials],
        *,
        office: Office,
        verify: Verify,
        receipts: Path,
        progress: Callable[[Tally], None],
    ) -> None:
        self._city = city
        self._credentials = credentials
        self._office = office
        self._verify = verify
        self._receipts = receipts
        self._progress = progress
        # Apart, so that recipients who wait for a document never keep its sender waiting.
        self._sending_turns = asyncio.Semaphore(AT_ONCE)
        self._receiving_turns = asyncio.Semaphore(AT_ONCE)
        self.tally = Tally()

    async def prepare(self, *, documents: int) -> list[Sending]:
        """Draw and sign what will be sent: a letter, a circular to all others, `documents` letters more."""
        council, first, second, *_ = (*self._city, self._city[0])
        subject = "nâng cao chất lượng gửi, nhận văn bản điện tử"
        sendings = [
            await self._sending(1, first, (second,), subject=subject),
            await self._sending(
                2, council, tuple(self._city[1:]), subject="triển khai trục liên thông văn bản"
            ),
        ]
        for number in range(3, documents + 3):
            sender = self._city[number % len(self._city)]
            recipient = self._city[(number + 1) % len(self._city)]
            sendings.append(await self._sending(number, sender, (recipient,), subject=subject))
        return sendings

    async def tell(self, sendings: list[Sending]) -> None:
        """Send everything while the recipients wait at their inboxes, then send the first once more.

        Raises:
            TimeoutError: Something did not arrive within GIVE_UP.
            Refused, Unreachable: As the client.
        """
        try:
            async with asyncio.timeout(GIVE_UP.total_seconds()):
                answers = await self._exchange(sendings)
        except ExceptionGroup as several:
            raise several.exceptions[0] from several
        await self._resend(sendings[0], answers[0])
        for sending, answer in zip(sendings, answers, strict=True):
            await self._ask_sender(sending, answer)

    async def be_refused(self) -> None:
        """Send an unsigned and a tampered paper from an agency whose policy is `require`."""
        _, sender, recipient, *_ = (*self._city, self._city[0])
        paper = letter(9001, sender, subject="văn bản không hợp lệ", to=recipient.name)
        papers = {"unsigned": draw(paper), "tampered": tamper(await self._office.sign(paper))}
        async with connect(self._credentials[sender.code]) as client:
            for name, pdf in papers.items():
                sent = envelope(f"demo-{name}", paper, [recipient.code])
                try:
                    await client.submit(sent, [self._office.write(name, pdf)])
                except Refused as no:
                    self.tally.refusals.append(Refusal(f"{name}.pdf", no.detail, no.reasons))
                else:
                    self.tally.faults.append(f"{name}.pdf was accepted")
                self._progress(self.tally)

    async def _sending(self, number: int, sender: Row, to: tuple[Row, ...], *, subject: str) -> Sending:
        addressee = to[0].name if len(to) == 1 else "Các sở, ban, ngành; Ủy ban nhân dân các xã, phường"
        paper = letter(number, sender, subject=subject, to=addressee)
        pdf = await self._office.signed(f"van-ban-{number}", paper)
        return Sending(sender, to, envelope(f"demo-{number}", paper, [row.code for row in to]), pdf)

    async def _exchange(self, sendings: list[Sending]) -> list[Json]:
        """Send and receive everything at the same time; return the answers to the senders."""
        expected = Counter(row.code for sending in sendings for row in sending.to)
        async with asyncio.TaskGroup() as together:
            for agency, count in expected.items():
                together.create_task(self._receive(agency, count))
            sent = [together.create_task(self._send(sending)) for sending in sendings]
        return [task.result() for task in sent]

    async def _send(self, sending: Sending) -> Json:
        async with self._sending_turns, connect(self._credentials[sending.sender.code]) as client:
            answer = await client.submit(sending.envelope, [sending.pdf])
        self.tally.submitted += 1
        self.tally.deliveries += len(answer["deliveries"])
        self._check(answer["receipt"], kind="accepted")
        return answer

    async def _receive(self, agency: str, expected: int) -> None:
        """Wait at an agency's inbox, take what comes, and fetch the receipt of each."""
        taken = 0
        async with self._receiving_turns, connect(self._credentials[agency]) as client:
            while taken < expected:
                page = await client.inbox(wait=LONG_POLL)
                for item in page["items"]:
                    given = await client.accept(item["delivery"])
                    fetched = await client.receipt(given["statement"]["receipt"])
                    if fetched != given:
                        self.tally.faults.append(f"{agency}: the receipt fetched is not the one given")
                    taken += 1
                    self.tally.taken += 1
                    self._check(fetched, kind="delivered")

    async def _resend(self, sending: Sending, first: Json) -> None:
        async with connect(self._credentials[sending.sender.code]) as client:
            again = await client.submit(sending.envelope, [sending.pdf])
        self.tally.resend_is_same = canonical(again["receipt"]) == canonical(first["receipt"])
        if not self.tally.resend_is_same:
            self.tally.faults.append("the resend got another receipt")

    async def _ask_sender(self, sending: Sending, answer: Json) -> None:
        """Count as delivered what the sender itself sees delivered, and fetch its acceptance receipt."""
        async with connect(self._credentials[sending.sender.code]) as client:
            document = await client.document(answer["id"])
            receipt = await client.receipt(answer["receipt"]["statement"]["receipt"])
        if receipt != answer["receipt"]:
            self.tally.faults.append(f"{answer['id']}: the receipt fetched is not the one given")
        self.tally.delivered += sum(1 for each in document["deliveries"] if each["state"] == "DELIVERED")
        self._progress(self.tally)

    def _check(self, receipt: Json, *, kind: str) -> None:
        """Keep a receipt as a file and verify it as anybody can, with the trust folder alone."""
        content = canonical(receipt)
        (self._receipts / f"{receipt['statement']['receipt']}.json").write_bytes(content)
        fault = self._verify(content)
        if fault is None and receipt["statement"]["kind"] != kind:
            fault = f"it says {receipt['statement']['kind']} and not {kind}"
        if fault is None:
            self.tally.receipts_verified += 1
        else:
            self.tally.faults.append(f"receipt {receipt['statement']['receipt']}: {fault}")
        self._progress(self.tally)


def envelope(document_id: str, paper: Paper, to: Sequence[str]) -> Json:
    """Return the envelope of a paper; `to` are codes."""
    return {
        "document_id": document_id,
        "number": str(paper.number),
        "notation": paper.notation,
        "subject": paper.subject,
        "to": list(to),
    }
