"""What the journal of a crash run proves: a pure function, tested with journals that lie.

It knows nothing of the system: only who attempted what, what came back, what the recipients saw, and what
the final read found. The promises: no loss, no phantom, exactly once, one receipt for the acceptance and
one for the end of every delivery, none without, nothing left in flight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from ops.dev.crash.journal import (
    AnyEntry,
    Delivered,
    Died,
    FinalRead,
    LeftOver,
    RecordedDocument,
    RecordedReceipt,
    Seen,
    Struck,
)
from ops.dev.crash.record import Record, Submission

ANSWERED_SHARE = 0.99
"""Share of the planned documents that must have been attempted and answered, or the run proves nothing."""
IN_FLIGHT_SHARE = 0.8
"""Share of the planned faults that must have hit while work was in flight."""


class Verdict(IntEnum):
    """How a run ends; also the exit code."""

    CLEAN = 0
    VIOLATED = 1
    PROVES_NOTHING = 3


class Violation(StrEnum):
    """A broken promise."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    PHANTOM = "phantom"
    RECEIPTS_MISSING = "receipts_missing"
    LEFT_IN_FLIGHT = "left_in_flight"


@dataclass(frozen=True, slots=True)
class Goal:
    """What the run was meant to do."""

    documents: int
    kills: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise and where."""

    violation: Violation
    text: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a run has shown. `doubts` says why it proves nothing, if so."""

    documents: int
    deliveries: int
    findings: tuple[Finding, ...]
    doubts: tuple[str, ...]
    faults: Counter[str]
    kills_in_flight: int
    deaths: Counter[str]

    @property
    def verdict(self) -> Verdict:
        """Return the verdict: a violation counts even when the rest proves nothing."""
        if self.findings:
            return Verdict.VIOLATED
        return Verdict.PROVES_NOTHING if self.doubts else Verdict.CLEAN

    def count(self, violation: Violation) -> int:
        """Return how often a promise was broken."""
        return sum(1 for finding in self.findings if finding.violation is violation)


def judge(entries: Iterable[AnyEntry], *, goal: Goal) -> Judgement:
    """Return what a journal proves."""
    record = Record(entries)
    strikes = record.all(Struck)
    return Judgement(
        documents=len(record.accepted),
        deliveries=sum(len(each.attempt.to) for each in record.accepted),
        findings=tuple(_findings(record)),
        doubts=tuple(_doubts(record, goal)),
        faults=Counter(strike.kind for strike in strikes),
        kills_in_flight=sum(strike.in_flight for strike in strikes),
        deaths=Counter(death.name for death in record.all(Died)),
    )


def _findings(record: Record) -> Iterator[Finding]:
    for submission in record.submissions.values():
        yield from _wrong_answers(submission)
    for submission in record.accepted:
        for agency in submission.attempt.to:
            yield from _wrong_arrivals(record, submission, agency)
    yield from _phantoms(record)
    if record.all(FinalRead):
        yield from _wrong_ends(record)
        yield from _wrong_receipts(record)
    known_as_open = {end.delivery for end in record.all(Delivered) if not end.is_final}
    for left in record.all(LeftOver):
        if left.delivery not in known_as_open:
            yield Finding(Violation.LEFT_IN_FLIGHT, left.what)


def _doubts(record: Record, goal: Goal) -> Iterator[str]:
    wanted = [each for each in record.submissions.values() if not each.attempt.must_be_refused]
    answered = sum(1 for each in wanted if each.answers_yes or each.answers_no)
    strikes = record.all(Struck)
    in_flight = sum(strike.in_flight for strike in strikes)
    if answered < goal.documents * ANSWERED_SHARE:
        yield f"only {answered} of {goal.documents} documents were attempted and answered"
    if len(strikes) < goal.kills:
        yield f"only {len(strikes)} of {goal.kills} faults happened"
    if in_flight < goal.kills * IN_FLIGHT_SHARE:
        yield f"only {in_flight} of {goal.kills} faults hit while work was in flight"
    if not record.all(FinalRead):
        yield "the final read did not happen"


# --- what the sender was told --------------------------------------------------------------------


def _wrong_answers(submission: Submission) -> Iterator[Finding]:
    documents = {answer.document for answer in submission.answers_yes}
    contents = {answer.content_sha256 for answer in submission.answers_yes}
    if submission.attempt.must_be_refused:
        if documents:
            yield Finding(Violation.PHANTOM, f"{submission.name} had to be refused and was accepted")
        return
    if len(documents) > 1:
        yield Finding(Violation.DUPLICATED, f"{submission.name} became {len(documents)} documents")
    elif len(contents) > 1:
        yield Finding(Violation.DUPLICATED, f"{submission.name}: a resend was answered with other bytes")
    for answer in submission.answers_no:
        yield Finding(Violation.LOST, f"{submission.name} was refused: {answer.status} {answer.code}")
    if not submission.answers_yes and not submission.answers_no:
        yield Finding(Violation.LEFT_IN_FLIGHT, f"{submission.name} was never answered")


# --- what the recipients saw ---------------------------------------------------------------------


def _wrong_arrivals(record: Record, submission: Submission, agency: str) -> Iterator[Finding]:
    where = f"{submission.name} to {agency}"
    seen = [each for each in record.seen_of(submission) if each.agency == agency]
    if not seen:
        yield Finding(Violation.LOST, f"{where} was never offered")
        return
    deliveries = {each.delivery for each in seen}
    if len(deliveries) > 1:
        yield Finding(Violation.DUPLICATED, f"{where} was offered as {len(deliveries)} deliveries")
    if any(each.sha256 != submission.attempt.sha256 for each in seen):
        yield Finding(Violation.LOST, f"{where} arrived with other bytes")
    takes = [take for id_ in deliveries for take in record.taken_of(id_) if take.is_yes]
    if not takes:
        yield Finding(Violation.LOST, f"{where} could not be accepted")
        return
    if len({take.receipt for take in takes}) > 1:
        yield Finding(Violation.DUPLICATED, f"{where} was accepted twice, with different receipts")
    accepted_at = min(take.at for take in takes)
    if any(each.asked_at > accepted_at for each in seen):
        yield Finding(Violation.DUPLICATED, f"{where} was offered again after it had been accepted")


def _phantoms(record: Record) -> Iterator[Finding]:
    for seen in record.all(Seen):
        if why := _no_reason_to_exist(record, seen, to=seen.agency):
            yield Finding(Violation.PHANTOM, f"{seen.agency} was offered a document that {why}")
    for document in record.all(RecordedDocument):
        if why := _no_reason_to_exist(record, document, to=None):
            yield Finding(Violation.PHANTOM, f"the ledger holds a document that {why}")


def _no_reason_to_exist(record: Record, found: Seen | RecordedDocument, *, to: str | None) -> str:
    name = f"{found.sender}/{found.document_id}"
    submission = record.attempted(sender=found.sender, document_id=found.document_id)
    if submission is None:
        return f"nobody attempted to send: {name}"
    if not submission.may_exist:
        return f"was refused: {name}"
    if to is not None and to not in submission.attempt.to:
        return f"was not addressed to it: {name}"
    return ""


# --- what the final read found -------------------------------------------------------------------


def _wrong_ends(record: Record) -> Iterator[Finding]:
    """Yield what is wrong with how the sender and the ledger see each document in the end."""
    copies = Counter((each.sender, each.document_id) for each in record.all(RecordedDocument))
    for submission in record.accepted:
        attempt = submission.attempt
        recorded = copies[attempt.sender, attempt.document_id]
        if recorded > 1:
            yield Finding(Violation.DUPLICATED, f"{submission.name} stands in the ledger {recorded} times")
        ends = {end.recipient: end for end in record.ends_of(submission)}
        if not recorded or not ends:
            yield Finding(Violation.LOST, f"{submission.name} was accepted and is not known any more")
            continue
        for agency in attempt.to:
            yield from _wrong_end(f"{submission.name} to {agency}", ends.get(agency))


def _wrong_end(where: str, end: Delivered | None) -> Iterator[Finding]:
    if end is None:
        yield Finding(Violation.LOST, f"{where} has no delivery")
    elif not end.is_final:
        yield Finding(Violation.LEFT_IN_FLIGHT, f"{where} is still {end.state}")
    elif end.state != "DELIVERED":
        yield Finding(Violation.LOST, f"{where} ended as {end.state}")


def _wrong_receipts(record: Record) -> Iterator[Finding]:
    for submission in record.accepted:
        document = submission.document
        to = submission.attempt.to
        yield from _missing_receipt(record, submission, kind="accepted", delivery="", to=to)
        for end in record.ends_of(submission):
            if end.is_final:
                kind, to = end.state.lower(), (end.recipient,)
                yield from _missing_receipt(record, submission, kind=kind, delivery=end.delivery, to=to)
    states = {end.delivery: end.state for end in record.all(Delivered)}
    counts = Counter((each.document, each.delivery) for each in record.all(RecordedReceipt))
    for (document, delivery), count in counts.items():
        if count > 1:
            about = f"delivery {delivery}" if delivery else f"document {document}"
            yield Finding(Violation.DUPLICATED, f"{about} has {count} receipts")
    for receipt in record.all(RecordedReceipt):
        if why := _unfounded(record, receipt, states):
            yield Finding(Violation.PHANTOM, f"receipt {receipt.receipt} ({receipt.kind}) {why}")


def _missing_receipt(
    record: Record, submission: Submission, *, kind: str, delivery: str, to: tuple[str, ...]
) -> Iterator[Finding]:
    where = f"{submission.name} to {', '.join(to)}"
    filed = [each for each in record.filed_of(submission.document, delivery) if each.kind == kind]
    if not filed:
        yield Finding(Violation.RECEIPTS_MISSING, f"{where} has no receipt of kind {kind}")
    for each in filed:
        if each.fault:
            yield Finding(Violation.RECEIPTS_MISSING, f"{where}: the receipt does not verify: {each.fault}")
        elif set(each.to) != set(to) or each.sha256 != submission.attempt.sha256:
            yield Finding(Violation.RECEIPTS_MISSING, f"{where}: the receipt is about something else")


def _unfounded(record: Record, receipt: RecordedReceipt, states: dict[str, str]) -> str:
    if receipt.document not in record.recorded:
        return "is about a document that does not exist"
    if not receipt.delivery:
        return ""
    if receipt.kind == "delivered" and not record.taken_of(receipt.delivery):
        return "says that a delivery was accepted which nobody accepted"
    state = states.get(receipt.delivery)
    if state is not None and state.lower() != receipt.kind:
        return f"is about a delivery that is {state}"
    return ""
