"""Whom parsing workers believe, while they run: changes in the trust folder count without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.sandbox import Sandbox, open_sandbox
from ops.worker_commands import parsing_worker_command
from signing.report import SignatureReport, Verdict
from tests.support.pki import NOW, authority, signed_by_leader, stranger
from tests.support.twins import HandClock

MINUTE = timedelta(minutes=1)


@dataclass
class Site:
    """A running worker, its trust folder, and a document by somebody it believes."""

    sandbox: Sandbox
    trust: Path
    clock: HandClock
    path: Path

    async def judged(self) -> tuple[SignatureReport, str]:
        """Return the verdict on the signature, and the version of the trust it rests on."""
        report = await self.sandbox.verify(self.path, media_type="application/pdf")
        return report.signatures[0], report.trust_version


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    trust = authority().write_trust(tmp_path / "trust")
    path = tmp_path / "document.pdf"
    path.write_bytes(await asyncio.to_thread(signed_by_leader))
    clock = HandClock(NOW)
    command = parsing_worker_command(trust, bodies_dir=tmp_path, memory_bytes=512 * 1024 * 1024)
    async with open_sandbox(command, clock=clock, workers=1) as sandbox:
        yield Site(sandbox, trust, clock, path)


async def test_authority_taken_out_of_the_folder_is_believed_no_longer(site: Site) -> None:
    before, version = await site.judged()
    assert before.indication is Verdict.TOTAL_PASSED
    assert version == (await site.sandbox.trust()).version

    stranger().write_trust(site.trust)  # in the place of the one before
    site.clock += timedelta(seconds=59)
    assert await site.judged() == (before, version)

    site.clock += timedelta(seconds=1)
    after, other_version = await site.judged()
    assert (after.indication, after.sub_indication) == (Verdict.INDETERMINATE, "NO_CERTIFICATE_CHAIN_FOUND")
    assert other_version != version
    assert (await site.sandbox.trust()).version == other_version


async def test_worker_that_is_asked_reads_the_folder_at_once(site: Site) -> None:
    before = (await site.sandbox.trust()).version
    stranger().write_trust(site.trust)
    site.clock += timedelta(seconds=1)
    assert (await site.sandbox.trust()).version != before
    signature, _ = await site.judged()
    assert signature.indication is Verdict.INDETERMINATE


@pytest.mark.parametrize("damage", ["broken file", "no folder"])
async def test_folder_that_cannot_be_read_any_more_goes_on_as_it_was(site: Site, damage: str) -> None:
    before = await site.judged()
    if damage == "broken file":
        (site.trust / "root.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nhalf")
    else:
        site.trust.rename(site.trust.with_name("moved"))
    site.clock += MINUTE
    assert await site.judged() == before

    if damage == "broken file":
        stranger().write_trust(site.trust)
        site.clock += MINUTE
        after, _ = await site.judged()
        assert after.indication is Verdict.INDETERMINATE
