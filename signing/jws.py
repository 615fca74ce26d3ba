"""The signed root of a batch of receipts: a compact JWS over `{"root": hex}`.

ES256 or RS256, the certificate chain in `x5c`, `typ` lienthong-receipt-root, nothing else in the header.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.errors import JoseError

from signing.basis import Basis
from signing.chain.judge import Purpose, judge_chain
from signing.errors import RootNotVerified
from signing.evidence import Evidence
from signing.keys import SigningKey, algorithm_of, is_for_receipts, jose_key
from signing.trust import TrustStore

_TYPE = "lienthong-receipt-root"
_ROOT_BYTES = 32
_MAX_JWS_LETTERS = 65_536
_MAX_CHAIN = 8


class _Registry(jws.JWSRegistry):
    """The library's checks, with room in the header for a certificate chain."""

    max_header_length = _MAX_JWS_LETTERS
    max_payload_length = 256


def sign_root(root: bytes, *, key: SigningKey) -> str:
    """Return the JWS over a Merkle root.

    Raises:
        ValueError: The root is not 32 bytes long.
    """
    if len(root) != _ROOT_BYTES:
        raise ValueError("a Merkle root has 32 bytes")
    chain = [base64.b64encode(each.public_bytes(Encoding.DER)).decode("ascii") for each in key.chain]
    header = {"alg": key.algorithm, "typ": _TYPE, "x5c": chain}
    body = json.dumps({"root": root.hex()}, separators=(",", ":"))
    return jws.serialize_compact(header, body, key.key, algorithms=[key.algorithm])


def verify_root(statement: str, *, trust: TrustStore, at: datetime) -> bytes:
    """Return the Merkle root that a JWS signs.

    Who may sign receipts is named by the trust folder: the signer's certificate must lie in it and be
    meant for receipts. Leading to an anchor is not enough, or every agency with a seal could write
    receipts; lying there is not either, or every certificate authority could.

    Args:
        statement: The compact JWS.
        trust: The loaded trust folder.
        at: When the receipt was made; the certificates must have been valid then.

    Raises:
        RootNotVerified: It is malformed, forged, or signed by somebody else; the text says which.
    """
    header = _header(statement)
    chain = _chain(header)
    if hashlib.sha256(chain[0]).hexdigest() not in trust.certificates:
        raise RootNotVerified("the certificate that signed the root is not in the trust folder")
    signer = x509.load_der_x509_certificate(chain[0])
    if not is_for_receipts(signer):
        raise RootNotVerified("the certificate that signed the root is not meant for receipts")
    root = _root(_verified_body(statement, header["alg"], signer))
    _demand_valid(chain, trust, at)
    return root


def _verified_body(statement: str, claimed: object, signer: x509.Certificate) -> bytes:
    key = signer.public_key()
    algorithm = algorithm_of(key)
    if algorithm is None or claimed != algorithm:
        raise RootNotVerified("the algorithm does not belong to the signer's key")
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    registry = _Registry(algorithms=[algorithm])
    try:
        verified = jws.deserialize_compact(statement, jose_key(pem, algorithm=algorithm), registry=registry)
    except (JoseError, ValueError) as forged:
        raise RootNotVerified("the signature is not genuine") from forged
    return verified.payload


def _header(statement: str) -> dict[str, Any]:
    parts = statement.split(".") if len(statement) <= _MAX_JWS_LETTERS else []
    if len(parts) != 3:
        raise RootNotVerified("the signed root is no compact JWS")
    header = _json_object(_decoded(parts)[0])
    # No other member is understood, so none can lead to another key or another meaning.
    if set(header) != {"alg", "typ", "x5c"} or header["typ"] != _TYPE:
        raise RootNotVerified("the signed root is not the one of a receipt")
    return header


def _decoded(parts: list[str]) -> list[bytes]:
    """Return the three parts; each has exactly one accepted spelling."""
    try:
        decoded = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts]
    except (binascii.Error, ValueError) as broken:
        raise RootNotVerified("the signed root is no compact JWS") from broken
    spelled = [base64.urlsafe_b64encode(each).rstrip(b"=").decode("ascii") for each in decoded]
    if spelled != parts:
        raise RootNotVerified("the signed root is no compact JWS")
    return decoded


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as broken:
        raise RootNotVerified("the signed root holds no JSON") from broken
    if not isinstance(value, dict):
        raise RootNotVerified("the signed root holds no JSON object")
    return value


def _chain(header: dict[str, Any]) -> list[bytes]:
    """Return the certificates as they are, unread: nobody has vouched for them yet."""
    chain = header["x5c"]
    if not isinstance(chain, list) or not 1 <= len(chain) <= _MAX_CHAIN:
        raise RootNotVerified("the signed root does not carry its certificates")
    try:
        return [base64.b64decode(each, validate=True) for each in chain]
    except (TypeError, ValueError) as broken:
        raise RootNotVerified("a certificate of the signed root cannot be read") from broken


def _root(body: bytes) -> bytes:
    members = _json_object(body)
    try:
        root = bytes.fromhex(members["root"])
    except (KeyError, TypeError, ValueError) as broken:
        raise RootNotVerified("the signed statement holds no root") from broken
    if set(members) != {"root"} or len(root) != _ROOT_BYTES:
        raise RootNotVerified("the signed statement holds no root")
    return root


def _demand_valid(chain: list[bytes], trust: TrustStore, at: datetime) -> None:
    basis = Basis(trust, at)
    verdict = judge_chain(
        chain[0], pool=chain[1:], basis=basis, evidence=Evidence(), at=at, purpose=Purpose.RECEIPT
    )
    if verdict.sub_indication == "OUT_OF_BOUNDS_NO_POE":
        raise RootNotVerified("the certificate was not valid when the receipt was made")
    if not verdict.is_good:
        raise RootNotVerified("the certificate that signed the root does not lead to an anchor")
