"""Signatures as facts, and time-stamps as tokens, for judging who signed and when."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache

from asn1crypto import keys, x509  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing.basis import Basis
from signing.cms.facts import Signer, Stamp
from signing.cms.time_stamp import read_document_stamp
from signing.evidence import NOTHING, Evidence, EvidenceStore
from signing.judgement import Judgement
from signing.report import FacetState, SignatureReport
from signing.signer import judge_signer
from signing.trust import TrustStore
from tests.support.chain_pki import NOW, YEAR, Extension, Made, limits, make, purposes, root, rsa_key, usage

STAMP_ROOT = root("Time Stamp Root", since=NOW - 20 * YEAR, until=NOW + 30 * YEAR)
VALUE = b"the signature value"
_DOCUMENT = b"the signed document"


def time_stamper(
    *extensions: Extension, by: Made = STAMP_ROOT, label: str = "Stamper", **rest: object
) -> Made:
    usual = (
        limits(ca=False),
        usage("digital_signature"),
        purposes(ExtendedKeyUsageOID.TIME_STAMPING, critical=True),
    )
    given = {type(value) for value, _ in extensions}
    completed = (*extensions, *(each for each in usual if type(each[0]) not in given))
    return make(label, *completed, by=by, key=rsa_key(2048), **rest)  # type: ignore[arg-type]


@cache
def stamper() -> Made:
    """A time-stamping authority in order."""
    return time_stamper(since=NOW - 5 * YEAR, until=NOW + 5 * YEAR)


def token(at: datetime, *, by: Made | None = None, over: bytes = VALUE) -> bytes:
    """A time-stamp token over bytes, in DER."""
    by = by or stamper()
    private = by.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    twin = DummyTimeStamper(
        tsa_cert=x509.Certificate.load(by.der),
        tsa_key=keys.PrivateKeyInfo.load(private),
        certs_to_embed=store,
        fixed_dt=at,
        include_nonce=False,
    )
    made = asyncio.run(twin.async_timestamp(hashlib.sha256(over).digest(), "sha256"))
    encoded: bytes = made.dump()
    return encoded


def document_stamp(at: datetime, *, by: Made | None = None) -> Stamp:
    """A document time-stamp, read."""
    return read_document_stamp(
        token(at, by=by, over=_DOCUMENT), digest=lambda name: hashlib.new(name, _DOCUMENT).digest()
    )


def signed_by(
    leaf: Made,
    *chain: Made,
    claimed_at: datetime | None = None,
    stamps: Sequence[bytes] = (),
    is_intact: bool = True,
    is_genuine: bool = True,
    is_weak: bool = False,
    is_bound: bool = True,
) -> Signer:
    """A signature in order, as the reading of CMS hands it on."""
    return Signer(
        certificate=leaf.der,
        evidence=Evidence(certificates=(leaf.der, *(each.der for each in chain))),
        is_intact=is_intact,
        is_genuine=is_genuine,
        is_weak=is_weak,
        is_bound=is_bound,
        value=VALUE,
        claimed_at=claimed_at,
        time_stamps=tuple(stamps),
    )


def report(
    signer: Signer,
    *,
    trust: TrustStore,
    now: datetime = NOW,
    evidence: Evidence = Evidence(),  # noqa: B008 - frozen
    store: EvidenceStore = NOTHING,
    proofs: Sequence[Stamp] = (),
    family: str = "PAdES",
) -> tuple[SignatureReport, Judgement]:
    """What `judge_signer` says of a signature; whatever is not its business was found good."""
    judgement = Judgement("ChuKy", level=family)
    judge_signer(
        signer, basis=Basis(trust, now, store), evidence=evidence, judgement=judgement, proofs=proofs
    )
    judgement.fine("coverage", "changes")
    return judgement.report(), judgement


def facets(found: SignatureReport) -> dict[str, FacetState]:
    """The facets this part decides on."""
    return {name: getattr(found.facets, name) for name in ("integrity", "identity", "trust", "time")}
