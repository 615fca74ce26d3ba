"""The rules of RFC 5280 §6 for one path, apart from time and revocation, which are judged by themselves.

The library judges. Most signers of an authority are judged by a shortcut instead: once the library has
passed the certificates above, a further certificate below them that uses nothing but the plainest
extensions can only fail by its name or its signature. The tests compare both answers over every case.
"""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtensionOID
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.authority import CertTrustAnchor, TrustQualifiers
from pyhanko_certvalidator.errors import DisallowedAlgorithmError, ValidationError
from pyhanko_certvalidator.name_trees import process_general_subtrees
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    PKIXValidationParams,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.validate import async_validate_path

from signing.chain.certificates import CertificateUnreadable, Known
from signing.chain.paths import Path, asn1
from signing.memo import Memo

_Result = TypeVar("_Result")
_NOT_HERE = CertRevTrustPolicy(
    RevocationCheckingPolicy(RevocationCheckingRule.NO_CHECK, RevocationCheckingRule.NO_CHECK)
)
# Validity is judged apart, to the second and at more than one moment: here every certificate is in time.
_SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_ALL_TIMES = timedelta(days=365_000)

_STRONG_KEYS = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)
_MAX_PLAIN_POLICIES = 10
_PLAIN_EXTENSIONS = {
    ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.CERTIFICATE_POLICIES,
    ExtensionOID.CRL_DISTRIBUTION_POINTS,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"),  # qcStatements
}


judged_by_library: Memo[str | None] = Memo(limit=2_048)
_judged_plain: Memo[bool] = Memo(limit=4_096)
_passed_above: Memo[None] = Memo(limit=512)
"""The certificates above a signer that the library has passed."""


def fault(path: Path) -> str | None:
    """Return the sub-indication of what is wrong with a path at any time, if anything is.

    Args:
        path: As `paths` yields it: each certificate is signed by the key of the next.
    """
    try:
        digests = tuple(each.sha256 for each in path)
        if digests[1:] in _passed_above and _judged_plain.remembered(digests, lambda: _is_plain(path)):
            return None
        found = judged_by_library.remembered(digests, lambda: library_fault(path))
    except CertificateUnreadable:
        return "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    if found is None:
        _passed_above.keep(digests[1:], None)
    return found


def _is_plain(path: Path) -> bool:
    """Return whether the shortcut may judge the last step of a path."""
    leaf, issuer = path[0], path[1] if len(path) > 1 else None
    if issuer is None or leaf.issuer != issuer.subject or leaf.subject == leaf.issuer:
        return False
    if not isinstance(issuer.key.public, _STRONG_KEYS) or not all(
        _is_plain_certificate(each) for each in path
    ):
        return False
    return not leaf.signed.is_weak


def _is_plain_certificate(certificate: Known) -> bool:
    if certificate.key.is_weak:
        return False
    if any(extension.oid not in _PLAIN_EXTENSIONS for extension in certificate.extensions):
        return False
    policies = certificate.extension(x509.CertificatePolicies)
    return policies is None or len(list(policies)) <= _MAX_PLAIN_POLICIES


def library_fault(path: Path) -> str | None:
    """Return what `fault` returns, without the shortcut and always anew.

    Raises:
        CertificateUnreadable: A certificate has a key of an unknown kind.
    """
    if any(each.key.is_weak for each in path):
        return "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    if len(path) == 1:
        return "CERTIFICATE_CHAIN_GENERAL_FAILURE" if _has_unknown_demand(path[0]) else None
    try:
        _finished(async_validate_path(_context(), _library_path(path)))
    except DisallowedAlgorithmError:
        return "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    except ValidationError:
        return "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    except Exception:  # noqa: BLE001 - a stranger's certificate may break the library anyhow
        return "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    return None


def _library_path(path: Path) -> ValidationPath:
    *between, anchor = (asn1(each) for each in path[1:])
    trusted = CertTrustAnchor(anchor, _limits(path[-1]))
    return ValidationPath(trusted, interm=reversed(between), leaf=asn1(path[0]))


def _limits(anchor: Known) -> TrustQualifiers | None:
    """Return what an anchor's own certificate allows below it.

    The standard leaves that to us. An authority that binds itself means it.
    """
    certificate = asn1(anchor)
    length: int | None = certificate.max_path_length
    names = certificate.name_constraints_value
    parameters = None
    if names is not None:
        permitted, excluded = names["permitted_subtrees"], names["excluded_subtrees"]
        parameters = PKIXValidationParams(
            initial_permitted_subtrees=process_general_subtrees(permitted) if permitted else None,
            initial_excluded_subtrees=process_general_subtrees(excluded) if excluded else None,
        )
    return TrustQualifiers(parameters, max_path_length=length, max_aa_path_length=length)


def _context() -> ValidationContext:
    # An explicit list, even an empty one: without it the operating system's roots would be trusted.
    return ValidationContext(
        trust_roots=[],
        moment=_SOME_TIME,
        time_tolerance=_ALL_TIMES,
        allow_fetching=False,
        revinfo_policy=_NOT_HERE,
    )


def _finished(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """Return the result of a coroutine that waits for nothing, inside an event loop or outside."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: _Result = done.value
        return result
    coroutine.close()
    raise RuntimeError("the path validation waited for something")


def _has_unknown_demand(certificate: Known) -> bool:
    return any(
        extension.critical and isinstance(extension.value, x509.UnrecognizedExtension)
        for extension in certificate.extensions
    )
