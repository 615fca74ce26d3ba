from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.errors import MalformedRequest, Throttled
from gateway.domain.texts import strict_json
from gateway.edge.connection import Guard
from gateway.edge.limits import KEYS_KEPT, Buckets
from tests.support.api import LIMITS
from tests.support.twins import HandClock


def test_bucket_lets_a_burst_through_and_then_the_steady_rate() -> None:
    clock = HandClock()
    buckets = Buckets(clock, per_second=2, burst=3)
    for _ in range(3):
        buckets.check("a")
        buckets.spend("a")
    with pytest.raises(Throttled) as refused:
        buckets.check("a")
    assert refused.value.retry_after == timedelta(seconds=1)
    clock += timedelta(seconds=0.5)
    buckets.check("a")


def test_one_key_does_not_use_up_another() -> None:
    buckets = Buckets(HandClock(), per_second=1, burst=1)
    buckets.spend("a")
    buckets.check("b")


def test_debt_is_paid_back_by_time() -> None:
    clock = HandClock()
    buckets = Buckets(clock, per_second=10, burst=100)
    buckets.spend("a", 1000)
    with pytest.raises(Throttled) as refused:
        buckets.check("a")
    clock += refused.value.retry_after or timedelta(0)
    buckets.check("a")


def test_clock_that_steps_back_gives_and_takes_nothing() -> None:
    clock = HandClock()
    buckets = Buckets(clock, per_second=1, burst=2)
    buckets.spend("a")
    clock += timedelta(hours=-1)
    buckets.check("a")


def test_full_buckets_are_forgotten_when_there_are_too_many() -> None:
    buckets = Buckets(HandClock(), per_second=1, burst=1)
    buckets.spend("in debt", 10)
    for n in range(KEYS_KEPT + 1):
        buckets.check(str(n))
    assert len(buckets._buckets) < 10
    with pytest.raises(Throttled):
        buckets.check("in debt")


def test_places_are_limited_in_all_and_per_address() -> None:
    guard = Guard(replace(LIMITS, max_connections=3, max_connections_per_address=2))
    assert [guard.admit("a") for _ in range(3)] == [True, True, False]
    assert guard.admit("b")
    assert not guard.admit("c")
    guard.release("a")
    assert guard.admit("c")


def test_trusted_proxy_is_limited_in_all_only() -> None:
    proxies = (ipaddress.ip_network("10.0.0.0/24"),)
    guard = Guard(replace(LIMITS, max_connections=3, max_connections_per_address=1, trusted_proxies=proxies))
    assert [guard.admit("10.0.0.7") for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}',
        "NaN",
        "-Infinity",
        "1e999",
        '"\\udc00"',
        '{"\\u0000": 1}',
        '[[{"a": ["\\u001b"]}]]',
        '"\x85"',
        "",
        "{",
        "1" * 5000,
    ],
)
def test_json_that_readers_could_differ_on_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequest):
        strict_json(text.encode())


def test_json_may_hold_every_letter_and_lines() -> None:
    assert strict_json('["a\\tb\\r\\n", "\\ud83d\\ude00", "Quyết định"]'.encode()) == [
        "a\tb\r\n",
        "\U0001f600",
        "Quyết định",
    ]


def test_deeply_nested_json_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        strict_json(b"[" * 100_000)
