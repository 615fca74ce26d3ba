"""Logs: one JSON object a line on stderr; events by name, ids as fields, never content."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
FIELD_LIMIT = 2000
"""Longer field values are cut: a log line must stay a line."""
TRACE_LIMIT = 20_000
"""Of a longer stack trace the end is kept: it says what happened."""
# What JSON lets stand and a terminal, or a reader of lines, would obey.
_UNESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class JsonFormatter(logging.Formatter):
    """Formats a record and its `extra` fields as one line of JSON; control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "text": record.getMessage()[:FIELD_LIMIT],
        }
        for key, value in vars(record).items():
            if key not in _STANDARD:
                line[key] = (
                    value if isinstance(value, int | float | bool | None) else str(value)[:FIELD_LIMIT]
                )
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)[-TRACE_LIMIT:]
        text = json.dumps(line, ensure_ascii=False)
        return _UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def start_logging(level: str) -> None:
    """Send all logs of this process to stderr as JSON lines."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[out], force=True)
    # Libraries tell of every reconnect and request; ours tell what matters of them.
    for name in ("aiormq", "aio_pika", "aiohttp.access", "alembic", "pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(name).setLevel(logging.ERROR)
