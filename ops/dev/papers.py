"""Made-up official documents with real faces: Vietnamese PDFs in the layout of Nghị định 30/2020/NĐ-CP.

Needs the extra `demo` (reportlab and a font with all Vietnamese letters).
"""

from __future__ import annotations

import importlib.util
import io
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from asn1crypto import x509  # type: ignore[import-untyped]
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko_certvalidator.registry import SimpleCertificateStore
from reportlab import rl_config  # type: ignore[import-untyped]
from reportlab.lib.enums import TA_JUSTIFY  # type: ignore[import-untyped]
from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]
from reportlab.platypus import Paragraph  # type: ignore[import-untyped]

from ops.dev.pki import Identity

_FONT = "Paper"
SIGNATURE_BYTES = 7_168  # room for the hex form of two certificates and one RSA signature
_SHOWN_LETTERS = re.compile(rb"(?<!\\)([A-Za-z])(?!\1)([A-Za-z])(?=[^()\r\n]*\) Tj)")
_LEFT, _RIGHT, _TOP = 30 * mm, A4[0] - 20 * mm, A4[1] - 20 * mm
_HEAD_LEFT, _HEAD_RIGHT = _LEFT + 35 * mm, _RIGHT - 47 * mm  # middles of the two columns on top
# Bold and italic are made from the one upright face: it keeps the file small, and the family has no
# Vietnamese italics.
_SLANT = 0.21  # tangent of 12°
_BOLDNESS = 0.03  # stroke around each letter, in parts of the size
_STATE = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
_MOTTO = "Độc lập - Tự do - Hạnh phúc"


@dataclass(frozen=True)
class Paper:
    """What stands in one official letter (công văn)."""

    number: int
    notation: str
    issuer: str
    parent: str
    place: str
    day: date
    subject: str
    to: tuple[str, ...]
    signed_by: tuple[str, ...] = ("TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH")

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """Return the text between addressee and signature."""
        return (
            f"Thực hiện chương trình công tác năm {self.day.year} và căn cứ chức năng, nhiệm vụ được giao, "
            f"{self.issuer} đề nghị các cơ quan, đơn vị phối hợp triển khai nội dung "
            f"“{self.subject}” với các yêu cầu sau đây:",
            "1. Thủ trưởng các cơ quan, đơn vị quán triệt đến toàn thể cán bộ, công chức, viên chức và người "
            "lao động; phân công rõ người, rõ việc, rõ thời hạn hoàn thành, rõ sản phẩm và trách nhiệm.",
            "2. Văn bản điện tử gửi, nhận qua trục liên thông phải được ký số đầy đủ theo Nghị định số "
            "30/2020/NĐ-CP ngày 05 tháng 3 năm 2020 của Chính phủ về công tác văn thư; văn bản đến phải được "
            "xử lý ngay trong ngày làm việc, văn bản khẩn phải được xử lý ngay khi nhận.",
            f"3. Báo cáo kết quả về {self.issuer} trước ngày 25 hằng tháng để tổng hợp, báo cáo cấp có "
            f"thẩm quyền; dẫn chiếu số {self.number}/{self.notation} trong văn bản trả lời.",
            "Trong quá trình thực hiện, nếu có khó khăn, vướng mắc, đề nghị các cơ quan, đơn vị kịp thời "
            "phản ánh để được hướng dẫn, giải quyết./.",
        )


def draw(paper: Paper, *, font_path: Path | None = None) -> bytes:
    """Return the paper as an unsigned PDF of one page, about 20 KB.

    Args:
        paper: What to draw.
        font_path: A TrueType file with all Vietnamese letters; None takes the one of the package
            `font-source-serif-pro`.
    """
    _load_font(font_path or packaged_font())
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=A4, pageCompression=0, invariant=1)
    canvas.setTitle(paper.subject)
    _draw_head(canvas, paper)
    below = _draw_text(canvas, paper, top=_TOP - 48 * mm)
    _draw_foot(canvas, paper, top=below - 6 * mm)
    canvas.showPage()
    # Only the fonts are compressed: the text can be altered without breaking the file (see `tamper`).
    canvas.setPageCompression(1)
    canvas.save()
    return target.getvalue()


async def sign(pdf: bytes, identity: Identity, *, field: str = "ChuKy", prefer_pss: bool = False) -> bytes:
    """Return the PDF with one more signature (PAdES B-B) as an incremental update."""
    signer = PdfSigner(
        PdfSignatureMetadata(field_name=field, subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256"),
        signer=LoadedKey(identity, prefer_pss=prefer_pss),
        new_field_spec=SigFieldSpec(field),
    )
    target = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    await signer.async_sign_pdf(writer, bytes_reserved=SIGNATURE_BYTES, output=target)
    return target.getvalue()


def tamper(pdf: bytes) -> bytes:
    """Return the PDF with visible text altered and everything else in its place."""
    shown = _SHOWN_LETTERS.search(pdf)
    if shown is None:
        raise ValueError("the PDF shows no uncompressed text")
    return pdf[: shown.start()] + shown[2] + shown[1] + pdf[shown.end() :]


class LoadedKey(Signer):
    """Signs with a key that stays loaded: pyHanko's own signer reads it again for each signature."""

    def __init__(self, identity: Identity, *, prefer_pss: bool = False) -> None:
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple(_converted(each) for each in identity.chain)
        self._key = identity.key
        super().__init__(
            prefer_pss=prefer_pss, signing_cert=_converted(identity.certificate), cert_registry=store
        )

    async def async_sign_raw(  # the signature of the method is pyHanko's
        self,
        data: bytes,
        digest_algorithm: str,  # noqa: ARG002
        dry_run: bool = False,  # noqa: ARG002
    ) -> bytes:
        """Return the raw signature; only SHA-256 is asked for above."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(data, ec.ECDSA(hashes.SHA256()))
        if self.prefer_pss:
            scheme: padding.AsymmetricPadding = padding.PSS(
                padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH
            )
        else:
            scheme = padding.PKCS1v15()
        return self._key.sign(data, scheme, hashes.SHA256())


def _converted(certificate: Any) -> x509.Certificate:
    return x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def packaged_font() -> Path:
    package = importlib.util.find_spec("font_source_serif_pro")
    if package is None or package.origin is None:
        raise FileNotFoundError("no Vietnamese font: install the extra `demo` or set `font_path`")
    return Path(package.origin).parent / "files" / "SourceSerifPro-Regular.ttf"


@cache
def _load_font(path: Path) -> None:
    rl_config.useA85 = 0  # binary streams: a quarter smaller
    pdfmetrics.registerFont(TTFont(_FONT, str(path)))


def _draw_head(canvas: Canvas, paper: Paper) -> None:
    """Draw the two columns on top: who issues it, and state name and motto."""
    _centred(canvas, paper.parent.upper(), x=_HEAD_LEFT, y=_TOP, size=11)
    _centred(canvas, paper.issuer.upper(), x=_HEAD_LEFT, y=_TOP - 5 * mm, size=11, bold=True)
    canvas.line(_HEAD_LEFT - 12 * mm, _TOP - 7 * mm, _HEAD_LEFT + 12 * mm, _TOP - 7 * mm)
    _centred(canvas, _STATE, x=_HEAD_RIGHT, y=_TOP, size=11, bold=True)
    _centred(canvas, _MOTTO, x=_HEAD_RIGHT, y=_TOP - 5 * mm, size=12, bold=True)
    canvas.line(_HEAD_RIGHT - 28 * mm, _TOP - 7 * mm, _HEAD_RIGHT + 28 * mm, _TOP - 7 * mm)
    number = f"Số: {paper.number}/{paper.notation}"
    _centred(canvas, number, x=_HEAD_LEFT, y=_TOP - 15 * mm, size=12)
    day = f"{paper.place}, ngày {paper.day:%d} tháng {paper.day:%m} năm {paper.day:%Y}"
    _centred(canvas, day, x=_HEAD_RIGHT, y=_TOP - 15 * mm, size=12, slant=_SLANT)
    about = Paragraph(f"V/v {paper.subject}", _style(size=11, alignment=1))
    _, height = about.wrap(70 * mm, 30 * mm)
    about.drawOn(canvas, _HEAD_LEFT - 35 * mm, _TOP - 17 * mm - height)


def _draw_text(canvas: Canvas, paper: Paper, *, top: float) -> float:
    """Draw addressees and text; return where the text ends."""
    names = "; ".join(paper.to)
    centred = _style(size=13, alignment=1)
    justified = _style(size=13, alignment=TA_JUSTIFY, firstLineIndent=10 * mm)
    blocks = [Paragraph(f"Kính gửi: {names}.", centred)]
    blocks += [Paragraph(text, justified) for text in paper.paragraphs]
    for block in blocks:
        _, height = block.wrap(_RIGHT - _LEFT, top)
        block.drawOn(canvas, _LEFT, top - height)
        top -= height + 2.5 * mm
    return top


def _draw_foot(canvas: Canvas, paper: Paper, *, top: float) -> None:
    """Draw who gets a copy on the left and who signs on the right."""
    _slanted(canvas, "Nơi nhận:", x=_LEFT, y=top, size=12, bold=True)
    copies = ("- Như trên;", "- Thường trực (để báo cáo);", f"- Lưu: VT, {paper.notation.split('-')[-1]}.")
    canvas.setFont(_FONT, 11)
    for line, text in enumerate(copies, start=1):
        canvas.drawString(_LEFT, top - line * 5 * mm, text)
    for line, text in enumerate(paper.signed_by):
        _centred(canvas, text.upper(), x=_HEAD_RIGHT, y=top - line * 5.5 * mm, size=13, bold=True)
    _centred(canvas, "(Đã ký số)", x=_HEAD_RIGHT, y=top - 26 * mm, size=12, slant=_SLANT)


def _centred(
    canvas: Canvas, text: str, *, x: float, y: float, size: int, bold: bool = False, slant: float = 0
) -> None:
    start = x - pdfmetrics.stringWidth(text, _FONT, size) / 2
    _slanted(canvas, text, x=start, y=y, size=size, bold=bold, slant=slant)


def _slanted(
    canvas: Canvas, text: str, *, x: float, y: float, size: int, bold: bool = False, slant: float = _SLANT
) -> None:
    canvas.saveState()
    canvas.setLineWidth(size * _BOLDNESS)
    line = canvas.beginText()
    line.setFont(_FONT, size)
    line.setTextRenderMode(2 if bold else 0)
    line.setTextTransform(1, 0, slant, 1, x, y)
    line.textOut(text)
    canvas.drawText(line)
    canvas.restoreState()


def _style(*, size: int, **more: Any) -> ParagraphStyle:
    return ParagraphStyle("paper", fontName=_FONT, fontSize=size, leading=size * 1.35, **more)
