"""Packets changed at random, by their structure and by their bytes, and a second reader to compare with."""

from __future__ import annotations

import base64
import random
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

from adapters.edxml.packet import Read
from tests.support.edxml_packets import (
    BKAV,
    QCVN,
    SOAP,
    Sent,
    bkav_document,
    bkav_status,
    dotnet_document,
    java_document,
    java_status,
    read,
    recall,
    replacement,
    update,
    zipped,
)

_ZIPPED = java_document(Sent(content=zipped(b"%PDF-1.7\n")), Sent("2", "b.docx", zipped(b"x")))
SEEDS = [_ZIPPED.encode()] + [
    packet().encode()
    for packet in (
        java_document, dotnet_document, bkav_document, recall, update, replacement, java_status, bkav_status,
    )
]  # fmt: skip

ELEMENT = re.compile(rb"<((?:\w+:)?\w+)(?:\s[^<>]*)?(?:/>|>[^<]*</\1>)")
TAG = re.compile(rb"</?[\w:]+[^<>]*>")
TEXT = re.compile(rb">([^<>]+)<")

DICTIONARY = [
    b"<!DOCTYPE a>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x?>", b"&lt;", b"&amp;", b"&#0;", b"&#10;",
    b"&x;", b"<", b">", b'"', b"'", b"/", b"=", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xc0\x80", b"\xe1\xbb\x81",
    b"\r\n", b' xmlns="urn:x"', b" xmlns:edXML='urn:x'", b' Id="a"', b' id="a"', b' xlink:href="http://x"',
    b"cid:",
    b"edXML:", b"Bussiness", b"Business", b"<edXML:To/>", b"<edXML:Subject/>", b"</edXML>", b"<Attachment>",
    b"<edXML:StatusCode>01</edXML:StatusCode>", b"==", b"A" * 70, b"0", b"9999", b"2026/02/30", b" ", b"\t",
]  # fmt: skip


# --- the changes ---------------------------------------------------------------------------------


def flip_a_bit(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ (1 << chance.randrange(8))]) + raw[at + 1 :]


def cut_out(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw))
    return raw[:at] + raw[at + chance.choice([1, 2, 8, 64, 512]) :]


def insert_a_word(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw) + 1)
    return raw[:at] + chance.choice(DICTIONARY) + raw[at:]


def insert_between_elements(raw: bytes, chance: random.Random) -> bytes:
    at = chance.choice(list(TAG.finditer(raw)) or [re.match(b"", raw)]).end()  # type: ignore[union-attr]
    return raw[:at] + chance.choice(DICTIONARY) + raw[at:]


def change_a_text(raw: bytes, chance: random.Random) -> bytes:
    return _replace_one(TEXT, raw, chance, lambda found: b">" + chance.choice(DICTIONARY) + b"<")


def drop_an_element(raw: bytes, chance: random.Random) -> bytes:
    return _replace_one(ELEMENT, raw, chance, lambda found: b"")


def double_an_element(raw: bytes, chance: random.Random) -> bytes:
    return _replace_one(ELEMENT, raw, chance, lambda found: found[0] * 2)


def move_an_element(raw: bytes, chance: random.Random) -> bytes:
    found = list(ELEMENT.finditer(raw))
    tags = list(TAG.finditer(raw))
    if not found or not tags:
        return raw
    moved, place = chance.choice(found), chance.choice(tags).end()
    if moved.start() < place <= moved.end():
        return raw
    without = raw[: moved.start()] + raw[moved.end() :]
    place -= len(moved[0]) if place > moved.end() else 0
    return without[:place] + moved[0] + without[place:]


def wrap_an_element(raw: bytes, chance: random.Random) -> bytes:
    name = chance.choice(
        [b"edXML:a", b"edXML:From", b"edXML:MessageHeader", b"edXML", b"x", b"edXML:edXMLHeader"]
    )
    return _replace_one(
        ELEMENT, raw, chance, lambda found: b"<" + name + b">" + found[0] + b"</" + name + b">"
    )


def put_a_text_in_cdata(raw: bytes, chance: random.Random) -> bytes:
    return _replace_one(TEXT, raw, chance, lambda found: b"><![CDATA[" + found[1] + b"]]><")


def rename_a_prefix(raw: bytes, chance: random.Random) -> bytes:
    return raw.replace(b"edXML:", chance.choice([b"e:", b"edXML2:", b""]), chance.choice([1, 2, -1]))


MUTATORS = [
    flip_a_bit, cut_out, insert_a_word, insert_between_elements, change_a_text, drop_an_element,
    double_an_element, move_an_element, wrap_an_element, put_a_text_in_cdata, rename_a_prefix,
]  # fmt: skip


def _replace_one(
    pattern: re.Pattern[bytes],
    raw: bytes,
    chance: random.Random,
    change: Callable[[re.Match[bytes]], bytes],
) -> bytes:
    found = list(pattern.finditer(raw))
    if not found:
        return raw
    one = chance.choice(found)
    return raw[: one.start()] + change(one) + raw[one.end() :]


def changed(chance: random.Random) -> bytes:
    raw = chance.choice(SEEDS)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 6])):
        raw = chance.choice(MUTATORS)(raw, chance)
    return raw


# --- the second reader ---------------------------------------------------------------------------

WRAPPERS = {"edXML", "edXMLEnvelope", "edXMLHeader", "edXMLBody", "Envelope", "Header", "Body"}


class SecondReader:
    """Reads a few fields of a packet in another way: a whole tree, and paths through it."""

    def __init__(self, raw: bytes) -> None:
        self.root = ET.fromstring(raw.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n"))
        first = next((each.tag for each in self.root.iter() if _namespace(each.tag) in {QCVN, BKAV}), "")
        self.namespace = _namespace(first)

    def parts(self, *names: str) -> list[ET.Element]:
        return [
            child
            for wrapper in self._wrappers(self.root)
            for child in wrapper
            if child.tag in {f"{{{self.namespace}}}{name}" for name in names}
        ]

    def texts(self, around: ET.Element | None, *path: str) -> list[str]:
        found = [around] if around is not None else []
        for name in path:
            found = [child for each in found for child in each if child.tag == f"{{{self.namespace}}}{name}"]
        return [(each.text or "").strip() for each in found]

    def _wrappers(self, element: ET.Element) -> Iterator[ET.Element]:
        yield element
        for child in element:
            is_ours = _namespace(child.tag) in {self.namespace, SOAP}
            if is_ours and child.tag.rpartition("}")[2] in WRAPPERS:
                yield from self._wrappers(child)


def _namespace(tag: str) -> str:
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def only(texts: list[str]) -> str:
    assert len(texts) <= 1
    return texts[0] if texts else ""


def demand_agreement(found: Read, raw: bytes) -> None:
    """Pass when the second reader finds the same in a packet that was accepted."""
    second = SecondReader(raw)
    (header,) = second.parts("MessageHeader", "Status")
    sender = only(second.texts(header, "From", "OrganId"))
    if found.status is not None:
        assert found.status.sender.organ_id == sender
        assert found.status.status_code == only(second.texts(header, "StatusCode")).zfill(2)
        assert found.status.response_for.document_id in second.texts(header, "ResponseFor", "DocumentId")
        return
    document = found.document
    assert document is not None
    assert document.sender.organ_id == sender
    assert [to.organ_id for to in document.recipients] == second.texts(header, "To", "OrganId")
    assert document.document_id == only(second.texts(header, "DocumentId"))
    assert document.subject == only(second.texts(header, "Subject"))
    assert document.code_number == only(second.texts(header, "Code", "CodeNumber"))
    encoded = [
        text
        for part in second.parts("AttachmentEncoded")
        for text in second.texts(part, "Attachment", "ContentTransferEncoded")
    ]
    assert len(found.attachments) == len(encoded)
    for attachment, text in zip(found.attachments, encoded, strict=True):
        if not attachment.was_zipped:
            assert Path(attachment.path).read_bytes() == base64.b64decode(text)


def fuzz(cases: int, seed: int, folder: Path) -> tuple[int, int]:
    """Return how many of the cases were accepted and refused."""
    accepted = 0
    for number in range(cases):
        raw = changed(random.Random(seed * 1_000_003 + number))
        found = read(raw, folder)
        if found.faults:
            assert (found.document, found.status, found.attachments) == (None, None, ())
        else:
            accepted += 1
            assert raw[found.starts_at :].startswith(b"<")
            assert raw[: found.ends_at].endswith(b">")
            demand_agreement(found, raw)
    return accepted, cases - accepted
