"""Dossiers in the ledger, the same over every database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.domain.dossiers import ComponentFile
from gateway.domain.envelope import DossierPart, Stage
from gateway.domain.errors import NotYourDossier
from gateway.domain.ledger import Said
from gateway.domain.model import AgencyCode, Alias, AliasScheme, DeliveryId, Sha256, Status, StatusId
from gateway.domain.states import BusinessStatus, DeliveryState, Life
from tests.support.dossier_samples import CODE, keep, part
from tests.support.exchange_samples import NOW, SENDER, agency
from tests.support.ledgers import PULLS, PULLS_TOO, PUSHED, Books

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DUE, DUE_TOO = date(2026, 11, 25), date(2026, 11, 30)


def component(
    code: str = "TP1", content: str = "a", *, dossier: str = CODE, procedure: str | None = None
) -> ComponentFile:
    digest = Sha256(content.encode().hex().ljust(64, "0"))
    return ComponentFile(dossier, code, f"{code}.pdf", "application/pdf", 50_000, digest, procedure)


async def finish(books: Books, delivery: DeliveryId, *, hours: int) -> None:
    """Have the recipient of a delivery say 03, then 06."""
    await say(books, delivery, BusinessStatus.RECEIVED, BusinessStatus.FINISHED, hours=hours)


async def say(books: Books, delivery: DeliveryId, *said: BusinessStatus, hours: int = 0) -> None:
    """Have statuses said about a delivery, one after the other."""
    item = await books.ledger.records.delivery(delivery)
    assert item is not None
    life = Life()
    for step, status in enumerate(said):
        after = life.after(status)
        at = NOW + timedelta(hours=hours, seconds=step)
        line = Status(
            id=StatusId(next(books.ids)),
            document=item.document.id,
            delivery=delivery,
            author=item.delivery.recipient,
            addressee=item.document.sender,
            status=status,
            at=at,
            said_at=at,
        )
        assert await books.ledger.lives.say([Said(line, life, after)])
        life = after


# --- documents join --------------------------------------------------------------------------------


async def test_first_document_opens_the_dossier(books: Books) -> None:
    await keep(books, part((PULLS, DUE), PULLS_TOO, components=["TP1"]), sender=SENDER, to=[PULLS])
    dossier = await books.ledger.dossiers.find(CODE)
    assert dossier is not None
    assert (dossier.procedure, dossier.opened_by, dossier.opened_at) == ("1.001193", SENDER, NOW)
    assert [(stage.agency, stage.due_on) for stage in dossier.stages] == [(PULLS, DUE), (PULLS_TOO, None)]
    assert list(dossier.components) == ["TP1"]


async def test_document_without_a_dossier_opens_none(books: Books) -> None:
    await keep(books, None, sender=SENDER, to=[PULLS])
    assert (await books.ledger.dossiers.page(None, after=None, limit=10)).dossiers == ()


async def test_later_documents_add_stages_and_leave_those_there_alone(books: Books) -> None:
    await keep(books, part((PULLS, DUE)), sender=SENDER, to=[PULLS])
    later = part((PULLS, DUE_TOO), (PULLS_TOO, DUE_TOO), (PULLS, DUE_TOO))
    await keep(books, later, sender=PULLS, to=[PULLS_TOO], at=NOW + HOUR)
    await keep(books, later, sender=PULLS_TOO, to=[PULLS], at=NOW + 2 * HOUR)
    dossier = await books.ledger.dossiers.find(CODE)
    assert dossier is not None
    planned = [(PULLS, DUE), (PULLS_TOO, DUE_TOO), (PULLS, DUE_TOO)]
    assert [(stage.agency, stage.due_on) for stage in dossier.stages] == planned


async def test_stage_named_by_an_alias_is_that_agencys(books: Books) -> None:
    named = replace(agency(PULLS_TOO), aliases=(Alias(AliasScheme.QCVN102, "000.00.02.H26"),))
    await books.ledger.directory.upsert([named], now=NOW)
    await keep(books, part("000.00.02.H26"), sender=SENDER, to=[PULLS])
    assert await books.ledger.dossiers.is_party(CODE, PULLS_TOO) is True


async def test_stranger_cannot_join_and_nothing_of_its_document_is_kept(books: Books) -> None:
    await keep(books, part(PULLS), sender=SENDER, to=[PULLS])
    with pytest.raises(NotYourDossier):
        await keep(books, part(PUSHED), sender=PUSHED, to=[PULLS_TOO], at=NOW + HOUR)
    dossier = await books.ledger.dossiers.find(CODE)
    assert dossier is not None
    assert len(dossier.documents) == 1
    assert not (await books.ledger.inbox.count([PULLS_TOO], now=NOW))
    assert await books.ledger.dossiers.is_party(CODE, PUSHED) is False


async def test_everybody_with_a_part_may_add(books: Books) -> None:
    await keep(books, part(PULLS_TOO), sender=SENDER, to=[PULLS])
    for sender in (SENDER, PULLS, PULLS_TOO):
        assert await keep(books, part(), sender=sender, to=[PUSHED], at=NOW + HOUR)


async def test_being_a_party_is_known_of_no_unknown_dossier(books: Books) -> None:
    assert await books.ledger.dossiers.is_party("nowhere", SENDER) is None


# --- stages ----------------------------------------------------------------------------------------


async def test_stage_is_done_when_its_agency_sends_the_next_document(books: Books) -> None:
    await keep(books, part((PULLS, DUE), (PULLS_TOO, DUE)), sender=SENDER, to=[PULLS])
    await keep(books, part(), sender=PULLS, to=[PULLS_TOO], at=NOW + DAY)
    dossier = await books.ledger.dossiers.find(CODE)
    assert dossier is not None
    first, second = dossier.stages
    assert (first.begun_at, first.done_at) == (NOW, NOW + DAY)
    assert (second.begun_at, second.done_at) == (NOW + DAY, None)


async def test_stage_is_done_when_its_agency_says_06(books: Books) -> None:
    (delivery,) = await keep(books, part((PULLS, DUE)), sender=SENDER, to=[PULLS])
    await finish(books, delivery, hours=5)
    dossier = await books.ledger.dossiers.find(CODE)
    assert dossier is not None
    assert dossier.stages[0].done_at == NOW + timedelta(hours=5, seconds=1)


async def test_refused_document_begins_no_stage(books: Books) -> None:
    (id_,) = await keep(books, part((PULLS, DUE)), sender=SENDER, to=[PULLS])
    item = await books.ledger.records.delivery(id_)
    assert item is not None
    await books.ledger.deliveries.end([books.ending(item.delivery, DeliveryState.REFUSED, at=NOW + HOUR)])
    dossier = await books.ledger.dossiers.find(CODE)
    assert dossier is not None
    assert dossier.stages[0].begun_at is None


async def given_back(books: Books, delivery: DeliveryId) -> None:
    """Have the recipient of a delivery take it, and agree to its recall."""
    item = await books.ledger.records.delivery(delivery)
    assert item is not None
    assert await books.ledger.deliveries.end([books.ending(item.delivery, DeliveryState.DELIVERED)])
    await say(books, delivery, BusinessStatus.RECALL_ASKED, BusinessStatus.CHANGE_ACCEPTED)


async def test_document_that_was_given_back_begins_no_stage(books: Books) -> None:
    (id_,) = await keep(books, part((PULLS, DUE)), sender=SENDER, to=[PULLS])
    await given_back(books, id_)
    dossier = await books.ledger.dossiers.find(CODE)
    assert dossier is not None
    assert dossier.stages[0].begun_at is None


async def test_stages_that_are_next_follow_those_their_agencies_have_done(books: Books) -> None:
    following = part((PULLS, DUE), are_next=True)
    await keep(books, following, sender=SENDER, to=[PULLS])
    await keep(books, following, sender=SENDER, to=[PULLS], at=NOW + HOUR)  # it is still at the first
    await keep(books, part((SENDER, DUE), are_next=True), sender=PULLS, to=[SENDER], at=NOW + 2 * HOUR)
    again = part((PULLS, DUE_TOO), are_next=True)
    await keep(books, again, sender=SENDER, to=[PULLS], at=NOW + 3 * HOUR)
    dossier = await books.ledger.dossiers.find(CODE)
    assert dossier is not None
    assert [(stage.agency, stage.due_on, stage.begun_at) for stage in dossier.stages] == [
        (PULLS, DUE, NOW),
        (SENDER, DUE, NOW + 2 * HOUR),
        (PULLS, DUE_TOO, NOW + 3 * HOUR),
    ]
    late = await books.ledger.dossiers.overdue(PULLS, today=DUE_TOO + DAY, after=None, limit=10)
    assert [each.code for each in late.dossiers] == [CODE]


# --- who has a part --------------------------------------------------------------------------------


async def has_part(books: Books, agency: AgencyCode) -> bool:
    """Return whether an agency has a part in the dossier; its list and the intake must say the same."""
    has_it = await books.ledger.dossiers.is_party(CODE, agency)
    listed = (await books.ledger.dossiers.page(agency, after=None, limit=10)).dossiers
    strange = component("TP-none")
    takes = (await books.ledger.dossiers.take_in([strange], agency=agency, at=NOW)).foreign == frozenset()
    assert has_it is bool(listed) is takes
    return has_it


@pytest.mark.parametrize("stages", [(), (PULLS,)])
@pytest.mark.parametrize("how", ["recalled", "expired", "given back"])
async def test_part_ends_when_the_only_document_is_taken_back(
    books: Books, stages: tuple[str, ...], how: str
) -> None:
    """Also where a stage was planned for the wrong recipient: edXML plans one for each."""
    (id_,) = await keep(books, part(*stages, components=["TP1"]), sender=SENDER, to=[PULLS])
    assert await has_part(books, PULLS)
    item = await books.ledger.records.delivery(id_)
    assert item is not None
    if how == "given back":
        await given_back(books, id_)
    else:
        state = DeliveryState.RECALLED if how == "recalled" else DeliveryState.EXPIRED
        assert await books.ledger.deliveries.end([books.ending(item.delivery, state)])
    assert not await has_part(books, PULLS)
    assert await has_part(books, SENDER)
    with pytest.raises(NotYourDossier):
        await keep(books, part(PULLS_TOO), sender=PULLS, to=[PULLS_TOO], at=NOW + HOUR)
    await keep(books, part(), sender=SENDER, to=[PULLS], at=NOW + HOUR)
    assert await has_part(books, PULLS), "it was sent another"


async def test_part_stays_while_another_document_may_be_read(books: Books) -> None:
    await keep(books, part(), sender=SENDER, to=[PULLS])
    (id_,) = await keep(books, part(), sender=SENDER, to=[PULLS], at=NOW + HOUR)
    await given_back(books, id_)
    assert await has_part(books, PULLS)


async def test_wrong_recipient_keeps_no_part_by_a_document_to_itself(books: Books) -> None:
    (id_,) = await keep(books, part(), sender=SENDER, to=[PULLS])
    await keep(books, part(PULLS), sender=PULLS, to=[PULLS], at=NOW + HOUR)
    await given_back(books, id_)
    assert not await has_part(books, PULLS)


# --- lists -----------------------------------------------------------------------------------------


async def test_page_has_the_dossiers_of_an_agency_and_its_cursor_goes_on(books: Books) -> None:
    for number in range(5):
        await keep(books, part(PULLS, code=f"HS-{number}"), sender=SENDER, to=[PULLS_TOO])
    await keep(books, part(code="HS-9"), sender=SENDER, to=[PULLS_TOO])
    first = await books.ledger.dossiers.page(PULLS, after=None, limit=3)
    second = await books.ledger.dossiers.page(PULLS, after=first.following, limit=3)
    assert [each.code for each in first.dossiers] == ["HS-0", "HS-1", "HS-2"]
    assert ([each.code for each in second.dossiers], second.following) == (["HS-3", "HS-4"], None)
    assert len((await books.ledger.dossiers.page(None, after=None, limit=10)).dossiers) == 6


async def test_overdue_has_only_dossiers_that_wait_past_their_day(books: Books) -> None:
    waiting = await keep(books, part((PULLS, DUE), code="HS-waiting"), sender=SENDER, to=[PULLS])
    done = await keep(books, part((PULLS, DUE), code="HS-06"), sender=SENDER, to=[PULLS])
    await finish(books, done[0], hours=2)
    await keep(books, part((PULLS, DUE), code="HS-sent-on"), sender=SENDER, to=[PULLS])
    await keep(books, part(code="HS-sent-on"), sender=PULLS, to=[PULLS_TOO], at=NOW + HOUR)
    await keep(books, part((SENDER, DUE), code="HS-of-opener"), sender=SENDER, to=[PULLS])
    await keep(books, part((PULLS_TOO, DUE), code="HS-not-begun"), sender=SENDER, to=[PULLS])
    await keep(books, part((PULLS, DUE_TOO), code="HS-has-time"), sender=SENDER, to=[PULLS])
    assert waiting
    late = await books.ledger.dossiers.overdue(None, today=DUE + DAY, after=None, limit=10)
    assert [each.code for each in late.dossiers] == ["HS-waiting"]
    assert not (await books.ledger.dossiers.overdue(None, today=DUE, after=None, limit=10)).dossiers
    assert not (await books.ledger.dossiers.overdue(PUSHED, today=DUE + DAY, after=None, limit=9)).dossiers


async def test_overdue_second_stage_is_seen(books: Books) -> None:
    await keep(books, part(PULLS, PULLS_TOO, (PULLS, DUE)), sender=SENDER, to=[PULLS])
    await keep(books, part(), sender=PULLS, to=[PULLS_TOO], at=NOW + HOUR)
    await keep(books, part(), sender=PULLS_TOO, to=[PULLS], at=NOW + 2 * HOUR)
    late = await books.ledger.dossiers.overdue(PULLS, today=DUE + DAY, after=None, limit=10)
    assert [each.code for each in late.dossiers] == [CODE]


async def test_dossier_that_came_back_to_its_opener_is_overdue_there(books: Books) -> None:
    await keep(books, part((PULLS, DUE), (SENDER, DUE)), sender=SENDER, to=[PULLS])
    await keep(books, part(), sender=PULLS, to=[SENDER], at=NOW + HOUR)
    late = await books.ledger.dossiers.overdue(SENDER, today=DUE + DAY, after=None, limit=10)
    assert [each.code for each in late.dossiers] == [CODE]


async def test_status_06_about_a_document_taken_back_leaves_the_stage_overdue(books: Books) -> None:
    (id_,) = await keep(books, part((PULLS, DUE)), sender=SENDER, to=[PULLS])
    await finish(books, id_, hours=1)
    item = await books.ledger.records.delivery(id_)
    assert item is not None
    assert await books.ledger.deliveries.end([books.ending(item.delivery, DeliveryState.RECALLED)])
    await keep(books, part(), sender=SENDER, to=[PULLS], at=NOW + 3 * HOUR)
    late = await books.ledger.dossiers.overdue(PULLS, today=DUE + DAY, after=None, limit=10)
    assert [each.code for each in late.dossiers] == [CODE]


async def test_document_that_was_refused_does_not_end_its_senders_stage(books: Books) -> None:
    await keep(books, part((PULLS, DUE)), sender=SENDER, to=[PULLS])
    (id_,) = await keep(books, part(), sender=PULLS, to=[PULLS_TOO], at=NOW + HOUR)
    item = await books.ledger.records.delivery(id_)
    assert item is not None
    await books.ledger.deliveries.end([books.ending(item.delivery, DeliveryState.REFUSED)])
    late = await books.ledger.dossiers.overdue(PULLS, today=DUE + DAY, after=None, limit=10)
    assert [each.code for each in late.dossiers] == [CODE]


async def test_pages_of_overdue_dossiers_miss_none(books: Books) -> None:
    for number in range(7):
        (delivery,) = await keep(books, part((PULLS, DUE), code=f"HS-{number}"), sender=SENDER, to=[PULLS])
        if number % 2:
            await finish(books, delivery, hours=1)
    codes: list[str] = []
    after = None
    while True:
        page = await books.ledger.dossiers.overdue(PULLS, today=DUE + DAY, after=after, limit=2)
        codes += [each.code for each in page.dossiers]
        after = page.following
        if after is None:
            break
    assert codes == ["HS-0", "HS-2", "HS-4", "HS-6"]


# --- existing stores -------------------------------------------------------------------------------


async def test_taking_in_opens_dossiers_and_keeps_components(books: Books) -> None:
    outcome = await books.ledger.dossiers.take_in(
        [component("TP1"), component("TP2", procedure="2.000815")], agency=PULLS, at=NOW
    )
    dossier = await books.ledger.dossiers.find(CODE)
    assert outcome.kept == 2
    assert dossier is not None
    assert (dossier.opened_by, dossier.procedure) == (PULLS, "2.000815")
    assert [file.component for file in dossier.files] == ["TP1", "TP2"]
    assert await books.ledger.dossiers.is_party(CODE, PULLS)


async def test_taking_in_again_changes_nothing(books: Books) -> None:
    await books.ledger.dossiers.take_in([component()], agency=PULLS, at=NOW)
    again = await books.ledger.dossiers.take_in([component()], agency=PULLS, at=NOW + DAY)
    assert (again.kept, again.foreign, again.differing) == (0, frozenset(), frozenset())


async def test_component_with_other_bytes_is_named_and_the_first_stays(books: Books) -> None:
    await books.ledger.dossiers.take_in([component(content="a")], agency=PULLS, at=NOW)
    outcome = await books.ledger.dossiers.take_in(
        [component(content="b"), component("TP2", "c")], agency=PULLS, at=NOW
    )
    assert (outcome.kept, outcome.differing) == (1, frozenset({(CODE, "TP1")}))
    known = await books.ledger.dossiers.taken_in([(CODE, "TP1"), (CODE, "TP9")])
    assert {key: file.sha256 for key, file in known.items()} == {(CODE, "TP1"): component().sha256}


async def test_dossiers_of_others_take_nothing_in(books: Books) -> None:
    await keep(books, part(PULLS), sender=SENDER, to=[PULLS])
    strange = await books.ledger.dossiers.take_in(
        [component(), component(dossier="HS-own")], agency=PUSHED, at=NOW
    )
    assert (strange.kept, strange.foreign) == (1, frozenset({CODE}))
    assert (await books.ledger.dossiers.take_in([component()], agency=PULLS, at=NOW)).kept == 1


async def test_body_of_a_component_is_in_use(books: Books) -> None:
    await books.ledger.dossiers.take_in([component()], agency=PULLS, at=NOW)
    assert await books.ledger.records.bodies_unused([component().sha256]) == set()


async def test_stage_of_an_unknown_agency_stays_as_it_was_written(books: Books) -> None:
    await keep(books, DossierPart(CODE, stages=(Stage("X.99"),)), sender=SENDER, to=[PULLS])
    dossier = await books.ledger.dossiers.find(CODE)
    assert dossier is not None
    assert dossier.stages[0].agency == "X.99"
