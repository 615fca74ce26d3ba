"""What an exception while judging says about a signature, the same for every kind of file."""

from __future__ import annotations

from errno import EINVAL

from signing.judgement import Facet, Judgement
from signing.reasons import BROKEN, Reason, Refused

TOO_COSTLY = Reason(
    "too-costly",
    "Judging the signature takes more memory or time than any document needs.",
    "Việc kiểm tra chữ ký đòi hỏi bộ nhớ hoặc thời gian xử lý vượt mức cho phép.",
    is_open=True,
)


def record_fault(
    broken: Exception, judgement: Judgement, *, facet: Facet | None = None, otherwise: Reason = BROKEN
) -> None:
    """Record what broke off the judgement of a signature: a rule, a bound, or a stranger's bytes.

    Args:
        broken: What was raised.
        judgement: What was found so far; gets the finding.
        facet: What it speaks against, where that is not what its sub-indication says.
        otherwise: The reason when it is none of ours, about the exception's name.

    Raises:
        OSError: A file or store of our own could not be read: that says nothing about the signature.
    """
    if isinstance(broken, OSError) and broken.errno != EINVAL:  # a stranger's offset is no place to seek
        raise broken
    if isinstance(broken, Refused):
        judgement.against(broken.sub_indication, broken.reason, facet=facet)
    elif isinstance(broken, MemoryError | RecursionError):
        judgement.against("GENERIC", TOO_COSTLY, facet=facet or "integrity")
    else:
        judgement.against("FORMAT_FAILURE", otherwise.about(type(broken).__name__), facet=facet)
