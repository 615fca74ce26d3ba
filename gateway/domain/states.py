"""The life of a document: how a delivery travels, and what its recipient makes of it.

Two tables, and they are the documentation. `MOVES` is the transport (design §3). `PROGRESS` is the business
status of QĐ 28/2018 Đ10.2.h and the national axis. The two are never mixed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.domain.errors import IllegalTransition


class DeliveryState(StrEnum):
    """Where a delivery is. Not the business status 01…16, which is another type."""

    QUEUED = "QUEUED"
    OFFERED = "OFFERED"
    DELIVERED = "DELIVERED"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    RECALLED = "RECALLED"
    PARKED = "PARKED"

    @property
    def is_final(self) -> bool:
        """Return whether nothing can happen to the delivery any more."""
        return not MOVES[self]


MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.QUEUED: frozenset(
        {
            DeliveryState.QUEUED,  # a failed attempt, due again later
            DeliveryState.OFFERED,
            DeliveryState.DELIVERED,  # an agency that pulls sees QUEUED rows too
            DeliveryState.REFUSED,
            DeliveryState.EXPIRED,
            DeliveryState.RECALLED,
            DeliveryState.PARKED,
        }
    ),
    DeliveryState.OFFERED: frozenset(
        {
            DeliveryState.QUEUED,  # the recipient's own system failed and asks again
            DeliveryState.PARKED,  # it has failed too often
            DeliveryState.DELIVERED,
            DeliveryState.REFUSED,
            DeliveryState.EXPIRED,
            DeliveryState.RECALLED,
        }
    ),
    DeliveryState.PARKED: frozenset(
        {
            DeliveryState.QUEUED,  # redriven by an operator
            DeliveryState.DELIVERED,
            DeliveryState.REFUSED,
            DeliveryState.EXPIRED,
            DeliveryState.RECALLED,
        }
    ),
    DeliveryState.DELIVERED: frozenset(),
    DeliveryState.REFUSED: frozenset(),
    DeliveryState.EXPIRED: frozenset(),
    DeliveryState.RECALLED: frozenset(),
}

OPEN_STATES = frozenset(state for state, moves in MOVES.items() if moves)
"""States in which the recipient may still answer."""

NEVER_TAKEN = frozenset({DeliveryState.EXPIRED, DeliveryState.RECALLED})
"""States in which a delivery has ended without its recipient having taken it."""


def check_move(before: DeliveryState, after: DeliveryState) -> None:
    """Pass when a delivery may move from one state to another.

    Raises:
        IllegalTransition: The table does not list the move.
    """
    if after not in MOVES[before]:
        raise IllegalTransition(f"The delivery is {before}; it can no longer become {after}.")


# --- business status -----------------------------------------------------------------------------


class BusinessStatus(StrEnum):
    """What a party says about a document: `StatusCode` of QCVN 102."""

    ARRIVED = "01"
    REFUSED = "02"
    RECEIVED = "03"
    ASSIGNED = "04"
    IN_PROGRESS = "05"
    FINISHED = "06"
    RECALL_ASKED = "13"
    CHANGE_ACCEPTED = "15"
    CHANGE_REFUSED = "16"


class ChangeKind(StrEnum):
    """What a sender asks of everybody who has its document: `BussinessDocType` 1, 2, 3 of QCVN 102."""

    RECALL = "recall"
    UPDATE = "update"
    REPLACE = "replace"


ANSWERS = frozenset({BusinessStatus.CHANGE_ACCEPTED, BusinessStatus.CHANGE_REFUSED})
"""What a recipient owes to every change that was asked for."""

MEANT_AS_ANSWER = {
    BusinessStatus.RECEIVED: BusinessStatus.CHANGE_ACCEPTED,
    BusinessStatus.REFUSED: BusinessStatus.CHANGE_REFUSED,
    BusinessStatus.RECALL_ASKED: BusinessStatus.CHANGE_ACCEPTED,
    **{answer: answer for answer in ANSWERS},
}
"""What a recipient means that answers an order so: other readings of 02, 03 and 13 are met in the field."""

PROGRESS: dict[BusinessStatus | None, frozenset[BusinessStatus]] = {
    None: frozenset(  # sent; a recipient may skip 01
        {
            BusinessStatus.ARRIVED,
            BusinessStatus.REFUSED,
            BusinessStatus.RECEIVED,
            BusinessStatus.RECALL_ASKED,
        }
    ),
    BusinessStatus.ARRIVED: frozenset(
        {BusinessStatus.REFUSED, BusinessStatus.RECEIVED, BusinessStatus.RECALL_ASKED}
    ),
    BusinessStatus.REFUSED: frozenset(),
    BusinessStatus.RECEIVED: frozenset(
        {
            BusinessStatus.ASSIGNED,
            BusinessStatus.IN_PROGRESS,
            BusinessStatus.FINISHED,
            BusinessStatus.RECALL_ASKED,
        }
    ),
    BusinessStatus.ASSIGNED: frozenset(
        {
            BusinessStatus.ASSIGNED,  # to somebody else
            BusinessStatus.IN_PROGRESS,
            BusinessStatus.FINISHED,
            BusinessStatus.RECALL_ASKED,
        }
    ),
    BusinessStatus.IN_PROGRESS: frozenset(
        {
            BusinessStatus.IN_PROGRESS,  # a further word on it
            BusinessStatus.FINISHED,
            BusinessStatus.RECALL_ASKED,
        }
    ),
    BusinessStatus.FINISHED: frozenset(),
}
"""Which status may follow which. 13 is the sender's, and comes before an update or a replacement that waits;
15 and 16 answer an open change, see `Life`."""


@dataclass(frozen=True, slots=True)
class Life:
    """Where one document stands with one recipient.

    `progress` is the last of 01 to 06; `asked` the change that waits for its answer; `ended_by` the
    accepted recall or replacement after which nothing may follow.
    """

    progress: BusinessStatus | None = None
    asked: ChangeKind | None = None
    ended_by: ChangeKind | None = None

    @property
    def allowed(self) -> frozenset[BusinessStatus]:
        """Return the statuses that may come next. Work goes on while an answer is owed (they may cross), and
        a recall comes before any other change that waits."""
        if self.ended_by is not None:
            return frozenset()
        following = PROGRESS[self.progress]
        if self.asked is None:
            return following
        if self.asked is ChangeKind.RECALL:
            following -= {BusinessStatus.RECALL_ASKED}
        return following | ANSWERS

    def after(self, status: BusinessStatus) -> Life:
        """Return the life after a status.

        Raises:
            IllegalTransition: The status may not come now.
        """
        if status not in self.allowed:
            now = self.progress or "sent"
            raise IllegalTransition(f"Status {status} cannot follow {now}{self._besides()}.")
        match status:
            case BusinessStatus.RECALL_ASKED:
                return replace(self, asked=ChangeKind.RECALL)
            case BusinessStatus.CHANGE_REFUSED:
                return replace(self, asked=None)
            case BusinessStatus.CHANGE_ACCEPTED:
                ends = self.asked if self.asked is not ChangeKind.UPDATE else None
                return replace(self, asked=None, ended_by=ends)
            case _:
                return replace(self, progress=status)

    def asked_for(self, change: ChangeKind, *, state: DeliveryState) -> Life:
        """Return the life after an order (a document of kind recall, update or replace). Unlike status 13
        it may come after 06: a finished document can still be wrong (NĐ 30/2020 Đ18.3). A recall takes the
        place of an update or a replacement that waits for its answer.

        Raises:
            IllegalTransition: It has ended, was refused, or another change waits for its answer; or a
                delivery in this state has brought nothing that could be updated or replaced.
        """
        is_recall = change is ChangeKind.RECALL
        waits = self.asked is not None and (not is_recall or self.asked is ChangeKind.RECALL)
        if self.ended_by is not None or waits or self.progress is BusinessStatus.REFUSED:
            raise IllegalTransition(f"A {change} cannot be asked for after this{self._besides()}.")
        if not is_recall and state in NEVER_TAKEN:
            raise IllegalTransition(f"The delivery is {state}; a {change} of it cannot be asked for.")
        return replace(self, asked=change)

    def meant(self, status: BusinessStatus) -> BusinessStatus:
        """Return the status its recipient means. While a recall waits for its answer, 13 agrees to it, and so
        does 03 where it cannot come in its own right any more; 02 then declines."""
        if self.asked is not ChangeKind.RECALL:
            return status
        if status is BusinessStatus.RECALL_ASKED or status not in self.allowed:
            return MEANT_AS_ANSWER.get(status, status)
        return status

    def _besides(self) -> str:
        if self.ended_by is not None:
            return f": a {self.ended_by} has ended it"
        return f" while a {self.asked} waits for its answer" if self.asked is not None else ""


SENT = Life()
"""A document of which nothing has been said yet."""


def is_taken_back(state: DeliveryState, life: Life) -> bool:
    """Return whether a recall has ended a delivery: before it was opened, or by its recipient's consent."""
    return state is DeliveryState.RECALLED or life.ended_by is ChangeKind.RECALL


def may_be_read(state: DeliveryState, life: Life) -> bool:
    """Return whether the recipient of a delivery may (still) read the files of the document."""
    return not is_taken_back(state, life) and state is not DeliveryState.EXPIRED


class ChangeState(StrEnum):
    """Where one change stands with one recipient."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNOPENED = "unopened"
    """The document was taken back before its recipient had opened it: no answer is owed."""
    WITHDRAWN = "withdrawn"
    """A recall has taken its place, or its order was taken back or has expired: no answer is owed."""
