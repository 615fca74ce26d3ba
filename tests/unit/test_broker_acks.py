"""What agencies say over the broker: read as strictly as what they say over `/v1`."""

from __future__ import annotations

import pytest

from broker.acks import NoAnswer, read_answer
from gateway.domain.states import DeliveryState


def test_answer_is_read() -> None:
    accepted = read_answer(b'{"delivery": "01-ab", "answer": "accepted"}')
    assert (accepted.delivery, accepted.state, accepted.reason) == ("01-ab", DeliveryState.DELIVERED, None)
    refused = read_answer('{"delivery":"1","answer":"refused","reason":"Sai nơi nhận\\n\\tGửi lại"}'.encode())
    assert (refused.state, refused.reason) == (DeliveryState.REFUSED, "Sai nơi nhận\n\tGửi lại")


def with_reason(escaped: str) -> bytes:
    return f'{{"delivery":"1","answer":"refused","reason":"{escaped}"}}'.encode()


NO_ANSWERS = {
    "nothing": b"",
    "no JSON": b"accepted",
    "no UTF-8": b"\xff",
    "nothing said": b"{}",
    "a list": b"[]",
    "something behind it": b'{"delivery":"1","answer":"accepted"} x',
    "another answer": b'{"delivery":"1","answer":"perhaps"}',
    "a key twice": b'{"delivery":"1","answer":"accepted","delivery":"2"}',
    "an id with a line end": b'{"delivery":"1\\n","answer":"accepted"}',
    "opened without end": b'{"delivery":"1","answer":"accepted","more":' + b"[" * 60_000,
    "nested deep": b'{"delivery":"1","answer":"accepted","more":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "too long": with_reason("x" * 70_000),
    "a reason too long": with_reason("x" * 1001),
    "a control character": with_reason("\\u0007"),
    "a control character of the second kind": with_reason("\\u0085"),
    "half a letter": with_reason("\\ud800"),
    "writing turned around": with_reason("\\u202e"),
    "writing set apart": with_reason("\\u2066"),
}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_is_malformed(body: bytes) -> None:
    with pytest.raises(NoAnswer):
        read_answer(body)
