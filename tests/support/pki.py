"""Signed PDFs, good and bad, from one demo authority per test run."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from asn1crypto import crl as asn1_crl  # type: ignore[import-untyped]
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, PdfTimeStamper
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator.registry import SimpleCertificateStore
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from ops.dev.papers import LoadedKey, sign
from ops.dev.pki import DemoAuthority, Identity
from signing.basis import Basis
from signing.report import VerificationReport
from signing.trust import TrustStore, trust_store
from signing.verify import verify_file

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@cache
def authority() -> DemoAuthority:
    """The authority whose root the tests trust."""
    return DemoAuthority(now=NOW)


@cache
def stranger() -> DemoAuthority:
    """Another authority that nobody trusts."""
    return DemoAuthority(now=NOW, name="Stranger")


@cache
def trust() -> TrustStore:
    """What the tests trust."""
    return trust_store([authority().root.certificate])


@cache
def leader() -> Identity:
    return authority().person("Chủ tịch UBND – H26.01", organisation="UBND phường Một")


@cache
def agency_seal() -> Identity:
    return authority().seal("UBND phường Một", elliptic=True)


@cache
def plain_pdf(text: str = "V/v thu 100 dong") -> bytes:
    """An unsigned PDF whose text can be found in its bytes."""
    target = io.BytesIO()
    canvas = Canvas(target, pageCompression=0, invariant=1)
    canvas.drawString(72, 720, text)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def signed(
    identity: Identity, pdf: bytes | None = None, *, field: str = "ChuKy", prefer_pss: bool = False
) -> bytes:
    return asyncio.run(sign(pdf or plain_pdf(), identity, field=field, prefer_pss=prefer_pss))


@cache
def signed_by_leader() -> bytes:
    return signed(leader())


def signed_with_time_stamp(identity: Identity, *, stamped_at: datetime, by: Identity) -> bytes:
    """A PDF signature with a signature time-stamp (PAdES B-T)."""
    signer = PdfSigner(
        PdfSignatureMetadata(field_name="ChuKy", subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256"),
        signer=LoadedKey(identity),
        timestamper=time_stamper(by, stamped_at),
        new_field_spec=SigFieldSpec("ChuKy"),
    )
    target = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(plain_pdf()))
    asyncio.run(signer.async_sign_pdf(writer, bytes_reserved=24_576, output=target))
    return target.getvalue()


def with_document_time_stamp(pdf: bytes, *, at: datetime = NOW) -> bytes:
    """The PDF with a document time-stamp behind everything else."""
    stamper = PdfTimeStamper(time_stamper(authority().time_stamper, at))
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    target = asyncio.run(stamper.async_timestamp_pdf(writer, "sha256", bytes_reserved=24_576))
    content: bytes = target.getvalue()
    return content


def time_stamper(identity: Identity, moment: datetime) -> DummyTimeStamper:
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(asn1(each) for each in identity.chain)
    key = identity.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return DummyTimeStamper(
        tsa_cert=asn1(identity),
        tsa_key=asn1_keys.PrivateKeyInfo.load(key),
        certs_to_embed=store,
        fixed_dt=moment,
        include_nonce=False,
    )


def asn1(certificate: object) -> asn1_x509.Certificate:
    """A certificate as pyHanko wants it."""
    found = certificate.certificate if isinstance(certificate, Identity) else certificate
    return asn1_x509.Certificate.load(found.public_bytes(Encoding.DER))  # type: ignore[attr-defined]


def with_revocation_list(pdf: bytes) -> bytes:
    """The PDF with the authority's revocation list in its security store."""
    target = io.BytesIO(pdf)
    listed = asn1_crl.CertificateList.load(authority().crl.public_bytes(Encoding.DER))
    DocumentSecurityStore.add_dss(target, None, crls=[listed])
    return target.getvalue()


def verdict_on(pdf: bytes, folder: Path, *, at: datetime = NOW) -> VerificationReport:
    """What `verify_file` says of these bytes."""
    path = folder / "document.pdf"
    path.write_bytes(pdf)
    return verify_file(path, basis=Basis(trust(), at))
