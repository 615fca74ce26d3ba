"""Client assertions signed with a registered key: `private_key_jwt` (RFC 7523)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from gateway.domain.directory_ports import Clients
from gateway.domain.errors import NotAuthenticated
from gateway.domain.model import Client

LONGEST_LIFE = timedelta(minutes=5)
CLOCK_SKEW = timedelta(seconds=30)
"""How far a client's clock may be ahead of ours."""
_JTI = re.compile(r"[\x21-\x7e]{1,200}")
_MIN_RSA_BITS = 2048

# An algorithm belongs to a type of key: nothing in an assertion chooses how it is checked.
_Key = tuple[ECKey | RSAKey, tuple[str, ...]]


def claimed_subject(assertion: str) -> str | None:
    """Return the client an assertion speaks of, unverified; None when it is no signed JWT."""
    try:
        claims = json.loads(jws.extract_compact(assertion.encode()).payload)
    except (JoseError, ValueError, RecursionError):
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else None


async def check_assertion(
    assertion: str, *, client: Client, clients: Clients, audience: str, now: datetime
) -> None:
    """Pass when the client's own key has signed this assertion, for us, just now and for the first time.

    Raises:
        NotAuthenticated: Anything about it is wrong.
    """
    try:
        key, algorithms = _public_key(client.public_key or "")
        claims = jwt.decode(assertion, key, algorithms=list(algorithms)).claims
    except (JoseError, ValueError, RecursionError) as exc:
        raise NotAuthenticated from exc
    expires_at = _expiry(claims, client=client.id, audience=audience, now=now)
    jti = claims.get("jti")
    if not (isinstance(jti, str) and _JTI.fullmatch(jti)):
        raise NotAuthenticated("The assertion has no usable jti.")
    if not await clients.use_assertion(client.id, jti, expires_at=expires_at):
        raise NotAuthenticated("The assertion was used before.")


def _expiry(claims: dict[str, Any], *, client: str, audience: str, now: datetime) -> datetime:
    if claims.get("iss") != client or claims.get("sub") != client:
        raise NotAuthenticated
    if claims.get("aud") not in (audience, [audience]):
        raise NotAuthenticated(f"The assertion's aud must be {audience}.")
    for name in ("nbf", "iat"):
        if name in claims and _moment(claims[name]) > now + CLOCK_SKEW:
            raise NotAuthenticated("The assertion is not valid yet.")
    expires_at = _moment(claims.get("exp"))
    if not now < expires_at <= now + LONGEST_LIFE + CLOCK_SKEW:
        raise NotAuthenticated("The assertion must expire within five minutes, and not have expired.")
    return expires_at


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise NotAuthenticated("A time in the assertion is not a number of seconds.")
    return datetime.fromtimestamp(value, UTC)


@lru_cache(maxsize=1024)
def _public_key(registered: str) -> _Key:
    """Return a registered key (PEM or JWK) with the algorithms it may be used with.

    Raises:
        ValueError, JoseError: It is no EC P-256 key and no RSA key of 2,048 bits or more.
    """
    if registered.lstrip().startswith("{"):
        key = import_key(json.loads(registered))
        raw: object = key.public_key if isinstance(key, ECKey | RSAKey) else None
    else:
        raw = load_pem_public_key(registered.encode())
    if isinstance(raw, EllipticCurvePublicKey) and isinstance(raw.curve, SECP256R1):
        return ECKey.import_key(raw), ("ES256",)
    if isinstance(raw, RSAPublicKey) and raw.key_size >= _MIN_RSA_BITS:
        return RSAKey.import_key(raw), ("RS256", "PS256")
    raise ValueError("neither EC P-256 nor RSA of 2,048 bits or more")
