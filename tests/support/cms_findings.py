"""What the reader finds in a CMS signature, in one word."""

from __future__ import annotations

from dataclasses import dataclass

from signing.cms.facts import Signer
from signing.cms.signed_data import read_signers
from signing.cms.time_stamp import read_stamp
from signing.reasons import Refused
from tests.support.cms_making import CONTENT, digest


@dataclass(frozen=True)
class Made:
    """A signature and the document beside it; None: the document is inside."""

    contents: bytes
    content: bytes | None = CONTENT

    def signers(self, *, max_signers: int = 1) -> tuple[Signer, ...]:
        beside = None if self.content is None else digest(self.content)
        return read_signers(self.contents, digest=beside, max_signers=max_signers)

    def finding(self) -> str:
        """The code of the refusal, or altered, forged, weak, lenient, or good."""
        try:
            (signer,) = self.signers()
        except Refused as refused:
            return refused.reason.code
        return finding_of(signer)


def finding_of(signer: Signer) -> str:
    """What is to be said of one signer that was read."""
    if not signer.is_intact:
        return "altered"
    if not signer.is_genuine:
        return "forged"
    if signer.is_weak:
        return "weak"
    return "lenient" if signer.is_lenient else "good"


def finding_of_stamp(token: bytes, *, stamped: bytes) -> str:
    """What is to be said of a time-stamp token over these bytes."""
    try:
        stamp = read_stamp(token, stamped=stamped)
    except Refused as refused:
        return refused.reason.code
    found = finding_of(stamp.signer)
    return found if stamp.has_imprint or found in {"altered", "forged"} else "other-imprint"
