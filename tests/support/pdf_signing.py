"""Signed PDFs of every kind that has to pass, made with pyHanko."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from asn1crypto import crl as asn1_crl  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.stamp import TextStampStyle

from ops.dev.papers import LoadedKey
from ops.dev.pki import Identity
from tests.support.pki import NOW, agency_seal, asn1, authority, leader, time_stamper

LEADER_BOX = (330, 200, 480, 270)
SEAL_BOX = (280, 180, 380, 280)
"""Over the left third of the leader's signature, as the law has it."""


@dataclass(frozen=True)
class Ink:
    """How a signature is made."""

    field: str = "ChuKy"
    box: tuple[int, int, int, int] | None = None
    page: int = 0
    is_pades: bool = True
    is_stamped: bool = False
    certifies: MDPPerm | None = None
    locks: FieldMDPSpec | None = None
    prefer_pss: bool = False


class EdwardsKey(LoadedKey):
    """Signs with Ed25519."""

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        key = self._key
        assert isinstance(key, ed25519.Ed25519PrivateKey)
        return key.sign(data)


def signed_with(pdf: bytes, identity: Identity, ink: Ink = Ink(), *, is_strict: bool = True) -> bytes:
    """The PDF with one more signature, as an incremental update."""
    is_edwards = isinstance(identity.key, ed25519.Ed25519PrivateKey)
    key = EdwardsKey(identity) if is_edwards else LoadedKey(identity, prefer_pss=ink.prefer_pss)
    metadata = PdfSignatureMetadata(
        field_name=ink.field,
        subfilter=SigSeedSubFilter.PADES if ink.is_pades else SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
        md_algorithm="sha512" if is_edwards else "sha256",
        certify=ink.certifies is not None,
        docmdp_permissions=ink.certifies or MDPPerm.FILL_FORMS,
    )
    signer = PdfSigner(
        metadata,
        signer=key,
        timestamper=_authority_of_time() if ink.is_stamped else None,
        stamp_style=TextStampStyle(stamp_text="Ky so", border_width=1),
        new_field_spec=SigFieldSpec(ink.field, on_page=ink.page, box=ink.box, field_mdp_spec=ink.locks),
    )
    target = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=is_strict)
    asyncio.run(
        signer.async_sign_pdf(writer, bytes_reserved=24_576 if ink.is_stamped else 8_192, output=target)
    )
    return target.getvalue()


@cache
def _authority_of_time() -> TimeStamper:
    return time_stamper(authority().time_stamper, NOW)


@cache
def edwards() -> Identity:
    """A person whose key is Ed25519."""
    made = authority().person("Chánh Văn phòng – H26.01", organisation="UBND phường Một")
    key = ed25519.Ed25519PrivateKey.generate()
    builder = x509.CertificateBuilder(
        issuer_name=made.certificate.issuer,
        subject_name=made.certificate.subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=NOW - timedelta(days=30),
        not_valid_after=NOW + timedelta(days=300),
        extensions=[
            each
            for each in made.certificate.extensions
            if not isinstance(each.value, x509.SubjectKeyIdentifier)
        ],
    )
    return Identity(key, builder.sign(authority().issuer.key, hashes.SHA256()), made.chain)  # type: ignore[arg-type]


def with_evidence(pdf: bytes, *, at: datetime = NOW) -> bytes:
    """The PDF with the answers of every authority in its security store."""
    target = io.BytesIO(pdf)
    lists = [authority().crl, root_crl(at)]
    DocumentSecurityStore.add_dss(
        target,
        None,
        certs=[asn1(authority().issuer.certificate), asn1(authority().root.certificate)],
        crls=[asn1_crl.CertificateList.load(each.public_bytes(Encoding.DER)) for each in lists],
    )
    return target.getvalue()


@cache
def root_crl(at: datetime) -> x509.CertificateRevocationList:
    """The list of the root: it has revoked nothing."""
    root = authority().root
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.certificate.subject)
        .last_update(at - timedelta(days=1))
        .next_update(at + timedelta(days=30))
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), critical=False
        )
        .sign(root.key, hashes.SHA256())
    )


def leader_then_seal(pdf: bytes, *, is_strict: bool = True) -> bytes:
    """A leader's picture of a signature, and the seal over its left third."""
    once = signed_with(pdf, leader(), Ink(box=LEADER_BOX), is_strict=is_strict)
    return signed_with(once, agency_seal(), Ink("ConDau", box=SEAL_BOX), is_strict=is_strict)
