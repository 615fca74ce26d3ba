"""The directory over VXP: what centres read of it, and which agencies they keep in it themselves."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from gateway.domain.model import (
    Agency,
    AgencyCode,
    Alias,
    AliasScheme,
    Channel,
    PolicyLabel,
    SignaturePolicy,
    SystemId,
)
from tests.support.exchange import AGENCIES, CLOSED, OTHER_RECIPIENT, RECIPIENT, SENDER, STRICT_SENDER
from tests.support.vxp_client import JavaClient, VxpAnswer
from tests.support.vxp_world import DOCUMENT_ID, FIRST, RECIPIENT_102, TwoCentres, centres, packet_of

__all__ = ["centres"]

NEW = "H26.55"


def rows_by_id(answer: VxpAnswer) -> dict[str, Any]:
    assert answer.is_ok, answer.content
    return {row["id"]: row for row in answer.json["data"]}


async def agency(centres: TwoCentres, code: str) -> Agency | None:
    return await centres.api.world.exchange.directory.agency(AgencyCode(code))


async def behind(centres: TwoCentres, system_id: str = FIRST) -> set[str]:
    system = await centres.api.world.exchange.systems.find(SystemId(system_id))
    assert system is not None
    return set(system.agencies)


# --- reading it ----------------------------------------------------------------------------------


async def test_directory_lists_open_agencies_under_their_qcvn_102_codes(centres: TwoCentres) -> None:
    rows = rows_by_id(await centres.first.agencies())
    assert set(rows) == {each.code for each in AGENCIES} - {CLOSED}
    assert rows[RECIPIENT] == {
        "id": RECIPIENT,
        "pid": SENDER,
        "code": RECIPIENT_102,
        "name": "Sở Nội vụ",
        "mail": "vanthu@example.vn",
        "oldCode": "",
    }
    assert rows[SENDER]["code"] == SENDER


async def test_directory_in_qd20_codes_can_be_asked_for_by_level(centres: TwoCentres) -> None:
    x = centres.api.world.exchange
    moved = Agency(AgencyCode("old-code"), "Phường mới", 3, aliases=(Alias(AliasScheme.QD20, "H26.01.09"),))
    await x.directory.upsert([moved], now=x.clock())
    everybody = rows_by_id(await centres.first.agencies_qd20(""))
    assert everybody[RECIPIENT]["code102"] == RECIPIENT_102
    assert everybody[RECIPIENT]["code"] == RECIPIENT
    assert everybody["old-code"]["code"] == "H26.01.09"
    assert set(rows_by_id(await centres.first.agencies_qd20("3"))) == {"old-code"}
    assert set(rows_by_id(await centres.first.agencies_qd20("1"))) == {SENDER}
    assert set(rows_by_id(await centres.first.agencies_qd20("all"))) == set(everybody)


async def test_change_feed_has_closed_agencies_too(centres: TwoCentres) -> None:
    rows = rows_by_id(await centres.first.units())
    assert set(rows) == {each.code for each in AGENCIES}
    assert (rows[CLOSED]["deleted"], rows[CLOSED]["modifyDate"]) == ("1", "2025-03-01 00:00:00")
    assert (rows[SENDER]["deleted"], rows[SENDER]["isAgency"], rows[SENDER]["centerCode"]) == (
        "0",
        "1",
        "H26",
    )


async def test_version_of_the_change_feed_grows_with_the_directory(centres: TwoCentres) -> None:
    before = rows_by_id(await centres.first.units())[SENDER]["version"]
    assert (await centres.first.register(code=NEW, name="Sở mới")).is_ok
    after = rows_by_id(await centres.first.units())
    assert int(after[SENDER]["version"]) > int(before)
    assert NEW in after


async def test_lists_follow_the_directory_and_the_day(centres: TwoCentres) -> None:
    x = centres.api.world.exchange
    assert OTHER_RECIPIENT in rows_by_id(await centres.first.agencies())
    other = await agency(centres, OTHER_RECIPIENT)
    assert other is not None
    await x.directory.upsert([replace(other, closed_on=date(2026, 11, 23))], now=x.clock())
    assert OTHER_RECIPIENT in rows_by_id(await centres.first.agencies())
    centres.api.world.clock += timedelta(days=2)
    assert OTHER_RECIPIENT not in rows_by_id(await centres.first.agencies())


async def test_large_directory_comes_whole(centres: TwoCentres) -> None:
    x = centres.api.world.exchange
    many = [Agency(AgencyCode(f"H27.{n:04}"), f"Phường số {n} của một thành phố lớn", 3) for n in range(2500)]
    await x.directory.upsert(many, now=x.clock())
    answers = await asyncio.gather(centres.first.agencies(), centres.second.agencies())
    assert all(len(rows_by_id(answer)) == 2500 + len(AGENCIES) - 1 for answer in answers)


# --- registering ---------------------------------------------------------------------------------


async def test_new_agency_is_registered_and_can_send_and_receive_at_once(centres: TwoCentres) -> None:
    answer = await centres.first.register(
        id="7", pcode=SENDER, code=NEW, name="Sở Thử nghiệm", mail="thu@example.vn", mobile="0900000000"
    )
    assert answer.is_ok, answer.content
    made = await agency(centres, NEW)
    assert made is not None
    assert (made.name, made.level, made.parent) == ("Sở Thử nghiệm", 2, SENDER)
    assert (made.channel, made.policy) == (Channel.INBOX, SignaturePolicy.LABEL)
    assert (made.email, made.phone) == ("thu@example.vn", "0900000000")
    assert NEW in await behind(centres)
    packet = packet_of(centres.api.world.folder, sender=NEW, to=(NEW, RECIPIENT_102))
    assert (await centres.first.send(packet, by=NEW)).is_ok
    assert [row["to"] for row in await centres.first.waiting()] == [NEW]
    document = await centres.api.world.exchange.records.named(AgencyCode(NEW), DOCUMENT_ID)
    assert [each.label for each in document] == [PolicyLabel.SIGNED]


async def test_parent_that_is_unknown_is_left_out(centres: TwoCentres) -> None:
    assert (await centres.first.register(code=NEW, name="Sở", pcode="H99.nobody")).is_ok
    made = await agency(centres, NEW)
    assert made is not None
    assert (made.parent, made.level) == (None, 1)


async def test_parent_may_be_named_by_any_of_its_codes(centres: TwoCentres) -> None:
    new = "H26.01.05"
    assert (await centres.second.register(code=new, name="Phòng", pcode=RECIPIENT_102)).is_ok
    made = await agency(centres, new)
    assert made is not None
    assert (made.parent, made.level) == (RECIPIENT, 3)


async def test_own_agency_is_changed(centres: TwoCentres) -> None:
    before = await agency(centres, RECIPIENT)
    answer = await centres.second.register(
        code=RECIPIENT_102, name="Sở Nội vụ và Lao động", mail="moi@example.vn"
    )
    assert answer.is_ok, answer.content
    assert before is not None
    assert await agency(centres, RECIPIENT) == replace(
        before, name="Sở Nội vụ và Lao động", email="moi@example.vn"
    )


async def test_several_agencies_registered_at_once_are_all_there(centres: TwoCentres) -> None:
    codes = [f"H26.6{n}" for n in range(8)]
    answers = await asyncio.gather(*(centres.first.register(code=code, name="Sở") for code in codes))
    assert all(answer.is_ok for answer in answers)
    assert set(codes) <= await behind(centres)


async def test_agency_registered_by_two_centres_at_once_is_behind_one(centres: TwoCentres) -> None:
    answers = await asyncio.gather(
        centres.first.register(code=NEW, name="của thứ nhất"),
        centres.second.register(code=NEW, name="của thứ hai"),
    )
    assert sorted(answer.json["ErrorCode"] for answer in answers) == ["0", "19"]
    made = await agency(centres, NEW)
    assert made is not None
    assert made.name == ("của thứ nhất" if answers[0].is_ok else "của thứ hai")


@pytest.mark.parametrize("code", [SENDER, STRICT_SENDER, CLOSED])
async def test_agency_of_somebody_else_is_left_alone(centres: TwoCentres, code: str) -> None:
    before = await agency(centres, code)
    answer = await centres.second.register(code=code, name="chiếm")
    assert answer.refusal == ("19", "not-your-agency")
    assert await agency(centres, code) == before
    assert code not in await behind(centres, "H26.other")


@pytest.mark.parametrize("when", [(None, None), (None, date(2025, 1, 1)), (date(2027, 1, 1), None)])
async def test_code_that_is_an_alias_of_somebody_else_at_any_time_is_refused(
    centres: TwoCentres, when: tuple[date | None, date | None]
) -> None:
    x = centres.api.world.exchange
    strict = await agency(centres, STRICT_SENDER)
    assert strict is not None
    alias = Alias(AliasScheme.LEGACY, "28.22.H17", *when)
    await x.directory.upsert([replace(strict, aliases=(alias,))], now=x.clock())
    assert (await centres.first.register(code="28.22.H17", name="chiếm")).refusal == ("19", "not-your-agency")
    assert await agency(centres, "28.22.H17") is None


async def limited(centres: TwoCentres, above: str) -> JavaClient:
    """Let the first centre register only under a code."""
    x = centres.api.world.exchange
    system = await x.systems.find(SystemId(FIRST))
    assert system is not None
    await x.systems.replace(replace(system, register_under=AgencyCode(above)))
    return centres.first


@pytest.mark.parametrize(
    ("above", "code", "is_allowed"),
    [
        ("H26", "H26.77", True),
        ("H26", "H26.77.01", True),
        ("H26", "000.00.77.H26", True),
        ("H26.77", "H26.77", True),
        ("H26.77", "H26.77.01", True),
        ("H26", "H27.01", False),
        ("H26", "H260.01", False),
        ("H26", "000.00.77.XH26", False),
        ("H26.77", "H26.78", False),
        ("H26.77", "H26.777", False),
    ],
)
async def test_centre_registers_only_under_its_own_code(
    centres: TwoCentres, above: str, code: str, is_allowed: bool
) -> None:
    client = await limited(centres, above)
    answer = await client.register(code=code, name="Sở")
    assert answer.is_ok is is_allowed
    assert (await agency(centres, code) is not None) is is_allowed


BODIES: dict[str, Any] = {
    "nothing": b"",
    "no JSON": b"code=H26.55",
    "a list": [],
    "no code": {"name": "Sở"},
    "no name": {"code": NEW},
    "empty name": {"code": NEW, "name": " "},
    "empty code": {"code": "", "name": "Sở"},
    "code with a space": {"code": "H26 55", "name": "Sở"},
    "code with a path": {"code": "../H26", "name": "Sở"},
    "code in other letters": {"code": "H26.５５", "name": "Sở"},
    "code with a wildcard": {"code": "H26.#", "name": "Sở"},
    "code too long": {"code": "H" * 65, "name": "Sở"},
    "code that is a number": {"code": 55, "name": "Sở"},
    "name too long": {"code": NEW, "name": "S" * 201},
    "name that turns around": {"code": NEW, "name": "Sở \u202eABC"},
    "name with an unseen letter": {"code": NEW, "name": "Sở C\u200b"},
    "mail with a line end": {"code": NEW, "name": "Sở", "mail": "a@b.vn\nBcc: c@d.vn"},
    "mobile with an unseen letter": {"code": NEW, "name": "Sở", "mobile": "09\u200e00"},
    "name with a control": {"code": NEW, "name": "S\u0007"},
    "mail too long": {"code": NEW, "name": "Sở", "mail": "a" * 101},
    "code twice": b'{"code":"H26.55","code":"H26.56","name":"x"}',
    "too large": {"code": NEW, "name": "Sở", "fax": "1" * 20_000},
}


@pytest.mark.parametrize("body", BODIES)
async def test_registration_that_is_not_right_is_refused(centres: TwoCentres, body: str) -> None:
    sent = BODIES[body]
    raw = sent if isinstance(sent, bytes) else json.dumps(sent, ensure_ascii=False).encode()
    answer = await centres.first.call("POST", "/registerAgency", body=raw, expects=True)
    assert answer.refusal in {("20", "malformed-request"), ("10", "too-large")}
    assert await agency(centres, NEW) is None


# --- closing -------------------------------------------------------------------------------------


async def test_deleted_agency_is_closed_from_today_and_its_documents_stay(centres: TwoCentres) -> None:
    item = await centres.arrived()
    assert (await centres.second.delete(RECIPIENT_102)).is_ok
    closed = await agency(centres, RECIPIENT)
    assert closed is not None
    assert closed.closed_on == date(2026, 11, 21)
    again = await centres.first.send(centres.document(document_id="sau"), by=SENDER)
    assert again.refusal[0] == "23"
    assert (await centres.second.fetch(item)).is_ok
    assert (await centres.second.delete(RECIPIENT_102)).is_ok


async def test_deleted_agency_sends_nothing_more_until_it_is_registered_again(centres: TwoCentres) -> None:
    packet = packet_of(centres.api.world.folder, sender=RECIPIENT_102, to=(SENDER,))
    assert (await centres.second.delete(RECIPIENT)).is_ok
    assert (await centres.second.send(packet, by=RECIPIENT_102)).refusal[0] == "21"
    assert (await centres.second.register(code=RECIPIENT, name="Sở Nội vụ")).is_ok
    assert (await centres.second.send(packet, by=RECIPIENT_102)).is_ok


@pytest.mark.parametrize("code", [SENDER, STRICT_SENDER, "H26.nobody", ""])
async def test_agency_of_somebody_else_is_not_closed(centres: TwoCentres, code: str) -> None:
    before = await agency(centres, code)
    assert (await centres.second.delete(code)).refusal == ("19", "not-your-agency")
    assert await agency(centres, code) == before
