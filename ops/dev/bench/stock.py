"""The papers of a bench run, made before it: signed PDFs of 20 KB, all different, and a very large one.

`python -m ops.dev.bench.stock FOLDER COUNT ATTACHMENT_BYTES` makes them in a process of its own.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pyhanko.pdf_utils.embed import EmbeddedFileObject, FileSpec, embed_file
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from ops.dev.papers import sign
from ops.dev.pki import DemoAuthority, Identity

DOCUMENT_BYTES = 20_000
_LINE = "Thuc hien chuong trinh cong tac nam, de nghi cac co quan, don vi phoi hop trien khai, muc {}."
_LINE_BYTES = 118
"""What one line takes in the PDF."""
_SIGNATURE_BYTES = 9_000
_LINE_HEIGHT, _MARGIN = 7, 60


def trust_folder(stock: Path) -> Path:
    """Return where the certificates are that the papers' signatures lead to."""
    return stock / "trust"


def documents(stock: Path) -> list[Path]:
    """Return the PDFs of 20 KB."""
    return sorted((stock / "documents").glob("*.pdf"))


def large_document(stock: Path) -> Path:
    """Return the PDF that holds the large attachment."""
    return stock / "large.pdf"


async def make_stock(folder: Path, *, count: int, attachment_bytes: int) -> None:
    """Write `count` signed PDFs of 20 KB, one with an attachment of that size, and the trust folder."""
    authority = DemoAuthority(now=datetime.now(UTC))
    authority.write_trust(trust_folder(folder))
    signer = authority.person("Chánh Văn phòng", organisation="Ủy ban nhân dân thành phố")
    (folder / "documents").mkdir()
    for number in range(count):
        paper = await sign(_draw(number), signer)
        (folder / "documents" / f"bench-{number:06}.pdf").write_bytes(paper)
    large_document(folder).write_bytes(await _large(signer, attachment_bytes))


def _draw(number: int) -> bytes:
    """Return an unsigned PDF that will have 20 KB when signed; no two are alike."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=A4, pageCompression=0)
    text = canvas.beginText(_MARGIN, A4[1] - _MARGIN)
    text.setFont("Helvetica", _LINE_HEIGHT)
    for line in _lines(number):
        text.textLine(line)
    canvas.drawText(text)
    canvas.save()
    return target.getvalue()


def _lines(number: int) -> Iterator[str]:
    yield f"So: {number}/UBND-VP"
    for line in range((DOCUMENT_BYTES - _SIGNATURE_BYTES) // _LINE_BYTES):
        yield _LINE.format(line)


async def _large(signer: Identity, attachment_bytes: int) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(_draw(0)))
    # Random: nothing that looks at it can make it small.
    attachment = EmbeddedFileObject.from_file_data(writer, data=os.urandom(attachment_bytes), compress=False)
    embed_file(writer, FileSpec("ho-so.bin", embedded_data=attachment))
    target = io.BytesIO()
    writer.write(target)  # type: ignore[no-untyped-call]
    return await sign(target.getvalue(), signer)


if __name__ == "__main__":
    asyncio.run(make_stock(Path(sys.argv[1]), count=int(sys.argv[2]), attachment_bytes=int(sys.argv[3])))
