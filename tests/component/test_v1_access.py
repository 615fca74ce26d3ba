"""Who may see what: wrong tokens, and ids of others that look like ids of nothing."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path

import pytest
from yarl import URL

from tests.support.api import Api, api, form_of, open_api, usual_envelope
from tests.support.exchange import ADMINISTRATOR, OTHER_RECIPIENT, RECIPIENT, SENDER
from tests.support.twins import SIGNED

__all__ = ["api"]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong-wrong-wrong-wrong-wrong", "Basic SDI2LjAwOng=", "Bearer a b"]
)
async def test_wrong_token_is_refused(api: Api, header: str) -> None:
    answer = await api.get("/v1/inbox", by=None, headers={"Authorization": header})
    assert (answer.status, answer.code) == (401, "not-authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_document_without_token_is_refused_and_not_stored(api: Api) -> None:
    form = form_of(usual_envelope(), [("a.pdf", SIGNED)])
    answer = await api.post("/v1/documents", by=None, data=form)
    assert (answer.status, answer.code) == (401, "not-authenticated")
    assert api.world.kept_nothing()
    assert await api.is_alive()


@pytest.mark.parametrize("tail", ["", "/timeline", "/files/1"])
async def test_foreign_document_looks_like_one_that_does_not_exist(api: Api, tail: str) -> None:
    sent = await api.submit()
    same_trace = {"X-Request-Id": "t"}
    missing_id = sent.json["id"][:-4] + "0000"
    foreign = await api.get(f"/v1/documents/{sent.json['id']}{tail}", by=OTHER_RECIPIENT, headers=same_trace)
    missing = await api.get(f"/v1/documents/{missing_id}{tail}", by=OTHER_RECIPIENT, headers=same_trace)
    nonsense = await api.get(f"/v1/documents/..%2f..{tail}", by=OTHER_RECIPIENT, headers=same_trace)
    assert foreign.status == 404
    assert foreign.content == missing.content == nonsense.content


@pytest.mark.parametrize("verb", ["claim", "accept", "refuse"])
async def test_foreign_delivery_looks_like_one_that_does_not_exist(api: Api, verb: str) -> None:
    sent = await api.submit()
    delivery = sent.json["deliveries"][0]["id"]
    body = {"reason": "x"} if verb == "refuse" else {}
    answer = await api.post(f"/v1/inbox/{delivery}/{verb}", by=OTHER_RECIPIENT, body=body)
    assert (answer.status, answer.code) == (404, "not-found")


async def test_foreign_receipt_and_recall_look_like_nothing(api: Api) -> None:
    sent = await api.submit()
    receipt = sent.json["receipt"]["statement"]["receipt"]
    read = await api.get(f"/v1/receipts/{receipt}", by=RECIPIENT)
    recall = await api.post(f"/v1/documents/{sent.json['id']}/recall", by=RECIPIENT, body={"reason": "x"})
    assert (read.status, recall.status) == (404, 404)


async def test_administrator_reads_records_but_not_files(api: Api) -> None:
    sent = await api.submit()
    path = sent.headers["Location"]
    record = await api.get(path, by=ADMINISTRATOR)
    timeline = await api.get(f"{path}/timeline", by=ADMINISTRATOR)
    file = await api.get(f"{path}/files/1", by=ADMINISTRATOR)
    assert (record.status, timeline.status) == (200, 200)
    assert (file.status, file.code) == (403, "not-allowed")
    assert [(await api.get(f"{path}/files/1", by=each)).status for each in (SENDER, RECIPIENT)] == [200, 200]


# --- guessing, and from where ------------------------------------------------------------------------

PROXY = (ipaddress.ip_network("127.0.0.0/8"),)


async def guess(api: Api, *forwarded: str) -> int:
    """Show a wrong token by way of a proxy that names the client in these header lines."""
    headers = [("Authorization", f"Bearer {'x' * 40}"), *(("X-Forwarded-For", each) for each in forwarded)]
    async with api.session.get(api.url.join(URL("/v1/inbox")), headers=headers) as answer:
        return answer.status


async def test_wrong_tokens_of_an_address_are_limited_and_logins_are_not(tmp_path: Path) -> None:
    async with open_api(tmp_path, trusted_proxies=PROXY) as api:
        token = await api.token(SENDER)
        answers = [await guess(api, "192.0.2.7") for _ in range(101)]
        at_once = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "192.0.2.7"}
        right = await api.get("/v1/inbox", by=None, headers=at_once)
        neighbour = await guess(api, "192.0.2.8")
        login = await api.login(SENDER, "wrong")
        api.world.clock += timedelta(seconds=int(right.headers["Retry-After"]))
        later = await api.get("/v1/inbox", by=None, headers=at_once)
    assert (set(answers[:100]), answers[100]) == ({401}, 429)
    assert (right.status, neighbour, login.status, later.status) == (429, 401, 401, 200)


async def test_address_is_the_last_of_the_last_line_a_proxy_has_written(tmp_path: Path) -> None:
    async with open_api(tmp_path, trusted_proxies=PROXY) as api:
        for n in range(100):
            await guess(api, f"198.51.100.{n}", f"203.0.113.{n}, 192.0.2.7")
        assert await guess(api, "198.51.100.200", "192.0.2.7") == 429
        assert await guess(api, "192.0.2.7", "192.0.2.8") == 401
