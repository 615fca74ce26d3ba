"""Whose signature it is: certificates out of KeyInfo, and nothing else in there."""

from __future__ import annotations

from collections.abc import Sequence

from signing.chain.certificates import CertificateUnreadable, Known, read_certificate
from signing.xml import reasons
from signing.xml.limits import MAX_CERTIFICATES
from signing.xml.names import DS
from signing.xml.reasons import NotTaken
from signing.xml.signed_info import base64_of
from signing.xml.tree import Node

# Keys and names beside the certificate are common and mean nothing here: the key is the certificate's.
_PASSED_OVER = frozenset({"KeyName", "KeyValue"})


def certificates_in(signature: Node) -> tuple[bytes, ...]:
    """Return the certificates that a signature carries in KeyInfo, in DER, each once.

    Raises:
        NotTaken: There is none, or KeyInfo points elsewhere (RetrievalMethod, …).
    """
    key_info = signature.maybe("KeyInfo")
    if key_info is None:
        raise _none("no KeyInfo")
    strangers = [each for each in key_info.children if not _is_known(each)]
    if strangers:
        raise _none(strangers[0].tag.local[:40])
    found = [
        base64_of(certificate)
        for data in key_info.all("X509Data")
        for certificate in data.all("X509Certificate")
    ]
    if not found:
        raise _none("no X509Certificate")
    if len(found) > MAX_CERTIFICATES:
        raise _none(f"more than {MAX_CERTIFICATES} certificates")
    return tuple(dict.fromkeys(found))


def lists_in(signature: Node) -> tuple[bytes, ...]:
    """Return the revocation lists that a signature carries in KeyInfo, in DER."""
    key_info = signature.maybe("KeyInfo")
    data = key_info.all("X509Data") if key_info is not None else []
    return tuple(base64_of(each) for one in data for each in one.all("X509CRL"))


def signer_among(certificates: Sequence[bytes]) -> bytes:
    """Return the one certificate that issued none of the others.

    Raises:
        NotTaken: There are several such, or one that cannot be read.
    """
    read = {der: known(der) for der in certificates}
    issuers = {
        each.prepared_issuer for each in read.values() if each.prepared_issuer != each.prepared_subject
    }
    leaves = [der for der, each in read.items() if each.prepared_subject not in issuers]
    if len(leaves) != 1:
        raise _none("more than one signer")
    return leaves[0]


def known(der: bytes) -> Known:
    """Return a certificate from its DER, read as all others are.

    Raises:
        NotTaken: It is none.
    """
    try:
        return read_certificate(der)
    except CertificateUnreadable as broken:
        raise _none("broken certificate") from broken


def _is_known(node: Node) -> bool:
    return node.tag.namespace == DS and (node.tag.local == "X509Data" or node.tag.local in _PASSED_OVER)


def _none(what: str) -> NotTaken:
    what = "".join(letter for letter in what if letter.isprintable() and letter not in "{}")
    return NotTaken(reasons.KEY_INFO.about(what), "NO_SIGNING_CERTIFICATE_FOUND", facet="identity")
