"""The verdict on the signatures of a PDF: bytes first, then coverage and changes, cryptography, signer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from mmap import mmap
from typing import BinaryIO

from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfStrictReadError

from signing.basis import POLICY_VERSION, Basis
from signing.cms.facts import Signer
from signing.cms.signed_data import read_signers
from signing.cms.time_stamp import read_document_stamp
from signing.evidence import Evidence
from signing.faults import record_fault
from signing.judgement import Facet, Judgement
from signing.names import shown
from signing.pdf import reasons
from signing.pdf.beginning import demand_one_beginning
from signing.pdf.changes import Changes
from signing.pdf.copies import demand_sound_copies
from signing.pdf.document import Document, Located
from signing.pdf.embedded import stored_evidence
from signing.pdf.fields import SignatureField
from signing.pdf.plain import PlainSignature, read_plain
from signing.pdf.reader import Opened, open_leniently, open_pdf
from signing.pdf.stamps import DocumentStamp, judge_document_stamp
from signing.pdf.structure import SignedRange, shows_traces, sub_filter
from signing.pdf.syntax import Dictionary, String
from signing.pdf.texts import claimed_time, text
from signing.reasons import BROKEN, Reason, Refused
from signing.report import FacetState, SignatureReport, Verdict, VerificationReport, earliest, worst
from signing.report import Warning as ReportWarning
from signing.signer import judge_signer

_TIME_STAMP = "ETSI.RFC3161"
_LEVELS = {"ETSI.CAdES.detached": "PAdES", "adbe.pkcs7.detached": "PKCS7", _TIME_STAMP: "RFC3161"}
_STAMP_ROLE = "time-stamp"
_UNREACHABLE = ReportWarning("unreachable-signature", "Something like a signature stands outside the form.")
_LENIENT = ReportWarning("lenient-parse", "The PDF is not written quite as the standard demands.")


def judge_pdf(stream: BinaryIO, raw: mmap, *, basis: Basis) -> VerificationReport:
    """Return the verdict on all signatures of a PDF. Whatever it does to the parser becomes a verdict."""
    basis = basis.for_one_file()
    try:
        demand_one_beginning(raw)
        plain = read_plain(raw)
        if plain is not None and sub_filter(plain.signature) != _TIME_STAMP:
            return _report([_judge_plain(raw, plain, basis)], basis)
        return judge_parsed(stream, raw, basis=basis)
    except Exception as broken:  # noqa: BLE001 - a stranger's bytes may break the parser anyhow
        judgement = Judgement()
        _record(broken, judgement, otherwise=reasons.PDF_BROKEN)
        return _report([judgement], basis)


def _judge_plain(raw: mmap, plain: PlainSignature, basis: Basis) -> Judgement:
    judgement = Judgement(_shown(text(plain.name.content)) if plain.name else "")
    try:
        if _is_known(plain.signature, judgement):
            judgement.fine("coverage", "changes")
            signer = _signer(raw, plain.signature, plain.covered)
            judge_signer(signer, basis=basis, evidence=Evidence(), judgement=judgement)
            demand_sound_copies(signer, known=basis.trust.certificates.values())
    except Exception as broken:  # noqa: BLE001 - see above
        _record(broken, judgement)
    return judgement


def judge_parsed(stream: BinaryIO, raw: mmap, *, basis: Basis) -> VerificationReport:
    """Return the verdict by way of pyHanko's parser, plain or not.

    Raises:
        Refused: The file as a whole cannot be judged.
        Exception: It cannot be parsed.
    """
    opened = open_pdf(stream)
    try:
        return _judge_opened(opened, stream, raw, basis=basis)
    except PdfStrictReadError:
        # What is written sloppily may only be seen when more of the file is read.
        if opened.is_lenient:
            raise
        again = open_leniently(stream, until=opened.reader.until)
        return _judge_opened(again, stream, raw, basis=basis)


def _judge_opened(opened: Opened, stream: BinaryIO, raw: mmap, *, basis: Basis) -> VerificationReport:
    if "/Encrypt" in opened.reader.trailer:
        if not shows_traces(raw):
            return _unsigned(basis)
        raise Refused(reasons.ENCRYPTED, "GENERIC")
    document = Document(raw, stream, opened.reader)
    if not document.fields:
        return _unsigned(basis, *([_UNREACHABLE] if shows_traces(raw) else []))
    judge = _Judge(document, basis, is_lenient=opened.is_lenient)
    return _report(judge.judge(), basis)


class _Judge:
    """Judges the signatures of one parsed file."""

    def __init__(self, document: Document, basis: Basis, *, is_lenient: bool) -> None:
        self._document = document
        self._basis = basis
        self._is_lenient = is_lenient
        self._stamps = sorted(_stamps(document, basis), key=lambda each: each.end)
        self._sound: set[str] = set()
        """The fields whose signatures were made as they should be, so that their pictures may be there."""

    def judge(self) -> list[Judgement]:
        """Return what is to be said about each signature. The last one is judged first: only a sound one may
        change how the file looks to those before it."""
        fields, ends = self._document.fields, self._document.ends
        latest_first = sorted(fields, key=lambda field: ends.get(field, 0), reverse=True)
        found = {field: self._judge(field) for field in latest_first}
        return [found[field] for field in fields]

    def _judge(self, field: SignatureField) -> Judgement:
        """Return what is to be said about one signature.

        Raises:
            PdfStrictReadError: The file must be read leniently.
        """
        judgement = Judgement(_shown(field.name))
        if self._is_lenient:
            judgement.warnings.append(_LENIENT)
        try:
            self._examine(field, judgement)
        except PdfStrictReadError:
            raise
        except Exception as broken:  # noqa: BLE001 - a stranger's bytes may break the parser anyhow
            _record(broken, judgement)
        return judgement

    def _examine(self, field: SignatureField, judgement: Judgement) -> None:
        self._basis.demand_time()
        if field.is_removed:
            judgement.against("GENERIC", reasons.SIGNATURE_REMOVED, facet="changes")
            return
        signature = self._document.dictionary(field)
        if not _is_known(signature, judgement):
            return
        located = self._document.located(field)
        changes = self._judge_place(located, judgement)
        evidence = stored_evidence(self._document.reader, located.covered.contents)
        later = [each for each in self._stamps if each.end > located.covered.end]
        if judgement.role == _STAMP_ROLE:
            stamp = _stamp(self._document, located)
            judge_document_stamp(
                stamp, basis=self._basis, evidence=evidence, judgement=judgement, later=later
            )
            self._demand_sound_copies(stamp.stamp.signer, evidence)
            return
        signer = _signer(self._document.raw, signature, located.covered)
        judge_signer(
            signer,
            basis=self._basis,
            evidence=evidence,
            judgement=judgement,
            proofs=[each.stamp for each in later],
        )
        if judgement.role == "seal" and changes is not None and not self._is_evidence(changes):
            judgement.against("FORMAT_FAILURE", reasons.CHANGED_AFTER_SEAL, facet="changes")
        self._demand_sound_copies(signer, evidence)
        if changes is not None and judgement.facets.integrity is FacetState.OK and len(field.names) == 1:
            self._sound.update(field.names)

    def _demand_sound_copies(self, signer: Signer, evidence: Evidence) -> None:
        demand_sound_copies(signer, known=[*self._basis.trust.certificates.values(), *evidence.certificates])

    def _judge_place(self, located: Located, judgement: Judgement) -> Changes | None:
        """Record whether a signature covers what it should, and whether only what may came after it."""
        try:
            revision = self._document.revision(located)
        except PdfStrictReadError:
            raise
        except Exception as broken:  # noqa: BLE001 - as below: its cryptography can be judged all the same
            _record(broken, judgement, facet="coverage")
            return None
        judgement.fine("coverage")
        try:
            changes = self._document.changes(
                located, revision=revision, sound=self._sound, may_draw=self._basis.looks
            )
        except PdfStrictReadError:
            raise
        except Exception as broken:  # noqa: BLE001 - a stranger's bytes may break the parser anyhow
            _record(broken, judgement, facet="changes")
            return None
        judgement.fine("changes")
        judgement.is_followed = not self._is_evidence(changes)
        return changes

    def _is_evidence(self, changes: Changes) -> bool:
        """Return whether nothing but evidence and time-stamps was added, whatever these call themselves."""
        if changes.is_evidence_only:
            return True
        stamps = {name for field in self._document.fields if self._is_stamp(field) for name in field.names}
        return bool(changes.fields) and changes.fields <= stamps

    def _is_stamp(self, field: SignatureField) -> bool:
        return self._document.format(field) == _TIME_STAMP


def _is_known(signature: Dictionary, judgement: Judgement) -> bool:
    """Record what kind of signature it is; return whether that can be judged."""
    kind = sub_filter(signature)
    if kind in _LEVELS:
        judgement.level = _LEVELS[kind]
        judgement.role = _STAMP_ROLE if kind == _TIME_STAMP else ""
        return True
    judgement.against("GENERIC", reasons.FORMAT_NOT_SUPPORTED, facet="integrity")
    return False


def _signer(raw: mmap, signature: Dictionary, covered: SignedRange) -> Signer:
    """Return the one signer; PAdES keeps the claimed time in the signature dictionary."""
    (signer,) = read_signers(covered.contents, digest=covered.digest(raw), max_signers=1)
    claimed = signature.get("M")
    if signer.claimed_at is None and isinstance(claimed, String):
        return replace(signer, claimed_at=claimed_time(claimed.content))
    return signer


def _stamps(document: Document, basis: Basis) -> Iterator[DocumentStamp]:
    """Yield the document time-stamps whose form is in order and which cover what they should.

    Raises:
        Refused: The file has taken too long.
    """
    for field in document.fields:
        basis.demand_time()
        if field.is_removed or document.format(field) != _TIME_STAMP:
            continue
        with suppress(Refused, ValueError):
            located = document.located(field)
            document.revision(located)
            yield _stamp(document, located)


def _stamp(document: Document, located: Located) -> DocumentStamp:
    covered = located.covered
    return DocumentStamp(
        covered.end, read_document_stamp(covered.contents, digest=covered.digest(document.raw))
    )


def _record(
    broken: Exception, judgement: Judgement, *, facet: Facet = "integrity", otherwise: Reason = BROKEN
) -> None:
    if isinstance(broken, PdfDecodeLimitError):
        broken = MemoryError()
    record_fault(broken, judgement, facet=facet, otherwise=otherwise)


def _shown(name: str) -> str:
    return shown(name) or ""


def _unsigned(basis: Basis, *warnings: ReportWarning) -> VerificationReport:
    return _report([], basis, warnings)


def _report(
    judgements: Sequence[Judgement], basis: Basis, warnings: Sequence[ReportWarning] = ()
) -> VerificationReport:
    """Return the verdict on the file: the worst signature's; a time-stamp counts only when it is unsound."""
    reports = tuple(judgement.report() for judgement in judgements)
    counted = [each for each in reports if _counts(each)]
    found = dict.fromkeys([*warnings, *(each for one in judgements for each in one.warnings)])
    return VerificationReport(
        worst(tuple(counted)) if any(each.role != _STAMP_ROLE for each in reports) else Verdict.UNSIGNED,
        reports,
        tuple(found),
        kind="pdf",
        trust_version=basis.trust.version,
        policy_version=POLICY_VERSION,
        evidence=tuple(dict.fromkeys(each for one in judgements for each in one.evidence)),
        wanted=tuple(dict.fromkeys(each for one in judgements for each in one.wanted)),
        holds_until=earliest(each.holds_until for each in judgements),
    )


def _counts(report: SignatureReport) -> bool:
    """Return whether a report counts for the file: a time-stamp that is merely nobody's we trust does not."""
    facets = report.facets
    is_sound = facets.integrity is facets.coverage is facets.changes is FacetState.OK
    return report.role != _STAMP_ROLE or not is_sound
