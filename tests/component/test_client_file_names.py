from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.client.landing import safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Quyết định số 12.pdf", "Quyết định số 12.pdf"),
        ("Quye\u0302\u0301t đi\u0323nh.pdf", "Quyết định.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system32\\x.dll", "x.dll"),
        ("/etc/cron.d/0", "0"),
        ("C:\\temp\\a.pdf", "a.pdf"),
        ("a.pdf:stream", "a.pdf_stream"),
        (".bashrc", "bashrc"),
        ("a.pdf. . ", "a.pdf"),
        ("a\x00b\nc\x1b[31m.pdf", "abc[31m.pdf"),
        ("a\u202efdp.exe", "afdp.exe"),
        ("CON", "_CON"),
        ("nul.pdf", "_nul.pdf"),
        ("Lpt1.tar.gz", "_Lpt1.tar.gz"),
        ('a<>"|?*.pdf', "a______.pdf"),
        ("..", "file-1"),
        ("", "file-1"),
        ("///", "file-1"),
        ("\u200b", "file-1"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("ế" * 300 + ".pdf", "ế" * 65 + ".pdf"),
        ("a." + "x" * 300, "a"),
    ],
)
def test_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_name(name, otherwise="file-1") == safe


@given(st.text())
def test_every_name_stays_in_its_folder(name: str) -> None:
    safe = safe_name(name, otherwise="file-1")
    assert safe not in ("", ".", "..")
    assert PurePosixPath(safe).name == PureWindowsPath(safe).name == safe
    assert len(safe.encode()) <= 201
    assert safe.isprintable()
