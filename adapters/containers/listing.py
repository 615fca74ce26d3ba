"""What is in a ZIP archive, read so that there is one answer only.

A ZIP lists its entries twice, at the end and before each one, and most programs believe one of the two and
jump over what lies between. Here both must agree, entries must follow each other from the first byte to the
list without a gap or an overlap, and nothing may stand after its end record.

Source: PKWARE APPNOTE 6.3.10, §4.3–4.5.
"""

from __future__ import annotations

import codecs
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from adapters.containers.bounds import Budget
from adapters.containers.extras import unicode_path, widened
from adapters.containers.findings import BadContainer

codecs.lookup("cp437")  # now: it is loaded from a file, and what reads archives may not open one

Content = bytes | mmap.mmap
"""A file, or one nested in another."""

STORED, DEFLATED = 0, 8

_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_MAX_16, _MAX_32 = 0xFFFF, 0xFFFF_FFFF

_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
_DESCRIBED = 1 << 3
"""Sizes and checksum follow the entry: it was written in one go."""
_PATCH = 1 << 5
_UTF8 = 1 << 11
_DESCRIPTORS = {12: "<3L", 16: "<4x3L", 20: "<L2Q", 24: "<4xL2Q"}
_DESCRIPTOR_SIGNATURE = b"PK\x07\x08"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, as both lists say. `names` are one or two: an extra field may hold another."""

    names: tuple[str, ...]
    raw_name: bytes
    flags: int
    method: int
    crc: int
    compressed_bytes: int
    size_bytes: int
    attributes: int
    extra: bytes
    at: int
    """Where its own header begins."""
    content_at: int = 0

    @property
    def name(self) -> str:
        """Return its name for showing."""
        return self.names[0]

    @property
    def ends_at(self) -> int:
        """Return where its compressed bytes end."""
        return self.content_at + self.compressed_bytes


def read_listing(archive: Content, *, budget: Budget) -> tuple[Entry, ...]:
    """Return the entries in the order they lie in the archive.

    Raises:
        BadContainer: Two programs could list it differently, or it cannot be looked through.
    """
    count, begins_at, ends_at = _central_directory(archive)
    budget.count(count)
    listed = _central_entries(archive, count=count, begins_at=begins_at, ends_at=ends_at)
    entries = tuple(_located(archive, entry) for entry in sorted(listed, key=lambda entry: entry.at))
    _check_layout(archive, entries, ends_at=begins_at)
    return entries


def _central_directory(archive: Content) -> tuple[int, int, int]:
    """Return how many entries it has, where it begins and where it ends."""
    end_at = len(archive) - _END.size
    if end_at < 0 or archive[end_at : end_at + 4] != b"PK\x05\x06":
        raise BadContainer("the archive does not end with its end record")
    _, disk, first_disk, here, count, size, begins_at, comment = _END.unpack(archive[end_at:])
    if comment:
        raise BadContainer("the archive does not end with its end record")
    ends_at = end_at
    locator_at = end_at - _LOCATOR_64.size
    if locator_at >= 0 and archive[locator_at : locator_at + 4] == b"PK\x06\x07":
        short = (disk, first_disk, here, count, size, begins_at)
        ends_at, wide = _end_64(archive, locator_at)
        if any(a not in (b, most) for a, b, most in zip(short, wide, _END_MAXIMA, strict=True)):
            raise BadContainer("the end records of the archive disagree")
        disk, first_disk, here, count, size, begins_at = wide
    if disk or first_disk or here != count:
        raise BadContainer("the archive is one of several volumes")
    if begins_at + size != ends_at:
        raise BadContainer("the archive's list of entries is not where it should be")
    return count, begins_at, ends_at


_END_MAXIMA = (_MAX_16, _MAX_16, _MAX_16, _MAX_16, _MAX_32, _MAX_32)


def _end_64(archive: Content, locator_at: int) -> tuple[int, tuple[int, ...]]:
    """Return where the wide end record begins, and its fields in the order of the short one."""
    _, disk, at, disks = _LOCATOR_64.unpack(archive[locator_at : locator_at + _LOCATOR_64.size])
    if disk or disks > 1 or at + _END_64.size != locator_at or archive[at : at + 4] != b"PK\x06\x06":
        raise BadContainer("the archive's wide end record is not where it should be")
    _, size, _, _, *fields = _END_64.unpack(archive[at:locator_at])
    if size + 12 != _END_64.size:
        raise BadContainer("the archive's wide end record has a wrong size")
    return at, tuple(fields)


def _central_entries(archive: Content, *, count: int, begins_at: int, ends_at: int) -> list[Entry]:
    entries, at = [], begins_at
    for _ in range(count):
        header = archive[at : min(at + _CENTRAL.size, ends_at)]
        if len(header) < _CENTRAL.size or header[:4] != b"PK\x01\x02":
            raise BadContainer("the archive's list of entries is broken")
        fields = _CENTRAL.unpack(header)
        name_bytes, extra_bytes, comment_bytes = fields[10:13]
        name_at = at + _CENTRAL.size
        extra_at = name_at + name_bytes
        at = extra_at + extra_bytes + comment_bytes
        if at > ends_at:
            raise BadContainer("the archive's list of entries is broken")
        entries.append(
            _central_entry(fields, archive[name_at:extra_at], archive[extra_at : at - comment_bytes])
        )
    if at != ends_at:
        raise BadContainer("the archive's list holds more than its entries")
    return entries


def _central_entry(fields: Sequence[int], raw_name: bytes, extra: bytes) -> Entry:
    flags, method = fields[3:5]
    crc, compressed, size = fields[7:10]
    disk, _, attributes, at = fields[13:17]
    if flags & _ENCRYPTED:
        raise BadContainer("the archive holds an encrypted entry")
    if flags & _PATCH or method not in (STORED, DEFLATED):
        raise BadContainer("the archive is packed in a way that cannot be looked through")
    if disk:
        raise BadContainer("the archive is one of several volumes")
    size, compressed, at = widened((size, compressed, at), extra)
    return Entry(
        names=_names(raw_name, flags=flags, extra=extra),
        raw_name=raw_name,
        flags=flags,
        method=method,
        crc=crc,
        compressed_bytes=compressed,
        size_bytes=size,
        attributes=attributes,
        extra=extra,
        at=at,
    )


def _names(raw: bytes, *, flags: int, extra: bytes) -> tuple[str, ...]:
    try:
        name = raw.decode("utf-8" if flags & _UTF8 else "cp437")
        other = unicode_path(extra, name=raw)
    except UnicodeDecodeError as wrong:
        raise BadContainer("the name of an entry is not what it says to be: UTF-8") from wrong
    return (name,) if other is None or other == name else (name, other)


def _located(archive: Content, entry: Entry) -> Entry:
    """Return the entry with its content's place, when its own header says the same as the list."""
    header = archive[entry.at : entry.at + _LOCAL.size]
    if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
        raise BadContainer("an entry is not where the archive's list says")
    fields = _LOCAL.unpack(header)
    flags, method = fields[2:4]
    crc, compressed, size, name_bytes, extra_bytes = fields[6:11]
    name_at = entry.at + _LOCAL.size
    extra_at = name_at + name_bytes
    content_at = extra_at + extra_bytes
    extra = archive[extra_at:content_at]
    size, compressed = widened((size, compressed), extra)
    described = bool(flags & _DESCRIBED)
    pairs = ((crc, entry.crc), (compressed, entry.compressed_bytes), (size, entry.size_bytes))
    agree = (
        archive[name_at:extra_at] == entry.raw_name
        and method == entry.method
        and not (flags ^ entry.flags) & (_ENCRYPTED | _DESCRIBED | _PATCH | _UTF8)
        and unicode_path(extra, name=entry.raw_name) in (None, *entry.names)
        and all(here == listed or (described and not here) for here, listed in pairs)
    )
    if not agree:
        raise BadContainer("an entry and the archive's list of entries disagree")
    return replace(entry, content_at=content_at)


def _check_layout(archive: Content, entries: Sequence[Entry], *, ends_at: int) -> None:
    """Pass when the entries fill the archive up to its list, each beginning where the one before ends."""
    beginnings = [entry.at for entry in entries]
    if (beginnings[0] if beginnings else ends_at) != 0:
        raise BadContainer("something stands before the archive")
    for entry, (_, next_at) in zip(entries, pairwise([*beginnings, ends_at]), strict=True):
        rest = next_at - entry.ends_at
        if rest < 0:
            raise BadContainer("entries of the archive overlap")
        if entry.flags & _DESCRIBED:
            _check_descriptor(archive[entry.ends_at : next_at], entry)
        elif rest:
            raise BadContainer("something is hidden between the entries of the archive")


def _check_descriptor(descriptor: bytes, entry: Entry) -> None:
    form = _DESCRIPTORS.get(len(descriptor))
    said = (entry.crc, entry.compressed_bytes, entry.size_bytes)
    if form is None or struct.unpack(form, descriptor) != said:
        raise BadContainer("an entry and what follows it disagree")
    if "x" in form and not descriptor.startswith(_DESCRIPTOR_SIGNATURE):
        raise BadContainer("an entry and what follows it disagree")
