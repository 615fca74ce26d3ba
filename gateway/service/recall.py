"""Taking a document back: at once from who has not opened it, everybody else is asked to agree."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.errors import Conflict, NotFound
from gateway.domain.model import AgencyCode, Change, Delivery, Document, DocumentId
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState
from gateway.service.exchange import Exchange
from gateway.service.saying import TRIES, Copy, Words, say, saying
from gateway.service.taking_back import left_to_the_chore, take_back


@dataclass(frozen=True, slots=True)
class Recalled:
    """How a recalled document stands with each recipient: taken back by this recall or an earlier one; asked
    for (each change says since when the document had been opened); or neither, because it was refused,
    finished or replaced."""

    taken_back: tuple[Delivery, ...]
    asked: tuple[Change, ...]
    too_late: tuple[Delivery, ...]


async def recall(x: Exchange, document: DocumentId, *, by: AgencyCode, reason: str) -> Recalled:
    """Ask every recipient to give the sender's document back (status 13), take back at once what was not
    opened, and return how it stands then.

    Safe to repeat: it asks whom it has not asked, and tells the rest again.

    Raises:
        NotFound: `by` has not sent such a document.
        Conflict: Others kept moving the document at the same moment; recall it again.
    """
    found = await x.records.document(document)
    if found is None or found.sender != by:
        raise NotFound
    await _ask(x, found, reason)
    with left_to_the_chore():
        await take_back(x, await _waiting(x, document))
    return await _as_it_stands(x, document)


async def _as_it_stands(x: Exchange, document: DocumentId) -> Recalled:
    waiting = {change.delivery: change for change in await _waiting(x, document)}
    taken_back, asked, too_late = [], [], []
    # Read after the changes: one that was taken back in between is told once.
    for delivery in await x.records.deliveries(document):
        if delivery.is_taken_back:
            taken_back.append(delivery)
        elif delivery.id in waiting:
            asked.append(waiting[delivery.id])
        else:
            too_late.append(delivery)
    return Recalled(tuple(taken_back), tuple(asked), tuple(too_late))


async def _waiting(x: Exchange, document: DocumentId) -> list[Change]:
    """Return the recalls of a document that wait for an answer."""
    return [
        change
        for change in await x.lives.changes(document)
        if change.kind is ChangeKind.RECALL and change.state is ChangeState.ASKED
    ]


async def _ask(x: Exchange, document: Document, reason: str) -> None:
    """Say 13 to everybody it can be said to; again where something else was said at the same moment."""
    asks = BusinessStatus.RECALL_ASKED
    for _ in range(TRIES):
        said = [
            saying(x, Copy(document, delivery), status=asks, words=Words(reason))
            for delivery in await x.records.deliveries(document.id)
            if asks in delivery.life.allowed
        ]
        if not said or len(await say(x, said)) == len(said):
            return
    raise Conflict("The document is being changed by others at this moment. Recall it again.")
