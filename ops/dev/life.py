"""The demo's second half: a document between systems of different kinds, and a circular taken back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from filecmp import cmp
from pathlib import Path
from typing import Any

from ops.client.api import ExchangeClient, connect
from ops.client.line import Credentials, Refused
from ops.client.terminal import legal_time
from ops.dev.city import Row
from ops.dev.packets import Letter, answer_packet, letter_packet, status_said
from ops.dev.story import Office, envelope, letter
from ops.dev.vxp_client import Centre, VxpClient, calling

GIVE_UP = timedelta(minutes=2)
_LONG_POLL = timedelta(seconds=20)
_NUMBER = 8001
"""Of the first of the two papers."""
ARRIVED, RECEIVED, AGREES, DISAGREES = "01", "03", "15", "16"

Json = dict[str, Any]


@dataclass(slots=True)
class LifeTally:
    """What this half came to, apart from the counts of the first: `lines` for people, what was wrong."""

    documents: int = 0
    statuses: int = 0
    """Of the document over edXML, come back to its sender."""
    recalled_unopened: int = 0
    recall_asked: int = 0
    """Recipients that had opened the circular."""
    recall_agreed: int = 0
    recall_refused: int = 0
    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def fields(self) -> dict[str, int]:
        """Return the counts for `--json`."""
        return {
            "documents": self.documents,
            "statuses": self.statuses,
            "recalled_unopened": self.recalled_unopened,
            "recall_asked": self.recall_asked,
            "recall_agreed": self.recall_agreed,
            "recall_refused": self.recall_refused,
        }

    def expect(self, what: str, *, wanted: object, got: object) -> None:
        """Note a fault unless the two are equal."""
        if wanted != got:
            self.faults.append(f"{what}: {got} and not {wanted}")


class Life:
    """The city's council and one of its departments on `/v1`, and two departments behind centres."""

    def __init__(
        self,
        city: Sequence[Row],
        credentials: Mapping[str, Credentials],
        centres: Sequence[Centre],
        *,
        office: Office,
        folder: Path,
    ) -> None:
        self._rows = {row.code: row for row in city}
        self._council, self._department, *_ = city
        self._credentials = credentials
        self._centres = centres
        self._office = office
        self._folder = folder
        self.tally = LifeTally()

    async def tell(self) -> None:
        """Tell both stories.

        Raises:
            TimeoutError: Something did not arrive within GIVE_UP.
            Refused, Unreachable, CallRefused: The exchange said no, or nothing.
        """
        async with asyncio.timeout(GIVE_UP.total_seconds()), AsyncExitStack() as opened:
            first, second = [await opened.enter_async_context(calling(each)) for each in self._centres]
            council, department = [
                await opened.enter_async_context(connect(self._credentials[row.code]))
                for row in (self._council, self._department)
            ]
            await self._pass_on(first, second, department)
            await self._take_back(council, department, first, second)

    # --- a document over edXML -------------------------------------------------------------------

    async def _pass_on(self, sender: VxpClient, recipient: VxpClient, other: ExchangeClient) -> None:
        """Send one packet to an agency on `/v1` and to one behind the other centre; both report back."""
        author, addressee = sender.centre.agencies[0], recipient.centre.agencies[0]
        paper = letter(_NUMBER, self._rows[author], subject="phối hợp liên thông hai trục", to="Như trên")
        pdf = await self._office.signed("van-ban-edxml", paper)
        sent = Letter(
            document_id=f"demo-{_NUMBER}",
            number=paper.number,
            notation=paper.notation,
            subject=paper.subject,
            sender=author,
            to=(self._department.code, addressee),
        )
        await sender.send(letter_packet(sent, pdf), sender=author)
        self.tally.documents += 1
        await self._receive_on_v1(other, pdf=pdf)
        await self._receive_on_vxp(recipient, by=addressee)
        codes = await self._statuses(sender, about=sent.document_id)
        self.tally.statuses = len(codes)
        self.tally.expect(
            "statuses that came back", wanted=[ARRIVED, ARRIVED, RECEIVED, RECEIVED], got=sorted(codes)
        )
        self.tally.lines.append(
            f"edXML: {author} → /vxp → {self._department.code} (/v1) and {addressee} (/vxp); "
            f"{len(codes)} statuses came back: {', '.join(codes)}"
        )

    async def _receive_on_v1(self, client: ExchangeClient, *, pdf: Path) -> None:
        item = await _next_item(client)
        document = item["document"]
        (file,) = document["files"]
        path = await client.download(document["id"], file, into=self._folder)
        self.tally.expect("the signed PDF came whole", wanted=True, got=cmp(path, pdf, shallow=False))
        # Accepting reports 01 by itself.
        await client.accept(item["delivery"])
        await client.report(document["id"], RECEIVED, description="Đã tiếp nhận")

    async def _receive_on_vxp(self, client: VxpClient, *, by: str) -> None:
        (item,) = await client.waiting()
        packet = await client.fetch(item["docId"])
        await client.done(item["docId"])
        for status, words in ((ARRIVED, "Đã đến"), (RECEIVED, "Đã tiếp nhận")):
            answer = answer_packet(packet, by=by, status=status, description=words)
            await client.send(answer, sender=by, kind="status")

    async def _statuses(self, client: VxpClient, *, about: str) -> list[str]:
        """Take the statuses that wait for a centre; return the codes of those about one document."""
        said = []
        for item in await client.waiting("status"):
            said.append(status_said(await client.fetch(item["docId"])))
            await client.done(item["docId"])
        self.tally.expect("statuses that still wait", wanted=[], got=await client.waiting("status"))
        return [code for document, code in said if document == about]

    # --- a circular that is taken back -----------------------------------------------------------

    async def _take_back(
        self, sender: ExchangeClient, reader: ExchangeClient, centre: VxpClient, other: VxpClient
    ) -> None:
        """Send a circular; one agency reads it over `/v1` and one over `/vxp`; then it is recalled."""
        behind = (*centre.centre.agencies[:2], *other.centre.agencies[:2])
        document = await self._send_circular(sender, to=(self._department.code, *behind))
        (file,) = (await _next_item(reader))["document"]["files"]
        await reader.download(document, file, into=self._folder)
        packet = await self._open_on_vxp(centre, behind[0])
        recalled = await sender.recall(document, reason="Sai ngày họp")
        self.tally.recalled_unopened = len(recalled["recalled"])
        self.tally.recall_asked = len(recalled["asked"])
        await reader.report(document, AGREES, description="Đồng ý thu hồi")
        refusal = answer_packet(packet, by=behind[0], status=DISAGREES, description="Đã tổ chức thực hiện")
        await centre.send(refusal, sender=behind[0], kind="status")
        await self._expect_closed(reader, document, file)
        self._judge((await sender.document(document))["changes"])

    async def _send_circular(self, sender: ExchangeClient, *, to: Sequence[str]) -> str:
        paper = letter(_NUMBER + 1, self._council, subject="thông báo lịch họp giao ban", to="Như trên")
        pdf = await self._office.signed("thong-bao-thu-hoi", paper)
        sent = await sender.submit(envelope(f"demo-{_NUMBER + 1}", paper, to), [pdf])
        self.tally.documents += 1
        return str(sent["id"])

    async def _open_on_vxp(self, client: VxpClient, agency: str) -> bytes:
        """Fetch what waits for one agency of a centre, without taking it."""
        # In the lists an agency has its code of QCVN 102.
        code = self._rows[agency].qcvn102
        (item,) = [each for each in await client.waiting() if each["to"] == code]
        return await client.fetch(item["docId"])

    async def _expect_closed(self, reader: ExchangeClient, document: str, file: Json) -> None:
        try:
            await reader.download(document, file, into=self._folder / "again")
        except Refused:
            return
        self.tally.faults.append("a file of the recalled circular was given out again")

    def _judge(self, changes: Sequence[Json]) -> None:
        """Show and count what became of the recall at each recipient."""
        tally, opened = self.tally, [each for each in changes if each["opened_at"]]
        answers = Counter(each["state"] for each in opened)
        tally.recall_agreed, tally.recall_refused = answers["accepted"], answers["refused"]
        tally.expect("taken back unopened", wanted=3, got=tally.recalled_unopened)
        tally.expect("had opened it, as the recall says", wanted=2, got=tally.recall_asked)
        tally.expect(
            "had opened it, and how they answered", wanted={"accepted": 1, "refused": 1}, got=answers
        )
        tally.lines.append(
            f"Thu hồi / recalled: {len(opened)} had opened it, {tally.recalled_unopened} had not "
            "and never will see it"
        )
        tally.lines += [self._opened_line(each) for each in opened]

    def _opened_line(self, change: Json) -> str:
        answer = {"accepted": "đồng ý / agreed (15)", "refused": "không đồng ý / refused (16)"}
        row = self._rows[change["to"]]
        return (
            f"  {row.code} {row.name}: opened {legal_time(change['opened_at'])}, "
            f"{answer.get(change['state'], change['state'])}"
        )


async def _next_item(client: ExchangeClient) -> Json:
    """Return what has waited longest at an inbox, once there is something."""
    item: Json = (await client.inbox(wait=_LONG_POLL))["items"][0]
    return item
