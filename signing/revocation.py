"""The revocation evidence that travels inside a signed PDF. Nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from asn1crypto.cms import CMSAttributes  # type: ignore[import-untyped]
from asn1crypto.crl import CertificateList  # type: ignore[import-untyped]
from asn1crypto.ocsp import OCSPResponse  # type: ignore[import-untyped]
from asn1crypto.x509 import Certificate  # type: ignore[import-untyped]
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from signing.structure import entry

_MAX_PIECES = 100


@dataclass(frozen=True, slots=True)
class Evidence:
    """Revocation lists and OCSP answers, not yet judged."""

    crls: tuple[CertificateList, ...] = ()
    ocsps: tuple[OCSPResponse, ...] = ()

    def covers(self, certificate: Certificate, *, at: datetime) -> bool:
        """Return whether anything here speaks about this certificate and is still current."""
        return any(_lists(crl, certificate, at) for crl in self.crls) or any(
            _answers(ocsp, certificate, at) for ocsp in self.ocsps
        )


def embedded_evidence(reader: PdfFileReader, signature: EmbeddedPdfSignature) -> Evidence:
    """Return what the document's security store and the signature itself carry."""
    crls = [CertificateList.load(content) for content in _stored(reader, "/CRLs", DecodePurpose.CRL)]
    ocsps = [OCSPResponse.load(content) for content in _stored(reader, "/OCSPs", DecodePurpose.OCSP_RESPONSE)]
    for archived in _archived(signature.signer_info["signed_attrs"]):
        crls += list(archived["crl"] or ())
        ocsps += list(archived["ocsp"] or ())
    return Evidence(tuple(crls[:_MAX_PIECES]), tuple(ocsps[:_MAX_PIECES]))


def _stored(reader: PdfFileReader, key: str, purpose: DecodePurpose) -> Iterator[bytes]:
    store = entry(reader.root, "/DSS")
    pieces = entry(store, key) if isinstance(store, generic.DictionaryObject) else None
    for piece in list(pieces)[:_MAX_PIECES] if isinstance(pieces, generic.ArrayObject) else ():
        stream = piece.get_object()
        if isinstance(stream, generic.StreamObject):
            yield stream.read_data(purpose)


def _archived(attributes: CMSAttributes) -> Iterator[CMSAttributes]:
    for attribute in attributes:
        if attribute["type"].native == "adobe_revocation_info_archival":
            yield from attribute["values"]


def _lists(crl: CertificateList, certificate: Certificate, at: datetime) -> bool:
    body = crl["tbs_cert_list"]
    until = body["next_update"].native
    return bool(crl.issuer == certificate.issuer and (until is None or until >= at))


def _answers(ocsp: OCSPResponse, certificate: Certificate, at: datetime) -> bool:
    if ocsp["response_status"].native != "successful":
        return False
    for single in ocsp.response_data["responses"]:
        until = single["next_update"].native
        if single["cert_id"]["serial_number"].native == certificate.serial_number:
            return until is None or bool(until >= at)
    return False
