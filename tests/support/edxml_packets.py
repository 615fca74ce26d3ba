"""Packets as agencies send them, in the spellings met in the field: text to be changed by tests.

Written by hand, not by our writer: what reads and what writes must not agree by mistake.
"""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from adapters.edxml.limits import ReadLimits
from adapters.edxml.packet import Read
from adapters.edxml.read import read_packet

QCVN = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
BKAV = "http://www.e-doc.vn/Schema/"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
PDF = b"%PDF-1.7\n% a decision\n%%EOF\n"
LIMITS = ReadLimits(max_files=20, max_file_bytes=4_000_000, max_total_bytes=8_000_000)

SUBJECT = "V/v kết nối, liên thông phần mềm quản lý văn bản"
DOCUMENT_ID = "000.00.01.H26,2026,118"
TARGET_ID = "000.00.01.H26,2026,97"


@dataclass(frozen=True)
class Sent:
    """A file as it is put into a packet."""

    content_id: str = "209"
    name: str = "118-QD-UBND.pdf"
    content: bytes = PDF
    content_type: str = "application/pdf"

    @property
    def encoded(self) -> str:
        return base64.b64encode(self.content).decode()


def read(raw: bytes | str, folder: Path, *, limits: ReadLimits = LIMITS) -> Read:
    """Return what the reader makes of a packet; the attachments are in a new folder under `folder`."""
    into = Path(mkdtemp(dir=folder))
    path = into.with_suffix(".edxml")
    path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    return read_packet(path, into=into, limits=limits)


def mistakes(raw: bytes | str, folder: Path, *, limits: ReadLimits = LIMITS) -> list[str]:
    """Return the elements a packet is refused for."""
    return [fault.element for fault in read(raw, folder, limits=limits).faults]


def reasons(raw: bytes | str, folder: Path) -> list[str]:
    """Return what a packet is refused for, in English."""
    return [fault.en for fault in read(raw, folder).faults]


def between(text: str) -> str:
    """Return a packet with something between two elements of its header."""
    return java_document().replace("<edXML:Subject>", f"{text}<edXML:Subject>")


def zipped(content: bytes, *, name: str = "5f0c6e1e.pdf", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP of one file, as the SDKs make it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.writestr(name, content)
    return target.getvalue()


def java_document(*files: Sent, kind: str = "0", business: str = "") -> str:
    """Return a document packet as the Java SDK writes it."""
    files = files or (Sent(),)
    manifest = "".join(_reference(file) for file in files)
    encoded = "".join(_attachment(file) for file in files)
    return f"""{DECLARATION}<edXML xmlns="{QCVN}">
  <edXML:edXMLEnvelope xmlns:edXML="{QCVN}">
    <edXML:edXMLHeader>
      <edXML:MessageHeader>
{_message()}
      </edXML:MessageHeader>
      <edXML:TraceHeaderList>
        <edXML:TraceHeader>
          <edXML:OrganId>000.00.01.H26</edXML:OrganId>
          <edXML:Timestamp>2026/11/20 08:30:00</edXML:Timestamp>
        </edXML:TraceHeader>
        <edXML:Bussiness>
          <edXML:BussinessDocType>{kind}</edXML:BussinessDocType>
          <edXML:BussinessDocReason>Văn bản điện tử mới</edXML:BussinessDocReason>
          <edXML:Paper>0</edXML:Paper>{business}
          <edXML:StaffInfo>
            <edXML:Department>Văn thư</edXML:Department>
            <edXML:Staff>Nguyễn Thị Thư</edXML:Staff>
            <edXML:Email>vanthu@example.vn</edXML:Email>
            <edXML:Mobile>0900000001</edXML:Mobile>
          </edXML:StaffInfo>
        </edXML:Bussiness>
      </edXML:TraceHeaderList>
      <Signature>
        <SignedInfo>
          <CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315" />
          <SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1" />
          <Reference URI="">
            <Transforms>
              <Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature" />
              <Transform Algorithm="http://www.w3.org/TR/xml-exc-c14n#" />
            </Transforms>
            <DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1" />
            <DigestValue>AAECAwQFBgcICQoLDA0ODxAREhM=</DigestValue>
          </Reference>
        </SignedInfo>
        <SignatureValue>AAAA</SignatureValue>
        <KeyInfo><X509Data>
          <X509SubjectName>CN=placeholder</X509SubjectName>
          <X509Certificate>AAAA</X509Certificate>
        </X509Data></KeyInfo>
      </Signature>
    </edXML:edXMLHeader>
    <edXML:edXMLBody>
      <edXML:edXMLManifest version="1.0">{manifest}
      </edXML:edXMLManifest>
    </edXML:edXMLBody>
  </edXML:edXMLEnvelope>
  <AttachmentEncoded>{encoded}
  </AttachmentEncoded>
</edXML>
"""


def dotnet_document(*files: Sent) -> str:
    """Return a document packet as the .NET SDK writes it: more attributes, `cid:` in the manifest only."""
    text = java_document(*files)
    signature = text[text.index("<Signature>") : text.index("</Signature>") + len("</Signature>")]
    attributes = (
        'id="trace" version="1.0" edXML:mustUnderstand="1" '
        'edXML:actor="http://schemas.xmlsoap.org/soap/actor/next"'
    )
    text = text.replace(signature, "<edXML:DigitalSignature />")
    text = text.replace("<edXML:TraceHeaderList>", f"<edXML:TraceHeaderList {attributes}>")
    for file in files or (Sent(),):
        listed = f"<edXML:ContentId>cid:{file.content_id}</edXML:ContentId>"
        reference = (
            f'<edXML:Reference xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'xlink:href="cid:{file.content_id}" xlink:role="file" xlink:type="simple">'
        )
        text = text.replace(f"<edXML:Reference>\n          {listed}", f"{reference}\n          {listed}")
        text = text.replace(
            f"<ContentId>cid:{file.content_id}</ContentId>", f"<ContentId>{file.content_id}</ContentId>"
        )
    return text


def bkav_document(*files: Sent) -> str:
    """Return a document packet in the older spelling: SOAP around it, `Business…`, `OrganInCharge`."""
    files = files or (Sent(),)
    text = java_document(*files)
    header = text[text.index("<edXML:MessageHeader>") : text.index("<Signature>")]
    header = header.replace("Bussiness", "Business").replace("OrganizationInCharge", "OrganInCharge")
    header = header.replace("edXML:", "e:")
    listed = "".join(_reference(file) for file in files).replace("edXML:", "e:")
    encoded = "".join(_attachment(file) for file in files).replace("edXML:", "").replace(QCVN, BKAV)
    return f"""{DECLARATION}<edXML:Envelope xmlns:edXML="{SOAP}">
  <edXML:Header xmlns:e="{BKAV}">
    {header}
  </edXML:Header>
  <edXML:Body xmlns:e="{BKAV}">
    <e:Manifest version="1.0">{listed}</e:Manifest>
    <AttachmentEncoded xmlns="{BKAV}">{encoded}</AttachmentEncoded>
  </edXML:Body>
</edXML:Envelope>
"""


def java_status(code: str = "03") -> str:
    """Return a status packet as the Java SDK writes it."""
    return f"""{DECLARATION}<edXML xmlns="{QCVN}">
  <edXML:edXMLEnvelope xmlns:edXML="{QCVN}">
    <edXML:edXMLHeader>
      <edXML:MessageHeader>{_status(code)}
      </edXML:MessageHeader>
    </edXML:edXMLHeader>
  </edXML:edXMLEnvelope>
</edXML>
"""


def bkav_status(code: str = "03") -> str:
    """Return a status packet in the older spelling: an element `Status` in a SOAP header."""
    said = _status(code).replace("edXML:", "e:")
    return f"""{DECLARATION}<edXML:Envelope xmlns:edXML="{SOAP}">
  <edXML:Header><e:Status xmlns:e="{BKAV}">{said}</e:Status></edXML:Header>
</edXML:Envelope>
"""


def recall() -> str:
    """Return an order that takes a document back."""
    return java_document(kind="1", business=f"<edXML:DocumentId>{TARGET_ID}</edXML:DocumentId>")


def update() -> str:
    """Return an order that says a document's recipients have changed."""
    return java_document(
        kind="2",
        business=f"""
          <edXML:DocumentId>{TARGET_ID}</edXML:DocumentId>
          <edXML:BussinessDocumentInfo>
            <edXML:DocumentInfo>0</edXML:DocumentInfo>
            <edXML:DocumentReceiver>1</edXML:DocumentReceiver>
            <edXML:ReceiverList><edXML:Receiver>
              <edXML:OrganId>000.00.07.H26</edXML:OrganId><edXML:ReceiverType>0</edXML:ReceiverType>
            </edXML:Receiver></edXML:ReceiverList>
          </edXML:BussinessDocumentInfo>""",
    )


def replacement() -> str:
    """Return an order that puts a document in the place of another."""
    return java_document(
        kind="3",
        business=f"""
          <edXML:ReplacementInfoList><edXML:ReplacementInfo>
            <edXML:DocumentId>{TARGET_ID}</edXML:DocumentId>
            <edXML:OrganIdList><edXML:OrganId>000.00.02.H26</edXML:OrganId></edXML:OrganIdList>
          </edXML:ReplacementInfo></edXML:ReplacementInfoList>""",
    )


def _organ(element: str, code: str, name: str) -> str:
    return f"""        <edXML:{element}>
          <edXML:OrganId>{code}</edXML:OrganId>
          <edXML:OrganizationInCharge>Ủy ban nhân dân thành phố</edXML:OrganizationInCharge>
          <edXML:OrganName>{name}</edXML:OrganName>
          <edXML:OrganAdd>12 phố Lê Lai</edXML:OrganAdd>
          <edXML:Email>vanthu@example.vn</edXML:Email>
          <edXML:Telephone>024 0000000</edXML:Telephone>
          <edXML:Fax></edXML:Fax>
          <edXML:Website/>
        </edXML:{element}>"""


def _message() -> str:
    return f"""{_organ("From", "000.00.01.H26", "Văn phòng UBND thành phố")}
{_organ("To", "000.00.02.H26", "Sở Nội vụ")}
{_organ("To", "000.00.03.H26", "Sở Tài chính")}
        <edXML:DocumentId>{DOCUMENT_ID}</edXML:DocumentId>
        <edXML:Code>
          <edXML:CodeNumber>118</edXML:CodeNumber>
          <edXML:CodeNotation>QĐ-UBND</edXML:CodeNotation>
        </edXML:Code>
        <edXML:PromulgationInfo>
          <edXML:Place>Hà Nội</edXML:Place>
          <edXML:PromulgationDate>2026/11/20</edXML:PromulgationDate>
        </edXML:PromulgationInfo>
        <edXML:DocumentType>
          <edXML:Type>2</edXML:Type>
          <edXML:TypeDetail>0</edXML:TypeDetail>
          <edXML:TypeName>Quyết định</edXML:TypeName>
        </edXML:DocumentType>
        <edXML:Subject>{SUBJECT}</edXML:Subject>
        <edXML:Content>Kết nối</edXML:Content>
        <edXML:SignerInfo>
          <edXML:Competence>TM. ỦY BAN NHÂN DÂN</edXML:Competence>
          <edXML:Position>Chủ tịch</edXML:Position>
          <edXML:FullName>Trần Văn Ký</edXML:FullName>
        </edXML:SignerInfo>
        <edXML:DueDate>2026/12/01</edXML:DueDate>
        <edXML:OtherInfo>
          <edXML:Priority>1</edXML:Priority>
          <edXML:SphereOfPromulgation>Hành chính</edXML:SphereOfPromulgation>
          <edXML:TyperNotation>NTT</edXML:TyperNotation>
          <edXML:PromulgationAmount>2</edXML:PromulgationAmount>
          <edXML:PageAmount>22</edXML:PageAmount>
          <edXML:ReplyFors>000.00.02.H26,2026,3</edXML:ReplyFors>
          <edXML:Direction>false</edXML:Direction>
          <edXML:ReferenceCodes>A1</edXML:ReferenceCodes>
          <edXML:Appendixes>
            <edXML:Appendix>Phụ lục 1</edXML:Appendix>
            <edXML:Appendix>Phụ lục 2</edXML:Appendix>
          </edXML:Appendixes>
        </edXML:OtherInfo>
        <edXML:ResponseFor/>
        <edXML:SteeringType>1</edXML:SteeringType>
        <edXML:ResponseForTask><edXML:TaskCode>T-7</edXML:TaskCode></edXML:ResponseForTask>
        <edXML:ToPlaces>
          <edXML:Place>Như trên</edXML:Place>
          <edXML:Place>Lưu: VT</edXML:Place>
        </edXML:ToPlaces>"""


def _status(code: str) -> str:
    return f"""
{_organ("From", "000.00.02.H26", "Sở Nội vụ")}
        <edXML:ResponseFor>
          <edXML:OrganId>000.00.01.H26</edXML:OrganId>
          <edXML:Code>118/QĐ-UBND</edXML:Code>
          <edXML:PromulgationDate>2026/11/20</edXML:PromulgationDate>
          <edXML:DocumentId>{DOCUMENT_ID}</edXML:DocumentId>
        </edXML:ResponseFor>
        <edXML:StaffInfo>
          <edXML:Department>Văn thư</edXML:Department>
          <edXML:Staff>Lê Thị Sổ</edXML:Staff>
        </edXML:StaffInfo>
        <edXML:StatusCode>{code}</edXML:StatusCode>
        <edXML:Description>Văn thư - Sở Nội vụ: Tiếp nhận</edXML:Description>
        <edXML:Timestamp>2026/11/20 11:08:36</edXML:Timestamp>"""


def _reference(file: Sent) -> str:
    return f"""
        <edXML:Reference>
          <edXML:ContentId>cid:{file.content_id}</edXML:ContentId>
          <edXML:ContentType>{file.content_type}</edXML:ContentType>
          <edXML:Description>{file.name}</edXML:Description>
          <edXML:AttachmentName>{file.name}</edXML:AttachmentName>
        </edXML:Reference>"""


def _attachment(file: Sent) -> str:
    encoded = (
        f'<edXML:ContentTransferEncoded xmlns:edXML="{QCVN}">{file.encoded}</edXML:ContentTransferEncoded>'
    )
    return f"""
    <Attachment>
      <ContentId>cid:{file.content_id}</ContentId>
      <AttachmentName>{file.name}</AttachmentName>
      <Description>{file.name}</Description>
      <ContentType>{file.content_type}</ContentType>
      {encoded}
    </Attachment>"""
