"""Which element goes to which field: the whole grammar of a packet, as one table.

Elements are known by local name alone (the reader has checked the namespace), in any order. Wrappers
(`edXML`, `edXMLHeader`, …, those of SOAP marked `soap:`) may be missing. Bkav's `Business…` is read as
`Bussiness…`.

Source: QCVN 102:2016/BTTTT 1.1 to 1.14; lengths by NĐ 30/2020/NĐ-CP, Phụ lục VI, and the field.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from adapters.edxml import values
from adapters.edxml.limits import MAX_AGENCIES, MAX_FILES, MAX_LINES, MAX_REFERENCES
from adapters.edxml.packet import (
    Attachment,
    Business,
    BusinessDocumentInfo,
    ManifestReference,
    Organ,
    OtherInfo,
    PacketSignature,
    Part,
    Receiver,
    ReplacementInfo,
    ResponseFor,
    SignatureReference,
    StaffInfo,
    Trace,
    TraceHeaderList,
)
from adapters.edxml.values import Check


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Element:
    """What is known of one element. With `children` it is a group, else a value."""

    field: str = ""
    """The field of the part around it."""

    part: Callable[..., Part] | None = None
    """Makes the part that a group is; a group that is none gives its fields to the part around it."""

    children: Mapping[str, Element] | None = None
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    constants: Mapping[str, str] = dataclasses.field(default_factory=dict)
    most: int = 1
    """How many there may be: of a list, in the whole packet."""

    is_wrapper: bool = False
    is_content: bool = False
    """Holds the bytes of an attachment."""

    or_text: bool = False
    """A group that is also met as a plain value."""

    check: Check = values.prose
    longest: int | None = None
    required: tuple[str, ...] = ()
    clause: str = ""

    @property
    def many(self) -> bool:
        """Whether it is one of a list."""
        return self.most > 1


def _text(
    field: str, longest: int | None = None, *, check: Check = values.prose, clause: str = ""
) -> Element:
    return Element(field, check=check, longest=longest, clause=clause)


def _identifier(field: str, longest: int, *, clause: str = "") -> Element:
    return Element(field, check=values.identifier, longest=longest, clause=clause)


def _merged(clause: str = "", **children: Element) -> Element:
    return Element(children=children, clause=clause)


def _algorithm(field: str) -> Element:
    return Element(children={}, attributes={"Algorithm": field})


IGNORED = frozenset({"ErrorList", "ResponseDate"})
"""Met in the field, in no standard, and of no use: passed over without a word."""

_ORGAN = {
    "OrganId": _identifier("organ_id", 64),
    "OrganizationInCharge": (_in_charge := _text("in_charge", 200)),
    "OrganInCharge": _in_charge,
    "OrganName": _text("name", 200),
    "OrganAdd": _text("address", 250),
    "Email": _text("email", 100),
    "Telephone": _text("telephone", 50),
    "Fax": _text("fax", 50),
    "Website": _text("website", 100),
}

_STAFF = Element(
    "staff",
    StaffInfo,
    {
        "Department": _text("department", 250),
        "DepartmentId": _text("department_id", 64),
        "Staff": _text("staff", 100),
        "StaffId": _text("staff_id", 64),
        "Email": _text("email", 100),
        "Mobile": _text("mobile", 50),
    },
)

_RESPONSE_FOR = Element(
    "responses_for",
    ResponseFor,
    {
        "OrganId": _identifier("organ_id", 64),
        "Code": _identifier("code", 200),
        "DocumentId": _identifier("document_id", 200),
        "PromulgationDate": _text("promulgation_date", check=values.day),
    },
    most=MAX_REFERENCES,
    clause="1.12",
)

_OTHER_INFO = Element(
    "other",
    OtherInfo,
    {
        "Priority": _text("priority", 1, check=values.number),
        "SphereOfPromulgation": _text("sphere", 100),
        "TyperNotation": _text("typer_notation", 10),
        "PromulgationAmount": _text("promulgation_amount", 3, check=values.number),
        "PageAmount": _text("page_amount", 3, check=values.number),
        "ReplyFors": Element(
            "reply_fors",
            children={"ReplyFor": Element("reply_fors", most=MAX_REFERENCES)},
            most=MAX_REFERENCES,
            or_text=True,
        ),
        "Direction": _text("direction", check=values.flag),
        "ReferenceCodes": _text("reference_codes", 1000),
        "Appendixes": _merged(Appendix=Element("appendixes", most=MAX_LINES, longest=500)),
    },
    clause="1.11",
)

MESSAGE_HEADER = _merged(
    From=Element("sender", Organ, _ORGAN, required=("OrganId",), clause="1.1"),
    To=Element("recipients", Organ, _ORGAN, required=("OrganId",), most=MAX_AGENCIES, clause="1.2"),
    DocumentId=_identifier("document_id", 200, clause="1.14"),
    Code=_merged(
        # A dossier has its own, longer code here; see `rules.py`.
        CodeNumber=_identifier("code_number", 64),
        CodeNotation=_identifier("code_notation", 30),
        clause="1.3",
    ),
    PromulgationInfo=_merged(
        Place=_text("place", 100),
        PromulgationDate=_text("promulgation_date", check=values.day),
        clause="1.4",
    ),
    DocumentType=_merged(
        Type=_text("type", check=values.number),
        TypeDetail=_text("type_detail", check=values.number),
        TypeName=_text("type_name", 100),
        clause="1.5",
    ),
    Subject=_text("subject", 500, clause="1.6"),
    Content=_text("content", clause="1.7"),
    SignerInfo=_merged(
        Competence=_text("competence", 100),
        Position=_text("position", 100),
        FullName=_text("full_name", 50),
        clause="1.8",
    ),
    DueDate=_text("due_date", check=values.day, clause="1.9"),
    OtherInfo=_OTHER_INFO,
    ResponseFor=_RESPONSE_FOR,
    SteeringType=_text("steering_type", check=values.number, clause="1.13"),
    ResponseForTask=Element(
        children={
            "TaskCode": Element("task_codes", most=MAX_REFERENCES, longest=200, check=values.identifier)
        },
        most=MAX_REFERENCES,
    ),
    ApplicationType=_identifier("application_type", 64),
    ToPlaces=_merged(Place=Element("to_places", most=MAX_AGENCIES, longest=1000), clause="1.10"),
    # Of a status:
    StaffInfo=_STAFF,
    StatusCode=_text("status_code", check=values.status),
    Description=_text("description", 500),
    Timestamp=_text("timestamp", check=values.moment),
)
"""A document's header or a status's: which of the two it is shows at the end."""

TRACE_HEADER = Element(
    "traces",
    Trace,
    {
        "OrganId": _identifier("organ_id", 64),
        "Timestamp": _text("timestamp", check=values.moment),
    },
    most=MAX_LINES,
)

_RECEIVER = Element(
    "receivers",
    Receiver,
    {
        "OrganId": _identifier("organ_id", 64),
        "ReceiverType": _text("receiver_type", check=values.number),
    },
    most=MAX_AGENCIES,
)

_BUSINESS = Element(
    "business",
    Business,
    {
        "DocumentId": _identifier("document_id", 200),
        "BussinessDocType": _text("doc_type", check=values.kind),
        "BussinessDocReason": _text("doc_reason", 500),
        "Paper": _text("paper", check=values.number),
        "BussinessDocumentInfo": Element(
            "document_info",
            BusinessDocumentInfo,
            {
                "DocumentInfo": _text("document_info", check=values.number),
                "DocumentReceiver": _text("document_receiver", check=values.number),
                "ReceiverList": _merged(Receiver=_RECEIVER),
            },
        ),
        "ReplacementInfoList": _merged(
            ReplacementInfo=Element(
                "replacements",
                ReplacementInfo,
                {
                    "DocumentId": _identifier("document_id", 200),
                    "OrganIdList": _merged(
                        OrganId=Element("organ_ids", most=MAX_AGENCIES, longest=64, check=values.identifier)
                    ),
                },
                most=MAX_REFERENCES,
            )
        ),
        "StaffInfo": _STAFF,
    },
)

TRACE_HEADER_LIST = Element(
    "trace",
    TraceHeaderList,
    {"TraceHeader": TRACE_HEADER, "Bussiness": _BUSINESS},
    attributes={"id": "id", "version": "version"},
)

_SIGNATURE = Element(
    "signature",
    PacketSignature,
    {
        "SignedInfo": _merged(
            CanonicalizationMethod=_algorithm("canonicalization"),
            SignatureMethod=_algorithm("method"),
            Reference=Element(
                "references",
                SignatureReference,
                {
                    "Transforms": _merged(
                        Transform=dataclasses.replace(_algorithm("transforms"), most=MAX_LINES),
                    ),
                    "DigestMethod": _algorithm("digest_method"),
                    "DigestValue": _text("digest_value"),
                },
                attributes={"URI": "uri"},
                most=MAX_LINES,
            ),
        ),
        "SignatureValue": _text("value"),
        "KeyInfo": _merged(
            X509Data=_merged(
                X509SubjectName=Element("subjects", most=MAX_LINES),
                X509Certificate=Element("certificates", most=MAX_LINES),
            )
        ),
    },
)

ATTACHMENT = Element(
    "attachments",
    Attachment,
    {
        "ContentId": _text("content_id", 255, check=values.content_id),
        "AttachmentName": _text("name", 255, check=values.file_name),
        "Description": _text("description", 500),
        "ContentType": _text("content_type", 255),
        "FieldName": _text("field_name", 255),
        "MimeType": _text("mime_type", 255),
        "Format": _text("format", 255),
        "ContentTransferEncoded": Element(is_content=True),
    },
    most=MAX_FILES,
)


def _manifest_reference(*, href: str = "", content_id: str = "", **rest: str) -> ManifestReference:
    """Return the reference. .NET names the content in `xlink:href` too; when both differ, neither counts."""
    linked = values.content_id(href).text
    named = content_id or linked
    return ManifestReference(content_id=named if linked in {"", named} else "", **rest)


_MANIFEST = Element(
    children={
        "Reference": Element(
            "manifest",
            _manifest_reference,
            {
                "ContentId": _text("content_id", 255, check=values.content_id),
                "ContentType": _text("content_type", 255),
                "Description": _text("description", 500),
                "AttachmentName": _text("attachment_name", 255, check=values.file_name),
            },
            attributes={"href": "href"},
            most=MAX_FILES,
        )
    },
    attributes={"version": "manifest_version"},
)

SIGNATURES = {
    name: dataclasses.replace(_SIGNATURE, constants={"name": name})
    for name in ("Signature", "DigitalSignature")
}
_IN_HEADER = {
    "MessageHeader": MESSAGE_HEADER,
    "Status": MESSAGE_HEADER,
    "TraceHeaderList": TRACE_HEADER_LIST,
    **SIGNATURES,
}
_IN_BODY = {
    "edXMLManifest": _MANIFEST,
    "Manifest": _MANIFEST,
    "AttachmentEncoded": Element(children={"Attachment": ATTACHMENT}),
}


def _wrapper(*inside: Mapping[str, Element]) -> Element:
    return Element(children={name: each for names in inside for name, each in names.items()}, is_wrapper=True)


HEADER = _wrapper(_IN_HEADER)
_BODY = _wrapper(_IN_BODY)
_PARTS = {"edXMLHeader": HEADER, "edXMLBody": _BODY, "soap:Header": _wrapper(_IN_HEADER), "soap:Body": _BODY}
_ENVELOPE = _wrapper(_PARTS, _IN_HEADER, _IN_BODY)
_SOAP_ENVELOPE = _wrapper(_PARTS, _IN_HEADER, _IN_BODY)

ROOTS = {
    "edXML": _wrapper(
        {"edXMLEnvelope": _ENVELOPE, "soap:Envelope": _SOAP_ENVELOPE}, _PARTS, _IN_HEADER, _IN_BODY
    ),
    "edXMLEnvelope": _ENVELOPE,
    "soap:Envelope": _SOAP_ENVELOPE,
}
"""The elements a packet may begin with."""

DOCUMENT_ONLY = frozenset({"recipients", "document_id", "subject", "trace", "manifest"})
"""Fields that a status packet does not have."""
