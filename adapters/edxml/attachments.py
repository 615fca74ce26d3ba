"""Attachments on their way from base64 to disk, and out of the ZIP that some senders wrap each one in."""

from __future__ import annotations

import binascii
import mmap
from pathlib import Path
from typing import BinaryIO

import msgspec

from adapters.containers.bounds import Budget, Limits
from adapters.containers.findings import BadContainer
from adapters.containers.inflating import content_of
from adapters.containers.listing import read_listing
from adapters.containers.names import check_names
from adapters.edxml import faults
from adapters.edxml.faults import SAFETY, STANDARD, Mistakes, Refused
from adapters.edxml.limits import ReadLimits
from adapters.edxml.packet import Attachment

_ARCHIVE = ".zip"
_OFFICE = (".docx", ".xlsx", ".pptx", ".odt", ".ods")
"""ZIPs by nature, but of many files: the Java SDK wraps some of them in a ZIP of one."""

_PATHS = ("/", "\\")

_WHITE_SPACE = str.maketrans("", "", " \t\r\n")
_FREE_WHITE_SPACE = 64 * 1024
_ZIP = b"PK\x03\x04"


class Attachments:
    """The files of one packet, numbered from 1 in the order they come."""

    def __init__(self, into: Path, limits: ReadLimits, mistakes: Mistakes) -> None:
        self.mistakes = mistakes
        self._into = into
        self._limits = limits
        self._opened = 0
        self._total_bytes = 0

    def open(self, element: str) -> Sink:
        """Return where the text of the next attachment goes.

        Raises:
            Refused: There are too many.
        """
        if self._opened == self._limits.max_files:
            raise Refused(faults.too_many_files(self._limits.max_files), element=element)
        self._opened += 1
        return Sink(self, path=self._into / str(self._opened), element=element)

    def count(self, more_bytes: int, *, of_file: int, element: str) -> None:
        """Add bytes written to the total.

        Args:
            more_bytes: How many more there are.
            of_file: How large the file has become with them.
            element: Whose file it is.

        Raises:
            Refused: The file, or all together, are larger than the limits.
        """
        self._total_bytes += more_bytes
        if of_file > self._limits.max_file_bytes:
            raise Refused(faults.FILE_TOO_LARGE, element=element)
        if self._total_bytes > self._limits.max_total_bytes:
            raise Refused(faults.FILES_TOO_LARGE, element=element)

    def unwrapped(self, attachment: Attachment, *, element: str) -> Attachment:
        """Return the attachment, out of its ZIP when it is one file that its sender has zipped for the way.

        Raises:
            Refused: The files are larger than the limits.
        """
        path, name = Path(attachment.path), attachment.name.lower()
        if name.endswith(_ARCHIVE) or not _is_zip(path):
            return attachment
        unpacked = path.with_suffix(".unpacked")
        try:
            size_bytes = self._unpack(path, unpacked, element=element)
        except BadContainer as bad:
            unpacked.unlink(missing_ok=True)
            if not name.endswith(_OFFICE):  # those are looked through later, as all office files are
                self.mistakes.add(faults.bad_zip(str(bad)), element=element, rule=SAFETY)
            return attachment
        if size_bytes is None:
            return attachment
        unpacked.replace(path)
        return msgspec.structs.replace(attachment, size_bytes=size_bytes, was_zipped=True)

    def _unpack(self, packed: Path, unpacked: Path, *, element: str) -> int | None:
        """Return the size of the one file in a ZIP; None when it holds none, or several, and stays.

        Raises:
            BadContainer: Who receives it could take another file out of it than we do, or it grows too large.
        """
        size_bytes = 0
        with packed.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as archive:
            budget = Budget(Limits(total_bytes=self._limits.max_file_bytes), file_bytes=len(archive))
            entries = read_listing(archive, budget=budget)
            check_names(entries)
            if len(entries) != 1:
                return None
            (entry,) = entries
            if any(separator in name for name in entry.names for separator in _PATHS):
                raise BadContainer("the name of the file in it is a path")
            with unpacked.open("xb") as target:
                for piece in content_of(archive, entry, budget=budget):
                    size_bytes += len(piece)
                    self.count(len(piece), of_file=size_bytes, element=element)
                    target.write(piece)
                    archive.madvise(mmap.MADV_DONTNEED)  # what was read need not stay in memory
        return size_bytes


class Sink:
    """Takes the base64 text of one attachment and writes its bytes to a file.

    Strict: the standard alphabet, padded, nothing after the padding, white space in measure.
    """

    def __init__(self, attachments: Attachments, *, path: Path, element: str) -> None:
        self.path = path
        self.size_bytes = 0
        self._attachments = attachments
        self._element = element
        self._file: BinaryIO = path.open("xb")
        self._rest = ""
        self._letters = 0
        self._white_space = 0
        self._is_padded = False
        self._is_broken = False

    @property
    def has_text(self) -> bool:
        """Whether there was more than white space."""
        return self._letters > 0

    def write(self, text: str) -> None:
        """Take more text.

        Raises:
            Refused: The files are larger than the limits.
        """
        letters = text.translate(_WHITE_SPACE)
        self._letters += len(letters)
        self._white_space += len(text) - len(letters)
        if self._is_broken:
            return
        letters = self._rest + letters
        whole = len(letters) - len(letters) % 4
        self._rest = letters[whole:]
        if self._white_space > self._letters + _FREE_WHITE_SPACE or (self._is_padded and letters):
            self._break()
        elif whole:
            self._decode(letters[:whole])

    def close(self) -> None:
        """Take the end of the text."""
        self._file.close()
        if self._rest and not self._is_broken:
            self._break()
        if not self.has_text:
            self._attachments.mistakes.add(faults.EMPTY_FILE, element=self._element, rule=STANDARD)

    def abandon(self) -> None:
        """Close the file and leave it as it is."""
        self._file.close()

    def _decode(self, letters: str) -> None:
        try:
            decoded = binascii.a2b_base64(letters, strict_mode=True)
        except ValueError:  # binascii.Error is one; letters beyond ASCII are another
            self._break()
            return
        self._is_padded = letters.endswith("=")
        if self._is_padded and not _is_canonical(letters[-4:]):
            self._break()
            return
        self.size_bytes += len(decoded)
        self._attachments.count(len(decoded), of_file=self.size_bytes, element=self._element)
        self._file.write(decoded)

    def _break(self) -> None:
        self._is_broken = True
        self._attachments.mistakes.add(faults.BAD_BASE64, element=self._element, rule=STANDARD)


def _is_canonical(last: str) -> bool:
    """Return whether the padded end hides no bits: two texts must not stand for the same bytes."""
    return binascii.b2a_base64(binascii.a2b_base64(last), newline=False) == last.encode("ascii")


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_ZIP)) == _ZIP
