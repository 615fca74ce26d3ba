"""Another document in the bytes of a signed one, outside what its signature is over.

Readers of PDF look for its header within the first kilobyte, and some do without: they gather whatever looks
like an object, wherever it stands. Readers of ZIP begin at the end. So what a stranger puts beside the signed
content of a genuine CMS or XML file may be what people are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from signing.cms.der import Source
from signing.judgement import Judgement
from signing.reasons import Reason
from signing.report import BAD_CONTAINER
from signing.report import Warning as ReportWarning

TWO_DOCUMENTS = Reason(
    "two-documents",
    "The file is two documents in one: beside what was signed it holds parts of a PDF or of a ZIP archive, "
    "which other programs would show instead.",
    "Tệp chứa hai tài liệu trong một: ngoài nội dung được ký còn có thành phần của tệp PDF hoặc tệp nén ZIP, "
    "mà phần mềm khác có thể hiển thị thay cho nội dung được ký.",
)
_BAD_CONTAINER = ReportWarning(BAD_CONTAINER, "the file is two documents in one")

_CHUNK_BYTES = 1 << 20
_LONGEST_MARK_BYTES = 512
_HEADER, _HEADER_WITHIN_BYTES = b"%PDF", 1_028
_BLANKS = rb"\0\t-\r \x80\xff"
"""White space to any reader of PDF."""
# No PDF is without a dictionary that is an object; a comment or a stretch of blanks may stand before it. In a
# ZIP archive the methods are few, and a directory is no larger than a file can be: without that, chance alone
# would find marks of four bytes in certificates.
_MARK = re.compile(
    rb"(?:obj(?<=[-\d" + _BLANKS + rb"]obj)|trailer)"
    rb"(?:[" + _BLANKS + rb"]{256}|[" + _BLANKS + rb"]*+(?:<<|%))"
    rb"|startxref|%PDF-"
    rb"|PK\x01\x02.{6}[\0-c]\0|PK\x03\x04.{4}[\0-c]\0|PK\x05\x06.{11}[\0-\x0f\xff].{3}[\0-\x0f\xff]",
    re.DOTALL,
)


def record_second_document(chunks: Iterable[bytes], judgements: Sequence[Judgement]) -> None:
    """Record against every signature of a file that it is two documents in one, if it is.

    Args:
        chunks: The bytes of the file outside what was signed, from its beginning.
        judgements: What was found about its signatures so far; get the finding.
    """
    if not _shows_another(chunks):
        return
    for judgement in judgements:
        judgement.against("SIG_CONSTRAINTS_FAILURE", TWO_DOCUMENTS, facet="coverage")
        judgement.warnings.append(_BAD_CONTAINER)


def chunks_of(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a file, piece by piece."""
    stream.seek(0)
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk


def chunks_around(source: Source, *, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of a file before one place and behind another, piece by piece."""
    for first, last in ((0, start), (end, len(source))):
        for at in range(first, last, _CHUNK_BYTES):
            yield source[at : min(at + _CHUNK_BYTES, last)]


def _shows_another(chunks: Iterable[bytes]) -> bool:
    seen = b""
    for number, chunk in enumerate(chunks):
        if number == 0 and _HEADER in chunk[:_HEADER_WITHIN_BYTES]:
            return True
        seen = seen[-_LONGEST_MARK_BYTES:] + chunk
        if _MARK.search(seen):
            return True
    return False
