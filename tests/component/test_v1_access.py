"""Who may see what: wrong tokens, and ids of others that look like ids of nothing."""

from __future__ import annotations

import pytest

from tests.support.api import Api, api, form_of, usual_envelope
from tests.support.exchange import OTHER_RECIPIENT, RECIPIENT
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
