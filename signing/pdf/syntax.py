"""Reads one object of a PDF where it stands: no streams, no references followed, every place remembered.

pyHanko says what an object means, not where it stands; the rules on a signature's own bytes need both. What
is not plainly written is refused here, so that nothing is read in two ways.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from mmap import mmap

_MAX_DEPTH = 20
_MAX_STRING_BYTES = 4 * 1024 * 1024

_WHITE = rb"[\x00\t\n\x0c\r ]"
_END = rb"(?![^\x00\t\n\x0c\r ()<>\[\]{}/%])"
# Possessive and atomic: a stranger's bytes must not make the search go back and forth. Groups are atomic and
# never possessive: before Python 3.11.5 a possessive group that goes back inside matches wrongly (gh-106052).
_TOKEN = re.compile(
    rb"(?>(?:" + _WHITE + rb"|%[^\r\n]*+)*)(?:"
    rb"(?P<reference>(\d{1,10})" + _WHITE + rb"++(\d{1,5})" + _WHITE + rb"++R" + _END + rb")"
    rb"|(?P<integer>[+-]?\d{1,18}" + _END + rb")"
    rb"|(?P<real>[+-]?(?:\d{1,18}\.\d{0,18}|\.\d{1,18})" + _END + rb")"
    rb"|(?P<name>/[^\x00\t\n\x0c\r ()<>\[\]{}/%]*+)"
    rb"|(?P<open><<)|(?P<close>>>)|(?P<first>\[)|(?P<last>\])"
    rb"|(?P<hex><[0-9A-Fa-f\x00\t\n\x0c\r ]*+>)"
    rb"|(?P<text>\()"
    rb"|(?P<word>true|false|null)" + _END + rb")"
)
_HEADER = re.compile(_WHITE + rb"*+(\d{1,10})" + _WHITE + rb"++(\d{1,5})" + _WHITE + rb"++obj" + _END)
_CLOSING = re.compile(_WHITE + rb"*+(?:endobj" + _END + rb"|stream\r?\n)")
_STREAM = re.compile(_WHITE + rb"*+stream\r?\n")
_END_OF_STREAM = re.compile(rb"(?:\r\n|\r|\n)?endstream" + _END)
_ESCAPED = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\x00-\xff]))", re.DOTALL)
_NAME_BYTE = re.compile(rb"#([0-9A-Fa-f]{2})")
# To some readers a name ends at a byte 0, or takes in whatever follows a single digit.
_ODD_ESCAPE = re.compile(rb"#(?![0-9A-Fa-f]{2})|#00")
_LETTERS = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"b": b"\b",
    b"f": b"\x0c",
    b"\n": b"",
    b"\r": b"",
    b"\r\n": b"",
}
_WORDS = {b"true": True, b"false": False, b"null": None}
_OF_STRING = re.compile(rb"[()\\]")


class NotPlain(Exception):
    """What stands there is not plainly written, or no object at all."""


class Name(str):
    """A name, without its slash."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to an indirect object."""

    number: int
    generation: int


@dataclass(frozen=True, slots=True)
class String:
    """A string: its bytes, and where it stands with its brackets."""

    content: bytes
    start: int
    end: int


Dictionary = dict[str, "Value"]
Value = Name | Reference | String | int | float | bool | None | list["Value"] | Dictionary


def read_indirect(raw: mmap | bytes, place: int) -> tuple[Reference, Value]:
    """Return the indirect object whose header stands at a place in the file: its number, and its value.

    Of a stream only the dictionary is returned.

    Raises:
        NotPlain: It is none, or not plainly written.
    """
    header = _HEADER.match(raw, place)
    if header is None:
        raise NotPlain("no object header")
    value, end = read_value(raw, header.end())
    if _CLOSING.match(raw, end) is None:
        raise NotPlain("an object without an end")
    return Reference(int(header[1]), int(header[2])), value


def read_stream(raw: mmap | bytes, place: int, *, limit: int) -> tuple[Dictionary, bytes]:
    """Return the stream whose header stands at a place in the file: its dictionary, and its bytes as written.

    Raises:
        NotPlain: It is none, not plainly written, not as long as it says, or has more bytes than `limit`.
    """
    header = _HEADER.match(raw, place)
    described, end = read_value(raw, header.end() if header else place)
    begin = _STREAM.match(raw, end)
    if header is None or begin is None or not isinstance(described, dict):
        raise NotPlain("no stream")
    length = described.get("Length")
    if type(length) is not int or not 0 <= length <= limit:
        raise NotPlain("a stream of no plain length")
    stop = begin.end() + length
    if _END_OF_STREAM.match(raw, stop) is None:
        raise NotPlain("a stream of another length than it says")
    return described, raw[begin.end() : stop]


def read_value(raw: mmap | bytes, place: int) -> tuple[Value, int]:
    """Return the value that begins at a place, white space before it skipped, and where it ends.

    Raises:
        NotPlain: It is not plainly written.
    """
    return _Reader(raw, place).value(depth=0)


class _Reader:
    __slots__ = ("_place", "_raw")

    def __init__(self, raw: mmap | bytes, place: int) -> None:
        self._raw = raw
        self._place = place

    def value(self, *, depth: int) -> tuple[Value, int]:
        found = self._value(self._next(), depth=depth)
        return found, self._place

    def _next(self) -> re.Match[bytes]:
        token = _TOKEN.match(self._raw, self._place)
        if token is None:
            raise NotPlain(f"no object at byte {self._place}")
        self._place = token.end()
        return token

    def _value(self, token: re.Match[bytes], *, depth: int) -> Value:
        if depth > _MAX_DEPTH:
            raise NotPlain("nested too deeply")
        match token.lastgroup:
            case "name":
                return _name(token["name"])
            case "integer":
                return int(token["integer"])
            case "reference":
                return Reference(int(token[2]), int(token[3]))
            case "open":
                return self._dictionary(depth)
            case "first":
                return self._array(depth)
            case "hex":
                start = token.start("hex")
                return String(_unhexed(token["hex"][1:-1]), start, token.end())
            case "text":
                return self._text(token.start("text"))
            case "real":
                return float(token["real"])
            case "word":
                return _WORDS[token["word"]]
        raise NotPlain(f"not a value at byte {token.start()}")

    def _dictionary(self, depth: int) -> Dictionary:
        found: Dictionary = {}
        while (token := self._next()).lastgroup != "close":
            if token.lastgroup != "name":
                raise NotPlain("a key that is no name")
            key = _name(token["name"])
            if key in found:
                # Which of the two counts differs from reader to reader.
                raise NotPlain(f"the key {key} stands twice")
            found[key] = self._value(self._next(), depth=depth + 1)
        return found

    def _array(self, depth: int) -> list[Value]:
        found: list[Value] = []
        while (token := self._next()).lastgroup != "last":
            found.append(self._value(token, depth=depth + 1))
        return found

    def _text(self, start: int) -> String:
        nested = 1
        while nested:
            found = _OF_STRING.search(self._raw, self._place, start + _MAX_STRING_BYTES)
            if found is None:
                raise NotPlain("a string without an end")
            letter = found[0]
            self._place = found.end() + (letter == b"\\")
            nested += {b"(": 1, b")": -1}.get(letter, 0)
        return String(_ESCAPED.sub(_unescaped, self._raw[start + 1 : self._place - 1]), start, self._place)


def _name(written: bytes) -> Name:
    if b"#" in written:
        if _ODD_ESCAPE.search(written):
            raise NotPlain("a name that some readers read otherwise")
        written = _NAME_BYTE.sub(lambda found: bytes([int(found[1], 16)]), written)
    return Name(written[1:].decode("latin-1"))


def _unhexed(digits: bytes) -> bytes:
    digits = digits.translate(None, b"\x00\t\n\x0c\r ")
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes([int(found[1], 8) & 0xFF])
    return _LETTERS.get(found[2], found[2])
