"""Row B24, the scanner hook: a real program as the scanner, and it fails closed."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.edxml.packet import Read
from adapters.scanner import Scanned
from gateway.domain.errors import DependencyUnavailable, MalformedDocument
from gateway.domain.model import Sha256
from ops.settings import SettingsError, load
from signing.report import Verdict, VerificationReport

# Taken apart, so that a scanner on the developer's own machine leaves this file alone.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE" + b"!$H+H*"

SCANNER = """
import os, sys, time
content = open(sys.argv[-1], 'rb').read()
"""
FINDS_EICAR = "sys.exit(1 if b'EICAR-STANDARD' in content else 0)"


class Unsigned:
    """Judges every file as unsigned."""

    async def verify(
        self, path: Path, *, media_type: str, sha256: Sha256 | None = None, content: Path | None = None
    ) -> VerificationReport:
        """Return that nobody signed it."""
        return VerificationReport.unsigned()

    async def read_packet(self, path: Path, *, into: Path) -> Read:
        """Return a packet that says nothing."""
        return Read()


class Refusing(Unsigned):
    """Refuses every file."""

    async def verify(
        self, path: Path, *, media_type: str, sha256: Sha256 | None = None, content: Path | None = None
    ) -> VerificationReport:
        """Return nothing."""
        raise MalformedDocument("refused before")


def scanned(program: str, *, within: float = 10, inner: Unsigned | None = None) -> Scanned:
    command = [sys.executable, "-c", SCANNER + program]
    return Scanned(inner or Unsigned(), command, timedelta(seconds=within))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "document.txt"
    written.write_bytes(b"noi dung")
    return written


@pytest.fixture
def harmful_path(tmp_path: Path) -> Path:
    written = tmp_path / "harmful.txt"
    written.write_bytes(EICAR)
    return written


async def verdict(scanner: Scanned, path: Path) -> Verdict:
    return (await scanner.verify(path, media_type="text/plain")).verdict


async def test_b24_clean_file_passes(path: Path) -> None:
    assert await verdict(scanned(FINDS_EICAR), path) is Verdict.UNSIGNED


async def test_b24_harmful_file_is_refused(harmful_path: Path) -> None:
    with pytest.raises(MalformedDocument, match="harmful"):
        await verdict(scanned(FINDS_EICAR), harmful_path)


@pytest.mark.parametrize("program", ["sys.exit(2)", "sys.exit(50)", "sys.exit(-1)", "os.abort()"])
async def test_b24_scanner_that_fails_lets_nothing_pass(path: Path, program: str) -> None:
    with pytest.raises(DependencyUnavailable):
        await verdict(scanned(program), path)


async def test_b24_scanner_that_is_not_there_lets_nothing_pass(path: Path) -> None:
    with pytest.raises(DependencyUnavailable):
        await verdict(Scanned(Unsigned(), ["/nowhere/scanner"], timedelta(seconds=5)), path)


async def test_b24_scanner_that_does_not_end_is_ended_and_lets_nothing_pass(
    tmp_path: Path, path: Path
) -> None:
    pid = tmp_path / "pid"
    slow = f"open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with pytest.raises(DependencyUnavailable):
        await verdict(scanned(slow, within=1), path)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


async def test_scanner_sees_no_setting(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setenv("LIENTHONG_DATABASE__PASSWORD", "secret")
    nosy = "sys.exit(1 if any(name.startswith('LIENTHONG') for name in os.environ) else 0)"
    assert await verdict(scanned(nosy), path) is Verdict.UNSIGNED


async def test_file_that_is_refused_anyway_is_not_scanned(tmp_path: Path, path: Path) -> None:
    seen = tmp_path / "seen"
    noting = scanned(f"open({str(seen)!r}, 'w')", inner=Refusing())
    with pytest.raises(MalformedDocument, match="refused before"):
        await verdict(noting, path)
    assert not seen.exists()


async def test_packet_is_read_without_being_scanned(tmp_path: Path, path: Path) -> None:
    assert await scanned("sys.exit(1)").read_packet(path, into=tmp_path) == Read()


def test_site_chooses_between_flagging_and_refusing_and_names_its_scanner() -> None:
    chosen = load(
        None,
        {
            "LIENTHONG_CONTENT__ACTIVE": "refuse",
            "LIENTHONG_CONTENT__SCANNER_COMMAND": '["clamdscan", "--fdpass"]',
        },
    ).content
    assert (chosen.active, chosen.scanner_command) == ("refuse", ["clamdscan", "--fdpass"])
    with pytest.raises(SettingsError) as wrong:
        load(None, {"LIENTHONG_CONTENT__ACTIVE": "ignore", "LIENTHONG_CONTENT__SCANNER_SECONDS": "0"})
    assert wrong.value.faults == [
        'content.active: \'ignore\' is neither "flag" nor "refuse"',
        "content.scanner_seconds: must be greater than 0",
    ]
