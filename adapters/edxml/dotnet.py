"""What the .NET dialect does otherwise: order, SOAP attributes, links in the manifest, prefixes everywhere.

Source: vn-standards §1.2 to §1.6 and packets its readers accept.
"""

from __future__ import annotations

from dataclasses import replace

from adapters.edxml import elements
from adapters.edxml.elements import CID, Element, Elements, P, manifest_reference
from adapters.edxml.packet import DocumentHeader, PacketSignature, TraceHeaderList

_ACTOR = "http://schemas.xmlsoap.org/soap/actor/next"
_XLINK = "http://www.w3.org/1999/xlink"

_ORDER = {
    "MessageHeader": "From To Code PromulgationInfo DocumentType Subject Content SignerInfo DueDate ToPlaces"
    " OtherInfo ResponseFor SteeringType DocumentId ResponseForTask ApplicationType"
    " StaffInfo StatusCode Description Timestamp",
    "DocumentType": "Type TypeName TypeDetail",
    "Bussiness": "BussinessDocType BussinessDocReason BussinessDocumentInfo DocumentId StaffInfo Paper"
    " ReplacementInfoList",
    "StaffInfo": "Department DepartmentId Staff StaffId Mobile Email",
    "Reference": "Description AttachmentName ContentType ContentId",
}
"""The order of QCVN 102 itself, which the .NET side goes by, where it differs from the Java SDK's."""


def in_order(element: Element) -> Element:
    """Return an element with its children, and theirs, in the order of the .NET dialect."""
    if isinstance(element.content, str):
        return element
    children = [in_order(child) for child in element.content]
    order = _ORDER.get(element.name.removeprefix(P), "").split()
    if order:
        children.sort(key=lambda child: order.index(child.name.removeprefix(P)))
    return replace(element, content=tuple(children))


def trace_list(trace: TraceHeaderList | None) -> Elements:
    """Return the `TraceHeaderList` with the SOAP attributes that the .NET side asks for."""
    said = trace or TraceHeaderList()
    attributes = (
        *((("id", said.id),) if said.id else ()),
        ("version", said.version or "1.0"),
        ("mustUnderstand", "1"),
        ("actor", _ACTOR),
    )
    return tuple(replace(in_order(each), attributes=attributes) for each in elements.trace_list(said))


def manifest(header: DocumentHeader) -> Element:
    """Return the `edXMLBody` whose references are links (XLink), as the .NET side asks for."""
    body = elements.manifest(header)
    (listed,) = (each for each in body.content if isinstance(each, Element))
    links = tuple(
        replace(manifest_reference(each), attributes=_link(each.content_id)) for each in header.manifest
    )
    return in_order(replace(body, content=(replace(listed, content=links),)))


def _link(content_id: str) -> tuple[tuple[str, str], ...]:
    return (
        ("xmlns:xlink", _XLINK),
        ("xlink:href", f"{CID}{content_id}"),
        ("xlink:role", "XLinkRole"),
        ("xlink:type", "simple"),
    )


def signature(carried: PacketSignature | None) -> Elements:
    """Return the packet's own signature, prefixed; an empty `DigitalSignature` when it has none."""
    written = elements.signature(carried or PacketSignature(name="DigitalSignature"))
    return tuple(_prefixed(element) for element in written)


def _prefixed(element: Element) -> Element:
    content = element.content
    if not isinstance(content, str):
        content = tuple(_prefixed(child) for child in content)
    return replace(element, name=P + element.name, content=content)
