"""Whether evidence that somebody brought is genuine: signed by an authority that is known here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from cryptography import x509
from cryptography.x509 import ocsp

from signing.chain.certificates import CertificateUnreadable, Known, read_certificate
from signing.chain.paths import paths
from signing.chain.rules import fault
from signing.effort import Effort
from signing.errors import Unreadable
from signing.evidence_keys import issuer_hash
from signing.reasons import Refused
from signing.revocation.answers import from_ocsp
from signing.revocation.crl import genuine_list
from signing.trust import TrustStore

_NOT_SIGNED = (
    "not signed by that authority, or not in a way that counts; if it has renewed its key, "
    "the new certificate belongs in the trust folder"
)


@dataclass(frozen=True, slots=True)
class Authorities:
    """Those who lead to an anchor: they stand in the trust folder, or were fetched.

    A name can be had by several certificates: an authority that renewed its key speaks with any of them.
    """

    trust: TrustStore
    fetched: tuple[Known, ...] = ()

    def have_signed_list(self, listing: x509.CertificateRevocationList, content: bytes) -> bool:
        """Return whether a list is genuine; false when nobody of that name and key is known here.

        Raises:
            Unreadable: The authority is known, and has not signed it.
        """
        named = self._those(lambda each: each.certificate.subject == listing.issuer)
        if any(_is_genuine(content, by=each) for each in named):
            return True
        # By a key that is not known here: the authority may have renewed it.
        identifier = _key_identifier(listing)
        if any(identifier in (None, each.key_identifier) for each in named):
            raise Unreadable(_NOT_SIGNED)
        return False

    def have_signed_answer(self, answer: ocsp.OCSPResponse, content: bytes) -> bool:
        """Return whether all that a responder says is genuine; false when an authority of whose certificates
        it speaks is not known here.

        Raises:
            Unreadable: The authority is known, and has neither signed it nor appointed who did.
        """
        return all(self._have_answered(single, content) for single in statements(answer))

    def _have_answered(self, single: ocsp.OCSPSingleResponse, content: bytes) -> bool:
        named = self._those(lambda each: issuer_hash(each.subject, "sha1") == single.issuer_name_hash)
        of_key = (each for each in named if issuer_hash(each.key_bits, "sha1") == single.issuer_key_hash)
        issuer = next(of_key, None)
        if issuer is None:
            return False
        # Of the certificate in question the answer tells no more than its number.
        about = replace(
            issuer,
            issuer=issuer.subject,
            serial_number=single.serial_number,
            sha256=f"{issuer.sha256} {single.serial_number:x}",
        )
        if not any(from_ocsp(content, about, issuer=issuer, by=each) for each in (issuer, *named)):
            raise Unreadable(_NOT_SIGNED)
        return True

    def _those(self, are_meant: Callable[[Known], bool]) -> list[Known]:
        known = dict.fromkeys((*self.trust.anchors, *self.trust.intermediates, *self.fetched))
        return [each for each in known if are_meant(each) and self._is_believed(each)]

    def _is_believed(self, authority: Known) -> bool:
        if not (authority.is_authority or self.trust.is_anchor(authority)):
            return False
        with suppress(Refused):
            ways = paths(authority, pool=self.fetched, trust=self.trust, effort=Effort())
            return any(fault(way) is None for way in ways)
        return False


def statements(answer: ocsp.OCSPResponse) -> list[ocsp.OCSPSingleResponse]:
    """Return what a responder says about certificates that it names in the usual way and knows.

    Raises:
        ValueError: The answer is broken.
    """
    return [
        single
        for single in answer.responses
        if single.hash_algorithm.name == "sha1"
        and single.certificate_status is not ocsp.OCSPCertStatus.UNKNOWN
    ]


def readable(certificates: Iterable[bytes]) -> Iterator[Known]:
    """Yield those of the certificates that can be read."""
    for der in certificates:
        with suppress(CertificateUnreadable):
            yield read_certificate(der)


def _is_genuine(content: bytes, *, by: Known) -> bool:
    try:
        return genuine_list(content, by) is not None
    except ValueError:
        return False


def _key_identifier(listing: x509.CertificateRevocationList) -> bytes | None:
    try:
        return listing.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return None
