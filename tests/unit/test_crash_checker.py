"""The crash checker, fed with journals that lie: it must see each kind of broken promise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ops.dev.crash.campaign import Plan
from ops.dev.crash.checker import Goal, Judgement, Verdict, Violation, judge
from ops.dev.crash.faults import wipe_rounds
from ops.dev.crash.journal import (
    NOBODY,
    Answered,
    AnyEntry,
    Attempted,
    Delivered,
    Entry,
    Filed,
    FinalRead,
    Journal,
    LeftOver,
    RecordedDocument,
    RecordedReceipt,
    Seen,
    Struck,
    Taken,
    read_journal,
)
from ops.dev.crash.system import Size

Entries = dict[str, AnyEntry]
Spoil = Callable[[Entries], None]

SENDER, WARD, SCHOOL = "H26.01", "H26.11", "H26.12"
BYTES = ("aa",)
GOAL = Goal(documents=1, kills=1)


def _clean() -> Entries:
    """One document to two agencies, the first answer lost in a kill: nothing wrong, ready to be spoiled."""
    shared: Any = {"document": "d1", "sha256": BYTES}
    seen: Any = {**shared, "sender": SENDER, "document_id": "1/VB"}
    return {
        "attempt": Attempted(
            at=1, key="k1", sender=SENDER, document_id="1/VB", to=(WARD, SCHOOL), sha256=BYTES
        ),
        "fault": Struck(at=2, kind="serve", in_flight=True),
        "silence": Answered(at=2, key="k1", status=NOBODY),
        "again": Attempted(
            at=3, key="k1", sender=SENDER, document_id="1/VB", to=(WARD, SCHOOL), sha256=BYTES
        ),
        "yes": Answered(at=4, key="k1", status=202, content_sha256="c1", document="d1", receipt="r1"),
        "resend": Answered(at=5, key="k1", status=202, content_sha256="c1", document="d1", receipt="r1"),
        "seen ward": Seen(at=5, agency=WARD, delivery="v1", asked_at=4, **seen),
        "seen school": Seen(at=5, agency=SCHOOL, delivery="v2", asked_at=4, **seen),
        "taken ward": Taken(at=6, agency=WARD, delivery="v1", document="d1", status=200, receipt="r2"),
        "unsure": Taken(at=6, agency=SCHOOL, delivery="v2", document="d1", status=NOBODY),
        "taken school": Taken(at=7, agency=SCHOOL, delivery="v2", document="d1", status=200, receipt="r3"),
        "end ward": Delivered(document="d1", recipient=WARD, delivery="v1", state="DELIVERED", receipt="r2"),
        "end school": Delivered(
            document="d1", recipient=SCHOOL, delivery="v2", state="DELIVERED", receipt="r3"
        ),
        "filed": Filed(receipt="r1", kind="accepted", to=(WARD, SCHOOL), **shared),
        "filed ward": Filed(receipt="r2", kind="delivered", delivery="v1", to=(WARD,), **shared),
        "filed school": Filed(receipt="r3", kind="delivered", delivery="v2", to=(SCHOOL,), **shared),
        "recorded": RecordedDocument(document="d1", sender=SENDER, document_id="1/VB"),
        "recorded r1": RecordedReceipt(receipt="r1", kind="accepted", document="d1"),
        "recorded r2": RecordedReceipt(receipt="r2", kind="delivered", document="d1", delivery="v1"),
        "recorded r3": RecordedReceipt(receipt="r3", kind="delivered", document="d1", delivery="v2"),
        "final read": FinalRead(),
    }


def _judged(entries: Entries, *, goal: Goal = GOAL) -> Judgement:
    return judge(entries.values(), goal=goal)


def _violations(judgement: Judgement) -> dict[str, int]:
    return {kind.value: judgement.count(kind) for kind in Violation if judgement.count(kind)}


def _changed(entry: Entry, **values: object) -> AnyEntry:
    changed: AnyEntry = msgspec.structs.replace(entry, **values)  # type: ignore[assignment]
    return changed


def test_a_journal_without_fault_is_clean() -> None:
    judgement = _judged(_clean())

    assert judgement.findings == ()
    assert judgement.doubts == ()
    assert judgement.verdict is Verdict.CLEAN
    assert (judgement.documents, judgement.deliveries) == (1, 2)
    assert judgement.faults == {"serve": 1}


def _without(*names: str) -> Spoil:
    def spoil(entries: Entries) -> None:
        for name in names:
            del entries[name]

    return spoil


def _with(name: str, **values: object) -> Spoil:
    def spoil(entries: Entries) -> None:
        entries[name] = _changed(entries[name], **values)

    return spoil


def _and_also(like: str, **values: object) -> Spoil:
    def spoil(entries: Entries) -> None:
        entries["one more"] = _changed(entries[like], **values)

    return spoil


def _both(first: Spoil, second: Spoil) -> Spoil:
    def spoil(entries: Entries) -> None:
        first(entries)
        second(entries)

    return spoil


SPOILED: dict[str, tuple[Spoil, dict[str, int]]] = {
    "a recipient never saw it": (_without("seen ward", "taken ward"), {"lost": 1, "phantom": 1}),
    "it arrived with other bytes": (_with("seen ward", sha256=("bb",)), {"lost": 1}),
    "a recipient could not accept it": (_with("taken school", status=NOBODY), {"lost": 1}),
    "the ledger forgot it": (
        _without("recorded", "end ward", "end school", "recorded r1", "recorded r2", "recorded r3"),
        {"lost": 1},
    ),
    "it ended otherwise": (
        _without("taken ward", "filed ward", "recorded r2", "end ward"),
        {"lost": 2},
    ),
    "a good document was refused": (
        _with("silence", status=422, code="idempotency-key-reused"),
        {"lost": 1},
    ),
    "one key became two documents": (
        _with("resend", document="d2", content_sha256="c2"),
        {"duplicated": 1},
    ),
    "a resend was answered with other bytes": (_with("resend", content_sha256="c2"), {"duplicated": 1}),
    "a recipient got it as two deliveries": (_and_also("seen ward", delivery="v9"), {"duplicated": 1}),
    "it was offered again after acceptance": (
        _and_also("seen ward", asked_at=6.5, at=6.6),
        {"duplicated": 1},
    ),
    "it was accepted twice": (_and_also("taken ward", receipt="r9"), {"duplicated": 1}),
    "it stands in the ledger twice": (_and_also("recorded", document="d2"), {"duplicated": 1}),
    "a delivery has two receipts": (_and_also("recorded r2", receipt="r9"), {"duplicated": 1}),
    "a recipient saw what nobody sent": (_and_also("seen ward", document_id="9/VB"), {"phantom": 1}),
    "a stranger saw it": (_and_also("seen ward", agency="H26.99"), {"phantom": 1}),
    "the ledger holds what nobody sent": (_and_also("recorded", document_id="9/VB"), {"phantom": 1}),
    "a receipt says what nobody did": (_without("taken ward", "seen ward"), {"lost": 1, "phantom": 1}),
    "a receipt is about no document": (
        _and_also("recorded r1", receipt="r9", document="d9"),
        {"phantom": 1},
    ),
    "a receipt says that an open delivery ended": (
        _with("end ward", state="OFFERED"),
        {"phantom": 1, "left_in_flight": 1},
    ),
    "the acceptance receipt is missing": (_without("filed"), {"receipts_missing": 1}),
    "a final receipt is missing": (_without("filed ward"), {"receipts_missing": 1}),
    "a receipt does not verify": (_with("filed ward", fault="bad signature"), {"receipts_missing": 1}),
    "a receipt is about other bytes": (_with("filed ward", sha256=("bb",)), {"receipts_missing": 1}),
    "a receipt names another recipient": (_with("filed ward", to=(SCHOOL,)), {"receipts_missing": 1}),
    "a delivery is parked": (
        _both(_with("end ward", state="PARKED"), _without("recorded r2")),
        {"left_in_flight": 1},
    ),
}


@pytest.mark.parametrize("what", SPOILED)
def test_each_broken_promise_is_found(what: str) -> None:
    spoil, expected = SPOILED[what]
    entries = _clean()
    spoil(entries)

    judgement = _judged(entries)

    assert _violations(judgement) == expected
    assert judgement.verdict is Verdict.VIOLATED


def test_a_submission_nobody_ever_answered_is_left_in_flight() -> None:
    entries = {name: _clean()[name] for name in ("attempt", "silence", "fault", "final read")}

    assert _violations(_judged(entries)) == {"left_in_flight": 1}


def test_something_left_over_is_left_in_flight() -> None:
    entries = {**_clean(), "left": LeftOver(what="3 messages in work.normal.inbox")}

    assert _violations(_judged(entries)) == {"left_in_flight": 1}


def test_an_open_delivery_in_an_inbox_counts_once() -> None:
    entries = {**_clean(), "left": LeftOver(what="v1 waits", delivery="v1")}
    _both(_with("end ward", state="OFFERED"), _without("recorded r2"))(entries)

    assert _violations(_judged(entries)) == {"left_in_flight": 1}


def test_a_document_that_was_refused_must_reach_nobody() -> None:
    bad = Attempted(
        key="k2", sender=SENDER, document_id="2/M", to=(WARD,), sha256=BYTES, must_be_refused=True
    )
    entries = {**_clean(), "bad": bad, "no": Answered(key="k2", status=422, code="state-secret")}

    assert _judged(entries).verdict is Verdict.CLEAN

    entries["leak"] = _changed(entries["seen ward"], document_id="2/M")
    assert _violations(_judged(entries)) == {"phantom": 1}


def test_a_document_that_had_to_be_refused_must_not_be_accepted() -> None:
    bad = Attempted(
        key="k2", sender=SENDER, document_id="2/M", to=(WARD,), sha256=BYTES, must_be_refused=True
    )
    entries = {**_clean(), "bad": bad, "yes2": Answered(key="k2", status=202, document="d2")}

    assert _violations(_judged(entries)) == {"phantom": 1}


@pytest.mark.parametrize(
    "spoil",
    [
        _without("final read"),
        _without("fault"),
        _with("fault", in_flight=False),
    ],
    ids=["no final read", "a fault did not happen", "a fault hit nothing"],
)
def test_a_run_whose_faults_missed_the_work_proves_nothing(
    spoil: Spoil,
) -> None:
    entries = _clean()
    spoil(entries)

    judgement = _judged(entries)

    assert judgement.verdict is Verdict.PROVES_NOTHING
    assert len(judgement.doubts) >= 1


def test_a_run_that_attempted_too_little_proves_nothing() -> None:
    assert _judged(_clean(), goal=Goal(documents=2, kills=1)).verdict is Verdict.PROVES_NOTHING


def test_a_violation_counts_even_when_the_rest_proves_nothing() -> None:
    entries = _clean()
    del entries["fault"], entries["seen ward"]

    assert _judged(entries).verdict is Verdict.VIOLATED


def test_the_journal_gives_back_what_was_written(tmp_path: Path) -> None:
    journal, entries = Journal(tmp_path / "journal.jsonl"), list(_clean().values())
    for entry in entries:
        journal.write(entry)
    journal.close()

    assert list(read_journal(journal.path)) == entries


def test_the_journal_knows_what_is_in_flight(tmp_path: Path) -> None:
    journal, entries = Journal(tmp_path / "journal.jsonl"), _clean()
    assert not journal.progress.is_in_flight

    journal.write(entries["attempt"])
    journal.write(entries["taken ward"])
    assert (journal.progress.unanswered, journal.progress.not_taken) == (1, 0)

    journal.write(entries["yes"])
    assert (journal.progress.unanswered, journal.progress.not_taken) == (0, 1)
    assert journal.progress.is_in_flight

    journal.write(entries["taken school"])
    assert not journal.progress.is_in_flight
    journal.close()


@pytest.mark.parametrize(("documents", "kills"), [(200, 10), (100, 6), (5000, 200), (3, 7)])
def test_the_portions_of_a_run_are_all_its_documents(documents: int, kills: int) -> None:
    plan = Plan(size=Size.SITE, documents=documents, kills=kills, seed=1)

    assert sum(plan.portion(n) for n in range(kills + 1)) == documents


@pytest.mark.parametrize(("kills", "wipes"), [(1, 1), (10, 1), (200, 2), (1000, 10)])
def test_the_broker_is_wiped_at_least_once_and_within_the_run(kills: int, wipes: int) -> None:
    rounds = wipe_rounds(kills)

    assert len(rounds) == wipes
    assert all(0 <= n < kills for n in rounds)
