"""Transport states of a delivery and the moves between them (design §3)."""

from __future__ import annotations

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


def check_move(before: DeliveryState, after: DeliveryState) -> None:
    """Pass when a delivery may move from one state to another.

    Raises:
        IllegalTransition: The table does not list the move.
    """
    if after not in MOVES[before]:
        raise IllegalTransition(f"The delivery is {before}; it can no longer become {after}.")
