"""Receipts: a canonical statement, a Merkle path, and one signed root for the whole batch.

Format version 1 (public; today's receipts must stay valid):

    {"version": 1, "statement": {…}, "path": [{"side": "left"|"right", "hash": hex}, …], "root": JWS}

The leaf is SHA-256(0x00 || RFC 8785 form of `statement`), an inner node SHA-256(0x01 || left || right)
(RFC 6962 §2.1), and the JWS (compact, ES256 or RS256, `x5c`, `typ` lienthong-receipt-root) signs
`{"root": hex}`. The format page is ops/receipt-format.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from gateway.domain.model import Delivery, Document, PolicyLabel, ReceiptId, ReceiptKind

VERSION = 1

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]
Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Step:
    """One sibling on the way from a leaf to the root."""

    side: Side
    digest: bytes


def canonical(value: Json) -> bytes:
    """Return the RFC 8785 form of a JSON value without floats.

    Keys must be ASCII: then sorting by code point is sorting by UTF-16 unit, as the RFC wants.

    Raises:
        ValueError: The value holds a float or a lone surrogate.
    """
    _refuse_floats(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise ValueError("a statement holds no floats")
    if isinstance(value, Mapping):
        for each in value.values():
            _refuse_floats(each)
    elif isinstance(value, list):
        for each in value:
            _refuse_floats(each)


def leaf(statement: bytes) -> bytes:
    """Return the leaf hash of a canonical statement."""
    return hashlib.sha256(b"\x00" + statement).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree(leaves: Sequence[bytes]) -> tuple[bytes, list[list[Step]]]:
    """Return the Merkle root over at least one leaf, and for each leaf its path (empty when alone).

    A node without a sibling is carried up unchanged, so no leaf is ever hashed with itself.
    """
    paths: list[list[Step]] = [[] for _ in leaves]
    level: list[tuple[bytes, list[int]]] = [(digest, [index]) for index, digest in enumerate(leaves)]
    while len(level) > 1:
        above: list[tuple[bytes, list[int]]] = []
        for start in range(0, len(level) - 1, 2):
            (left, left_leaves), (right, right_leaves) = level[start], level[start + 1]
            for index in left_leaves:
                paths[index].append(Step("right", right))
            for index in right_leaves:
                paths[index].append(Step("left", left))
            above.append((_node(left, right), left_leaves + right_leaves))
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0][0], paths


def climb(digest: bytes, path: Sequence[Step]) -> bytes:
    """Return the root that a leaf and its path lead to."""
    for step in path:
        digest = _node(step.digest, digest) if step.side == "left" else _node(digest, step.digest)
    return digest


def rfc3339(moment: datetime) -> str:
    """Return a moment as UTC text with milliseconds, e.g. 2026-11-21T01:02:03.004Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def accepted_statement(receipt: ReceiptId, document: Document, recipients: Sequence[str]) -> bytes:
    """Return the canonical statement that a document was accepted for these recipients."""
    return canonical(
        {
            **_about(receipt, ReceiptKind.ACCEPTED, document),
            "to": list(recipients),
            "skipped": list(document.skipped),
            "at": rfc3339(document.accepted_at),
        }
    )


def delivery_statement(
    receipt: ReceiptId,
    kind: ReceiptKind,
    document: Document,
    delivery: Delivery,
    *,
    at: datetime,
    reason: str | None,
) -> bytes:
    """Return the canonical statement of how one delivery ended; that of a recall also says since when its
    recipient had opened it, null if never."""
    stated: dict[str, Json] = {
        **_about(receipt, kind, document),
        "to": [delivery.recipient],
        "delivery": delivery.id,
        "accepted_at": rfc3339(document.accepted_at),
        "at": rfc3339(at),
        "reason": reason,
    }
    if kind is ReceiptKind.RECALLED:
        stated["opened_at"] = rfc3339(delivery.opened_at) if delivery.opened_at else None
    return canonical(stated)


def _about(receipt: ReceiptId, kind: ReceiptKind, document: Document) -> dict[str, Json]:
    label: PolicyLabel = document.label
    return {
        "receipt": receipt,
        "kind": kind.value,
        "document": document.id,
        "document_id": document.envelope.document_id,
        "from": document.sender,
        "files": [{"name": file.name, "sha256": file.sha256} for file in document.files],
        "label": label.value,
    }


def assemble(statement: bytes, path: Sequence[Step], root: str) -> bytes:
    """Return the receipt file: canonical JSON of statement, path and signed root."""
    steps: list[Json] = [{"side": step.side, "hash": step.digest.hex()} for step in path]
    return canonical({"version": VERSION, "statement": json.loads(statement), "path": steps, "root": root})
