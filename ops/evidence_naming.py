"""Where evidence belongs, and which of two answers is the newer: told from them, in a parsing worker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.x509 import ocsp

from adapters.evidence_store import KeptEvidence
from ops.evidence_proof import Authorities, readable, statements
from signing.chain.certificates import CertificateUnreadable, read_certificate
from signing.errors import Unreadable
from signing.evidence_keys import Scope, crl_issuer_key, crl_key, ocsp_key
from signing.report import Wanted
from signing.revocation.answers import from_crl, from_ocsp
from signing.revocation.crl import is_complete, issuer_of, read_crl
from signing.revocation.ocsp import read_ocsp
from signing.revocation.standing import SKEW
from signing.trust import TrustStore

_Evidence = TypeVar("_Evidence")
_Times = tuple[datetime, datetime]
"""Of when an authority speaks (thisUpdate), and when it said so: of a list that is the same.

The first decides: of two responders the one that is behind may sign later.
"""
_CERTIFICATE = "a certificate: that of an authority belongs in the trust folder, beside the root it leads to"


UNPROVEN = "- "
"""How an edition begins that stands behind all others, however late it is."""
_NOBODY = TrustStore((), (), {}, b"")


def editions(
    path: Path,
    *,
    at: datetime,
    wanted: Wanted | None = None,
    trust: TrustStore = _NOBODY,
    kept: KeptEvidence | None = None,
) -> dict[str, str]:
    """Return under which keys a revocation list or a responder's answer in DER belongs, and its edition under
    each: texts that sort by time.

    What was fetched because it is `wanted` has to be that very thing: genuine, complete, about that
    certificate. What somebody brought must not be forged. Whether it is cannot always be told: its authority
    may be known from the files alone that it signed. Then it stands behind all that is genuine, or anybody
    could silence an authority with a list of a later day. So does what is older than a genuine one of those.

    Args:
        path: The list or the answer.
        at: The present.
        wanted: Why it was fetched; None of what was brought.
        trust: Whose lists and answers can be checked.
        kept: The evidence at hand, certificates of authorities among it.

    Raises:
        Unreadable: It is no evidence that could be used, from the future, or forged.
        OSError: It is not there.
    """
    content = path.read_bytes()
    if wanted is None:
        authorities = Authorities(trust, tuple(readable(kept.without_edition())) if kept else ())
        found, is_genuine = _brought(content), _is_genuine(content, authorities)
    else:
        authorities = Authorities(trust, tuple(readable(wanted.about)))
        found, is_genuine = _fetched(content, wanted), True
    if any(max(times) > at + SKEW for times in found.values()):
        raise Unreadable("it speaks of a moment that has not come yet; is the clock of this machine right?")
    behind = {key for key, times in found.items() if not is_genuine or _is_old(times, key, kept, authorities)}
    return {
        key: (UNPROVEN if key in behind else "")
        + " ".join(each.isoformat(timespec="seconds") for each in times)
        for key, times in found.items()
    }


def _is_old(times: _Times, key: str, kept: KeptEvidence | None, authorities: Authorities) -> bool:
    """Return whether a later answer is at hand that proves to be genuine only now."""
    at_hand = kept.get(key) if kept else None
    if at_hand is None:
        return False
    try:
        return _brought(at_hand).get(key, times) > times and _is_genuine(at_hand, authorities)
    except Unreadable:
        return False


def _fetched(content: bytes, wanted: Wanted) -> dict[str, _Times]:
    read = from_ocsp if wanted.kind == "ocsp" else from_crl
    try:
        certificate, *keys = map(read_certificate, wanted.about)
    except (CertificateUnreadable, ValueError) as broken:
        raise Unreadable("nobody says what it has to be about") from broken
    for key in keys:
        said = read(content, certificate, issuer=keys[0], by=key)
        if said is None:
            continue
        times = said.issued_at, said.made_at
        if key is keys[0] or said.is_addressed:
            return {wanted.key: times}
        # It may be that the authority keeps a list for each key: one takes no other's place.
        return dict.fromkeys(_keys_of_crl(read_crl(content), content), times)
    raise Unreadable("it says nothing about the certificate")


def _brought(content: bytes) -> dict[str, _Times]:
    listing = _read(read_crl, content)
    if listing is not None:
        return dict.fromkeys(_keys_of_crl(listing, content), (listing.last_update_utc,) * 2)
    answer = _read(read_ocsp, content)
    if answer is not None:
        return _times_of_ocsp(answer)
    is_certificate = _read(x509.load_der_x509_certificate, content) is not None
    raise Unreadable(_CERTIFICATE if is_certificate else "neither a revocation list nor a responder's answer")


def _is_genuine(content: bytes, authorities: Authorities) -> bool:
    """Return whether an authority that is known here says this; false when none of its name is.

    Raises:
        Unreadable: One is, and does not.
    """
    listing = _read(read_crl, content)
    try:
        if listing is not None:
            return authorities.have_signed_list(listing, content)
        return authorities.have_signed_answer(read_ocsp(content), content)
    except ValueError as broken:  # a name that is read only now
        raise Unreadable("it is broken") from broken


def _read(read: Callable[[bytes], _Evidence], content: bytes) -> _Evidence | None:
    try:
        return read(content)
    except ValueError:
        return None


def _keys_of_crl(listing: x509.CertificateRevocationList, content: bytes) -> list[str]:
    """Return where a list is looked for: by the addresses it says it has, else by its authority."""
    try:
        name = issuer_of(content)
        given = {type(each.value): each.value for each in listing.extensions}
        if not is_complete(listing.extensions):
            raise Unreadable(
                "a list that is not complete: it holds only changes, only some reasons, or other authorities'"
            )
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as broken:
        raise Unreadable("the revocation list is broken") from broken
    signed_with, where = given.get(x509.AuthorityKeyIdentifier), given.get(x509.IssuingDistributionPoint)
    identifier = signed_with.key_identifier if isinstance(signed_with, x509.AuthorityKeyIdentifier) else None
    point = where if isinstance(where, x509.IssuingDistributionPoint) else None
    names = (point.full_name if point else None) or ()
    urls = [each.value for each in names if isinstance(each, x509.UniformResourceIdentifier)]
    urls = [url for url in urls if url.lower().startswith(("http://", "https://"))]  # nobody asks the others
    by_issuer = crl_issuer_key(name, key_identifier=identifier, scope=_scope(point))
    return [crl_key(url) for url in urls] or [by_issuer]


def _scope(point: x509.IssuingDistributionPoint | None) -> Scope:
    if point is None:
        return "all"
    if point.only_contains_ca_certs:
        return "authorities"
    return "users" if point.only_contains_user_certs else "all"


def _times_of_ocsp(answer: ocsp.OCSPResponse) -> dict[str, _Times]:
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise Unreadable(f"the responder answered {answer.response_status.name.lower()}")
    try:
        found = {
            ocsp_key(
                issuer_name_hash=single.issuer_name_hash,
                issuer_key_hash=single.issuer_key_hash,
                serial_number=single.serial_number,
            ): (single.this_update_utc, answer.produced_at_utc)
            for single in statements(answer)
        }
    except ValueError as broken:
        raise Unreadable("the answer is broken") from broken
    if not found:
        raise Unreadable("the answer knows no certificate that it names in the usual way (CertID with SHA-1)")
    return found
