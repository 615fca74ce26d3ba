"""Attachments that come zipped, and what a large packet costs in memory: row B06."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.edxml.faults import SAFETY
from adapters.edxml.limits import ReadLimits
from tests.support.edxml_packets import (
    PDF,
    Sent,
    java_document,
    mistakes,
    read,
    reasons,
    zipped,
)
from tests.support.zips import End, Member, archive, deflated, described

ROOT = Path(__file__).resolve().parents[2]
ENCODED = base64.b64encode(PDF).decode()  # 28 bytes, so it ends in "=="


# --- out of the ZIP ------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["application/zip", "application/pdf", ""])
@pytest.mark.parametrize("name", ["118.pdf", "118.xlsm", "118", "118.DOC"])
def test_one_zipped_file_is_unpacked_whatever_its_type(name: str, content_type: str, tmp_path: Path) -> None:
    found = read(java_document(Sent("1", name, zipped(PDF), content_type)), tmp_path)
    (attachment,) = found.attachments
    assert (attachment.name, attachment.was_zipped, attachment.size_bytes) == (name, True, len(PDF))
    assert Path(attachment.path).read_bytes() == PDF
    assert [path.name for path in Path(attachment.path).parent.iterdir()] == ["1"]


@pytest.mark.parametrize("name", ["a.zip", "A.ZIP"])
def test_an_archive_stays_one(name: str, tmp_path: Path) -> None:
    whole = zipped(PDF)
    (attachment,) = read(java_document(Sent("1", name, whole)), tmp_path).attachments
    assert (attachment.was_zipped, Path(attachment.path).read_bytes()) == (False, whole)


@pytest.mark.parametrize("extension", ["docx", "xlsx", "pptx", "odt", "ods"])
def test_an_office_file_is_taken_out_of_its_wrapping_and_no_further(extension: str, tmp_path: Path) -> None:
    office = several("[Content_Types].xml", "document.xml")
    wrapped = Sent("1", f"a.{extension}", zipped(office, name=f"5f0c6e1e.{extension}"))
    bare = Sent("2", f"b.{extension}", office)
    broken = Sent("3", f"c.{extension}", office[:-30])  # to be refused by those who look through it
    found = read(java_document(wrapped, bare, broken), tmp_path).attachments
    assert [attachment.was_zipped for attachment in found] == [True, False, False]
    assert [Path(each.path).read_bytes() for each in found] == [office, office, office[:-30]]


def several(*names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name in names:
            file.writestr(name, PDF)
    return target.getvalue()


def test_a_zip_of_several_files_stays_one(tmp_path: Path) -> None:
    whole = several("a.pdf", "b.pdf")
    (attachment,) = read(java_document(Sent(content=whole)), tmp_path).attachments
    assert (attachment.was_zipped, attachment.size_bytes) == (False, len(whole))


def test_a_zip_with_a_long_list_is_not_even_listed(tmp_path: Path) -> None:
    long = several(*map("{}.txt".format, range(2_000)))
    (reason,) = reasons(java_document(Sent(content=long)), tmp_path)
    assert reason == "the ZIP cannot be unpacked: the archive has more than 1000 entries"


def encrypted(whole: bytes) -> bytes:
    flagged = bytearray(whole)
    flagged[6] |= 1
    flagged[flagged.index(b"PK\x01\x02") + 8] |= 1
    return bytes(flagged)


BROKEN_ZIPS = {
    "cut off": zipped(PDF * 50)[:-30],
    "only the beginning": b"PK\x03\x04",
    "encrypted": encrypted(zipped(PDF)),
    "bzip2": zipped(PDF * 50, method=zipfile.ZIP_BZIP2),
    "LZMA": zipped(PDF * 50, method=zipfile.ZIP_LZMA),
    "another name in front": zipped(PDF).replace(b"5f0c6e1e.pdf", b"5f0c6e1f.pdf", 1),
    "changed bytes": zipped(PDF, method=zipfile.ZIP_STORED).replace(b"a decision", b"A decision"),
    "broken deflate": zipped(PDF * 50).replace(zipped(PDF * 50)[60:64], b"\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("name", BROKEN_ZIPS)
def test_a_broken_zip_is_a_mistake_like_others(name: str, tmp_path: Path) -> None:
    text = java_document(Sent(content=BROKEN_ZIPS[name])).replace("2026/12/01", "soon")
    assert mistakes(text, tmp_path) == ["MessageHeader/DueDate", "AttachmentEncoded/Attachment"]


GOOD, EVIL = PDF + b"% good", PDF + b"% evil"
ONE = Member(name="5f0c6e1e.pdf", content=GOOD)
FIRST = Member(name="5f0c6e1d.pdf", content=EVIL, is_listed=False)
TWO_READINGS = {
    "a file before the listed one": archive(FIRST, ONE),
    "a file behind the listed one": archive(ONE, FIRST),
    "two files of one name": archive(replace(FIRST, name="5f0c6e1e.pdf"), ONE),
    "stored here, packed there": archive(replace(ONE, local_method=0)),
    "another name": archive(replace(ONE, local_name=b"5f0c6e1d.pdf")),
    "another checksum": archive(replace(ONE, local_crc=1)),
    "other sizes": archive(replace(ONE, local_packed_bytes=3, local_size_bytes=3)),
    "a listed size that is too small": archive(replace(ONE, size_bytes=9)),
    "a listed size that is too large": archive(replace(ONE, size_bytes=9_999)),
    "encrypted by its own header": archive(replace(ONE, local_flags=0x801)),
    "junk behind": archive(ONE) + b"junk",
    "white space behind": archive(ONE) + b"\r\n",
    "a comment": archive(ONE, end=End(comment=b"hello")),
    "another archive as its comment": archive(ONE, end=End(comment=archive(FIRST))),
    "junk before the list": archive(ONE, end=End(before_list=b"junk")),
    "more behind the packed bytes": archive(replace(ONE, packed=deflated(GOOD) + EVIL)),
    "a path": archive(replace(ONE, name="a/5f0c6e1e.pdf")),
    "a path of Windows": archive(replace(ONE, name="a\\5f0c6e1e.pdf")),
    "a way up": archive(replace(ONE, name="../5f0c6e1e.pdf")),
    "a link": archive(replace(ONE, content=b"/etc/passwd", attributes=0o120777 << 16)),
    "a device": archive(replace(ONE, name="con.pdf")),
    "writing turned around": archive(replace(ONE, name="fdp\u202e.exe")),
}


@pytest.mark.parametrize("name", TWO_READINGS)
def test_a_zip_that_recipients_could_unpack_otherwise_is_refused(name: str, tmp_path: Path) -> None:
    found = read(java_document(Sent(content=TWO_READINGS[name])), tmp_path)
    (fault,) = found.faults
    assert (fault.element, fault.rule) == ("AttachmentEncoded/Attachment", SAFETY)
    assert fault.en.startswith("the ZIP cannot be unpacked: ")
    assert not list(tmp_path.rglob("*.unpacked"))


def test_a_zip_that_tells_its_sizes_behind_its_file_is_unpacked(tmp_path: Path) -> None:
    # As Java writes them: in one go.
    (attachment,) = read(java_document(Sent(content=archive(described(ONE)))), tmp_path).attachments
    assert Path(attachment.path).read_bytes() == GOOD


def test_a_zip_that_grows_a_thousandfold_is_refused(tmp_path: Path) -> None:
    bomb = zipped(bytes(3_000_000))
    assert len(bomb) < 4_000
    (reason,) = reasons(java_document(Sent(content=bomb)), tmp_path)
    assert "becomes too large" in reason


def test_a_zip_that_lies_about_its_size_is_measured_while_it_unpacks(tmp_path: Path) -> None:
    bomb = zipped(bytes(3_000_000))
    size = (3_000_000).to_bytes(4, "little")
    lying = bomb.replace(size, (28).to_bytes(4, "little"))
    assert reasons(java_document(Sent(content=lying)), tmp_path) != []
    assert all(path.stat().st_size <= 1_100_000 for path in tmp_path.rglob("*.unpacked"))


def test_unpacked_bytes_count_as_well(tmp_path: Path) -> None:
    text = java_document(Sent(content=zipped(bytes(900_000))))
    assert reasons(text, tmp_path) == []
    (fault,) = read(text, tmp_path, limits=ReadLimits(max_total_bytes=800_000)).faults
    assert "too large" in fault.en


# --- memory --------------------------------------------------------------------------------------

# The peak of this process alone; `getrusage` would begin with its parent's.
MEASURED = """
import sys
from pathlib import Path
from adapters.edxml.read import ReadLimits, read_packet
def peak_kb():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
path, into = map(Path, sys.argv[1:])
before = peak_kb()
read = read_packet(path, into=into, limits=ReadLimits())
print(peak_kb() - before, len(read.faults), read.attachments[0].size_bytes)
"""


@pytest.mark.parametrize(("is_zip", "lines"), [(False, False), (True, True)])
def test_b06_a_packet_of_50_mb_costs_less_than_32_mb_of_memory(
    is_zip: bool, lines: bool, tmp_path: Path
) -> None:
    content = b"%PDF-1.7\n" + bytes(range(256)) * (37_500_000 // 256)
    if is_zip:
        content = zipped(content, method=zipfile.ZIP_STORED)
    encoded = base64.encodebytes(content) if lines else base64.b64encode(content)
    path, into = tmp_path / "packet.edxml", tmp_path / "into"
    into.mkdir()
    path.write_bytes(java_document().encode().replace(ENCODED.encode(), encoded))
    assert path.stat().st_size > 50_000_000
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path), str(into)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    grown_kb, mistakes_found, size_bytes = map(int, done.stdout.split())
    assert (mistakes_found, size_bytes) == (0, 9 + 37_500_000 // 256 * 256)
    assert grown_kb < 32 * 1024
