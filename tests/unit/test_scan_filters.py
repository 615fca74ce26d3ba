"""The scan passes over what cannot matter: it finds what the plain, slow rules find in generated files."""

from __future__ import annotations

import mmap
import random
import re
from collections.abc import Iterator

import pytest

from signing.pdf.doubles import doubled_objects
from signing.pdf.objects import ObjectGraph, PdfObject, read_graph, references
from signing.scan import _LOOKS
from tests.support.scan_pdfs import assembled, packed, stream

_SPACES = (b" ", b"\n", b"\r\n", b"\t", b"\0", b"\f ", b" %c 9 0 R\n")
_PIECES = (
    *(
        b"1 0 R",
        b"2 0\nR",
        b"123456789 0 R",
        b"3 65535 R",
        b"4 123456 R",
        b"5 0 Rx",
        b"6\0\t0 R]",
        b"7 0 R8 0 R",
    ),
    *(b"(9 0 R)", b"((10 0 R) 1 0 R", b"(\\) 11 0 R", b"% 12 0 R\n", b"%13 0 R", b"5 <%s>0 R" % (b"0" * 64)),
    *(b"/Contents", b"<%s>" % (b"14 0 " * 16), b"<<", b">>", b"[", b"]", b"|", b"R", b"595.2756", b"-1 0 R"),
    *(
        b"/OFF [2",
        b"/O#46F [2",
        b"/BaseState/OFF",
        b"/AP << /N 3 0 R >>",
        b"/A#50",
        b"/F 2",
        b"/Subtype /Stamp",
    ),
    *(b"/Subtype/Widget", b"/Subtype /W#69dget", b"/FT /Tx", b"/V (a)", b"/Fields [1 0 R]", b"/Kids [2 0 R]"),
    *(b"/FontDescriptor 1 0 R", b"/FontDe#73criptor 2 0 R", b"/BaseFont /A", b"/FontName /B", b"/FontFile2"),
    *(b"/Type /ObjStm", b"/Type/XRef", b"/Type /#58Ref", b"/Type /Page", b"/Rect [0 0 9 9]", b"/Length 3"),
    *(b"obj", b"endob", b"strea", b"stream", b"8 0 obj", b"xref", b"trailer << /Root 1 0 R >>", b"(stream\n"),
)
_SEEDS = range(120)


def _text(chance: random.Random) -> bytes:
    return b"".join(chance.choice(_PIECES) + chance.choice(_SPACES) for _ in range(chance.randrange(12)))


def _file(chance: random.Random) -> bytes:
    """A file of such objects, some twice or packed, with odd ends, lengths and sections between them."""
    written = bytearray(b"%PDF-1.7\n")
    for _ in range(chance.randrange(1, 25)):
        number = chance.randrange(1, 12)
        body = _text(chance)
        match chance.randrange(6):
            case 0:
                content = _text(chance)
                told = len(content) + chance.choice((0, 0, 0, 1, -1, 7, 10**9))
                between = chance.choice((b"", b"\n", b"\r\n", b"\n\n\n", b" x"))
                body += b"/Length %d >>\nstream\r\n%s%sendstream" % (told, content, between)
            case 1:
                body = packed({20: _text(chance), 21: _text(chance)})
            case 2:
                body = stream(_text(chance), deflated=True)
        space = chance.choice(_SPACES[:-1])
        written += b"%d%s%d%sobj%s%s" % (number, space, chance.choice((0, 7)), space, space, body)
        written += chance.choice((b"endobj", b"\nendobj\n", b"\nendobj\r\n", b"", b"endobj x", b" endob\n"))
        if not chance.randrange(8):
            written += b"trailer%s<< /Root %d 0 R >>\nstartxref\n9\n%%%%EOF\n" % (space, number)
    return bytes(written)


# --- the plain rules -----------------------------------------------------------------------------

_DEFINITION = re.compile(
    rb"(\d{1,8})[\0\t\n\f\r ]{1,20}\d{1,5}[\0\t\n\f\r ]{1,20}obj(?![A-Za-z])"
    rb"((?:(?!endobj|stream\r?\n|obj(?![A-Za-z])).)*)(endobj|stream\r?\n)?",
    re.DOTALL,
)
_LENGTH = re.compile(rb"/Length\s+(\d{1,10})\b(?!\s+\d+\s+R)")
_TRAILER = re.compile(rb"trailer[\0\t\n\f\r ]*<<")
_STRINGS = re.compile(
    rb"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.){0,1024}+\)){0,4096}+\)|%[^\r\n]*|<[0-9A-Fa-f\0\t\n\f\r ]{64,}+>",
    re.DOTALL,
)
_REFERENCE = re.compile(rb"(\d{1,8})[\0\t\n\f\r ]+\d{1,5}[\0\t\n\f\r ]+R(?![A-Za-z])")


def plain_references(text: bytes) -> set[int]:
    if b"(" in text or b"%" in text or b"/Contents" in text:
        text = _STRINGS.sub(b" ", text)
    return set(map(int, _REFERENCE.findall(text)))


def plain_definitions(raw: bytes) -> Iterator[PdfObject | list[bytes]]:
    """Every definition, and the trailers between two as a list."""
    position, revision = 0, 0
    while match := _DEFINITION.search(raw, position):
        between = raw[position : match.start()]
        yield plain_trailers(between)
        revision += b"startxref" in between and b"%%EOF" in between
        number, text, end = match.groups()
        stream_at = match.end() if end and end != b"endobj" else None
        if end is None:
            position = max(match.end() - 60, match.end(1) + 1)
        else:
            position = match.end() if stream_at is None else plain_end(raw, text, stream_at)
        stream_end = position if stream_at else 0
        yield PdfObject(int(number), names_undone(text), stream_at, match.start(), revision, stream_end)
    yield plain_trailers(raw[position:])


def plain_trailers(between: bytes) -> list[bytes]:
    found = []
    starts = [match.end() for match in _TRAILER.finditer(between)]
    for start, following in zip(starts, [*starts, len(between)][1:], strict=True):
        end = between.find(b"startxref", start, following)
        found.append(names_undone(between[start : end if end > 0 else min(start + 4096, following)]))
    return found


def plain_end(raw: bytes, text: bytes, start: int) -> int:
    length = _LENGTH.search(text)
    told = start + int(length[1]) if length else 0
    if told and raw[told : told + 11].strip().startswith(b"endstream"):
        return told
    return max(raw.find(b"endstream", start), start)


def names_undone(text: bytes) -> bytes:
    return re.sub(rb"#([0-9A-Fa-f]{2})", _letter, text)


def _letter(found: re.Match[bytes]) -> bytes:
    letter = bytes([int(found[1], 16)])
    return letter if re.fullmatch(rb"[^\x00-\x20()<>\[\]{}/%\x80-\xff]", letter) else found[0]


def plainly_reachable(graph: ObjectGraph) -> set[int]:
    waiting = [number for trailer in graph.trailers for number in plain_references(trailer)]
    seen: set[int] = set()
    while waiting:
        number = waiting.pop()
        if number not in seen:
            seen.add(number)
            found = graph.objects.get(number)
            waiting += plain_references(found.text) if found else ()
    return seen


# --- the same is found ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", _SEEDS)
def test_references_are_those_that_the_plain_rule_finds(seed: int) -> None:
    chance = random.Random(seed)
    texts = [_text(chance) for _ in range(20)]

    assert references(texts) == set().union(*map(plain_references, texts))
    for text in texts:
        assert references([text]) == plain_references(text)


@pytest.mark.parametrize("seed", _SEEDS)
def test_definitions_and_trailers_are_those_that_the_plain_rule_finds(seed: int) -> None:
    raw = _file(random.Random(seed))
    plain = list(plain_definitions(raw))

    graph = read_graph(raw)

    special = re.compile(rb"/Type\s*/(?:XRef|ObjStm)\b")
    found = {each.at: each for each in graph.every if each.at is not None}
    expected = {
        each.at: each for each in plain if isinstance(each, PdfObject) and not special.search(each.text)
    }
    assert found == expected
    trailers = [trailer for each in plain if isinstance(each, list) for trailer in each]
    assert [each for each in graph.trailers if not special.search(each)] == [
        each for each in trailers if not special.search(each)
    ]


@pytest.mark.parametrize("seed", _SEEDS)
def test_what_is_reachable_is_what_the_plain_rule_reaches(seed: int) -> None:
    graph = read_graph(_file(random.Random(seed)))

    assert graph.reachable() == plainly_reachable(graph)


def test_numbers_at_the_end_of_one_object_are_no_reference_with_the_next() -> None:
    assert references([b"<< /N 1 0", b"R >>"]) == set()


def test_long_chain_of_objects_is_reached_to_its_end() -> None:
    objects = {number: b"<< /Next %d 0 R >>" % (number + 1) for number in range(1, 1000)}

    assert read_graph(assembled(objects)).reachable() == set(range(1, 1001))


@pytest.mark.parametrize("seed", _SEEDS)
def test_look_that_is_left_out_would_have_found_nothing(seed: int) -> None:
    raw = _file(random.Random(seed))
    graph = read_graph(raw)
    everything = b"\n".join(found.text for found in graph.every)

    for words, look in _LOOKS:
        if not any(word in everything for word in words):
            assert not list(look(mapped(raw), graph))


@pytest.mark.parametrize("seed", _SEEDS)
def test_doubles_are_those_that_stand_twice_and_are_named_once(seed: int) -> None:
    chance = random.Random(seed)
    numbers = [chance.randrange(1, 6) for _ in range(8)]
    written, places = bytearray(b"%PDF-1.7\n"), []
    for number in numbers:
        places.append(len(written))
        written += b"%d 0 obj\n<<>>\nendobj\n" % number
    named = [place for place in places if chance.random() < 0.7]
    start = len(written)
    entries = b"".join(b"%010d 00000 %s \n" % (place, chance.choice((b"n", b"n", b"f"))) for place in named)
    written += b"xref\n0 %d\n%strailer\n<<>>\nstartxref\n%d\n%%%%EOF\n" % (len(named), entries, start)

    found = " ".join(doubled_objects(mapped(bytes(written)), read_graph(bytes(written))))

    used = {int(each[:10]) for each in entries.splitlines() if each[17:18] == b"n"}
    for number in set(numbers):
        own = [place for each, place in zip(numbers, places, strict=True) if each == number]
        is_double = len(own) > 1 and {place in used for place in own} == {True, False}
        assert (f"Object {number} stands" in found) == is_double


def test_generated_files_have_all_that_is_compared() -> None:
    graphs = [read_graph(_file(random.Random(seed))) for seed in _SEEDS]

    assert any(graph.trailers for graph in graphs)
    assert any(graph.replaced for graph in graphs)
    assert any(found.revision > 1 for graph in graphs for found in graph.every)
    assert any(len(plainly_reachable(graph)) > 5 for graph in graphs)


def mapped(content: bytes) -> mmap.mmap:
    found = mmap.mmap(-1, len(content))
    found.write(content)
    return found
