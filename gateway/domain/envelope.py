"""What a sender says about its document, whatever dialect it came in. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.domain.states import ChangeKind


class Urgency(StrEnum):
    """Độ khẩn of NĐ 30/2020: thường, khẩn, thượng khẩn, hỏa tốc."""

    NORMAL = "normal"
    URGENT = "urgent"
    VERY_URGENT = "very-urgent"
    IMMEDIATE = "immediate"


class DocumentKind(StrEnum):
    """What the sender wants done: `BussinessDocType` 0 to 3 of QCVN 102. The last three are orders."""

    NEW = "new"
    RECALL = "recall"
    UPDATE = "update"
    REPLACE = "replace"

    @property
    def change(self) -> ChangeKind | None:
        """Return what an order asks for, None for a new document."""
        return None if self is DocumentKind.NEW else ChangeKind(self.value)


class Secrecy(StrEnum):
    """Độ mật the sender declares. Anything but NONE is refused (QĐ 28/2018 Đ1.2)."""

    NONE = "none"
    CONFIDENTIAL = "mat"
    SECRET = "toi-mat"
    TOP_SECRET = "tuyet-mat"


class UnknownRecipients(StrEnum):
    """What to do when some recipients are unknown or closed."""

    REFUSE = "refuse"
    SKIP = "skip"


class Dialect(StrEnum):
    """Which spelling of edXML a packet has, or an agency wants."""

    JAVA = "java"
    DOTNET = "dotnet"
    BKAV = "bkav"
    """Read, never written."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed: for whom ("TM. ỦY BAN NHÂN DÂN"), in which position, and the name."""

    competence: str | None = None
    position: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """The clerk behind a packet."""

    department: str | None = None
    name: str | None = None
    email: str | None = None
    mobile: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """Another document, as a sender names it: `code` is number and symbol in one ("7816/VPCP-TTĐT")."""

    agency: str | None = None
    document_id: str | None = None
    code: str | None = None
    issued_on: date | None = None


@dataclass(frozen=True, slots=True)
class About:
    """A document an order changes, by its sender's id; `agencies` narrows it to some of its recipients."""

    document_id: str
    agencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a dossier as it is planned: which agency has it, and until which day."""

    agency: str
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class DossierPart:
    """What a document says about the dossier it belongs to (một cửa). `components` are component codes.

    `stages` are the whole plan as its sender knows it; with `are_next` they are no plan, but what comes next
    for each agency named: a further stage where it has done those it had.
    """

    code: str
    procedure: str | None = None
    components: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    are_next: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends what to whom, whatever dialect it came in.

    `document_id` is the sender's own id of the document (QĐ 28/2018 Đ10.2.b); `number` and
    `notation` are the two halves of its number and symbol ("12", "QĐ-UBND"). An order (any kind but NEW)
    names the documents it is `about` and its `reason`.
    """

    document_id: str
    subject: str
    to: tuple[str, ...]
    number: str | None = None
    notation: str | None = None
    kind: DocumentKind = DocumentKind.NEW
    urgency: Urgency = Urgency.NORMAL
    due_date: date | None = None
    secrecy: Secrecy = Secrecy.NONE
    unknown_recipients: UnknownRecipients = UnknownRecipients.REFUSE
    seal: bool = False
    about: tuple[About, ...] = ()
    reason: str | None = None
    issued_on: date | None = None
    place: str | None = None
    type_name: str | None = None
    content: str | None = None
    signer: Signer | None = None
    pages: int | None = None
    copies: int | None = None
    replies_to: tuple[Reference, ...] = ()
    places: tuple[str, ...] = ()
    paper_follows: bool = False
    staff: Staff | None = None
    dossier: DossierPart | None = None
