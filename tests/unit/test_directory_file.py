"""Reading a directory of agencies: a bad row names its line and stops nothing else."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.model import Agency, Alias, AliasScheme, Channel, SignaturePolicy, Webhook
from ops.directory_file import DirectoryFile, read_directory

HEAD = "code,name,level\n"
GOOD = {"code": "H26.01", "name": "Sở Nội vụ", "level": "2"}


def read(tmp_path: Path, content: str | bytes, *, name: str = "agencies.csv") -> DirectoryFile:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_directory(path)


def read_json(tmp_path: Path, *rows: Any) -> DirectoryFile:
    return read(tmp_path, json.dumps(rows), name="agencies.JSON")


def agency(tmp_path: Path, **row: Any) -> Agency:
    file = read_json(tmp_path, GOOD | row)
    assert file.bad == []
    ((_, only),) = file.agencies
    return only


def fault(tmp_path: Path, **row: Any) -> str:
    file = read_json(tmp_path, GOOD | row)
    assert file.agencies == []
    return file.bad[0].fault


def lines(file: DirectoryFile) -> tuple[list[int], list[int]]:
    """Return the lines of the good and of the bad rows."""
    return [line for line, _ in file.agencies], [row.line for row in file.bad]


# --- good files --------------------------------------------------------------------------------------


def test_row_with_every_column_is_read(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "code,name,level,parent,channel,policy,qd20,qcvn102,legacy,email,phone,closed_on,webhook_url,webhook_secret\n"
        "H26.01, Sở Nội vụ ,2,H26,webhook,require,H26.1@2020-07-22/2025-06-30 H26.01.A,000.00.01.H26,"
        "SNV@/2024-01-01,vt@example.vn,+84 1,2030-01-01,https://snv.example.vn/in,whsec_c2VjcmV0\n",
    )
    assert file.agencies == [
        (
            2,
            Agency(
                code="H26.01",  # type: ignore[arg-type]
                name="Sở Nội vụ",
                level=2,
                parent="H26",  # type: ignore[arg-type]
                channel=Channel.WEBHOOK,
                policy=SignaturePolicy.REQUIRE,
                aliases=(
                    Alias(AliasScheme.QD20, "H26.1", date(2020, 7, 22), date(2025, 6, 30)),
                    Alias(AliasScheme.QD20, "H26.01.A"),
                    Alias(AliasScheme.QCVN102, "000.00.01.H26"),
                    Alias(AliasScheme.LEGACY, "SNV", None, date(2024, 1, 1)),
                ),
                webhook=Webhook("https://snv.example.vn/in", "whsec_c2VjcmV0"),
                email="vt@example.vn",
                phone="+84 1",
                closed_on=date(2030, 1, 1),
            ),
        )
    ]


def test_what_is_left_out_has_the_usual_value(tmp_path: Path) -> None:
    assert agency(tmp_path) == Agency("H26.01", "Sở Nội vụ", 2)  # type: ignore[arg-type]


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_of_every_spreadsheet_are_read(tmp_path: Path, start: str, end: str) -> None:
    text = end.join([f"{start}code,name,level", 'H26.01,"Sở ""A"", B",2', "", "H26.02,Sở C,2"])
    file = read(tmp_path, text)
    assert [(line, each.name) for line, each in file.agencies] == [(2, 'Sở "A", B'), (4, "Sở C")]


def test_json_takes_lists_of_codes_numbers_and_null(tmp_path: Path) -> None:
    found = agency(tmp_path, level=2, legacy=["A1", "A2@2020-01-01/"], email=None)
    assert [each.value for each in found.aliases] == ["A1", "A2"]
    assert (found.level, found.email) == (2, None)


def test_file_without_rows_is_an_empty_directory(tmp_path: Path) -> None:
    assert read(tmp_path, HEAD) == DirectoryFile([], [])
    assert read_json(tmp_path) == DirectoryFile([], [])


# --- bad rows ----------------------------------------------------------------------------------------


def test_bad_row_names_its_line_and_stops_nothing_else(tmp_path: Path) -> None:
    file = read(
        tmp_path, HEAD + "H26.01,A,2\nH26 02,B,2\nH26.03,C,9\nH26.04,D,2,more\nH26.05,,2\nH26.06,E,2\n"
    )
    assert lines(file) == ([2, 7], [3, 4, 5, 6])
    assert [row.fault.split(":")[0] for row in file.bad] == [
        "code",
        "level",
        "more fields than columns",
        "name",
    ]


@pytest.mark.parametrize("row", ['H26.02,"never closed,2', 'H26.02,"closed" too soon,2'])
def test_wrong_quotes_spoil_their_own_row_alone(tmp_path: Path, row: str) -> None:
    file = read(tmp_path, f'{HEAD}H26.01,A,2\n{row}\nH26.03,"C, D",2\nH26.04,E,2\n')
    assert lines(file) == ([2, 4, 5], [3])
    assert "not CSV" in file.bad[0].fault


def test_line_of_a_row_is_where_it_begins(tmp_path: Path) -> None:
    file = read(tmp_path, f'{HEAD}H26.01,"two\nlines",2\nH26.02,B,9\n')
    assert lines(file) == ([2], [4])


def test_second_row_of_a_code_names_the_first(tmp_path: Path) -> None:
    file = read(tmp_path, HEAD + "H26.01,A,2\nH26.02,B,2\nH26.01,C,2\n")
    assert lines(file) == ([2, 3], [4])
    assert "line 2" in file.bad[0].fault


def test_json_rows_are_counted_by_their_place(tmp_path: Path) -> None:
    file = read_json(tmp_path, GOOD, "no object", GOOD | {"code": "H26.02", "colour": "red"}, {"name": {}})
    assert lines(file) == ([1], [2, 3, 4])
    assert "colour" in file.bad[1].fault


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"code": "../x"}, "code"),
        ({"code": "H" * 65}, "code"),
        ({"code": ""}, "code"),
        ({"parent": "H 26"}, "parent"),
        ({"parent": "H26.01"}, "parent"),
        ({"level": "0"}, "level"),
        ({"channel": "pigeon"}, "channel: 'pigeon' is not inbox or webhook"),
        ({"channel": "webhook"}, "webhook_url"),
        ({"policy": "trust"}, "policy: 'trust' is not label or require"),
        ({"qd20": "H26.1@22/07/2020"}, "qd20"),
        ({"legacy": "A@2025-01-01/2024-01-01"}, "ends before it begins"),
        ({"closed_on": "soon"}, "closed_on"),
        ({"name": "zero \x00"}, "name: holds control characters"),
        ({"name": "half \ud83d"}, "name: holds control characters"),
        ({"webhook_url": "ftp://x/y", "webhook_secret": "whsec_c2VjcmV0"}, "webhook_url"),
        ({"webhook_url": "https://u@x/", "webhook_secret": "whsec_c2VjcmV0"}, "webhook_url"),
        ({"webhook_url": "https://[x/", "webhook_secret": "whsec_c2VjcmV0"}, "IPv6"),
        ({"webhook_url": "https://x/", "webhook_secret": "secret"}, "webhook_secret"),
        ({"webhook_url": "https://x/", "webhook_secret": "whsec_***"}, "webhook_secret"),
        ({"webhook_secret": "whsec_c2VjcmV0"}, "webhook_url"),
    ],
)
def test_fault_says_what_to_change(tmp_path: Path, row: dict[str, str], named: str) -> None:
    assert named in fault(tmp_path, **row)


def test_fault_does_not_repeat_a_secret(tmp_path: Path) -> None:
    assert "hush" not in fault(tmp_path, webhook_url="https://x/", webhook_secret="hush")


# --- files that are none -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name,level\n",
        b"code,name,code\n",
        b"code,colour\n",
        b'"code,name\n',
        "code,name\nH26,Sở\n".encode("utf-16"),
        b"code,name\nH26,S\xff\n",
    ],
)
def test_csv_that_is_no_directory_is_refused_whole(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError):
        read(tmp_path, content)


@pytest.mark.parametrize("content", ["{}", "[", "3"])
def test_json_that_is_no_directory_is_refused_whole(tmp_path: Path, content: str) -> None:
    with pytest.raises(ValueError):
        read(tmp_path, content, name="agencies.json")
