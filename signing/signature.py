"""The judgement of one signature: bytes first, then coverage and changes, cryptography, chain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from mmap import mmap
from typing import Any

from asn1crypto.x509 import Certificate  # type: ignore[import-untyped]
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DiffResult,
    DocInfoRule,
    DSSCompareRule,
    FormUpdatingRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    XrefStreamRule,
)
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import cms_basic_validation, collect_timing_info
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel, TimestampSignatureStatus

from signing.judgement import Judgement
from signing.keys import ID_LIENTHONG_RECEIPT
from signing.report import Warning as ReportWarning
from signing.revocation import embedded_evidence
from signing.structure import (
    Refused,
    SignatureField,
    demand_explained_tail,
    demand_plain_cms,
    signed_range,
)
from signing.trust import TrustStore

_FORMATS = {"/adbe.pkcs7.detached", "/ETSI.CAdES.detached"}
_MAX_TEXT = 200
_CLAIMED_YEARS = range(1970, 2201)
"""Other times are nonsense; near the ends of the calendar they cannot even be shown in +07:00."""

_KEY_USAGE = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"})
# A certificate that names its purposes must name one that is not for machines alone.
_MACHINE_PURPOSES = {
    "server_auth",
    "code_signing",
    "time_stamping",
    "ocsp_signing",
    ID_LIENTHONG_RECEIPT.dotted_string,
}

# pyHanko's default without filling in ordinary form fields: nobody fills in a signed official document,
# and the appearance of a field can hide the text under it.
_ALLOWED_UPDATES = StandardDiffPolicy(
    global_rules=[
        CatalogModificationRule(),  # type: ignore[no-untyped-call]
        DocInfoRule().as_qualified(ModificationLevel.LTA_UPDATES),
        XrefStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ObjectStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        DSSCompareRule().as_qualified(ModificationLevel.LTA_UPDATES),
        MetadataUpdateRule().as_qualified(  # type: ignore[no-untyped-call]
            ModificationLevel.LTA_UPDATES
        ),
    ],
    form_rule=FormUpdatingRule(
        field_rules=[
            SigFieldCreationRule(),  # type: ignore[no-untyped-call]
            SigFieldModificationRule(),
        ]
    ),
)

_NOT_CHECKED = ReportWarning("revocation-not-checked", "The document carries no current revocation evidence.")
_STAMP_UNTRUSTED = ReportWarning("time-stamp-not-trusted", "A time-stamp does not lead to a trusted root.")


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed PDF, and what its signatures are judged by."""

    raw: mmap
    reader: PdfFileReader
    trust: TrustStore
    at: datetime


async def judge(source: Source, field: SignatureField) -> Judgement:
    """Return what is to be said about one signature. Never raises."""
    judgement = Judgement(_shown(field.name) or "")
    try:
        await _examine(source, field, judgement)
    except Refused as refused:
        judgement.against("FORMAT_FAILURE", str(refused))
    except SignatureValidationError as failed:
        judgement.against(failed.ades_subindication.standard_name)
    except Exception as broken:  # noqa: BLE001 - a stranger's bytes may break the parser anyhow
        judgement.against("FORMAT_FAILURE", f"The signature cannot be read ({type(broken).__name__}).")
    return judgement


async def _examine(source: Source, field: SignatureField, judgement: Judgement) -> None:
    if field.sub_filter not in _FORMATS:
        judgement.against("GENERIC", "The format of the signature is not supported.", facet="integrity")
        return
    if source.reader.xrefs.hybrid_xrefs_present:
        reason = "The PDF can be read in two ways (hybrid cross-references), so it is not judged."
        judgement.against("GENERIC", reason, facet="coverage")
        return
    covered = signed_range(source.raw, source.reader, field)
    demand_plain_cms(covered.contents)
    signature = EmbeddedPdfSignature(source.reader, field.dictionary, field.name)
    judgement.signer, judgement.organisation = _names(signature.signer_cert)
    judgement.signed_at = _claimed_time(signature)
    _check_coverage(source, signature, judgement, end=covered.end_bytes)
    await _check_cryptography(source, signature, judgement)


def _check_coverage(
    source: Source, signature: EmbeddedPdfSignature, judgement: Judgement, *, end: int
) -> None:
    signature.compute_integrity_info(diff_policy=_ALLOWED_UPDATES)  # type: ignore[no-untyped-call]
    if signature.coverage is None or signature.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        reason = "The signature does not cover the whole revision it belongs to."
        judgement.against("FORMAT_FAILURE", reason, facet="coverage")
    if not _is_allowed(signature):
        reason = "Content was changed or added after this signature."
        judgement.against("FORMAT_FAILURE", reason, facet="changes")
    try:
        demand_explained_tail(source.raw, source.reader, end=end, revision=signature.signed_revision)
    except Refused as refused:
        judgement.against("FORMAT_FAILURE", str(refused), facet="changes")
    judgement.fine("coverage", "changes")


def _is_allowed(signature: EmbeddedPdfSignature) -> bool:
    """Return whether later revisions hold only what may follow a signature: signatures and evidence."""
    changes = signature.diff_result
    if not isinstance(changes, DiffResult):
        return False
    if changes.modification_level > ModificationLevel.FORM_FILLING:
        return False
    return bool(signature.summarise_integrity_info()["docmdp_ok"])


async def _check_cryptography(source: Source, signature: EmbeddedPdfSignature, judgement: Judgement) -> None:
    evidence = embedded_evidence(source.reader, signature)
    stamps = source.trust.context(at=source.at, crls=evidence.crls, ocsps=evidence.ocsps)
    timing = await collect_timing_info(signature.signer_info, stamps, raw_digest=signature.compute_digest)
    proven = _proven_time(timing.get("timestamp_validity"), judgement)
    moment = _moment(signature.signer_cert, proven, at=source.at)
    is_covered = evidence.covers(signature.signer_cert, at=moment)
    context = source.trust.context(
        at=moment, crls=evidence.crls, ocsps=evidence.ocsps, is_evidence_binding=is_covered
    )
    status = await cms_basic_validation(
        signature.signed_data,
        raw_digest=signature.compute_digest(),
        validation_context=context,
        key_usage_settings=_KEY_USAGE,
    )
    if not status["intact"]:
        judgement.against("HASH_FAILURE")
    if not status["valid"]:
        judgement.against("SIG_CRYPTO_FAILURE")
        return  # whose certificate it is says nothing then
    problem = _problem(status, proven, moment)
    if problem is not None:
        judgement.against(problem)
        return
    judgement.fine("integrity", "identity", "trust", "time")
    if not is_covered:
        judgement.warnings.append(_NOT_CHECKED)


def _proven_time(stamp: TimestampSignatureStatus | None, judgement: Judgement) -> datetime | None:
    """Return the time a trusted time-stamp proves the signature existed at."""
    if stamp is None:
        return None
    if not (stamp.intact and stamp.valid):
        judgement.against("GENERIC", "The time-stamp of the signature is broken or forged.", facet="time")
        return None
    if not stamp.trusted:
        judgement.warnings.append(_STAMP_UNTRUSTED)
        return None
    judgement.signed_at = stamp.timestamp
    return stamp.timestamp


def _moment(certificate: Certificate, proven: datetime | None, *, at: datetime) -> datetime:
    """Return when the chain has to be valid: now, or when it was proven to be signed."""
    is_valid_now = certificate.not_valid_before <= at <= certificate.not_valid_after
    return at if proven is None or is_valid_now else proven


def _problem(status: dict[str, Any], proven: datetime | None, moment: datetime) -> str | None:
    """Return the sub-indication of what is wrong with the chain or the certificate, if anything is."""
    certificate = status["signing_cert"]
    problem = status["trust_problem_indic"]
    if problem is None:
        purposes = certificate.extended_key_usage_value
        is_for_machines = purposes is not None and set(purposes.native) <= _MACHINE_PURPOSES
        return "CHAIN_CONSTRAINTS_FAILURE" if is_for_machines else None
    if certificate.not_valid_before > moment:
        return "OUT_OF_BOUNDS_NO_POE"
    revoked = status["revocation_details"]
    if revoked is not None and not revoked.ca_revoked and proven and revoked.revocation_date <= proven:
        return "REVOKED"
    return str(problem.standard_name)


def _names(certificate: Certificate) -> tuple[str | None, str | None]:
    names = certificate.subject.native
    return _shown(names.get("common_name")), _shown(names.get("organization_name"))


def _shown(name: object) -> str | None:
    """Return a name that a stranger has chosen as one short printable line."""
    first = name[0] if isinstance(name, list) and name else name
    if not isinstance(first, str):
        return None
    return "".join(letter for letter in first[:_MAX_TEXT] if letter.isprintable())


def _claimed_time(signature: EmbeddedPdfSignature) -> datetime | None:
    claimed = signature.self_reported_timestamp
    if claimed is None or claimed.tzinfo is None or claimed.year not in _CLAIMED_YEARS:
        return None
    return claimed
