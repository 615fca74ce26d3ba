"""What processes have used so far, read from /proc."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_UTIME, _STIME, _CSTIME = 11, 12, 14
"""Places in /proc/PID/stat behind the command's name; between the last two stands cutime."""


def cpu_seconds(root: int) -> float:
    """Return the user and system time of a process and all its descendants, ended ones included."""
    return sum(_ticks(pid, _UTIME, _CSTIME) for pid in tree(root)) / _TICKS_PER_SECOND


def own_cpu_seconds(pid: int) -> float:
    """Return the user and system time of one process, without its descendants."""
    return _ticks(pid, _UTIME, _STIME) / _TICKS_PER_SECOND


def rss_bytes(pid: int) -> int:
    """Return the resident memory of one process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


def restart_peak(pid: int) -> None:
    """Let `peak_rss_bytes` count from now on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_rss_bytes(pid: int) -> int:
    """Return the most resident memory one process had since `restart_peak`."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)


def tree(root: int) -> list[int]:
    """Return a process and all its descendants that are alive."""
    above = {pid: _parent(pid) for pid in _pids()}
    found = [root]
    for pid in found:
        found += [child for child, its_parent in above.items() if its_parent == pid]
    return found


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _parent(pid: int) -> int:
    """Return the parent of a process, 0 when it has gone."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def _ticks(pid: int, first: int, last: int) -> int:
    return sum(int(ticks) for ticks in _stat(pid)[first : last + 1])


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name, none when the process has gone meanwhile."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()
