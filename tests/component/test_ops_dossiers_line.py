"""`lienthong dossiers import` and `lienthong report` on a site of their own: output and exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.reports import Month
from ops.parts import now
from tests.component.test_ops_cli import Lienthong, directory, lienthong

__all__ = ["directory", "lienthong"]  # fixtures: named here so that pytest finds them

HEADER = "dossier,procedure,component,path,name\n"


@pytest.fixture
def site(lienthong: Lienthong, directory: Path) -> Lienthong:
    """A site that knows two agencies."""
    assert lienthong("init").code == 0
    assert lienthong("agencies", "import", directory).code == 0
    return lienthong


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = tmp_path / "store"
    files.mkdir()
    (files / "a.pdf").write_bytes(b"%PDF-1.7 scanned")
    return files


def listed(tmp_path: Path, *rows: str) -> Path:
    manifest = tmp_path / "list.csv"
    manifest.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8-sig")
    return manifest


def test_import_says_what_it_took_in(site: Lienthong, folder: Path, tmp_path: Path) -> None:
    manifest = listed(tmp_path, "HS-1,1.001193,TP1,a.pdf,Đơn.pdf")
    words = ("dossiers", "import", manifest, "--folder", folder, "--agency", "H26.01")
    first, again = site(*words, "--json"), site(*words)
    assert (first.code, first.json["kept"], first.json["bad"]) == (0, 1, [])
    assert (again.code, again.out) == (0, "taken in 0, there already 1, bad 0\n")
    assert first.err == "", "nobody watches: no progress"


def test_import_with_a_bad_row_keeps_the_others_and_ends_with_1(
    site: Lienthong, folder: Path, tmp_path: Path
) -> None:
    manifest = listed(tmp_path, "HS-1,,TP1,a.pdf,", "HS-1,,TP2,b.pdf,")
    ended = site("dossiers", "import", manifest, "--folder", folder, "--agency", "H26.01")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "line 3: path: there is no such file",
        "taken in 1, there already 0, bad 1",
    ]


def test_import_for_nobody_or_of_no_list_changes_nothing(
    site: Lienthong, folder: Path, tmp_path: Path
) -> None:
    manifest = listed(tmp_path, "HS-1,,TP1,a.pdf,")
    nobody = site("dossiers", "import", manifest, "--folder", folder, "--agency", "H99")
    assert (nobody.code, "no agency H99" in nobody.err) == (1, True)
    manifest.write_text("a,b\n")
    no_list = site("dossiers", "import", manifest, "--folder", folder, "--agency", "H26.01")
    assert (no_list.code, "first line must name" in no_list.err) == (64, True)


def test_report_prints_a_table_json_or_csv(site: Lienthong, tmp_path: Path) -> None:
    month = str(Month.of(now()))
    table = site("report", "--month", month)
    assert (table.code, table.out.split()[0]) == (0, month)
    assert [line.split()[0] for line in table.out.splitlines()[1:]] == ["H26", "H26.01"]
    as_json = site("report", "--month", month, "--agency", "H26.01", "--json").json
    assert [line["code"] for line in as_json["months"][0]["agencies"]] == ["H26.01"]
    file = tmp_path / "report.csv"
    assert site("report", "--month", month, "--csv", file).code == 0
    assert file.read_bytes().startswith(b'\xef\xbb\xbf"month","code","name",')
    assert len(file.read_bytes().split(b"\r\n")) == 4


def test_report_of_no_month_or_nobody_ends_with_1(site: Lienthong) -> None:
    assert site("report", "--month", "November").code == 1
    assert site("report", "--month", "2026-11", "--agency", "H99").code == 1
    assert site("report", "--month", "2026-11", "--csv", "x", "--json").code == 64
