"""What is remembered, and that it never grows."""

from __future__ import annotations

from signing.memo import Memo


def test_value_is_found_once() -> None:
    memo: Memo[int] = Memo(limit=10)
    asked: list[str] = []

    def find() -> int:
        asked.append("x")
        return 7

    assert [memo.remembered("key", find) for _ in range(3)] == [7, 7, 7]

    assert asked == ["x"]


def test_nothing_found_is_remembered_too() -> None:
    memo: Memo[None] = Memo(limit=10)
    asked: list[str] = []

    for _ in range(3):
        memo.remembered("key", lambda: asked.append("x"))

    assert asked == ["x"]


def test_oldest_go_when_there_are_too_many() -> None:
    memo: Memo[int] = Memo(limit=3)

    for number in range(5):
        memo.keep(number, number)

    assert [number in memo for number in range(5)] == [False, False, True, True, True]


def test_what_weighs_more_than_everything_is_not_kept() -> None:
    memo: Memo[int] = Memo(limit=100)

    memo.keep("small", 1)
    memo.keep("large", 2, weight=101)

    assert ("small" in memo, "large" in memo) == (True, False)


def test_key_kept_again_weighs_once() -> None:
    memo: Memo[int] = Memo(limit=10)

    for _ in range(5):
        memo.keep("key", 1, weight=6)

    assert "key" in memo
