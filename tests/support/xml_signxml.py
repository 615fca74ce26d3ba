"""Signatures by signxml: what another program makes, and what it says of ours."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree  # type: ignore[import-untyped]
from signxml import (  # type: ignore[attr-defined]
    SignatureConfiguration,
    SignatureMethod,
    XMLSigner,
    XMLVerifier,
    methods,
)
from signxml.exceptions import SignXMLException
from signxml.xades.xades import XAdESSigner

from ops.dev.pki import Identity
from tests.support.xml_signing import DOCUMENT, NOW, agency_seal, leader

KINDS = ("enveloped", "enveloped-xades", "enveloping", "elliptic", "pss", "with-key")


def signer_of(kind: str) -> Identity:
    """Return who signs in one of the ways."""
    return agency_seal() if kind == "elliptic" else leader()


def signed_by_signxml(kind: str) -> bytes:
    """Return the document signed in one of the ways that signxml knows."""
    identity = signer_of(kind)
    method = {"elliptic": SignatureMethod.ECDSA_SHA256, "pss": SignatureMethod.SHA256_RSA_MGF1}.get(
        kind, SignatureMethod.RSA_SHA256
    )
    construction = methods.enveloping if kind == "enveloping" else methods.enveloped
    maker = XAdESSigner if kind == "enveloped-xades" else XMLSigner
    signer = maker(method=construction, signature_algorithm=method, digest_algorithm="sha256")
    chain = (identity.certificate, *identity.chain)
    whole = signer.sign(
        etree.fromstring(DOCUMENT.encode()),
        key=identity.key,
        cert=[each.public_bytes(Encoding.PEM).decode() for each in chain],
        always_add_key_value=kind == "with-key",
    )
    xml: bytes = etree.tostring(whole)
    return xml


def signxml_accepts(xml: bytes, *, by: Identity) -> bool:
    """Return whether signxml takes the first signature of a file as this signer's; the chain is not asked."""
    configuration = SignatureConfiguration(verification_time=NOW, expect_references=False)
    try:
        XMLVerifier().verify(xml, x509_cert=by.certificate, expect_config=configuration)
    except (SignXMLException, etree.XMLSyntaxError):
        return False
    return True
