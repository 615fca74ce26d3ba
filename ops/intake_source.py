"""An existing store as its owner hands it over: a folder of files, and a CSV of what each of them is."""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path, PurePosixPath

from gateway.domain.dossiers import code_fault
from gateway.domain.errors import MalformedDocument
from gateway.domain.file_types import shown_name
from ops.csv_rows import FAULT, BadRow, csv_rows

REQUIRED = ("dossier", "component", "path")
COLUMNS = (*REQUIRED, "procedure", "name")
"""Other columns are left alone: a store's own list may have many."""
MAX_PROCEDURE = 500
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without waiting: a pipe in the folder would hold everything up.
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class UnusableFile(Exception):
    """A file cannot be taken in; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One component of the list and where its file is in the folder."""

    line: int
    dossier: str
    component: str
    path: tuple[str, ...]
    name: str
    procedure: str | None

    @property
    def key(self) -> tuple[str, str]:
        """Return what names a component in the exchange."""
        return self.dossier, self.component


@dataclass(frozen=True, slots=True)
class Manifest:
    """The usable rows in file order, and the others."""

    rows: list[Row]
    bad: list[BadRow]


def read_manifest(path: Path) -> Manifest:
    """Return the rows of a CSV file (UTF-8, with or without a byte order mark).

    Raises:
        ValueError: The file as a whole cannot be read; the text says why.
    """
    manifest = Manifest([], [])
    for line, fields in csv_rows(path.read_bytes().decode("utf-8-sig"), check=_check_columns):
        try:
            manifest.rows.append(_row(line, fields))
        except ValueError as error:
            manifest.bad.append(BadRow(line, str(error)))
    return manifest


def _check_columns(columns: list[str]) -> None:
    if not set(REQUIRED) <= set(columns) or len(set(columns)) < len(columns):
        raise ValueError(f"the first line must name the columns {', '.join(REQUIRED)}, each once")


def _row(line: int, fields: dict[str, str]) -> Row:
    if FAULT in fields:
        raise ValueError(fields[FAULT])
    values = {column: unicodedata.normalize("NFC", fields.get(column, "")).strip() for column in COLUMNS}
    for column in ("dossier", "component"):
        if fault := code_fault(values[column]):
            raise ValueError(f"{column}: {fault}")
    procedure = values["procedure"]
    if len(procedure) > MAX_PROCEDURE or not procedure.isprintable():
        raise ValueError("procedure: too long, or holds characters that cannot be shown")
    path = _path(fields.get("path", "").strip())
    try:
        name = shown_name(values["name"] or path[-1])
    except MalformedDocument as error:
        raise ValueError(f"name: {'; '.join(error.reasons)}") from error
    return Row(line, values["dossier"], values["component"], path, name, procedure or None)


def _path(text: str) -> tuple[str, ...]:
    # Lists made on Windows have its separators.
    path = PurePosixPath(text.replace("\\", "/"))
    if not path.parts:
        raise ValueError("path: must not be empty")
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise ValueError("path: must stay within the folder")
    if "\x00" in text:
        raise ValueError("path: holds characters that cannot be in a path")
    return path.parts


@dataclass(frozen=True, slots=True)
class SourceFolder:
    """The folder of a store. Nothing outside it is ever read: symbolic links are not followed."""

    descriptor: int
    max_bytes: int

    @contextmanager
    def open(self, path: tuple[str, ...]) -> Iterator[FileIO]:
        """Lend a file of the folder, open for reading.

        Raises:
            UnusableFile: It is not there, is no regular file, is empty or too large.
        """
        try:
            descriptor = self._find(path)
        except FileNotFoundError as error:
            raise UnusableFile("path: there is no such file") from error
        except NotADirectoryError as error:
            raise UnusableFile("path: leads through a symbolic link or a file") from error
        except OSError as error:
            is_link = error.errno == errno.ELOOP
            fault = "is a symbolic link" if is_link else f"cannot be read: {error.strerror}"
            raise UnusableFile(f"path: {fault}") from error
        try:
            self._check(os.fstat(descriptor))
            with FileIO(descriptor, closefd=False) as file:
                yield file
        finally:
            os.close(descriptor)

    def _find(self, path: tuple[str, ...]) -> int:
        try:
            return self._open(path)
        except FileNotFoundError:
            # The same Vietnamese name may be spelled with letters or with letters and marks.
            for form in ("NFC", "NFD"):
                spelled = tuple(unicodedata.normalize(form, part) for part in path)
                if spelled != path:
                    return self._open(spelled)
            raise

    def _open(self, path: tuple[str, ...]) -> int:
        *folders, name = path
        at = os.dup(self.descriptor)
        try:
            for folder in folders:
                beneath = os.open(folder, _OPEN_FOLDER, dir_fd=at)
                os.close(at)
                at = beneath
            return os.open(name, _OPEN_FILE, dir_fd=at)
        finally:
            os.close(at)

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise UnusableFile("path: is no regular file")
        if found.st_size == 0:
            raise UnusableFile("path: the file is empty")
        if found.st_size > self.max_bytes:
            raise UnusableFile(f"path: the file is larger than {self.max_bytes} bytes")


@contextmanager
def source_folder(folder: Path, *, max_bytes: int) -> Iterator[SourceFolder]:
    """Lend the folder of a store; files larger than `max_bytes` are not taken.

    Raises:
        OSError: It cannot be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield SourceFolder(descriptor, max_bytes)
    finally:
        os.close(descriptor)
