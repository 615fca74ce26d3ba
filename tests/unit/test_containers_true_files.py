"""Files that people really send pass without a word."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from tests.support.looking import Looking
from tests.support.pki import plain_pdf, signed_by_leader
from tests.support.zips import (
    Member,
    archive,
    compound_file,
    described,
    document_xml,
    extra,
    nested,
    office,
    open_document,
    open_document_xml,
    relation,
    relations,
    zipped,
)

TEXT = "Nội dung của một phụ lục. ".encode() * 40


@pytest.fixture
def looking(tmp_path: Path) -> Looking:
    return Looking(tmp_path)


class Pipe(io.RawIOBase):
    """A target nobody can seek in."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, piece: object) -> int:
        self.written += bytes(piece)  # type: ignore[call-overload]
        return len(bytes(piece))  # type: ignore[call-overload]


def streamed(*, wide: bool = False) -> bytes:
    target = Pipe()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written:
        for name in ("Phụ lục 1.txt", "thư mục/Phụ lục 2.txt"):
            with written.open(name, "w", force_zip64=wide) as entry:
                entry.write(TEXT)
    return bytes(target.written)


def with_folder() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as written:
        written.mkdir("phu luc")
        written.writestr("phu luc/1.txt", TEXT)
    return target.getvalue()


def seekable_wide() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as written, written.open("a.txt", "w", force_zip64=True) as entry:
        entry.write(TEXT)
    return target.getvalue()


ZIPS = {
    "deflated": zipped({"Phụ lục 1.txt": TEXT, "b/c.txt": b"x", "b/empty": b""}),
    "stored": zipped({"a.pdf": b"%PDF-1.7 first of all"}, method=zipfile.ZIP_STORED),
    "streamed": streamed(),
    "streamed, wide": streamed(wide=True),
    "wide": seekable_wide(),
    "with a folder": with_folder(),
    "descriptor without signature": archive(described(Member(content=TEXT), signed=False)),
    "wide descriptor": archive(described(Member(content=TEXT), wide=True), Member(name="b")),
    "times in extra fields": archive(
        Member(extra=extra(0x5455, bytes(5)), local_extra=extra(0x5455, bytes(9)))
    ),
    "aligned with padding": archive(Member(local_extra=bytes(3))),
    "listed in another order": archive(Member(name="b"), Member(name="a")),
    "old names": archive(Member(name="Phô lôc.txt".encode("cp1252"), flags=0)),
    "unicode path": archive(Member(name=b"Phu_luc.txt", flags=0, extra=b"")),
    "unix modes": archive(
        Member(attributes=0o100644 << 16), Member(name="d/", content=b"", attributes=0o40755 << 16)
    ),
    "unknown modes": archive(Member(name="d/", content=b"", attributes=0xFFFF0010)),
    "a large text": zipped({"a.csv": b"".join(b"%d,%d\n" % (n, n * n) for n in range(200_000))}),
    "documents": zipped({"a.docx": office(), "b.odt": open_document(), "c.pdf": plain_pdf()}),
    "document with a workbook in it": zipped(
        {"a.docx": office(parts={"word/embeddings/b.xlsx": office("xlsx")})}
    ),
    "old documents": zipped({"a.doc": compound_file("WordDocument"), "b.rtf": b"{\\rtf1 noi dung}"}),
}


@pytest.mark.parametrize("content", ZIPS.values(), ids=ZIPS.keys())
def test_true_archive_passes_without_a_warning(looking: Looking, content: bytes) -> None:
    assert looking.codes(content) == []


OFFICE_FILES = {
    "docx": ("docx", office()),
    "xlsx": ("xlsx", office("xlsx", {"xl/worksheets/sheet1.xml": b'<?xml version="1.0"?><worksheet/>'})),
    "pptx": ("pptx", office("pptx")),
    "docx with links": (
        "docx",
        office(
            parts={
                "word/_rels/document.xml.rels": relations(
                    relation("hyperlink", "https://chinhphu.vn", external=True)
                )
            }
        ),
    ),
    "docx made from a template on its author's disk": (
        "docx",
        office(
            parts={
                "word/_rels/settings.xml.rels": relations(
                    relation("attachedTemplate", "file:///C:\\Mau\\CV.dotm", external=True)
                )
            }
        ),
    ),
    "docx with page numbers": (
        "docx",
        office(parts={"word/footer1.xml": document_xml("<w:instrText>PAGE</w:instrText>")}),
    ),
    "docx about DDE": (
        "docx",
        office(parts={"word/document.xml": document_xml("<w:t>DDEAUTO là gì?</w:t>")}),
    ),
    "docx with a chart and its workbook": (
        "docx",
        office(parts={"word/embeddings/Book1.xlsx": office("xlsx")}),
    ),
    "docx with a picture": (
        "docx",
        office(parts={"word/media/image1.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256))}),
    ),
    "docx with a part of the author's own": ("docx", office(parts={"customXml/item1.bin": b"<br>no XML"})),
    "odt": ("odt", open_document()),
    "ods": ("ods", open_document("ods")),
    "odt with links": (
        "odt",
        open_document(
            parts={"content.xml": open_document_xml('<text:a xlink:href="https://chinhphu.vn">a</text:a>')}
        ),
    ),
    "doc": ("doc", compound_file("WordDocument", "1Table")),
    "xls": ("xls", compound_file("Workbook")),
    "rtf": (
        "rtf",
        b"{\\rtf1\\ansi Quy\\u7871? \\u273?\\u7883?nh {\\object is written so}".replace(
            b"\\object", b"object"
        ),
    ),
    "txt": ("txt", "Văn bản có chữ %PDF-1.7 ở trong".encode()),
    "xml": ("xml", b"<?xml version='1.0'?><a/>"),
    "jpg": ("jpg", b"\xff\xd8\xff\xe0" + bytes(2_000) + b"\xff\xd9"),
    "pdf": ("pdf", plain_pdf()),
    "signed pdf": ("pdf", signed_by_leader()),
    "unknown": ("other", b"anything"),
    "unknown and empty": ("other", b""),
}


@pytest.mark.parametrize(("kind", "content"), OFFICE_FILES.values(), ids=OFFICE_FILES.keys())
def test_true_document_passes_without_a_warning(looking: Looking, kind: str, content: bytes) -> None:
    assert looking.codes(content, kind) == []


def test_archive_in_an_archive_is_said(looking: Looking) -> None:
    assert looking.codes(nested(1)) == looking.codes(nested(2)) == ["archive-nested"]


def test_warning_says_what_and_where_once(looking: Looking) -> None:
    with_macros = office(parts={"word/vbaProject.bin": compound_file("VBA"), "word/vbaData.xml": b"<a/>"})
    assert looking.details(zipped({"a.docx": with_macros})) == [
        "The file holds macros. (word/vbaProject.bin)"
    ]
