"""Orders: a recall, an update or a replacement is a document that asks something of who has another one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.envelope import About, DocumentKind
from gateway.domain.errors import (
    ExchangeError,
    IllegalTransition,
    MalformedDocument,
    SignatureRejected,
    SigningUnavailable,
    UnknownDocument,
)
from gateway.domain.model import Delivery, Document
from gateway.domain.states import BusinessStatus, ChangeKind, ChangeState, DeliveryState, Life
from gateway.service.acknowledge import acknowledge
from gateway.service.finish_recalls import finish_recalls
from gateway.service.receipt_batch import ReceiptBatch
from signing.report import Verdict
from tests.support.exchange import (
    OTHER_RECIPIENT,
    PUSHED_RECIPIENT,
    RECIPIENT,
    RULES,
    SENDER,
    STRICT_SENDER,
    open_world,
)
from tests.support.paperwork import REASON, Clerk, statement
from tests.support.twins import SIGNED, UNSIGNED

NEW, RECALL, UPDATE, REPLACE = DocumentKind
BOTH = (RECIPIENT, OTHER_RECIPIENT)
ORDERS = [RECALL, UPDATE, REPLACE]


@dataclass
class TiringSigner:
    """Signs so many roots, then is away."""

    left: int = 1

    async def sign_root(self, root: bytes) -> str:
        self.left -= 1
        if self.left < 0:
            raise SigningUnavailable
        return f"root.{root.hex()}.signature"


@pytest.fixture
async def clerk(tmp_path: Path) -> AsyncIterator[Clerk]:
    async with open_world(tmp_path) as world:
        yield Clerk(world)


async def target(clerk: Clerk, *, opened: bool = False, **changes: Any) -> tuple[Document, list[Delivery]]:
    """Send the document that orders will be about."""
    accepted = await clerk.sent(**changes)
    for delivery in accepted.deliveries if opened else ():
        await clerk.open(delivery)
    return accepted.document, list(accepted.deliveries)


# --- what an order does -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ORDERS)
async def test_order_asks_everybody_it_goes_to_and_travels_like_any_document(
    clerk: Clerk, kind: DocumentKind
) -> None:
    document, deliveries = await target(clerk, opened=True, to=BOTH)
    order = await clerk.order(kind, document.envelope.document_id, to=BOTH)
    changes = await clerk.changes(document)
    assert {change.delivery for change in changes} == {each.id for each in deliveries}
    assert {(each.kind, each.state, each.order) for each in changes} == {
        (ChangeKind(kind.value), ChangeState.ASKED, order.document.id)
    }
    assert {(each.asked_by, each.reason) for each in changes} == {(SENDER, REASON)}
    assert [await clerk.life(each) for each in deliveries] == [Life(asked=ChangeKind(kind.value))] * 2
    assert await clerk.states(order.document) == [DeliveryState.QUEUED] * 2
    assert await clerk.history(document, deliveries[0].id) == ["opened", "change-asked"]


async def test_change_says_since_when_its_recipient_had_opened_the_document(clerk: Clerk) -> None:
    document, (first, _) = await target(clerk, to=BOTH)
    opened_at = clerk.world.clock()
    await clerk.open(first)
    clerk.world.clock += timedelta(hours=1)
    await clerk.order(UPDATE, document.envelope.document_id, to=BOTH)
    by_recipient = {change.recipient: change.opened_at for change in await clerk.changes(document)}
    assert by_recipient == {RECIPIENT: opened_at, OTHER_RECIPIENT: None}


async def test_answer_is_due_by_the_working_calendar(clerk: Clerk) -> None:
    document, _ = await target(clerk)
    await clerk.order(UPDATE, document.envelope.document_id)
    (change,) = await clerk.changes(document)
    asked_at = clerk.world.clock()
    assert change.answer_by == RULES.calendar.answer_by(asked_at, days=RULES.change_answer_days)


async def test_order_asks_only_the_recipients_it_shares_with_its_target(clerk: Clerk) -> None:
    document, _ = await target(clerk, to=BOTH)
    await clerk.order(REPLACE, document.envelope.document_id, to=[OTHER_RECIPIENT, PUSHED_RECIPIENT])
    assert [change.recipient for change in await clerk.changes(document)] == [OTHER_RECIPIENT]


async def test_order_narrowed_to_some_agencies_asks_only_those_by_any_of_their_codes(clerk: Clerk) -> None:
    document, _ = await target(clerk, to=BOTH)
    about = About(document.envelope.document_id, ("000.00.01.H26",))
    await clerk.order(REPLACE, about, to=BOTH)
    assert [change.recipient for change in await clerk.changes(document)] == [RECIPIENT]


async def test_order_may_be_about_several_documents_and_name_one_by_our_id(clerk: Clerk) -> None:
    first, _ = await target(clerk, document_id="VB-1")
    second, _ = await target(clerk, document_id="VB-2")
    await clerk.order(REPLACE, "VB-1", second.id, first.id)
    assert [len(await clerk.changes(each)) for each in (first, second)] == [1, 1]


async def test_recipient_that_cannot_be_asked_any_more_is_passed_over(clerk: Clerk) -> None:
    document, (first, second) = await target(clerk, to=BOTH)
    await acknowledge(
        clerk.world.exchange, first.id, by=RECIPIENT, state=DeliveryState.REFUSED, reason="nhầm nơi"
    )
    await clerk.order(UPDATE, document.envelope.document_id, to=BOTH)
    assert [change.delivery for change in await clerk.changes(document)] == [second.id]


async def test_finished_document_can_still_be_replaced(clerk: Clerk) -> None:
    document, (delivery,) = await target(clerk)
    for status in (BusinessStatus.RECEIVED, BusinessStatus.FINISHED):
        await clerk.say(status, document)
    await clerk.order(REPLACE, document.envelope.document_id)
    assert await clerk.life(delivery) == Life(BusinessStatus.FINISHED, asked=ChangeKind.REPLACE)


# --- a recall of what nobody opened -------------------------------------------------------------------


async def test_recall_takes_back_at_once_what_was_not_opened_and_asks_who_has_opened(clerk: Clerk) -> None:
    document, (first, second) = await target(clerk, to=BOTH)
    await clerk.open(first)
    await clerk.order(RECALL, document.envelope.document_id, to=BOTH, contents=())
    assert await clerk.states(document) == [DeliveryState.QUEUED, DeliveryState.RECALLED]
    assert await clerk.life(first) == Life(asked=ChangeKind.RECALL)
    assert await clerk.life(second) == Life(ended_by=ChangeKind.RECALL)
    assert [each.state for each in await clerk.changes(document)] == [ChangeState.ASKED, ChangeState.UNOPENED]


async def test_receipt_of_a_recall_proves_that_the_document_was_never_opened(clerk: Clerk) -> None:
    document, (delivery,) = await target(clerk)
    await clerk.order(RECALL, document.envelope.document_id, contents=())
    now = await clerk.delivery(delivery)
    assert now.receipt is not None
    receipt = await clerk.world.exchange.records.receipt(now.receipt)
    assert receipt is not None
    stated = statement(receipt)
    assert (stated["kind"], stated["reason"], stated["opened_at"]) == ("recalled", REASON, None)
    assert now.opened_at is None


@pytest.mark.parametrize("kind", [UPDATE, REPLACE])
async def test_update_and_replacement_take_nothing_back(clerk: Clerk, kind: DocumentKind) -> None:
    document, _ = await target(clerk)
    await clerk.order(kind, document.envelope.document_id)
    assert await clerk.states(document) == [DeliveryState.QUEUED]


async def test_recall_is_accepted_while_nothing_can_be_signed_and_finished_later(clerk: Clerk) -> None:
    document, _ = await target(clerk)
    able = clerk.world.exchange
    clerk.world.exchange = replace(able, receipts=ReceiptBatch(TiringSigner()))
    await clerk.order(RECALL, document.envelope.document_id, contents=())
    assert await clerk.states(document) == [DeliveryState.QUEUED]
    await finish_recalls(able)
    assert await clerk.states(document) == [DeliveryState.RECALLED]
    assert [each.state for each in await clerk.changes(document)] == [ChangeState.UNOPENED]


async def test_finishing_recalls_leaves_opened_documents_alone(clerk: Clerk) -> None:
    document, _ = await target(clerk, opened=True)
    await clerk.order(RECALL, document.envelope.document_id, contents=())
    await finish_recalls(clerk.world.exchange)
    assert await clerk.states(document) == [DeliveryState.QUEUED]
    assert [each.state for each in await clerk.changes(document)] == [ChangeState.ASKED]


async def test_recall_of_what_expired_unopened_waits_for_nobody(clerk: Clerk) -> None:
    document, (delivery,) = await target(clerk)
    await clerk.expire()
    await clerk.order(RECALL, document.envelope.document_id, contents=())
    assert await clerk.states(document) == [DeliveryState.EXPIRED]
    assert [each.state for each in await clerk.changes(document)] == [ChangeState.UNOPENED]
    assert await clerk.life(delivery) == Life(ended_by=ChangeKind.RECALL)


# --- what is refused changes nothing ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ORDERS)
async def test_document_of_another_agency_is_no_better_known_than_none(
    clerk: Clerk, kind: DocumentKind
) -> None:
    await target(clerk, to=BOTH)
    with pytest.raises(UnknownDocument) as foreign:
        await clerk.order(kind, "VB-2026-0012", by=PUSHED_RECIPIENT, to=BOTH)
    assert clerk.world.rows("documents") == 1
    with pytest.raises(UnknownDocument) as missing:
        await clerk.order(kind, "VB-2026-9999", by=PUSHED_RECIPIENT, to=BOTH)
    told = [each.value.reasons[0].replace("9999", "0012") for each in (foreign, missing)]
    assert told[0] == told[1]
    assert (clerk.world.rows("documents"), clerk.world.rows("changes")) == (1, 0)


async def test_all_unknown_documents_of_an_order_are_named_at_once(clerk: Clerk) -> None:
    document, _ = await target(clerk)
    with pytest.raises(UnknownDocument) as caught:
        await clerk.order(REPLACE, "VB-1", document.envelope.document_id, "VB-2")
    assert [reason.split(": ")[1] for reason in caught.value.reasons] == ["VB-1", "VB-2"]
    assert await clerk.changes(document) == []


@pytest.mark.parametrize(
    ("to", "agencies"), [([PUSHED_RECIPIENT], ()), ([RECIPIENT], (OTHER_RECIPIENT,)), ([RECIPIENT], ("H99",))]
)
async def test_order_to_nobody_who_has_the_document_is_refused(
    clerk: Clerk, to: list[str], agencies: tuple[str, ...]
) -> None:
    document, _ = await target(clerk)
    with pytest.raises(UnknownDocument):
        await clerk.order(UPDATE, About(document.envelope.document_id, agencies), to=to)
    assert clerk.world.rows("documents") == 1


@pytest.mark.parametrize("second", ORDERS)
async def test_second_order_is_heard_once_the_first_is_answered(clerk: Clerk, second: DocumentKind) -> None:
    document, (delivery,) = await target(clerk, opened=True)
    await clerk.order(UPDATE, document.envelope.document_id)
    await clerk.say(BusinessStatus.CHANGE_REFUSED, document)
    await clerk.order(second, document.envelope.document_id, document_id="VB-2")
    assert (await clerk.life(delivery)).asked is ChangeKind(second.value)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"kind": RECALL}, "about: name"),
        ({"about": (About("VB-1"),)}, "about: only"),
    ],
)
async def test_only_orders_and_all_orders_are_about_documents(
    clerk: Clerk, changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(MalformedDocument) as caught:
        await clerk.send(**changes)
    assert caught.value.reasons[0].startswith(fault)
    assert clerk.world.kept_nothing()


# --- files and signatures -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RECALL, UPDATE])
async def test_recall_and_update_may_come_without_a_file(clerk: Clerk, kind: DocumentKind) -> None:
    document, _ = await target(clerk)
    order = await clerk.order(kind, document.envelope.document_id, contents=())
    assert order.document.files == ()


async def test_replacement_without_a_file_is_refused(clerk: Clerk) -> None:
    document, _ = await target(clerk)
    with pytest.raises(MalformedDocument):
        await clerk.order(REPLACE, document.envelope.document_id, contents=())
    assert (clerk.world.rows("documents"), await clerk.changes(document)) == (1, [])


async def test_agency_that_must_sign_may_recall_without_a_signature(clerk: Clerk) -> None:
    document, _ = await target(clerk, by=STRICT_SENDER)
    order = await clerk.order(RECALL, document.envelope.document_id, by=STRICT_SENDER, contents=[UNSIGNED])
    assert [file.verdict for file in order.document.files] == [Verdict.UNSIGNED]


@pytest.mark.parametrize(("kind", "contents"), [(REPLACE, [UNSIGNED]), (UPDATE, [UNSIGNED]), (UPDATE, [])])
async def test_agency_that_must_sign_signs_updates_and_replacements(
    clerk: Clerk, kind: DocumentKind, contents: list[bytes]
) -> None:
    document, _ = await target(clerk, by=STRICT_SENDER)
    with pytest.raises(SignatureRejected) as caught:
        await clerk.order(kind, document.envelope.document_id, by=STRICT_SENDER, contents=contents)
    assert caught.value.reasons
    assert await clerk.changes(document) == []


async def test_resent_order_gets_the_first_answer_and_asks_once(clerk: Clerk) -> None:
    document, _ = await target(clerk, opened=True)
    for _ in range(2):
        await clerk.order(RECALL, document.envelope.document_id, contents=[SIGNED])
    assert (clerk.world.rows("documents"), clerk.world.rows("changes")) == (2, 1)


async def test_order_whose_reason_is_another_is_another_request(clerk: Clerk) -> None:
    document, _ = await target(clerk)
    await clerk.order(UPDATE, document.envelope.document_id)
    refused: type[ExchangeError] = IllegalTransition  # not the stored answer
    with pytest.raises(refused):
        await clerk.order(UPDATE, document.envelope.document_id, reason="sai số")
