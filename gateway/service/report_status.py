"""Reporting a business status of a document, in whichever of the ways the field writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.domain.errors import Conflict, IllegalTransition, MalformedRequest
from gateway.domain.ledger import Said
from gateway.domain.model import AgencyCode, Change, Status
from gateway.domain.packets import StatusNotice
from gateway.domain.states import (
    ANSWERS,
    MEANT_AS_ANSWER,
    PROGRESS,
    BusinessStatus,
    ChangeKind,
    ChangeState,
)
from gateway.service.exchange import Exchange
from gateway.service.reading import Case, Reading, read_notice
from gateway.service.saying import TRIES, Words, confirming, say, saying
from gateway.service.taking_back import left_to_the_chore, take_back

_MAY_FOLLOW_ITSELF = frozenset(status for status in BusinessStatus if status in PROGRESS.get(status, ()))
_MAY_COME_ANEW = _MAY_FOLLOW_ITSELF | ANSWERS | {BusinessStatus.RECALL_ASKED}


@dataclass(frozen=True, slots=True)
class _Judged:
    """A reading that holds: what is now to be said, or the line that had said it before."""

    reading: Reading
    said: Said | None
    line: Status


async def report_status(
    x: Exchange, notice: StatusNotice, *, by: AgencyCode, packet: bytes | None = None
) -> list[Status]:
    """Keep what an agency says about a document it sent or received, and return the lines of history it
    makes: one for each recipient meant, or each document that an answered order is about. `packet` is kept
    with the line that says the same in our one reading.

    The same status with the same words again gets the same lines. A recall takes back at once what was not
    opened; the consent to one ends an open delivery.

    Raises:
        MalformedRequest: A refusal without a reason (QĐ 28/2018 Đ5.4).
        UnknownDocument: The agency has neither sent nor received such a document.
        IllegalTransition: The status is out of turn, or not for this agency to say.
        Conflict: Others kept moving the document at the same moment; send it again.
    """
    if notice.status is BusinessStatus.REFUSED and not notice.description.strip():
        raise MalformedRequest(
            "Say why the document is refused.", reasons=("description: must not be empty",)
        )
    for _ in range(TRIES):
        judged = await _judge(x, notice, by=by, packet=packet)
        new = [each.said for each in judged if each.said]
        moved = await say(x, new) if new else ()
        await _conclude(x, [each for each in judged if each.line.delivery in moved and each.said])
        if len(moved) == len(new):
            return [each.line for each in judged]
    raise Conflict("The document is being changed by others at this moment. Send the status again.")


async def _judge(x: Exchange, notice: StatusNotice, *, by: AgencyCode, packet: bytes | None) -> list[_Judged]:
    """Return the readings that hold, of the newest document that has any."""
    refusals = []
    for case in await read_notice(x, notice, by=by):
        holding = []
        for reading in case.readings:
            try:
                holding.append(await _judge_one(x, case, reading, notice=notice, packet=packet))
            except IllegalTransition as illegal:
                refusals.append(illegal)
        if holding:
            return holding
    raise refusals[0] if refusals else IllegalTransition("Only its sender asks for a document back.")


async def _judge_one(
    x: Exchange, case: Case, reading: Reading, *, notice: StatusNotice, packet: bytes | None
) -> _Judged:
    """Return what a reading comes to.

    Raises:
        IllegalTransition: It may not come now and says nothing that was said before.
    """
    status, copy = reading.status, reading.copy
    # The packet goes on as it came only if it says what we understood.
    raw = packet if status is notice.status else None
    words = Words(notice.description, notice.said_at, notice.staff, raw)
    if reading.may_come:
        earlier = await _just_repeated(case, reading, notice)
        if earlier:
            return _Judged(reading, None, earlier)
        said = saying(x, copy, status=status, words=words)
        return _Judged(reading, said, said.status)
    lines = await case.said_of(copy, by=reading.author)
    kept_as = (status, notice.status, MEANT_AS_ANSWER.get(notice.status))
    for line in lines:
        if line.description == notice.description and line.status in kept_as:
            return _Judged(reading, None, line)
    if reading.only_confirms and not any(line.status is status for line in lines):
        said = confirming(x, copy, words=words)
        return _Judged(reading, said, said.status)
    copy.delivery.life.after(status)
    raise IllegalTransition(f"No change waits for the answer {status}.")


async def _just_repeated(case: Case, reading: Reading, notice: StatusNotice) -> Status | None:
    """Return the line that a status which may come only repeats: it came again on the wire (a recall after it
    was declined), is an assignment told twice, or is of before a recall and must not be taken for the
    consent."""
    is_other_reading = reading.status is not notice.status and reading.copy.document is case.document
    if not is_other_reading and reading.status not in _MAY_COME_ANEW:
        return None
    lines = await case.said_of(reading.copy, by=reading.author)
    if again := next((line for line in lines if _came_again(line, reading, notice)), None):
        return again
    if not is_other_reading:
        is_told_twice = reading.status in _MAY_FOLLOW_ITSELF and lines and _says_the_same(lines[0], notice)
        return lines[0] if is_told_twice else None
    if reading.change and notice.said_at and notice.said_at > reading.change.asked_at:
        return None
    return next((line for line in lines if _says_the_same(line, notice)), None)


def _came_again(line: Status, reading: Reading, notice: StatusNotice) -> bool:
    is_same = line.status is reading.status and line.description == notice.description
    return is_same and line.said_at == notice.said_at


def _says_the_same(line: Status, notice: StatusNotice) -> bool:
    return line.status is notice.status and line.description == notice.description


async def _conclude(x: Exchange, said: Sequence[_Judged]) -> None:
    """Take back what a recall asked for unopened, or what its recipient has now given back."""
    recalls: list[Change] = []
    for each in said:
        assert each.said is not None, "only what was said now is concluded"
        if each.said.asks:
            recalls.append(each.said.asks)
        if each.said.after.ended_by is ChangeKind.RECALL and each.reading.change:
            recalls.append(replace(each.reading.change, state=ChangeState.ACCEPTED))
    with left_to_the_chore():
        await take_back(x, recalls)
