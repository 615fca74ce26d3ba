"""What the clients of a crash run write down, outside the system under test: one fsynced JSON line each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from time import time

import msgspec

NOBODY = 0
"""The status of an answer that did not come, or not whole: whether anything was done is unknown."""
_NOT_A_REFUSAL = frozenset({401, 408, 409, 429})
"""Answers of the 400s that only mean: not now, or with a fresh token."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One line of the journal; `at` is when it was written, in seconds of the harness's clock."""

    at: float = msgspec.field(default_factory=time)


class Attempted(Entry, frozen=True, kw_only=True):
    """A sender is about to post a document; `sha256` are its files in order."""

    key: str
    sender: str
    document_id: str
    to: tuple[str, ...]
    sha256: tuple[str, ...]
    must_be_refused: bool = False


class Answered(Entry, frozen=True, kw_only=True):
    """What came back for it. `document` and `receipt` are the exchange's ids, of a 2xx only."""

    key: str
    status: int
    content_sha256: str = ""
    document: str = ""
    receipt: str = ""
    code: str = ""

    @property
    def is_yes(self) -> bool:
        """Return whether the exchange took the document."""
        return 200 <= self.status < 300

    @property
    def is_no(self) -> bool:
        """Return whether the exchange refused it for good."""
        return 400 <= self.status < 500 and self.status not in _NOT_A_REFUSAL


class Seen(Entry, frozen=True, kw_only=True):
    """A recipient was offered a delivery at a request begun `asked_at`, and hashed the bytes it fetched."""

    agency: str
    delivery: str
    document: str
    sender: str
    document_id: str
    sha256: tuple[str, ...]
    asked_at: float


class Taken(Entry, frozen=True, kw_only=True):
    """A recipient accepted a delivery and was answered; `receipt` is the id in the receipt it got."""

    agency: str
    delivery: str
    document: str
    status: int
    receipt: str = ""

    @property
    def is_yes(self) -> bool:
        """Return whether the exchange confirmed it."""
        return 200 <= self.status < 300


class Struck(Entry, frozen=True, kw_only=True):
    """A fault, and whether work was in flight at that moment."""

    kind: str
    in_flight: bool


class Died(Entry, frozen=True, kw_only=True):
    """A process of the system ended by itself; the supervisor starts it again."""

    name: str
    code: int


class Delivered(Entry, frozen=True, kw_only=True):
    """Final read: how the sender sees one delivery of its document."""

    document: str
    recipient: str
    delivery: str
    state: str
    receipt: str = ""

    @property
    def is_final(self) -> bool:
        """Return whether nothing can happen to it any more."""
        return self.state in {"DELIVERED", "REFUSED", "EXPIRED", "RECALLED"}


class Filed(Entry, frozen=True, kw_only=True):
    """Final read: a receipt file got over `/v1`; `fault` says why it does not verify offline, if so."""

    receipt: str
    kind: str
    document: str
    delivery: str = ""
    to: tuple[str, ...] = ()
    sha256: tuple[str, ...] = ()
    fault: str = ""


class RecordedDocument(Entry, frozen=True, kw_only=True):
    """Final read: a document in the ledger."""

    document: str
    sender: str
    document_id: str


class RecordedReceipt(Entry, frozen=True, kw_only=True):
    """Final read: a receipt in the ledger."""

    receipt: str
    kind: str
    document: str
    delivery: str = ""


class LeftOver(Entry, frozen=True, kw_only=True):
    """Final read: something that should be gone is still there; `delivery` if it is one."""

    what: str
    delivery: str = ""


class FinalRead(Entry, frozen=True, kw_only=True):
    """The final read has happened, whole."""


AnyEntry = (
    Attempted
    | Answered
    | Seen
    | Taken
    | Struck
    | Died
    | Delivered
    | Filed
    | RecordedDocument
    | RecordedReceipt
    | LeftOver
    | FinalRead
)


class Progress:
    """What is in flight at present, as the journal tells it."""

    def __init__(self) -> None:
        self.answered: set[str] = set()
        """Keys of the submissions that were taken or refused for good."""
        self.accepted = 0
        self.faults = 0
        self._to: dict[str, tuple[str, ...]] = {}
        self._owed: set[tuple[str, str]] = set()
        self._taken: set[tuple[str, str]] = set()

    @property
    def unanswered(self) -> int:
        """Return how many submissions wait for their answer."""
        return len(self._to.keys() - self.answered)

    @property
    def not_taken(self) -> int:
        """Return how many deliveries of accepted documents nobody has taken yet."""
        return len(self._owed - self._taken)

    @property
    def taken(self) -> int:
        """Return how many deliveries were taken."""
        return len(self._taken)

    @property
    def is_in_flight(self) -> bool:
        """Return whether any submission has no answer yet or any delivery has not ended."""
        return not self._to.keys() <= self.answered or not self._owed <= self._taken

    def note(self, entry: AnyEntry) -> None:
        """Count one entry."""
        match entry:
            case Attempted():
                self._to[entry.key] = entry.to
            case Answered(is_yes=True):
                self.accepted += entry.key not in self.answered
                self.answered.add(entry.key)
                self._owed |= {(entry.document, agency) for agency in self._to[entry.key]}
            case Answered(is_no=True):
                self.answered.add(entry.key)
            case Taken(is_yes=True):
                # Perhaps before the sender has its answer: both sets are kept whole.
                self._taken.add((entry.document, entry.agency))
            case Struck():
                self.faults += 1


class Journal:
    """Appends entries to a file; an entry is on disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.progress = Progress()
        self._file = path.open("ab", buffering=0)
        self._encoder = msgspec.json.Encoder()

    def write(self, entry: AnyEntry) -> None:
        """Append one entry."""
        self._file.write(self._encoder.encode(entry) + b"\n")
        os.fdatasync(self._file.fileno())
        self.progress.note(entry)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path) -> Iterator[AnyEntry]:
    """Yield the entries of a journal in order."""
    decoder = msgspec.json.Decoder[AnyEntry](AnyEntry)
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)
