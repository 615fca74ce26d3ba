"""What a header means: edXML's texts made into the values of the domain, and back.

Headers that come in were checked by the reader: dates are `yyyy/MM/dd`, moments `yyyy/MM/dd HH:mm:ss` in
Vietnam time, numbers are numbers. What edXML has no place for (`secrecy`, which is never sent, `seal`, the
component codes of a dossier, a due date for each of its stages) is not written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum

from adapters.edxml.packet import (
    Business,
    DocumentHeader,
    Organ,
    OtherInfo,
    ReplacementInfo,
    ResponseFor,
    StaffInfo,
    StatusHeader,
    Trace,
    TraceHeaderList,
)
from gateway.domain.envelope import (
    About,
    DocumentKind,
    DossierPart,
    Envelope,
    Reference,
    Signer,
    Staff,
    Stage,
    Urgency,
)
from gateway.domain.model import Agency, AliasScheme, Document, Status
from gateway.domain.packets import StatusNotice
from gateway.domain.states import BusinessStatus
from gateway.domain.working_days import VIETNAM

DOSSIER = "MCDT_DT"
"""`ApplicationType` of a dossier (một cửa, vn-standards §7)."""
_DAY = "%Y/%m/%d"
_MOMENT = "%Y/%m/%d %H:%M:%S"
_PAPER_FOLLOWS = "1"
_WHOLE_CODE = 13
"""Characters from which on a dossier's number may be a code by itself; a document's has 11 at most."""


class _Kind(StrEnum):
    """`BussinessDocType`."""

    NEW = "0"
    RECALL = "1"
    UPDATE = "2"
    REPLACE = "3"


_PRIORITIES = {
    "1": Urgency.URGENT,
    "2": Urgency.VERY_URGENT,
    "3": Urgency.IMMEDIATE,
    "4": Urgency.IMMEDIATE,  # hỏa tốc hẹn giờ
}
_NO_PROCEDURE = frozenset({"công văn", "cong van"})
"""What dossier software writes as `TypeName` when it has nothing to say there."""
_PRIORITY_OF = {urgency: str(number) for number, urgency in enumerate(Urgency)}


# --- a document comes in -------------------------------------------------------------------------


def envelope_of(header: DocumentHeader) -> Envelope:
    """Return what a document packet says, its agencies by the codes it names them with."""
    business = (header.trace and header.trace.business) or Business()
    other = header.other or OtherInfo()
    kind = DocumentKind[_Kind(business.doc_type or "0").name]
    due_date = _date(header.due_date)
    return Envelope(
        document_id=header.document_id,
        subject=header.subject,
        to=tuple(recipient.organ_id for recipient in header.recipients),
        number=header.code_number or None,
        notation=header.code_notation or None,
        kind=kind,
        urgency=_PRIORITIES.get(other.priority, Urgency.NORMAL),
        due_date=due_date,
        about=() if kind is DocumentKind.NEW else _about(business, header.responses_for),
        reason=business.doc_reason or None,
        issued_on=_date(header.promulgation_date),
        place=header.place or None,
        type_name=header.type_name or None,
        content=header.content or None,
        signer=_signer(header),
        pages=_number(other.page_amount),
        copies=_number(other.promulgation_amount),
        replies_to=tuple(_reference(each) for each in header.responses_for if each != ResponseFor()),
        places=header.to_places,
        paper_follows=business.paper == _PAPER_FOLLOWS,
        staff=_staff(business.staff),
        dossier=_dossier(header, kind) if header.application_type == DOSSIER else None,
    )


def _about(business: Business, answered: Sequence[ResponseFor]) -> tuple[About, ...]:
    """Return the documents an order changes, from the place that says most about them."""
    replaced = tuple(
        About(each.document_id, each.organ_ids) for each in business.replacements if each.document_id
    )
    if replaced:
        return replaced
    if business.document_id:
        return (About(business.document_id),)
    return tuple(About(each.document_id) for each in answered if each.document_id)


def _signer(header: DocumentHeader) -> Signer | None:
    signer = Signer(header.competence or None, header.position or None, header.full_name or None)
    return signer if signer != Signer() else None


def _dossier(header: DocumentHeader, kind: DocumentKind) -> DossierPart | None:
    """Return the dossier of a packet. It plans nothing ahead: whoever it is sent to has the next stage."""
    code = _dossier_code(header)
    if not code:
        return None
    type_name = header.type_name if header.type_name.lower() not in _NO_PROCEDURE else ""
    due_on = _date(header.due_date)
    return DossierPart(
        code,
        procedure=type_name or None,
        stages=tuple(Stage(recipient.organ_id, due_on) for recipient in header.recipients),
        are_next=kind is DocumentKind.NEW,
    )


def _dossier_code(header: DocumentHeader) -> str:
    """Return the code of a packet's dossier, empty when it has none.

    Where no reference names it, the number does. Many agencies have a dossier "12", so that a number is
    theirs alone ("H26.01/12") unless it is a whole code as `H26.01-261121-0001` is: 13 characters or more,
    and a separator among them.
    """
    number = header.code_number
    if header.other is not None and header.other.reference_codes:
        return header.other.reference_codes
    is_whole = len(number) >= _WHOLE_CODE and any(separator in number for separator in "-./")
    return number if is_whole or not number else f"{header.sender.organ_id}/{number}"


# --- a document goes out -------------------------------------------------------------------------


def header_of(
    document: Document, *, sender: Agency, recipients: Sequence[Agency], today: date
) -> DocumentHeader:
    """Return what a packet of a document says that did not come as one."""
    envelope = document.envelope
    signer = envelope.signer or Signer()
    dossier = envelope.dossier
    sent = Trace(organ_id=organ_id_of(sender, on=today), timestamp=local_time(document.accepted_at))
    return DocumentHeader(
        sender=_organ(sender, today=today),
        recipients=tuple(_organ(recipient, today=today) for recipient in recipients),
        document_id=envelope.document_id,
        code_number=envelope.number or "",
        code_notation=envelope.notation or "",
        place=envelope.place or "",
        promulgation_date=_day_text(envelope.issued_on),
        type_name=(dossier and dossier.procedure) or envelope.type_name or "",
        subject=envelope.subject,
        content=envelope.content or "",
        competence=signer.competence or "",
        position=signer.position or "",
        full_name=signer.name or "",
        due_date=_day_text(envelope.due_date or _common_due_date(dossier)),
        other=OtherInfo(
            priority=_PRIORITY_OF[envelope.urgency],
            promulgation_amount=_number_text(envelope.copies),
            page_amount=_number_text(envelope.pages),
            reference_codes=dossier.code if dossier else "",
        ),
        responses_for=tuple(_response_for(each) for each in envelope.replies_to),
        application_type=DOSSIER if dossier else "",
        to_places=envelope.places,
        trace=TraceHeaderList(version="1.0", traces=(sent,), business=_business(envelope)),
        manifest_version="1.0",
    )


def organ_id_of(agency: Agency, *, on: date) -> str:
    """Return the code an agency has in edXML: its QCVN 102 code of that day, else our own."""
    aliases = (
        alias.value
        for alias in agency.aliases
        if alias.scheme is AliasScheme.QCVN102 and alias.is_valid_on(on)
    )
    return next(aliases, agency.code)


def local_time(moment: datetime) -> str:
    """Return a moment as edXML writes it: Vietnam time, without a zone."""
    return moment.astimezone(VIETNAM).strftime(_MOMENT)


def _organ(agency: Agency, *, today: date) -> Organ:
    return Organ(
        organ_id=organ_id_of(agency, on=today),
        name=agency.name,
        email=agency.email or "",
        telephone=agency.phone or "",
    )


def _business(envelope: Envelope) -> Business:
    about = envelope.about
    needs_list = (
        envelope.kind is DocumentKind.REPLACE or len(about) > 1 or any(each.agencies for each in about)
    )
    return Business(
        document_id=about[0].document_id if about and not needs_list else "",
        doc_type=_Kind[envelope.kind.name],
        doc_reason=envelope.reason or "",
        paper=_PAPER_FOLLOWS if envelope.paper_follows else "0",
        replacements=tuple(
            ReplacementInfo(document_id=each.document_id, organ_ids=each.agencies)
            for each in about
            if needs_list
        ),
        staff=_staff_info(envelope.staff),
    )


def _common_due_date(dossier: DossierPart | None) -> date | None:
    """Return the one due date that all stages have: a packet has room for one."""
    dates = {stage.due_on for stage in dossier.stages} if dossier else set()
    return dates.pop() if len(dates) == 1 else None


# --- statuses ------------------------------------------------------------------------------------


def notice_of(header: StatusHeader) -> StatusNotice:
    """Return what a status packet says."""
    said_at = header.timestamp
    return StatusNotice(
        status=BusinessStatus(header.status_code),
        about=_reference(header.response_for),
        description=header.description,
        said_at=_moment(said_at) if said_at else None,
        staff=_staff(header.staff),
    )


def status_header_of(
    status: Status, *, document: Document, author: Agency, addressee: str, today: date
) -> StatusHeader:
    """Return what the packet of a status says; `addressee` is the code of whom it is meant for
    (`ResponseFor/OrganId`, vn-standards §1.8)."""
    envelope = document.envelope
    answered = Reference(
        agency=addressee,
        document_id=envelope.document_id,
        code="/".join(half for half in (envelope.number, envelope.notation) if half),
        issued_on=envelope.issued_on,
    )
    return StatusHeader(
        sender=_organ(author, today=today),
        response_for=_response_for(answered),
        staff=_staff_info(status.staff),
        status_code=status.status,
        description=status.description,
        timestamp=local_time(status.said_at),
    )


# --- what they share -----------------------------------------------------------------------------


def _reference(answered: ResponseFor) -> Reference:
    return Reference(
        agency=answered.organ_id or None,
        document_id=answered.document_id or None,
        code=answered.code or None,
        issued_on=_date(answered.promulgation_date),
    )


def _response_for(reference: Reference) -> ResponseFor:
    return ResponseFor(
        organ_id=reference.agency or "",
        code=reference.code or "",
        document_id=reference.document_id or "",
        promulgation_date=_day_text(reference.issued_on),
    )


def _staff(written: StaffInfo | None) -> Staff | None:
    if written is None:
        return None
    staff = Staff(
        written.department or None, written.staff or None, written.email or None, written.mobile or None
    )
    return staff if staff != Staff() else None


def _staff_info(staff: Staff | None) -> StaffInfo | None:
    if staff is None:
        return None
    return StaffInfo(
        department=staff.department or "",
        staff=staff.name or "",
        email=staff.email or "",
        mobile=staff.mobile or "",
    )


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _MOMENT).replace(tzinfo=VIETNAM).astimezone(UTC)


def _date(text: str) -> date | None:
    return datetime.strptime(text, _DAY).date() if text else None


def _day_text(day: date | None) -> str:
    return day.isoformat().replace("-", "/") if day else ""


def _number(text: str) -> int | None:
    return int(text) if text else None


def _number_text(number: int | None) -> str:
    return "" if number is None else str(number)
