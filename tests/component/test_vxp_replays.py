"""Calls that are shown again, by their own client or by somebody who has read them on the line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, timedelta, tzinfo
from types import MappingProxyType
from typing import Any

import pytest
from yarl import URL

from adapters.vxp.agencies import Agencies
from adapters.vxp.centres import Centre, Centres
from adapters.vxp.server import mount
from adapters.vxp.signed_calls import SignedCall, SignedCalls
from gateway.domain.errors import Throttled
from gateway.domain.working_days import VIETNAM
from gateway.edge.server import serve
from gateway.http.app import make_app
from ops.parts import clock_zones
from ops.settings import load
from tests.support.api import LIMITS, PUBLIC_URL, VXP_AGENCIES, VXP_WINDOW
from tests.support.exchange import SENDER
from tests.support.exchange_samples import NOW, system
from tests.support.vxp_client import JavaClient, exchange
from tests.support.vxp_world import FIRST, SECOND, SECRETS, TwoCentres, centres, open_two_centres

__all__ = ["centres"]

REFUSED = ("15", "not-authenticated")


def signed(
    client: JavaClient,
    path: str,
    parameters: Mapping[str, str] = MappingProxyType({}),
    *,
    body: bytes = b"",
) -> bytes:
    """Return the bytes of a call, to be made more than once."""
    client.parameters |= parameters
    headers = client.signed("application/json") | {"Content-Length": str(len(body))}
    return client.head("POST", path, headers) + body


@asynccontextmanager
async def another_process(centres: TwoCentres, *zones: tzinfo) -> AsyncIterator[URL]:
    """Serve the same exchange in what stands for another process: it has seen no call yet."""
    app = make_app(centres.api.world.exchange, LIMITS, public_url=PUBLIC_URL)
    chosen = zones or (VIETNAM,)
    mount(app, box=centres.box, window=VXP_WINDOW, max_agencies=VXP_AGENCIES, zones=chosen)
    async with serve(app, host="127.0.0.1", port=0, limits=LIMITS) as url:
        yield url / "vxp"


# --- calls that only read ------------------------------------------------------------------------


async def test_honest_calls_of_the_same_millisecond_are_all_answered(centres: TwoCentres) -> None:
    """An unanswered poll is taken for an empty list."""
    await centres.arrived()
    poll = signed(centres.second, "/getReceivedEdocList", {"messagetype": "edoc"})
    documents = poll.replace(b"/getReceivedEdocList", b"/countReceiveEdoc")
    statuses = poll.replace(b"/getReceivedEdocList", b"/countReceiveStatus")
    calls = [poll, documents, statuses, poll]
    answers = await asyncio.gather(*(exchange(centres.second.endpoint, call) for call in calls))
    assert [answer.http_status for answer in answers] == [200] * 4
    assert [len(answers[0].json["data"]), answers[1].json["count"], answers[2].json["count"]] == [1, 1, 0]


async def test_list_right_after_a_change_is_answered_under_the_same_signature(centres: TwoCentres) -> None:
    item = await centres.arrived()
    change = signed(centres.second, "/updateStatus", {"docId": item, "status": "processing"})
    assert (await exchange(centres.second.endpoint, change)).is_ok
    poll = change.replace(b"/updateStatus", b"/getReceivedEdocList")
    assert (await exchange(centres.second.endpoint, poll)).is_ok


# --- calls that change something -----------------------------------------------------------------


async def test_signature_of_a_reading_call_does_not_serve_for_a_change(centres: TwoCentres) -> None:
    reading = signed(centres.first, "/getAgenciesList", {"AgencyCode": SENDER})  # leaked
    assert (await exchange(centres.first.endpoint, reading)).is_ok
    stolen = reading.replace(b"/getAgenciesList", b"/deleteAgency")
    assert (await exchange(centres.first.endpoint, stolen)).refusal == REFUSED
    agency = await centres.api.world.exchange.directory.agency(SENDER)
    assert agency is not None
    assert agency.closed_on is None


async def test_signature_of_a_change_does_not_serve_for_another(centres: TwoCentres) -> None:
    item = await centres.arrived()
    parameters = {"docId": item, "status": "processing", "AgencyCode": "H26.01"}
    change = signed(centres.second, "/updateStatus", parameters)
    assert (await exchange(centres.second.endpoint, change)).is_ok
    stolen = change.replace(b"/updateStatus", b"/deleteAgency")
    assert (await exchange(centres.second.endpoint, stolen)).refusal == REFUSED


async def test_change_that_comes_many_times_at_once_is_made_once(centres: TwoCentres) -> None:
    item = await centres.arrived()
    change = signed(centres.second, "/updateStatus", {"docId": item, "status": "fail"})
    answers = await asyncio.gather(*(exchange(centres.second.endpoint, change) for _ in range(8)))
    assert sorted(answer.http_status for answer in answers) == [200, *[401] * 7]


async def test_change_is_refused_as_made_before_as_long_as_its_timestamp_counts(centres: TwoCentres) -> None:
    item = await centres.arrived()
    clock = centres.api.world.clock
    # From as far in the future as is allowed, until it is as old as is allowed.
    ahead = JavaClient(
        centres.second.endpoint, SECOND, SECRETS[SECOND], lambda: clock() + VXP_WINDOW - timedelta(seconds=1)
    )
    change = signed(ahead, "/updateStatus", {"docId": item, "status": "processing"})
    assert (await exchange(centres.second.endpoint, change)).is_ok
    for _ in range(11):
        assert (await centres.second.update(item, "processing")).is_ok
        assert (await exchange(centres.second.endpoint, change)).http_status == 401
        clock += timedelta(minutes=1)


@pytest.mark.parametrize("call", ["deleteAgency", "registerAgency", "updateStatus", "sendEdoc"])
async def test_call_that_changes_something_is_made_once_over_all_processes(
    centres: TwoCentres, call: str
) -> None:
    item = await centres.arrived()
    await centres.second.update(item, "processing")
    async with another_process(centres) as another:
        parameters, body = {
            "deleteAgency": ({"AgencyCode": "H26.02"}, b"{}"),
            "registerAgency": ({}, b'{"code":"H26.77","name":"S\xe1\xbb\x9f"}'),
            "updateStatus": ({"docId": item, "status": "fail"}, b"{}"),
            "sendEdoc": ({"from": "H26.01", "messagetype": "status", "hash-file": ""}, b"<edXML/>"),
        }[call]
        request = signed(centres.second, f"/{call}", parameters, body=body)
        assert (await exchange(centres.second.endpoint, request)).http_status == 200
        replayed = await exchange(another, request)
    assert (replayed.http_status, replayed.refusal) == (401, REFUSED)


async def test_reading_call_of_before_a_restart_does_not_serve_for_a_change_after_it(
    centres: TwoCentres,
) -> None:
    item = await centres.arrived()
    await centres.second.update(item, "done")  # leaks its parameters into what follows
    other = await centres.arrived(document_id="khác")
    reading = signed(centres.second, "/getEdoc", {"docId": other}, body=b"{}")
    assert (await exchange(centres.second.endpoint, reading)).is_ok
    assert centres.second.parameters["status"] == "done"
    centres.api.world.clock += timedelta(seconds=30)
    async with another_process(centres) as restarted:
        stolen = reading.replace(b"/getEdoc", b"/updateStatus")
        assert (await exchange(restarted, stolen)).refusal == REFUSED
        assert (await exchange(restarted, reading)).is_ok
        anew = signed(centres.second, "/updateStatus", {"docId": other, "status": "done"}, body=b"{}")
        assert (await exchange(restarted, anew)).is_ok


# --- how much is remembered ----------------------------------------------------------------------


async def test_change_that_was_turned_away_for_now_may_come_again_as_it_is(tmp_path: Any) -> None:
    async with open_two_centres(tmp_path, requests_burst=2, requests_per_second=1) as centres:
        item = await centres.arrived()
        assert (await centres.second.waiting())[0]["docId"] == item
        change = signed(centres.second, "/updateStatus", {"docId": item, "status": "done"}, body=b"{}")
        assert (await exchange(centres.second.endpoint, change)).http_status == 429
        centres.api.world.clock += timedelta(seconds=2)
        assert (await exchange(centres.second.endpoint, change)).is_ok


def test_memory_of_one_centre_is_bounded_and_empties_with_time(centres: TwoCentres) -> None:
    world = centres.api.world
    x = world.exchange
    agencies = Agencies(x.directory, x.clock)
    known = Centres(x.systems, agencies, box=centres.box, clock=x.clock)
    calls = SignedCalls(known, clock=x.clock, window=VXP_WINDOW, remembered=3)

    def call(name: str, centre: str = FIRST) -> SignedCall:
        who = Centre(system(centre), (), NOW, "", agencies)
        return SignedCall(who, {}, name, x.clock(), x.clock() + VXP_WINDOW)

    for name in "abc":
        calls.remember(call(name), changes=False)
    with pytest.raises(Throttled):
        calls.remember(call("d"), changes=True)
    calls.remember(call("a"), changes=False)
    calls.remember(call("a", SECOND), changes=True)
    for _ in range(2):
        world.clock += 2 * VXP_WINDOW + timedelta(seconds=1)
        calls.remember(call("a"), changes=False)
    calls.remember(call("d"), changes=True)


# --- wall clocks of other zones ------------------------------------------------------------------


async def test_wall_clock_of_the_servers_own_zone_counts_where_the_site_allows_it(
    centres: TwoCentres,
) -> None:
    abroad = replace(centres.second, zone=UTC)
    refused = await abroad.count()
    async with another_process(centres, VIETNAM, UTC) as url:
        answers = [await replace(client, endpoint=url).count() for client in (abroad, centres.second)]
    assert refused.http_status == 401
    assert [answer.http_status for answer in answers] == [200, 200]


async def test_change_shown_again_when_another_zone_has_its_wall_clock_is_refused(
    centres: TwoCentres,
) -> None:
    item = await centres.arrived()
    change = signed(centres.second, "/updateStatus", {"docId": item, "status": "fail"}, body=b"{}")
    async with another_process(centres, VIETNAM, UTC) as url:
        first = await exchange(url, change)
        centres.api.world.clock += timedelta(hours=7)
        await centres.api.world.exchange.systems.forget_expired(now=centres.api.world.clock())
    async with another_process(centres, VIETNAM, UTC) as url:
        centres.api.world.clock += timedelta(seconds=1)
        again = await exchange(url, change)
    assert (first.http_status, again.http_status) == (200, 401)


@pytest.mark.parametrize(("own_zone_too", "count"), [(True, 2), (False, 1)])
def test_site_says_whether_its_own_zone_counts(own_zone_too: bool, count: int) -> None:
    settings = load(None, {"LIENTHONG_VXP__OWN_ZONE_TOO": str(own_zone_too).lower()})
    zones = clock_zones(settings)
    assert (zones[0], len(zones)) == (VIETNAM, count)
