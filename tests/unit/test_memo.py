"""What is remembered, and that it never grows."""

from __future__ import annotations

from signing.memo import Memo, remembering


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


def test_function_remembers_the_latest_of_what_it_was_asked() -> None:
    asked: list[str] = []

    @remembering(entries=2, longest=3)
    def length(of: str) -> int:
        asked.append(of)
        return len(of)

    assert [length(each) for each in ("a", "bb", "a", "ccc", "a", "bb")] == [1, 2, 1, 3, 1, 2]

    assert asked == ["a", "bb", "ccc", "bb"]


def test_function_remembers_nothing_that_is_longer_than_told() -> None:
    asked: list[bytes] = []

    @remembering(entries=10, longest=3)
    def length(of: bytes) -> int:
        asked.append(of)
        return len(of)

    assert [length(b"long"), length(b"long")] == [4, 4]

    assert asked == [b"long", b"long"]
