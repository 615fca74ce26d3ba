"""`lienthong verify`: verdicts on files anywhere, judged by real workers, with and without a gateway."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ops.dev.papers import tamper
from ops.dev.pki import Identity
from ops.verify_line import Moment
from tests.component.test_ops_cli import Lienthong, Outcome, lienthong
from tests.support import cms_making, pki
from tests.support.chain_answers import ISSUING, TOP, lists
from tests.support.chain_pki import crl_at, signer
from tests.support.cms_holders import authority as cms_authority
from tests.support.evidence_server import evidence_server
from tests.support.evidence_server import says as server_says

__all__ = ["lienthong"]  # a fixture: named here so that pytest finds it

AT = ("--at", "2026-11-21T16:00:00+07:00")
SHOWN_OF_A_FILE = {
    *("file", "verdict", "kind", "signatures", "warnings"),
    *("trust_version", "policy_version"),
}
SHOWN_OF_A_SIGNATURE = {
    *("field", "indication", "sub_indication", "level", "signer", "organisation", "signed_at", "role"),
    *("agency", "domain", "facets", "codes", "reasons", "reasons_vi", "sentence_vi", "sentence_en"),
    *("signed_at_proven", "details"),
}
Judge = Callable[..., Outcome]


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    return pki.authority().write_trust(tmp_path / "roots")


@pytest.fixture
def verify(lienthong: Lienthong, trust: Path) -> Judge:
    """Run `lienthong verify` with the tests' trust, at the tests' moment."""
    return lambda *words: lienthong("verify", "--trust", trust, *AT, *words)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return written(tmp_path / "quyết định.pdf", pki.signed_by_leader())


@pytest.fixture
def altered(tmp_path: Path) -> Path:
    return written(tmp_path / "sửa.pdf", tamper(pki.signed_by_leader()))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def lines(outcome: Outcome) -> list[Any]:
    return [json.loads(line) for line in outcome.out.splitlines()]


def test_good_file_ends_with_0_and_says_what_the_api_says(verify: Judge, good: Path) -> None:
    ended = verify(good, "--json")
    (line,) = lines(ended)
    (signature,) = line["signatures"]

    assert ended.code == 0
    assert set(line) == SHOWN_OF_A_FILE
    assert set(signature) == SHOWN_OF_A_SIGNATURE
    assert (line["file"], line["verdict"], line["kind"]) == (str(good), "TOTAL-PASSED", "pdf")
    assert set(signature["facets"].values()) == {"ok"}


def test_altered_file_ends_with_1_and_a_sentence_in_vietnamese(verify: Judge, altered: Path) -> None:
    ended = verify(altered, "--lang", "vi")

    assert ended.code == 1
    assert ended.out.startswith(f"{altered}: TOTAL-FAILED\n")
    assert "không hợp lệ. Nội dung văn bản đã bị thay đổi sau khi ký." in ended.out
    assert "toàn vẹn: không đạt" in ended.out


def test_language_of_the_environment_is_spoken(
    verify: Judge, altered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    ended = verify(altered)

    assert "is not valid. The document was altered after it was signed." in ended.out
    assert "integrity: failed" in ended.out


def test_unsigned_file_ends_with_1(verify: Judge, tmp_path: Path) -> None:
    ended = verify(written(tmp_path / "a.pdf", pki.plain_pdf()), "--json")

    assert (ended.code, lines(ended)[0]["verdict"]) == (1, "UNSIGNED")


def test_files_are_told_in_the_order_they_were_named(verify: Judge, good: Path, altered: Path) -> None:
    ended = verify(*[good, altered] * 6, "--json")

    assert ended.code == 1
    assert [line["file"] for line in lines(ended)] == [str(good), str(altered)] * 6
    assert ended.err == "", "nobody watches: no progress"


def test_file_without_a_verdict_ends_with_2_and_spoils_no_other(
    verify: Judge, good: Path, altered: Path, tmp_path: Path
) -> None:
    ended = verify(tmp_path / "nowhere.pdf", tmp_path, altered, good, "--json")
    missing, folder, *judged = lines(ended)

    assert ended.code == 2
    assert set(missing) == {"file", "error"}
    assert missing["error"] == {"code": "not-found", "detail": "There is no such file."}
    assert folder["error"]["code"] == "directory"
    assert f"{tmp_path}/*" in folder["error"]["detail"]
    assert [line["verdict"] for line in judged] == ["TOTAL-FAILED", "TOTAL-PASSED"]


def test_data_folder_that_cannot_be_looked_at_is_done_without(
    verify: Judge, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    for data in (closed / "site", tmp_path / ("x" * 300)):  # root is let into the first
        monkeypatch.setenv("LIENTHONG_DATA_DIR", str(data))
        ended = verify(good, "--json")

        assert (ended.code, lines(ended)[0]["verdict"]) == (0, "TOTAL-PASSED")


def test_file_that_breaks_the_limit_of_time_has_no_verdict(
    verify: Judge, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIENTHONG_PARSING__SECONDS", "0.0001")
    ended = verify(good, "--json")
    (line,) = lines(ended)

    assert ended.code == 2
    assert line["error"]["code"] == "malformed-document"
    assert "longer than 0.0001 seconds" in line["error"]["detail"]


def test_moment_decides(verify: Judge, good: Path) -> None:
    ended = verify(good, "--at", "2001-01-01T00:00:00Z", "--json")
    (signature,) = lines(ended)[0]["signatures"]

    assert ended.code == 1
    assert signature["sub_indication"] == "OUT_OF_BOUNDS_NO_POE"


def test_date_is_the_end_of_that_day_in_vietnam(verify: Judge, good: Path) -> None:
    assert verify(good, "--at", "2026-11-21").code == 0
    moment = Moment().convert("2026-11-21", None, None)
    assert moment.isoformat(timespec="seconds") == "2026-11-21T23:59:59+07:00"


@pytest.mark.parametrize("moment", ["yesterday", "21/11/2026", "2026-11-21T16:00:00", "2026-02-30", ""])
def test_moment_that_is_none_is_refused_with_an_example(verify: Judge, good: Path, moment: str) -> None:
    ended = verify(good, "--at", moment)

    assert ended.code == 64
    assert ended.err.startswith("Usage: lienthong verify ")
    assert "2026-11-21T16:00:00+07:00" in ended.err


def test_empty_file_has_no_verdict(verify: Judge, tmp_path: Path) -> None:
    ended = verify(written(tmp_path / "a.pdf", b""), "--json")

    assert ended.code == 2
    assert lines(ended)[0]["error"] == {"code": "empty-file", "detail": "The file is empty."}


def test_pipe_has_no_verdict(verify: Judge, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    ended = verify(tmp_path / "pipe", "--json")

    assert (ended.code, lines(ended)[0]["error"]["detail"]) == (2, "It is not a file.")


def test_large_file_that_carries_no_signature_is_unsigned_and_not_looked_through(
    verify: Judge, tmp_path: Path
) -> None:
    large = written(tmp_path / "large", b"hello")
    os.truncate(large, 65 * 1024 * 1024)  # of which the disk holds nothing
    ended = verify(large, "--json")
    (line,) = lines(ended)

    assert (ended.code, line["verdict"]) == (1, "UNSIGNED")
    assert [warning["code"] for warning in line["warnings"]] == ["not-scanned"]


@pytest.mark.parametrize("head", [b"hello", b"%PDF-1.7"])
def test_file_larger_than_the_exchange_takes_is_refused(verify: Judge, tmp_path: Path, head: bytes) -> None:
    huge = written(tmp_path / "huge", head)
    os.truncate(huge, 513 * 1024 * 1024)  # of which the disk holds nothing
    ended = verify(huge, "--json")
    error = lines(ended)[0]["error"]

    assert (ended.code, error["code"]) == (2, "too-large")
    assert "536,870,912 bytes" in error["detail"]


def test_nothing_is_left_behind(
    verify: Judge, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    assert verify(good).code == 0

    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "site").exists(), "no gateway is made on the way"


def started(good: Path, trust: Path, scratch: Path, *, times: int) -> subprocess.Popen[bytes]:
    """`lienthong verify` as a program of its own, whose temporary files go to a folder."""
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "ops.cli", "verify", "--trust", trust, *AT, *[good] * times],
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'queue'}", "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_program_that_is_told_to_end_leaves_no_copy_behind(
    good: Path, trust: Path, tmp_path: Path, number: signal.Signals
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with started(good, trust, scratch, times=3_000) as program:
        assert program.stdout is not None
        program.stdout.readline()  # it is at work
        program.send_signal(number)
        program.communicate(timeout=60)

    assert program.returncode > 2, "no verdict"
    assert list(scratch.iterdir()) == []


def test_reader_who_goes_away_makes_no_verdict(good: Path, trust: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with started(good, trust, scratch, times=300) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.stdout.close()
        complaint = program.stderr.read()

    assert (program.returncode, complaint) == (141, b"")
    assert list(scratch.iterdir()) == []


def test_without_trust_and_gateway_it_says_what_to_give(lienthong: Lienthong, good: Path) -> None:
    ended = lienthong("verify", good)

    assert ended.code == 64
    assert "--trust" in ended.err


def test_trust_of_the_gateway_is_the_default(lienthong: Lienthong, good: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    pki.authority().write_trust(site / "trust")

    assert lienthong("verify", *AT, good).code == 0


def test_trust_folder_that_cannot_be_read_is_no_verdict(verify: Judge, good: Path, trust: Path) -> None:
    written(trust / "broken.pem", b"-----BEGIN CERTIFICATE-----\n")

    assert verify(good).code == 2


@pytest.mark.parametrize("name", [None, "root.cer", "root.CRT"])
def test_trust_folder_without_certificates_is_no_verdict(
    lienthong: Lienthong, good: Path, trust: Path, tmp_path: Path, name: str | None
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    if name is not None:
        (root, *_) = trust.glob("*.pem")
        shutil.copy(root, folder / name)
    ended = lienthong("verify", "--trust", folder, *AT, good)

    assert ended.code == 2
    assert f"No certificate found in {folder}" in ended.err


@pytest.mark.parametrize("name", ["pipe.pem", "domain.toml"])
def test_pipe_in_the_trust_folder_is_waited_for_by_nobody(
    verify: Judge, good: Path, trust: Path, name: str
) -> None:
    os.mkfifo(trust / name)
    ended = verify(good)

    assert ended.code == 2
    assert f"{trust / name}: not a file" in ended.err


def test_moment_to_come_removes_nothing_of_a_running_gateway(
    lienthong: Lienthong, good: Path, trust: Path, tmp_path: Path
) -> None:
    being_written = tmp_path / "site" / "evidence" / "tmp" / "list"
    being_written.parent.mkdir(parents=True)
    written(being_written, b"half a list")
    lienthong("verify", "--trust", trust, "--at", "2126-12-24", good)

    assert being_written.exists()


def test_names_are_shown_without_what_a_terminal_obeys(verify: Judge, tmp_path: Path) -> None:
    name = "x.pdf: TOTAL-PASSED\n  \x1b[32mvalid\x1b[0m\u202efdp.y"
    ended = verify(written(tmp_path / name, pki.plain_pdf()), "--lang", "en")

    assert ended.out.splitlines() == [
        f"{tmp_path}/x.pdf: TOTAL-PASSED\\n  \\x1b[32mvalid\\x1b[0m\\u202efdp.y: UNSIGNED",
        "  The file carries no signature.",
    ]


def test_detached_signature_finds_its_document(lienthong: Lienthong, tmp_path: Path) -> None:
    trust = cms_authority().write_trust(tmp_path / "roots")
    document = written(tmp_path / "a.pdf", cms_making.CONTENT)
    beside = written(tmp_path / "a.pdf.p7s", cms_making.signed())
    alone = written(tmp_path / "b.pdf.p7s", cms_making.signed())

    def verdict(*words: str | Path) -> str:
        judged = lienthong("verify", "--trust", trust, *AT, "--json", *words)
        return str(lines(judged)[0]["verdict"])

    assert verdict(beside) == "TOTAL-PASSED"
    assert verdict(alone) == "INDETERMINATE"
    assert verdict(alone, "--content", document) == "TOTAL-PASSED"
    assert verdict(beside, "--content", written(tmp_path / "c", b"other")) == "TOTAL-FAILED"


@pytest.mark.parametrize(
    ("document", "signature"),
    [
        ("QD.pdf", "QD.PDF.P7S"),
        ("Quyết định.pdf", "QUYẾT ĐỊNH.pdf.p7s"),
        (normalize("NFC", "Quyết định.pdf"), normalize("NFD", "Quyết định.pdf.p7s")),
    ],
)
def test_detached_signature_finds_its_document_however_its_name_is_written(
    lienthong: Lienthong, tmp_path: Path, document: str, signature: str
) -> None:
    trust = cms_authority().write_trust(tmp_path / "roots")
    written(tmp_path / document, cms_making.CONTENT)
    beside = written(tmp_path / signature, cms_making.signed())
    ended = lienthong("verify", "--trust", trust, *AT, "--json", beside)

    assert lines(ended)[0]["verdict"] == "TOTAL-PASSED"


async def test_evidence_is_fetched_unless_offline(
    lienthong: Lienthong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = tmp_path / "roots"
    trust.mkdir()
    for name, made in (("top", TOP), ("issuing", ISSUING)):
        written(trust / f"{name}.pem", made.certificate.public_bytes(Encoding.PEM))
    async with evidence_server(server_says(lists())) as server:
        server.gate.set()
        monkeypatch.setenv("LIENTHONG_EVIDENCE__HOSTS", json.dumps([server.host]))
        monkeypatch.setenv("LIENTHONG_EVIDENCE__ALLOWED_NETWORKS", '["127.0.0.0/8"]')
        leader = signer("Leader", crl_at(server.url("/issuing.crl")), by=ISSUING)
        identity = Identity(leader.key, leader.certificate, (ISSUING.certificate,))  # type: ignore[arg-type]
        pdf = written(tmp_path / "a.pdf", await asyncio.to_thread(pki.signed, identity))
        words = ("verify", "--trust", trust, *AT, "--json", pdf)
        offline = await asyncio.to_thread(lienthong, *words, "--offline")
        asked_offline = len(server.requests)
        online = await asyncio.to_thread(lienthong, *words)

    assert (offline.code, asked_offline) == (1, 0)
    assert lines(offline)[0]["signatures"][0]["sub_indication"] == "TRY_LATER"
    assert online.code == 0
    assert os.listdir(tmp_path).count("site") == 0
