"""The Python client against a real `/v1`, and against exchanges that misbehave."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ops.client.api import ExchangeClient
from ops.client.line import Credentials, Patience, Refused, Unreachable, open_line
from tests.support.api import Api, api, open_api, usual_envelope
from tests.support.exchange import RECIPIENT, SENDER, secret_of
from tests.support.twins import SIGNED

__all__ = ["api"]

PATIENCE = Patience(tries=4, silence=timedelta(seconds=5))


@asynccontextmanager
async def client_of(
    agency: str, url: str, *, secret: str | None = None, waits: list[float] | None = None
) -> AsyncIterator[ExchangeClient]:
    """A client that does not sleep but notes how long it would have."""

    async def note(seconds: float) -> None:
        if waits is not None:
            waits.append(seconds)

    credentials = Credentials(url, agency, secret or secret_of(agency))
    async with open_line(credentials, patience=PATIENCE, sleep=note) as line:
        yield ExchangeClient(line)


@pytest.fixture
def decision(tmp_path: Path) -> Path:
    path = tmp_path / "sent" / 'Quyết định "số 12".pdf'
    path.parent.mkdir()
    path.write_bytes(SIGNED)
    return path


# --- against a real exchange -----------------------------------------------------------------------


async def test_document_goes_the_whole_way(api: Api, decision: Path, tmp_path: Path) -> None:
    async with client_of(SENDER, str(api.url)) as sender, client_of(RECIPIENT, str(api.url)) as recipient:
        sent = await sender.submit(usual_envelope(), [decision])
        (item,) = (await recipient.inbox())["items"]
        claimed = await recipient.claim(item["delivery"])
        (file,) = claimed["item"]["document"]["files"]
        path = await recipient.download(sent["id"], file, into=tmp_path / "received")
        receipt = await recipient.accept(item["delivery"], lease=claimed["lease"])
        timeline = await sender.timeline(sent["id"])
    assert (path.read_bytes(), path.name) == (SIGNED, "Quyết định _số 12_.pdf")
    assert receipt["statement"]["kind"] == "delivered"
    assert [line["kind"] for line in timeline["items"]][-2:] == ["delivered", "status"]


async def test_resend_gets_the_first_answer(api: Api, decision: Path) -> None:
    async with client_of(SENDER, str(api.url)) as sender:
        first = await sender.submit(usual_envelope(), [decision])
        assert await sender.submit(usual_envelope(), [decision]) == first
        assert await sender.receipt(first["receipt"]["statement"]["receipt"]) == first["receipt"]


async def test_key_used_for_another_document_is_refused(api: Api, decision: Path) -> None:
    async with client_of(SENDER, str(api.url)) as sender:
        await sender.submit(usual_envelope(), [decision], idempotency_key="k")
        with pytest.raises(Refused) as refused:
            await sender.submit(usual_envelope(subject="Khác"), [decision], idempotency_key="k")
    assert (refused.value.status, refused.value.code) == (422, "idempotency-key-reused")


async def test_refusal_names_every_reason(api: Api, decision: Path) -> None:
    async with client_of(SENDER, str(api.url)) as sender:
        with pytest.raises(Refused) as refused:
            await sender.submit(usual_envelope(to=["H1", "H2"]), [decision])
    assert refused.value.code == "unknown-agency"
    assert [reason.split(":")[0] for reason in refused.value.reasons] == ["H1", "H2"]


async def test_refusal_and_recall_come_with_receipts(api: Api, decision: Path) -> None:
    async with client_of(SENDER, str(api.url)) as sender, client_of(RECIPIENT, str(api.url)) as recipient:
        first = await sender.submit(usual_envelope(), [decision])
        refusal = await recipient.refuse(first["deliveries"][0]["id"], reason="Sai nơi nhận")
        second = await sender.submit(usual_envelope(document_id="2"), [decision])
        recalled = await sender.recall(second["id"], reason="Gửi nhầm")
        states = [each["state"] for each in (await sender.document(second["id"]))["deliveries"]]
    assert refusal["statement"]["reason"] == "Sai nơi nhận"
    assert [each["delivery"] for each in recalled["recalled"]] == [second["deliveries"][0]["id"]]
    assert states == ["RECALLED"]


async def test_claim_can_be_repeated_by_its_holder_only(api: Api, decision: Path) -> None:
    async with client_of(SENDER, str(api.url)) as sender, client_of(RECIPIENT, str(api.url)) as recipient:
        sent = await sender.submit(usual_envelope(), [decision])
        await recipient.claim(sent["deliveries"][0]["id"])
        with pytest.raises(Refused, match="lease-lost"):
            await recipient.claim(sent["deliveries"][0]["id"])


async def test_long_poll_returns_when_its_time_is_over(api: Api) -> None:
    async with client_of(RECIPIENT, str(api.url)) as recipient:
        assert await recipient.inbox(wait=timedelta(seconds=1)) == {"items": [], "next": None}


async def test_inbox_is_read_page_by_page(api: Api, decision: Path) -> None:
    async with client_of(SENDER, str(api.url)) as sender, client_of(RECIPIENT, str(api.url)) as recipient:
        for number in range(5):
            await sender.submit(usual_envelope(document_id=str(number)), [decision])
        waiting = await recipient.everything_waiting(limit=2)
    assert sorted(item["document"]["document_id"] for item in waiting) == ["0", "1", "2", "3", "4"]


async def test_directory_is_read(api: Api) -> None:
    async with client_of(SENDER, str(api.url)) as sender:
        assert SENDER in [each["code"] for each in (await sender.agencies())["items"]]


async def test_token_that_has_ended_is_replaced(api: Api) -> None:
    async with client_of(SENDER, str(api.url)) as sender:
        await sender.inbox()
        api.world.clock += timedelta(minutes=20)
        await sender.inbox()


async def test_wrong_secret_is_refused_at_once(api: Api) -> None:
    waits: list[float] = []
    async with client_of(SENDER, str(api.url), secret="wrong", waits=waits) as sender:
        with pytest.raises(Refused, match="not-authenticated"):
            await sender.inbox()
    assert waits == []


async def test_progress_adds_up_to_the_size_of_the_files(api: Api, tmp_path: Path) -> None:
    large = tmp_path / "large.pdf"
    large.write_bytes(SIGNED + bytes(1_500_000))
    gone: list[int] = []
    async with client_of(SENDER, str(api.url)) as sender:
        await sender.submit(usual_envelope(), [large], progress=gone.append)
    assert (sum(gone), len(gone) > 1) == (large.stat().st_size, True)


async def test_large_document_that_is_refused_by_its_envelope_says_why(tmp_path: Path) -> None:
    large = tmp_path / "large.pdf"
    large.write_bytes(SIGNED + bytes(30_000_000))
    sizes = {"max_request_bytes": 50_000_000, "max_file_bytes": 50_000_000, "bytes_burst": 100_000_000}
    async with open_api(tmp_path, **sizes) as served, client_of(SENDER, str(served.url)) as sender:
        with pytest.raises(Refused, match="state-secret"):
            await sender.submit(usual_envelope(secrecy="mat"), [large])


# --- against an exchange that misbehaves -----------------------------------------------------------

Reply = Callable[[web.Request], web.StreamResponse]


def broken_off(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def problem(status: int, *, retry: bool = False, retry_after: str | None = None) -> Reply:
    fields = {"code": "some-code", "detail": "some detail", "reasons": ["one"], "retry": retry}
    headers = {"Retry-After": retry_after} if retry_after else {}
    return lambda _: web.json_response(fields, status=status, headers=headers)


def page(status: int) -> Reply:
    return lambda _: web.Response(status=status, text="<html>proxy</html>", content_type="text/html")


def good(_: web.Request) -> web.StreamResponse:
    return web.json_response({"id": "document-1"}, status=202)


def content(body: bytes) -> Reply:
    return lambda _: web.Response(body=body)


@dataclass
class RoughExchange:
    """Gives out tokens, and answers everything else as told, one reply after the other."""

    replies: list[Reply]
    keys: list[str | None] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    async def token(self, _: web.Request) -> web.Response:
        return web.json_response({"access_token": "t", "expires_in": 900})

    async def anything(self, request: web.Request) -> web.StreamResponse:
        # Each try draws its own boundary between the parts.
        boundary = request.headers.get("Content-Type", "").partition("boundary=")[2]
        self.bodies.append((await request.read()).replace(boundary.encode() or b"\0", b"-"))
        self.keys.append(request.headers.get("Idempotency-Key"))
        return self.replies.pop(0)(request)


@asynccontextmanager
async def rough_exchange(*replies: Reply) -> AsyncIterator[RoughExchange]:
    rough = RoughExchange(list(replies))
    app = web.Application()
    app.router.add_post("/v1/token", rough.token)
    app.router.add_route("*", "/{path:.*}", rough.anything)
    async with TestServer(app, host="127.0.0.1") as server:
        rough.url = f"http://127.0.0.1:{server.port}"
        yield rough


@pytest.mark.parametrize(
    "trouble", [broken_off, problem(503), problem(429), problem(409, retry=True), page(502), page(504)]
)
async def test_passing_trouble_is_answered_by_the_same_request_under_the_same_key(
    trouble: Reply, decision: Path
) -> None:
    async with rough_exchange(trouble, trouble, good) as rough, client_of(SENDER, rough.url) as sender:
        answer = await sender.submit(usual_envelope(), [decision], idempotency_key="k")
    assert answer == {"id": "document-1"}
    assert (rough.keys, len(set(rough.bodies))) == (["k"] * 3, 1)
    assert SIGNED in rough.bodies[0]


async def test_waits_double_and_retry_after_is_honoured_within_bounds(decision: Path) -> None:
    asked = [problem(503, retry_after=text) for text in ("7", "86400")]
    waits: list[float] = []
    async with (
        rough_exchange(problem(503), *asked, good) as rough,
        client_of(SENDER, rough.url, waits=waits) as sender,
    ):
        await sender.submit(usual_envelope(), [decision])
    assert waits == [0.5, 7, 60]


async def test_trouble_that_does_not_pass_is_given_up(decision: Path) -> None:
    waits: list[float] = []
    async with (
        rough_exchange(*[problem(503)] * 9) as rough,
        client_of(SENDER, rough.url, waits=waits) as sender,
    ):
        with pytest.raises(Unreachable, match="some detail"):
            await sender.submit(usual_envelope(), [decision])
    assert (len(rough.bodies), waits) == (PATIENCE.tries, [0.5, 1, 2])


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422])
async def test_refusal_is_not_tried_again(status: int, decision: Path) -> None:
    async with rough_exchange(problem(status)) as rough, client_of(SENDER, rough.url) as sender:
        with pytest.raises(Refused) as refused:
            await sender.submit(usual_envelope(), [decision])
    assert (refused.value.status, refused.value.code, refused.value.reasons) == (
        status,
        "some-code",
        ("one",),
    )


@pytest.mark.parametrize("reply", [problem(500), page(200), page(302), lambda _: web.json_response([1])])
async def test_answer_that_is_none_of_an_exchange_is_no_answer(reply: Reply, decision: Path) -> None:
    async with rough_exchange(reply) as rough, client_of(SENDER, rough.url) as sender:
        with pytest.raises(Unreachable):
            await sender.submit(usual_envelope(), [decision])


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "ftp://127.0.0.1", "http://"])
async def test_exchange_that_is_not_there_is_no_answer(url: str) -> None:
    async with client_of(SENDER, url) as sender:
        with pytest.raises(Unreachable):
            await sender.inbox()


# --- files that come -------------------------------------------------------------------------------


def announced(name: str, body: bytes = SIGNED) -> dict[str, object]:
    return {"n": 1, "name": name, "size_bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


async def fetch(into: Path, file: dict[str, object], *replies: Reply) -> Path:
    async with rough_exchange(*replies) as rough, client_of(RECIPIENT, rough.url) as recipient:
        return await recipient.download("document-1", file, into=into)


async def test_file_that_breaks_off_is_fetched_again(tmp_path: Path) -> None:
    cut_off = content(SIGNED[:5])
    path = await fetch(tmp_path, announced("a.pdf"), cut_off, broken_off, content(SIGNED))
    assert path.read_bytes() == SIGNED


async def test_file_with_other_bytes_than_announced_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="not what was announced"):
        await fetch(tmp_path, announced("a.pdf"), *[content(b"other")] * PATIENCE.tries)
    assert os.listdir(tmp_path) == []


async def test_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"mine")
    first = await fetch(tmp_path, announced("a.pdf"), content(SIGNED))
    again = await fetch(tmp_path, announced("a.pdf"), content(SIGNED))
    assert (first, again) == (tmp_path / "a (2).pdf", tmp_path / "a (2).pdf")
    assert (tmp_path / "a.pdf").read_bytes() == b"mine"
    assert sorted(os.listdir(tmp_path)) == ["a (2).pdf", "a.pdf"]
