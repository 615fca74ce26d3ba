"""What the axis's error codes say, and which of our errors has which."""

from __future__ import annotations

from enum import StrEnum

from gateway.domain import errors
from gateway.domain.errors import ExchangeError


class ErrorCode(StrEnum):
    """`ErrorCode` of an answer, as a provincial façade over the national axis uses them."""

    NONE = "0"
    INVALID_FILE = "10"
    WRONG_CREDENTIALS = "15"
    UNKNOWN_RECIPIENT = "18"
    NOT_THE_SENDER = "19"
    AXIS = "20"
    REFUSED = "21"
    NOT_EDXML = "22"
    CLOSED_RECIPIENT = "23"


VIETNAMESE = {
    ErrorCode.INVALID_FILE: "Tệp không hợp lệ",
    ErrorCode.WRONG_CREDENTIALS: "Sai mã hệ thống hoặc chữ ký của lời gọi",
    ErrorCode.UNKNOWN_RECIPIENT: "Đơn vị nhận không tồn tại",
    ErrorCode.NOT_THE_SENDER: "Đơn vị gửi không thuộc hệ thống này",
    ErrorCode.AXIS: "Lỗi của trục liên thông",
    ErrorCode.REFUSED: "Trục liên thông từ chối xử lý",
    ErrorCode.NOT_EDXML: "Gói tin edXML không đúng quy chuẩn",
    ErrorCode.CLOSED_RECIPIENT: "Đơn vị nhận đã đóng",
}


class ClosedAgency(errors.UnknownAgency):
    """Every recipient that is refused is known, but closed."""


# The first class an error is one of decides; what is none of them is the axis's own failure.
_CODES: tuple[tuple[type[ExchangeError], ErrorCode], ...] = (
    (errors.MalformedPacket, ErrorCode.NOT_EDXML),
    (errors.MalformedDocument, ErrorCode.INVALID_FILE),
    (errors.HashMismatch, ErrorCode.INVALID_FILE),
    (errors.UnsupportedFileType, ErrorCode.INVALID_FILE),
    (errors.TooLarge, ErrorCode.INVALID_FILE),
    (errors.NotAuthenticated, ErrorCode.WRONG_CREDENTIALS),
    (ClosedAgency, ErrorCode.CLOSED_RECIPIENT),
    (errors.UnknownAgency, ErrorCode.UNKNOWN_RECIPIENT),
    (errors.NotYourAgency, ErrorCode.NOT_THE_SENDER),
    (errors.MalformedRequest, ErrorCode.AXIS),
    (errors.TooSlow, ErrorCode.AXIS),
    (errors.RequestRejected, ErrorCode.REFUSED),
    (errors.Conflict, ErrorCode.REFUSED),
)
_KEPT = frozenset({401, 408, 413, 429})


def code_of(error: ExchangeError) -> ErrorCode:
    """Return the axis's code of an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ErrorCode.AXIS)


def status_of(error: ExchangeError) -> int:
    """Return the HTTP status an error is answered with.

    The client may not read the body of an answer that is not 200: what its sender must change is in a 200
    with status FAIL. What says nothing about the call itself keeps its status, so that an outage is never
    taken for an empty list.
    """
    return error.status if error.status >= 500 or error.status in _KEPT else 200
