"""The verdict on the signatures of an XML file or an edXML packet.

The file is read twice, piece by piece: once to see which signatures stand in it, once for the digests of what
they refer to. No tree of it is ever built, so its size costs time and no memory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from signing.basis import POLICY_VERSION, Basis
from signing.errors import Unreadable
from signing.evidence import Evidence
from signing.faults import record_fault
from signing.judgement import Judgement
from signing.report import Verdict, VerificationReport, earliest, worst
from signing.report import Warning as ReportWarning
from signing.second_document import chunks_of, record_second_document
from signing.signer import judge_signer
from signing.xml import reasons
from signing.xml.digests import Reckoned, Sought, reckon
from signing.xml.limits import CHUNK_BYTES, MAX_DIGESTED_BYTES, MAX_DIGESTED_ELEMENTS
from signing.xml.names import DS, XADES, XADES_141
from signing.xml.reasons import NotTaken
from signing.xml.signature import Prepared, prepare, read_signer
from signing.xml.survey import Found, Survey, look
from signing.xml.tree import Node

# UTF-16 too, which is refused then: it may hide a signature.
_MARK = re.compile(rb"\A(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)")
_BLANKS = b" \t\r\n\0"
# Without entities an element's name stands in the bytes as it is.
_TRACE = re.compile(rb"[<:]Signature[\s/>]|2000/09/xmldsig#|<!ENTITY")
_LONGEST_TRACE_BYTES = 32
_NO_XML = {reasons.XML_BROKEN.code, reasons.ENCODING.code}
_COUNTER_SIGNATURE = ReportWarning(
    "counter-signature-not-checked", "A signature over another signature is not judged."
)
_OTHER_STAMPS = ReportWarning(
    "archive-time-stamp-not-checked", "A time-stamp over the whole signature is not judged."
)
_EMPTY_DIALECT = ReportWarning("edxml-signature-empty", "The packet's own signature element is empty.")


def verify_xml(path: Path, *, basis: Basis) -> VerificationReport:
    """Return the verdict on all signatures of an XML file.

    Whatever a hostile file does to the parser becomes a verdict.

    Raises:
        Unreadable: It is no XML that can be read, and shows no trace of a signature.
        OSError: It cannot be opened.
    """
    with path.open("rb") as source:
        try:
            return _verdict(source, basis.for_one_file())
        except Unreadable:
            raise
        except Exception as broken:  # noqa: BLE001 - a stranger's bytes may break the parser anyhow
            return _report([_recorded(broken, Judgement())], Survey(), basis)


def _verdict(source: BinaryIO, basis: Basis) -> VerificationReport:
    if not _begins_like_xml(source):
        raise Unreadable("the file does not begin like XML")
    source.seek(0)
    try:
        survey = look(source)
    except NotTaken as refused:
        return _not_read(source, refused, basis)
    judgements = _judge_all(source, survey, basis) if survey.signatures else []
    if judgements:
        record_second_document(chunks_of(source), judgements)
    told = [found for found in survey.dialect if not _is_empty(found.node)]
    warnings = [_EMPTY_DIALECT] if len(told) < len(survey.dialect) else []
    return _report([*judgements, *map(_judged_dialect, told)], survey, basis, warnings=warnings)


def _begins_like_xml(source: BinaryIO) -> bool:
    """Return whether the first byte is that of a tag, but for a mark of the encoding and any blanks."""
    beginning = _MARK.sub(b"", source.read(CHUNK_BYTES))
    while beginning and not (shown := beginning.lstrip(_BLANKS)):
        beginning = source.read(CHUNK_BYTES)
    return bool(beginning) and shown.startswith(b"<")


def _not_read(source: BinaryIO, refused: NotTaken, basis: Basis) -> VerificationReport:
    if _shows_trace(source):
        return _report([_recorded(refused, Judgement())], Survey(), basis)
    if refused.reason.code in _NO_XML:
        raise Unreadable(refused.reason.en) from refused
    return _report([], Survey(), basis)


def _shows_trace(source: BinaryIO) -> bool:
    """Return whether there may be a signature element in a file, however it is written otherwise."""
    source.seek(0)
    tail = b""
    while chunk := source.read(CHUNK_BYTES):
        # UTF-16 has a zero beside each letter.
        tail = tail[-_LONGEST_TRACE_BYTES:] + chunk.replace(b"\0", b"")
        if _TRACE.search(tail):
            return True
    return False


def _is_empty(dialect: Node) -> bool:
    """Return whether an element of the dialect says nothing, and nothing of real signatures hides in it."""
    return all(
        not each.text.strip() and each.tag.namespace not in (DS, XADES, XADES_141) for each in dialect.walk()
    )


def _judged_dialect(found: Found) -> Judgement:
    judgement = Judgement(_shown(found.path))
    judgement.level = "edXML"
    judgement.against("GENERIC", reasons.DIALECT, facet="integrity")
    return judgement


def _judge_all(source: BinaryIO, survey: Survey, basis: Basis) -> list[Judgement]:
    """Return the judgement of each signature, those over other signatures apart."""
    judgements: list[Judgement] = []
    prepared: list[tuple[Prepared, Judgement]] = []
    for found in survey.signatures:
        if found.is_counter_signature:
            continue
        judgement = Judgement(_shown(found.field))
        judgements.append(judgement)
        try:
            prepared.append((prepare(found, survey), judgement))
        except Exception as broken:  # noqa: BLE001 - see above; the other signatures are judged all the same
            _recorded(broken, judgement)
    reckoned = _reckon(source, survey, [one for one, _ in prepared])
    for one, judgement in prepared:
        _judge(one, reckoned, judgement=judgement, basis=basis)
        if survey.has_comment_in_text:
            judgement.against("SIG_CONSTRAINTS_FAILURE", reasons.COMMENT_IN_TEXT, facet="coverage")
    return judgements


def _reckon(
    source: BinaryIO, survey: Survey, prepared: Iterable[Prepared]
) -> Mapping[Sought, Reckoned | NotTaken]:
    wanted = {each for one in prepared for each in one.wanted}
    size = os.fstat(source.fileno()).st_size
    is_too_much = size * len(wanted) > MAX_DIGESTED_BYTES
    if is_too_much or survey.elements * len(wanted) > MAX_DIGESTED_ELEMENTS:
        refused = NotTaken(reasons.TOO_MUCH.about("its size times its signed parts"), "GENERIC")
        return dict.fromkeys(wanted, refused)
    source.seek(0)
    return reckon(source, wanted)


def _judge(
    prepared: Prepared,
    reckoned: Mapping[Sought, Reckoned | NotTaken],
    *,
    judgement: Judgement,
    basis: Basis,
) -> None:
    properties = prepared.properties
    is_xades = properties is not None and properties.certificate_digest is not None
    judgement.level = "XAdES" if is_xades else "XML-DSig"
    if properties is not None and properties.has_other_stamps:
        judgement.warnings.append(_OTHER_STAMPS)
    try:
        basis.demand_time()
        signer = read_signer(prepared, reckoned, judgement)
        judge_signer(signer, basis=basis, evidence=Evidence(), judgement=judgement)
    except Exception as broken:  # noqa: BLE001 - see above
        _recorded(broken, judgement)


def _recorded(broken: Exception, judgement: Judgement) -> Judgement:
    record_fault(broken, judgement, facet=broken.facet if isinstance(broken, NotTaken) else None)
    return judgement


def _shown(field: str) -> str:
    return "".join(letter for letter in field[:200] if letter.isprintable())


def _report(
    judgements: list[Judgement],
    survey: Survey,
    basis: Basis,
    *,
    warnings: Iterable[ReportWarning] = (),
) -> VerificationReport:
    reports = tuple(judgement.report() for judgement in judgements)
    has_counter = any(each.is_counter_signature for each in survey.signatures)
    found = [warning for judgement in judgements for warning in judgement.warnings]
    found += [*warnings, *([_COUNTER_SIGNATURE] if has_counter else [])]
    return VerificationReport(
        worst(reports) if reports else Verdict.UNSIGNED,
        reports,
        tuple(dict.fromkeys(found)),
        kind="edxml" if survey.is_edxml else "xml",
        trust_version=basis.trust.version,
        policy_version=POLICY_VERSION,
        evidence=tuple(dict.fromkeys(each for judgement in judgements for each in judgement.evidence)),
        wanted=tuple(dict.fromkeys(each for judgement in judgements for each in judgement.wanted)),
        holds_until=earliest(each.holds_until for each in judgements),
    )
