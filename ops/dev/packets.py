"""edXML packets for the demo and the bench: a letter with its signed PDF, and the answers to one."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from adapters.edxml.packet import (
    NAMESPACE,
    Attachment,
    Business,
    DocumentHeader,
    Organ,
    ResponseFor,
    StatusHeader,
    Trace,
    TraceHeaderList,
)
from adapters.edxml.write import document_packet, manifest_of, status_packet
from gateway.domain.envelope import Dialect
from gateway.domain.working_days import VIETNAM


@dataclass(frozen=True, slots=True)
class Letter:
    """A new document as a packet says it; agencies by their codes."""

    document_id: str
    number: int
    notation: str
    subject: str
    sender: str
    to: Sequence[str]


def letter_packet(letter: Letter, pdf: Path) -> bytes:
    """Return the packet of a letter, in the spelling of the Java SDK."""
    now = datetime.now(VIETNAM)
    attachment = Attachment(
        content_id="1", name=pdf.name, description=pdf.name, path=str(pdf), size_bytes=pdf.stat().st_size
    )
    header = DocumentHeader(
        sender=Organ(organ_id=letter.sender, name=letter.sender),
        recipients=tuple(Organ(organ_id=code, name=code) for code in letter.to),
        document_id=letter.document_id,
        code_number=str(letter.number),
        code_notation=letter.notation,
        place="Hà Nội",
        promulgation_date=f"{now:%Y/%m/%d}",
        type="1",
        type_name="Công văn",
        subject=letter.subject,
        trace=TraceHeaderList(
            version="1.0",
            traces=(Trace(organ_id=letter.sender, timestamp=f"{now:%Y/%m/%d %H:%M:%S}"),),
            business=Business(document_id=letter.document_id, doc_type="0", doc_reason="Văn bản điện tử mới"),
        ),
        manifest_version="1.0",
    )
    complete = msgspec.structs.replace(header, manifest=manifest_of([attachment]))
    return b"".join(document_packet(complete, [attachment], dialect=Dialect.JAVA))


def answer_packet(received: bytes, *, by: str, status: str, description: str) -> bytes:
    """Return the packet with which an agency reports a status of a document it has received as a packet."""
    # Our own exchange's packet, in a program for showing: the standard library's reader is good enough.
    document = ET.fromstring(received)
    header = StatusHeader(
        sender=Organ(organ_id=by, name=by),
        response_for=ResponseFor(
            organ_id=_text(document, "From/e:OrganId"),
            code=f"{_text(document, 'Code/e:CodeNumber')}/{_text(document, 'Code/e:CodeNotation')}",
            document_id=_text(document, "DocumentId"),
            promulgation_date=_text(document, "PromulgationInfo/e:PromulgationDate"),
        ),
        status_code=status,
        description=description,
        timestamp=f"{datetime.now(VIETNAM):%Y/%m/%d %H:%M:%S}",
    )
    return status_packet(header, dialect=Dialect.JAVA)


def status_said(packet: bytes) -> tuple[str, str]:
    """Return which document a status packet is about, by its sender's id, and the code (01 to 16)."""
    status = ET.fromstring(packet)
    about, code = (
        status.findtext(f".//e:{name}", "", {"e": NAMESPACE}).strip()
        for name in ("ResponseFor/e:DocumentId", "StatusCode")
    )
    return about, code


def _text(document: ET.Element, path: str) -> str:
    """Return the text of an element of the packet's header, empty when it is missing."""
    return document.findtext(f".//e:MessageHeader/e:{path}", "", {"e": NAMESPACE}).strip()
