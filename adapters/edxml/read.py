"""Reads a packet from disk: one streaming parse, no tree, no attachment in memory.

For parsing workers: it opens the packet and the files it writes, nothing else, and whatever a stranger sends
ends in a `Read`. Mistakes are collected and reported all at once; what could harm the reader, or be read
in two ways, ends the reading at once with that one fault.
"""

from __future__ import annotations

from pathlib import Path

from adapters.edxml.builder import Builder, tuples
from adapters.edxml.faults import Mistakes, Refused
from adapters.edxml.limits import ReadLimits
from adapters.edxml.manifest import named_attachments
from adapters.edxml.packet import Read
from adapters.edxml.parse import Parse, Places
from adapters.edxml.rules import document_header, is_status, status_header

__all__ = ["ReadLimits", "read_packet"]


def read_packet(path: Path, *, into: Path, limits: ReadLimits) -> Read:
    """Return what a packet says, or every mistake it has.

    Dates, moments and status codes come back as the standard writes them, whatever form they had.

    Args:
        path: The packet's bytes.
        into: An empty folder for the attachments, decoded and unpacked, named 1, 2, ….
        limits: How many and how large they may be.

    Raises:
        OSError: The packet cannot be read, or its files cannot be written.
    """
    mistakes = Mistakes()
    builder = Builder(mistakes, into=into, limits=limits)
    parse = Parse(builder, limits)
    try:
        with path.open("rb") as source:
            parse.feed(source)
            return _assembled(builder, parse.places(source), mistakes)
    except Refused as refused:
        return Read(dialect=builder.dialect, faults=(refused.fault,), warnings=mistakes.warnings)
    finally:
        builder.close()


def _assembled(builder: Builder, places: Places, mistakes: Mistakes) -> Read:
    """Return what has been read, once the rules for the packet as a whole are checked."""
    fields = tuples(builder.fields)
    document = status = None
    if is_status(fields):
        status = status_header(fields, mistakes)
    else:
        document = document_header(fields, mistakes)
    attachments = named_attachments(
        fields.get("attachments", ()), fields.get("manifest", ()), attachments=builder.attachments
    )
    if mistakes.faults:
        return Read(dialect=builder.dialect, faults=mistakes.faults, warnings=mistakes.warnings)
    return Read(
        document=document,
        status=status,
        attachments=attachments,
        dialect=builder.dialect,
        warnings=mistakes.warnings,
        starts_at=places.starts_at,
        ends_at=places.ends_at,
        trace_at=places.trace_at,
        prefix=builder.trace_prefix,
    )
