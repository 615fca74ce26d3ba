"""The trust folder: which certificates every chain must lead to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from asn1crypto.crl import CertificateList  # type: ignore[import-untyped]
from asn1crypto.ocsp import OCSPResponse  # type: ignore[import-untyped]
from asn1crypto.x509 import Certificate  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

from signing.errors import TrustFolderUnreadable

_IF_DECLARED = RevocationCheckingRule.CHECK_IF_DECLARED_SOFT
_SUFFIXES = {".pem", ".crt"}


@dataclass(frozen=True, slots=True)
class TrustStore:
    """The anchors and the known intermediates, loaded once and used for every file."""

    anchors: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...]
    _manager: SimpleTrustManager

    def context(
        self,
        *,
        at: datetime,
        crls: Sequence[CertificateList] = (),
        ocsps: Sequence[OCSPResponse] = (),
        is_evidence_binding: bool = False,
    ) -> ValidationContext:
        """Return what one chain is judged in: at that moment, with that evidence, fetching nothing.

        When the evidence is binding it must clear the end of the chain. Without that the library passes
        over it silently for a certificate that names no place to fetch revocation from.
        """
        end_rule = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED if is_evidence_binding else _IF_DECLARED
        checks = RevocationCheckingPolicy(end_rule, intermediate_ca_cert_rule=_IF_DECLARED)
        return ValidationContext(
            trust_manager=self._manager,
            other_certs=self.intermediates,
            moment=at,
            crls=crls,
            ocsps=ocsps,
            allow_fetching=False,
            # Evidence from after the signature counts too: it names the day of the revocation.
            revinfo_policy=CertRevTrustPolicy(checks, retroactive_revinfo=True),
        )


def load_trust(folder: Path) -> TrustStore:
    """Return the certificates of all `*.pem` and `*.crt` files (PEM or DER) of a folder.

    Self-signed ones are anchors, all others intermediates.

    Raises:
        TrustFolderUnreadable: The folder or one of its files cannot be read; the text names it.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES)
    except OSError as broken:
        raise TrustFolderUnreadable(f"{folder}: {broken.strerror}") from broken
    return trust_store(certificate for path in files for certificate in _certificates(path))


def trust_store(certificates: Iterable[x509.Certificate]) -> TrustStore:
    """Return a trust store of these certificates, sorted into anchors and intermediates."""
    anchors: list[Certificate] = []
    intermediates: list[Certificate] = []
    for certificate in certificates:
        kind = anchors if _is_self_signed(certificate) else intermediates
        kind.append(Certificate.load(certificate.public_bytes(Encoding.DER)))
    # An explicit list, even an empty one: without it the operating system's roots would be trusted.
    manager = SimpleTrustManager.build(trust_roots=anchors)
    return TrustStore(tuple(anchors), tuple(intermediates), manager)


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        content = path.read_bytes()
        if b"-----BEGIN" in content:
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except OSError as broken:
        raise TrustFolderUnreadable(f"{path}: {broken.strerror}") from broken
    except ValueError as broken:
        raise TrustFolderUnreadable(f"{path}: not a certificate in PEM or DER form") from broken


def _is_self_signed(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
