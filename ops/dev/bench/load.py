"""The load, a process of its own: each pair of a sender and a recipient passes one document after the other.

The recipient's long poll is open before the sender submits, so that it hears of the document as the
exchange's own routing tells it, and the time until it holds the final receipt is the whole way.
`python -m ops.dev.bench.load PLAN` prints marks, one JSON object a line; times are of the monotonic clock.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import msgspec

from ops.dev.bench.lean_http import Connection, UnexpectedAnswer, connect, multipart

POLL_SECONDS = 30


class Member(msgspec.Struct, frozen=True):
    """An agency and the access token it acts with."""

    code: str
    token: str


class Pair(msgspec.Struct, frozen=True):
    """A sender, the recipients it takes in turn, and the PDFs it sends. No recipient is in two pairs."""

    sender: Member
    recipients: list[Member]
    documents: list[str]


class Plan(msgspec.Struct, frozen=True):
    """What to do: how many documents to warm up with, and how long to measure at most."""

    port: int
    pairs: list[Pair]
    warm_up: int
    seconds: float | None = None


class Passage(msgspec.Struct, frozen=True):
    """One document's way: seconds from its submission to the answer and to the final receipt."""

    ended_at: float
    accepted_seconds: float
    receipt_seconds: float


class Mark(msgspec.Struct, frozen=True):
    """Where the load is: warm, about to end, or done with all passages."""

    phase: Literal["steady", "ending", "done"]
    passages: list[Passage] = []


@dataclass(slots=True)
class Course:
    """What all pairs together have done so far."""

    plan: Plan
    passages: list[Passage] = field(default_factory=list)
    steady_at: float | None = None
    is_ending: bool = False

    def note(self, passage: Passage) -> None:
        """Keep a passage; mark the end of the warm-up."""
        self.passages.append(passage)
        if self.steady_at is None and len(self.passages) >= self.plan.warm_up:
            self.steady_at = monotonic()
            _print(Mark("steady"))

    @property
    def is_over(self) -> bool:
        """Return whether the time to measure is over."""
        if self.steady_at is None or self.plan.seconds is None:
            return False
        return monotonic() - self.steady_at >= self.plan.seconds

    def end(self) -> None:
        """Mark that one pair has finished: from now on there is less load than planned."""
        if not self.is_ending:
            self.is_ending = True
            _print(Mark("ending"))


async def run(plan: Plan) -> None:
    """Pass all documents of the plan and print the marks."""
    course = Course(plan)
    # Made before, because the machine that carries the exchange pays for it.
    prepared = [list(_submissions(pair)) for pair in plan.pairs]
    async with asyncio.TaskGroup() as pairs:
        for pair, submissions in zip(plan.pairs, prepared, strict=True):
            pairs.create_task(_pass_all(course, pair.sender, submissions))
    _print(Mark("done", course.passages))


@dataclass(frozen=True, slots=True)
class _Submission:
    body: bytes
    content_type: str
    recipient: Member


def _submissions(pair: Pair) -> Iterator[_Submission]:
    for path, recipient in zip(map(Path, pair.documents), cycle(pair.recipients), strict=False):
        body, content_type = multipart(envelope(path.stem, to=[recipient.code]), path.read_bytes())
        yield _Submission(body, content_type, recipient)


def envelope(document_id: str, *, to: list[str]) -> dict[str, object]:
    """Return the envelope of an ordinary document."""
    return {
        "document_id": document_id,
        "number": "12",
        "notation": "UBND-VP",
        "subject": "Về việc triển khai nhiệm vụ trọng tâm",
        "to": to,
    }


async def _pass_all(course: Course, sender: Member, submissions: list[_Submission]) -> None:
    outgoing, incoming = await connect(course.plan.port), await connect(course.plan.port)
    for submission in submissions:
        if course.is_over:
            break
        course.note(await _pass(submission, sender, outgoing=outgoing, incoming=incoming))
    course.end()
    outgoing.close()
    incoming.close()


async def _pass(
    submission: _Submission, sender: Member, *, outgoing: Connection, incoming: Connection
) -> Passage:
    recipient = submission.recipient.token
    _poll(incoming, recipient)
    began = monotonic()
    outgoing.send(
        "POST",
        "/v1/documents",
        token=sender.token,
        body=submission.body,
        content_type=submission.content_type,
    )
    await outgoing.answer(expected=202)
    accepted = monotonic()
    delivery = await _offered(incoming, recipient)
    incoming.send(
        "POST",
        f"/v1/inbox/{delivery}/accept",
        token=recipient,
        body=b"{}",
        content_type="application/json",
    )
    await incoming.answer(expected=200)
    ended = monotonic()
    return Passage(ended, accepted - began, ended - began)


def _poll(incoming: Connection, recipient: str) -> None:
    incoming.send("GET", f"/v1/inbox?wait={POLL_SECONDS}&limit=1", token=recipient)


async def _offered(incoming: Connection, recipient: str) -> str:
    """Return the delivery that the recipient's open poll brings."""
    while True:
        answer: dict[str, Any] = msgspec.json.decode(await incoming.answer(expected=200))
        if answer["items"]:
            return str(answer["items"][0]["delivery"])
        _poll(incoming, recipient)


def _print(mark: Mark) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(mark) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        asyncio.run(run(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)))
    except* UnexpectedAnswer as unexpected:
        sys.exit(f"load: {unexpected.exceptions[0]}")
