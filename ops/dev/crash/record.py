"""A crash run's journal, sorted for the checker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from ops.dev.crash.journal import (
    Answered,
    AnyEntry,
    Attempted,
    Delivered,
    Entry,
    Filed,
    RecordedDocument,
    Seen,
    Taken,
)

E = TypeVar("E", bound=Entry)
K = TypeVar("K")


@dataclass(slots=True)
class Submission:
    """Everything the journal says about one Idempotency-Key."""

    attempt: Attempted
    answers: list[Answered] = field(default_factory=list)

    @property
    def answers_yes(self) -> list[Answered]:
        """Return the answers that took the document."""
        return [answer for answer in self.answers if answer.is_yes]

    @property
    def answers_no(self) -> list[Answered]:
        """Return the answers that refused it for good."""
        return [answer for answer in self.answers if answer.is_no]

    @property
    def may_exist(self) -> bool:
        """Return whether the document may stand in the exchange: unless all we heard is a refusal."""
        return bool(self.answers_yes) or not self.answers_no

    @property
    def document(self) -> str:
        """Return the exchange's id of the accepted document."""
        return self.answers_yes[0].document

    @property
    def name(self) -> str:
        """Return what to call it in a finding."""
        return f"{self.attempt.sender}/{self.attempt.document_id}"


class Record:
    """The entries of a journal, each found by what it is about."""

    def __init__(self, entries: Iterable[AnyEntry]) -> None:
        self.submissions: dict[str, Submission] = {}
        self._others: dict[type, list[Entry]] = defaultdict(list)
        for entry in entries:
            match entry:
                case Attempted():
                    self.submissions.setdefault(entry.key, Submission(entry))
                case Answered():
                    self.submissions[entry.key].answers.append(entry)
                case _:
                    self._others[type(entry)].append(entry)

    def all(self, kind: type[E]) -> list[E]:
        """Return all entries of a kind, in order; attempts and answers are in `submissions`."""
        return [entry for entry in self._others[kind] if isinstance(entry, kind)]

    @cached_property
    def accepted(self) -> list[Submission]:
        """Return the submissions the exchange took, and had to take."""
        return [
            each
            for each in self.submissions.values()
            if each.answers_yes and not each.attempt.must_be_refused
        ]

    @cached_property
    def recorded(self) -> frozenset[str]:
        """Return the ids of the documents in the ledger."""
        return frozenset(each.document for each in self.all(RecordedDocument))

    def attempted(self, *, sender: str, document_id: str) -> Submission | None:
        """Return the submission of a sender's document."""
        return self._by_name.get((sender, document_id))

    def seen_of(self, submission: Submission) -> list[Seen]:
        """Return how recipients saw a document."""
        return self._seen.get((submission.attempt.sender, submission.attempt.document_id), [])

    def taken_of(self, delivery: str) -> list[Taken]:
        """Return the attempts to accept a delivery."""
        return self._taken.get(delivery, [])

    def ends_of(self, submission: Submission) -> list[Delivered]:
        """Return how its deliveries stood at the final read."""
        return self._ends.get(submission.document, [])

    def filed_of(self, document: str, delivery: str) -> list[Filed]:
        """Return the receipt files about a delivery, or about the document itself (`delivery` empty)."""
        return self._filed.get((document, delivery), [])

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], Submission]:
        return {(each.attempt.sender, each.attempt.document_id): each for each in self.submissions.values()}

    @cached_property
    def _seen(self) -> Mapping[tuple[str, str], list[Seen]]:
        return _grouped(self.all(Seen), lambda seen: (seen.sender, seen.document_id))

    @cached_property
    def _taken(self) -> Mapping[str, list[Taken]]:
        return _grouped(self.all(Taken), lambda taken: taken.delivery)

    @cached_property
    def _ends(self) -> Mapping[str, list[Delivered]]:
        return _grouped(self.all(Delivered), lambda end: end.document)

    @cached_property
    def _filed(self) -> Mapping[tuple[str, str], list[Filed]]:
        return _grouped(self.all(Filed), lambda filed: (filed.document, filed.delivery))


def _grouped(entries: Iterable[E], key: Callable[[E], K]) -> Mapping[K, list[E]]:
    groups: dict[K, list[E]] = defaultdict(list)
    for entry in entries:
        groups[key(entry)].append(entry)
    return groups
