"""Which lane a delivery takes and the words it is routed by (design §4)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, takewhile

from gateway.domain.envelope import Urgency
from gateway.domain.model import Handover, Lane

BULK_ABOVE = 50
"""Fan-out above which a document that is not urgent takes the bulk lane."""


def lane_of(urgency: Urgency, *, recipients: int) -> Lane:
    """Return the lane for a document of this urgency to this many recipients."""
    if urgency is not Urgency.NORMAL:
        return Lane.URGENT
    return Lane.BULK if recipients > BULK_ABOVE else Lane.NORMAL


def routing_key(batch: Sequence[Handover]) -> str:
    """Return `<lane>.<channel>.<agency words>`; a batch uses the words all its agencies share.

    All handovers of a batch have one lane and one channel.
    """
    return ".".join([batch[0].lane, batch[0].channel, *common_words([each.recipient for each in batch])])


def common_words(codes: Sequence[str]) -> list[str]:
    """Return the dotted words that all these agency codes begin with."""
    columns = zip(*(code.split(".") for code in codes), strict=False)
    return [words[0] for words in takewhile(lambda words: len(set(words)) == 1, columns)]


def batches(handovers: Sequence[Handover], *, size: int) -> list[list[Handover]]:
    """Return the handovers cut into batches of at most `size`, each of one lane and channel.

    Urgent batches come first; within a lane and channel the given order is kept.
    """
    order = list(Lane)
    ordered = sorted(handovers, key=lambda each: (order.index(each.lane), each.channel))
    cut: list[list[Handover]] = []
    for _, group in groupby(ordered, key=lambda each: (each.lane, each.channel)):
        same = list(group)
        cut += [same[start : start + size] for start in range(0, len(same), size)]
    return cut
