"""Packets that two readers would understand differently: rows B08, B09 and B17."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from adapters.edxml import faults
from adapters.edxml.faults import SAFETY
from adapters.edxml.packet import Read
from tests.support.edxml_packets import (
    DECLARATION,
    QCVN,
    Sent,
    between,
    bkav_document,
    dotnet_document,
    java_document,
    java_status,
    mistakes,
    read,
    reasons,
)

ROOT = Path(__file__).resolve().parents[2]
BARE = java_document().removeprefix(DECLARATION)


# --- B08 ------------------------------------------------------------------------------------------

SPLITS = [
    "000<!---->.evil", "<!-- -->000", "000<!-- -->", "<!---->", "000<![CDATA[.evil]]>",
    "<![CDATA[000]]>.evil",
    "<![CDATA[000]]><![CDATA[.evil]]>", "<![CDATA[]]>000", "<![CDATA[000]]><!---->", "000<?x y?>.evil",
]  # fmt: skip
VALUES = [
    "<edXML:OrganId>", "<edXML:DocumentId>", "<edXML:Subject>", "<edXML:BussinessDocType>",
    "<edXML:ContentId>", '"http://www.mic.gov.vn/TBT/QCVN_102_2016">JVBE',
]  # fmt: skip


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("value", VALUES)
def test_b08_a_value_in_pieces_is_refused(value: str, split: str, tmp_path: Path) -> None:
    head, _, rest = java_document().partition(value)
    start, _, old = value.partition(">")
    content, _, tail = rest.partition("<")
    found = reasons(f"{head}{start}>{split.replace('000', old + content)}<{tail}", tmp_path)
    assert len(found) == 1
    assert "broken up" in found[0] or "processing instruction" in found[0]


@pytest.mark.parametrize(
    "where", ["<edXML:Subject>", "<edXML:edXMLEnvelope", "<AttachmentEncoded>", "<edXML xmlns"]
)
def test_b08_a_processing_instruction_is_refused_anywhere(where: str, tmp_path: Path) -> None:
    assert reasons(java_document().replace(where, f"<?x y?>{where}"), tmp_path) == [
        "a processing instruction is not allowed"
    ]


@pytest.mark.parametrize("after", ["<!-- -->", "<?x y?>", "x", "<edXML/>", "&#32;", "]]>", "<![CDATA[ ]]>"])
def test_b08_nothing_but_white_space_follows_the_root(after: str, tmp_path: Path) -> None:
    assert len(reasons(f"{java_document()}\n{after}", tmp_path)) == 1


# --- B09 ------------------------------------------------------------------------------------------

ID_NAMES = ["Id", "ID", "id", "xml:id", "iD"]
AMBIGUOUS_IDS = {
    **{
        f"{one} and {other} on one element": (f'<edXML:a {one}="a" {other}="b"/>', 1)
        for one, other in product(ID_NAMES, ID_NAMES)
        if one < other
    },
    **{
        f"{one}, then {other}": (f'<edXML:a {one}="a"/><edXML:a {other}="b"/>', 1)
        for one, other in product(ID_NAMES, ID_NAMES)
        if one != other
    },
    **{f"{name} twice": (f'<edXML:a {name}="a"/><edXML:a {name}="a"/>', 1) for name in ID_NAMES},
    **{
        f"the Id {text!r}": (f'<edXML:a Id="{text}"/>', 1)
        for text in ("a b", "#a", "a:b", "a&#10;", "../a", "a'b", "x" * 129, "é\u0301", "http://x", "*")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", AMBIGUOUS_IDS)
def test_b09_an_ambiguous_id_is_refused(name: str, tmp_path: Path) -> None:
    attack, count = AMBIGUOUS_IDS[name]
    found = reasons(between(attack), tmp_path)
    assert len(found) == count
    assert "Id" in found[0]


def test_b09_has_its_number_of_variants() -> None:
    assert len(AMBIGUOUS_IDS) >= 40


def test_b09_ids_of_one_spelling_are_read(tmp_path: Path) -> None:
    assert mistakes(between('<edXML:a Id="a"/><edXML:a Id="b"/><edXML:a Id=""/>'), tmp_path) == []
    assert mistakes(between('<edXML:a Id="a" id="a" Id="b"/>'), tmp_path) != []  # not even XML


# --- B17 ------------------------------------------------------------------------------------------

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
FORGED = "<edXML:OrganId>000.00.66.H26</edXML:OrganId>"
SMUGGLED = [
    f"<edXML:any><edXML:From>{FORGED}</edXML:From></edXML:any>",
    f"<edXML:any><edXML:MessageHeader><edXML:To>{FORGED}</edXML:To></edXML:MessageHeader></edXML:any>",
    f'<x:From xmlns:x="urn:x">{FORGED}</x:From>',
    f'<From xmlns="">{FORGED}</From>',
    f'<x:From xmlns:x="{QCVN}/">{FORGED}</x:From>',
    f'<x:From xmlns:x="{QCVN.lower()}">{FORGED}</x:From>',
    f'<From xmlns="http://www.e-doc.vn/Schema/">{FORGED}</From>',
    f'<edXML:Sender {XSI} xsi:type="From">{FORGED}</edXML:Sender>',
    f'<x:From {XSI} xmlns:x="urn:x" xsi:type="edXML:From">{FORGED}</x:From>',
    '<edXML:OrganName xmlns:x="urn:x" x:OrganId="000.00.66.H26"/>',
    "<edXML:Choice><edXML:Subject>forged</edXML:Subject></edXML:Choice>",
    "<edXML:subject>forged</edXML:subject>",
    "<edXML:SUBJECT>forged</edXML:SUBJECT>",
    '<Subject xmlns="">forged</Subject>',
    f'<xs:any xmlns:xs="urn:xs" maxOccurs="99999999"><edXML:To>{FORGED}</edXML:To></xs:any>',
    f"<edXML:edXMLHeader><edXML:From>{FORGED}</edXML:From></edXML:edXMLHeader>",
    "<edXML:TraceHeaderList><edXML:Bussiness><edXML:BussinessDocType>1</edXML:BussinessDocType></edXML:Bussiness></edXML:TraceHeaderList>",
    f'<s:Header xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><edXML:To>{FORGED}</edXML:To></s:Header>',
    f"<edXML:ErrorList><edXML:Error>{FORGED}</edXML:Error></edXML:ErrorList>",
    "<edXML:ResponseDate><edXML:StatusCode>03</edXML:StatusCode></edXML:ResponseDate>",
    f'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Object>{FORGED}</ds:Object></ds:Signature>',
    "<edXML:any><edXML:x><Attachment><ContentTransferEncoded>QUJD</ContentTransferEncoded></Attachment></edXML:x></edXML:any>",
]
PASSED_OVER = [
    "<edXML:Telephone>024 1234</edXML:Telephone>",  # where no Telephone belongs
    "<edXML:Subject.>forged</edXML:Subject.>",
    '<xs:pattern xmlns:xs="http://www.w3.org/2001/XMLSchema" value="(a+)+$"/>',
    '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:Reference URI=""/>'
    f"</ds:SignedInfo><ds:X509Certificate>{'A' * 9_000}</ds:X509Certificate></ds:Signature>",
]
REFUSED = [
    *(
        f'<edXML:{name} {XSI} xsi:nil="true">x</edXML:{name}>'
        for name in ("Subject", "DocumentId", "From", "Code")
    ),
    *(f"<edXML:{name}/>" for name in ("Subject", "DocumentId", "From", "Code", "OtherInfo", "SignerInfo")),
    f"<edXML:From>{FORGED}</edXML:From>",
    '<v:Subject xmlns:v="http://www.mic.gov.vn/TBT/QCVN_102_2016">forged</v:Subject>',
    '<edXML:Content edXML:href="http://127.0.0.1/x"/>',
    "<edXML:Content><edXML:Subject>forged</edXML:Subject></edXML:Content>",
    "<edXML:DueDate>" + "2026/" * 20_000 + "</edXML:DueDate>",
    "<edXML:DueDate>" + "0" * 100_000 + "</edXML:DueDate>",
    "<edXML:StatusCode>" + "0" * 100_000 + "</edXML:StatusCode>",
    "<edXML:To>" + "<edXML:Fax/>" * 50_000 + "</edXML:To>",
    "<edXML:To/>" * 50_000,
    "<edXML:Subject/>" * 50_000,
]


def without_optional(text: str) -> str:
    """Leave out what the attack puts in itself."""
    return text.replace("<edXML:Content>Kết nối</edXML:Content>", "").replace(
        "<edXML:DueDate>2026/12/01</edXML:DueDate>", ""
    )


@pytest.mark.parametrize("element", PASSED_OVER)
def test_b17_what_no_standard_knows_is_not_taken_for_a_field(element: str, tmp_path: Path) -> None:
    found = read(between(element), tmp_path)
    assert (found.faults, found.document) == ((), read(java_document(), tmp_path).document)


@pytest.mark.parametrize("element", SMUGGLED)
def test_b17_a_field_that_stands_elsewhere_is_refused(element: str, tmp_path: Path) -> None:
    found = read(between(element), tmp_path)
    assert found.document is None
    assert {fault.rule for fault in found.faults} == {SAFETY}
    assert {fault.en for fault in found.faults} == {faults.HIDDEN.en}


@pytest.mark.parametrize("element", REFUSED)
def test_b17_what_can_be_read_in_two_ways_is_refused(element: str, tmp_path: Path) -> None:
    text = without_optional(java_document()).replace("<edXML:ToPlaces>", f"{element}<edXML:ToPlaces>")
    found = read(text, tmp_path)
    assert found.faults
    assert len(found.faults) <= 101
    assert found.document is None


def test_b17_has_its_number_of_variants() -> None:
    assert len(SMUGGLED) + len(PASSED_OVER) + len(REFUSED) >= 40


# --- whatever comes -------------------------------------------------------------------------------

NOT_EDXML = [
    b"", b" ", b"\xef\xbb\xbf", b"<", b"<?xml", b"<?xml version='1.0'?>", b"<edXML/>", b"<html/>",
    b"%PDF-1.7",
    b"PK\x03\x04", b"{}", b"<edXML xmlns='urn:x'/>", b"<edXML xmlns='%s'>" % QCVN.encode(), b"<a><b></a></b>",
    b"<edXMLHeader xmlns='%s'/>" % QCVN.encode(), b"</edXML>", b"<!-- -->", b"<?x y?>", b"\x1f\x8b\x08",
]  # fmt: skip


@pytest.mark.parametrize("raw", NOT_EDXML)
def test_what_is_no_packet_is_refused(raw: bytes, tmp_path: Path) -> None:
    found = read(raw, tmp_path)
    assert found.faults
    assert found == Read(dialect=found.dialect, faults=found.faults, warnings=found.warnings)


@pytest.mark.parametrize("packet", [java_document, dotnet_document, bkav_document, java_status])
def test_a_packet_cut_anywhere_is_refused(packet: object, tmp_path: Path) -> None:
    assert callable(packet)
    whole = packet().strip().encode()
    for end in range(0, len(whole), 97):
        assert read(whole[:end], tmp_path).faults


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert mistakes(java_document(Sent(content=b"")), tmp_path) == [
        "AttachmentEncoded/Attachment/ContentTransferEncoded"
    ]
