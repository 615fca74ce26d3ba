"""What a driver's error means to the exchange: translated here, once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from gateway.domain.errors import OutcomeUnknown, StoreUnavailable

# SQLSTATE classes and codes (PostgreSQL, appendix A) in which the statement is right and the server is not.
_LOST = ("08", "57P")
"""The connection failed, or the server is being shut down or started."""
_PASSING = (*_LOST, "53", "57014", "58", "25006", "40001", "40P01", "55P03")
"""Also: no resources, out of time, I/O error, a read-only standby, deadlock, lock not to be had."""

_SQLITE_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the failures of a database that cannot answer into `StoreUnavailable`.

    Errors that say our own statement is wrong are bugs and pass unchanged.

    Raises:
        StoreUnavailable: Nothing was changed.
    """
    try:
        yield
    except (OSError, NoFreeConnection) as error:
        raise StoreUnavailable from error
    except DBAPIError as error:
        if not _is_passing(error):
            raise
        raise StoreUnavailable from error


@contextmanager
def committing() -> Iterator[None]:
    """Turn a failure while a COMMIT runs into `OutcomeUnknown`, unless the database said it is undone.

    Raises:
        OutcomeUnknown: The transaction may have been committed.
    """
    try:
        yield
    except OSError as error:
        raise OutcomeUnknown from error
    except DBAPIError as error:
        if _is_undone(error):
            raise
        raise OutcomeUnknown from error


def _is_passing(error: DBAPIError) -> bool:
    code = _sqlite_code(error)
    if code is not None:
        return code in _SQLITE_PASSING
    return error.connection_invalidated or _sqlstate(error).startswith(_PASSING)


def _is_undone(error: DBAPIError) -> bool:
    """Return whether a failed COMMIT is known to have changed nothing.

    After SQLITE_IOERR the commit may stand in the write-ahead log, where a restart would find it.
    """
    code = _sqlite_code(error)
    if code is not None:
        return code != sqlite3.SQLITE_IOERR
    state = _sqlstate(error)
    return bool(state) and not error.connection_invalidated and not state.startswith(_LOST)


def _sqlite_code(error: DBAPIError) -> int | None:
    """Return SQLite's primary result code, None for another database."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
