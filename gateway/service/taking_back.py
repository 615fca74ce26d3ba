"""Ending what recalls have taken back: deliveries nobody had opened at once, others once it is agreed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby

from gateway.domain.errors import DependencyUnavailable, OutcomeUnknown
from gateway.domain.model import Change, ChangeId, Delivery, DocumentId
from gateway.domain.states import OPEN_STATES, ChangeState, DeliveryState
from gateway.service.ending import End, end
from gateway.service.exchange import Exchange


def left_to_the_chore() -> suppress:
    """Return a context for taking back what has been asked for and committed: where something is away, the
    request has been granted all the same, and `finish_recalls` does the rest."""
    return suppress(DependencyUnavailable, OutcomeUnknown)


async def take_back(x: Exchange, recalls: Sequence[Change]) -> None:
    """End the open deliveries of recalls that were agreed to, or asked for before anybody opened them; ask no
    answer of those who let them expire unopened.

    Done again, it does what is left to do: a crash in between costs nothing.
    """
    ordered = sorted(recalls, key=lambda each: each.document)
    ends: list[End] = []
    expired: list[ChangeId] = []
    for document_id, group in groupby(ordered, key=lambda each: each.document):
        document = await x.records.document(document_id)
        assert document is not None, "a change is of a document"
        changes = list(group)
        deliveries = {each.id: each for each in await _copies(x, document_id, changes)}
        for change in changes:
            delivery = deliveries[change.delivery]
            if _is_over(change, delivery):
                reason, unopened = change.reason or None, change.state is ChangeState.ASKED
                recalled = DeliveryState.RECALLED
                ends.append(
                    End(delivery, document, recalled, change.asked_by, reason, only_unopened=unopened)
                )
            elif _is_owed_by_nobody(change, delivery):
                expired.append(change.id)
    if expired:
        await x.lives.close_unopened(expired, at=x.clock())
    await end(x, ends)


async def _copies(x: Exchange, document: DocumentId, recalls: Sequence[Change]) -> Sequence[Delivery]:
    """Return the deliveries that recalls of a document are about, or all of it; a single one is not looked
    for among hundreds."""
    if len(recalls) > 1:
        return await x.records.deliveries(document)
    copy = await x.records.copy(document, recipient=recalls[0].recipient)
    return [copy] if copy else []


def _is_over(recall: Change, delivery: Delivery) -> bool:
    if delivery.state not in OPEN_STATES:
        return False
    return recall.state is ChangeState.ACCEPTED or delivery.opened_at is None


def _is_owed_by_nobody(recall: Change, delivery: Delivery) -> bool:
    """Return whether a recall waits for who has never opened the document and cannot any more."""
    is_expired = delivery.state is DeliveryState.EXPIRED and delivery.opened_at is None
    return is_expired and recall.state is ChangeState.ASKED
