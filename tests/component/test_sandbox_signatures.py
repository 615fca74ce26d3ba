"""Which files real workers look for signatures in, and how detached ones meet what they sign."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.sandbox import Sandbox, open_sandbox
from ops.worker_commands import parsing_worker_command
from signing.basis import POLICY_VERSION
from signing.report import Verdict, VerificationReport
from tests.support.chain_answers import lists
from tests.support.cms_holders import NOW, authority
from tests.support.cms_making import CONTENT, detached, draft, enveloping
from tests.support.pki import plain_pdf
from tests.support.zips import zipped

P7S = "application/pkcs7-signature"
P7M = "application/pkcs7-mime"
UNKNOWN = "application/octet-stream"
XML = "application/xml"


@asynccontextmanager
async def sandbox(folder: Path) -> AsyncIterator[Sandbox]:
    trust = authority().write_trust(folder / "trust")
    command = parsing_worker_command(trust, bodies_dir=folder, memory_bytes=512 * 1024 * 1024)
    async with open_sandbox(command, clock=lambda: NOW, workers=1) as opened:
        yield opened


async def judged(
    opened: Sandbox, folder: Path, file: bytes, media_type: str, *, content: bytes | None = None
) -> VerificationReport:
    """The verdict on a file, with or without what it signs."""
    path, beside = folder / "file", folder / "content"
    path.write_bytes(file)
    if content is not None:
        beside.write_bytes(content)
    return await opened.verify(path, media_type=media_type, content=beside if content is not None else None)


async def test_detached_signature_is_judged_with_what_it_signs(tmp_path: Path) -> None:
    signature = detached(draft())
    async with sandbox(tmp_path) as opened:
        for media_type in (P7S, UNKNOWN):
            right = await judged(opened, tmp_path, signature, media_type, content=CONTENT)
            other = await judged(opened, tmp_path, signature, media_type, content=CONTENT + b"!")
            alone = await judged(opened, tmp_path, signature, media_type)
            assert (right.kind, right.verdict) == ("cms", Verdict.TOTAL_PASSED)
            assert other.verdict is Verdict.TOTAL_FAILED
            assert alone.verdict is Verdict.INDETERMINATE


async def test_enveloping_signature_is_judged_alone(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as opened:
        report = await judged(opened, tmp_path, enveloping(draft()), P7M)
    assert report.verdict is Verdict.TOTAL_PASSED


UNSIGNED = {
    "a certificate": (authority().root.certificate.public_bytes(Encoding.DER), UNKNOWN),
    "a revocation list": (lists(), UNKNOWN),
    "a text that begins like Base64": (b"MINUTES of the meeting", "text/plain"),
    "an archive": (zipped({"a.txt": b"text"}), "application/zip"),
    "an archive without a name": (zipped({"a.txt": b"text"}), UNKNOWN),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "image/png"),
    "a plain PDF": (plain_pdf(), UNKNOWN),
    "nothing known": (bytes(1000), UNKNOWN),
    "plain XML": (b"<a/>", XML),
    "broken XML": (b"<a><b></a>", XML),
}


@pytest.mark.parametrize("name", UNSIGNED)
async def test_file_without_a_trace_of_a_signature_is_unsigned(tmp_path: Path, name: str) -> None:
    content, media_type = UNSIGNED[name]
    async with sandbox(tmp_path) as opened:
        report = await judged(opened, tmp_path, content, media_type)
        trust = await opened.trust()
    assert (report.verdict, report.signatures) == (Verdict.UNSIGNED, ())
    assert (report.trust_version, report.policy_version) == (trust.version, POLICY_VERSION)
