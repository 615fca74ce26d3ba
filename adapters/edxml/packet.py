"""A packet as edXML says it, element by element. Values are the texts as written, stripped, "" when empty or
missing; what they mean is decided in `meaning.py`.

Names are those of the standard in our spelling; the element is named where it differs. Order of fields is
the order the Java SDK writes.

Source: QCVN 102:2016/BTTTT and its amendment 1:2022.
"""

from __future__ import annotations

import msgspec

from gateway.domain.envelope import Dialect

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every part of a packet is: a value."""


class Organ(Part, frozen=True):
    """`From` or `To`: an agency as the packet describes it."""

    organ_id: str = ""
    in_charge: str = ""  # OrganizationInCharge; Bkav: OrganInCharge
    name: str = ""  # OrganName
    address: str = ""  # OrganAdd
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""


class ResponseFor(Part, frozen=True):
    """The document a packet answers."""

    organ_id: str = ""
    code: str = ""
    document_id: str = ""
    promulgation_date: str = ""


class StaffInfo(Part, frozen=True):
    """The clerk behind a packet."""

    department: str = ""
    department_id: str = ""
    staff: str = ""
    staff_id: str = ""
    email: str = ""
    mobile: str = ""


class Trace(Part, frozen=True):
    """`TraceHeader`: one relay the packet passed, and when (`yyyy/MM/dd HH:mm:ss`, Vietnam time)."""

    organ_id: str = ""
    timestamp: str = ""


class Receiver(Part, frozen=True):
    """One `Receiver` of an update: added (0) or removed (1)."""

    organ_id: str = ""
    receiver_type: str = ""


class BusinessDocumentInfo(Part, frozen=True):
    """`BussinessDocumentInfo`: what an update changes."""

    document_info: str = ""
    document_receiver: str = ""
    receivers: tuple[Receiver, ...] = ()


class ReplacementInfo(Part, frozen=True):
    """One document that is replaced, and at whom."""

    document_id: str = ""
    organ_ids: tuple[str, ...] = ()


class Business(Part, frozen=True):
    """`Bussiness` (so on the wire; Bkav: `Business`): what is done with the document."""

    document_id: str = ""
    doc_type: str = ""  # BussinessDocType: 0 new, 1 recall, 2 update, 3 replace
    doc_reason: str = ""  # BussinessDocReason
    paper: str = ""
    document_info: BusinessDocumentInfo | None = None
    replacements: tuple[ReplacementInfo, ...] = ()
    staff: StaffInfo | None = None


class TraceHeaderList(Part, frozen=True):
    """The relays so far, and the business."""

    id: str = ""
    version: str = ""
    traces: tuple[Trace, ...] = ()
    business: Business | None = None


class OtherInfo(Part, frozen=True):
    """Further facts of the document."""

    priority: str = ""
    sphere: str = ""  # SphereOfPromulgation
    typer_notation: str = ""
    promulgation_amount: str = ""
    page_amount: str = ""
    reply_fors: tuple[str, ...] = ()  # ReplyFors
    direction: str = ""
    reference_codes: str = ""  # ReferenceCodes
    appendixes: tuple[str, ...] = ()


class SignatureReference(Part, frozen=True):
    """One `Reference` of the packet's own signature element."""

    uri: str = ""
    transforms: tuple[str, ...] = ()
    digest_method: str = ""
    digest_value: str = ""


class PacketSignature(Part, frozen=True):
    """The packet's own signature element, carried and never believed (the SDKs neither make nor check it)."""

    name: str = "Signature"  # or DigitalSignature
    canonicalization: str = ""
    method: str = ""
    references: tuple[SignatureReference, ...] = ()
    value: str = ""
    subjects: tuple[str, ...] = ()  # X509SubjectName
    certificates: tuple[str, ...] = ()  # X509Certificate


class ManifestReference(Part, frozen=True):
    """One `Reference` of the manifest."""

    content_id: str = ""  # without `cid:`
    content_type: str = ""
    description: str = ""
    attachment_name: str = ""


class DocumentHeader(Part, frozen=True):
    """Everything a document packet says besides its attachments' bytes."""

    sender: Organ = Organ()
    recipients: tuple[Organ, ...] = ()
    document_id: str = ""
    code_number: str = ""
    code_notation: str = ""
    place: str = ""
    promulgation_date: str = ""
    type: str = ""
    type_detail: str = ""
    type_name: str = ""
    subject: str = ""
    content: str = ""
    competence: str = ""
    position: str = ""
    full_name: str = ""
    due_date: str = ""
    other: OtherInfo | None = None
    responses_for: tuple[ResponseFor, ...] = ()
    steering_type: str = ""
    task_codes: tuple[str, ...] = ()  # ResponseForTask/TaskCode
    application_type: str = ""
    to_places: tuple[str, ...] = ()
    trace: TraceHeaderList | None = None
    signature: PacketSignature | None = None
    manifest: tuple[ManifestReference, ...] = ()
    manifest_version: str = ""


class StatusHeader(Part, frozen=True):
    """Everything a status packet says."""

    sender: Organ = Organ()
    response_for: ResponseFor = ResponseFor()
    staff: StaffInfo | None = None
    status_code: str = ""
    description: str = ""
    timestamp: str = ""


class Attachment(Part, frozen=True):
    """One attachment, its decoded bytes in the file `path`. `was_zipped`: it came zipped and was unpacked."""

    content_id: str = ""  # without `cid:`
    name: str = ""  # AttachmentName
    description: str = ""
    content_type: str = ""
    field_name: str = ""
    mime_type: str = ""
    format: str = ""
    path: str = ""
    size_bytes: int = 0
    was_zipped: bool = False


class Fault(Part, frozen=True):
    """One mistake of a packet: the element it is in, the rule, and what is wrong in both languages."""

    element: str
    rule: str
    vi: str
    en: str

    def __str__(self) -> str:
        return f"{self.element}: {self.vi} / {self.en} [{self.rule}]"


class Read(Part, frozen=True):
    """What the reader makes of a packet's bytes. Exactly one of `document` and `status` is there, unless
    `faults` say why not.

    `starts_at` and `ends_at` bound the XML in the bytes (a BOM, white space around it and the two bytes of
    the VXP client are outside); `trace_at` is where a relay's TraceHeader goes in, None without a list;
    `prefix` is the prefix the TraceHeaderList is written with ("edXML:" or "").
    """

    document: DocumentHeader | None = None
    status: StatusHeader | None = None
    attachments: tuple[Attachment, ...] = ()
    dialect: Dialect = Dialect.JAVA
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()
    starts_at: int = 0
    ends_at: int = 0
    trace_at: int | None = None
    prefix: str = ""
