"""Document time-stamps in PDFs: which covers which is told by the bytes, not by the time they claim."""

from __future__ import annotations

import asyncio
import io
from datetime import datetime, timedelta
from pathlib import Path

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from pyhanko.sign.signers import PdfTimeStamper

from ops.dev.pki import Identity
from signing.basis import Basis
from signing.report import Verdict
from signing.trust import trust_store
from signing.verify import verify_file
from tests.support.chain_pki import Made
from tests.support.chain_stamps import STAMP_ROOT, stamper, time_stamper
from tests.support.pki import NOW, authority, leader, plain_pdf, signed
from tests.support.pki import time_stamper as answering

_DAY = timedelta(days=1)


def _with_empty_fields(*names: str) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(plain_pdf()))
    for name in names:
        append_signature_field(writer, SigFieldSpec(name))
    target = io.BytesIO()
    writer.write(target)  # type: ignore[no-untyped-call]
    return target.getvalue()


def _stamped(pdf: bytes, *, at: datetime, by: Made, field: str) -> bytes:
    identity = Identity(by.key, by.certificate)  # type: ignore[arg-type]
    twin = PdfTimeStamper(answering(identity, at), field_name=field)
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    made = asyncio.run(twin.async_timestamp_pdf(writer, "sha256", bytes_reserved=24_576))
    assert isinstance(made, io.BytesIO)
    return made.getvalue()


def test_back_dated_time_stamp_behind_all_others_proves_nothing(tmp_path: Path) -> None:
    ended = time_stamper(label="Ended", since=NOW - 900 * _DAY, until=NOW - 30 * _DAY)
    paper = signed(leader(), _with_empty_fields("Sau", "Truoc"))
    genuine = _stamped(paper, at=NOW - 60 * _DAY, by=stamper(), field="Truoc")
    path = tmp_path / "document.pdf"
    path.write_bytes(_stamped(genuine, at=NOW - 100 * _DAY, by=ended, field="Sau"))
    trusted = trust_store([authority().root.certificate, STAMP_ROOT.certificate])

    report = verify_file(path, basis=Basis(trusted, NOW))

    rows = {each.field: each for each in report.signatures}
    first, last = rows["Truoc"], rows["Sau"]
    assert (first.indication, last.sub_indication) == (Verdict.TOTAL_PASSED, "OUT_OF_BOUNDS_NO_POE")
    assert rows["ChuKy"].signed_at == NOW - 60 * _DAY
