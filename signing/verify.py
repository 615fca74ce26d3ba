"""The verdict on the signatures of a PDF.

pyHanko does the parsing and the cryptography; the rules around it are ours (`structure.py`), because
taken alone it passes files that other viewers show differently. Strict on purpose: what cannot be
judged is never valid.
"""

from __future__ import annotations

import asyncio
import mmap
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pyhanko.pdf_utils.reader import PdfFileReader

from signing.errors import Unreadable
from signing.judgement import Judgement
from signing.report import Verdict, VerificationReport, worst
from signing.report import Warning as ReportWarning
from signing.signature import Source, judge
from signing.structure import Refused, SignatureField, shows_traces, signature_fields
from signing.trust import TrustStore

_MAX_SIGNATURES = 50
_TIME_STAMP_FORMAT = "/ETSI.RFC3161"
_UNREACHABLE = ReportWarning("unreachable-signature", "Something like a signature stands outside the form.")


def verify_pdf(path: Path, *, trust: TrustStore, at: datetime) -> VerificationReport:
    """Return the verdict on all signatures of a PDF, judged at a moment.

    Whatever a hostile file does to the parser becomes a verdict. Not to be called inside an event loop.

    Raises:
        Unreadable: It is no PDF that can be read, and shows no trace of a signature.
    """
    with path.open("rb") as stream:
        if b"%PDF-" not in stream.read(1024):
            raise Unreadable("the file does not begin like a PDF")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as raw:
            try:
                return _verify(Source(raw, _read(stream, raw), trust, at))
            except Exception as broken:  # noqa: BLE001 - a stranger's bytes may break the parser anyhow
                return _broken(raw, broken)


def _read(stream: BinaryIO, raw: mmap.mmap) -> PdfFileReader:
    """Return the parsed PDF; one without a trace of a signature may be sloppy."""
    try:
        reader = PdfFileReader(stream)
    except Exception:
        if shows_traces(raw):
            raise
        reader = PdfFileReader(stream, strict=False)
    if reader.encrypted:
        reader.decrypt(b"")
    return reader


def _verify(source: Source) -> VerificationReport:
    filled = signature_fields(source.reader)
    # A document time-stamp is nobody's signature; what it added is judged with the signatures before it.
    signed = [field for field in filled if field.sub_filter != _TIME_STAMP_FORMAT]
    if not signed:
        stray = not filled and shows_traces(source.raw)
        return VerificationReport(Verdict.UNSIGNED, warnings=(_UNREACHABLE,) if stray else ())
    if not source.reader.strict:
        raise Refused("The signed PDF can only be read leniently.")
    if len(signed) > _MAX_SIGNATURES:
        raise Refused(f"The PDF has more than {_MAX_SIGNATURES} signatures.")
    return asyncio.run(_judge_all(source, signed))


async def _judge_all(source: Source, signed: Sequence[SignatureField]) -> VerificationReport:
    judgements = [await judge(source, field) for field in signed]
    reports = tuple(judgement.report() for judgement in judgements)
    warnings = dict.fromkeys(warning for judgement in judgements for warning in judgement.warnings)
    return VerificationReport(worst(reports), reports, tuple(warnings))


def _broken(raw: mmap.mmap, broken: Exception) -> VerificationReport:
    why = str(broken) if isinstance(broken, Refused) else f"The PDF is broken ({type(broken).__name__})."
    if not shows_traces(raw):
        raise Unreadable(f"the PDF cannot be read ({type(broken).__name__})") from broken
    judgement = Judgement()
    judgement.against("FORMAT_FAILURE", why)
    return VerificationReport(Verdict.TOTAL_FAILED, (judgement.report(),))
