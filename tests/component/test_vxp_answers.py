"""Answers as the client can use them: in its JSON, short enough, and whatever its header map has gathered."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

import pytest

from gateway.edge.connection import MAX_HEAD_BYTES
from gateway.edge.problems import MOST_REASONS
from tests.support.api import Api, api, usual_envelope
from tests.support.exchange import SENDER
from tests.support.vxp_client import exchange
from tests.support.vxp_refusals import refused
from tests.support.vxp_world import RECIPIENT_102, TwoCentres, centres, status_of

__all__ = ["api", "centres"]

# --- lists ---------------------------------------------------------------------------------------


async def test_lists_and_counters_read_no_envelope_no_report_and_no_packet(centres: TwoCentres) -> None:
    """An envelope or a packet may be megabytes, and a list has thousands of lines."""
    document = await centres.sent()
    said = await centres.say("01")
    with sqlite3.connect(centres.api.world.folder / "ledger.db") as record:
        for column in ("documents SET envelope", "files SET report", "statuses SET staff"):
            record.execute(f"UPDATE {column} = 'whoever reads this fails'")
    record.close()
    (waiting,) = await centres.second.waiting()
    (status,) = await centres.first.waiting("status")
    assert status["docId"] == said
    for answer in (await centres.first.sent(), await centres.first.sent(docId=document)):
        (line,) = answer.json["data"]
        assert (line["receiverDocId"], line["title"]) == (
            waiting["docId"],
            "Về việc bảo đảm an toàn thông tin",
        )
        assert line["notation"] == "12/QĐ-UBND"
    assert (await centres.second.count()).json["count"] == 1
    assert (await centres.first.count("status")).json["count"] == 1


# --- heads ---------------------------------------------------------------------------------------


async def test_parameters_of_a_circular_to_two_thousand_leak_into_every_later_call(
    centres: TwoCentres,
) -> None:
    centres.first.parameters["to"] = ",".join(f"000.{n // 99:02}.{n % 99:02}.H26" for n in range(2000))
    assert (await centres.first.received()).is_ok
    assert (await centres.first.send(centres.document(), by=SENDER)).is_ok


async def test_header_map_that_has_gathered_a_hundred_parameters_is_read(centres: TwoCentres) -> None:
    centres.first.parameters |= {f"parameter-{n}": "value" for n in range(100)}
    assert (await centres.first.received()).is_ok


async def test_recipients_beside_the_signed_ones_mean_nothing(centres: TwoCentres) -> None:
    headers = centres.first.signed("application/json") | {"XroadVnpt-to": "H26.01", "Content-Length": "0"}
    request = centres.first.head("POST", "/sendEdoc", headers)
    assert (await exchange(centres.first.endpoint, request)).refusal == ("19", "not-your-agency")


async def test_head_that_never_ends_is_cut_off(api: Api) -> None:
    start, line = b"GET /v1/inbox HTTP/1.1\r\nHost: x\r\n", b"X: " + b"x" * 8000 + b"\r\n"
    with pytest.raises(TimeoutError):
        await api.raw(start + line * (MAX_HEAD_BYTES // len(line) - 1), within=0.2)
    said = b""
    with suppress(ConnectionError):
        said = await api.raw(start + line * (MAX_HEAD_BYTES // len(line) + 1))
    assert said == b""


async def test_expectation_that_is_not_met_is_answered_in_the_clients_json(centres: TwoCentres) -> None:
    headers = centres.first.signed("application/json") | {"Content-Length": "0", "Expect": "200-ok"}
    request = centres.first.head("POST", "/getReceivedEdocList", headers)
    answer = await exchange(centres.first.endpoint, request)
    assert (answer.http_status, answer.refusal) == (417, ("20", "malformed-request"))


async def test_expectation_that_is_not_met_is_a_problem(api: Api) -> None:
    answer = await api.get("/v1/inbox", headers={"Expect": "200-ok"})
    assert (answer.status, answer.headers["Content-Type"]) == (417, "application/problem+json")


# --- refusals ------------------------------------------------------------------------------------


def codes_of_nobody(number: int) -> tuple[str, ...]:
    return tuple(f"H99.{n}" for n in range(number))


async def test_reasons_of_a_refusal_are_the_first_and_how_many_more_there_are(centres: TwoCentres) -> None:
    packet = centres.document(to=codes_of_nobody(MOST_REASONS + 50))
    answer = await refused(centres, centres.first.send(packet, by=SENDER), "18", "unknown-agency")
    *first, last = answer.json["reasons"]
    assert (len(first), first[0]) == (MOST_REASONS, "H99.0: no agency has this code")
    assert last == "… and 50 more"


@pytest.mark.parametrize(("unknown", "shown"), [(MOST_REASONS, MOST_REASONS), (MOST_REASONS + 1, 101)])
async def test_reasons_of_a_problem_are_cut_in_the_same_way(api: Api, unknown: int, shown: int) -> None:
    answer = await api.submit(envelope=usual_envelope(to=codes_of_nobody(unknown)))
    assert answer.json["code"] == "unknown-agency"
    assert len(answer.json["reasons"]) == shown


async def test_refusal_of_a_document_without_a_reason_is_refused(centres: TwoCentres) -> None:
    await centres.sent()
    silent = status_of("02", description="")
    call = centres.second.send(silent, by=RECIPIENT_102, kind="status")
    answer = await refused(centres, call, "21", "request-rejected")
    assert answer.json["reasons"] == ["description: must not be empty"]
