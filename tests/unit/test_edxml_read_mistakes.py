"""Every mistake of a packet is named, all at once, in both languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.edxml_packets import (
    DOCUMENT_ID,
    SUBJECT,
    Sent,
    java_document,
    java_status,
    mistakes,
    read,
    recall,
    replacement,
)


def without(element: str, text: str) -> str:
    return re.sub(rf"<edXML:{element}>.*?</edXML:{element}>", "", text, flags=re.S)


def with_text(element: str, text: str) -> Callable[[], str]:
    return lambda: re.sub(rf"(<edXML:{element}>)[^<]*<", rf"\g<1>{text}<", java_document(), count=1)


MISTAKES: dict[str, tuple[Callable[[], str], list[str]]] = {
    "no sender": (lambda: without("From", java_document()), ["MessageHeader/From"]),
    "empty sender": (with_text("OrganId", " "), ["MessageHeader/From/OrganId"]),
    "second recipient without code": (
        lambda: java_document().replace("<edXML:OrganId>000.00.03.H26</edXML:OrganId>", ""),
        ["MessageHeader/To[2]/OrganId"],
    ),
    "no recipient": (lambda: without("To", java_document()), ["MessageHeader/To"]),
    "no document id": (lambda: without("DocumentId", java_document()), ["MessageHeader/DocumentId"]),
    "empty subject": (with_text("Subject", ""), ["MessageHeader/Subject"]),
    "two subjects": (
        lambda: java_document().replace("<edXML:Subject>", "<edXML:Subject>A</edXML:Subject><edXML:Subject>"),
        ["MessageHeader/Subject"],
    ),
    "an empty subject and another": (
        lambda: java_document().replace("<edXML:Subject>", "<edXML:Subject/><edXML:Subject>"),
        ["MessageHeader/Subject", "MessageHeader/Subject"],
    ),
    "two codes": (
        lambda: java_document().replace("<edXML:Code>", "<edXML:Code/><edXML:Code>"),
        ["MessageHeader/Code"],
    ),
    "two message headers": (
        lambda: java_document().replace(
            "</edXML:MessageHeader>", "</edXML:MessageHeader><edXML:MessageHeader/>"
        ),
        ["MessageHeader"],
    ),
    "two headers": (
        lambda: java_document().replace("<edXML:edXMLBody>", "<edXML:edXMLHeader/><edXML:edXMLBody>"),
        ["edXMLHeader"],
    ),
    "both spellings of one element": (
        lambda: java_document().replace("<edXML:OrganName>", "<edXML:OrganInCharge/><edXML:OrganName>", 1),
        ["MessageHeader/From/OrganInCharge"],
    ),
    "an element in a value": (with_text("Subject", "A<edXML:b/>"), ["MessageHeader/Subject"]),
    "text beside elements": (
        lambda: java_document().replace("<edXML:From>", "<edXML:From>000.00.09.H26"),
        ["MessageHeader/From"],
    ),
    "no such day": (
        with_text("PromulgationDate", "2026/02/30"),
        ["MessageHeader/PromulgationInfo/PromulgationDate"],
    ),
    "day or month": (with_text("DueDate", "05/06/2026"), ["MessageHeader/DueDate"]),
    "a date of the year 1": (with_text("DueDate", "0001/01/01"), ["MessageHeader/DueDate"]),
    "a date of the year 9999": (with_text("DueDate", "9999/12/31"), ["MessageHeader/DueDate"]),
    "a moment of the year 9999": (
        with_text("Timestamp", "9999/12/31 23:59:59"),
        ["TraceHeaderList/TraceHeader/Timestamp"],
    ),
    "a moment without time": (
        with_text("Timestamp", "2026/11/20"),
        ["TraceHeaderList/TraceHeader/Timestamp"],
    ),
    "a 25th hour": (with_text("Timestamp", "2026/11/20 25:00:00"), ["TraceHeaderList/TraceHeader/Timestamp"]),
    "letters for a number": (with_text("PageAmount", "ba"), ["MessageHeader/OtherInfo/PageAmount"]),
    "a negative number": (with_text("SteeringType", "-1"), ["MessageHeader/SteeringType"]),
    "digits of another script": (with_text("Priority", "١"), ["MessageHeader/OtherInfo/Priority"]),
    "four digits of pages": (with_text("PageAmount", "1000"), ["MessageHeader/OtherInfo/PageAmount"]),
    "perhaps": (with_text("Direction", "perhaps"), ["MessageHeader/OtherInfo/Direction"]),
    "a fifth kind": (with_text("BussinessDocType", "4"), ["TraceHeaderList/Bussiness/BussinessDocType"]),
    "a recall of nothing": (
        lambda: java_document(kind="1"),
        ["TraceHeaderList/Bussiness/DocumentId"],
    ),
    "a replacement of nothing": (
        lambda: without("ReplacementInfo", replacement()),
        ["TraceHeaderList/Bussiness/DocumentId"],
    ),
    "a long subject": (with_text("Subject", "ở" * 501), ["MessageHeader/Subject"]),
    "a long code": (with_text("OrganId", "0" * 65), ["MessageHeader/From/OrganId"]),
    "a long number": (with_text("CodeNumber", "123456789012"), ["MessageHeader/Code/CodeNumber"]),
    **{
        f"{unicodedata.name(letter, repr(letter))} in prose": (
            with_text(name, f"a{letter}b"),
            [f"MessageHeader/{name}"],
        )
        for letter in "\u00ad\u200b\u200d\u2028\u2060\ufeff"
        for name in ("Subject", "Content")
    },
    "writing turned around": (with_text("Subject", "a\u202eb"), ["MessageHeader/Subject"]),
    "an invisible letter in a code": (with_text("OrganId", "H26\u200b"), ["MessageHeader/From/OrganId"]),
    "a control character": (with_text("Content", "a\u0085b"), ["MessageHeader/Content"]),
    "a new document without attachment": (
        lambda: re.sub(
            r"<AttachmentEncoded>.*</AttachmentEncoded>",
            "",
            without("edXMLBody", java_document()),
            flags=re.S,
        ),
        ["AttachmentEncoded"],
    ),
    "a path for a name": (
        lambda: java_document(Sent(name="../../etc/cron.d/0")),
        ["edXMLManifest/Reference/AttachmentName", "AttachmentEncoded/Attachment/AttachmentName"],
    ),
    "no status code": (lambda: without("StatusCode", java_status()), ["MessageHeader/StatusCode"]),
    "another status code": (lambda: java_status("07"), ["MessageHeader/StatusCode"]),
    "a status about nothing": (
        lambda: without("ResponseFor", java_status()),
        ["MessageHeader/ResponseFor/DocumentId"],
    ),
    "a status about two": (
        lambda: java_status().replace(
            "</edXML:ResponseFor>",
            "</edXML:ResponseFor><edXML:ResponseFor><edXML:DocumentId>x</edXML:DocumentId></edXML:ResponseFor>",
        ),
        ["MessageHeader/ResponseFor"],
    ),
    "a status of nobody": (lambda: without("From", java_status()), ["MessageHeader/From"]),
    "a long description": (
        lambda: java_status().replace("Tiếp nhận", "x" * 501),
        ["MessageHeader/Description"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_names_its_element(name: str, tmp_path: Path) -> None:
    packet, elements = MISTAKES[name]
    assert mistakes(packet(), tmp_path) == elements


def test_an_order_needs_no_attachment(tmp_path: Path) -> None:
    text = re.sub(
        r"<AttachmentEncoded>.*</AttachmentEncoded>", "", without("edXMLBody", recall()), flags=re.S
    )
    assert mistakes(text, tmp_path) == []


def test_an_order_may_name_its_document_as_an_answer(tmp_path: Path) -> None:
    answered = f"<edXML:ResponseFor><edXML:DocumentId>{DOCUMENT_ID}</edXML:DocumentId></edXML:ResponseFor>"
    assert mistakes(java_document(kind="1").replace("<edXML:ResponseFor/>", answered), tmp_path) == []


def test_a_dossier_has_a_longer_number(tmp_path: Path) -> None:
    text = with_text("CodeNumber", "000.00.12.H26-261120-0001")()
    dossier = text.replace(
        "<edXML:ToPlaces>", "<edXML:ApplicationType>MCDT_DT</edXML:ApplicationType><edXML:ToPlaces>"
    )
    assert mistakes(dossier, tmp_path) == []


def test_all_mistakes_are_reported_at_once_in_both_languages(tmp_path: Path) -> None:
    text = without("DocumentId", java_document(Sent(), Sent())).replace(SUBJECT, "x" * 501)
    text = text.replace("2026/12/01", "soon").replace("JVBERi0", "****", 1)
    faults = read(text, tmp_path).faults
    assert [(fault.element, fault.rule) for fault in faults] == [
        ("MessageHeader/Subject", "NĐ 30/2020/NĐ-CP PL VI"),
        ("MessageHeader/DueDate", "QCVN 102:2016 1.9"),
        ("AttachmentEncoded/Attachment/ContentTransferEncoded", "QCVN 102:2016"),
        ("MessageHeader/DocumentId", "QCVN 102:2016 1.14"),
        ("edXMLManifest/Reference[2]/ContentId", "QCVN 102:2016"),
        ("AttachmentEncoded/Attachment[2]/ContentId", "QCVN 102:2016"),
    ]
    assert all(fault.vi and fault.en and fault.vi != fault.en for fault in faults)
    assert str(faults[0]) == (
        "MessageHeader/Subject: dài quá 500 ký tự / is longer than 500 characters [NĐ 30/2020/NĐ-CP PL VI]"
    )


def test_no_mistake_repeats_what_the_packet_holds(tmp_path: Path) -> None:
    secret = "<![CDATA[<script>alert(1)</script>]]>"
    text = java_document()
    for element in (
        "DueDate",
        "PageAmount",
        "PromulgationDate",
        "Timestamp",
        "BussinessDocType",
        "Direction",
    ):
        text = re.sub(rf"(<edXML:{element}>)[^<]*<", rf"\g<1>{secret}<", text)
    found = read(text, tmp_path)
    assert len(found.faults) == 6
    assert "script" not in "".join(map(str, found.faults))


def test_a_packet_full_of_mistakes_gets_a_short_answer(tmp_path: Path) -> None:
    text = java_document().replace("<edXML:DocumentId>", "<edXML:To/>" * 1_500 + "<edXML:DocumentId>")
    faults = read(text, tmp_path).faults
    assert len(faults) == 101
    assert faults[-1].en == "there are more mistakes"
