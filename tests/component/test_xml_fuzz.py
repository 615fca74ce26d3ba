"""Five hundred damaged copies of valid files: none escapes a verdict, none passes with another content."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random

import pytest
from lxml import etree  # type: ignore[import-untyped]

from signing.errors import Unreadable
from signing.report import Verdict
from signing.verify import verify_file
from signing.xml import verify
from tests.support.xml_packets import PACKET
from tests.support.xml_signing import DS, basis, codes, signed, verdict_on

_PIECES = (
    b"<", b">", b"/>", b"&", b'"', b":", b"xmlns", b"xmlns:", b'xmlns=""', b' xmlns:="urn:x"', b"ds:Object",
    b"<ds:Object>x</ds:Object>", b"Signature", b"<Signature/>", b"<x/>", b"<!-- x -->", b"<?x y?>", b"\0",
    b"\xff", b" ", b"\n", b"<![CDATA[", b"]]>", b"#", b"Id", b"9",
)  # fmt: skip


def _damaged(good: bytes, choose: Random) -> bytes:
    place, other = sorted(choose.randrange(len(good)) for _ in range(2))
    other = min(other, place + choose.choice((1, 8, 60, 2_000)))
    match choose.randrange(5):
        case 0:
            return good[:place] + choose.choice(_PIECES) + good[place:]
        case 1:
            return good[:place] + choose.choice(_PIECES) + good[other:]
        case 2:
            return good[:place] + good[other:]
        case 3:
            return good[:other] + good[place:other] + good[other:]
        case _:
            return good[:place] + bytes([good[place] ^ 1 << choose.randrange(8)]) + good[place + 1 :]


def _content(xml: bytes) -> bytes:
    """The canonical document without its signatures."""
    tree = etree.fromstring(xml)
    for signature in tree.findall(f".//{{{DS}}}Signature"):
        signature.getparent().remove(signature)
    written = io.BytesIO()
    etree.ElementTree(tree).write_c14n(written, exclusive=True, with_comments=False)
    return written.getvalue()


def test_damaged_files_never_escape_and_never_pass_with_another_content(tmp_path: Path) -> None:
    choose, path = Random(9), tmp_path / "document.xml"
    for good in (signed().encode(), signed(PACKET).encode()):
        content = _content(good)
        for _ in range(250):
            bad = _damaged(good, choose)
            path.write_bytes(bad)
            try:
                report = verify_file(path, basis=basis())
            except Unreadable:
                continue
            assert report.verdict is not Verdict.TOTAL_PASSED or _content(bad) == content, bad


@pytest.mark.parametrize("step", ["look", "prepare", "reckon"])
def test_a_fault_of_the_judge_itself_is_a_verdict(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise IndexError

    monkeypatch.setattr(verify, step, fail)
    report = verdict_on(signed(), tmp_path)
    assert report.verdict is Verdict.TOTAL_FAILED
    assert codes(report) == ["broken"]
    assert report.signatures[0].sub_indication == "FORMAT_FAILURE"
