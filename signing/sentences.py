"""The one plain sentence that a person reads about a signature, in Vietnamese and in English."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from signing.reasons import Reason
from signing.report import Verdict

_VIETNAM = timezone(timedelta(hours=7))
_NOUNS = {"seal": ("Chữ ký số cơ quan", "seal"), "time-stamp": ("Dấu thời gian", "time-stamp")}
_OTHER_NOUNS = ("Chữ ký", "signature")


def sentences(
    verdict: Verdict,
    reasons: Sequence[Reason],
    *,
    signer: str | None,
    organisation: str | None,
    at: datetime | None,
    role: str = "",
) -> tuple[str, str]:
    """Return the sentence in Vietnamese and in English.

    Args:
        verdict: The verdict on this one signature.
        reasons: What was found against it; the first, which decided, is told.
        signer: The name in the certificate.
        organisation: The organisation in the certificate.
        at: When it was signed, or says it was.
        role: As what it was made: `person`, `seal`, `time-stamp`, or empty where that is not known.
    """
    noun_vi, noun_en = _NOUNS.get(role, _OTHER_NOUNS)
    who = ", ".join(dict.fromkeys(name for name in (signer, organisation) if name))
    of_vi, of_en = (f" của {who}", f" of {who}") if who else ("", "")
    if verdict is Verdict.TOTAL_PASSED:
        moment = f"{at.astimezone(_VIETNAM):%d/%m/%Y %H:%M:%S}" if at else ""
        on_vi, on_en = (f" ngày {moment}", f" on {moment} (+07:00)") if moment else ("", "")
        return (
            f"{noun_vi} hợp lệ{of_vi}{on_vi}; từ đó văn bản không bị thay đổi.",
            f"Valid {noun_en}{of_en}{on_en}; the document has not changed since.",
        )
    why_vi, why_en = (reasons[0].vi, reasons[0].en) if reasons else ("", "")
    if verdict is Verdict.TOTAL_FAILED:
        return (
            f"{noun_vi}{of_vi} không hợp lệ. {why_vi}".rstrip(),
            f"The {noun_en}{of_en} is not valid. {why_en}".rstrip(),
        )
    return (
        f"Chưa thể xác nhận {noun_vi[0].lower()}{noun_vi[1:]}{of_vi}. {why_vi}".rstrip(),
        f"The {noun_en}{of_en} cannot be confirmed. {why_en}".rstrip(),
    )
