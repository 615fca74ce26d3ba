"""The reader of DER, what it does not take, and what of BER is made DER."""

from __future__ import annotations

import pytest

from signing.cms import der
from signing.cms.ber import to_der
from signing.cms.der import Malformed
from signing.cms.names import is_same_name
from tests.support.cms_findings import Made
from tests.support.cms_hostile import indefinite
from tests.support.cms_making import integer, object_id, octets, sequence, signed
from tests.support.cms_valid import GOOD


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x30",
        b"\x30\x01",
        b"\x30\x80\x00\x00",
        b"\x30\x81\x01\x00",
        b"\x30\x82\x00\x80" + bytes(128),
        b"\x30\x85\x00\x00\x00\x00\x80" + bytes(128),
        b"\x30\x81",
        b"\x30\x82\x01",
        b"\x30\xff\x00",
        b"\x1f\x81\x01\x00",
        b"\x31\x00",
        b"\x30\x00\x00",
    ],
)
def test_what_is_not_one_sequence_in_der_is_malformed(encoded: bytes) -> None:
    with pytest.raises(Malformed):
        der.whole(encoded, der.SEQUENCE)


def test_tag_of_several_bytes_inside_is_malformed() -> None:
    with pytest.raises(Malformed):
        der.whole(sequence(b"\x1f\x02\x00\x00"), der.SEQUENCE).members()


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65_535, 65_536, 1 << 20])
def test_element_is_read_as_it_was_written(size: int) -> None:
    content = b"\xa5" * size

    assert der.whole(der.wrapped(der.OCTET_STRING, content), der.OCTET_STRING).content == content


def test_object_identifiers_are_written_as_in_the_standard() -> None:
    assert der.oid("1.2.840.113549.1.7.2").hex() == "2a864886f70d010702"
    assert der.oid("2.16.840.1.101.3.4.2.1").hex() == "608648016503040201"
    assert der.oid("2.25.201349544456305978025163286937461578046").hex()[:2] == "69"


@pytest.mark.parametrize("name", [name for name in GOOD if name != "zeros behind it"])
def test_der_stays_as_it_is(name: str) -> None:
    made = GOOD[name]()
    contents = made.contents if isinstance(made, Made) else made

    assert to_der(contents) == (contents, len(contents))


def test_open_lengths_become_definite() -> None:
    loose = indefinite(signed())

    assert to_der(loose) == (signed(), len(loose))


def test_string_in_pieces_becomes_one() -> None:
    pieces = b"\x24\x80" + octets(b"one ") + b"\x24\x06" + octets(b"and ") + octets(b"two") + b"\0\0"

    encoded, _ = to_der(pieces)

    assert encoded == octets(b"one and two")


@pytest.mark.parametrize(
    "encoded",
    [
        b"\x24\x80" + integer(1) + b"\0\0",
        b"\x24\x80" + octets(b"x"),
        b"\x04\x80\x00\x00",
        b"\x30\x80\x30\x80\x00\x00",
        b"\x30\x89" + b"\x01" * 9,
        b"\x00\x00",
        b"\x30\x05\x04\x04xxx",
        b"\x30\x80" * 42 + b"\0\0" * 42,
        b"\x30\x80" + b"\x05\x00" * 100_000 + b"\0\0",
    ],
)
def test_what_is_not_even_ber_is_malformed(encoded: bytes) -> None:
    with pytest.raises(Malformed):
        to_der(encoded)


def _name(*entries: tuple[str, int, bytes]) -> bytes:
    return sequence(
        *(
            der.wrapped(der.SET, sequence(object_id(kind), der.wrapped(tag, value)))
            for kind, tag, value in entries
        )
    )


_CN, _O = "2.5.4.3", "2.5.4.10"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ([(_CN, 0x0C, b"Root CA")], [(_CN, 0x13, b"Root  CA ")], True),
        ([(_CN, 0x0C, "Cơ yếu".encode())], [(_CN, 0x1E, "Cơ yếu".encode("utf-16-be"))], True),
        ([(_CN, 0x0C, b"Root CA")], [(_CN, 0x0C, b"Root Ca")], False),
        ([(_CN, 0x0C, b"Root CA")], [(_CN, 0x0C, b"Root CB")], False),
        ([(_CN, 0x0C, b"Root CA")], [(_O, 0x0C, b"Root CA")], False),
        ([(_CN, 0x0C, b"A"), (_O, 0x0C, b"B")], [(_O, 0x0C, b"B"), (_CN, 0x0C, b"A")], False),
        ([(_CN, 0x0C, b"A")], [(_CN, 0x0C, b"A"), (_CN, 0x0C, b"A")], False),
        ([(_CN, 0x0C, b"\xff")], [(_CN, 0x0C, b"\xfe")], False),
        ([(_CN, 0x04, b"x")], [(_CN, 0x04, b"X")], False),
    ],
)
def test_names_are_compared_by_what_they_say(
    one: list[tuple[str, int, bytes]], other: list[tuple[str, int, bytes]], is_same: bool
) -> None:
    assert is_same_name(_name(*one), _name(*other)) is is_same
