"""The port `Systems`, over every database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.domain.errors import Conflict, NotYourAgency
from gateway.domain.ledger import Registration
from gateway.domain.model import AgencyCode, Alias, AliasScheme, SystemId
from tests.support.exchange_samples import NOW, agency, system
from tests.support.ledgers import PULLS, PULLS_TOO, PUSHED, Books

SOON = NOW + timedelta(minutes=15)
CENTRE = system("H26.test", PULLS, PULLS_TOO, register_under=PULLS)
OTHER = system("G22.test", PUSHED)


async def test_centre_is_given_back_as_it_was_added(books: Books) -> None:
    empty = system(
        "Z", previous_secret=b"older", previous_valid_until=SOON, revoked_at=NOW, name="Đã thu hồi"
    )
    for each in (CENTRE, OTHER, empty):
        await books.ledger.systems.add(each)
    assert await books.ledger.systems.find(CENTRE.id) == CENTRE
    assert await books.ledger.systems.find(empty.id) == empty
    assert await books.ledger.systems.find(SystemId("nobody")) is None
    assert await books.ledger.systems.every() == [OTHER, CENTRE, empty]


async def test_replaced_centre_has_its_new_secret_and_its_agencies_still(books: Books) -> None:
    await books.ledger.systems.add(CENTRE)
    rotated = replace(
        CENTRE,
        secret=b"newer",
        previous_secret=CENTRE.secret,
        previous_valid_until=SOON,
    )
    await register(books, "H26.01.07")  # after CENTRE was read
    await books.ledger.systems.replace(rotated)
    expected = replace(rotated, agencies=CENTRE.agencies | {agency("H26.01.07").code})
    assert await books.ledger.systems.find(CENTRE.id) == expected


async def test_agencies_are_placed_behind_a_centre_and_removed(books: Books) -> None:
    for each in (CENTRE, OTHER):
        await books.ledger.systems.add(each)
    await books.ledger.systems.remove(CENTRE.id, [PULLS, PUSHED])  # the second is not its own
    await books.ledger.systems.place(OTHER.id, [PULLS, PUSHED])
    await books.ledger.systems.place(OTHER.id, [])
    behind = {each.id: each.agencies for each in await books.ledger.systems.every()}
    assert behind == {CENTRE.id: {PULLS_TOO}, OTHER.id: {PULLS, PUSHED}}


async def test_id_of_a_centre_is_taken_once(books: Books) -> None:
    await books.ledger.systems.add(CENTRE)
    with pytest.raises(Conflict):
        await books.ledger.systems.add(replace(OTHER, id=CENTRE.id))
    assert await books.ledger.systems.every() == [CENTRE]


async def test_agency_behind_two_centres_is_refused_and_nothing_is_changed(books: Books) -> None:
    await books.ledger.systems.add(CENTRE)
    with pytest.raises(Conflict) as refused:
        await books.ledger.systems.add(system("G22.test", PUSHED, PULLS_TOO))
    assert refused.value.reasons == ("H26.02: is behind the centre H26.test",)
    assert await books.ledger.systems.every() == [CENTRE]
    await books.ledger.systems.add(OTHER)
    with pytest.raises(Conflict):
        await books.ledger.systems.place(OTHER.id, [PUSHED, PULLS])
    assert await books.ledger.systems.find(OTHER.id) == OTHER


async def test_of_two_centres_that_take_an_agency_at_once_one_gets_it(books: Books) -> None:
    added = await asyncio.gather(
        *(books.ledger.systems.add(system(f"S{n}", PULLS, PULLS_TOO)) for n in range(6)),
        return_exceptions=True,
    )
    assert [type(each) for each in added if each is not None] == [Conflict] * 5
    assert len(await books.ledger.systems.every()) == 1


async def test_only_agencies_of_the_directory_can_be_behind_a_centre(books: Books) -> None:
    with pytest.raises(Conflict) as refused:
        await books.ledger.systems.add(system("Z", PULLS, "H99", "H98"))
    assert refused.value.reasons == ("H98: no agency has this code", "H99: no agency has this code")
    assert await books.ledger.systems.every() == []


async def test_centre_that_is_not_there_can_not_be_replaced(books: Books) -> None:
    with pytest.raises(Conflict):
        await books.ledger.systems.replace(CENTRE)


# --- the version of all centres ------------------------------------------------------------------


async def test_version_changes_with_every_change_of_a_centre_or_of_who_is_behind_it(books: Books) -> None:
    systems = books.ledger.systems
    versions = [await systems.version()]
    changes: list[Callable[[], Awaitable[None]]] = [
        lambda: systems.add(CENTRE),
        lambda: systems.add(OTHER),
        lambda: systems.replace(replace(CENTRE, secret=b"newer")),
        lambda: systems.remove(CENTRE.id, [PULLS_TOO]),
        lambda: systems.place(OTHER.id, [PULLS_TOO]),
        lambda: register(books, "H26.01.07"),
    ]
    for change in changes:
        await change()
        versions.append(await systems.version())
    assert len(set(versions)) == len(changes) + 1


async def test_two_changes_at_once_change_the_version_twice(books: Books) -> None:
    """A process that has seen the version of the first would else never see the second."""
    systems = books.ledger.systems
    await systems.add(CENTRE)
    await systems.add(OTHER)
    before = int(await systems.version())
    await asyncio.gather(
        systems.replace(replace(CENTRE, secret=b"newer")),
        systems.replace(replace(OTHER, secret=b"newer")),
        systems.remove(CENTRE.id, [PULLS_TOO]),
    )
    assert int(await systems.version()) == before + 3


async def test_change_that_is_refused_leaves_the_version_as_it_is(books: Books) -> None:
    systems = books.ledger.systems
    await systems.add(CENTRE)
    await systems.add(OTHER)
    before = await systems.version()
    with pytest.raises(Conflict):
        await systems.place(OTHER.id, [PULLS])
    assert await systems.version() == before


# --- agencies that a centre registers itself -----------------------------------------------------


async def register(
    books: Books, code: str, centre: SystemId = CENTRE.id, *, most: int = 9, **more: str
) -> None:
    given = Registration(code, **({"name": f"Sở số {code}"} | more))
    await books.ledger.systems.register(centre, given, now=NOW, most=most)


async def test_registered_agency_is_in_the_directory_and_behind_its_centre(books: Books) -> None:
    await books.ledger.systems.add(CENTRE)
    before = await books.ledger.directory.version()
    new = agency("H26.01.07", level=3, parent=PULLS, email="vanthu@example.vn", phone="0900")
    await register(books, new.code, parent=PULLS, email="vanthu@example.vn", phone="0900")
    assert await books.ledger.directory.agency(new.code) == new
    found = await books.ledger.systems.find(CENTRE.id)
    assert found is not None
    assert found.agencies == CENTRE.agencies | {new.code}
    assert await books.ledger.directory.version() != before


async def test_agency_registered_again_is_changed(books: Books) -> None:
    await books.ledger.systems.add(CENTRE)
    renamed = agency(PULLS, name="Sở Nội vụ và Lao động")
    for _ in range(2):
        await register(books, PULLS, name=renamed.name)
    assert await books.ledger.directory.agency(PULLS) == renamed
    assert await books.ledger.systems.find(CENTRE.id) == CENTRE


async def test_agency_that_is_not_behind_the_centre_can_not_be_registered_by_it(books: Books) -> None:
    await books.ledger.systems.add(system(CENTRE.id, PULLS))
    await books.ledger.systems.add(OTHER)
    for taken in (PULLS_TOO, PUSHED):
        before = await books.ledger.directory.agency(taken)
        with pytest.raises(NotYourAgency):
            await register(books, taken, name="Kẻ mạo danh")
        with pytest.raises(NotYourAgency):
            await register(books, taken.lower(), name="Kẻ mạo danh")
        with pytest.raises(NotYourAgency):
            await books.ledger.systems.close(CENTRE.id, taken, now=NOW)
        assert await books.ledger.directory.agency(taken) == before


async def test_code_that_another_agency_ever_had_as_an_alias_can_not_be_registered(books: Books) -> None:
    """Whoever still writes the old code means the old agency."""
    await books.ledger.systems.add(CENTRE)
    old = Alias(AliasScheme.LEGACY, "000.00.07.H26", valid_until=date(2020, 1, 1))
    holder = replace(agency(PULLS), aliases=(old,))
    await books.ledger.directory.upsert([holder], now=NOW)
    with pytest.raises(NotYourAgency):
        await register(books, old.value)
    assert await books.ledger.directory.agency(AgencyCode(old.value)) is None


async def test_agency_registered_by_two_centres_at_once_is_behind_one(books: Books) -> None:
    for each in (CENTRE, OTHER):
        await books.ledger.systems.add(each)
    registered = await asyncio.gather(
        *(register(books, "H26.77", each.id) for each in (CENTRE, OTHER)), return_exceptions=True
    )
    assert [type(each) for each in registered if each is not None] == [NotYourAgency]
    behind = [each for each in await books.ledger.systems.every() if "H26.77" in each.agencies]
    assert len(behind) == 1


async def test_agencies_that_are_put_beneath_each_other_at_once_make_no_circle(books: Books) -> None:
    await books.ledger.systems.add(CENTRE)
    moved = await asyncio.gather(
        register(books, PULLS, parent=PULLS_TOO),
        register(books, PULLS_TOO, parent=PULLS),
        return_exceptions=True,
    )
    assert [type(each) for each in moved if each is not None] == [Conflict]
    with pytest.raises(Conflict):
        await register(books, PULLS, parent=PULLS)


async def test_agencies_lie_twelve_levels_deep_at_most(books: Books) -> None:
    await books.ledger.systems.add(CENTRE)
    for n in range(1, 7):
        for chain in "AB":
            # Nobody knows A0 and B0.
            await register(books, f"{chain}{n}", most=99, parent=f"{chain}{n - 1}")
    await register(books, "B1", parent="A6", most=99)
    with pytest.raises(Conflict):
        await register(books, "B7", parent="B6", most=99)
    await register(books, "C1", most=99)
    with pytest.raises(Conflict):
        await register(books, "A1", parent="C1", most=99)


async def test_registered_agencies_are_counted_also_when_they_come_at_once(books: Books) -> None:
    await books.ledger.systems.add(CENTRE)
    registered = await asyncio.gather(
        *(register(books, f"H26.7{n}", most=5) for n in range(6)), return_exceptions=True
    )
    assert [type(each) for each in registered if each is not None] == [Conflict] * 3
    await register(books, PULLS, most=5)


async def test_agency_is_open_again_only_if_its_centre_has_closed_it(books: Books) -> None:
    await books.ledger.systems.add(CENTRE)
    await books.ledger.systems.close(CENTRE.id, PULLS, now=NOW)
    closed = await books.ledger.directory.agency(PULLS)
    assert closed is not None
    assert closed.closed_on == date(2026, 11, 21)
    await register(books, PULLS)
    reopened = await books.ledger.directory.agency(PULLS)
    assert reopened is not None
    assert reopened.closed_on is None
    await books.ledger.directory.upsert([closed], now=NOW)
    with pytest.raises(NotYourAgency):
        await register(books, PULLS)


# --- signed calls --------------------------------------------------------------------------------


async def test_signed_call_is_used_once_per_centre(books: Books) -> None:
    use = books.ledger.systems.use_call
    assert await use(CENTRE.id, "ab", expires_at=SOON)
    assert not await use(CENTRE.id, "ab", expires_at=SOON)
    assert await use(OTHER.id, "ab", expires_at=SOON)


async def test_call_used_by_many_at_once_is_accepted_once(books: Books) -> None:
    uses = [books.ledger.systems.use_call(CENTRE.id, "ab", expires_at=SOON) for _ in range(8)]
    assert sum(await asyncio.gather(*uses)) == 1


async def test_expired_calls_are_forgotten_and_live_ones_kept(books: Books) -> None:
    systems = books.ledger.systems
    await systems.use_call(CENTRE.id, "old", expires_at=NOW)
    await systems.use_call(CENTRE.id, "live", expires_at=SOON)
    await systems.forget_expired(now=NOW)
    assert await systems.use_call(CENTRE.id, "old", expires_at=SOON)
    assert not await systems.use_call(CENTRE.id, "live", expires_at=SOON)
