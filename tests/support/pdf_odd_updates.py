"""Updates behind a signed file that are odd: as some program might write them, or a stranger try.

Every file is drawn by a seed. The signed ones hold traps: second definitions, catalogs and trailers in
streams that nothing draws, which a reader comes upon when it searches the file for objects itself.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import TypeVar

from tests.support.pdf_attacks import FORGED, NEW, Case, number_of, value, with_annotation, with_member
from tests.support.pdf_files import (
    CATALOG,
    FIRST_PAGE,
    Objects,
    appended,
    object_stream,
    paper,
    pointer,
    stream,
    streamed,
)
from tests.support.pdf_odd_parts import (
    ASPECTS,
    BETWEEN,
    CLOSINGS,
    ENDINGS,
    FIELDS,
    FLAT,
    HEADERS,
    HIDDEN_HEADERS,
    IN_CATALOG,
    IN_FORM,
    JOINTS,
    OF_PAGE,
    ORPHANS,
    ROWS,
    SECTION_FILTERS,
    STORE,
    STREAM_JOINTS,
    STREAMS,
    SUBSECTIONS,
    TRAILER_MEMBERS,
    WORDS,
)
from tests.support.pdf_other_readers import signed, with_attachment, with_double
from tests.support.pdf_signing import LEADER_BOX, Ink, signed_with
from tests.support.pki import leader

Kind = TypeVar("Kind")
_CONTENT = FIRST_PAGE + 1
_ATTACHED = 40
_FOR_SOME = (NEW + 2, NEW + 3, STORE)
_TOKEN = re.compile(rb"\((?:[^()\\]|\\.)*\)|<<|>>|<[0-9A-Fa-f]*>|[\[\]]|/[^\s()<>\[\]/%]*|[^\s()<>\[\]/%]+")
_SIZE = re.compile(rb"/Size (\d+)")
_ANNOTATIONS = re.compile(rb"/Annots \[([^\]]*)\]")
_NO_JOINT_NEEDED = re.compile(rb"[()<>\[\]/]")

# --- the signed files --------------------------------------------------------------------------------------


@cache
def trapped() -> bytes:
    """A signed paper with an attachment, and other versions of all it shows that only a search finds."""
    return signed(_trap() | paper(2, catalog=b"/Names 40 0 R", page=b"/PieceInfo 50 0 R"))


def _trap() -> Objects:
    hidden = (
        b"\n%d 0 obj\n%s\nendobj\n" % (_CONTENT, stream(FORGED)),
        b"%d 0 obj\n%s\nendobj\n" % (_ATTACHED + 3, stream(b"900 dong", b"/Type /EmbeddedFile")),
        b"70 0 obj\n<< /Type /Catalog /Pages 71 0 R >>\nendobj\n",
        b"71 0 obj\n<< /Type /Pages /Count 1 /Kids [72 0 R] >>\nendobj\n",
        b"72 0 obj\n<< /Type /Page /Parent 71 0 R /MediaBox [0 0 300 300] >>\nendobj\n",
        b"trailer\n<< /Size 80 /Root 70 0 R >>\n",
    )
    file = b"<< /Type /Filespec /F (phu-luc.txt) /UF (phu-luc.txt) /EF << /F %d 0 R >> >>" % (_ATTACHED + 3)
    return {
        _ATTACHED: b"<< /EmbeddedFiles %d 0 R >>" % (_ATTACHED + 1),
        _ATTACHED + 1: b"<< /Names [(phu-luc.txt) %d 0 R] >>" % (_ATTACHED + 2),
        _ATTACHED + 2: file,
        _ATTACHED + 3: stream(b"100 dong", b"/Type /EmbeddedFile"),
        50: b"<< /X 51 0 R >>",
        51: stream(b"".join(hidden)),
    }


@cache
def trapped_under_stream() -> bytes:
    """The same under a cross-reference stream, and with references to nothing, as programs leave them."""
    objects = _trap() | paper(
        2,
        catalog=b"/Names 40 0 R /ViewerPreferences 999 0 R",
        page=b"/PieceInfo 50 0 R /Rotate 999 0 R",
    )
    return signed_with(streamed(objects), leader(), Ink(box=LEADER_BOX))


@cache
def searched() -> bytes:
    """A signed paper with a reference to nothing under a table: some readers search such a file at once."""
    return signed(paper(2, catalog=b"/ViewerPreferences 999 0 R"))


BASES: Mapping[str, Callable[[], bytes]] = {
    "text": with_double,
    "attachment": with_attachment,
    "all": trapped,
    "all under a stream": trapped_under_stream,
    "searched": searched,
}

# --- the updates -------------------------------------------------------------------------------------------


class Update:
    """An update that is plain but for some aspects, which are drawn."""

    def __init__(self, base: bytes, chance: random.Random) -> None:
        """Draw what is odd about an update of a signed file."""
        self._base = base
        self._chance = chance
        self.odd = frozenset(chance.sample(ASPECTS, chance.choice((1, 1, 2, 2, 3))))
        self._written = base
        self._places: dict[int, int] = {}
        self._packed: list[tuple[int, int, int]] = []

    def file(self) -> bytes:
        """The whole file."""
        objects = self._objects()
        self._written += self._pick("between", b"", BETWEEN)
        if self._chance.random() < (0.7 if "packing" in self.odd else 0.1):
            objects = self._pack(objects)
        for number, content in objects.items():
            self._write(number, content)
        section = self._section_stream if self._packed or self._chance.random() < 0.5 else self._table
        place = section()
        self._written += self._pick("between", b"", BETWEEN)
        ending = self._pick("ending", b"startxref\n%d\n%%%%EOF\n", ENDINGS)
        return self._written + ending % place

    def _pick(self, aspect: str, usual: Kind, odd: Sequence[Kind]) -> Kind:
        return self._chance.choice(odd) if aspect in self.odd else usual

    def _objects(self) -> Objects:
        found: Objects = {NEW: b"(x)"}
        if "catalog" in self.odd:
            catalog, member = value(self._base, CATALOG), self._chance.choice(IN_CATALOG)
            found[CATALOG] = self._chance.choice((_with_first, with_member))(catalog, member)
            found[NEW + 2] = stream(b"<x/>", b"/Type /Metadata /Subtype /XML")
            found[STORE] = b"<< /Type /DSS /Certs [] >>"
        if "field" in self.odd:
            widget = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Moi) /P %d 0 R %s >>"
            found |= with_annotation(self._base, widget % (FIRST_PAGE, self._chance.choice(FIELDS)))
            found[NEW + 2] = stream(b"", b"/Type /XObject /Subtype /Form /BBox [0 0 0 0]")
            found.pop(NEW)
        if "form" in self.odd:
            holder = number_of(self._base, b"/Fields")
            found[holder] = _with_first(value(self._base, holder), self._chance.choice(IN_FORM))
        if "page" in self.odd:
            found[FIRST_PAGE] = self._page()
        if "orphan" in self.odd:
            found[NEW] = self._chance.choice((*ORPHANS, *STREAMS))
            found[NEW + 3] = b"4"
        # What nothing leads to is no evidence, and refused for that alone.
        mentioned = b"".join(found.values())
        return {
            number: content
            for number, content in found.items()
            if number not in _FOR_SOME or b"%d 0 R" % number in mentioned
        }

    def _page(self) -> bytes:
        page = value(self._base, FIRST_PAGE)
        listed = _ANNOTATIONS.search(page)
        assert listed is not None
        changed = self._chance.choice(OF_PAGE) % {b"listed": listed[1]}
        return page[: listed.start()] + changed + page[listed.end() :]

    def _pack(self, objects: Objects) -> Objects:
        copied = {CATALOG: value(self._base, CATALOG)} | objects
        inside = {
            number: self._by_hand(content) for number, content in copied.items() if b"stream" not in content
        }
        container = NEW + 50
        self._packed = [(number, container, index) for index, number in enumerate(inside)]
        packed = self._pick("packing", _usual_pack, _ODD_PACKS)(inside)
        return {number: content for number, content in objects.items() if number not in inside} | {
            container: packed
        }

    def _write(self, number: int, content: bytes) -> None:
        header = self._pick("header", b"%d 0 obj\n", HEADERS)
        closing = self._pick("closing", b"\nendobj\n", CLOSINGS)
        self._places[number] = len(self._written) + self._pick("place", 0, (0, 0, 1, -1, 10**9))
        self._written += header % number + self._by_hand(content) + closing
        self._written += self._pick("between", b"", BETWEEN)

    def _by_hand(self, content: bytes) -> bytes:
        """The tokens before a stream's bytes, in odd forms and with odd joints."""
        if not {"joints", "numbers", "names"} & self.odd:
            return content
        head, word, rest = content.partition(b">>\nstream")
        tokens = [self._token(each) for each in _TOKEN.findall(head + word[:2])]
        written = b"".join(
            each + self._joint(each, then) for each, then in zip(tokens, [*tokens[1:], b"["], strict=True)
        )
        return written + word[2:] + rest

    def _joint(self, left: bytes, right: bytes) -> bytes:
        if "joints" not in self.odd or self._chance.random() < 0.9:
            return b" "
        is_free = _NO_JOINT_NEEDED.match(left[-1:]) or _NO_JOINT_NEEDED.match(right)
        return self._chance.choice((*JOINTS, *([b""] * 4 if is_free and left != b"/" else [])))

    def _token(self, token: bytes) -> bytes:
        if self._chance.random() < 0.9:
            return token
        if "numbers" in self.odd and token.isdigit():
            return self._chance.choice((b"+%s", b"000%s", b"%s.0", b"%s.", b"-0%s", b"0%s", b"0%s")) % token
        if "names" in self.odd and len(token) > 1 and token.startswith(b"/"):
            place = self._chance.randrange(1, len(token))
            form = self._chance.choice((b"#%02x", b"#%02X", b"%c#00", b"%c#", b"#%x"))
            return token[:place] + form % token[place] + token[place + 1 :]
        return token

    def _trailer(self, size: int, *members: bytes) -> bytes:
        size = self._pick("size", size, (size + 1, size + 7, 4_194_304, 4_194_305, 10**9, 5))
        previous = pointer(self._base)
        entries = [b"/Size %d" % size, b"/Root %d 0 R" % CATALOG, *members]
        entries.append(b"/Prev %d" % self._pick("previous", previous, (previous + 1, previous - 1, 0, 9)))
        if "members" in self.odd:
            entries.insert(
                self._chance.randrange(len(entries) + 1), self._chance.choice((*TRAILER_MEMBERS, entries[0]))
            )
        return b"<< %s >>" % b" ".join(entries)

    def _extra_rows(self) -> dict[int, tuple[int, int, int]]:
        return self._pick("rows", {}, ROWS)

    def _table(self) -> int:
        place = len(self._written)
        kinds = {0: b"f", 1: b"n"}
        rows = {0: (0, 0, 65535)} | {number: (1, at, 0) for number, at in self._places.items()}
        rows |= self._extra_rows()
        end = self._pick("row", b" \n", (b"\r\n", b" \r", b"\n", b"  ", b" \r\n"))
        blocks = []
        for first, numbers in self._subsections(sorted(rows)):
            head = self._pick("subsection", b"%d %d\n", SUBSECTIONS) % (first, len(numbers))
            entries = (rows[number] for number in numbers)
            lines = (b"%010d %05d %s" % (at, last, kinds.get(kind, b"n")) + end for kind, at, last in entries)
            blocks.append(head + b"".join(lines))
        words = self._pick("words", (b"xref\n", b"trailer\n"), WORDS)
        trailer = self._by_hand(self._trailer(max(self._most(), *rows) + 1))
        self._written += words[0] + b"".join(blocks) + words[1] + trailer + b"\n"
        return place

    def _most(self) -> int:
        return max(int(size) for size in _SIZE.findall(self._base)) - 1

    def _subsections(self, numbers: list[int]) -> list[tuple[int, list[int]]]:
        blocks = [(number, [number]) for number in numbers]
        if "order" not in self.odd:
            return blocks
        self._chance.shuffle(blocks)
        return [*blocks, *self._chance.choice(([], [], blocks[:1], [(7, [])]))]

    def _section_stream(self) -> int:
        place, own = len(self._written), NEW + 60
        rows = {number: (1, at, 0) for number, at in (self._places | {own: place}).items()}
        rows |= {number: (2, container, index) for number, container, index in self._packed}
        rows |= self._extra_rows()
        widths = self._pick("widths", (1, 4, 2), ((1, 8, 8), (1, 5, 0), (2, 4, 2), (0, 4, 2), (1, 3, 3)))
        ordered = [number for _, numbers in self._subsections(sorted(rows)) for number in numbers]
        table = b"".join(
            (number % 256**width).to_bytes(width)
            for each in ordered
            for number, width in zip(rows[each], widths, strict=True)
        )
        index = b" ".join(b"%d 1" % number for number in ordered)
        packed, filtered = self._pick("packing", FLAT, SECTION_FILTERS)
        content = zlib.compress(table) if packed else table
        members = (b"/Type /XRef /W [%d %d %d]" % widths, b"/Index [%s]" % index, filtered)
        described = self._trailer(max(self._most(), *rows) + 1, b"/Length %d" % len(content), *members)
        content += self._pick("behind", b"", (b"\n", b"\0", b" ", b"x", b"\r\n"))
        header = self._pick("header", b"%d 0 obj\n", HEADERS) % own
        joints = self._pick("stream", (b"\nstream\n", b"\nendstream\nendobj\n"), STREAM_JOINTS)
        self._written += header + self._by_hand(described) + joints[0] + content + joints[1]
        return place


def _with_first(dictionary: bytes, member: bytes) -> bytes:
    return dictionary.replace(b"<<", b"<< " + member, 1)


def _usual_pack(objects: Objects) -> bytes:
    return object_stream(objects)


def _plain_pack(
    objects: Objects, *, pair: bytes = b"%d %d ", gap: bytes = b"\n", members: bytes = b"", more: int = 0
) -> bytes:
    heads, bodies = b"", b""
    for number, content in objects.items():
        heads += pair % (number, len(bodies))
        bodies += content + gap
    described = b"/Type /ObjStm /N %d /First %d %s" % (len(objects) + more, len(heads), members)
    return stream(heads + bodies, described)


_ODD_PACKS: tuple[Callable[[Objects], bytes], ...] = (
    _plain_pack,
    partial(_plain_pack, pair=b"%d %d\r\n"),
    partial(_plain_pack, pair=b"%07d %07d\t"),
    partial(_plain_pack, pair=b"+%d +%d "),
    partial(_plain_pack, pair=b"%d.0 %d "),
    partial(_plain_pack, pair=b"%d %%\n%d "),
    partial(_plain_pack, gap=b" endobj "),
    partial(_plain_pack, gap=b"\n% nothing\n"),
    partial(_plain_pack, gap=b"\0\0"),
    partial(_plain_pack, members=b"/Extends 1 0 R"),
    partial(_plain_pack, members=b"/Extends null"),
    partial(_plain_pack, members=b"/N#00 1"),
    partial(_plain_pack, members=b"/DecodeParms null"),
    partial(_plain_pack, members=b"/Filter []"),
    partial(_plain_pack, members=b"/Filter /Crypt"),
    partial(_plain_pack, pair=b"%d\0%d\x0c"),
    partial(_plain_pack, gap=b" "),
    partial(_plain_pack, more=1),
    partial(_plain_pack, more=-1),
)


def odd_updates(seed: int, count: int) -> Iterator[tuple[str, Case]]:
    """Updates of the signed files: the name of the file in `BASES` and a case."""
    chance = random.Random(seed)
    for number in range(count):
        name = chance.choice([*BASES])
        update = Update(BASES[name](), chance)
        pdf = update.file()
        yield name, Case(f"{seed}/{number} on {name}: {', '.join(sorted(update.odd))}", partial(bytes, pdf))


def odd_trailers() -> Iterator[Case]:
    """Updates with one odd entry in their trailers, plain otherwise, of the paper with all the traps."""
    for member in TRAILER_MEMBERS:
        yield Case(member[:40].decode("ascii"), partial(appended, trapped(), {NEW: b"(x)"}, members=member))


def hidden_objects() -> Iterator[Case]:
    """Updates of the paper that is searched, with another text for its first page inside an object."""
    for header in HIDDEN_HEADERS:
        hidden = b"\n%s\n%s\nendobj\n" % (header, stream(FORGED))
        for kind, holder in (("stream", stream(hidden)), ("string", b"(%s)" % hidden)):
            yield Case(f"{kind}/{header!r}", partial(appended, searched(), {NEW: holder}))
