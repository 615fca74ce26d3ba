"""The reader of single PDF objects: what is plainly written is read, with its place; all else is refused."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.pdf.syntax import Name, NotPlain, Reference, String, Value, read_indirect, read_value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"12", 12),
        (b"-7 ", -7),
        (b"1.5", 1.5),
        (b".5", 0.5),
        (b"true", True),
        (b"null", None),
        (b"/Name", Name("Name")),
        (b"/A#42", Name("AB")),
        (b"/", Name("")),
        (b"12 0 R", Reference(12, 0)),
        (b"[1 2 0 R /A]", [1, Reference(2, 0), Name("A")]),
        (b"[1 2 3]", [1, 2, 3]),
        (b"<</A 1/B[<</C null>>]>>", {"A": 1, "B": [{"C": None}]}),
        (b"% a note\n  <<%x\n/A%y\r 1>>", {"A": 1}),
    ],
)
def test_plain_value_is_read(written: bytes, value: Value) -> None:
    assert read_value(written, 0)[0] == value


@pytest.mark.parametrize(
    ("written", "content"),
    [
        (b"(abc)", b"abc"),
        (b"(a(b)c)", b"a(b)c"),
        (b"(a\\)b)", b"a)b"),
        (b"(\\101\\12\\n\\q)", b"A\n\nq"),
        (b"(a\\\r\nb)", b"ab"),
        (b"<414 2>", b"AB"),
        (b"<4>", b"@"),
        (b"<>", b""),
    ],
)
def test_string_is_read_with_its_place(written: bytes, content: bytes) -> None:
    assert read_value(b"  " + written, 0) == (String(content, 2, 2 + len(written)), 2 + len(written))


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"%only a note",
        b"R",
        b"[1 2",
        b"<</A",
        b"<</A 1/A 2>>",
        b"<</A>>",
        b"<<1 2>>",
        b"(open",
        b"(open\\",
        b"<4x>",
        b">>",
        b"truely",
        b"1x",
        b"[" * 30 + b"]" * 30,
    ],
)
def test_what_is_not_plain_is_refused(written: bytes) -> None:
    with pytest.raises(NotPlain):
        read_value(written, 0)


def test_indirect_object_is_read_with_its_number() -> None:
    assert read_indirect(b"..7 0 obj<</A 1>>endobj", 2) == (Reference(7, 0), {"A": 1})


@pytest.mark.parametrize(
    "written", [b"7 0 obj 1", b"7 0 obj 1 endobx", b"7 0 obj 1 endobjx", b"7 0 obj 1 2 endobj"]
)
def test_object_without_its_end_is_refused(written: bytes) -> None:
    with pytest.raises(NotPlain):
        read_indirect(written, 0)


@pytest.mark.parametrize("written", [b"7 0 objx 1", b"7 obj 1", b"x", b""])
def test_what_has_no_object_header_is_refused(written: bytes) -> None:
    with pytest.raises(NotPlain):
        read_indirect(written, 0)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(written: bytes) -> None:
    try:
        _, end = read_value(written, 0)
    except NotPlain:
        return
    assert 0 < end <= len(written)


@pytest.mark.parametrize("letter", [b" ", b"%", b"%a%b", b"(", b"[", b"<<", b"/", b"1 "])
def test_long_repetition_costs_little(letter: bytes) -> None:
    begun = time.process_time()

    with pytest.raises(NotPlain):
        read_value(b"[" + letter * 50_000, 0)

    assert time.process_time() - begun < 2
