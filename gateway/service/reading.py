"""Reading a notice: which documents it speaks of, and what it says of each copy in our one reading.

The field writes the same thing in several ways (13 by the sender or by a recipient; 02 and 03 for 16 and 15;
an answer that names the order or its target; an order under the id of its target; one id on both sides). Only
here are they told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.domain.envelope import DocumentKind
from gateway.domain.errors import IllegalTransition, UnknownDocument
from gateway.domain.model import AgencyCode, Change, ChangeId, Document, DocumentId, Status
from gateway.domain.packets import StatusNotice
from gateway.domain.states import ANSWERS, MEANT_AS_ANSWER, PROGRESS, BusinessStatus, ChangeKind, ChangeState
from gateway.service.exchange import Exchange, legal_date
from gateway.service.saying import Copy

_MERE_ORDERS = frozenset({DocumentKind.RECALL, DocumentKind.UPDATE})
"""A replacement is also a document to work with."""
_UNKNOWN = "ResponseFor: you have neither sent nor received such a document"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a notice says of one copy; `change` is the change it answers, if it is an answer."""

    copy: Copy
    status: BusinessStatus
    change: Change | None = None

    @property
    def author(self) -> AgencyCode:
        """Return who says it: the sender asks back, anything else is the recipient's word."""
        is_senders = self.status is BusinessStatus.RECALL_ASKED
        return self.copy.document.sender if is_senders else self.copy.delivery.recipient

    @property
    def only_confirms(self) -> bool:
        """Return whether it agrees to a recall that needed no consent: the document was unopened."""
        is_consent = self.status is BusinessStatus.CHANGE_ACCEPTED
        return is_consent and self.change is not None and self.change.state is ChangeState.UNOPENED

    @property
    def may_come(self) -> bool:
        """Return whether the status may come now; an answer only if its change still waits for it."""
        if self.status in ANSWERS:
            return self.change is not None and self._waits(self.change)
        return self.status in self.copy.delivery.life.allowed

    def _waits(self, change: Change) -> bool:
        # The two were read one after the other: another change may have taken the place of this one.
        return change.state is ChangeState.ASKED and change.kind is self.copy.delivery.life.asked


@dataclass(slots=True)
class Case:
    """One document a notice may speak of, and its readings. What has been said before is only looked up where
    it matters: a circular has thousands of statuses."""

    x: Exchange
    document: Document
    readings: Sequence[Reading] = ()
    _said: dict[DocumentId, list[Status]] = field(default_factory=dict)

    async def said_of(self, copy: Copy, *, by: AgencyCode) -> list[Status]:
        """Return what an agency has said of a copy, newest first."""
        document = copy.document.id
        if document not in self._said:
            self._said[document] = await self.x.lives.statuses(document)
        said = self._said[document]
        return [each for each in reversed(said) if each.delivery == copy.delivery.id and each.author == by]


async def read_notice(x: Exchange, notice: StatusNotice, *, by: AgencyCode) -> list[Case]:
    """Return the documents a notice by this agency may speak of, the likeliest first, each with its readings.

    Raises:
        UnknownDocument: The agency has neither sent nor received such a document.
        IllegalTransition: The status is not for this agency to say.
    """
    name = notice.about.document_id or ""
    named = await _agency_named(x, notice)
    sent = await x.records.named(by, name)
    received = await _received(x, notice, named, by=by)
    if sent and notice.status is BusinessStatus.RECALL_ASKED:
        # With one id on both sides, who owes the agency named an answer gives that first.
        consents = [each for each in received if each.readings and each.document.sender != by]
        meant = _meant(sent, notice)
        return [*consents, *[await _asked_back(x, document, at=named) for document in meant]]
    if received:
        return received
    if sent:
        raise IllegalTransition(f"Status {notice.status} is for a recipient of the document to say.")
    raise UnknownDocument(reasons=(_UNKNOWN,))


def _meant(documents: Sequence[Document], notice: StatusNotice) -> list[Document]:
    """Return which of the documents of one name, newest first, a notice means. An order may have the id of
    the document it is about: then only an answer means the order too."""
    name = notice.about.document_id
    exact = [each for each in documents if each.id == name]
    if exact:
        return exact
    if notice.status in ANSWERS:
        return sorted(documents, key=lambda each: each.envelope.kind in _MERE_ORDERS)
    ordinary = [each for each in documents if each.envelope.kind not in _MERE_ORDERS]
    return ordinary or list(documents)


async def _agency_named(x: Exchange, notice: StatusNotice) -> AgencyCode | None:
    code = notice.about.agency
    if not code:
        return None
    known = await x.directory.resolve([code], on=legal_date(x.clock()))
    return known[code].code if code in known else None


async def _asked_back(x: Exchange, document: Document, *, at: AgencyCode | None) -> Case:
    """Return the reading that a sender asks for its document back: at one recipient if it names one."""
    deliveries = await x.records.deliveries(document.id)
    meant = [each for each in deliveries if each.recipient == at] or deliveries
    asks = BusinessStatus.RECALL_ASKED
    return Case(x, document, [Reading(Copy(document, delivery), asks) for delivery in meant])


async def _received(
    x: Exchange, notice: StatusNotice, named: AgencyCode | None, *, by: AgencyCode
) -> list[Case]:
    """Return what a recipient says of the documents it has of the agency named, or by our own id."""
    name = notice.about.document_id or ""
    theirs = await x.records.named(named, name) if named is not None else []
    ours = await x.records.document(DocumentId(name))
    found = {document.id: document for document in (*theirs, *([ours] if ours else []))}
    copies: dict[DocumentId, Copy] = {}
    for id_, document in found.items():
        delivery = await x.records.copy(id_, recipient=by)
        if delivery is not None:
            copies[id_] = Copy(document, delivery)
    meant = _meant([copy.document for copy in copies.values()], notice)
    names_an_order = not any(document.envelope.kind is DocumentKind.NEW for document in meant)
    reads_orders = notice.status in ANSWERS or names_an_order
    return [
        Case(x, document, await _readings(x, copies[document.id], notice, reads_orders=reads_orders))
        for document in meant
    ]


async def _readings(x: Exchange, copy: Copy, notice: StatusNotice, *, reads_orders: bool) -> list[Reading]:
    """Return what a recipient says of its copy, or by it of the documents it is an order about."""
    answers: list[Reading] = []
    if reads_orders:
        answers = await answers_of(x, copy.document, notice.status, by=copy.delivery.recipient)
    if answers and notice.status not in PROGRESS:
        return answers
    # An order is a document too: 02 and 03 answer it and are also said of itself.
    return [*answers, *await _in_its_own_right(x, copy, notice)]


async def answers_of(
    x: Exchange, order: Document, status: BusinessStatus, *, by: AgencyCode
) -> list[Reading]:
    """Return the readings by which a status of an order answers the changes it asked this agency for."""
    kind, meant = order.envelope.kind.change, MEANT_AS_ANSWER.get(status)
    if kind is None or meant is None:
        return []
    if status is BusinessStatus.RECALL_ASKED and kind is not ChangeKind.RECALL:
        return []
    asked: dict[ChangeId, Change] = {}
    for about in order.envelope.about:
        for target in await x.records.named(order.sender, about.document_id):
            changes = await x.lives.changes(target.id, recipient=by)
            asked |= {each.id: each for each in changes if each.order == order.id}
    return [Reading(await _copy(x, change), meant, change) for change in asked.values()]


async def _copy(x: Exchange, change: Change) -> Copy:
    item = await x.records.delivery(change.delivery)
    assert item is not None, "a change is of a delivery"
    return Copy(item.document, item.delivery)


async def _in_its_own_right(x: Exchange, copy: Copy, notice: StatusNotice) -> list[Reading]:
    """Return what a recipient says of its copy; nothing if only the sender could say it."""
    meant = copy.delivery.life.meant(notice.status)
    if meant not in ANSWERS and meant is not BusinessStatus.RECALL_ASKED:
        return [Reading(copy, meant)]
    changes = await x.lives.changes(copy.document.id, recipient=copy.delivery.recipient)
    change = _answered(changes, notice)
    if meant in ANSWERS:
        return [Reading(copy, meant, change)]
    # A consent by 13 that came before: told again it must not be taken for anything else.
    is_given = change and change.kind is ChangeKind.RECALL and change.state is ChangeState.ACCEPTED
    return [Reading(copy, BusinessStatus.CHANGE_ACCEPTED, change)] if is_given else []


def _answered(changes: Sequence[Change], notice: StatusNotice) -> Change | None:
    """Return the change an answer is to: the last one, unless that has taken the place of another after the
    answer was given (to the second, as packets tell the time)."""
    if not changes:
        return None
    *earlier, last = changes
    said_at, asked_at = notice.said_at, last.asked_at.replace(microsecond=0)
    if earlier and earlier[-1].state is ChangeState.WITHDRAWN and said_at and said_at < asked_at:
        return earlier[-1]
    return last
