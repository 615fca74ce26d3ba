"""Closing the file system to the present process, without any privilege (Landlock, Linux 5.13 and later).

The numbers are those of linux/landlock.h; the system calls have the same ones on every architecture.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_FOLDER, _REMOVE_FILE = 1 << 1, 1 << 2, 1 << 3, 1 << 5
_MAKE_FILE, _TRUNCATE = 1 << 8, 1 << 14
_READING = _READ_FILE | _READ_FOLDER
# Regular files only: no folder, link, pipe or device can be made, and nothing moves from folder to folder.
_WRITING = _READING | _WRITE_FILE | _REMOVE_FILE | _MAKE_FILE | _TRUNCATE
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many rights (bits from the lowest) each version of the interface knows; later ones know 16."""
_LATEST_RIGHTS = 16

_libc = ctypes.CDLL(None, use_errno=True)


def close_files(*, readable: Sequence[Path], writable: Sequence[Path] = ()) -> bool:
    """Leave this thread, and those it starts, read access beneath `readable`, files to make, change and
    remove beneath `writable`, and nothing else.

    What is open stays open. False when the kernel does not have Landlock: nothing is closed then.
    The process must have given up gaining privileges before.
    """
    version = _call(_CREATE_RULESET, None, 0, _ASK_VERSION)
    if version < 1:
        return False
    # What a ruleset does not know of it does not close: all rights of this version are named.
    rights = (1 << _RIGHTS.get(version, _LATEST_RIGHTS)) - 1
    ruleset = _call(_CREATE_RULESET, *_bytes(struct.pack("=Q", rights)), 0)
    if ruleset < 0:
        return False
    try:
        allowed = [(path, _READING) for path in readable] + [(path, _WRITING & rights) for path in writable]
        rules = [_allow(ruleset, path, rights=wanted) for path, wanted in allowed if path.exists()]
        return all(rules) and _call(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, *, rights: int) -> bool:
    if not path.is_dir():
        rights &= ~_READ_FOLDER
    beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule, _ = _bytes(struct.pack("=Qi", rights, beneath))
        return _call(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) == 0
    finally:
        os.close(beneath)


def _bytes(content: bytes) -> tuple[ctypes.Array[ctypes.c_char], int]:
    return ctypes.create_string_buffer(content, len(content)), len(content)


def _call(number: int, *arguments: object) -> int:
    """Return what a system call returns, -1 when it fails."""
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return int(_libc.syscall(ctypes.c_long(number), *wide))
