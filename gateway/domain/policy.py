"""What the exchange makes of a verdict, and what it never lets in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from gateway.domain.errors import SignatureRejected, StateSecret
from gateway.domain.model import Envelope, PolicyLabel, Secrecy, SignaturePolicy, StoredFile
from signing.report import Verdict

# The stamp itself, in capitals. "MẬT" alone only where a stamp stands (first, or in brackets):
# "BẢO MẬT THÔNG TIN" is an ordinary subject.
_SECRET_STAMP = re.compile(r"TUYỆT\s+MẬT|TỐI\s+MẬT|^\s*MẬT\b|[(\[]\s*MẬT\s*[)\]]")


def refuse_state_secret(envelope: Envelope) -> None:
    """Pass when nothing says that the document is a state secret.

    Raises:
        StateSecret: It is declared or marked as one (QĐ 28/2018 Đ1.2).
    """
    if envelope.secrecy is not Secrecy.NONE:
        raise StateSecret(reasons=(f"secrecy is declared as {envelope.secrecy.value!r}",))
    # The stamp may come with its accents apart (NFD); it is the same stamp.
    if _SECRET_STAMP.search(unicodedata.normalize("NFC", envelope.subject)):
        raise StateSecret(reasons=("the subject carries a secrecy stamp",))


def label_of(files: Sequence[StoredFile], *, policy: SignaturePolicy) -> PolicyLabel:
    """Return the label a document with these files travels under.

    A document counts as signed when at least one file is TOTAL-PASSED and none is TOTAL-FAILED;
    INDETERMINATE is never valid. Otherwise it is for information only (QĐ 28/2018 Đ4.2).

    Raises:
        SignatureRejected: The policy demands a signed document and this is none; `reasons` has
            one line per file and reason.
    """
    verdicts = [file.verdict for file in files]
    if Verdict.TOTAL_PASSED in verdicts and Verdict.TOTAL_FAILED not in verdicts:
        return PolicyLabel.SIGNED
    if policy is SignaturePolicy.REQUIRE:
        raise SignatureRejected(reasons=tuple(_why_not(files)))
    return PolicyLabel.FOR_INFORMATION


def _why_not(files: Sequence[StoredFile]) -> list[str]:
    lines = []
    for file in files:
        if file.verdict is Verdict.TOTAL_PASSED:
            continue
        reasons = file.report.reasons or ("the file carries no digital signature",)
        lines += [f"{file.name}: {file.verdict}: {reason}" for reason in reasons]
    return lines
