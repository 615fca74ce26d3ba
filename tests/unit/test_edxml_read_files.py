"""The attachments of a packet: base64 and manifest: rows B15 and B16."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.edxml.attachments import Attachments
from adapters.edxml.faults import Mistakes
from adapters.edxml.limits import ReadLimits
from tests.support.edxml_packets import (
    LIMITS,
    PDF,
    Sent,
    dotnet_document,
    java_document,
    java_status,
    mistakes,
    read,
    reasons,
)

ENCODED = base64.b64encode(PDF).decode()  # 28 bytes, so it ends in "=="
CONTENT = "AttachmentEncoded/Attachment/ContentTransferEncoded"


def with_content(text: str) -> str:
    return java_document().replace(ENCODED, text)


# --- B15 -----------------------------------------------------------------------------------------

BAD_BASE64 = {
    **{f"{letter!r} inside": ENCODED[:8] + letter + ENCODED[8:] for letter in "-_.,:;!@#$%*()[]{}~^|'?\\"},
    **{f"{letter!r} inside": ENCODED[:8] + letter + ENCODED[8:] for letter in "é\u00a0\u200b\ufeff\u2028ＡА"},
    "url-safe letters": "-_-_",
    "no padding": ENCODED.rstrip("="),
    "one padding": ENCODED[:-1],
    "three paddings": ENCODED + "=",
    "padding only": "====",
    "padding first": "=" + ENCODED[:-1],
    "padding in the middle": ENCODED[:4] + "==" + ENCODED[6:],
    "two contents": ENCODED + ENCODED,
    "letters behind the padding": ENCODED + "AAAA",
    "padding in a later chunk": "A" * 65_540 + "AA==" + "B" * 70_000,
    "padding cut by white space, then letters": ENCODED[:-1] + "\n=\nAAAA",
    "one letter": "A",
    "five letters": "AAAAA",
    "a letter too many": "A" * 65_537,
    "hidden bits of one": "QR==",
    "hidden bits of two": "QUF=",
    "more hidden bits": "Q/==",
    "a data address": "data:application/pdf;base64," + ENCODED,
    "hexadecimal with spaces": PDF.hex(" ") + " 0",
    "quoted": f'"{ENCODED}"',
    "percent-encoded": ENCODED.replace("=", "%3D"),
    "an entity of markup": ENCODED[:8] + "&lt;" + ENCODED[8:],
    "a flood of white space": " " * 200_000 + ENCODED,
    "a flood of line ends": "\n".join([ENCODED[:-4], "\r\n" * 70_000, ENCODED[-4:]]),
    "a flood of tabs": ENCODED + "\t" * 200_000,
    "control pictures": "␀" * 4,
    "raw text": "%PDF-1.7",
}
EMPTY = {"nothing": "", "white space": " \r\n\t", "an empty CDATA": "<![CDATA[]]>"}


@pytest.mark.parametrize("name", BAD_BASE64)
def test_b15_what_is_not_base64_is_refused(name: str, tmp_path: Path) -> None:
    found = read(with_content(BAD_BASE64[name]), tmp_path)
    assert [(fault.element, fault.en) for fault in found.faults] == [
        (CONTENT, "the content is not valid base64")
    ]


def test_b15_nothing_follows_the_padding_wherever_the_text_is_cut(tmp_path: Path) -> None:
    found = Mistakes()
    sink = Attachments(tmp_path, LIMITS, found).open(CONTENT)
    for text in ("QUJD", "QQ==", "\n", "QUJD"):
        sink.write(text)
    sink.close()
    assert [fault.element for fault in found.faults] == [CONTENT]


@pytest.mark.parametrize("name", EMPTY)
def test_b15_an_attachment_without_content_is_refused(name: str, tmp_path: Path) -> None:
    assert mistakes(with_content(EMPTY[name]), tmp_path) == [CONTENT]


def test_b15_has_its_number_of_variants() -> None:
    assert len(BAD_BASE64) + len(EMPTY) >= 60


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 60, 64, 76])
@pytest.mark.parametrize("end", ["\n", "\r\n", "&#13;\n", " ", "\t"])
def test_b15_lines_of_any_width_are_base64(width: int, end: str, tmp_path: Path) -> None:
    lines = end.join(ENCODED[at : at + width] for at in range(0, len(ENCODED), width))
    found = read(with_content(f"{end}{lines}{end}"), tmp_path)
    assert found.faults == ()
    assert Path(found.attachments[0].path).read_bytes() == PDF


@pytest.mark.parametrize("size", [1, 2, 3, 49_151, 49_152, 49_153, 1_000_000])
def test_b15_a_content_of_any_size_comes_back(size: int, tmp_path: Path) -> None:
    content = bytes(range(1, 252)) * (size // 251 + 1)
    found = read(java_document(Sent(content=content[:size])), tmp_path)
    assert Path(found.attachments[0].path).read_bytes() == content[:size]


def test_b15_content_in_one_cdata_is_read(tmp_path: Path) -> None:
    found = read(with_content(f"<![CDATA[{ENCODED}]]>"), tmp_path)
    assert Path(found.attachments[0].path).read_bytes() == PDF


@pytest.mark.parametrize("limit", [ReadLimits(max_file_bytes=999), ReadLimits(max_total_bytes=1_999)])
def test_b15_more_bytes_than_the_limit_are_refused_while_they_come(limit: ReadLimits, tmp_path: Path) -> None:
    two = java_document(Sent("1", "a.pdf", b"a" * 1_000), Sent("2", "b.pdf", b"b" * 1_000))
    assert len(reasons(two, tmp_path)) == 0
    (fault,) = read(two, tmp_path, limits=limit).faults
    assert "too large" in fault.en


def test_b15_a_large_content_is_written_no_further_than_the_limit(tmp_path: Path) -> None:
    found = read(java_document(Sent(content=b"x" * 9_000_000)), tmp_path)
    assert "too large" in found.faults[0].en
    assert sum(path.stat().st_size for path in tmp_path.rglob("1")) <= LIMITS.max_file_bytes


def test_b15_more_files_than_the_limit_are_refused(tmp_path: Path) -> None:
    files = [Sent(str(number), f"{number}.pdf") for number in range(21)]
    assert reasons(java_document(*files[:20]), tmp_path) == []
    assert reasons(java_document(*files), tmp_path) == ["there are more than 20 attachments"]


# --- B16 -----------------------------------------------------------------------------------------

ONE, TWO, THREE = (Sent(str(number), f"{number}.pdf", PDF + bytes([number])) for number in (1, 2, 3))
REFERENCE = re.compile(r"\s*<edXML:Reference[ >].*?</edXML:Reference>", re.S)
ATTACHMENT = re.compile(r"\s*<Attachment>.*?</Attachment>", re.S)
CONTENT_ELEMENT = re.compile(r"<edXML:ContentTransferEncoded.*?</edXML:\w+>")
LINK = 'xmlns:l="http://www.w3.org/1999/xlink" l:href'
PACKETS = {
    "Java": lambda: java_document(ONE, TWO, THREE),
    ".NET": lambda: dotnet_document(ONE, TWO, THREE),
}


def drop(pattern: re.Pattern[str], number: int) -> Callable[[str], str]:
    def changed(text: str) -> str:
        found = list(pattern.finditer(text))[number]
        return text[: found.start()] + text[found.end() :]

    return changed


def double(pattern: re.Pattern[str], number: int) -> Callable[[str], str]:
    def changed(text: str) -> str:
        found = list(pattern.finditer(text))[number]
        return text[: found.end()] + found[0] + text[found.end() :]

    return changed


def swap(old: str, new: str, *, count: int = 1, last: bool = False) -> Callable[[str], str]:
    if last:
        return lambda text: new.join(text.rsplit(old, count))
    return lambda text: text.replace(old, new, count)


MISMATCHES = {
    **{f"attachment {number} missing": drop(ATTACHMENT, number) for number in range(3)},
    **{f"attachment {number} not listed": drop(REFERENCE, number) for number in range(3)},
    **{f"attachment {number} twice": double(ATTACHMENT, number) for number in range(3)},
    **{f"attachment {number} listed twice": double(REFERENCE, number) for number in range(3)},
    **{
        f"the manifest knows {number} as {other!r}": swap(
            f"<edXML:ContentId>cid:{number}<", f"<edXML:ContentId>{other}<"
        )
        for number, other in ((1, "cid:4"), (2, "4"), (3, "cid:03"), (2, "cid:3"))
    },
    **{
        f"the manifest lists {number} at {address}": swap(
            f"<edXML:ContentId>cid:{number}<", f"<edXML:ContentId>{address}<"
        )
        for number, address in (
            (1, "http://127.0.0.1/1.pdf"),
            (2, "file:///etc/passwd"),
            (3, "cid:http://127.0.0.1/1"),
        )
    },
    **{
        f"the name of {number} differs": swap(
            f"<AttachmentName>{number}.pdf<", "<AttachmentName>hidden.pdf<", last=True
        )
        for number in (1, 2, 3)
    },
    **{f"no content in {number}": drop(CONTENT_ELEMENT, number - 1) for number in (1, 2, 3)},
    "no name anywhere": lambda text: re.sub(r"<((?:edXML:)?AttachmentName)>1.pdf</\1>", "", text),
    "two contents in one": double(CONTENT_ELEMENT, 0),
    "two ids in one": double(re.compile(r"<edXML:ContentId>.*?</edXML:ContentId>"), 0),
    "an external address": swap("Manifest version", f'Manifest {LINK}="http://127.0.0.1/x" version'),
}  # fmt: skip


@pytest.mark.parametrize("mismatch", MISMATCHES)
@pytest.mark.parametrize("packet", PACKETS)
def test_b16_manifest_and_attachments_that_differ_are_refused(
    packet: str, mismatch: str, tmp_path: Path
) -> None:
    whole = PACKETS[packet]()
    changed = MISMATCHES[mismatch](whole)
    assert changed != whole
    found = mistakes(changed, tmp_path)
    assert found
    assert all(element.startswith(("edXMLManifest", "AttachmentEncoded/Attachment")) for element in found)


@pytest.mark.parametrize("content_id", ["", "cid:"])
def test_b16_a_reference_without_id_is_refused_unless_it_is_linked(content_id: str, tmp_path: Path) -> None:
    empty = swap("<edXML:ContentId>cid:1<", f"<edXML:ContentId>{content_id}<")
    assert mistakes(empty(PACKETS["Java"]()), tmp_path)[0] == "edXMLManifest/Reference/ContentId"
    assert mistakes(empty(PACKETS[".NET"]()), tmp_path) == []


def test_b16_a_reference_that_names_two_files_is_refused(tmp_path: Path) -> None:
    text = PACKETS[".NET"]().replace('xlink:href="cid:1"', 'xlink:href="cid:2"')
    assert mistakes(text, tmp_path)[0] == "edXMLManifest/Reference/ContentId"


def test_b16_has_its_number_of_variants() -> None:
    assert len(PACKETS) * len(MISMATCHES) + 3 >= 60


def test_b16_a_second_list_of_attachments_is_refused(tmp_path: Path) -> None:
    second = "<AttachmentEncoded></AttachmentEncoded></edXML>"
    assert mistakes(java_document().replace("</edXML>", second), tmp_path) == ["AttachmentEncoded"]
    body = "</edXML:edXMLManifest><edXML:edXMLManifest/>"
    assert mistakes(java_document().replace("</edXML:edXMLManifest>", body), tmp_path) == ["edXMLManifest"]


def test_b16_every_difference_is_named(tmp_path: Path) -> None:
    text = drop(ATTACHMENT, 1)(java_document(ONE, TWO, THREE))
    assert [(fault.element, fault.en) for fault in read(text, tmp_path).faults] == [
        ("edXMLManifest", "the manifest lists 3 files, the packet holds 2"),
        ("edXMLManifest/Reference[2]", "is in the manifest but has no content"),
    ]


def test_b16_an_unlisted_attachment_is_named(tmp_path: Path) -> None:
    text = drop(REFERENCE, 1)(java_document(ONE, TWO, THREE))
    assert mistakes(text, tmp_path) == ["edXMLManifest", "AttachmentEncoded/Attachment[2]"]


def test_b16_a_type_that_differs_is_only_warned_about(tmp_path: Path) -> None:
    text = java_document().replace("<ContentType>application/pdf", "<ContentType>application/zip")
    found = read(text, tmp_path)
    assert (found.faults, len(found.warnings)) == ((), 1)


def test_b16_a_status_with_attachments_is_refused(tmp_path: Path) -> None:
    attached = ATTACHMENT.search(java_document())
    assert attached is not None
    text = java_status().replace("</edXML>", f"<AttachmentEncoded>{attached[0]}</AttachmentEncoded></edXML>")
    assert mistakes(text, tmp_path) == ["AttachmentEncoded"]
