"""Reading packets of every spelling met in the field."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.edxml.packet import ResponseFor, Trace
from gateway.domain.envelope import Dialect
from tests.support.edxml_packets import (
    BKAV,
    DOCUMENT_ID,
    PDF,
    QCVN,
    SUBJECT,
    TARGET_ID,
    Sent,
    bkav_document,
    bkav_status,
    dotnet_document,
    java_document,
    java_status,
    read,
    recall,
    replacement,
    update,
)

DOCUMENTS = {
    Dialect.JAVA: java_document,
    Dialect.DOTNET: dotnet_document,
    Dialect.BKAV: bkav_document,
}


@pytest.mark.parametrize("dialect", DOCUMENTS)
def test_a_document_is_read_whole_in_every_spelling(dialect: Dialect, tmp_path: Path) -> None:
    found = read(DOCUMENTS[dialect](), tmp_path)
    assert (found.faults, found.warnings, found.dialect) == ((), (), dialect)
    document = found.document
    assert document is not None
    assert document.sender.organ_id == "000.00.01.H26"
    assert document.sender.in_charge == "Ủy ban nhân dân thành phố"
    assert document.sender.fax == ""
    assert [to.organ_id for to in document.recipients] == ["000.00.02.H26", "000.00.03.H26"]
    assert (document.document_id, document.subject) == (DOCUMENT_ID, SUBJECT)
    assert (document.code_number, document.code_notation) == ("118", "QĐ-UBND")
    assert (document.place, document.promulgation_date) == ("Hà Nội", "2026/11/20")
    assert (document.type, document.type_detail, document.type_name) == ("2", "0", "Quyết định")
    assert (document.competence, document.position) == ("TM. ỦY BAN NHÂN DÂN", "Chủ tịch")
    assert (document.full_name, document.due_date) == ("Trần Văn Ký", "2026/12/01")
    assert document.other is not None
    assert (document.other.priority, document.other.page_amount) == ("1", "22")
    assert document.other.reply_fors == ("000.00.02.H26,2026,3",)
    assert document.other.appendixes == ("Phụ lục 1", "Phụ lục 2")
    assert document.responses_for == ()  # an empty element says nothing
    assert (document.task_codes, document.to_places) == (("T-7",), ("Như trên", "Lưu: VT"))
    assert document.trace is not None
    assert document.trace.traces == (Trace(organ_id="000.00.01.H26", timestamp="2026/11/20 08:30:00"),)
    business = document.trace.business
    assert business is not None
    assert (business.doc_type, business.paper) == ("0", "0")
    assert business.staff is not None
    assert business.staff.staff == "Nguyễn Thị Thư"


@pytest.mark.parametrize("dialect", DOCUMENTS)
def test_the_attachments_are_on_disk(dialect: Dialect, tmp_path: Path) -> None:
    second = Sent("210", "phụ lục.docx", b"PK\x03\x04 and more", "application/docx")
    found = read(DOCUMENTS[dialect](Sent(), second), tmp_path)
    assert [attachment.content_id for attachment in found.attachments] == ["209", "210"]
    assert [attachment.name for attachment in found.attachments] == ["118-QD-UBND.pdf", "phụ lục.docx"]
    assert [Path(attachment.path).name for attachment in found.attachments] == ["1", "2"]
    contents = [Path(attachment.path).read_bytes() for attachment in found.attachments]
    assert contents == [PDF, second.content]
    assert [attachment.size_bytes for attachment in found.attachments] == [len(each) for each in contents]


def test_the_own_signature_is_carried_as_it_is(tmp_path: Path) -> None:
    document = read(java_document(), tmp_path).document
    assert document is not None
    assert document.signature is not None
    assert document.signature.name == "Signature"
    assert document.signature.method.endswith("#rsa-sha1")
    assert [len(each.transforms) for each in document.signature.references] == [2]
    assert document.signature.subjects == ("CN=placeholder",)
    dotnet = read(dotnet_document(), tmp_path).document
    assert dotnet is not None
    assert dotnet.signature is not None
    assert dotnet.signature.name == "DigitalSignature"
    assert dotnet.trace is not None
    assert (dotnet.trace.id, dotnet.trace.version) == ("trace", "1.0")


def test_orders_name_what_they_are_about(tmp_path: Path) -> None:
    orders = [read(order(), tmp_path).document for order in (recall, update, replacement)]
    business = [order.trace.business for order in orders if order is not None and order.trace is not None]
    about_recall, about_update, about_replacement = (each for each in business if each is not None)
    assert (about_recall.doc_type, about_recall.document_id) == ("1", TARGET_ID)
    assert about_update.document_info is not None
    assert [each.organ_id for each in about_update.document_info.receivers] == ["000.00.07.H26"]
    assert [(each.document_id, each.organ_ids) for each in about_replacement.replacements] == [
        (TARGET_ID, ("000.00.02.H26",))
    ]


@pytest.mark.parametrize("status", [java_status, bkav_status])
@pytest.mark.parametrize("code", ["01", "02", "03", "04", "05", "06", "13", "15", "16"])
def test_each_status_is_read(status: Callable[[str], str], code: str, tmp_path: Path) -> None:
    found = read(status(code), tmp_path)
    assert (found.faults, found.warnings, found.document) == ((), (), None)
    assert found.status is not None
    assert (found.status.status_code, found.status.sender.organ_id) == (code, "000.00.02.H26")
    assert found.status.response_for == ResponseFor(
        organ_id="000.00.01.H26",
        code="118/QĐ-UBND",
        document_id=DOCUMENT_ID,
        promulgation_date="2026/11/20",
    )
    assert found.status.staff is not None
    assert found.status.staff.staff == "Lê Thị Sổ"
    assert found.status.timestamp == "2026/11/20 11:08:36"


# --- tolerance -----------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b" \r\n\t", b"\xef\xbb\xbf\r\n"])
@pytest.mark.parametrize("after", [b"", b"\r\n", b"\n \t\r\n" * 40_000])
def test_a_bom_and_white_space_around_are_accepted(before: bytes, after: bytes, tmp_path: Path) -> None:
    xml = java_document().strip().encode()
    found = read(before + xml + after, tmp_path)
    assert found.faults == ()
    assert (found.starts_at, found.ends_at) == (len(before), len(before) + len(xml))


def test_prefixes_do_not_count(tmp_path: Path) -> None:
    own = java_document().replace("edXML:", "v:").replace("xmlns:edXML", "xmlns:v")
    none = re.sub(r' xmlns:edXML="[^"]+"', "", java_document()).replace("edXML:", "")
    assert (
        read(own, tmp_path).document
        == read(none, tmp_path).document
        == read(java_document(), tmp_path).document
    )
    assert [read(text, tmp_path).prefix for text in (own, none)] == ["v:", ""]


def test_prefixed_attachments_are_read_too(tmp_path: Path) -> None:
    text = java_document()
    for name in ("AttachmentEncoded", "Attachment", "ContentId", "AttachmentName", "Description"):
        text = re.sub(rf"(</?){name}>", rf"\1edXML:{name}>", text)
    text = text.replace("<edXML:AttachmentEncoded>", f'<edXML:AttachmentEncoded xmlns:edXML="{QCVN}">')
    found = read(text, tmp_path)
    assert (found.faults, len(found.attachments)) == ((), 1)


def test_order_does_not_count(tmp_path: Path) -> None:
    text = java_document()
    head, rest = text.split("      <edXML:MessageHeader>\n")
    body, rest = rest.split("      </edXML:MessageHeader>\n")
    # Elements at the level of `Subject`, each with what is in it.
    parts = re.findall(
        r"^ {8}<edXML:(\w+)(?:/>$|>[^\n]*</edXML:\1>$|>\n.*?^ {8}</edXML:\1>$)", body, re.M | re.S
    )
    whole = re.findall(
        r"^ {8}<edXML:\w+(?:/>|>[^\n]*</edXML:\w+>|>\n.*?^ {8}</edXML:\w+>)$", body, re.M | re.S
    )
    assert len(parts) == len(whole) == 16
    expected = read(text, tmp_path).document
    for seed in range(20):
        order = [each for each in whole if "<edXML:To>" not in each]
        random.Random(seed).shuffle(order)
        order += [each for each in whole if "<edXML:To>" in each]
        mixed = "\n".join(order)
        shuffled = f"{head}<edXML:MessageHeader>\n{mixed}\n</edXML:MessageHeader>\n{rest}"
        assert read(shuffled, tmp_path).document == expected


def test_a_flat_packet_is_read(tmp_path: Path) -> None:
    flat = java_document()
    for wrapper in ("edXMLEnvelope", "edXMLHeader", "edXMLBody"):
        flat = re.sub(rf"</?edXML:{wrapper}[^>]*>", "", flat)
    flat = flat.replace(f'<edXML xmlns="{QCVN}">', f'<edXML xmlns="{QCVN}" xmlns:edXML="{QCVN}">')
    found = read(flat, tmp_path)
    assert (found.faults, found.document) == ((), read(java_document(), tmp_path).document)
    assert found.dialect is Dialect.BKAV  # so that it is never forwarded in this form


def test_a_missing_business_means_a_new_document(tmp_path: Path) -> None:
    text = re.sub(r"<edXML:TraceHeaderList>.*</edXML:TraceHeaderList>", "", java_document(), flags=re.S)
    found = read(text, tmp_path)
    assert (found.faults, found.trace_at) == ((), None)


def test_comments_between_elements_are_tolerated(tmp_path: Path) -> None:
    text = java_document().replace("<edXML:Subject>", "<!-- trích yếu --><edXML:Subject>")
    assert read(text, tmp_path).faults == ()


def test_cdata_as_a_whole_value_is_accepted(tmp_path: Path) -> None:
    text = java_document().replace(SUBJECT, "\n <![CDATA[A < B & C]]> \n")
    document = read(text, tmp_path).document
    assert document is not None
    assert document.subject == "A < B & C"


def test_unknown_and_foreign_elements_are_passed_over_with_a_warning(tmp_path: Path) -> None:
    extra = (
        "<edXML:Colour><edXML:Shade>other</edXML:Shade></edXML:Colour>"
        '<x:Shade xmlns:x="urn:x">other</x:Shade>'
        f'<b:Shade xmlns:b="{BKAV}">other</b:Shade>'
        "<edXML:ErrorList><edXML:Error/></edXML:ErrorList><edXML:ResponseDate/>"
    )
    found = read(java_document().replace("<edXML:Subject>", f"{extra}<edXML:Subject>"), tmp_path)
    assert found.document == read(java_document(), tmp_path).document
    assert [warning.split(":")[0] for warning in found.warnings] == [
        "MessageHeader/Colour",
        "MessageHeader/Shade",
    ]


def test_a_date_in_another_form_comes_back_in_the_standards(tmp_path: Path) -> None:
    text = java_document().replace("2026/12/01", "2026-12-01").replace("2026/11/20 08", "20/11/2026 08")
    found = read(text, tmp_path)
    assert found.document == read(java_document(), tmp_path).document
    assert [warning.split(":")[0] for warning in found.warnings] == [
        "MessageHeader/DueDate",
        "TraceHeaderList/TraceHeader/Timestamp",
    ]


def test_a_status_code_of_one_digit_is_completed(tmp_path: Path) -> None:
    found = read(java_status("3"), tmp_path)
    assert found.status is not None
    assert (found.status.status_code, len(found.warnings)) == ("03", 1)


def test_a_missing_manifest_is_only_warned_about(tmp_path: Path) -> None:
    text = re.sub(r"<edXML:edXMLBody>.*</edXML:edXMLBody>", "", java_document(), flags=re.S)
    found = read(text, tmp_path)
    assert (found.faults, len(found.attachments), len(found.warnings)) == ((), 1, 1)


# --- places --------------------------------------------------------------------------------------

TRACE = re.compile(r"(<edXML:TraceHeaderList)>(.*?)(</edXML:TraceHeaderList>)", re.S)
ENTRY = "<edXML:TraceHeader><edXML:OrganId>a</edXML:OrganId></edXML:TraceHeader>"


@pytest.mark.parametrize(
    ("written", "before"),
    [
        (
            f"<edXML:TraceHeaderList>{ENTRY}{ENTRY}</edXML:TraceHeaderList>",
            f"<edXML:TraceHeaderList>{ENTRY}{ENTRY}",
        ),
        (f"<edXML:TraceHeaderList> {ENTRY}<!-- a > b --></edXML:TraceHeaderList>", f" {ENTRY}"),
        (f"<edXML:TraceHeaderList>\n{ENTRY[:-1]}  ></edXML:TraceHeaderList>", f"{ENTRY[:-1]}  >"),
        ("<edXML:TraceHeaderList><edXML:TraceHeader/>\n</edXML:TraceHeaderList>", "<edXML:TraceHeader/>"),
        (
            '<edXML:TraceHeaderList version="a>b">\n</edXML:TraceHeaderList>',
            '<edXML:TraceHeaderList version="a>b">',
        ),
        ("<edXML:TraceHeaderList></edXML:TraceHeaderList>", "<edXML:TraceHeaderList>"),
        ("<edXML:TraceHeaderList><edXML:Bussiness/></edXML:TraceHeaderList>", "<edXML:TraceHeaderList>"),
        (
            f"<edXML:TraceHeaderList><edXML:Bussiness/>{ENTRY} </edXML:TraceHeaderList>",
            f"<edXML:Bussiness/>{ENTRY}",
        ),
    ],
)
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf\n"])
def test_the_place_of_a_further_trace_is_right_after_the_last(
    written: str, before: str, bom: bytes, tmp_path: Path
) -> None:
    raw = bom + TRACE.sub(lambda _: written, java_document()).encode()
    found = read(raw, tmp_path)
    assert found.faults == ()
    assert found.trace_at is not None
    assert raw[: found.trace_at].endswith(before.encode())


def test_the_place_of_a_further_trace_is_found_behind_attachments_too(tmp_path: Path) -> None:
    text = java_document()
    attachments = text[text.index("  <AttachmentEncoded>") : text.index("</edXML>\n")]
    moved = text.replace(attachments, "").replace(
        "  <edXML:edXMLEnvelope", f"{attachments}  <edXML:edXMLEnvelope"
    )
    found = read(moved, tmp_path)
    assert found.faults == ()
    assert moved.encode()[: found.trace_at].endswith(b"</edXML:TraceHeader>")


def test_a_self_closed_list_has_no_place_for_a_trace(tmp_path: Path) -> None:
    found = read(TRACE.sub('<edXML:TraceHeaderList version="1.0" />', java_document()), tmp_path)
    assert (found.faults, found.trace_at) == ((), None)


@pytest.mark.parametrize("dialect", DOCUMENTS)
def test_a_trace_put_in_its_place_is_read_as_the_last(dialect: Dialect, tmp_path: Path) -> None:
    raw = b"\n" + DOCUMENTS[dialect]().encode()
    found = read(raw, tmp_path)
    assert found.trace_at is not None
    p = found.prefix
    entry = f"<{p}TraceHeader><{p}OrganId>us</{p}OrganId></{p}TraceHeader>"
    relayed = raw[found.starts_at : found.trace_at] + entry.encode() + raw[found.trace_at : found.ends_at]
    again = read(relayed, tmp_path).document
    assert again is not None
    assert again.trace is not None
    assert [trace.organ_id for trace in again.trace.traces] == ["000.00.01.H26", "us"]
