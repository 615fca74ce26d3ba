"""Files that are made to break who looks at what they show: their signatures have a verdict all the same."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

import pytest

from signing.report import Verdict
from tests.component.test_sandbox import PDF, real_worker, reason_of, sandbox, worker, written
from tests.support.pdf_files import classic, paper, stream
from tests.support.pdf_signing import LEADER_BOX, Ink, signed_with
from tests.support.pki import agency_seal, leader

_DEPTH = 12
_FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 600 900]"
_PAGE, _TEXT, _FIRST = 10, 11, 30


@cache
def signed_once() -> bytes:
    """A page that shows a text and draws a form ten times, which draws another ten times, and so on."""
    drawn = b"/X Do " * 10
    objects = paper()
    objects[_TEXT] = stream(b"BT /F1 9 Tf 72 700 Td (100 dong) Tj ET " + drawn)
    objects[_PAGE] = objects[_PAGE].replace(b"/Font", b"/XObject << /X %d 0 R >> /Font" % _FIRST)
    for number in range(_FIRST, _FIRST + _DEPTH):
        resources = b" /Resources << /XObject << /X %d 0 R >> >>" % (number + 1)
        objects[number] = stream(drawn, _FORM + resources)
    objects[_FIRST + _DEPTH] = stream(b"0 0 100 100 re f", _FORM)
    return signed_with(classic(objects), leader(), Ink())


@cache
def signed_twice() -> bytes:
    """The same, and a seal: how it looked before it has to be compared."""
    return signed_with(signed_once(), agency_seal(), Ink(field="Dau", box=LEADER_BOX))


@pytest.mark.parametrize(
    "breaks",
    ["os._exit(1)", "os.kill(os.getpid(), 11)", "time.sleep(60)"],
    ids=["ends", "crashes", "is late"],
)
async def test_file_that_breaks_its_worker_is_judged_again_without_looking(breaks: str) -> None:
    looking = worker(
        f"run(lambda question: ({breaks}) if b'\"looks\":true' in question else verdict('without looking'))"
    )

    async with sandbox(looking, deadline=1) as opened:
        assert await reason_of(opened) == "without looking"


async def test_bomb_costs_no_verdict(tmp_path: Path) -> None:
    path = written(tmp_path, await asyncio.to_thread(signed_once))

    async with sandbox(real_worker(tmp_path)) as opened:
        report = await opened.verify(path, media_type=PDF)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert "not-scanned" in {warning.code for warning in report.warnings}


async def test_bomb_that_would_have_to_be_drawn_is_indeterminate(tmp_path: Path) -> None:
    path = written(tmp_path, await asyncio.to_thread(signed_twice))

    async with sandbox(real_worker(tmp_path)) as opened:
        report = await opened.verify(path, media_type=PDF)

    by_field = {signature.field: signature for signature in report.signatures}
    assert report.verdict is Verdict.INDETERMINATE
    assert by_field["ChuKy"].codes[0] == "not-drawn"
    assert by_field["Dau"].indication is Verdict.TOTAL_PASSED


async def test_file_that_breaks_no_worker_is_looked_through(tmp_path: Path) -> None:
    path = written(tmp_path, await asyncio.to_thread(lambda: signed_with(classic(paper()), leader(), Ink())))

    async with sandbox(real_worker(tmp_path)) as opened:
        report = await opened.verify(path, media_type=PDF)

    assert "not-scanned" not in {warning.code for warning in report.warnings}
