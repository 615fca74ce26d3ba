"""The JSON the client reads, field by field as it spells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from adapters.vxp.codes import VIETNAMESE, code_of
from gateway.domain.errors import ExchangeError
from gateway.edge.problems import shown_reasons
from gateway.service.exchange import legal_time

SERVICE = "eDoc"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `data`."""


class AgencyRow(Row, frozen=True, kw_only=True):
    """An agency in QCVN 102 codes (`getAgenciesList`)."""

    id: str
    pid: str
    code: str
    name: str
    mail: str
    old_code: str = msgspec.field(name="oldCode")


class AgencyRow20(Row, frozen=True, kw_only=True):
    """An agency in QĐ 20 codes (`getAgenciesListQD20`)."""

    id: str
    code: str
    name: str
    mail: str
    code102: str


class UnitRow(Row, frozen=True, kw_only=True, rename="camel"):
    """An agency in the change feed (`getSynchronizeUnit`)."""

    id: str
    pid: str
    code: str
    name: str
    mail: str
    version: str
    center_code: str
    deleted: str
    modify_date: str
    is_agency: str


class WaitingRow(Row, frozen=True, kw_only=True):
    """An item that waits for an agency (`getReceivedEdocList`)."""

    doc_id: str = msgspec.field(name="docId")
    message_type: str = msgspec.field(name="messageType")
    created_time: str
    updated_time: str
    from_: str = msgspec.field(name="from")
    to: str
    status: str
    status_desc: str
    service_type: str = msgspec.field(name="serviceType", default=SERVICE)


class SentRow(Row, frozen=True, kw_only=True, rename="camel"):
    """Where a sent item stands with one recipient (`getSentEdocList`)."""

    message_type: str
    sender_doc_id: str
    receiver_doc_id: str
    from_code: str
    to_code: str
    title: str
    notation: str
    sent_time: str
    received_time: str
    send_status: str
    send_status_desc: str
    receive_status: str
    receive_status_desc: str
    service_type: str = SERVICE


class Done(msgspec.Struct, frozen=True):
    """An answer that says no more than that it was done."""

    status: str = "OK"
    error_code: str = msgspec.field(name="ErrorCode", default="0")
    error_desc: str = msgspec.field(name="ErrorDesc", default="")


class Sent(Done, frozen=True, kw_only=True):
    """The answer to `sendEdoc`."""

    doc_id: str = msgspec.field(name="DocId")


class Counted(Done, frozen=True, kw_only=True):
    """The answer of the counters."""

    count: int


class Listed(Done, frozen=True, kw_only=True):
    """The answer of a list."""

    data: Sequence[Row]


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal: the axis's code and text, and our own code with all reasons."""

    status: str = "FAIL"
    error_code: str = msgspec.field(name="ErrorCode")
    error_desc: str = msgspec.field(name="ErrorDesc")
    code: str
    reasons: Sequence[str]


def failed(error: ExchangeError) -> Failed:
    """Return what the client reads of an error."""
    code = code_of(error)
    return Failed(
        error_code=code,
        error_desc=f"{VIETNAMESE[code]} / {error.detail}",
        code=error.code,
        reasons=shown_reasons(error),
    )


encode = msgspec.json.Encoder().encode
"""Returns the bytes of an answer."""


def moment(at: datetime) -> str:
    """Return a moment as the client reads it: legal time, no zone."""
    return legal_time(at).strftime("%Y-%m-%d %H:%M:%S")
