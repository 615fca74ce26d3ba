"""What verifying is compared with: pyHanko as it comes, in a worker that is asked as our parsing workers are.

`python -m ops.dev.bench.verify_stock TRUST_FOLDER`. The same trust, no revocation, its own defaults besides;
for each file a validation context of its own, as its documentation has it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from asn1crypto import pem, x509  # type: ignore[import-untyped]
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from adapters.sandbox import JudgeFile
from adapters.workers import Ready, serve


class Stock:
    """Answers how many signatures of a file are valid."""

    def __init__(self, trust: Path) -> None:
        found = [_certificate(path) for path in sorted(trust.glob("*.pem"))]
        self._roots = [each for each in found if each.self_signed != "no"]
        self._others = [each for each in found if each.self_signed == "no"]
        self._loop = asyncio.new_event_loop()

    def answer(self, question: bytes) -> bytes:
        """Return the answer to one question, both as the pipe carries them."""
        asked = msgspec.json.decode(question, type=JudgeFile)
        with Path(asked.path).open("rb") as file:
            return msgspec.json.encode(self._loop.run_until_complete(self._count_valid(file, asked.at)))

    async def _count_valid(self, file: BinaryIO, at: datetime) -> int:
        statuses = [
            await async_validate_pdf_signature(signature, self._context(at))
            for signature in PdfFileReader(file).embedded_signatures
        ]
        return sum(status.bottom_line for status in statuses)

    def _context(self, at: datetime) -> ValidationContext:
        return ValidationContext(trust_roots=self._roots, other_certs=self._others, moment=at)


def _certificate(path: Path) -> x509.Certificate:
    _, _, der = pem.unarmor(path.read_bytes())
    return x509.Certificate.load(der)


def main() -> None:
    """Answer questions until the bench closes the pipe."""
    logging.disable(logging.CRITICAL)
    serve(lambda: (Ready(isolated=False), Stock(Path(sys.argv[1])).answer))


if __name__ == "__main__":
    main()
