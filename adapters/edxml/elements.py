"""Headers as XML elements, in the order and spelling of the Java SDK; `dotnet.py` makes the other dialect.

The namespace is one, but readers in the field insist on the literal prefix `edXML:` (vn-standards §1.2), so
names here are whole names as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from adapters.edxml.packet import (
    Business,
    BusinessDocumentInfo,
    DocumentHeader,
    ManifestReference,
    Organ,
    OtherInfo,
    PacketSignature,
    ResponseFor,
    SignatureReference,
    StaffInfo,
    StatusHeader,
    TraceHeaderList,
)

P = "edXML:"
CID = "cid:"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its whole name, a text or its children, and its attributes."""

    name: str
    content: str | tuple[Element, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


Elements = tuple[Element, ...]


def escaped(text: str) -> str:
    """Return a text as it stands between tags. What XML 1.0 cannot hold at all becomes U+FFFD."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A bare carriage return would come back as a line feed.
    return _NO_XML.sub("\ufffd", text.replace("\r", "&#13;"))


def start_tag(element: Element, *, end: str = ">") -> str:
    """Return the start tag of an element."""
    attributes = "".join(f' {name}="{_quoted(value)}"' for name, value in element.attributes)
    return f"<{element.name}{attributes}{end}"


def rendered(element: Element, *, depth: int) -> Iterator[str]:
    """Yield an element line by line, indented by two spaces a level."""
    indent = "  " * depth
    if not element.content:
        yield f"{indent}{start_tag(element, end='/>')}\n"
    elif isinstance(element.content, str):
        yield f"{indent}{start_tag(element)}{escaped(element.content)}</{element.name}>\n"
    else:
        yield f"{indent}{start_tag(element)}\n"
        for child in element.content:
            yield from rendered(child, depth=depth + 1)
        yield f"{indent}</{element.name}>\n"


def texts(*values: tuple[str, str], prefix: str = P) -> Elements:
    """Return an element for each named text that is not empty."""
    return tuple(Element(prefix + name, text) for name, text in values if text)


def _quoted(text: str) -> str:
    return escaped(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


def _group(name: str, *children: Element) -> Elements:
    """Return an element around the children, nothing when there are none."""
    return (Element(P + name, children),) if children else ()


# --- what both kinds of packets have -------------------------------------------------------------


def _organ(name: str, organ: Organ) -> Element:
    return Element(
        P + name,
        texts(
            ("OrganId", organ.organ_id),
            ("OrganizationInCharge", organ.in_charge),
            ("OrganName", organ.name),
            ("OrganAdd", organ.address),
            ("Email", organ.email),
            ("Telephone", organ.telephone),
            ("Fax", organ.fax),
            ("Website", organ.website),
        ),
    )


def _response_for(answered: ResponseFor) -> Element:
    return Element(
        f"{P}ResponseFor",
        texts(
            ("OrganId", answered.organ_id),
            ("Code", answered.code),
            ("DocumentId", answered.document_id),
            ("PromulgationDate", answered.promulgation_date),
        ),
    )


def _staff(staff: StaffInfo | None) -> Elements:
    if staff is None:
        return ()
    said = texts(
        ("Department", staff.department),
        ("DepartmentId", staff.department_id),
        ("Staff", staff.staff),
        ("StaffId", staff.staff_id),
        ("Email", staff.email),
        ("Mobile", staff.mobile),
    )
    return (Element(f"{P}StaffInfo", said),)


def status_message(header: StatusHeader) -> Element:
    """Return the `MessageHeader` of a status packet."""
    said = texts(
        ("StatusCode", header.status_code),
        ("Description", header.description),
        ("Timestamp", header.timestamp),
    )
    answered = _response_for(header.response_for)
    return Element(
        f"{P}MessageHeader", (_organ("From", header.sender), answered, *_staff(header.staff), *said)
    )


# --- documents -----------------------------------------------------------------------------------


def document_message(header: DocumentHeader) -> Element:
    """Return the `MessageHeader` of a document packet."""
    children = (
        _organ("From", header.sender),
        *(_organ("To", recipient) for recipient in header.recipients),
        *texts(("DocumentId", header.document_id)),
        *_group("Code", *texts(("CodeNumber", header.code_number), ("CodeNotation", header.code_notation))),
        *_group(
            "PromulgationInfo",
            *texts(("Place", header.place), ("PromulgationDate", header.promulgation_date)),
        ),
        *_group(
            "DocumentType",
            *texts(("Type", header.type), ("TypeDetail", header.type_detail), ("TypeName", header.type_name)),
        ),
        *texts(("Subject", header.subject), ("Content", header.content)),
        *_group(
            "SignerInfo",
            *texts(
                ("Competence", header.competence),
                ("Position", header.position),
                ("FullName", header.full_name),
            ),
        ),
        *texts(("DueDate", header.due_date)),
        *_other(header.other),
        *(_response_for(each) for each in header.responses_for),
        *texts(("SteeringType", header.steering_type)),
        *_group("ResponseForTask", *texts(*(("TaskCode", code) for code in header.task_codes))),
        *texts(("ApplicationType", header.application_type)),
        *_group("ToPlaces", *texts(*(("Place", place) for place in header.to_places))),
    )
    return Element(f"{P}MessageHeader", children)


def _other(other: OtherInfo | None) -> Elements:
    if other is None:
        return ()
    appendixes = texts(*(("Appendix", appendix) for appendix in other.appendixes))
    children = (
        *texts(
            ("Priority", other.priority),
            ("SphereOfPromulgation", other.sphere),
            ("TyperNotation", other.typer_notation),
            ("PromulgationAmount", other.promulgation_amount),
            ("PageAmount", other.page_amount),
            *(("ReplyFors", reply) for reply in other.reply_fors),
            ("Direction", other.direction),
            ("ReferenceCodes", other.reference_codes),
        ),
        *_group("Appendixes", *appendixes),
    )
    return (Element(f"{P}OtherInfo", children),)


def trace_list(trace: TraceHeaderList | None) -> Elements:
    """Return the `TraceHeaderList` of a document packet."""
    if trace is None:
        return ()
    named = (("id", trace.id), ("version", trace.version))
    attributes = tuple((name, value) for name, value in named if value)
    relays = tuple(
        Element(f"{P}TraceHeader", texts(("OrganId", each.organ_id), ("Timestamp", each.timestamp)))
        for each in trace.traces
    )
    return (Element(f"{P}TraceHeaderList", (*relays, *_business(trace.business)), attributes),)


def _business(business: Business | None) -> Elements:
    if business is None:
        return ()
    replaced = tuple(
        Element(
            f"{P}ReplacementInfo",
            (
                *texts(("DocumentId", each.document_id)),
                *_group("OrganIdList", *texts(*(("OrganId", organ_id) for organ_id in each.organ_ids))),
            ),
        )
        for each in business.replacements
    )
    children = (
        *texts(
            ("DocumentId", business.document_id),
            ("BussinessDocType", business.doc_type),
            ("BussinessDocReason", business.doc_reason),
            ("Paper", business.paper),
        ),
        *_document_info(business.document_info),
        *_group("ReplacementInfoList", *replaced),
        *_staff(business.staff),
    )
    return (Element(f"{P}Bussiness", children),)


def _document_info(changed: BusinessDocumentInfo | None) -> Elements:
    if changed is None:
        return ()
    receivers = tuple(
        Element(f"{P}Receiver", texts(("OrganId", each.organ_id), ("ReceiverType", each.receiver_type)))
        for each in changed.receivers
    )
    children = (
        *texts(("DocumentInfo", changed.document_info), ("DocumentReceiver", changed.document_receiver)),
        *_group("ReceiverList", *receivers),
    )
    return (Element(f"{P}BussinessDocumentInfo", children),)


def manifest(header: DocumentHeader) -> Element:
    """Return the `edXMLBody` of a document packet."""
    references = tuple(manifest_reference(each) for each in header.manifest)
    listed = Element(f"{P}edXMLManifest", references, (("version", header.manifest_version or "1.0"),))
    return Element(f"{P}edXMLBody", (listed,))


def manifest_reference(reference: ManifestReference) -> Element:
    """Return one `Reference` of the manifest."""
    return Element(
        f"{P}Reference",
        texts(
            ("ContentId", f"{CID}{reference.content_id}"),
            ("ContentType", reference.content_type),
            ("Description", reference.description),
            ("AttachmentName", reference.attachment_name),
        ),
    )


def signature(carried: PacketSignature | None) -> Elements:
    """Return the packet's own signature, in the default namespace as the Java SDK writes it."""
    if carried is None:
        return ()
    signed = (
        *_algorithm("CanonicalizationMethod", carried.canonicalization),
        *_algorithm("SignatureMethod", carried.method),
        *(_signature_reference(each) for each in carried.references),
    )
    keys = texts(
        *(("X509SubjectName", subject) for subject in carried.subjects),
        *(("X509Certificate", certificate) for certificate in carried.certificates),
        prefix="",
    )
    children = (
        *((Element("SignedInfo", signed),) if signed else ()),
        *texts(("SignatureValue", carried.value), prefix=""),
        *((Element("KeyInfo", (Element("X509Data", keys),)),) if keys else ()),
    )
    return (Element(carried.name, children),)


def _signature_reference(reference: SignatureReference) -> Element:
    transforms = tuple(element for each in reference.transforms for element in _algorithm("Transform", each))
    children = (
        *((Element("Transforms", transforms),) if transforms else ()),
        *_algorithm("DigestMethod", reference.digest_method),
        *texts(("DigestValue", reference.digest_value), prefix=""),
    )
    return Element("Reference", children, (("URI", reference.uri),))


def _algorithm(name: str, algorithm: str) -> Elements:
    return (Element(name, (), (("Algorithm", algorithm),)),) if algorithm else ()
