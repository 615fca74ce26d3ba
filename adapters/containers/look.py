"""Looking through a file: the one function a parsing worker calls."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from adapters.containers.bounds import Budget, Limits
from adapters.containers.findings import ActiveContent, BadContainer, Findings
from adapters.containers.inflating import content_of
from adapters.containers.kinds import OLE2_HEAD, OPAQUE_ARCHIVE_HEADS, RTF_HEAD, ZIP_HEADS, check_kind
from adapters.containers.listing import Content, Entry, read_listing
from adapters.containers.names import check_names
from adapters.containers.office import in_compound_file, in_rich_text
from adapters.containers.packages import CONTENT_TYPES, PackagePart, check_family, looks_like_xml
from signing.report import Warning as ReportWarning

_HEAD_BYTES = 8
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
_MACRO_FOLDERS = ("basic/", "scripts/")
_MACRO_NAMES = ("vbaproject.bin", "vbadata.xml")


def look_through(path: Path, *, media_type: str, limits: Limits | None = None) -> tuple[ReportWarning, ...]:
    """Return a warning for each kind of active content in a file.

    Raises:
        BadContainer: It is not what its type says, hides something, or cannot be looked through.
        OSError: It cannot be opened.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if not size:
            check_kind(b"", media_type=media_type)
            return ()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            check_kind(content, media_type=media_type)
            look = _Look(Budget(limits or Limits(), file_bytes=size))
            look.at_file(content, media_type=media_type)
            return look.findings.warnings()


@dataclass(slots=True)
class _Package:
    """What one archive says of itself as an Office file."""

    is_one: bool
    media_type: str = ""
    content_types: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Look:
    budget: Budget
    findings: Findings = field(default_factory=Findings)
    _depth: int = 0

    def at_file(self, content: Content, *, media_type: str) -> None:
        head = content[:_HEAD_BYTES]
        if head.startswith(ZIP_HEADS):
            package = self._at_archive(content)
            check_family(media_type, package.content_types)
            if media_type.startswith(_OPEN_DOCUMENT) and package.media_type != media_type:
                raise BadContainer("the file is not what its type says")
        else:
            self._at_document(content, head, name="")

    def _at_archive(self, archive: Content) -> _Package:
        entries = read_listing(archive, budget=self.budget)
        check_names(entries)
        package = _Package(is_one=_is_package(entries))
        for entry in entries:
            self._at_entry(content_of(archive, entry, budget=self.budget), entry, package)
        return package

    def _at_entry(self, pieces: Iterator[bytes], entry: Entry, package: _Package) -> None:
        name = entry.name.casefold()
        head, pieces = _with_head(pieces)
        if package.is_one and (name.startswith(_MACRO_FOLDERS) or name.endswith(_MACRO_NAMES)):
            self.findings.note(ActiveContent.MACROS, at=entry.name)
        if head.startswith(ZIP_HEADS):
            self._at_nested(self._gathered(pieces), entry.name)
        elif head.startswith((OLE2_HEAD, RTF_HEAD)):
            if package.is_one and not name.endswith(_MACRO_NAMES):
                self.findings.note(ActiveContent.EMBEDDED_OBJECT, at=entry.name)
            self._at_document(self._gathered(pieces), head, name=entry.name)
        elif package.is_one and looks_like_xml(head):
            package.content_types |= self._at_part(pieces, entry.name)
        elif package.is_one and name == "mimetype":
            package.media_type = self._gathered(pieces).decode("ascii", "replace").strip()
        else:
            if head.startswith(OPAQUE_ARCHIVE_HEADS):
                self._check_depth(self._depth + 1)
                self.findings.note(ActiveContent.NESTED_ARCHIVE, at=entry.name)
            for _ in pieces:  # measured to the end, whatever it is
                pass

    def _at_nested(self, archive: bytes, name: str) -> None:
        self._depth += 1
        self._check_depth(self._depth)
        if not self._at_archive(archive).is_one:
            self.findings.note(ActiveContent.NESTED_ARCHIVE, at=name)
        self._depth -= 1

    def _at_document(self, content: Content, head: bytes, *, name: str) -> None:
        if head.startswith(OLE2_HEAD):
            self.findings.note(*in_compound_file(content), at=name)
        elif head.startswith(RTF_HEAD):
            self.findings.note(*in_rich_text(content), at=name)

    def _at_part(self, pieces: Iterable[bytes], name: str) -> set[str]:
        part = PackagePart(name, self.findings)
        for piece in pieces:
            part.feed(piece)
        part.feed(b"", is_last=True)
        return part.content_types if name.casefold() == CONTENT_TYPES else set()

    def _gathered(self, pieces: Iterable[bytes]) -> bytes:
        gathered = bytearray()
        for piece in pieces:
            gathered += piece
            if len(gathered) > self.budget.limits.nested_bytes:
                raise BadContainer(
                    "a file in the archive is too large to be looked through: send it by itself"
                )
        return bytes(gathered)

    def _check_depth(self, depth: int) -> None:
        if depth > self.budget.limits.depth:
            raise BadContainer(f"more than {self.budget.limits.depth} levels of archives are nested")


def _is_package(entries: Iterable[Entry]) -> bool:
    names = {entry.name.casefold() for entry in entries}
    return CONTENT_TYPES in names or "mimetype" in names


def _with_head(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes, and all pieces again: the first may be as short as one byte."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= _HEAD_BYTES:
            break
    return head[:_HEAD_BYTES], chain([head], pieces)
