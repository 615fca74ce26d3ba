"""The whole life of documents under any sequence of valid and hostile acts (a state machine test).

Whatever sender, recipients and a stranger do, in any order: deliveries move only along `MOVES` and lives only
along `PROGRESS`, history only grows, and what is refused leaves no trace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from gateway.domain.envelope import DocumentKind, Reference
from gateway.domain.errors import Conflict, DependencyUnavailable, ExchangeError, RequestRejected
from gateway.domain.model import AgencyCode, Delivery, Document
from gateway.domain.packets import StatusNotice
from gateway.domain.states import ANSWERS, MOVES, PROGRESS, BusinessStatus, DeliveryState
from gateway.service.acknowledge import acknowledge
from gateway.service.give_back import give_back
from gateway.service.open_delivery import open_delivery
from gateway.service.recall import recall
from gateway.service.report_status import report_status
from gateway.service.take import take
from tests.support.exchange import OTHER_RECIPIENT, PUSHED_RECIPIENT, RECIPIENT, SENDER, open_world
from tests.support.meanwhile import Meanwhile
from tests.support.paperwork import Clerk
from tests.support.record import Row, Seen, look

STRANGER = PUSHED_RECIPIENT
"""It is neither sender nor recipient of anything."""
PARTIES = (SENDER, RECIPIENT, OTHER_RECIPIENT)
_SHM = Path("/dev/shm")
FINAL = {"DELIVERED", "REFUSED", "EXPIRED", "RECALLED"}

actors = st.sampled_from([*PARTIES, STRANGER])
somebody = st.none() | actors
"""None is who may do it."""
recipients = st.sampled_from([[RECIPIENT], [RECIPIENT, OTHER_RECIPIENT], [OTHER_RECIPIENT, SENDER]])
orders = st.sampled_from([DocumentKind.RECALL, DocumentKind.UPDATE, DocumentKind.REPLACE])
words = st.sampled_from(["", "lần một", "lần hai"])
picks = st.integers(0, 99)
"""Which of the documents or deliveries there are: the newest are the likeliest."""


class LifeOfADocument(RuleBasedStateMachine):
    """Acts on one exchange; after each the record is compared with what it was before."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        # Thousands of short transactions: in memory, where there is such a folder, they cost no fsync.
        self.folder = TemporaryDirectory(prefix="lienthong-life-", dir=_SHM if _SHM.is_dir() else None)
        self.clerk = Clerk(self.run(self.stack.enter_async_context(open_world(Path(self.folder.name)))))
        self.seen = look(self.clerk.world.folder)

    @initialize(is_opened=st.booleans())
    def begin(self, is_opened: bool) -> None:
        """Send a first document, so that no sequence is spent on nothing."""
        self.send(SENDER, [RECIPIENT, OTHER_RECIPIENT], number=1)
        if is_opened:
            self.do(RECIPIENT, self.clerk.open(self.delivery(1)))

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()

    def run(self, act: Any) -> Any:
        """Do something on the loop of this exchange."""
        return self.runner.run(act)

    # --- acts ------------------------------------------------------------------------------------

    @rule(by=st.sampled_from(PARTIES), to=recipients, number=st.integers(1, 2))
    def send(self, by: AgencyCode, to: list[AgencyCode], number: int) -> None:
        """Send a document; few ids, so that some come twice and from several senders."""
        self.do(by, self.clerk.send(by=by, to=to, document_id=f"VB-{number}", subject=self.now))

    @rule(by=somebody, which=picks, kind=orders, to=st.none() | recipients, number=st.integers(1, 4))
    def order(
        self,
        by: AgencyCode | None,
        which: int,
        kind: DocumentKind,
        to: list[AgencyCode] | None,
        number: int,
    ) -> None:
        """Order a change of a document, one's own or not, sometimes under the id of its target."""
        about = self.document(which)
        by, name = by or about.sender, f"VB-{number}"
        order = self.clerk.order(
            kind,
            about.envelope.document_id,
            by=by,
            to=to or about.envelope.to,
            document_id=name,
            subject=self.now,
        )
        self.do(by, order)

    @rule(by=actors, which=picks, status=st.sampled_from(BusinessStatus), text=words, agency=somebody)
    def say(
        self, by: AgencyCode, which: int, status: BusinessStatus, text: str, agency: AgencyCode | None
    ) -> None:
        """Report any status of any document."""
        document = self.document(which)
        about = Reference(agency or document.sender, document.envelope.document_id)
        self.do(by, report_status(self.clerk.world.exchange, StatusNotice(status, about, text), by=by))

    @rule(which=picks, turn=picks, text=words)
    def say_what_may_come(self, which: int, turn: int, text: str) -> None:
        """Report, as a recipient, a status that may come now; so that lives are also lived to their ends."""
        asked = [each for each in self.deliveries if self.seen.deliveries[each.id]["asked"]]
        delivery = asked[which % len(asked)] if asked and turn % 2 else self.delivery(which)
        row = self.seen.deliveries[delivery.id]
        following = PROGRESS[_stage(row)] - {BusinessStatus.RECALL_ASKED}
        allowed = sorted(ANSWERS if row["asked"] and turn % 3 else following)
        if allowed:
            notice = StatusNotice(allowed[turn % len(allowed)], Reference(None, delivery.document), text)
            by = delivery.recipient
            self.do(by, report_status(self.clerk.world.exchange, notice, by=by))

    @rule(by=somebody, which=picks, signs=st.booleans())
    def take_back(self, by: AgencyCode | None, which: int, signs: bool) -> None:
        """Recall a document over `/v1`, with or without the key worker."""
        document = self.document(which)
        by = by or document.sender
        act = recall(self.clerk.world.exchange, document.id, by=by, reason="sai")
        self.do(by, act if signs else self.clerk.without_receipts(act))

    @rule(which=picks, status=st.sampled_from(BusinessStatus), text=words)
    def take_back_while(self, which: int, status: BusinessStatus, text: str) -> None:
        """Recall a document, and let a recipient say something before anything is taken back."""
        x, delivery = self.clerk.world.exchange, self.delivery(which)
        (document,) = (each for each in self.documents if each.id == delivery.document)
        notice = StatusNotice(status, Reference(None, document.id), text)

        async def crossing() -> None:
            await _outcome(report_status(x, notice, by=delivery.recipient))

        crossed = replace(x, deliveries=Meanwhile(x.deliveries, crossing, before="end"))
        act = recall(crossed, document.id, by=document.sender, reason="sai")
        self.do(document.sender, act, also=delivery.recipient)

    @rule(by=somebody, which=picks)
    def open(self, by: AgencyCode | None, which: int) -> None:
        """Open a delivery, one's own or not."""
        delivery = self.delivery(which)
        by = by or delivery.recipient
        self.do(by, open_delivery(self.clerk.world.exchange, delivery.id, by=by))

    @rule(by=somebody, which=picks, how=st.sampled_from(["accept", "refuse", "done", "fail"]))
    def answer(self, by: AgencyCode | None, which: int, how: str) -> None:
        """Answer a delivery in one of the ways there are, one's own or not."""
        x, delivery = self.clerk.world.exchange, self.delivery(which)
        by = by or delivery.recipient
        state = DeliveryState.DELIVERED if how == "accept" else DeliveryState.REFUSED
        match how:
            case "done":
                act: Awaitable[object] = take(x, delivery.id, by=by)
            case "fail":
                act = give_back(x, delivery.id, by=by, reason="lỗi")
            case _:
                act = acknowledge(x, delivery.id, by=by, state=state, reason="sai")
        self.do(by, act)

    @rule()
    def hand_over(self) -> None:
        """Hand over what was announced, and what is due again."""
        self.do(SENDER, self.clerk.sweep())

    @rule(really=st.integers(0, 9))
    def expire(self, really: int) -> None:
        """Let the lives of all open deliveries run out, now and then."""
        if not really:
            self.do(SENDER, self.clerk.expire())

    @rule()
    def finish(self) -> None:
        """Finish what was left half done; nothing is half done then."""
        self.do(SENDER, self.clerk.finish_recalls())
        for row in self.seen.deliveries.values():
            assert row["ended_by"] != "recall" or row["state"] in FINAL
        for change in self.seen.changes.values():
            delivery = self.seen.deliveries[change["delivery"]]
            is_untouched = delivery["opened_at"] is None and delivery["state"] != "DELIVERED"
            assert not (change["kind"] == "recall" and change["state"] == "asked" and is_untouched)

    # --- what must hold after every act -----------------------------------------------------------

    def do(self, by: AgencyCode, act: Awaitable[object], *, also: AgencyCode | None = None) -> None:
        """Do something, perhaps with somebody else in between, and compare the record with what it was."""
        self.clerk.world.clock += timedelta(seconds=1)
        refusal = self.run(_outcome(act))
        before, self.seen = self.seen, look(self.clerk.world.folder)
        if by == STRANGER:
            assert refusal is not None
        if isinstance(refusal, RequestRejected | Conflict):
            assert self.seen == before
        self._everybody_spoke_for_itself(before, by={by, also})
        self._deliveries_moved_as_listed(before)
        self._lives_moved_as_said(before)
        self._history_only_grew(before)
        self._changes_agree_with_lives()
        self._ends_are_proved()

    def _everybody_spoke_for_itself(self, before: Seen, *, by: set[AgencyCode | None]) -> None:
        """Whoever acts makes lines of its own alone: 13 and changes are a sender's, the rest recipients'."""
        for id_, line in self.seen.statuses.items():
            if id_ not in before.statuses:
                assert line["author"] in by
        for id_, change in self.seen.changes.items():
            if id_ not in before.changes:
                assert change["asked_by"] in by

    def _deliveries_moved_as_listed(self, before: Seen) -> None:
        for id_, row in before.deliveries.items():
            old, new = DeliveryState(row["state"]), DeliveryState(self.seen.deliveries[id_]["state"])
            assert old == new or new in MOVES[old], f"{old} became {new}"
            opened_at = self.seen.deliveries[id_]["opened_at"]
            assert row["opened_at"] in (None, opened_at), "an opening is never forgotten"

    def _lives_moved_as_said(self, before: Seen) -> None:
        """Live every life again from what is new in the history, by the table alone."""
        lives = {id_: _life(row) for id_, row in before.deliveries.items()}
        for id_, row in self.seen.deliveries.items():
            progress, asked, ended_by = lives.get(id_, (None, None, None))
            for change in self._new_changes(before, of=id_):
                assert asked is None or (change["kind"] == "recall" != asked)
                assert ended_by is None
                assert progress != BusinessStatus.REFUSED
                asked = change["kind"]
            for line in self._new_statuses(before, of=id_):
                status = BusinessStatus(line["status"])
                if status is BusinessStatus.RECALL_ASKED:
                    assert status in PROGRESS[progress]
                elif status in ANSWERS and ended_by is None:
                    assert asked is not None
                    is_end = status is BusinessStatus.CHANGE_ACCEPTED and asked != "update"
                    asked, ended_by = None, asked if is_end else None
                elif status not in ANSWERS:
                    assert ended_by is None
                    assert status in PROGRESS[progress]
                    progress = status
            if self._has_closed("unopened", before, of=id_):
                asked, ended_by = None, "recall"
            if asked in self._has_closed("withdrawn", before, of=id_):
                asked = None
            assert _life(row) == (progress, asked, ended_by)

    def _new_changes(self, before: Seen, *, of: str) -> list[Row]:
        rows = self.seen.changes.items()
        return [row for id_, row in rows if row["delivery"] == of and id_ not in before.changes]

    def _new_statuses(self, before: Seen, *, of: str) -> list[Row]:
        rows = self.seen.statuses.items()
        return [row for id_, row in rows if row["delivery"] == of and id_ not in before.statuses]

    def _has_closed(self, state: str, before: Seen, *, of: str) -> set[str]:
        """Return of which kinds changes of a delivery have come into a state now."""
        return {
            row["kind"]
            for id_, row in self.seen.changes.items()
            if row["delivery"] == of
            and row["state"] == state
            and before.changes.get(id_, {}).get("state") != state
        }

    def _history_only_grew(self, before: Seen) -> None:
        assert self.seen.events[: len(before.events)] == before.events
        assert before.statuses.items() <= self.seen.statuses.items()
        for id_, row in before.changes.items():
            now = self.seen.changes[id_]
            assert row["state"] == "asked" or row == now, "an answered change is never touched again"
            assert {**row, "state": 0, "answered_at": 0} == {**now, "state": 0, "answered_at": 0}
        for table, count in before.counts.items():
            assert self.seen.counts[table] >= count

    def _changes_agree_with_lives(self) -> None:
        """A life waits for an answer exactly while one change of its delivery does."""
        asked: dict[str, str] = {}
        for row in self.seen.changes.values():
            delivery = self.seen.deliveries[row["delivery"]]
            if row["state"] == "asked":
                assert row["delivery"] not in asked
                asked[row["delivery"]] = row["kind"]
            if row["state"] == "unopened":
                assert delivery["opened_at"] is None
                assert delivery["state"] in ("RECALLED", "EXPIRED")
        lives = {id_: row["asked"] for id_, row in self.seen.deliveries.items() if row["asked"]}
        assert lives == asked

    def _ends_are_proved(self) -> None:
        for row in self.seen.deliveries.values():
            assert (row["state"] in FINAL) == (row["receipt"] is not None)
            if row["state"] == "RECALLED":
                assert row["ended_by"] == "recall"
                consents = [each for each in self.seen.changes.values() if each["state"] == "accepted"]
                is_agreed = row["id"] in {each["delivery"] for each in consents if each["kind"] == "recall"}
                assert is_agreed or row["opened_at"] is None, "what was opened is taken back by consent only"
            if row["state"] in ("DELIVERED", "REFUSED"):
                assert row["opened_at"] is not None

    # --- looking ---------------------------------------------------------------------------------

    @property
    def now(self) -> str:
        return self.clerk.world.clock().isoformat()

    @property
    def documents(self) -> Sequence[Document]:
        return [accepted.document for accepted in self.clerk.accepted]

    @property
    def deliveries(self) -> Sequence[Delivery]:
        return [delivery for accepted in self.clerk.accepted for delivery in accepted.deliveries]

    def document(self, which: int) -> Document:
        """Return one of the documents; the newest are named by the small numbers."""
        return self.documents[-1 - which % len(self.documents)]

    def delivery(self, which: int) -> Delivery:
        """Return one of the deliveries; the newest are named by the small numbers."""
        return self.deliveries[-1 - which % len(self.deliveries)]


def _life(row: Row) -> tuple[BusinessStatus | None, str | None, str | None]:
    return _stage(row), row["asked"], row["ended_by"]


def _stage(row: Row) -> BusinessStatus | None:
    return BusinessStatus(row["progress"]) if row["progress"] else None


async def _outcome(act: Awaitable[object]) -> ExchangeError | None:
    """Do something and return how it was refused, None if it was done."""
    try:
        await act
    except (RequestRejected, Conflict, DependencyUnavailable) as refusal:
        return refusal
    return None


LIFE = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def test_no_sequence_of_valid_and_hostile_acts_reaches_a_state_that_is_not_listed() -> None:
    run_state_machine_as_test(LifeOfADocument, settings=LIFE)


@pytest.mark.long
def test_no_long_sequence_of_acts_does_either() -> None:
    longer = settings(LIFE, max_examples=500, stateful_step_count=60, derandomize=False)
    run_state_machine_as_test(LifeOfADocument, settings=longer)
