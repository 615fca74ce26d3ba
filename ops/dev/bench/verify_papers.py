"""The papers that verifying is measured with: two pages by one signer and by many, 500 pages, 20 MB of scans.

`python -m ops.dev.bench.verify_papers FOLDER SIGNERS` makes them in a process of its own. Texts and pictures
are the same each time, keys are fresh; every signer has a key (RSA-2048) and a certificate of its own.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import os
import random
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from ops.dev.papers import sign
from ops.dev.pki import DemoAuthority, Identity

ALIKE = 24
"""How many papers of two pages one signer has signed: enough that none is remembered by its file."""
_CORES = os.cpu_count() or 1
_ORGANISATION = "Ủy ban nhân dân thành phố"
_LINE = "Thuc hien chuong trinh cong tac nam, de nghi cac co quan, don vi phoi hop trien khai, muc {}."
_LINES, _MARGIN, _LEADING, _SIZE = 42, 60, 17, 11
_SCANS = 5
_SCAN_WIDTH, _SCAN_HEIGHT = 1654, 2418
"""A page at 200 dots to the inch, eight bits each: four million bytes."""


def two_pages(folder: Path) -> list[Path]:
    """Return the papers of two pages, all by one signer."""
    return sorted((folder / "two").glob("*.pdf"))


def two_pages_by_many(folder: Path) -> list[Path]:
    """Return the papers of two pages, each by another signer."""
    return sorted((folder / "many").glob("*.pdf"))


def long_paper(folder: Path) -> Path:
    """Return the paper of 500 pages."""
    return folder / "long.pdf"


def large_paper(folder: Path) -> Path:
    """Return the 20 MB of scanned pages."""
    return folder / "large.pdf"


def paper_by_another(folder: Path) -> Path:
    """Return a paper of two pages by a signer who signed no other: to get warm with."""
    return folder / "warm.pdf"


def trust_folder(folder: Path) -> Path:
    """Return where the certificates are that all the signatures lead to."""
    return folder / "trust"


def make_papers(folder: Path, *, signers: int) -> None:
    """Write all papers and the trust folder."""
    authority = DemoAuthority(now=datetime.now(UTC))
    authority.write_trust(trust_folder(folder))
    for each in ("two", "many"):
        (folder / each).mkdir()
    signer = _signer(authority, 0)
    for number in range(ALIKE):
        _write(folder / "two" / f"{number:03}.pdf", _text(2, number=number), signer)
    _write(paper_by_another(folder), _text(2, number=ALIKE), _signer(authority, 1))
    _write(long_paper(folder), _text(500, number=0), signer)
    _write(large_paper(folder), _scans(), signer)
    # Forked, so that all have the one authority, whose keys cannot be sent. Making keys takes longest.
    several = multiprocessing.get_context("fork")
    shares = [range(first, signers, _CORES) for first in range(_CORES)]
    makers = [several.Process(target=_write_many, args=(folder, authority, share)) for share in shares]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    if any(maker.exitcode for maker in makers):
        raise SystemExit("the papers of the many signers could not be made")


def _write_many(folder: Path, authority: DemoAuthority, numbers: Iterable[int]) -> None:
    for number in numbers:
        _write(folder / "many" / f"{number:04}.pdf", _text(2, number=number), _signer(authority, number))


def _signer(authority: DemoAuthority, number: int) -> Identity:
    return authority.person(f"Lãnh đạo {number}", organisation=_ORGANISATION)


def _write(path: Path, pdf: bytes, signer: Identity) -> None:
    path.write_bytes(asyncio.run(sign(pdf, signer)))


def _text(pages: int, *, number: int) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=A4, invariant=1)
    for page in range(pages):
        text = canvas.beginText(_MARGIN, A4[1] - _MARGIN)
        text.setFont("Helvetica", _SIZE, _LEADING)
        text.textLine(f"So: {number}/UBND-VP, trang {page + 1}")
        for line in range(_LINES):
            text.textLine(_LINE.format(page * _LINES + line))
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def _scans() -> bytes:
    """Return pages of noise, which nothing can make small."""
    grain = random.Random(_SCANS)
    kids = " ".join(f"{3 * page + 3} 0 R" for page in range(_SCANS))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Kids[{kids}]/Count {_SCANS}>>".encode()]
    shown = f"q {A4[0]:.0f} 0 0 {A4[1]:.0f} 0 0 cm /Scan Do Q"
    for page in range(_SCANS):
        contents, picture = f"{3 * page + 4} 0 R", f"{3 * page + 5} 0 R"
        objects += [
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {A4[0]:.0f} {A4[1]:.0f}]/Contents {contents}"
            f"/Resources<</XObject<</Scan {picture}>>>>>>".encode(),
            _stream("", shown.encode()),
            _stream(
                f"/Type/XObject/Subtype/Image/Width {_SCAN_WIDTH}/Height {_SCAN_HEIGHT}"
                "/ColorSpace/DeviceGray/BitsPerComponent 8",
                grain.randbytes(_SCAN_WIDTH * _SCAN_HEIGHT),
            ),
        ]
    return _pdf(objects)


def _stream(described: str, content: bytes) -> bytes:
    return f"<<{described}/Length {len(content)}>>stream\n".encode() + content + b"\nendstream"


def _pdf(objects: Sequence[bytes]) -> bytes:
    """Return a PDF of these objects, numbered from 1; the first is its root."""
    written, entries = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), ["0000000000 65535 f \n"]
    for number, content in enumerate(objects, start=1):
        entries.append(f"{len(written):010} 00000 n \n")
        written += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    table = f"xref\n0 {len(entries)}\n{''.join(entries)}trailer\n<</Size {len(entries)}/Root 1 0 R>>\n"
    return bytes(written) + f"{table}startxref\n{len(written)}\n%%EOF\n".encode()


if __name__ == "__main__":
    make_papers(Path(sys.argv[1]), signers=int(sys.argv[2]))
