"""Row B23: archives in archives to a depth, one type per file, and the one it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.looking import Looking
from tests.support.pki import plain_pdf
from tests.support.zips import archive, compound_file, nested, office, open_document, zipped

TOO_DEEP = "levels of archives"


@pytest.fixture
def looking(tmp_path: Path) -> Looking:
    return Looking(tmp_path)


@pytest.mark.parametrize("depth", [3, 4, 5, 8, 10, 20, 35, 50])
def test_b23_archives_nested_too_deep_are_refused(looking: Looking, depth: int) -> None:
    assert TOO_DEEP in looking.refusal(nested(depth))


OPAQUE = {
    "rar": b"Rar!\x1a\x07\x01\0",
    "7z": b"7z\xbc\xaf\x27\x1c\0\4",
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0",
    "bzip2": b"BZh91AY&SY",
    "xz": b"\xfd7zXZ\0\0\4",
    "zstd": b"(\xb5/\xfd\0\0\0\0",
    "cabinet": b"MSCF\0\0\0\0",
}


@pytest.mark.parametrize("head", OPAQUE.values(), ids=OPAQUE.keys())
def test_b23_archive_of_another_kind_is_said_and_counts_as_a_level(looking: Looking, head: bytes) -> None:
    assert looking.codes(zipped({"a": head})) == ["archive-nested"]
    assert TOO_DEEP in looking.refusal(nested(2, innermost=head))


ZIP = zipped({"META-INF/MANIFEST.MF": b"Main-Class: A", "A.class": b"\xca\xfe\xba\xbe"})
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(1_500) + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(1_500)
TIFF = b"II*\0" + bytes(1_500)
PDF = plain_pdf()
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"

POLYGLOTS = {
    "PDF and ZIP": ("pdf", PDF + ZIP, "ZIP archive too"),
    "PDF and ZIP in its last object": ("pdf", PDF + ZIP + b"\nendstream\n%%EOF\n", "ZIP archive too"),
    "PDF and ZIP with the rest as its comment": (
        "pdf",
        PDF + ZIP[:-2] + b"\x07\0%%EOF\n\n",
        "ZIP archive too",
    ),
    "PDF and docx": ("pdf", PDF + office(), "ZIP archive too"),
    "PDF and wide ZIP": ("pdf", PDF + b"PK\x06\x07" + bytes(16) + archive(), "ZIP archive too"),
    "PDF and RAR": ("pdf", PDF + OPAQUE["rar"], "archive too"),
    "PDF and 7z": ("pdf", PDF + b"\n" + OPAQUE["7z"], "archive too"),
    "PDF and beginning of a ZIP": ("pdf", PDF + ZIP[:40], "archive too"),
    "PDF and HTML behind": ("pdf", PDF + HTML, "web page too"),
    "PDF and HTML far behind": ("pdf", PDF + b"\n" * 500 + b"%" + HTML, "web page too"),
    "PDF and HTML in its head": ("pdf", b"%PDF-1.7\n%" + HTML + PDF[8:], "web page too"),
    "PDF and script in its head": ("pdf", b"%PDF-1.7\n%<SCRIPT src=//a>\n" + PDF[8:], "web page too"),
    "PDF and picture in HTML": ("pdf", b"%PDF-1.7\n<svg onload=alert(1)>" + PDF[8:], "web page too"),
    "HTML and PDF": ("pdf", HTML + PDF, "begin like a PDF"),
    "spaces and PDF": ("pdf", b" " * 100 + PDF, "begin like a PDF"),
    "JPEG and PDF": ("jpg", JPEG[:40] + PDF, "PDF too"),
    "PNG and PDF": ("png", PNG[:40] + PDF, "PDF too"),
    "XML and PDF": ("xml", b"<a><!--" + PDF + b"--></a>", "PDF too"),
    "text and PDF": ("txt", b"Kinh gui\n" + PDF, "PDF too"),
    "unknown and PDF": ("other", b"GIF89a" + PDF, "PDF too"),
    "JPEG and JAR": ("jpg", JPEG + ZIP, "ZIP archive too"),
    "JPEG and JAR with more behind": ("jpg", JPEG + ZIP + bytes(1_000), "ZIP archive too"),
    "JPEG in a comment and JAR": ("jpg", JPEG[:20] + ZIP + JPEG[20:], "ZIP archive too"),
    "PNG and ZIP": ("png", PNG + ZIP, "ZIP archive too"),
    "TIFF and ZIP": ("tif", TIFF + ZIP, "ZIP archive too"),
    "RTF and ZIP": ("rtf", b"{\\rtf1 a}" + ZIP, "ZIP archive too"),
    "old document and ZIP": ("doc", compound_file("WordDocument") + ZIP, "ZIP archive too"),
    "text and ZIP": ("txt", b"Kinh gui\n" + ZIP, "ZIP archive too"),
    "XML and ZIP": ("xml", b"<a/>" + ZIP, "ZIP archive too"),
    "program and ZIP": ("other", b"MZ\x90\0" + bytes(500) + ZIP, "ZIP archive too"),
    "HTML and ZIP": ("other", HTML + ZIP, "ZIP archive too"),
    "ZIP and PDF": ("zip", ZIP + PDF, "end record"),
    "ZIP and JPEG": ("zip", ZIP + JPEG, "end record"),
}


@pytest.mark.parametrize(("kind", "content", "reason"), POLYGLOTS.values(), ids=POLYGLOTS.keys())
def test_b23_file_of_two_types_is_refused(looking: Looking, kind: str, content: bytes, reason: str) -> None:
    assert reason in looking.refusal(content, kind)


CONTENTS = {
    "pdf": PDF,
    "zip": ZIP,
    "docx": office(),
    "xlsx": office("xlsx"),
    "odt": open_document(),
    "jpg": JPEG,
    "doc": compound_file("WordDocument"),
    "empty": b"",
}
WRONG = [
    ("pdf", "zip"),
    ("pdf", "docx"),
    ("pdf", "jpg"),
    ("pdf", "doc"),
    ("pdf", "empty"),
    ("docx", "zip"),
    ("docx", "xlsx"),
    ("docx", "odt"),
    ("docx", "pdf"),
    ("docx", "doc"),
    ("docx", "empty"),
    ("xlsx", "docx"),
    ("xlsx", "zip"),
    ("pptx", "docx"),
    ("pptx", "zip"),
    ("odt", "zip"),
    ("odt", "docx"),
    ("ods", "odt"),
    ("zip", "pdf"),
    ("zip", "doc"),
    ("zip", "empty"),
    ("jpg", "pdf"),
    ("png", "jpg"),
    ("tif", "jpg"),
    ("doc", "docx"),
    ("doc", "pdf"),
    ("rtf", "doc"),
    ("rtf", "empty"),
]


@pytest.mark.parametrize(("said", "true"), WRONG)
def test_b23_file_that_is_not_what_its_type_says_is_refused(looking: Looking, said: str, true: str) -> None:
    reason = looking.refusal(CONTENTS[true], said)
    assert "does not begin like" in reason or "as its type says" in reason or "not what its type" in reason


SLOW_ENDS = {
    "a long comment behind its end": PDF + b"%" + b"A" * 20_000 + b"\n",
    "a long line before its end": PDF.replace(b"startxref", b"%" + b"A" * 20_000 + b" startxref"),
    "a long number before its end": PDF.replace(b"startxref\n", b"startxref\n" + b"0" * 20_000),
    "line ends without end": PDF + b"\n" * 20_000,
    "no end": PDF.replace(b"%%EOF", b"%%FOE") + b"A" * 20_000,
}


@pytest.mark.parametrize("content", SLOW_ENDS.values(), ids=SLOW_ENDS.keys())
def test_pdf_whose_end_takes_long_to_find_is_refused(looking: Looking, content: bytes) -> None:
    assert "does not end with its end record" in looking.refusal(content, "pdf")


@pytest.mark.parametrize("behind", [b"", b"\r\n", b"\0" * 100, b"% more\n" * 20, b" \n" * 500])
def test_pdf_with_little_behind_its_end_is_looked_through(looking: Looking, behind: bytes) -> None:
    assert looking.codes(b"%PDF-1.7\n" + b"%" * 20_000 + b"\n" + PDF[9:] + behind, "pdf") == []
