"""Logs: one JSON object a line, whatever is in it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.logs import FIELD_LIMIT, TRACE_LIMIT, JsonFormatter, start_logging


def line_of(text: str, *, trace: bool = False, **fields: Any) -> str:
    record = logging.makeLogRecord({"msg": text, "levelname": "INFO", "name": "here", **fields})
    record.exc_info = sys.exc_info() if trace else None
    return JsonFormatter().format(record)


@pytest.fixture
def logging_of_a_process() -> Iterator[None]:
    """Let a test change the logging; that of the tests comes back afterwards."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    root.handlers.clear()
    yield
    root.handlers[:], root.level = before


def test_event_and_ids_are_fields() -> None:
    line = json.loads(
        line_of("settled", event="delivery.settled", delivery="d-1", seconds=0.5, ok=True, to=None)
    )
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "here",
        "text": "settled",
        "event": "delivery.settled",
        "delivery": "d-1",
        "seconds": 0.5,
        "ok": True,
        "to": None,
    }


@given(text=st.text(), field=st.text())
def test_whatever_is_logged_stays_one_line_that_is_json(text: str, field: str) -> None:
    line = line_of("%s", args=(text,), field=field)
    assert len(line.splitlines()) == 1
    assert line.encode("utf-8")
    assert (json.loads(line)["text"], json.loads(line)["field"]) == (text, field)


@pytest.mark.parametrize("character", ["\x1b", "\x00", "\x7f", "\x9b", "\u2028", "\x85"])
def test_characters_that_steer_a_terminal_are_escaped(character: str) -> None:
    assert character not in line_of(f"a{character}b", field=f"a{character}b")


def test_vietnamese_stays_readable() -> None:
    assert "Sở Nội vụ" in line_of("Sở Nội vụ")


def test_long_fields_are_cut() -> None:
    line = json.loads(line_of("x" * 9000, field="y" * 9000, other=["z" * 9000]))
    assert [len(line[key]) for key in ("text", "field", "other")] == [FIELD_LIMIT] * 3


def test_end_of_a_long_trace_is_kept() -> None:
    try:
        raise ValueError("x" * TRACE_LIMIT + "the end")
    except ValueError:
        trace = json.loads(line_of("failed", trace=True))["trace"]
    assert len(trace) == TRACE_LIMIT
    assert trace.endswith("the end")


@pytest.mark.usefixtures("logging_of_a_process")
def test_process_logs_lines_of_its_level_and_little_of_its_libraries(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start_logging("info")
    logging.getLogger("broker").info("a\nb", extra={"event": "broker.connected"})
    logging.getLogger("broker").debug("quiet")
    logging.getLogger("aio_pika").warning("reconnecting")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "broker.connected"
