"""`lienthong verify PACKET.edxml`: the files in a packet decide with it, whatever they are called."""

from __future__ import annotations

import io
import re
import zipfile
from base64 import b64encode, encodebytes
from pathlib import Path
from typing import Any

import pytest

from ops.dev.papers import tamper
from tests.component.test_ops_cli import Lienthong, lienthong
from tests.component.test_verify_command import AT, lines, written
from tests.support import cms_making, pki, xml_signing
from tests.support.cms_holders import authority as cms_authority
from tests.support.edxml_packets import Sent, java_document

__all__ = ["lienthong"]  # a fixture: named here so that pytest finds it

PASSED, INDETERMINATE, FAILED, UNSIGNED = "TOTAL-PASSED", "INDETERMINATE", "TOTAL-FAILED", "UNSIGNED"
FORGED_P7M = cms_making.enveloping(cms_making.draft()).replace(
    cms_making.CONTENT, cms_making.CONTENT[:-1] + b"!"
)


def armoured(content: bytes) -> bytes:
    return b"-----BEGIN PKCS7-----\n" + encodebytes(content) + b"-----END PKCS7-----\n"


def signed() -> bytes:
    return pki.signed_by_leader()


def forged_xml() -> bytes:
    return xml_signing.signed().replace("Chi 100", "Chi 900").encode()


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    for number, authority in enumerate((pki.authority(), xml_signing.authority(), cms_authority())):
        folder = authority.write_trust(tmp_path / f"{number}")
        for root in folder.iterdir():
            (tmp_path / "roots").mkdir(exist_ok=True)
            root.rename(tmp_path / "roots" / f"{number}-{root.name}")
    return tmp_path / "roots"


def packet(path: Path, *files: tuple[str, bytes]) -> Path:
    """A packet without the dialect's own signature, which nobody can judge."""
    sent = [Sent(str(number), name, content) for number, (name, content) in enumerate(files, start=1)]
    before, _, rest = java_document(*sent).partition("<Signature>")
    return written(path, (before + rest.partition("</Signature>")[2]).encode())


class Judge:
    """Judges packets of these files, all at once."""

    def __init__(self, lienthong: Lienthong, trust: Path, folder: Path) -> None:
        self._run, self._trust, self._folder = lienthong, trust, folder

    def __call__(self, *packets: list[tuple[str, bytes]]) -> list[Any]:
        paths = [packet(self._folder / f"{n}.edxml", *files) for n, files in enumerate(packets)]
        return lines(self._run("verify", "--trust", self._trust, *AT, "--json", *paths))


@pytest.fixture
def judge(lienthong: Lienthong, trust: Path, tmp_path: Path) -> Judge:
    return Judge(lienthong, trust, tmp_path)


def verdicts(judged: list[Any]) -> list[str]:
    return [each["verdict"] for each in judged]


def warnings(line: Any, code: str) -> list[str]:
    return [each["detail"] for each in line["warnings"] if each["code"] == code]


def test_packet_is_judged_with_the_files_in_it(judge: Judge) -> None:
    good, bad = ("tờ trình.pdf", signed()), ("sửa.pdf", tamper(signed()))
    first, second = judge([good], [good, bad, ("phụ lục.pdf", pki.plain_pdf())])

    assert verdicts([first, second]) == [PASSED, FAILED]
    assert [each["field"] for each in second["signatures"]] == ["tờ trình.pdf/ChuKy", "sửa.pdf/ChuKy"]
    assert warnings(second, "attachment-unsigned") == ["phụ lục.pdf"]


def test_forged_file_of_any_type_and_name_makes_the_packet_fail(judge: Judge) -> None:
    annex = ("phụ lục.pdf", signed())
    forged = [
        ("quyết định.xml", forged_xml()),
        ("quyết định.p7m", FORGED_P7M),
        ("quyết định.docx", tamper(signed())),
        ("quyết định", forged_xml()),
        ("quyết định.doc", b"<!DOCTYPE VanBan>\n" + forged_xml()),
        ("quyết định.txt", forged_xml()),
        ("quyết định.txt", b"\n" + armoured(FORGED_P7M)),
        ("quyết định.pdf", archive_of(("a.pdf", signed()), ("b.pdf", signed()))),
    ]
    before, after = judge(*([each, annex] for each in forged)), judge(*([annex, each] for each in forged))

    assert verdicts(before) == verdicts(after) == [FAILED] * len(forged)
    for line, (name, _) in zip(before, forged, strict=True):
        assert line["signatures"][0]["field"].startswith(f"{name}/")


def test_packet_never_passes_by_its_annexes(judge: Judge) -> None:
    annex = ("phụ lục.pdf", signed())
    mains = [("quyết định.docx", b"PK\x03\x04 no package"), ("quyết định.pdf", pki.plain_pdf())]
    judged = judge(*([main, annex] for main in mains))

    assert verdicts(judged) == [INDETERMINATE] * 2
    for line, (name, _) in zip(judged, mains, strict=True):
        assert warnings(line, "main-document-unsigned") == [name]


def test_unsigned_annex_is_named_and_does_not_matter(judge: Judge) -> None:
    main, annexes = ("quyết định.pdf", signed()), [("a.pdf", pki.plain_pdf()), ("b.txt", b"rows")]
    (line,) = judge([main, *annexes])

    assert line["verdict"] == PASSED
    assert warnings(line, "attachment-unsigned") == ["a.pdf", "b.txt"]
    assert warnings(line, "main-document-unsigned") == []


def test_packet_without_any_signature_is_unsigned(judge: Judge) -> None:
    (line,) = judge([("a.pdf", pki.plain_pdf()), ("b.txt", b"rows")])

    assert line["verdict"] == UNSIGNED


@pytest.mark.parametrize(
    ("document", "signature"),
    [("7.docx", "7.docx.p7s"), ("7.docx", "7.docx.P7S"), ("Quyết định.docx", "QUYẾT ĐỊNH.docx.p7s")],
)
def test_main_document_passes_by_its_detached_signature(judge: Judge, document: str, signature: str) -> None:
    main, detached = (document, cms_making.CONTENT), (signature, cms_making.signed())
    first, second, third = judge(
        [main, detached], [detached, main], [(document, cms_making.CONTENT + b"!"), detached]
    )

    assert verdicts([first, second, third]) == [PASSED, PASSED, FAILED]
    assert warnings(first, "attachment-unsigned") == []


def test_detached_signature_of_an_annex_vouches_for_no_other_file(judge: Judge) -> None:
    annex = [("annex.docx", cms_making.CONTENT), ("annex.docx.p7s", cms_making.signed())]
    (line,) = judge([("main.docx", b"anything"), *annex])

    assert line["verdict"] == INDETERMINATE
    assert warnings(line, "main-document-unsigned") == ["main.docx"]


@pytest.mark.parametrize("vouching", [signed(), xml_signing.signed().encode()], ids=["pdf", "xml"])
def test_file_called_a_detached_signature_and_none_vouches_for_nothing(judge: Judge, vouching: bytes) -> None:
    mains = [("quyết định.docx", b"forged"), ("quyết định.pdf", pki.plain_pdf())]
    judged = judge(*([main, (f"{main[0]}.p7s", vouching)] for main in mains))

    assert verdicts(judged) == [INDETERMINATE] * 2
    for line, (name, _) in zip(judged, mains, strict=True):
        assert warnings(line, "main-document-unsigned") == [name]
        assert [each["codes"] for each in line["signatures"]] == [["content-not-signed"]]


def archive_of(*files: tuple[str, bytes]) -> bytes:
    """A ZIP archive that stores files as they are."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return target.getvalue()


def test_unsigned_annex_that_speaks_of_others_is_unsigned(judge: Judge) -> None:
    annexes = [
        ("hồ sơ.zip", archive_of(("quyết định.pdf", signed()), ("a.pdf", pki.plain_pdf()))),
        ("phụ lục.doc", b"<!DOCTYPE html>\n<html><body><p>Signature: Nguy\xe1\xbb\x85n</p></body></html>"),
        (
            "hình.svg",
            b'<?xml version="1.0"?><!DOCTYPE svg PUBLIC "a" "b"><svg xmlns="http://www.w3.org/2000/svg"/>',
        ),
        ("bảng.xml", b'<?xml version="1.0"?><!DOCTYPE plist PUBLIC "a" "b"><plist/>'),
        ("sổ.xml", b'<?xml version="1.0"?><x:so/>'),
        ("ghi chú.txt", "Tệp bắt đầu bằng %PDF- là tệp PDF".encode()),
    ]
    judged = judge(*([("quyết định.pdf", signed()), each] for each in annexes))

    assert verdicts(judged) == [PASSED] * len(annexes)
    assert [warnings(each, "attachment-unsigned") for each in judged] == [[name] for name, _ in annexes]


def test_document_is_signed_by_the_signature_of_the_whole_packet(
    lienthong: Lienthong, trust: Path, tmp_path: Path
) -> None:
    path = packet(tmp_path / "a.edxml", ("quyết định.txt", b"Chi 100"), ("bảng.txt", b"rows"))
    path.write_text(xml_signing.signed(path.read_text()))
    forged = written(
        tmp_path / "b.edxml", path.read_bytes().replace(b64encode(b"Chi 100"), b64encode(b"Chi 900"))
    )
    good, bad = lines(lienthong("verify", "--trust", trust, *AT, "--json", path, forged))

    assert verdicts([good, bad]) == [PASSED, FAILED]
    assert warnings(good, "main-document-unsigned") == []


@pytest.mark.parametrize("order", ["<Attachment>.*?</Attachment>", "<edXML:Reference>.*?</edXML:Reference>"])
def test_document_is_the_first_of_the_manifest_and_of_the_attachments(
    lienthong: Lienthong, trust: Path, tmp_path: Path, order: str
) -> None:
    annex = ("phụ lục.pdf", signed())
    forged = packet(tmp_path / "a.edxml", ("quyết định.docx", b"forged"), annex)
    sound = packet(tmp_path / "b.edxml", ("quyết định.pdf", signed()), annex)
    for path in (forged, sound):
        one, other = re.findall(order, path.read_text(), re.DOTALL)
        path.write_text(path.read_text().replace(one, "{one}").replace(other, one).replace("{one}", other))
    first, second = lines(lienthong("verify", "--trust", trust, *AT, "--json", forged, sound))

    assert verdicts([first, second]) == [INDETERMINATE, PASSED]
    assert warnings(first, "main-document-unsigned") == ["quyết định.docx"]


def test_packet_in_a_packet_is_not_opened_and_never_passes(judge: Judge, tmp_path: Path) -> None:
    inside = packet(tmp_path / "inside", ("quyet dinh.pdf", tamper(signed()))).read_bytes()

    (line,) = judge([("quyet dinh.pdf", signed()), ("goi tin.edxml", inside)])

    assert line["verdict"] == INDETERMINATE
    assert warnings(line, "attachment-packet") == ["goi tin.edxml"]


def test_two_files_of_one_name_are_both_judged_and_never_pass(judge: Judge) -> None:
    bad, good = ("a.pdf", tamper(signed())), ("A.pdf", signed())
    first, second = judge([bad, good], [("a.pdf", signed()), good])

    assert [each["field"] for each in first["signatures"]] == ["a.pdf/ChuKy", "A.pdf/ChuKy"]
    assert verdicts([first, second]) == [FAILED, INDETERMINATE]


def test_packet_out_of_order_never_passes(lienthong: Lienthong, trust: Path, tmp_path: Path) -> None:
    path = packet(tmp_path / "a.edxml", ("a.pdf", signed()))
    path.write_text(path.read_text().replace("edXML:Subject>", "edXML:Subjekt>"))
    (line,) = lines(lienthong("verify", "--trust", trust, *AT, "--json", path))

    assert line["verdict"] == INDETERMINATE
    assert "packet-mistake" in {warning["code"] for warning in line["warnings"]}
