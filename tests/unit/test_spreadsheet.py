"""CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import re

import pytest

from gateway.edge.spreadsheet import spreadsheet

HOSTILE = [
    "=1+1",
    '=HYPERLINK("http://evil","x")',
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\xa0=1+1",
    "\ufeff=1+1",
    "＝1+1",
    "＠SUM(A1)",
    "=cmd|' /C calc'!A0",
    '=1,"=2',
    "-2+3+cmd|' /C calc'!A0",
]


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


RUN = tuple("=+-@＝＋－＠")
BLANK = " \xa0\u200b\ufeff\x00"


@pytest.mark.parametrize("text", HOSTILE)
def test_formula_is_text(text: str) -> None:
    header, row = rows_of(spreadsheet([text], [["H26", text, 5]]))
    assert header[0].startswith("'")
    assert (row[0], row[1], row[2]) == ("H26", header[0], "5")


@pytest.mark.parametrize("before", ["", "Sở ", 'Sở "Một cửa" '])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|", "\n", "\r", "\r\n", "; ", ';"', ";\xa0"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_reader_that_splits_elsewhere_finds_a_formula(before: str, separator: str, text: str) -> None:
    content = spreadsheet(["name"], [["H26", f"{before}{separator}{text}", -5]]).decode("utf-8-sig")
    cells = re.split("[;,\t|\r\n]", content)
    assert [cell for cell in cells if cell.lstrip(f'{BLANK}"').startswith(RUN)] == ["-5"]
    quoting = [cell for row in csv.reader(io.StringIO(content, newline=""), delimiter=";") for cell in row]
    assert not [cell for cell in quoting if cell.lstrip(BLANK).startswith(RUN)]


@pytest.mark.parametrize("text", ["Sở Nội vụ", "a=b", "H26-01", "x@y.vn", "", 'Phòng "Một cửa", tầng 1; 2'])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert rows_of(spreadsheet(["name"], [["H26", text]])) == [["name"], ["H26", text]]


def test_numbers_stay_plain_and_nothing_is_an_empty_cell() -> None:
    content = spreadsheet(["n"], [[-1, 0.5, 1 / 3, None, 0, "-1"]])
    assert content.splitlines()[1] == b'-1,0.5,0.3333,"",0,"\'-1"'


def test_excel_sees_that_it_is_utf_8() -> None:
    assert spreadsheet(["tên"], []) == b'\xef\xbb\xbf"t\xc3\xaan"\r\n'
