"""`./dev corpus DIR`: judge a folder of attacked and honest files against what is expected of each.

`DIR/expected.tsv` names a file and its expectation per line. Every file is judged twice: with nobody trusted,
and with each root that it carries itself trusted. Prints a table, and ends with 1 on a miss.
"""

from __future__ import annotations

import logging
import re
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from asn1crypto import cms  # type: ignore[import-untyped]
from cryptography import x509

from signing.basis import Basis
from signing.errors import Unreadable
from signing.pdf.hex_strings import read_at_once
from signing.report import FacetState, SignatureReport, Verdict, VerificationReport
from signing.scan import Finding
from signing.trust import trust_store
from signing.verify import verify_file

_MAX_SECONDS = 10
_HEX = re.compile(rb"<([0-9A-Fa-f\s]{400,})>")

MUST_NOT_PASS = "must-not-pass"
INTACT_BUT_FLAG = "intact-but-flag"
MUST_PASS = "must-pass"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one judgement of one file said, and how long it took."""

    file: str
    expected: str
    trusted: str
    verdict: str
    misses: tuple[str, ...]
    seconds: float


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Judge the folder; end with 1 on a miss."""
    cases = list(_cases(folder))
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(2, initializer=_prepare) as workers:
        for outcome in workers.map(_judge, *zip(*cases, strict=True)) if cases else ():
            click.echo(_line(outcome))
            outcomes.append(outcome)
    missed = sum(1 for outcome in outcomes if outcome.misses)
    slowest = max((outcome.seconds for outcome in outcomes), default=0)
    click.echo(
        f"{len(outcomes)} judgements of {len(outcomes) // 2} files: {missed} misses; slowest {slowest:.2f} s"
    )
    sys.exit(1 if missed or not outcomes else 0)


def _prepare() -> None:
    read_at_once()
    warnings.simplefilter("ignore")  # of odd certificates
    logging.disable(logging.CRITICAL)  # pyHanko logs a stack trace for each bad signature


def _cases(folder: Path) -> Iterator[tuple[Path, str, bool]]:
    for line in (folder / "expected.tsv").read_text("utf-8").splitlines():
        name, expected, *_ = [*line.split("\t"), ""]
        if (folder / name).is_file():
            yield folder / name, expected, False
            yield folder / name, expected, True


def _judge(path: Path, expected: str, is_root_trusted: bool) -> Outcome:
    roots = list(_embedded_certificates(path)) if is_root_trusted else []
    basis = Basis(trust_store(roots), datetime.now(UTC))
    started = time.monotonic()
    try:
        report = verify_file(path, basis=basis)
    except Unreadable:
        report = None
    seconds = time.monotonic() - started
    misses = [*_misses(report, expected), *(["too slow"] if seconds > _MAX_SECONDS else [])]
    trusted = "own root" if is_root_trusted else "nobody"
    verdict = report.verdict if report else "unreadable"
    return Outcome(path.name, expected, trusted, verdict, tuple(misses), seconds)


def _misses(report: VerificationReport | None, expected: str) -> Iterator[str]:
    signatures = report.signatures if report else ()
    if expected == MUST_NOT_PASS:
        if report and report.verdict is Verdict.TOTAL_PASSED:
            yield "passes"
        if any(_is_whole(signature) for signature in signatures):
            yield "a signature is called intact, covering and unchanged"
    elif expected == INTACT_BUT_FLAG:
        if not any(_is_whole(signature) for signature in signatures):
            yield "no signature is called intact"
        if not report or Finding.DORMANT_CONTENT not in {warning.code for warning in report.warnings}:
            yield f"no warning {Finding.DORMANT_CONTENT}"
    elif expected == MUST_PASS:
        if not signatures or not all(_is_whole(signature) for signature in signatures):
            yield "not every signature is called intact"
    else:
        yield f"unknown expectation {expected!r}"


def _is_whole(signature: SignatureReport) -> bool:
    facets = signature.facets
    return {facets.integrity, facets.coverage, facets.changes} == {FacetState.OK}


def _embedded_certificates(path: Path) -> Iterator[x509.Certificate]:
    """Yield the certificates that the signatures of a file carry, as far as they can be read."""
    for found in _HEX.finditer(path.read_bytes()):
        try:
            digits = re.sub(rb"\s", b"", found[1])
            content = cms.ContentInfo.load(bytes.fromhex(digits[: len(digits) // 2 * 2].decode()))
            for certificate in content["content"]["certificates"]:
                yield x509.load_der_x509_certificate(certificate.chosen.dump())
        except (ValueError, TypeError, KeyError, AttributeError):
            continue


def _line(outcome: Outcome) -> str:
    mark = "miss" if outcome.misses else "ok  "
    why = "; ".join(outcome.misses)
    return (
        f"{mark} {outcome.verdict:13} {outcome.expected:15} {outcome.trusted:8} {outcome.seconds:5.2f} s "
        f"{outcome.file} {why}".rstrip()
    )


if __name__ == "__main__":
    main()
