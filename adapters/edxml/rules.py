"""What a packet must hold as a whole: the rules that no single element can keep or break."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.edxml import faults
from adapters.edxml.faults import LENGTHS, LIFE_CYCLE, STANDARD, Mistakes
from adapters.edxml.fields import DOCUMENT_ONLY
from adapters.edxml.packet import (
    Business,
    DocumentHeader,
    Organ,
    ResponseFor,
    StatusHeader,
    TraceHeaderList,
)

_STATUS_ONLY = frozenset({"status_code", "description", "timestamp", "staff"})
_HEADER_FIELDS = frozenset(DocumentHeader.__struct_fields__)
_MAX_NUMBER = 11
"""Characters of a document's number; a dossier's code stands in the same place and is longer."""


def is_status(fields: Mapping[str, Any]) -> bool:
    """Return whether these are the fields of a status: it has a code, or nothing a document has."""
    if "status_code" in fields:
        return True
    is_document = bool(fields.keys() & {"recipients", "document_id", "subject", "attachments"})
    return not is_document and bool(fields.keys() & (_STATUS_ONLY | {"responses_for"}))


def status_header(fields: Mapping[str, Any], mistakes: Mistakes) -> StatusHeader:
    """Return the status these fields say, and note what is wrong with it."""
    responses: tuple[ResponseFor, ...] = fields.get("responses_for", ())
    header = StatusHeader(
        sender=fields.get("sender", Organ()),
        response_for=responses[0] if responses else ResponseFor(),
        staff=fields.get("staff"),
        status_code=fields.get("status_code", ""),
        description=fields.get("description", ""),
        timestamp=fields.get("timestamp", ""),
    )
    _demand_sender(fields, mistakes)
    _demand(header.status_code, "MessageHeader/StatusCode", mistakes)
    if not header.response_for.document_id:
        mistakes.add(faults.MISSING, element="MessageHeader/ResponseFor/DocumentId", rule=f"{STANDARD} 1.12")
    if len(responses) > 1:
        mistakes.add(faults.REPEATED, element="MessageHeader/ResponseFor", rule=f"{STANDARD} 1.12")
    if "attachments" in fields:
        mistakes.add(faults.NO_FILES_IN_STATUS, element="AttachmentEncoded", rule=STANDARD)
    if fields.keys() & DOCUMENT_ONLY:
        mistakes.warn(faults.NOT_IN_STATUS, element="edXML", rule=STANDARD)
    return header


def document_header(fields: Mapping[str, Any], mistakes: Mistakes) -> DocumentHeader:
    """Return the document these fields say, and note what is wrong with it."""
    header = DocumentHeader(**{name: fields[name] for name in fields.keys() & _HEADER_FIELDS})
    _demand_sender(fields, mistakes)
    if not header.recipients:
        mistakes.add(faults.NO_RECIPIENT, element="MessageHeader/To", rule=f"{STANDARD} 1.2")
    _demand(header.document_id, "MessageHeader/DocumentId", mistakes, clause=" 1.14")
    _demand(header.subject, "MessageHeader/Subject", mistakes, clause=" 1.6")
    if len(header.code_number) > _MAX_NUMBER and not header.application_type:
        too_long = faults.too_long(_MAX_NUMBER)
        mistakes.add(too_long, element="MessageHeader/Code/CodeNumber", rule=LENGTHS)
    if fields.keys() & _STATUS_ONLY:
        mistakes.warn(faults.UNKNOWN, element="MessageHeader", rule=STANDARD)
    business = (header.trace or TraceHeaderList()).business or Business()
    if business.doc_type in {"1", "2", "3"} and not _names_target(header, business):
        mistakes.add(faults.NO_TARGET, element="TraceHeaderList/Bussiness/DocumentId", rule=LIFE_CYCLE)
    if business.doc_type in {"", "0"} and not fields.get("attachments"):
        mistakes.add(faults.NO_ATTACHMENT, element="AttachmentEncoded", rule=STANDARD)
    return header


def _demand_sender(fields: Mapping[str, Any], mistakes: Mistakes) -> None:
    if "sender" not in fields:  # an empty one was noted where it stands
        mistakes.add(faults.MISSING, element="MessageHeader/From", rule=f"{STANDARD} 1.1")


def _demand(text: str, element: str, mistakes: Mistakes, *, clause: str = "") -> None:
    if not text:
        mistakes.add(faults.MISSING, element=element, rule=STANDARD + clause)


def _names_target(header: DocumentHeader, business: Business) -> bool:
    """Return whether an order names the document it is about, in one of the places met in the field."""
    return bool(
        business.document_id
        or any(replacement.document_id for replacement in business.replacements)
        or any(response.document_id for response in header.responses_for)
    )
