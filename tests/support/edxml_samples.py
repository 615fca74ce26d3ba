"""Packets for tests: four kinds of documents and nine statuses of two invented agencies, with golden files.

When the writer is meant to write otherwise, look at what changed and take it over with
`PYTHONPATH=.:queue python -c "from tests.support.edxml_samples import regenerate; regenerate()"`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from adapters.edxml.packet import (
    Attachment,
    Business,
    BusinessDocumentInfo,
    DocumentHeader,
    Organ,
    OtherInfo,
    Receiver,
    ReplacementInfo,
    ResponseFor,
    StaffInfo,
    StatusHeader,
    Trace,
    TraceHeaderList,
)
from adapters.edxml.write import document_packet, manifest_of, status_packet
from gateway.domain.envelope import Dialect

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "edxml"

PDF = b"%PDF-1.7\n% a circular\n%%EOF\n"
WORKBOOK = b"PK\x03\x04 a workbook, for all this test cares"
FILES = {"Thông báo số 12.pdf": PDF, "Phụ lục & biểu mẫu.xlsx": WORKBOOK}

SENDER = Organ(
    organ_id="000.00.01.H26",
    in_charge="Ủy ban nhân dân thành phố",
    name="Sở Thử nghiệm",
    address="Số 1 phố Mẫu",
    email="vanthu@so-thu-nghiem.example",
    telephone="024 0000 0001",
    fax="024 0000 0002",
    website="so-thu-nghiem.example",
)
RECIPIENT = Organ(
    organ_id="000.00.02.H26",
    in_charge="Ủy ban nhân dân thành phố",
    name="Phường Ví Dụ",
    email="vanthu@phuong-vi-du.example",
)
OTHER_RECIPIENT = Organ(organ_id="000.00.03.H26", name='Phường "Thử & Sai" <2>')
STAFF = StaffInfo(
    department="Văn thư", staff="Người Soạn Thử", email="thu@so-thu-nghiem.example", mobile="0900000000"
)
FIRST_ID = "000.00.01.H26,2026/11/20,12/TB-STN"


def _trace(**business: object) -> TraceHeaderList:
    return TraceHeaderList(
        id="list-1",
        version="1.0",
        traces=(Trace(organ_id="000.00.01.H26", timestamp="2026/11/20 08:30:00"),),
        business=Business(**{"paper": "0", "staff": STAFF, **business}),  # type: ignore[arg-type]
    )


NEW = DocumentHeader(
    sender=SENDER,
    recipients=(RECIPIENT, OTHER_RECIPIENT),
    document_id=FIRST_ID,
    code_number="12",
    code_notation="TB-STN",
    place="Hà Nội",
    promulgation_date="2026/11/20",
    type="1",
    type_detail="0",
    type_name="Thông báo",
    subject="V/v thử nghiệm liên thông <văn bản> & hồ sơ",
    content="Dòng thứ nhất\nDòng thứ hai",
    competence="TL. GIÁM ĐỐC",
    position="Chánh Văn phòng",
    full_name="Người Ký Thử",
    due_date="2026/12/01",
    other=OtherInfo(
        priority="1",
        sphere="Liên thông văn bản",
        typer_notation="NST",
        promulgation_amount="2",
        page_amount="3",
        direction="false",
        appendixes=("Phụ lục I", "Phụ lục II"),
    ),
    responses_for=(
        ResponseFor(
            organ_id="000.00.02.H26",
            code="7/CV-PVD",
            document_id="000.00.02.H26,2026/11/02,7/CV-PVD",
            promulgation_date="2026/11/02",
        ),
    ),
    steering_type="1",
    to_places=("Như trên", "Lưu: VT"),
    trace=_trace(doc_type="0", doc_reason="Văn bản điện tử mới"),
    manifest_version="1.0",
)


def _order(number: int, **business: object) -> DocumentHeader:
    return msgspec.structs.replace(
        NEW,
        recipients=(RECIPIENT,),
        document_id=f"000.00.01.H26,2026/11/21,{number}/TB-STN",
        code_number=str(number),
        promulgation_date="2026/11/21",
        responses_for=(),
        trace=_trace(**business),
    )


DOCUMENTS = {
    "new": NEW,
    "recall": msgspec.structs.replace(
        _order(13, document_id=FIRST_ID, doc_type="1", doc_reason="Gửi nhầm nơi nhận"),
        responses_for=(
            ResponseFor(
                organ_id="000.00.01.H26",
                code="12/TB-STN",
                document_id=FIRST_ID,
                promulgation_date="2026/11/20",
            ),
        ),
    ),
    "update": _order(
        14,
        document_id=FIRST_ID,
        doc_type="2",
        doc_reason="Bổ sung nơi nhận",
        document_info=BusinessDocumentInfo(
            document_info="1",
            document_receiver="1",
            receivers=(Receiver(organ_id="000.00.03.H26", receiver_type="0"),),
        ),
    ),
    "replace": _order(
        15,
        doc_type="3",
        doc_reason="Thay thế do sai thể thức",
        replacements=(ReplacementInfo(document_id=FIRST_ID, organ_ids=("000.00.02.H26", "000.00.03.H26")),),
    ),
}
"""One document of each kind, without its manifest."""

_SAID = {
    "01": "Hệ thống: Đã đến",
    "02": "Văn thư: Từ chối, sai nơi nhận",
    "03": "Văn thư: Đã tiếp nhận, vào sổ văn bản đến",
    "04": "Lãnh đạo: Đã phân công xử lý",
    "05": "Chuyên viên: Đang xử lý",
    "06": "Văn thư: Đã hoàn thành",
    "13": "Văn thư: Đề nghị lấy lại do gửi nhầm",
    "15": "Văn thư: Đồng ý",
    "16": "Văn thư: Không đồng ý, đã xử lý xong",
}


def status(code: str) -> StatusHeader:
    """Return a status about the first document: 13 of its sender, all others of its recipient."""
    author, addressee = (SENDER, RECIPIENT) if code == "13" else (RECIPIENT, SENDER)
    return StatusHeader(
        sender=author,
        response_for=ResponseFor(
            organ_id=addressee.organ_id,
            code="12/TB-STN",
            document_id=FIRST_ID,
            promulgation_date="2026/11/20",
        ),
        staff=STAFF,
        status_code=code,
        description=_SAID[code],
        timestamp="2026/11/21 09:15:30",
    )


STATUSES = {code: status(code) for code in _SAID}


def attachments(folder: Path) -> tuple[Attachment, ...]:
    """Write the files into a folder and return them as attachments."""
    written = []
    for number, (name, content) in enumerate(FILES.items(), start=1):
        path = folder / f"file-{number}"
        path.write_bytes(content)
        written.append(
            Attachment(
                content_id=f"file-{number}",
                name=name,
                description=f"Tệp {number}",
                path=str(path),
                size_bytes=len(content),
            )
        )
    return tuple(written)


def packet(header: DocumentHeader, files: tuple[Attachment, ...], *, dialect: Dialect) -> bytes:
    """Return the whole packet of a document with these files."""
    complete = msgspec.structs.replace(header, manifest=manifest_of(files))
    return b"".join(document_packet(complete, files, dialect=dialect))


def golden_packets(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of every golden file, as the writer makes them now."""
    files = attachments(folder)
    for kind, header in DOCUMENTS.items():
        some = files if kind == "new" else files[:1]
        yield f"java-{kind}.edxml", packet(header, some, dialect=Dialect.JAVA)
        yield f"dotnet-{kind}.edxml", packet(header, some, dialect=Dialect.DOTNET)
    for code, said in STATUSES.items():
        yield f"java-status-{code}.edxml", status_packet(said, dialect=Dialect.JAVA)
    yield "dotnet-status-03.edxml", status_packet(STATUSES["03"], dialect=Dialect.DOTNET)


def regenerate() -> None:
    """Write all golden files anew."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in golden_packets(Path(folder)):
            (GOLDEN / name).write_bytes(content)
