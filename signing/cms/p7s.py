"""The verdict on a signature file (.p7s, .p7m): beside its document, or around it."""

from __future__ import annotations

import base64
import binascii
import mmap
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from signing.basis import POLICY_VERSION, Basis
from signing.cms import reasons
from signing.cms.der import Element, Source
from signing.cms.digests import digest_of_file
from signing.cms.facts import Digest, Signer
from signing.cms.signed_data import (
    MAX_DISGUISE_BYTES,
    content_digest,
    demand_no_attributes,
    demand_signers,
    read_signer,
)
from signing.cms.structure import SignedData, signed_data
from signing.evidence import Evidence
from signing.faults import record_fault
from signing.judgement import Judgement
from signing.reasons import Refused
from signing.report import VerificationReport, earliest, worst
from signing.report import Warning as ReportWarning
from signing.second_document import chunks_around, record_second_document
from signing.signer import judge_signer

_MAX_SIGNERS = 50
_MAX_PEM_BYTES = 64 << 20
_PEM = re.compile(rb"\s*-----BEGIN (PKCS7|CMS|PKCS #7 SIGNED DATA)-----\s([^-]*)-----END \1-----\s*")
_COUNTER_SIGNED = ReportWarning("counter-signature", "A counter-signature is attached that was not judged.")
_ARCHIVED = ReportWarning("archive-time-stamp", "An archive time-stamp is attached that was not judged.")
_LENIENT = ReportWarning("lenient-parse", "The signature is not in the form that its standard demands.")


def verify_p7s(path: Path, *, basis: Basis, content: Path | None = None) -> VerificationReport:
    """Return the verdict on the signers of a CMS file, numbered from 1 as they stand in it.

    Args:
        path: The signature in DER or BER, or either in Base64 with or without PEM's lines around it.
        basis: By what it is judged.
        content: The document, when it is not inside the signature file.

    Raises:
        OSError: The signature file or the document is not there.
    """
    try:
        with _opened(path) as contents:
            judgements = _judge_all(contents, content, basis.for_one_file())
    except Exception as broken:  # noqa: BLE001 - a stranger's bytes may break the parser anyhow
        judgements = [Judgement("1")]
        record_fault(broken, judgements[0])
    reports = tuple(judgement.report() for judgement in judgements)
    return VerificationReport(
        worst(reports),
        reports,
        tuple(dict.fromkeys(warning for each in judgements for warning in each.warnings)),
        kind="cms",
        trust_version=basis.trust.version,
        policy_version=POLICY_VERSION,
        evidence=tuple(dict.fromkeys(kept for each in judgements for kept in each.evidence)),
        wanted=tuple(dict.fromkeys(wanted for each in judgements for wanted in each.wanted)),
        holds_until=earliest(each.holds_until for each in judgements),
    )


@contextmanager
def _opened(path: Path) -> Iterator[Source]:
    """Yield the CMS structure in a file, out of its Base64 if it is in that."""
    with path.open("rb") as stream:
        start = stream.read(1)
        if not start:
            raise Refused(reasons.NO_CMS)
        if start == b"\x30":
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as source:
                yield source
            return
        armoured = start + stream.read(_MAX_PEM_BYTES)
    found = _PEM.fullmatch(armoured)
    try:
        yield base64.b64decode(b"".join((found[2] if found else armoured).split()), validate=True)
    except binascii.Error as broken:
        raise Refused(reasons.NO_CMS) from broken


def _judge_all(contents: Source, content: Path | None, basis: Basis) -> list[Judgement]:
    parts = signed_data(contents)
    infos = demand_signers(parts, _MAX_SIGNERS)
    digest = content_digest(parts, None if content is None else _document_digest(content))
    judgements = [
        _judged(parts, info, digest, basis=basis, judgement=Judgement(str(number)))
        for number, info in enumerate(infos, start=1)
    ]
    record_second_document(_outside(contents, parts.content), judgements)
    return judgements


def _outside(contents: Source, content: Element | None) -> Iterator[bytes]:
    """Yield the bytes that are not the document: nobody signed most of them, and they show nothing."""
    if content is None:
        return chunks_around(contents, start=0, end=0)
    return chunks_around(content.source, start=content.body, end=content.end)


def _judged(
    parts: SignedData, info: Element, digest: Digest, *, basis: Basis, judgement: Judgement
) -> Judgement:
    try:
        basis.demand_time()
        signer = read_signer(parts, info, digest)
        judgement.level = "CAdES" if signer.is_bound else "PKCS7"
        judgement.warnings += _warnings(signer)
        # The signature is over the document as a whole, and nothing can be added to that afterwards.
        judgement.fine("coverage", "changes")
        judge_signer(signer, basis=basis, evidence=Evidence(), judgement=judgement)
    except Exception as broken:  # noqa: BLE001 - see above; the other signers are judged all the same
        record_fault(broken, judgement)
        return judgement
    if signer.is_archived and judgement.level.endswith("-B-LT"):
        judgement.level += "A"
    return judgement


def _document_digest(content: Path) -> Digest:
    if content.stat().st_size <= MAX_DISGUISE_BYTES:
        demand_no_attributes(content.read_bytes())
    return digest_of_file(content)


def _warnings(signer: Signer) -> Sequence[ReportWarning]:
    found = {
        _LENIENT: signer.is_lenient,
        _COUNTER_SIGNED: signer.is_counter_signed,
        _ARCHIVED: signer.is_archived,
    }
    return [warning for warning, is_due in found.items() if is_due]
