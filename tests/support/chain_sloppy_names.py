"""An authority that writes its names as PrintableString, with letters that no PrintableString may have."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from signing.cms.der import OCTET_STRING, SEQUENCE, whole, wrapped
from tests.support.chain_answers import lists, responder, says
from tests.support.chain_damage import rewritten, signed_anew, signed_with_written_out
from tests.support.chain_pki import (
    AUTHORITY,
    DAY,
    NOW,
    SIGNING,
    Extension,
    Made,
    access,
    crl_at,
    curve_key,
    make,
    name,
)

SLOPPY = ("CA_VIET", "ca@viet.vn", "CA & VIET", "CA*VIET", "Chứng thực số")
CRL_URL = "http://crl.sloppy.invalid/all.crl"
OCSP_URL = "http://ocsp.sloppy.invalid/"


@dataclass(frozen=True)
class Written:
    """A certificate in DER, as the library that cannot read it would write it."""

    der: bytes

    def public_bytes(self, encoding: Encoding) -> bytes:
        del encoding
        return self.der


@dataclass(frozen=True)
class Sloppy:
    """A chain of three whose names hold one organisation, in the certificates of which it is written so."""

    organisation: str
    is_revocable: bool = True
    """Whether the leader's certificate says where its revocation would be published."""

    @cached_property
    def top(self) -> Made:
        return self._made("Top", *AUTHORITY)

    @cached_property
    def issuing(self) -> Made:
        return self._made("Issuing", *AUTHORITY, by=self.top)

    @cached_property
    def leader(self) -> Made:
        published = (access(ocsp=[OCSP_URL]), crl_at(CRL_URL)) if self.is_revocable else ()
        return self._made("Leader", *SIGNING, *published, by=self.issuing)

    def written(self, made: Made, *, by: Made) -> bytes:
        """The certificate with its names written so, signed anew."""
        return signed_with_written_out(made.der, self._printable, of=self._utf_8, key=by.key)

    @cached_property
    def chain(self) -> tuple[bytes, bytes, bytes]:
        """The leader's certificate, and those above it."""
        return (
            self.written(self.leader, by=self.issuing),
            self.written(self.issuing, by=self.top),
            self.written(self.top, by=self.top),
        )

    def lists(self, *revoked: Made, by: Made) -> bytes:
        """The revocation list of an authority."""
        own = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
        listing = lists(*((each, NOW - DAY) for each in revoked), by=by, extensions=[(own, False)])
        return signed_with_written_out(listing, self._printable, of=self._utf_8, key=by.key)

    def says(self, *, is_delegated: bool, **rest: object) -> bytes:
        """An OCSP answer about the leader, by the authority or by somebody it appointed."""
        by = responder(by=self.issuing, label="Responder") if is_delegated else self.issuing
        answer = says(self.leader, issuer=self.issuing, by=by, **rest)  # type: ignore[arg-type]
        usual = self.issuing.name.public_bytes()
        changes = [
            (by.der, self.written(by, by=self.issuing)),
            (_sha1(usual), _sha1(rewritten(whole(usual, SEQUENCE), self._printable, of=self._utf_8))),
            (self._utf_8, self._printable),
        ]
        for of, written in changes:
            answer = rewritten(whole(answer, SEQUENCE), written, of=of)
        return signed_anew(answer, by.key)

    @cached_property
    def _utf_8(self) -> bytes:
        return wrapped(0x0C, self.organisation.encode())

    @cached_property
    def _printable(self) -> bytes:
        return wrapped(0x13, self.organisation.encode())

    def _made(self, label: str, *extensions: Extension, by: Made | None = None) -> Made:
        subject = name(label, organisation=self.organisation)
        serial = int.from_bytes(label.encode()[:6])
        return make(subject, *extensions, by=by, key=self._key(label), serial=serial)

    def _key(self, label: str) -> ec.EllipticCurvePrivateKey:
        return curve_key(f"{label} of {self.organisation}")


def _sha1(content: bytes) -> bytes:
    return wrapped(OCTET_STRING, hashlib.sha1(content, usedforsecurity=False).digest())
