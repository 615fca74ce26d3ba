"""Row B24: what acts in a file is named, wherever in it and however it is spelled."""

from __future__ import annotations

import os
from pathlib import Path
from time import process_time

import pytest

from tests.support.looking import Looking
from tests.support.zips import (
    compound_file,
    document_xml,
    office,
    open_document,
    open_document_xml,
    relation,
    relations,
    zipped,
)

MACROS, OBJECT, DDE, EXTERNAL = "macros", "embedded-object", "dde", "external-content"
VBA = compound_file("_VBA_PROJECT", "VBA")
TEMPLATE = "word/_rels/settings.xml.rels"
PICTURES = "word/_rels/document.xml.rels"


@pytest.fixture
def looking(tmp_path: Path) -> Looking:
    return Looking(tmp_path)


def docx(name: str, content: bytes) -> tuple[str, bytes]:
    return "docx", office(parts={name: content})


def word(inner: str) -> tuple[str, bytes]:
    return docx("word/document.xml", document_xml(inner))


def related(kind: str, target: str, *, part: str = PICTURES) -> tuple[str, bytes]:
    return docx(part, relations(relation(kind, target, external=True)))


def odt(inner: str) -> tuple[str, bytes]:
    return "odt", open_document(parts={"content.xml": open_document_xml(inner)})


def instructions(*pieces: str) -> str:
    return "".join(f"<w:instrText>{piece}</w:instrText>" for piece in pieces)


BEGIN, END = '<w:fldChar w:fldCharType="begin"/>', '<w:fldChar w:fldCharType="end"/>'
QUOTED = f"{BEGIN}{instructions('QUOTE 68 68 69 65 85 84 79')}{END}"

FILES: dict[str, tuple[tuple[str, bytes], list[str]]] = {
    # macros
    "macros in a docx": (docx("word/vbaProject.bin", VBA), [MACROS]),
    "macros under another name": (docx("word/media/image1.png", VBA), [OBJECT, MACROS]),
    "macros in capitals": (docx("word/VBAPROJECT.BIN", VBA), [MACROS]),
    "macros broken": (docx("word/vbaProject.bin", b"broken"), [MACROS]),
    "macros by type": (
        ("docx", office(types=[("word/a.bin", "application/vnd.ms-office.vbaProject")])),
        [MACROS],
    ),
    "document with macros under a plain name": (
        (
            "docx",
            office(types=[("word/document.xml", "application/vnd.ms-word.document.macroEnabled.main+xml")]),
        ),
        [MACROS],
    ),
    "old macros of a workbook": (
        ("xlsx", office("xlsx", types=[("xl/macrosheets/a.xml", "application/vnd.ms-excel.macrosheet+xml")])),
        [MACROS],
    ),
    "macros in a doc": (("doc", compound_file("WordDocument", "Macros", "VBA")), [MACROS]),
    "macros in an xls": (("xls", compound_file("Workbook", "_VBA_PROJECT_CUR")), [MACROS]),
    "macros in small letters": (("doc", compound_file("_vba_project")), [MACROS]),
    "macros far back": (("doc", compound_file(*map(str, range(50)), "VBA")), [MACROS]),
    "macros in an odt": (("odt", open_document(parts={"Basic/Standard/Module1.xml": b"<a/>"})), [MACROS]),
    "scripts in an ods": (("ods", open_document("ods", {"Scripts/python/a.py": b"import os"})), [MACROS]),
    "macros of a document in an archive": (
        ("zip", zipped({"a.docm": office(parts={"word/vbaProject.bin": VBA})})),
        [MACROS],
    ),
    "macros of a doc in an archive": (("zip", zipped({"a.doc": compound_file("VBA")})), [MACROS]),
    # objects
    "object in a docx": (docx("word/embeddings/oleObject1.bin", compound_file("\x01Ole10Native")), [OBJECT]),
    "object under another name": (docx("word/media/image1.emf", compound_file("CONTENTS")), [OBJECT]),
    "rich text in a docx": (docx("word/afchunk.dat", b"{\\rtf1 a}"), [OBJECT]),
    "control in a docx": (
        ("docx", office(types=[("word/activeX/activeX1.xml", "application/vnd.ms-office.activeX+xml")])),
        [OBJECT],
    ),
    "object in a doc": (("doc", compound_file("WordDocument", "ObjectPool")), [OBJECT]),
    "object in an xls": (("xls", compound_file("Workbook", "MBD0018D4CE")), [OBJECT]),
    "object in an rtf": (("rtf", b"{\\rtf1{\\object\\objemb{\\*\\objdata 0105}}}"), [OBJECT]),
    "object in an rtf that says little": (
        ("rtf", b"{\\rt{\\*\\objdata 01}}".replace(b"\\rt{", b"\\rtf{")),
        [OBJECT],
    ),
    "object in an odt": (("odt", open_document(parts={"Object 1": compound_file("Package")})), [OBJECT]),
    # DDE
    "DDE": (word(BEGIN + instructions(' DDE cmd "/c calc" ') + END), [DDE]),
    "DDE by itself": (word(instructions(' DDEAUTO c:\\\\cmd.exe "/k calc" ')), [DDE]),
    "DDE in small letters": (word(instructions("ddeauto cmd")), [DDE]),
    "DDE in pieces": (word(BEGIN + instructions("DD", "E", "AUTO c", "md") + END), [DDE]),
    "DDE in a simple field": (word('<w:fldSimple w:instr="DDEAUTO cmd"/>'), [DDE]),
    "DDE behind spaces": (word(instructions(" " * 5_000 + "DDE cmd")), [DDE]),
    "DDE by character codes": (word(BEGIN + QUOTED + instructions(" cmd") + END), [DDE]),
    "DDE in a header": (docx("word/header1.xml", document_xml(instructions("DDEAUTO cmd"))), [DDE]),
    "DDE in a part of any name": (docx("word/media/a.dat", document_xml(instructions("DDEAUTO cmd"))), [DDE]),
    "DDE in UTF-16": (
        docx(
            "word/document.xml",
            document_xml(instructions("DDE cmd")).decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        ),
        [DDE],
    ),
    "DDE in an xlsx": (
        (
            "xlsx",
            office(
                "xlsx", {"xl/externalLinks/externalLink1.xml": b"<externalLink><ddeLink/></externalLink>"}
            ),
        ),
        [DDE],
    ),
    "DDE in a doc": (("doc", compound_file("WordDocument", body=b'\x13 DDEAUTO cmd "/c"\x14')), [DDE]),
    "DDE in a doc of wide letters": (("doc", compound_file(body="\x13DDE cmd".encode("utf-16-le"))), [DDE]),
    "DDE in an rtf": (("rtf", b"{\\rtf1{\\field{\\*\\fldinst {DDEAUTO cmd}}}}"), [DDE]),
    "DDE in an odt": (odt("<text:dde-connection-decl/>"), [DDE]),
    "DDE in an ods": (odt('<table:table-cell table:formula="of:=DDE(&quot;cmd&quot;)"/>'), [DDE]),
    # content from elsewhere
    "template from the web": (related("attachedTemplate", "https://a.vn/a.dotm", part=TEMPLATE), [EXTERNAL]),
    "template from a share": (related("attachedTemplate", "\\\\a.vn\\b\\a.dotm", part=TEMPLATE), [EXTERNAL]),
    "template from a server": (related("attachedTemplate", "file://a.vn/a.dotm", part=TEMPLATE), [EXTERNAL]),
    "picture from the web": (related("image", "http://a.vn/a.png"), [EXTERNAL]),
    "object from elsewhere": (related("oleObject", "mhtml:http://a.vn!x-usc:http://a.vn"), [EXTERNAL]),
    "frame from elsewhere": (related("frame", "http://a.vn"), [EXTERNAL]),
    "workbook from elsewhere": (related("externalLinkPath", "https://a.vn/a.xlsx"), [EXTERNAL]),
    "field that fetches far behind spaces": (
        word(instructions("INCLUDETEXT" + " " * 5_000 + "http://a.vn")),
        [EXTERNAL],
    ),
    "field that fetches a picture": (
        word(instructions('INCLUDEPICTURE "http://a.vn/a.png" \\d')),
        [EXTERNAL],
    ),
    "template of an rtf": (("rtf", b"{\\rtf1{\\*\\template http://a.vn/a.dotm}}"), [EXTERNAL]),
    "picture of an rtf": (("rtf", b'{\\rtf1{\\fldinst INCLUDEPICTURE "http://a.vn/a"}}'), [EXTERNAL]),
    "picture of an odt": (odt('<draw:image xlink:href="https://a.vn/a.png"/>'), [EXTERNAL]),
    "object of an odt": (odt('<draw:object xlink:href="\\\\a.vn\\a"/>'), [EXTERNAL]),
    # several
    "all at once": (
        (
            "docx",
            office(
                parts={
                    "word/vbaProject.bin": VBA,
                    "word/embeddings/oleObject1.bin": compound_file("CONTENTS"),
                    "word/header1.xml": document_xml(instructions("DDE cmd")),
                    PICTURES: relations(relation("image", "http://a.vn", external=True)),
                }
            ),
        ),
        [DDE, OBJECT, EXTERNAL, MACROS],
    ),
}


@pytest.mark.parametrize(("file", "codes"), FILES.values(), ids=FILES.keys())
def test_b24_what_acts_is_named(looking: Looking, file: tuple[str, bytes], codes: list[str]) -> None:
    kind, content = file
    assert looking.codes(content, kind) == codes


UNREADABLE = {
    "encrypted docx": ("doc", compound_file("EncryptionInfo", "EncryptedPackage"), "encrypted"),
    "encrypted odt": (
        "odt",
        open_document(
            parts={"META-INF/manifest.xml": b"<m><manifest:encryption-data xmlns:manifest='a'/></m>"}
        ),
        "encrypted",
    ),
    "part that is broken": (*docx("word/document.xml", b"<w:document"), "not well-formed"),
    "tag that does not end": (
        *docx("a.xml", b"<a b='" + os.urandom(2 * 1024 * 1024).hex().encode()),
        "does not end",
    ),
    "part that declares entities": (
        *docx("word/document.xml", b'<!DOCTYPE a [<!ENTITY b "DDE">]><a>&b;</a>'),
        "entities",
    ),
}


SLOW = {
    "words": "INCLUDETEXT LINK " * 4_000,
    "beginnings": "{" * 64_000,
    "spaces": "{DD" + " " * 60_000,
    "numbers": "QUOTE 68" * 8_000,
    "links": "LINK " + " LINK" * 12_000,
}


@pytest.mark.parametrize("instruction", SLOW.values(), ids=SLOW.keys())
def test_b24_field_made_to_be_slow_is_read_in_no_time(looking: Looking, instruction: str) -> None:
    kind, content = word(instructions(instruction))
    began = process_time()
    looking.codes(content, kind)
    assert process_time() - began < 1


@pytest.mark.parametrize(("kind", "content", "reason"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_b24_office_file_that_cannot_be_looked_through_is_refused(
    looking: Looking, kind: str, content: bytes, reason: str
) -> None:
    assert reason in looking.refusal(content, kind)
