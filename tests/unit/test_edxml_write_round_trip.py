"""What is written is read back as it was: every field, nasty texts, both dialects."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.edxml.limits import ReadLimits
from adapters.edxml.packet import (
    Attachment,
    Business,
    BusinessDocumentInfo,
    DocumentHeader,
    ManifestReference,
    Organ,
    OtherInfo,
    PacketSignature,
    Part,
    Read,
    Receiver,
    ReplacementInfo,
    ResponseFor,
    SignatureReference,
    StaffInfo,
    StatusHeader,
    Trace,
    TraceHeaderList,
)
from adapters.edxml.read import read_packet
from adapters.edxml.write import document_packet, manifest_of, status_packet
from gateway.domain.envelope import Dialect
from gateway.domain.working_days import YEARS
from tests.support.edxml_samples import DOCUMENTS, GOLDEN, PDF, STATUSES

# --- texts that have broken somebody's parser ----------------------------------------------------

LETTERS = st.sampled_from(
    [*"&<>\"'-;#/ aZ09", "]]>", "<!--", "&amp;", "&#10;", "Ữ", "đ", "e\u0302\u0301", "\U0001f4c4", "\u00a0"]
)


def words(longest: int = 10) -> st.SearchStrategy[str]:
    """Texts as the reader gives them back: stripped, no longer than allowed."""
    return st.lists(LETTERS, max_size=10).map(lambda letters: "".join(letters)[:longest].strip())


LINES = st.lists(words() | st.sampled_from(["\n", "\r\n", "\r", "\t"]), max_size=4).map(
    lambda pieces: "".join(pieces).strip()
)
SAID = words().filter(bool)
FIRST, LAST = date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31)
DIGIT = st.sampled_from(["", "0", "1"])
NUMBER = st.just("") | st.integers(0, 999).map(str)
DAY = st.just("") | st.dates(FIRST, LAST).map(lambda day: f"{day:%Y/%m/%d}")
MOMENT = st.just("") | st.datetimes(datetime.combine(FIRST, time.min), datetime.combine(LAST, time.max)).map(
    lambda moment: f"{moment:%Y/%m/%d %H:%M:%S}"
)
MANY = st.lists(SAID, max_size=3).map(tuple)


def parts(kind: type[Part], **fields: Any) -> st.SearchStrategy[Any]:
    """Parts that say something; what says nothing at all need not come back."""
    return st.builds(kind, **fields).filter(lambda part: part != kind())


def some(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(part, max_size=2).map(tuple)


STAFF = parts(
    StaffInfo,
    department=words(),
    department_id=words(),
    staff=words(),
    staff_id=words(),
    email=words(),
    mobile=words(),
)
ANSWERED = parts(ResponseFor, organ_id=words(), code=words(), document_id=words(), promulgation_date=DAY)
ORGAN = st.builds(
    Organ,
    organ_id=SAID,
    in_charge=words(),
    name=words(),
    address=LINES,
    email=words(),
    telephone=words(),
    fax=words(),
    website=words(),
)
OTHER = parts(
    OtherInfo,
    priority=DIGIT,
    sphere=words(),
    typer_notation=words(),
    promulgation_amount=NUMBER,
    page_amount=NUMBER,
    reply_fors=MANY,
    direction=st.sampled_from(["", "true", "false"]),
    reference_codes=words(),
    appendixes=MANY,
)
CHANGED = parts(
    BusinessDocumentInfo,
    document_info=DIGIT,
    document_receiver=DIGIT,
    receivers=some(parts(Receiver, organ_id=words(), receiver_type=DIGIT)),
)
BUSINESS = parts(
    Business,
    document_id=SAID,
    doc_type=st.sampled_from("0123"),
    doc_reason=LINES,
    paper=DIGIT,
    document_info=st.none() | CHANGED,
    replacements=some(parts(ReplacementInfo, document_id=words(), organ_ids=MANY)),
    staff=st.none() | STAFF,
)
TRACES = st.builds(
    TraceHeaderList,
    id=st.just("") | st.from_regex(r"[\w.-]{1,20}", fullmatch=True),
    version=st.just("1.0"),
    traces=some(parts(Trace, organ_id=words(), timestamp=MOMENT)),
    business=st.none() | BUSINESS,
)
SIGNATURE = parts(
    PacketSignature,
    name=st.sampled_from(["Signature", "DigitalSignature"]),
    canonicalization=words(),
    method=words(),
    references=some(
        parts(SignatureReference, uri=words(), transforms=MANY, digest_method=words(), digest_value=words())
    ),
    value=SAID,
    subjects=MANY,
    certificates=MANY,
)
HEADERS = st.builds(
    DocumentHeader,
    sender=ORGAN,
    recipients=st.lists(ORGAN, min_size=1, max_size=3).map(tuple),
    document_id=SAID,
    code_number=words(),
    code_notation=words(),
    place=words(),
    promulgation_date=DAY,
    type=NUMBER,
    type_detail=NUMBER,
    type_name=words(),
    subject=LINES.filter(bool),
    content=LINES,
    competence=words(),
    position=words(),
    full_name=words(),
    due_date=DAY,
    other=st.none() | OTHER,
    responses_for=some(ANSWERED),
    steering_type=DIGIT,
    task_codes=MANY,
    application_type=words(),
    to_places=MANY,
    trace=st.none() | TRACES,
    signature=st.none() | SIGNATURE,
    manifest_version=st.just("1.0"),
)
STATUS_HEADERS = st.builds(
    StatusHeader,
    sender=ORGAN,
    response_for=st.builds(
        ResponseFor, organ_id=words(), code=words(), document_id=SAID, promulgation_date=DAY
    ),
    staff=st.none() | STAFF,
    status_code=st.sampled_from(list(STATUSES)),
    description=LINES,
    timestamp=MOMENT,
)
FILES = st.builds(
    Attachment,
    content_id=SAID.filter(lambda text: not text.startswith("cid:")),
    name=st.sampled_from(["a.pdf", "Công văn & phụ lục.docx", "]]>.odt.txt", "không đuôi", "a.zip", "b.doc"]),
    description=words(),
    field_name=words(),
    mime_type=words(),
    format=words(),
)


def read(packet: bytes, folder: Path) -> Read:
    received, into = folder / "packet", folder / "into"
    received.write_bytes(packet)
    into.mkdir()
    found = read_packet(received, into=into, limits=ReadLimits())
    assert found.faults == ()
    return found


def bare(attachment: Attachment) -> Attachment:
    """Return what a packet says of an attachment, without what its way through the packet adds."""
    return msgspec.structs.replace(attachment, path="", size_bytes=0, content_type="", was_zipped=False)


def dotnet_says(header: DocumentHeader) -> DocumentHeader:
    """Return a header with what the .NET dialect always has."""
    return msgspec.structs.replace(
        header,
        trace=header.trace or TraceHeaderList(version="1.0"),
        signature=header.signature or PacketSignature(name="DigitalSignature"),
    )


@settings(deadline=None, max_examples=60)
@given(header=HEADERS, file=FILES)
@pytest.mark.parametrize("dialect", [Dialect.JAVA, Dialect.DOTNET])
def test_a_document_is_read_back_as_it_was(
    header: DocumentHeader, file: Attachment, dialect: Dialect
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "content").write_bytes(PDF)
        file = msgspec.structs.replace(file, path=str(folder / "content"))
        header = msgspec.structs.replace(header, manifest=manifest_of([file]))
        found = read(b"".join(document_packet(header, [file], dialect=dialect)), folder)
        assert found.document == (header if dialect is Dialect.JAVA else dotnet_says(header))
        assert [bare(each) for each in found.attachments] == [bare(file)]
        assert [Path(each.path).read_bytes() for each in found.attachments] == [PDF]
        assert found.warnings == ()


@settings(deadline=None, max_examples=60)
@given(header=STATUS_HEADERS)
@pytest.mark.parametrize("dialect", [Dialect.JAVA, Dialect.DOTNET])
def test_a_status_is_read_back_as_it_was(header: StatusHeader, dialect: Dialect) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert read(status_packet(header, dialect=dialect), Path(folder)).status == header


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_golden_document_is_read_back_as_it_was(tmp_path: Path, kind: str) -> None:
    found = read((GOLDEN / f"java-{kind}.edxml").read_bytes(), tmp_path).document
    assert found is not None
    assert msgspec.structs.replace(found, manifest=()) == DOCUMENTS[kind]
    assert all(isinstance(each, ManifestReference) for each in found.manifest)


@pytest.mark.parametrize("code", STATUSES)
def test_a_golden_status_is_read_back_as_it_was(tmp_path: Path, code: str) -> None:
    assert read((GOLDEN / f"java-status-{code}.edxml").read_bytes(), tmp_path).status == STATUSES[code]
