"""What judging a file may cost: time over all its signatures together, and memory that is given back."""

from __future__ import annotations

import gc
import io
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from signing.report import Verdict
from signing.xml.survey import look
from tests.support.chain_pki import root, signer, trusting, verdict
from tests.support.cms_crowds import stamped_by_strangers, stamped_by_true_ones, with_wide_certificates
from tests.support.cms_making import CONTENT
from tests.support.cms_trust import verdict_on
from tests.support.xml_signing import Recipe, signed
from tests.support.xml_signing import verdict_on as verdict_on_xml

_MIB = 1024 * 1024


class _Memory:
    """How much of it Python has taken since a moment."""

    def __init__(self) -> None:
        self._before, _ = tracemalloc.get_traced_memory()

    def grown(self) -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - self._before

    def peak(self) -> int:
        return tracemalloc.get_traced_memory()[1] - self._before


@contextmanager
def _memory() -> Iterator[_Memory]:
    tracemalloc.start()
    try:
        yield _Memory()
    finally:
        tracemalloc.stop()


def test_crowds_of_strangers_behind_every_time_stamp_end_with_the_budget_of_the_file(tmp_path: Path) -> None:
    hostile = stamped_by_strangers(signers=3, stamps=5, crowd=120)

    report = verdict_on(hostile, tmp_path, document=CONTENT)

    assert report.verdict is Verdict.INDETERMINATE
    assert report.signatures[-1].sub_indication == "GENERIC"
    assert report.signatures[-1].codes == ("too-costly",)


def test_what_one_file_used_up_is_not_missing_in_the_next(tmp_path: Path) -> None:
    verdict_on(stamped_by_strangers(signers=3, stamps=5, crowd=120), tmp_path, document=CONTENT)

    report = verdict_on(stamped_by_true_ones(signers=1), tmp_path, document=CONTENT)

    assert report.verdict is Verdict.TOTAL_PASSED


def test_fifty_signatures_each_with_a_time_stamp_pass(tmp_path: Path) -> None:
    report = verdict_on(stamped_by_true_ones(signers=50), tmp_path, document=CONTENT)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert {each.level for each in report.signatures} == {"CAdES-B-T"}


@pytest.fixture
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which a second passes whenever somebody looks at the clock."""
    seconds = count()
    monkeypatch.setattr(time, "process_time", lambda: float(next(seconds)))


@pytest.mark.usefixtures("slow_machine")
def test_signature_file_that_takes_too_long_is_not_judged_to_its_end(tmp_path: Path) -> None:
    report = verdict_on(stamped_by_true_ones(signers=5), tmp_path, document=CONTENT)

    assert report.verdict is Verdict.INDETERMINATE
    assert [each.codes for each in report.signatures][1:] == [("too-costly",)] * 4


@pytest.mark.usefixtures("slow_machine")
def test_xml_that_takes_too_long_is_not_judged_to_its_end(tmp_path: Path) -> None:
    xml = signed("<r/>", Recipe())
    for number in range(4):
        xml = signed(xml, Recipe(id=f"ky-{number + 2}"))

    report = verdict_on_xml(xml, tmp_path)

    assert report.verdict is not Verdict.TOTAL_PASSED
    assert "too-costly" in report.signatures[-1].codes


@pytest.mark.usefixtures("slow_machine")
def test_chain_that_takes_too_long_is_not_judged_to_its_end() -> None:
    top = root()
    filler = [signer(f"Filler {number}", by=top, key=top.key) for number in range(10)]

    found = verdict(signer("Leader", by=top), *filler, trust=trusting(top))

    assert found.sub_indication == "GENERIC"
    assert found.reason
    assert found.reason.code == "too-costly"


def test_certificates_for_thousands_of_names_are_given_back(tmp_path: Path) -> None:
    files = [with_wide_certificates(range(at, at + 20), names=5_000) for at in (0, 20, 40)]
    verdict_on(files.pop(), tmp_path, document=CONTENT)

    with _memory() as memory:
        for file in files:
            verdict_on(file, tmp_path, document=CONTENT)

        assert memory.grown() < 2 * sum(map(len, files))
        assert memory.peak() < 6 * len(files[0])


def test_namespaces_as_long_as_a_chapter_are_given_back() -> None:
    long = b"".join(b'<a xmlns:p="urn:%d%s"/>' % (number, b"a" * 500_000) for number in range(8))

    with _memory() as memory:
        look(io.BytesIO(b"<r>" + long + b"</r>"))

        assert memory.grown() < _MIB


def test_names_as_long_as_a_chapter_are_given_back() -> None:
    long = b"".join(b"<p:b%d%s/>" % (number, b"a" * 500_000) for number in range(8))

    with _memory() as memory:
        look(io.BytesIO(b"<r xmlns:p='urn:p'>" + long + b"</r>"))

        assert memory.grown() < _MIB
