"""Reasons: why a signature is judged as it is, in a plain sentence of each language.

Each part of the package keeps the reasons only it can give beside its code; here stand the type and the
reasons that belong to a sub-indication of ETSI EN 319 102-1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding: a stable code for programs, and what a person reads."""

    code: str
    en: str
    vi: str
    is_open: bool = False
    """Whether nothing speaks against the signature: something was not judged, or not to its end."""
    detail: str = ""
    """For whoever looks into it; the sentences have room for it only where it says something to a clerk."""

    def about(self, detail: str) -> Reason:
        """Return the reason with a detail, put in for `{}` in the sentences that have one."""
        return replace(self, en=self.en.format(detail), vi=self.vi.format(detail), detail=detail)


class Refused(Exception):
    """A rule is broken by the bytes; `reason` says which, `sub_indication` what it comes to."""

    def __init__(self, reason: Reason, sub_indication: str = "FORMAT_FAILURE") -> None:
        super().__init__(reason.en)
        self.reason = reason
        self.sub_indication = sub_indication


NOT_JUDGED = Reason(
    "not-judged", "The signature could not be judged.", "Không thể đánh giá chữ ký này.", is_open=True
)
BROKEN = Reason(
    "broken",
    "The signature cannot be read: it is broken.",
    "Không đọc được chữ ký: dữ liệu bị hỏng.",
)
CONTENT_NOT_SIGNED = Reason(
    "content-not-signed",
    "This file is no detached signature of the document given with it, so it proves nothing about that "
    "document.",
    "Tệp này không phải là chữ ký rời của văn bản đi kèm, nên không chứng minh gì về văn bản đó.",
)
NO_PATH_TO = Reason(
    "no-path",
    "The signer's certificate leads to the authority “{}”, which is not trusted here. Ask the administrator.",
    "Chứng thư số của người ký dẫn tới tổ chức chứng thực “{}”, chưa được tin cậy ở đây. "
    "Hãy hỏi quản trị hệ thống.",
)
REVOCATION_UNKNOWN_OF = Reason(
    "revocation-unknown",
    "Whether a certificate issued by “{}” was revoked is not known: no current answer of that authority is "
    "at hand. Try again later, or ask the administrator.",
    "Chưa biết chứng thư số do “{}” cấp có bị thu hồi hay không: chưa nhận được trả lời còn hiệu lực "
    "của tổ chức này. Hãy thử lại sau, hoặc hỏi quản trị hệ thống.",
)

_WEAK = Reason(
    "weak-algorithm",
    "The signature uses an algorithm or key that is too weak.",
    "Chữ ký dùng thuật toán hoặc khóa quá yếu, không còn an toàn.",
)

OF_SUB_INDICATION = {
    "HASH_FAILURE": Reason(
        "altered",
        "The document was altered after it was signed.",
        "Nội dung văn bản đã bị thay đổi sau khi ký.",
    ),
    "SIG_CRYPTO_FAILURE": Reason(
        "forged",
        "The signature value does not belong to the signer's certificate.",
        "Chữ ký không phải do chứng thư số này tạo ra, hoặc đã bị sửa: có dấu hiệu giả mạo.",
    ),
    "CRYPTO_CONSTRAINTS_FAILURE": _WEAK,
    "CRYPTO_CONSTRAINTS_FAILURE_NO_POE": _WEAK,
    "NO_SIGNING_CERTIFICATE_FOUND": Reason(
        "no-certificate",
        "The signer's certificate is missing or is not the one that was signed.",
        "Thiếu chứng thư số của người ký, hoặc không đúng chứng thư đã được ký cùng.",
    ),
    "NO_CERTIFICATE_CHAIN_FOUND": Reason(
        "no-path",
        "The signer's certificate does not lead to an authority that is trusted here. Ask the administrator.",
        "Chứng thư số của người ký không dẫn tới tổ chức chứng thực được tin cậy ở đây. "
        "Hãy hỏi quản trị hệ thống.",
    ),
    "CERTIFICATE_CHAIN_GENERAL_FAILURE": Reason(
        "faulty-path",
        "The chain from the certificate to a trusted root is faulty.",
        "Chuỗi chứng thư từ người ký tới tổ chức chứng thực gốc có lỗi.",
    ),
    "CHAIN_CONSTRAINTS_FAILURE": Reason(
        "wrong-purpose",
        "The signer's certificate is not meant for signing documents.",
        "Chứng thư số này không được cấp để ký văn bản.",
    ),
    "OUT_OF_BOUNDS_NO_POE": Reason(
        "outside-validity",
        "The signer's certificate is not valid at this time, and no time-stamp proves that the document was "
        "signed while it was.",
        "Chứng thư số của người ký đã hết hạn hoặc chưa có hiệu lực, và không có dấu thời gian chứng minh "
        "văn bản được ký khi chứng thư còn hiệu lực.",
    ),
    "NOT_YET_VALID": Reason(
        "not-yet-valid",
        "The document was signed before the signer's certificate was valid.",
        "Văn bản được ký trước khi chứng thư số của người ký có hiệu lực.",
    ),
    "REVOKED": Reason(
        "revoked",
        "The signer's certificate was revoked before the document was signed.",
        "Chứng thư số của người ký đã bị thu hồi trước khi ký văn bản.",
    ),
    "REVOKED_NO_POE": Reason(
        "revoked-no-proof",
        "The signer's certificate is revoked, and no time-stamp proves that the document was signed before.",
        "Chứng thư số của người ký đã bị thu hồi, và không có dấu thời gian chứng minh "
        "văn bản được ký trước đó.",
    ),
    "REVOKED_CA_NO_POE": Reason(
        "authority-revoked",
        "A certificate above the signer's is revoked.",
        "Một chứng thư của tổ chức chứng thực cấp trên đã bị thu hồi.",
    ),
    "TRY_LATER": Reason(
        "revocation-unknown",
        "Whether the signer's certificate was revoked is not known: no current answer of its authority is "
        "at hand. Try again later, or ask the administrator.",
        "Chưa biết chứng thư số của người ký có bị thu hồi hay không: chưa nhận được trả lời còn hiệu lực "
        "của tổ chức chứng thực. Hãy thử lại sau, hoặc hỏi quản trị hệ thống.",
    ),
}


def of_sub_indication(sub_indication: str) -> Reason:
    """Return the reason that goes with a sub-indication when nothing more is known."""
    return OF_SUB_INDICATION.get(sub_indication, NOT_JUDGED)
