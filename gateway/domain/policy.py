"""What the exchange makes of a verdict, and what it never lets in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from gateway.domain.envelope import DocumentKind, Envelope, Secrecy
from gateway.domain.errors import MalformedDocument, SignatureRejected, StateSecret
from gateway.domain.model import PolicyLabel, SignaturePolicy, StoredFile
from signing.report import BAD_CONTAINER, Verdict, VerificationReport

_DASHES = "\u2010-\u2015\u2212-"
_GAP = rf"[\s_{_DASHES}]*"
_STAMPS = "|".join(_GAP.join(stamp) for stamp in ("TUYỆTMẬT", "TỐIMẬT", "VĂNBẢNMẬT"))
# The stamp itself, in capitals, however its letters are spaced. "MẬT" alone only where a stamp stands (first,
# in brackets, or last behind a dash) and begins no other word: "BẢO MẬT THÔNG TIN" and "MẬT ĐỘ DÂN SỐ" are
# ordinary subjects.
_SECRET_STAMP = re.compile(
    rf"(?<![^\W\d_])(?:{_STAMPS})(?![^\W\d_])"
    rf"|^[\s_]*MẬT(?![^\W\d_]|{_GAP}(?:MÃ|KHẨU|ĐỘ)(?![^\W\d_]))"
    r"|[(\[\"“]\s*MẬT\s*[)\]\"”]"
    rf"|[\s_][{_DASHES}]\s*MẬT\s*$"
)
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u3164\uffa0\ufe00-\ufe0f]")
"""What shows nothing and is no format character (Cf): joiners, fillers, variation selectors."""


def refuse_state_secret(envelope: Envelope, *, file_names: Sequence[str] = ()) -> None:
    """Pass when nothing says that the document is a state secret: neither its envelope nor its files' names.

    Raises:
        StateSecret: It is declared or marked as one (QĐ 28/2018 Đ1.2).
    """
    if envelope.secrecy is not Secrecy.NONE:
        raise StateSecret(reasons=(f"secrecy is declared as {envelope.secrecy.value!r}",))
    refuse_secrecy_stamps(
        ("subject", envelope.subject),
        ("content", envelope.content),
        ("type name", envelope.type_name),
        ("notation", envelope.notation),
        *(("name of a file", name) for name in file_names),
    )


def refuse_secrecy_stamps(*texts: tuple[str, str | None]) -> None:
    """Pass when none of these texts, each behind what it is, carries a secrecy stamp.

    Raises:
        StateSecret: One does.
    """
    for what, text in texts:
        if _SECRET_STAMP.search(_as_seen(text or "")):
            raise StateSecret(reasons=(f"the {what} carries a secrecy stamp",))


def _as_seen(text: str) -> str:
    """Return a text as its reader sees it: without what is invisible, in plain letters with their accents."""
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", visible))


def check_files(kind: DocumentKind, *, count: int) -> None:
    """Pass when a document of this kind may come with so many files.

    Raises:
        MalformedDocument: It has none, and says something only a file can say.
    """
    if not count and kind in (DocumentKind.NEW, DocumentKind.REPLACE):
        raise MalformedDocument(reasons=(f"file: a document of kind {kind} has at least one file",))


def policy_for(kind: DocumentKind, policy: SignaturePolicy) -> SignaturePolicy:
    """Return what is demanded of a document of this kind when its sender's policy is this one: nothing of a
    recall, which says nothing new."""
    return SignaturePolicy.LABEL if kind is DocumentKind.RECALL else policy


def refuse_bad_container(report: VerificationReport) -> None:
    """Pass when the file a verdict is on may be kept.

    Raises:
        MalformedDocument: Its bytes are not in order; `reasons` says how.
    """
    if reasons := tuple(each.detail for each in report.warnings if each.code == BAD_CONTAINER):
        raise MalformedDocument("The file cannot be read.", reasons=reasons)


def label_of(files: Sequence[StoredFile], *, policy: SignaturePolicy) -> PolicyLabel:
    """Return the label a document with these files travels under.

    A document counts as signed when at least one file is TOTAL-PASSED and none is TOTAL-FAILED;
    INDETERMINATE is never valid. Otherwise it is for information only (QĐ 28/2018 Đ4.2).

    Raises:
        SignatureRejected: The policy demands a signed document and this is none; `reasons` has
            one line per file and reason, and the sentence of each signature in Vietnamese.
    """
    verdicts = [file.verdict for file in files]
    if Verdict.TOTAL_PASSED in verdicts and Verdict.TOTAL_FAILED not in verdicts:
        return PolicyLabel.SIGNED
    if policy is SignaturePolicy.REQUIRE:
        raise SignatureRejected(reasons=tuple(_why_not(files)))
    return PolicyLabel.FOR_INFORMATION


def _why_not(files: Sequence[StoredFile]) -> list[str]:
    lines = [] if files else ["the document has no file that could be signed"]
    for file in files:
        if file.verdict is Verdict.TOTAL_PASSED:
            continue
        reasons = file.report.reasons or ("the file carries no digital signature",)
        lines += [f"{file.name}: {file.verdict}: {reason}" for reason in reasons]
        bad = [each for each in file.report.signatures if each.indication is not Verdict.TOTAL_PASSED]
        said = [each.sentence_vi for each in bad if each.sentence_vi] if bad else ["Tệp không có chữ ký số."]
        lines += [f"{file.name}: {sentence}" for sentence in said]
    return lines
