"""The one plain sentence that a person reads about a signature, in Vietnamese and in English."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from signing.reasons import Reason
from signing.report import Verdict

_VIETNAM = timezone(timedelta(hours=7))
_SIGNATURE, _SEAL, _STAMP = "signature", "seal", "time-stamp"
_NOUNS_VI = {_SEAL: "Chữ ký số của cơ quan", _STAMP: "Dấu thời gian"}
_UNCHANGED = ("từ đó văn bản không bị thay đổi", "the document has not changed since")
_FOLLOWED = (
    "sau đó văn bản chỉ được thêm chữ ký số hoặc con dấu khác, nội dung không thay đổi",
    "only further signatures or seals were added since, and the content has not changed",
)


def sentences(
    verdict: Verdict,
    reasons: Sequence[Reason],
    *,
    signer: str | None,
    organisation: str | None,
    at: datetime | None,
    role: str = "",
    at_is_proven: bool = False,
    is_followed: bool = False,
) -> tuple[str, str]:
    """Return the sentence in Vietnamese and in English.

    Args:
        verdict: The verdict on this one signature.
        reasons: What was found against it; the first, which decided, is told.
        signer: The name in the certificate.
        organisation: The organisation in the certificate.
        at: When it was signed, or says it was.
        role: As what it was made: `person`, `seal`, `time-stamp`, or empty where that is not known.
        at_is_proven: Whether a trusted time-stamp says `at`, not the signer's own clock.
        is_followed: Whether further signatures or seals were added after it.
    """
    noun_vi, noun_en = _NOUNS_VI.get(role, "Chữ ký số"), role if role in _NOUNS_VI else _SIGNATURE
    who = ", ".join(dict.fromkeys(name for name in (signer, organisation) if name))
    of_vi, of_en = (f" {who}" if role == _SEAL else f" của {who}", f" of {who}") if who else ("", "")
    if verdict is Verdict.TOTAL_PASSED:
        on_vi, on_en = _moment(at, role=role, is_proven=at_is_proven)
        since_vi, since_en = _FOLLOWED if is_followed else _UNCHANGED
        return (
            f"{noun_vi}{of_vi} hợp lệ{on_vi}; {since_vi}.",
            f"Valid {noun_en}{of_en}{on_en}; {since_en}.",
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


def _moment(at: datetime | None, *, role: str, is_proven: bool) -> tuple[str, str]:
    if at is None:
        return "", ""
    shown = f"{at.astimezone(_VIETNAM):%d/%m/%Y %H:%M:%S}"
    if role == _STAMP:
        return f", cấp ngày {shown}", f" on {shown} +07:00"
    if is_proven:
        return f", ký ngày {shown}", f" on {shown} +07:00"
    return f", ký ngày {shown} (theo giờ máy của người ký)", f" on {shown} +07:00 (by the signer's own clock)"
