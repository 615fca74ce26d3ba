from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.envelope import Urgency
from gateway.domain.model import AgencyCode, Channel, DeliveryId, Handover, Lane
from gateway.domain.routing import BULK_ABOVE, batches, common_words, lane_of, routing_key

QUEUES = [(lane, channel) for lane in Lane for channel in Channel]


def handover(
    n: int, *, lane: Lane = Lane.NORMAL, channel: Channel = Channel.WEBHOOK, to: str = "H26"
) -> Handover:
    return Handover(DeliveryId(str(n)), 0, lane, channel, AgencyCode(to))


handover_lists = st.lists(st.sampled_from(QUEUES), max_size=200).map(
    lambda queues: [handover(n, lane=lane, channel=channel) for n, (lane, channel) in enumerate(queues)]
)


@pytest.mark.parametrize("urgency", [each for each in Urgency if each is not Urgency.NORMAL])
@pytest.mark.parametrize("recipients", [1, 5000])
def test_urgent_papers_take_the_urgent_lane_however_many_get_them(urgency: Urgency, recipients: int) -> None:
    assert lane_of(urgency, recipients=recipients) is Lane.URGENT


def test_circulars_take_the_bulk_lane_above_the_limit_only() -> None:
    assert lane_of(Urgency.NORMAL, recipients=BULK_ABOVE) is Lane.NORMAL
    assert lane_of(Urgency.NORMAL, recipients=BULK_ABOVE + 1) is Lane.BULK


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (["H26.01.02"], ["H26", "01", "02"]),
        (["H26.01", "H26.02"], ["H26"]),
        (["H26.01", "H26.01.05"], ["H26", "01"]),
        (["H26", "H27"], []),
        (["H26.1", "H26.10"], ["H26"]),
    ],
)
def test_batch_is_routed_by_the_words_its_agencies_share(codes: list[str], words: list[str]) -> None:
    assert common_words(codes) == words
    batch = [handover(n, to=code) for n, code in enumerate(codes)]
    assert routing_key(batch) == ".".join(["normal", "webhook", *words])


def test_nothing_to_hand_over_makes_no_batch() -> None:
    assert batches([], size=50) == []


@given(handovers=handover_lists, size=st.integers(1, 60))
def test_every_handover_is_in_exactly_one_batch(handovers: list[Handover], size: int) -> None:
    cut = batches(handovers, size=size)
    assert sorted((each for batch in cut for each in batch), key=lambda each: int(each.delivery)) == handovers


@given(handovers=handover_lists, size=st.integers(1, 60))
def test_batches_are_full_and_of_one_lane_and_channel(handovers: list[Handover], size: int) -> None:
    sizes = defaultdict(list)
    for batch in batches(handovers, size=size):
        queues = {(each.lane, each.channel) for each in batch}
        assert len(queues) == 1
        sizes[queues.pop()].append(len(batch))
    for of_queue in sizes.values():
        assert set(of_queue[:-1]) <= {size}
        assert 1 <= of_queue[-1] <= size


@given(handovers=handover_lists, size=st.integers(1, 60))
def test_order_within_a_lane_and_channel_is_kept_and_urgent_comes_first(
    handovers: list[Handover], size: int
) -> None:
    order = list(Lane)
    cut = [each for batch in batches(handovers, size=size) for each in batch]
    for earlier, later in pairwise(cut):
        assert order.index(earlier.lane) <= order.index(later.lane)
        if (earlier.lane, earlier.channel) == (later.lane, later.channel):
            assert int(earlier.delivery) < int(later.delivery)
