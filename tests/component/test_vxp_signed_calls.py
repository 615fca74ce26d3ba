"""Who calls: the recorded bytes, and everything that is not quite them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.vxp.signed_calls import hmac_of
from adapters.vxp.versions import ASKED_EVERY
from gateway.domain.model import SystemId
from tests.support.vxp_client import PREFIX, JavaClient, exchange, signed_headers
from tests.support.vxp_world import FIRST, SECRETS, TwoCentres, centres, open_two_centres

__all__ = ["centres"]

REFUSED = ("15", "not-authenticated")

RECORDED_TEXT = (
    '{"XroadVnpt-systemid":"H26.test","XroadVnpt-timestamp":"21112026T223615+0602",'
    '"XroadVnpt-Content-Type":"application/json"}'
)
RECORDED_HMAC = "a18f8ac84ab035545d3a338d30d0340ee8f0837c481bacbf5352ccf43bf4405b"
RECORDED_AT = datetime(2026, 11, 21, 15, 36, 15, 602000, tzinfo=UTC)
RECORDED = (
    "POST /vxp/getAgenciesList HTTP/1.1\r\n"
    "XroadVnpt-systemid: H26.test\r\n"
    "XroadVnpt-timestamp: 21112026T223615+0602\r\n"
    "XroadVnpt-Content-Type: application/json\r\n"
    "XroadVnpt-sign-header-key: systemid;timestamp;Content-Type\r\n"
    f"XroadVnpt-sign-header: {RECORDED_TEXT}\r\n"
    f"XroadVnpt-hash-header: {RECORDED_HMAC}\r\n"
    "XroadVnpt-version: 3.0.201608\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 0\r\n"
    "Host: 127.0.0.1:8080\r\n"
    "Connection: Keep-Alive\r\n"
    "User-Agent: JAVASDKAgent/1.0.0 XRoad/VPCP\r\n"
    "\r\n"
).encode()


def test_hmac_is_the_recorded_one() -> None:
    assert hmac_of(RECORDED_TEXT.encode(), secret="s3cret-for-test") == RECORDED_HMAC


async def test_recorded_call_is_answered(centres: TwoCentres) -> None:
    centres.api.world.clock.now = RECORDED_AT
    answer = await exchange(centres.first.endpoint, RECORDED)
    assert answer.http_status == 200
    assert answer.is_ok
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    ("seconds", "status"), [(-301, 401), (-299, 200), (0, 200), (299, 200), (301, 401), (86400, 401)]
)
async def test_timestamp_must_be_within_the_window(centres: TwoCentres, seconds: int, status: int) -> None:
    centres.api.world.clock.now = RECORDED_AT + timedelta(seconds=seconds)
    assert (await exchange(centres.first.endpoint, RECORDED)).http_status == status


# --- forged and broken headers -------------------------------------------------------------------

Forging = Callable[[dict[str, str]], None]


def _set(name: str, value: str) -> Forging:
    return lambda headers: headers.__setitem__(PREFIX + name, value)


def _drop(name: str) -> Forging:
    def drop(headers: dict[str, str]) -> None:
        del headers[PREFIX + name]

    return drop


def _resigned(change: Callable[[dict[str, Any]], Any]) -> Forging:
    """Sign another text than that of the headers, with the right secret, and list what it names."""

    def forge(headers: dict[str, str]) -> None:
        fields = json.loads(headers[f"{PREFIX}sign-header"])
        changed = change(fields)
        text = changed if isinstance(changed, str) else json.dumps(fields)
        headers[f"{PREFIX}sign-header-key"] = ";".join(name.removeprefix(PREFIX) for name in fields)
        headers[f"{PREFIX}sign-header"] = text
        headers[f"{PREFIX}hash-header"] = hmac_of(text.encode(), secret=SECRETS[FIRST])

    return forge


def _unsigned(name: str) -> Forging:
    """Leave a header out of what is signed."""
    return _resigned(lambda fields: fields.__delitem__(PREFIX + name))


FORGERIES: dict[str, Forging] = {
    "another system": _set("systemid", "H26.other"),
    "unknown system": _set("systemid", "H99.nobody"),
    "empty system": _set("systemid", ""),
    "system with a letter that is none": _set("systemid", "H26.t\u00e9st"),
    "hmac of something else": _set("hash-header", "0" * 64),
    "no hmac": _drop("hash-header"),
    "empty hmac": _set("hash-header", ""),
    "hmac in capitals": lambda headers: headers.update(
        {f"{PREFIX}hash-header": headers[f"{PREFIX}hash-header"].upper()}
    ),
    "no signed text": _drop("sign-header"),
    "no list of names": _drop("sign-header-key"),
    "no timestamp": _drop("timestamp"),
    "no signed type": _drop("Content-Type"),
    "another timestamp": _set("timestamp", "21112026T080204+0000"),
    "another type": _set("Content-Type", "text/plain"),
    "another parameter": _set("messagetype", "status"),
    "a parameter taken out": _drop("messagetype"),
    "list of names too short": _set("sign-header-key", "systemid;timestamp;Content-Type"),
    "list of names too long": lambda headers: headers.update(
        {f"{PREFIX}sign-header-key": headers[f"{PREFIX}sign-header-key"] + ";docId"}
    ),
    "list of names empty": _set("sign-header-key", ""),
    "text is no JSON": _resigned(lambda _: "systemid=H26.test"),
    "text is a list": _resigned(lambda _: "[]"),
    "text is deep": _resigned(lambda _: "[" * 2000),
    "a key twice": _resigned(lambda fields: json.dumps(fields)[:-1] + ',"XroadVnpt-systemid":"H26.test"}'),
    "a key twice in other letters": _resigned(
        lambda fields: fields.update({"xroadvnpt-SYSTEMID": "H26.test"})
    ),
    "a value that is no text": _resigned(lambda fields: fields.update({"XroadVnpt-messagetype": 1})),
    "nothing signed": _resigned(lambda fields: fields.clear()),
    "system not signed": _unsigned("systemid"),
    "timestamp not signed": _unsigned("timestamp"),
    "type not signed": _unsigned("Content-Type"),
    "parameter not signed": _unsigned("messagetype"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_forged_call_is_refused(centres: TwoCentres, forgery: str) -> None:
    centres.first.parameters |= {"servicetype": "eDoc", "messagetype": "edoc"}
    headers = centres.first.signed("application/json") | {"Content-Length": "0"}
    FORGERIES[forgery](headers)
    answer = await exchange(
        centres.first.endpoint, centres.first.head("POST", "/getReceivedEdocList", headers)
    )
    assert (answer.http_status, answer.refusal) == (401, REFUSED)
    assert (await centres.first.received()).is_ok


TIMESTAMPS = (
    "",
    "now",
    "2026-11-21T08:02:03",
    "21112026T080203",
    "21112026T080203+602",
    "21132026T080203+0602",
    "31129999T235959+9999",
    "01010001T000000+0000",
    "00000000T000000+0000",
)


@pytest.mark.parametrize("timestamp", TIMESTAMPS)
async def test_timestamp_of_another_form_is_refused(centres: TwoCentres, timestamp: str) -> None:
    parameters = {"systemid": FIRST, "timestamp": timestamp, "Content-Type": "application/json"}
    headers = signed_headers(parameters, secret=SECRETS[FIRST], content_type="application/json")
    request = centres.first.head("POST", "/getAgenciesList", headers | {"Content-Length": "0"})
    assert (await exchange(centres.first.endpoint, request)).refusal == REFUSED


async def test_header_shown_twice_is_refused(centres: TwoCentres) -> None:
    headers = centres.first.signed("application/json") | {"Content-Length": "0"}
    twice = f"{PREFIX}systemid: {FIRST}\r\n".encode()
    head = centres.first.head("POST", "/getAgenciesList", headers)
    line, _, rest = head.partition(b"\r\n")
    answer = await exchange(centres.first.endpoint, line + b"\r\n" + twice + rest)
    assert answer.refusal == REFUSED


async def test_names_of_headers_may_be_in_any_letters(centres: TwoCentres) -> None:
    headers = centres.first.signed("application/json") | {"Content-Length": "0"}
    lower = {name.lower(): value for name, value in headers.items()}
    request = centres.first.head("POST", "/getAgenciesList", lower)
    assert (await exchange(centres.first.endpoint, request)).is_ok


async def test_wrong_signatures_are_throttled_by_their_address(centres: TwoCentres) -> None:
    thief = centres.client(FIRST, "guessed")
    statuses = [(await thief.agencies()).http_status for _ in range(102)]
    assert statuses[:100] == [401] * 100
    assert statuses[-1] == 429


# --- secrets -------------------------------------------------------------------------------------


async def rotate(centres: TwoCentres, secret: str, *, overlap: timedelta) -> JavaClient:
    x = centres.api.world.exchange
    system = await x.systems.find(SystemId(FIRST))
    assert system is not None
    rotated = replace(
        system,
        secret=centres.box.seal(secret, owner=FIRST),
        previous_secret=system.secret,
        previous_valid_until=x.clock() + overlap,
    )
    await x.systems.replace(rotated)
    centres.api.world.clock += ASKED_EVERY
    return centres.client(FIRST, secret)


async def test_old_secret_serves_until_the_overlap_ends(centres: TwoCentres) -> None:
    renewed = await rotate(centres, "the-new-secret", overlap=timedelta(days=7))
    assert (await renewed.agencies()).is_ok
    assert (await centres.first.agencies()).is_ok
    centres.api.world.clock += timedelta(days=7)
    assert (await renewed.agencies()).is_ok
    assert (await centres.first.agencies()).refusal == REFUSED


async def test_revoked_centre_is_refused_within_seconds(centres: TwoCentres) -> None:
    assert (await centres.first.agencies()).is_ok
    x = centres.api.world.exchange
    system = await x.systems.find(SystemId(FIRST))
    assert system is not None
    await x.systems.replace(replace(system, revoked_at=x.clock()))
    centres.api.world.clock += ASKED_EVERY
    assert (await centres.first.agencies()).refusal == REFUSED


async def test_secret_of_one_centre_does_not_open_for_another(centres: TwoCentres) -> None:
    x = centres.api.world.exchange
    first, second = [await x.systems.find(SystemId(each)) for each in SECRETS]
    assert first is not None
    assert second is not None
    await x.systems.replace(replace(second, secret=first.secret))
    answer = await centres.client(second.id, SECRETS[FIRST]).agencies()
    assert (answer.http_status, answer.refusal) == (503, ("20", "dependency-unavailable"))


# --- limits and logs -----------------------------------------------------------------------------


async def test_calls_of_a_centre_count_against_its_limit(tmp_path: Any) -> None:
    async with open_two_centres(tmp_path, requests_burst=3, requests_per_second=1) as centres:
        answers = [await centres.first.received() for _ in range(4)]
        assert [answer.http_status for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].refusal == ("20", "throttled")
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert (await centres.second.received()).is_ok


async def test_refused_call_is_logged_and_counted(
    centres: TwoCentres, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer = await centres.first.update("00000000-0000-7000-8000-000000000000", "done")
    assert (answer.http_status, answer.refusal) == (200, ("21", "unknown-document"))
    (line,) = [each for each in caplog.records if getattr(each, "event", "") == "vxp.refused"]
    facts = vars(line)
    assert (facts["system"], facts["call"], facts["code"]) == (FIRST, "updateStatus", "unknown-document")
    assert ("POST", "/vxp/updateStatus", 422) in centres.api.observed


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/nothing", 404), ("GET", "/sendEdoc", 405), ("POST", "/downloadEdoc", 405)],
)
async def test_unknown_call_is_answered_in_the_clients_json(
    centres: TwoCentres, method: str, path: str, status: int
) -> None:
    answer = await centres.first.call(method, path)
    assert answer.http_status == status
    assert answer.refusal[0] in {"20", "21"}
