"""Parsing workers that read packets and look through files: real ones, and ones that misbehave."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.bodies import FolderBodies, open_bodies
from adapters.sandbox import Patience, Sandbox, open_sandbox
from gateway.domain.errors import MalformedDocument, MalformedPacket, VerificationUnavailable
from gateway.domain.policy import refuse_bad_container
from ops.worker_commands import parsing_worker_command
from signing.report import Verdict
from tests.support.pki import NOW, authority, plain_pdf, signed_by_leader
from tests.support.zips import MEDIA_TYPES, Member, archive, compound_file, office, zipped

STATUS = """<?xml version="1.0" encoding="UTF-8"?>
<edXML:edXML xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">
<edXML:edXMLEnvelope><edXML:edXMLHeader><edXML:Status>
<edXML:ResponseFor><edXML:OrganId>H26.01</edXML:OrganId><edXML:Code>1/QĐ-UBND</edXML:Code>
<edXML:PromulgationDate>2026/11/20</edXML:PromulgationDate><edXML:DocumentId>1</edXML:DocumentId>
</edXML:ResponseFor>
<edXML:From><edXML:OrganId>H26.02</edXML:OrganId><edXML:OrganName>Sở</edXML:OrganName></edXML:From>
<edXML:StatusCode>01</edXML:StatusCode><edXML:Description>Đã đến</edXML:Description>
<edXML:Timestamp>2026/11/21 08:02:03</edXML:Timestamp>
</edXML:Status></edXML:edXMLHeader></edXML:edXMLEnvelope></edXML:edXML>"""

GOLDEN = Path(__file__).parents[1] / "golden" / "edxml" / "java-new.edxml"

PRELUDE = """
import errno, os, sys, time
from pathlib import Path
from adapters.workers import Ready, serve
from ops.confinement import confine, enclose

def said(text):
    return b'{"type": "not-readable", "reason": "' + text.encode() + b'"}'
def attempt(act):
    try:
        return repr(act())
    except OSError as closed:
        return errno.errorcode[closed.errno]
def wrote(path, size=1):
    with open(path, 'wb', buffering=0) as file:
        return file.write(bytes(size))
"""


def worker(body: str) -> list[str]:
    """The command of a worker of the tests' own."""
    return [sys.executable, "-c", PRELUDE + body]


@asynccontextmanager
async def sandbox(
    command: list[str], *, deadline: float = 20, refuse_active: bool = False
) -> AsyncIterator[Sandbox]:
    within = timedelta(seconds=deadline)
    patience = Patience(file=within, packet=within)
    async with open_sandbox(
        command, clock=lambda: NOW, workers=1, patience=patience, refuse_active=refuse_active
    ) as opened:
        yield opened


@pytest.fixture
async def bodies(tmp_path: Path) -> FolderBodies:
    return await open_bodies(tmp_path / "bodies", free_floor_bytes=0, now=NOW)


@pytest.fixture
def command(tmp_path: Path, bodies: FolderBodies) -> list[str]:
    trust = authority().write_trust(tmp_path / "trust")
    return parsing_worker_command(trust, bodies_dir=tmp_path / "bodies", memory_bytes=512 * 1024 * 1024)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "bodies" / "tmp" / "received"
    path.write_bytes(content)
    return path


# --- packets --------------------------------------------------------------------------------------


async def test_packet_is_read_in_a_worker(tmp_path: Path, bodies: FolderBodies, command: list[str]) -> None:
    async with sandbox(command) as opened, bodies.unpacking() as folder:
        read = await opened.read_packet(written(tmp_path, STATUS.encode()), into=folder)

    assert read.faults == ()
    assert read.status is not None
    assert read.status.status_code == "01"


async def test_worker_tells_every_mistake_of_a_packet(
    tmp_path: Path, bodies: FolderBodies, command: list[str]
) -> None:
    async with sandbox(command) as opened, bodies.unpacking() as folder:
        read = await opened.read_packet(written(tmp_path, b"hello"), into=folder)

    assert read.faults


async def test_missing_packet_is_not_the_senders_fault(
    tmp_path: Path, bodies: FolderBodies, command: list[str]
) -> None:
    async with sandbox(command) as opened, bodies.unpacking() as folder:
        with pytest.raises(VerificationUnavailable):
            await opened.read_packet(tmp_path / "bodies" / "nowhere", into=folder)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("os._exit(1)", "it ended the process that read it"),
        ("time.sleep(60)", "it took longer than 0.5 seconds"),
        ("b'nonsense'", "it ended the process that read it"),
        ("said('not at all')", "not at all"),
    ],
)
async def test_packet_that_breaks_its_worker_is_a_malformed_packet(
    tmp_path: Path, answer: str, reason: str
) -> None:
    deadly = worker(f"serve(lambda: (Ready(True, True), lambda question: {answer}))")

    async with sandbox(deadly, deadline=0.5) as opened:
        with pytest.raises(MalformedPacket) as refused:
            await opened.read_packet(Path("packet"), into=tmp_path)

    assert refused.value.reasons == (reason,)


async def test_verdict_on_a_file_is_no_answer_about_a_packet(tmp_path: Path) -> None:
    confused = worker(
        """serve(lambda: (Ready(True, True), lambda question:
            b'{"type": "judged", "report": {"verdict": "UNSIGNED"}}'))"""
    )
    async with sandbox(confused) as opened:
        with pytest.raises(VerificationUnavailable):
            await opened.read_packet(Path("packet"), into=tmp_path)


NONSENSE = {
    "text that is no UTF-8": 'b\'{"type": "not-readable", "reason": "\\xff"}\'',
    "nested without end": 'b\'{"type": "packet-read", "more": \' + b\'[\' * 200_000',
    "another shape": "b'[]'",
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_of_a_worker_that_was_taken_over_is_the_packets_fault(
    tmp_path: Path, answer: str
) -> None:
    talking = worker(f"serve(lambda: (Ready(True, True), lambda question: {answer}))")
    async with sandbox(talking) as opened:
        with pytest.raises(MalformedPacket) as refused:
            await opened.read_packet(Path("packet"), into=tmp_path)
    assert refused.value.reasons == ("it ended the process that read it",)


UNPACKING = """
import msgspec
from adapters.edxml.packet import Read
from adapters.sandbox import PacketRead, ReadPacket
def read(question, act):
    into = Path(msgspec.json.decode(question, type=ReadPacket).into)
    with open(into / '1', 'xb') as file:
        file.write(b'half')
    act()
    return msgspec.json.encode(PacketRead(Read()))
"""


async def test_packet_that_killed_its_worker_while_it_was_unpacked_is_tried_anew(
    tmp_path: Path, bodies: FolderBodies
) -> None:
    died = tmp_path / "died"
    once = worker(f"""{UNPACKING}
def die_once():
    if not os.path.exists({str(died)!r}):
        open({str(died)!r}, 'w').close()
        os._exit(1)
serve(lambda: (Ready(True, True), lambda question: read(question, die_once)))
""")
    async with sandbox(once) as opened, bodies.unpacking() as folder:
        await opened.read_packet(Path("packet"), into=folder)
        assert [(each.name, each.read_bytes()) for each in folder.iterdir()] == [("1", b"half")]
    assert list((tmp_path / "bodies" / "unpack").iterdir()) == []


@pytest.mark.parametrize("end", ["os._exit(1)", "bytearray(2**62)"])
async def test_packet_that_kills_every_worker_that_unpacks_it_is_malformed(
    tmp_path: Path, bodies: FolderBodies, end: str
) -> None:
    always = worker(
        f"{UNPACKING}\nserve(lambda: (Ready(True, True), lambda question: read(question, lambda: {end})))"
    )
    async with sandbox(always) as opened, bodies.unpacking() as folder:
        for _ in range(2):
            with pytest.raises(MalformedPacket):
                await opened.read_packet(Path("packet"), into=folder)
        assert list(folder.iterdir()) == []
    assert list((tmp_path / "bodies" / "unpack").iterdir()) == []


async def test_worker_whose_folder_was_swept_away_gets_another(
    tmp_path: Path, bodies: FolderBodies, command: list[str]
) -> None:
    packet = written(tmp_path, STATUS.encode())
    async with sandbox(command) as opened, bodies.unpacking() as folder:
        for each in (tmp_path / "bodies" / "unpack").glob("worker-*"):
            os.rmdir(each)
        assert (await opened.read_packet(packet, into=folder)).status is not None


async def test_packet_without_a_worker_is_unavailable(tmp_path: Path) -> None:
    once = worker(f"""
first = not os.path.exists({str(tmp_path / "seen")!r})
open({str(tmp_path / "seen")!r}, 'w').close()
serve(lambda: (Ready(True, failure=None if first else 'no more'), lambda question: os._exit(1)))
""")
    async with sandbox(once) as opened:
        with pytest.raises(VerificationUnavailable):
            await opened.read_packet(Path("packet"), into=tmp_path)


# --- where a worker may write ---------------------------------------------------------------------


async def test_real_worker_unpacks_to_a_folder_of_its_own(
    tmp_path: Path, bodies: FolderBodies, command: list[str]
) -> None:
    document = GOLDEN.read_bytes()
    async with sandbox(command) as opened, bodies.unpacking() as folder, bodies.unpacking() as neighbour:
        (own,) = (tmp_path / "bodies" / "unpack").glob("worker-*")
        read = await opened.read_packet(written(tmp_path, document), into=folder)
        assert [Path(each.path).parent.parent for each in read.attachments] == [own] * len(read.attachments)
        assert sorted(each.name for each in folder.iterdir()) == [
            str(number) for number, _ in enumerate(read.attachments, start=1)
        ]
        assert (list(own.iterdir()), list(neighbour.iterdir())) == ([], [])
    assert not own.exists()


async def test_worker_writes_only_where_it_unpacks(tmp_path: Path, bodies: FolderBodies) -> None:
    store = tmp_path / "bodies"
    kept = store / "sha256" / "ab" / "kept"
    kept.write_bytes(b"x")
    neighbour = store / "unpack" / "neighbour"
    neighbour.mkdir()
    writing = worker(f"""
store, kept = Path({str(store)!r}), Path({str(kept)!r})
own = store / 'unpack' / sys.argv[-1]
def acts(folder):
    return [
        lambda: wrote(folder / '1'),
        lambda: os.truncate(folder / '1', 0),
        lambda: os.replace(folder / '1', folder / '2'),
        lambda: os.unlink(folder / '2'),
        lambda: wrote(Path({str(neighbour)!r}) / 'planted'),
        lambda: wrote(store / 'tmp' / 'planted'),
        lambda: wrote(store / 'sha256' / 'ab' / 'planted'),
        lambda: wrote({str(tmp_path / "planted")!r}),
        lambda: wrote(kept),
        lambda: os.unlink(kept),
        lambda: os.link(kept, folder / '3'),
        lambda: os.rename(kept, folder / '3'),
        lambda: os.mkdir(folder / '4'),
        lambda: os.symlink('/', folder / '5'),
        lambda: os.mkfifo(folder / '6'),
        lambda: os.rmdir(folder),
    ]
def prepare():
    isolated = confine(memory_growth_bytes=512 * 1024 * 1024, file_bytes=1024)
    own.mkdir()
    enclosed = enclose(readable=[store], writable=[own])
    folder = lambda: next(own.iterdir())
    return Ready(isolated, enclosed), lambda question: said(' '.join(map(attempt, acts(folder()))))
serve(prepare)
""")
    async with sandbox(writing) as opened, bodies.unpacking() as folder:
        with pytest.raises(MalformedPacket) as told:
            await opened.read_packet(Path("packet"), into=folder)

    if opened.enclosed:  # where the kernel has no Landlock, the pool must not claim it
        within, outside = told.value.reasons[0].split(" ")[:4], told.value.reasons[0].split(" ")[4:]
        assert within == ["1", "None", "None", "None"]
        assert set(outside) <= {"EACCES", "EXDEV", "EPERM"}
        assert len(outside) == 12
        assert kept.read_bytes() == b"x"


async def test_worker_writes_no_more_than_its_budget(tmp_path: Path) -> None:
    writing = worker(f"""
def answer(question):
    return said(' '.join(attempt(lambda: wrote({str(tmp_path / "file")!r}, size)) for size in (1024, 1025)))
def prepare():
    return Ready(confine(memory_growth_bytes=512 * 1024 * 1024, file_bytes=1024)), answer
serve(prepare)
""")
    async with sandbox(writing) as opened:
        with pytest.raises(MalformedPacket) as told:
            await opened.read_packet(Path("packet"), into=tmp_path)

    # What fits is written; the rest is refused at the next attempt, so the file ends at the budget.
    assert told.value.reasons == ("1024 1024",)
    assert os.stat(tmp_path / "file").st_size == 1024


# --- files ----------------------------------------------------------------------------------------

HOSTILE = {
    "b20 bomb": (archive(Member(content=bytes(50 * 1024 * 1024))), "zip", "becomes too large"),
    "b21 slip": (archive(Member(name="../a")), "zip", "leads out"),
    "b22 encrypted": (archive(Member(flags=1)), "zip", "encrypted"),
    "b22 two names": (archive(Member(), Member()), "zip", "same name"),
    "b23 polyglot": (plain_pdf() + zipped({"a": b"a"}), "pdf", "ZIP archive too"),
    "b23 wrong type": (office(), "xlsx", "as its type says"),
}


@pytest.mark.parametrize(("content", "kind", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_container_is_refused_by_a_real_worker(
    tmp_path: Path, command: list[str], content: bytes, kind: str, reason: str
) -> None:
    async with sandbox(command) as opened:
        with pytest.raises(MalformedDocument) as refused:
            refuse_bad_container(
                await opened.verify(written(tmp_path, content), media_type=MEDIA_TYPES[kind])
            )

    assert reason in refused.value.reasons[0]


@pytest.fixture
def signed_pdf() -> bytes:
    return signed_by_leader()  # has a loop of its own, so not in a test's


async def test_true_files_are_judged_by_a_real_worker(
    tmp_path: Path, command: list[str], signed_pdf: bytes
) -> None:
    async with sandbox(command) as opened:
        document = await opened.verify(written(tmp_path, office()), media_type=MEDIA_TYPES["docx"])
        signed = await opened.verify(written(tmp_path, signed_pdf), media_type=MEDIA_TYPES["pdf"])

    assert (document.verdict, document.warnings) == (Verdict.UNSIGNED, ())
    assert signed.verdict is Verdict.TOTAL_PASSED
    # It is signed by the clock on the wall, which may be ahead of the worker's.
    codes = {each.code for each in signed.warnings} - {"claimed-time-in-future"}
    assert codes == {"revocation-not-checked"}


async def test_b24_active_content_is_flagged_or_refused_as_the_site_wants(
    tmp_path: Path, command: list[str]
) -> None:
    path = written(tmp_path, office(parts={"word/vbaProject.bin": compound_file("VBA")}))

    async with sandbox(command) as flagging:
        flagged = await flagging.verify(path, media_type=MEDIA_TYPES["docx"])
    async with sandbox(command, refuse_active=True) as refusing:
        with pytest.raises(MalformedDocument) as refused:
            await refusing.verify(path, media_type=MEDIA_TYPES["docx"])

    assert [each.code for each in flagged.warnings] == ["macros"]
    assert refused.value.reasons == ("macros: The file holds macros. (word/vbaProject.bin)",)
