"""Hybrid cross-references: a table for old readers and a stream for newer ones, in one file.

Office programs write them. A file may be two documents in that way, so both readings have to agree on every
object that both of them know; what only newer readers see is what the form was made for.
"""

from __future__ import annotations

from pyhanko.pdf_utils.xref import XRefCache, XRefSectionData

from signing.pdf import reasons
from signing.reasons import Refused

_FREE = None


def demand_agreement(xrefs: XRefCache) -> None:
    """Pass when an old and a new reader find every object in the same place, in every revision.

    Raises:
        Refused: They do not.
    """
    if not xrefs.hybrid_xrefs_present:
        return
    old: dict[int, object] = {}
    new: dict[int, object] = {}
    for revision in range(xrefs.total_revisions):
        section = xrefs.get_xref_data(revision)
        table = _places(section)
        old |= table
        new |= _places(section.hybrid.xref_data) if section.hybrid else {}
        # A place in the table goes before one in the stream; what is free in the table may be in the stream.
        new |= {number: place for number, place in table.items() if place is not _FREE or number not in new}
        if any(place is not _FREE and new.get(number) != place for number, place in old.items()):
            raise Refused(reasons.HYBRID)


def _places(section: XRefSectionData) -> dict[int, object]:
    """Return where a section says that each object is; `_FREE` when it says that it is none."""
    free: dict[int, object] = dict.fromkeys(section.freed, _FREE)
    return free | section.standard_xrefs | section.xrefs_in_objstm
