"""Where centres may put the agencies they register, how many, and which they may open again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.domain.model import Agency, AgencyCode, SystemId
from tests.support.api import VXP_AGENCIES
from tests.support.exchange import OTHER_RECIPIENT, PUSHED_RECIPIENT, RECIPIENT, SENDER
from tests.support.vxp_refusals import refused
from tests.support.vxp_world import FIRST, RECIPIENT_102, TwoCentres, centres

__all__ = ["centres"]

NEW = "H26.55"
TODAY = date(2026, 11, 21)


async def agency(centres: TwoCentres, code: str) -> Agency:
    found = await centres.api.world.exchange.directory.agency(AgencyCode(code))
    assert found is not None
    return found


async def change(centres: TwoCentres, code: str, **changes: object) -> None:
    """Change an agency as those who keep the directory do."""
    x = centres.api.world.exchange
    await x.directory.upsert([replace(await agency(centres, code), **changes)], now=x.clock())  # type: ignore[arg-type]


# --- the agency above ----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["H26.01.05", "000.05.01.H26"])
@pytest.mark.parametrize("above", [SENDER, RECIPIENT, RECIPIENT_102])
async def test_new_agency_is_put_beneath_its_centres_own_or_one_above_its_code(
    centres: TwoCentres, code: str, above: str
) -> None:
    answer = await centres.second.register(code=code, name="Phòng", pcode=above)
    is_right = above != SENDER  # "H26.00" is above neither code
    assert answer.is_ok is is_right, answer.content


async def test_new_agency_may_lie_beneath_somebody_elses_if_its_code_does(centres: TwoCentres) -> None:
    """It would be taken for one of theirs anyway, and a province is above everybody in it."""
    assert (await centres.first.register(code="H26.01.05", name="Phòng", pcode=RECIPIENT)).is_ok
    assert (await agency(centres, "H26.01.05")).parent == RECIPIENT


@pytest.mark.parametrize("above", [RECIPIENT, OTHER_RECIPIENT, PUSHED_RECIPIENT])
async def test_new_agency_is_not_put_beneath_one_that_is_not_its_own_nor_above_it(
    centres: TwoCentres, above: str
) -> None:
    call = centres.first.register(code=NEW, name="Sở", pcode=above)
    await refused(centres, call, "19", "not-your-agency")


async def test_agency_that_is_there_is_not_moved_beneath_somebody_elses(centres: TwoCentres) -> None:
    assert (await centres.first.register(code="H26.01.05", name="Phòng", pcode=SENDER)).is_ok
    call = centres.first.register(code="H26.01.05", name="Phòng", pcode=RECIPIENT)
    await refused(centres, call, "19", "not-your-agency")


async def test_agency_that_stays_where_it_is_may_be_changed(centres: TwoCentres) -> None:
    assert (await centres.second.register(code=RECIPIENT, name="Tên mới", pcode=SENDER)).is_ok
    assert (await agency(centres, RECIPIENT)).name == "Tên mới"


async def test_centre_with_a_code_of_its_own_may_use_nobodys_agencies_under_it(centres: TwoCentres) -> None:
    call = centres.first.register(code=NEW, name="Sở", pcode=PUSHED_RECIPIENT)
    await refused(centres, call, "19", "not-your-agency")
    x = centres.api.world.exchange
    system = await x.systems.find(SystemId(FIRST))
    assert system is not None
    await x.systems.replace(replace(system, register_under=AgencyCode("H26")))
    assert (await centres.first.register(code=NEW, name="Sở", pcode=PUSHED_RECIPIENT)).is_ok
    theirs = centres.first.register(code="H26.56", name="Sở", pcode=RECIPIENT)
    await refused(centres, theirs, "19", "not-your-agency")


# --- circles and depth ---------------------------------------------------------------------------


async def test_agency_cannot_be_put_beneath_itself(centres: TwoCentres) -> None:
    await centres.first.register(code=NEW, name="Sở", pcode=SENDER)
    await centres.first.register(code=f"{NEW}.01", name="Phòng", pcode=NEW)
    for above in (NEW, f"{NEW}.01"):
        call = centres.first.register(code=NEW, name="Sở", pcode=above)
        await refused(centres, call, "21", "conflict")
    assert (await agency(centres, NEW)).parent == SENDER


async def test_two_agencies_moved_beneath_each_other_at_once_are_never_both_moved(
    centres: TwoCentres,
) -> None:
    for _ in range(6):
        for code in ("CY.A", "CY.B"):
            assert (await centres.first.register(code=code, name="Sở", pcode=SENDER)).is_ok
        answers = await asyncio.gather(
            centres.first.register(code="CY.A", name="Sở", pcode="CY.B"),
            centres.first.register(code="CY.B", name="Sở", pcode="CY.A"),
        )
        assert sorted(answer.json["ErrorCode"] for answer in answers) == ["0", "21"]


async def test_agencies_lie_at_most_twelve_levels_deep_however_they_are_put_together(
    centres: TwoCentres,
) -> None:
    for chain in "AB":
        above = ""
        for n in range(7):
            assert (await centres.first.register(code=f"{chain}{n}", name="Cấp", pcode=above)).is_ok
            above = f"{chain}{n}"
    await refused(centres, centres.first.register(code="B0", name="Cấp", pcode="A6"), "21", "conflict")
    assert (await centres.first.register(code="B0", name="Cấp", pcode="A4")).is_ok
    assert (await centres.first.register(code="A7", name="Cấp", pcode="A6")).is_ok
    await refused(centres, centres.first.register(code="B7", name="Cấp", pcode="B6"), "21", "conflict")


# --- codes and number ----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["h26.01", "000.00.01.h26", "h26.99"])
async def test_code_that_somebody_has_in_other_letters_is_refused(centres: TwoCentres, code: str) -> None:
    await refused(centres, centres.first.register(code=code, name="Sở"), "19", "not-your-agency")
    await refused(centres, centres.second.register(code=code, name="Sở"), "19", "not-your-agency")
    assert (await centres.first.register(code="q.ab", name="Sở")).is_ok
    await refused(centres, centres.second.register(code="Q.AB", name="Sở"), "19", "not-your-agency")


async def test_centre_registers_so_many_agencies_and_no_more(centres: TwoCentres) -> None:
    for n in range(VXP_AGENCIES - 1):
        assert (await centres.first.register(code=f"Q.{n}", name="Sở")).is_ok
    await refused(centres, centres.first.register(code="Q.x", name="Sở"), "21", "conflict")
    assert (await centres.first.register(code="Q.0", name="Sở đổi tên")).is_ok
    assert (await centres.second.register(code="Q.x", name="Sở")).is_ok
    # Closing one makes no room: it stays in the directory.
    assert (await centres.first.delete("Q.0")).is_ok
    await refused(centres, centres.first.register(code="Q.y", name="Sở"), "21", "conflict")


# --- closed and open again -----------------------------------------------------------------------


@pytest.mark.parametrize("closed_on", [date(2026, 1, 1), TODAY])
async def test_agency_that_those_who_keep_the_directory_have_closed_stays_closed(
    centres: TwoCentres, closed_on: date
) -> None:
    await change(centres, RECIPIENT, closed_on=closed_on)
    assert (await centres.second.delete(RECIPIENT)).is_ok  # it is closed: nothing to do
    call = centres.second.register(code=RECIPIENT, name="Sở Nội vụ")
    await refused(centres, call, "19", "not-your-agency")


async def test_agency_its_centre_closed_and_others_closed_after_it_stays_closed(centres: TwoCentres) -> None:
    assert (await centres.second.delete(RECIPIENT)).is_ok
    await change(centres, RECIPIENT, closed_on=date(2026, 10, 1))
    await refused(centres, centres.second.register(code=RECIPIENT, name="Sở Nội vụ"), "19", "not-your-agency")


async def test_agency_its_centre_closed_is_open_when_it_is_registered_again(centres: TwoCentres) -> None:
    assert (await centres.second.delete(RECIPIENT)).is_ok
    assert (await agency(centres, RECIPIENT)).closed_on == TODAY
    assert (await centres.second.register(code=RECIPIENT, name="Sở Nội vụ")).is_ok
    assert (await agency(centres, RECIPIENT)).closed_on is None
    # What was opened again is forgotten: closed by others on the same day, it stays so.
    await change(centres, RECIPIENT, closed_on=TODAY)
    assert (await centres.second.register(code=RECIPIENT, name="Sở Nội vụ")).refusal[0] == "19"


async def test_closing_that_is_planned_is_not_undone_by_a_change(centres: TwoCentres) -> None:
    planned = TODAY + timedelta(days=9)
    await change(centres, RECIPIENT, closed_on=planned)
    assert (await centres.second.register(code=RECIPIENT, name="Tên mới")).is_ok
    changed = await agency(centres, RECIPIENT)
    assert (changed.name, changed.closed_on) == ("Tên mới", planned)
