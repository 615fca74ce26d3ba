"""NUL, control characters and half letters from outside: a typed refusal, and nothing of them is kept."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.jwk import ECKey

from gateway.domain.directory_ports import Clients
from gateway.domain.model import Client, ClientId, Role
from gateway.edge.server import serve
from gateway.http.app import make_app
from tests.support.api import LIMITS, PUBLIC_URL, Answer, Api, api
from tests.support.exchange import RECIPIENT, SENDER

__all__ = ["api"]

UNUSABLE = ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\ud800"]
FIELDS = {
    "document_id": "VB-{}",
    "subject": "Về việc {}",
    "number": "1{}",
    "notation": "QĐ{}",
    "kind": "new{}",
    "urgency": "normal{}",
    "due_date": "2026-12-01{}",
    "secrecy": "none{}",
    "unknown_recipients": "skip{}",
}
ADDRESSES = (
    "/v1/agencies?cursor=H{}",
    "/v1/inbox?cursor={}",
    "/v1/inbox?wait={}",
    "/v1/inbox?limit=1{}",
    "/v1/documents/{}",
    "/v1/documents/{}/timeline",
    "/v1/documents/{}/files/1",
    "/v1/receipts/{}",
    "/v1/{}",
)


def as_json(value: object) -> io.BytesIO:
    """JSON with every odd letter escaped, as a careless client would send it."""
    return io.BytesIO(json.dumps(value).encode("ascii"))


async def delivery_of(api: Api) -> str:
    return str((await api.submit()).json["deliveries"][0]["id"])


async def answered(api: Api, verb: str, body: object) -> Answer:
    return await api.post(f"/v1/inbox/{await delivery_of(api)}/{verb}", by=RECIPIENT, data=as_json(body))


async def test_envelope_that_holds_one_is_refused(api: Api) -> None:
    usual = {"document_id": "1", "subject": "x", "to": [RECIPIENT]}
    for field, text in FIELDS.items():
        for letter in UNUSABLE:
            envelope = as_json(usual | {field: text.format(letter)}).read()
            answer = await api.submit(envelope=envelope)
            assert answer.status in (400, 422), (field, letter)
    assert api.world.kept_nothing()


async def test_recipient_code_that_holds_one_is_refused_even_if_unknown_ones_are_skipped(api: Api) -> None:
    usual = {"document_id": "1", "subject": "x", "unknown_recipients": "skip"}
    for letter in [*UNUSABLE, "\n"]:
        answer = await api.submit(envelope=as_json(usual | {"to": [RECIPIENT, f"H{letter}"]}).read())
        assert answer.status in (400, 422), letter
    assert api.world.kept_nothing()


@pytest.mark.parametrize("verb", ["claim", "accept", "refuse"])
async def test_lease_that_holds_one_is_malformed(api: Api, verb: str) -> None:
    path = f"/v1/inbox/{await delivery_of(api)}/{verb}"
    for letter in UNUSABLE:
        body = {"lease": f"mine{letter}"} | ({"reason": "x"} if verb == "refuse" else {})
        answer = await api.post(path, by=RECIPIENT, data=as_json(body))
        assert (answer.status, answer.code) == (400, "malformed-request"), letter


@pytest.mark.parametrize("lease", ["a\n", "a b", "của tôi", "x" * 101])
async def test_lease_that_is_no_token_is_malformed(api: Api, lease: str) -> None:
    answer = await answered(api, "claim", {"lease": lease})
    assert (answer.status, answer.code) == (400, "malformed-request")


async def test_reason_that_holds_one_is_malformed(api: Api) -> None:
    sent = await api.submit()
    path = f"/v1/inbox/{sent.json['deliveries'][0]['id']}/refuse"
    for letter in UNUSABLE:
        reason = {"reason": f"sai{letter}"}
        refused = await api.post(path, by=RECIPIENT, data=as_json(reason))
        recalled = await api.post(f"{sent.headers['Location']}/recall", data=as_json(reason))
        assert (refused.status, recalled.status) == (400, 400), letter
    assert api.world.rows("receipts") == 1


@pytest.mark.parametrize("reason", ["", "   ", "\n\t"])
async def test_blank_reason_is_malformed(api: Api, reason: str) -> None:
    sent = await api.submit()
    path = f"/v1/inbox/{sent.json['deliveries'][0]['id']}/refuse"
    refused = await api.post(path, by=RECIPIENT, body={"reason": reason})
    recalled = await api.post(f"{sent.headers['Location']}/recall", body={"reason": reason})
    assert (refused.status, recalled.status) == (400, 400)


async def test_reason_may_have_several_lines(api: Api) -> None:
    answer = await answered(api, "refuse", {"reason": "1.\tsai số\r\n2. thiếu phụ lục"})
    assert answer.json["statement"]["reason"] == "1.\tsai số\r\n2. thiếu phụ lục"


async def test_client_id_that_holds_one_is_unknown(api: Api) -> None:
    for letter in [*UNUSABLE[:-1], " ", "\n", "é"]:
        answer = await api.login(f"client{letter}", "secret")
        form = {"grant_type": "client_credentials", "client_id": f"client{letter}", "client_secret": "x"}
        in_form = await api.post("/v1/token", by=None, data=form)
        assert (answer.status, in_form.status) == (401, 401), letter
        assert answer.json["error"] == in_form.json["error"] == "invalid_client"


@dataclass
class PlainClients:
    """Clients in a store that, like PostgreSQL, knows no NUL."""

    clients: Clients

    def __getattr__(self, name: str) -> Any:
        return getattr(self.clients, name)

    async def find(self, client: ClientId) -> Client | None:
        """Return a client, unless the store breaks at its id."""
        if "\x00" in client:
            raise ValueError("invalid byte sequence for encoding")
        return await self.clients.find(client)


async def test_unusable_client_id_does_not_reach_the_store(api: Api) -> None:
    x = replace(api.world.exchange, clients=PlainClients(api.world.exchange.clients))
    app = make_app(x, LIMITS, public_url=PUBLIC_URL)
    async with serve(app, host="127.0.0.1", port=0, limits=LIMITS) as url:
        answer = await replace(api, url=url).login("client\x00", "secret")
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


async def test_guessing_with_unusable_client_ids_is_slowed_down_too(api: Api) -> None:
    answers = [await api.login("nul\x00", "secret") for _ in range(11)]
    assert [answer.status for answer in answers[-2:]] == [401, 429]


async def test_basic_credentials_of_no_letters_are_refused(api: Api) -> None:
    raw = base64.b64encode(b"\xff\xfe:\xff").decode()
    form = {"grant_type": "client_credentials"}
    answer = await api.post("/v1/token", by=None, headers={"Authorization": f"Basic {raw}"}, data=form)
    assert answer.status == 401


@pytest.mark.parametrize("claim", ["jti", "sub"])
async def test_assertion_that_holds_one_is_refused(api: Api, claim: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    client = Client(ClientId("keyed"), Role.AGENCY, SENDER, None, pem, api.world.clock())
    await api.world.exchange.clients.add(client)
    expires = int(api.world.clock().timestamp()) + 60
    usual = {"iss": "keyed", "sub": "keyed", "aud": f"{PUBLIC_URL}/v1/token", "exp": expires, "jti": "j1"}
    for letter in [*UNUSABLE, "\n"]:
        content = json.dumps(usual | {claim: f"{usual[claim]}{letter}"}).encode("ascii")
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jws.serialize_compact({"alg": "ES256"}, content, ECKey.import_key(key)),
        }
        answer = await api.post("/v1/token", by=None, data=form)
        assert (answer.status, answer.json["error"]) == (401, "invalid_client"), letter


@pytest.mark.parametrize("raw", [b"%00", b"%07", b"%c2%85", b"\xff", b"\xed\xa0\x80"], ids=ascii)
async def test_address_that_holds_one_is_refused(api: Api, raw: bytes) -> None:
    head = f"Host: x\r\nConnection: close\r\nAuthorization: Bearer {await api.token(SENDER)}\r\n\r\n"
    for path in ADDRESSES:
        target = path.encode().replace(b"{}", raw)
        answer = await api.raw(b"GET " + target + b" HTTP/1.1\r\n" + head.encode())
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 ", b"HTTP/1.0 400 ")), path


@pytest.mark.parametrize("name", ["Idempotency-Key", "X-Request-Id", "If-None-Match", "X-Forwarded-For"])
async def test_header_that_holds_one_does_no_harm(api: Api, name: str) -> None:
    head = (
        "POST /v1/documents HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n"
        f"Authorization: Bearer {await api.token(SENDER)}\r\n{name}: a"
    )
    for raw in (b"\x01", b"\x7f", b"\xff", b"\xc2\x85"):
        answer = await api.raw(head.encode() + raw + b"\r\n\r\n")
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")), raw
        assert raw not in answer
