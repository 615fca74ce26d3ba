"""Getting a token: by secret, by signed assertion, and not otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.domain.model import Client, ClientId, Role
from tests.support.api import PUBLIC_URL, Answer, Api, api
from tests.support.exchange import RECIPIENT, SENDER, secret_of

__all__ = ["api"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEYED = ClientId("keyed")
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


async def client_of(api: Api, name: str) -> Client:
    client = await api.world.exchange.clients.find(ClientId(name))
    assert client is not None
    return client


async def register(api: Api, public_key: str) -> None:
    client = Client(KEYED, Role.AGENCY, SENDER, None, public_key, api.world.clock())
    await api.world.exchange.clients.add(client)


def pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def claims(api: Api, **changes: Any) -> dict[str, Any]:
    now = int(api.world.clock().timestamp())
    usual = {"iss": KEYED, "sub": KEYED, "aud": f"{PUBLIC_URL}/v1/token", "exp": now + 60, "jti": "j1"}
    return {name: value for name, value in (usual | changes).items() if value is not None}


def signed(content: dict[str, Any], algorithm: str = "ES256", key: Any = None) -> str:
    return jwt.encode({"alg": algorithm}, content, key or ECKey.import_key(EC_KEY), algorithms=[algorithm])


async def show(api: Api, assertion: str, **changes: str) -> Answer:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    return await api.post("/v1/token", by=None, data=form | changes)


async def test_secret_in_the_form_gets_a_token(api: Api) -> None:
    form = {"grant_type": "client_credentials", "client_id": SENDER, "client_secret": secret_of(SENDER)}
    answer = await api.post("/v1/token", by=None, data=form)
    assert answer.status == 200
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 900
    assert answer.headers["Cache-Control"] == "no-store"


async def test_unknown_client_and_wrong_secret_get_the_same_answer(api: Api) -> None:
    wrong = await api.login(SENDER, "wrong")
    unknown = await api.login("nobody", "wrong")
    left_out = {"trace_id"}
    assert wrong.status == unknown.status == 401
    assert wrong.json["error"] == "invalid_client"
    assert wrong.headers["WWW-Authenticate"].startswith("Basic")
    assert {k: v for k, v in wrong.json.items() if k not in left_out} == {
        k: v for k, v in unknown.json.items() if k not in left_out
    }


async def test_client_without_a_secret_cannot_log_in_with_an_empty_one(api: Api) -> None:
    await register(api, pem_of(EC_KEY))
    assert (await api.login(KEYED, "")).status == 401


async def test_previous_secret_works_until_the_overlap_ends(api: Api) -> None:
    client = await client_of(api, RECIPIENT)
    until = api.world.clock() + timedelta(hours=1)
    rotated = replace(
        client,
        secret_sha256="f" * 64,
        previous_secret_sha256=client.secret_sha256,
        previous_valid_until=until,
    )
    await api.world.exchange.clients.replace(rotated)
    during = await api.login(RECIPIENT, secret_of(RECIPIENT))
    api.world.clock += timedelta(hours=2)
    after = await api.login(RECIPIENT, secret_of(RECIPIENT))
    assert (during.status, after.status) == (200, 401)


async def test_token_ends_with_its_life(api: Api) -> None:
    await api.token(SENDER)
    api.world.clock += timedelta(minutes=16)
    assert (await api.get("/v1/inbox")).status == 401


async def test_revoked_client_is_out_within_five_seconds(api: Api) -> None:
    before = await api.get("/v1/inbox")
    client = await client_of(api, SENDER)
    await api.world.exchange.clients.replace(replace(client, revoked_at=api.world.clock()))
    api.world.clock += timedelta(seconds=5)
    after = await api.get("/v1/inbox")
    new_token = await api.login(SENDER, secret_of(SENDER))
    assert (before.status, after.status, new_token.status) == (200, 401, 401)


async def test_guessing_is_slowed_down_and_others_are_not(api: Api) -> None:
    answers = [await api.login(SENDER, f"guess-{n}") for n in range(11)]
    right = await api.login(SENDER, secret_of(SENDER))
    other = await api.login(RECIPIENT, secret_of(RECIPIENT))
    api.world.clock += timedelta(minutes=1)
    later = await api.login(SENDER, secret_of(SENDER))
    assert [answer.status for answer in answers[-2:]] == [401, 429]
    assert "Retry-After" in right.headers
    assert (right.status, other.status, later.status) == (429, 200, 200)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_assertion": "x"}, "invalid_request"),
        ([("grant_type", "a"), ("grant_type", "b")], "invalid_request"),
    ],
)
async def test_refusals_have_the_form_of_oauth(api: Api, form: Any, error: str) -> None:
    answer = await api.post("/v1/token", by=None, data=form)
    assert answer.json["error"] == error
    assert answer.json["code"]


async def test_assertion_of_a_registered_key_gets_a_token_that_works(api: Api) -> None:
    await register(api, pem_of(EC_KEY))
    answer = await show(api, signed(claims(api)))
    bearer = {"Authorization": f"Bearer {answer.json['access_token']}"}
    assert (await api.get("/v1/inbox", by=None, headers=bearer)).status == 200


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
async def test_rsa_keys_may_be_registered_as_jwk(api: Api, algorithm: str) -> None:
    key = RSAKey.import_key(RSA_KEY)
    await register(api, json.dumps(key.as_dict(private=False)))
    assert (await show(api, signed(claims(api), algorithm, key))).status == 200


async def test_assertion_works_once(api: Api) -> None:
    await register(api, pem_of(EC_KEY))
    first = await show(api, signed(claims(api)))
    again = await show(api, signed(claims(api)))
    assert (first.status, again.status) == (200, 401)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"},
        {"sub": SENDER},
        {"aud": "https://elsewhere.example.vn/v1/token"},
        {"aud": [f"{PUBLIC_URL}/v1/token", "https://elsewhere.example.vn"]},
        {"exp": None},
        {"exp": 1},
        {"exp": 4_000_000_000},
        {"exp": "tomorrow"},
        {"exp": True},
        {"nbf": 4_000_000_000},
        {"jti": None},
        {"jti": "x" * 300},
        {"jti": 5},
    ],
    ids=str,
)
async def test_assertion_with_a_wrong_claim_is_refused(api: Api, changes: dict[str, Any]) -> None:
    await register(api, pem_of(EC_KEY))
    answer = await show(api, signed(claims(api, **changes)))
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


async def test_assertion_signed_otherwise_is_refused(api: Api) -> None:
    await register(api, pem_of(EC_KEY))
    foreign_key = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
    confused = OctKey.import_key("k" * 32)
    unsigned = signed(claims(api)).rsplit(".", 1)[0] + "."
    none = "eyJhbGciOiJub25lIn0." + unsigned.split(".")[1] + "."
    refused = [
        await show(api, signed(claims(api), key=foreign_key)),
        await show(api, signed(claims(api), "HS256", confused)),
        await show(api, signed(claims(api), "RS256", RSAKey.import_key(RSA_KEY))),
        await show(api, unsigned),
        await show(api, none),
        await show(api, "a.b.c"),
        await show(api, "x" * 10_000),
    ]
    assert {answer.status for answer in refused} == {401}


async def test_weak_registered_key_is_not_used(api: Api) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    await register(api, pem_of(weak))
    assert (await show(api, signed(claims(api)))).status == 401
