"""The agencies of a crash run: they send with retries, take what they are offered, and write it all down."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from time import time
from typing import Any

from ops.dev.crash.journal import Answered, Attempted, Journal, Seen, Taken
from ops.dev.crash.line import Line, Reply, is_worth_another_try
from ops.dev.crash.orders import Order

SHARE_RESENT = 0.1
"""Share of the documents that are sent again although they were accepted: the answer must be the same."""
SHARE_CLAIMED = 0.3
POLL_SECONDS = 4
FETCHES_AT_ONCE = 8

Json = dict[str, Any]


class Sender:
    """Posts the documents of one agency, each with its own key, until the exchange has judged it."""

    def __init__(self, line: Line, journal: Journal) -> None:
        self._line = line
        self._journal = journal

    async def send(self, order: Order) -> None:
        """Send one document to its end, and now and then once more after that."""
        reply = await self._until_judged(order)
        if reply.is_yes and self._line.dice.random() < SHARE_RESENT:
            await self._until_judged(order)

    async def _until_judged(self, order: Order) -> Reply:
        while True:
            self._journal.write(
                Attempted(
                    key=order.key,
                    sender=order.sender,
                    document_id=order.document_id,
                    to=order.to,
                    sha256=order.sha256,
                    must_be_refused=order.must_be_refused,
                )
            )
            headers = {"Idempotency-Key": order.key}
            reply = await self._line.ask("POST", "documents", form=order.parts, headers=headers)
            self._journal.write(_answered(order.key, reply))
            if not is_worth_another_try(reply):
                return reply
            await self._line.pause(reply)


def _answered(key: str, reply: Reply) -> Answered:
    if not reply.is_yes:
        return Answered(key=key, status=reply.status, code=reply.code)
    answer = reply.json()
    return Answered(
        key=key,
        status=reply.status,
        content_sha256=hashlib.sha256(reply.content).hexdigest(),
        document=answer["id"],
        receipt=answer["receipt"]["statement"]["receipt"],
    )


class Recipient:
    """Takes the deliveries of one agency: fetches and hashes every file, then accepts.

    With `only_offered` it passes over what the exchange has not handed over yet (QUEUED rows of its inbox),
    so that a lost hand-over shows.
    """

    def __init__(self, line: Line, journal: Journal, *, only_offered: bool) -> None:
        self._line = line
        self._journal = journal
        self._only_offered = only_offered
        self._fetching = asyncio.Semaphore(FETCHES_AT_ONCE)

    async def poll(self) -> None:
        """Ask for what waits and take it, again and again."""
        while True:
            asked_at = time()
            path = f"inbox?wait={POLL_SECONDS}&limit=200"
            reply = await self._line.ask("GET", path, within=POLL_SECONDS + 10)
            if not reply.is_yes:
                await self._line.pause(reply)
                continue
            items = [item for item in reply.json()["items"] if self._is_wanted(item)]
            async with asyncio.TaskGroup() as taking:
                for item in items:
                    taking.create_task(self.take(item["delivery"], item["document"], asked_at))
            if not items:
                # What is only queued comes back at once, long poll or not.
                await asyncio.sleep(0.2)

    def _is_wanted(self, item: Json) -> bool:
        return not self._only_offered or item["state"] == "OFFERED"

    async def take(self, delivery: str, document: Json, asked_at: float) -> None:
        """Take one delivery to its end."""
        async with self._fetching:
            lease = await self._claim(delivery) if self._line.dice.random() < SHARE_CLAIMED else {}
            hashes = [await self._hash(document["id"], file) for file in document["files"]]
            self._journal.write(
                Seen(
                    agency=self._line.agency,
                    delivery=delivery,
                    document=document["id"],
                    sender=document["from"],
                    document_id=document["document_id"],
                    sha256=tuple(hashes),
                    asked_at=asked_at,
                )
            )
            await self._accept(delivery, document["id"], lease)

    async def _claim(self, delivery: str) -> Mapping[str, str]:
        reply = await self._line.persist("POST", f"inbox/{delivery}/claim", fields={})
        return {"lease": reply.json()["lease"]} if reply.is_yes else {}

    async def _hash(self, document: str, file: Json) -> str:
        reply = await self._line.persist("GET", f"documents/{document}/files/{file['n']}")
        return hashlib.sha256(reply.content).hexdigest() if reply.is_yes else f"status {reply.status}"

    async def _accept(self, delivery: str, document: str, lease: Mapping[str, str]) -> None:
        while True:
            reply = await self._line.ask("POST", f"inbox/{delivery}/accept", fields=lease)
            self._journal.write(_taken(self._line.agency, delivery, document, reply))
            if not is_worth_another_try(reply):
                return
            await self._line.pause(reply)


def _taken(agency: str, delivery: str, document: str, reply: Reply) -> Taken:
    receipt = reply.json()["statement"]["receipt"] if reply.is_yes else ""
    return Taken(agency=agency, delivery=delivery, document=document, status=reply.status, receipt=receipt)
