"""What headers mean, and that nothing edXML can carry is lost on the way through it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.edxml.meaning import (
    DOSSIER,
    envelope_of,
    header_of,
    notice_of,
    organ_id_of,
    status_header_of,
)
from adapters.edxml.packet import (
    Business,
    DocumentHeader,
    Organ,
    OtherInfo,
    ReplacementInfo,
    ResponseFor,
    StaffInfo,
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
from gateway.domain.model import (
    Agency,
    AgencyCode,
    Alias,
    AliasScheme,
    DeliveryId,
    DocumentId,
    Status,
    StatusId,
)
from gateway.domain.states import BusinessStatus
from tests.support.edxml_samples import DOCUMENTS, FIRST_ID, NEW, STATUSES
from tests.support.exchange_samples import NOW, document, envelope

TODAY = date(2026, 11, 21)


def agency(code: str, *aliases: Alias) -> Agency:
    return Agency(
        AgencyCode(code), f"Cơ quan {code}", 2, aliases=aliases, email=f"{code}@example", phone="024"
    )


def there_and_back(said: Envelope) -> Envelope:
    recipients = [agency(code) for code in said.to]
    header = header_of(document(envelope=said), sender=agency("H26.00"), recipients=recipients, today=TODAY)
    return envelope_of(header)


def changed(header: DocumentHeader, **business: Any) -> DocumentHeader:
    trace = header.trace
    assert trace is not None
    assert trace.business is not None
    return msgspec.structs.replace(
        header,
        trace=msgspec.structs.replace(trace, business=msgspec.structs.replace(trace.business, **business)),
    )


# --- there and back ------------------------------------------------------------------------------

texts = st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
maybe = st.none() | texts
days = st.dates(date(1900, 1, 1), date(2999, 12, 31))
numbers = st.none() | st.integers(0, 999)
references = st.builds(Reference, maybe, maybe, maybe, st.none() | days).filter(
    lambda each: each != Reference()
)
abouts = st.builds(About, texts, st.lists(texts, max_size=2).map(tuple))
orders = st.sampled_from([DocumentKind.RECALL, DocumentKind.UPDATE, DocumentKind.REPLACE])
facts = {
    "document_id": texts,
    "subject": texts,
    "to": st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple),
    "number": maybe,
    "notation": maybe,
    "urgency": st.sampled_from(Urgency),
    "due_date": st.none() | days,
    "reason": maybe,
    "issued_on": st.none() | days,
    "place": maybe,
    "type_name": maybe,
    "content": maybe,
    "signer": st.none() | st.builds(Signer, maybe, maybe, maybe).filter(lambda each: each != Signer()),
    "pages": numbers,
    "copies": numbers,
    "replies_to": st.lists(references, max_size=2).map(tuple),
    "places": st.lists(texts, max_size=3).map(tuple),
    "paper_follows": st.booleans(),
    "staff": st.none() | st.builds(Staff, maybe, maybe, maybe, maybe).filter(lambda each: each != Staff()),
}
new_documents = st.builds(Envelope, **facts)
changing = st.lists(abouts, min_size=1, max_size=3).map(tuple)
change_orders = st.builds(Envelope, **facts, kind=orders, about=changing)


@given(said=new_documents | change_orders)
def test_an_envelope_comes_back_from_its_header_as_it_was(said: Envelope) -> None:
    assert there_and_back(said) == said


def test_a_dossier_comes_back_with_its_stages() -> None:
    due_on = date(2026, 12, 24)
    stages = tuple(Stage(code, due_on) for code in ("H26.01", "H26.02"))
    name = "1.004884 Đăng ký thành lập"
    said = envelope(
        to=("H26.01", "H26.02"),
        due_date=due_on,
        type_name=name,
        dossier=DossierPart("H26.01-261121-0001", procedure=name, stages=stages, are_next=True),
    )
    assert there_and_back(said) == said


def test_the_due_date_all_stages_share_is_the_packets() -> None:
    stages = (Stage("H26.01", date(2026, 12, 24)), Stage("H26.02", date(2026, 12, 24)))
    said = envelope(due_date=None, dossier=DossierPart("1", stages=stages))
    assert there_and_back(said).due_date == date(2026, 12, 24)
    differing = replace(said, dossier=DossierPart("1", stages=(stages[0], Stage("H26.02", date(2027, 1, 4)))))
    assert there_and_back(differing).due_date is None


@given(
    said=st.builds(
        Status,
        id=st.just(StatusId("1")),
        document=st.just(DocumentId("1")),
        delivery=st.just(DeliveryId("1")),
        author=st.just(AgencyCode("H26.01")),
        addressee=st.just(AgencyCode("H26.00")),
        status=st.sampled_from(BusinessStatus),
        at=st.just(NOW),
        said_at=st.datetimes(datetime(1900, 1, 2), datetime(2999, 1, 1), timezones=st.just(UTC)).map(
            lambda moment: moment.replace(microsecond=0)
        ),
        description=st.just("") | texts,
        staff=facts["staff"],
    )
)
def test_a_status_comes_back_from_its_header_as_it_was(said: Status) -> None:
    header = status_header_of(
        said, document=document(), author=agency("H26.01"), addressee="000.00.00.H26", today=TODAY
    )
    notice = notice_of(header)
    assert (notice.status, notice.description, notice.said_at, notice.staff) == (
        said.status,
        said.description,
        said.said_at,
        said.staff,
    )
    assert notice.about == Reference("000.00.00.H26", "VB-2026-0001", "12/QĐ-UBND", None)


# --- what single elements mean -------------------------------------------------------------------


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_each_kind_of_document_is_known(kind: str) -> None:
    assert envelope_of(DOCUMENTS[kind]).kind.value == kind


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        ("new", ()),
        ("recall", (About(FIRST_ID),)),
        ("update", (About(FIRST_ID),)),
        ("replace", (About(FIRST_ID, ("000.00.02.H26", "000.00.03.H26")),)),
    ],
)
def test_an_order_names_the_document_it_changes(kind: str, about: tuple[About, ...]) -> None:
    assert envelope_of(DOCUMENTS[kind]).about == about


def test_a_recall_may_name_its_document_as_an_answer_to_it() -> None:
    assert envelope_of(changed(DOCUMENTS["recall"], document_id="")).about == (About(FIRST_ID),)


def test_a_replacement_may_name_one_document_for_all() -> None:
    header = changed(DOCUMENTS["replace"], document_id="another", replacements=())
    assert envelope_of(header).about == (About("another"),)


def test_an_entry_of_the_replacement_list_without_a_document_names_none() -> None:
    header = changed(
        DOCUMENTS["replace"], document_id="another", replacements=(ReplacementInfo(organ_ids=("H26",)),)
    )
    assert envelope_of(header).about == (About("another"),)


def test_a_new_document_is_about_nothing_whatever_its_business_names() -> None:
    assert envelope_of(changed(NEW, document_id="an earlier one")).about == ()


def test_a_packet_without_business_is_a_new_document() -> None:
    said = envelope_of(msgspec.structs.replace(NEW, trace=None, other=None))
    assert (said.kind, said.urgency, said.paper_follows) == (DocumentKind.NEW, Urgency.NORMAL, False)


@pytest.mark.parametrize(
    ("priority", "urgency"),
    [
        ("", Urgency.NORMAL),
        ("0", Urgency.NORMAL),
        ("1", Urgency.URGENT),
        ("2", Urgency.VERY_URGENT),
        ("3", Urgency.IMMEDIATE),
        ("4", Urgency.IMMEDIATE),
        ("9", Urgency.NORMAL),
    ],
)
def test_priority_is_urgency(priority: str, urgency: Urgency) -> None:
    assert envelope_of(msgspec.structs.replace(NEW, other=OtherInfo(priority=priority))).urgency is urgency


@pytest.mark.parametrize(("paper", "follows"), [("", False), ("0", False), ("1", True)])
def test_paper_follows_when_the_packet_says_so(paper: str, follows: bool) -> None:
    assert envelope_of(changed(NEW, paper=paper)).paper_follows is follows


def test_the_facts_of_a_document_are_read() -> None:
    said = envelope_of(NEW)
    assert (said.number, said.notation, said.issued_on) == ("12", "TB-STN", date(2026, 11, 20))
    assert said.signer == Signer("TL. GIÁM ĐỐC", "Chánh Văn phòng", "Người Ký Thử")
    assert (said.pages, said.copies, said.due_date) == (3, 2, date(2026, 12, 1))
    assert said.to == ("000.00.02.H26", "000.00.03.H26")
    assert said.staff == Staff("Văn thư", "Người Soạn Thử", "thu@so-thu-nghiem.example", "0900000000")
    assert said.replies_to == (
        Reference("000.00.02.H26", "000.00.02.H26,2026/11/02,7/CV-PVD", "7/CV-PVD", date(2026, 11, 2)),
    )


def test_empty_elements_mean_nothing() -> None:
    bare = changed(msgspec.structs.replace(NEW, responses_for=(ResponseFor(),)), staff=StaffInfo())
    said = envelope_of(msgspec.structs.replace(bare, competence="", position="", full_name=""))
    assert (said.replies_to, said.staff, said.signer) == ((), None, None)


def dossier_of(**changes: Any) -> DossierPart | None:
    return envelope_of(msgspec.structs.replace(NEW, application_type=DOSSIER, **changes)).dossier


def test_a_dossier_has_the_code_among_its_references() -> None:
    found = dossier_of(other=OtherInfo(reference_codes="HS-1"))
    assert found is not None
    assert (found.code, found.procedure) == ("HS-1", "Thông báo")
    due_on = date(2026, 12, 1)
    assert found.stages == (Stage("000.00.02.H26", due_on), Stage("000.00.03.H26", due_on))


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("12", "000.00.01.H26/12"),
        ("12/2026", "000.00.01.H26/12/2026"),
        ("H26-261121-1", "000.00.01.H26/H26-261121-1"),
        ("0000000000123", "000.00.01.H26/0000000000123"),
        ("H26.01-261121-0001", "H26.01-261121-0001"),
        ("000.00.15.H26-261121-0001", "000.00.15.H26-261121-0001"),
        ("H26/2611210001", "H26/2611210001"),
    ],
)
def test_a_dossier_without_references_is_numbered_by_its_sender_or_in_full(number: str, code: str) -> None:
    sender = Organ(organ_id="000.00.01.H26", name="Sở")
    found = dossier_of(type_name="Cong van", code_number=number, sender=sender)
    assert found is not None
    assert (found.code, found.procedure) == (code, None)


@pytest.mark.parametrize(("doc_type", "are_next"), [("0", True), ("2", False), ("3", False)])
def test_a_new_document_of_a_dossier_opens_the_next_stages_and_an_order_none(
    doc_type: str, are_next: bool
) -> None:
    header = msgspec.structs.replace(changed(NEW, doc_type=doc_type), application_type=DOSSIER)
    found = envelope_of(header).dossier
    assert found is not None
    assert found.are_next is are_next


def test_a_dossier_without_any_code_is_an_ordinary_document() -> None:
    assert dossier_of(code_number="") is None


def test_an_ordinary_document_is_no_dossier() -> None:
    assert envelope_of(NEW).dossier is None


@pytest.mark.parametrize("code", STATUSES)
def test_each_status_is_known(code: str) -> None:
    notice = notice_of(STATUSES[code])
    assert notice.status.value == code
    assert notice.about.document_id == FIRST_ID
    assert notice.said_at == datetime(2026, 11, 21, 2, 15, 30, tzinfo=UTC)


# --- agencies ------------------------------------------------------------------------------------


def test_an_agency_is_named_by_its_code_of_the_day() -> None:
    old = Alias(AliasScheme.QCVN102, "000.00.01.H26", valid_until=date(2025, 6, 30))
    new = Alias(AliasScheme.QCVN102, "000.00.02.H26", valid_from=date(2025, 7, 1))
    other = Alias(AliasScheme.LEGACY, "so-cu")
    named = agency("H26.01", other, old, new)
    assert organ_id_of(named, on=date(2025, 6, 30)) == "000.00.01.H26"
    assert organ_id_of(named, on=TODAY) == "000.00.02.H26"
    assert organ_id_of(agency("H26.01", old), on=TODAY) == "H26.01"


def test_a_header_made_here_names_agencies_as_the_directory_does() -> None:
    sender = agency("H26.00", Alias(AliasScheme.QCVN102, "000.00.00.H26"))
    header = header_of(document(), sender=sender, recipients=[agency("H26.01")], today=TODAY)
    assert (header.sender.organ_id, header.sender.name) == ("000.00.00.H26", "Cơ quan H26.00")
    assert [each.organ_id for each in header.recipients] == ["H26.01"]
    assert header.trace is not None
    assert [each.organ_id for each in header.trace.traces] == ["000.00.00.H26"]
    assert header.trace.traces[0].timestamp == "2026/11/21 08:02:03"
    assert header.trace.business == Business(doc_type="0", paper="0")
