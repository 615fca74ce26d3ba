"""`lienthong receipt verify`: judges receipts from the file and the trust folder alone, offline.

The format is told in `receipt-format.md`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import click
import msgspec

from gateway.domain.model import PolicyLabel
from gateway.domain.receipts import VERSION, Side, Step, canonical, climb, leaf
from signing.errors import RootNotVerified, TrustFolderUnreadable
from signing.jws import verify_root
from signing.trust import TrustStore, load_trust

_LARGEST_BYTES = 16 * 1024 * 1024
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class _File(_Strict):
    name: str
    sha256: _Hex


class _About(_Strict, rename={"sender": "from"}):
    receipt: str
    document: str
    document_id: str
    sender: str
    to: list[str]
    files: list[_File]
    label: PolicyLabel
    at: str


class _Accepted(_About):
    kind: Literal["accepted"]
    skipped: list[str]


class _OfOneDelivery(_About):
    delivery: str
    accepted_at: str
    reason: str | None


class _Ended(_OfOneDelivery):
    kind: Literal["delivered", "refused", "expired"]


class _Recalled(_OfOneDelivery):
    kind: Literal["recalled"]
    # Receipts of the first rounds lack it.
    opened_at: str | msgspec.UnsetType | None = msgspec.UNSET


_KINDS: dict[str, type[_About]] = {"accepted": _Accepted, "recalled": _Recalled}


class _Step(_Strict):
    side: Side
    hash: _Hex


class _Receipt(_Strict):
    version: Literal[1]
    statement: dict[str, Any]
    path: Annotated[list[_Step], msgspec.Meta(max_length=64)]
    root: str


class Judgement(StrEnum):
    """What is said of a receipt file."""

    GOOD = "good"
    NOT_GOOD = "not-good"
    NOT_JUDGED = "not-judged"


_EXIT = {Judgement.GOOD: 0, Judgement.NOT_GOOD: 1, Judgement.NOT_JUDGED: 2}
_WORST_FIRST = (Judgement.NOT_GOOD, Judgement.NOT_JUDGED, Judgement.GOOD)


@dataclass(frozen=True, slots=True)
class Finding:
    """The judgement of one file, why, and what the receipt states if it is good."""

    judgement: Judgement
    detail: str
    statement: dict[str, Any] | None = None


class _NotJudged(Exception):
    """The file is not something this program can judge."""


class _NotGood(Exception):
    """The file is a receipt and does not hold."""


def check_receipt(content: bytes, *, trust: TrustStore) -> Finding:
    """Return the judgement of a receipt file, or of the submit answer that holds one.

    Good means: the statement leads over its path to the root that a trusted key has signed.
    """
    try:
        statement = _check(_receipt_in(content), trust=trust)
    except _NotJudged as unknown:
        return Finding(Judgement.NOT_JUDGED, str(unknown))
    except (_NotGood, RootNotVerified) as broken:
        return Finding(Judgement.NOT_GOOD, str(broken))
    return Finding(Judgement.GOOD, "statement, path and signed root agree", statement)


def _receipt_in(content: bytes) -> dict[str, Any]:
    """Return the receipt of a file: the whole, or what a submit answer holds under `receipt`."""
    if len(content) > _LARGEST_BYTES:
        raise _NotJudged("the file is too large for a receipt")
    try:
        # Two readers could take two different values of a doubled key: it is refused.
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise _NotJudged("the file is not JSON, or names a key twice") from error
    if isinstance(found, dict) and isinstance(found.get("receipt"), dict):
        found = found["receipt"]
    if not isinstance(found, dict) or "version" not in found:
        raise _NotJudged("the file is no receipt")
    if found["version"] != VERSION:
        raise _NotJudged(f"receipts of version {found['version']!r} are not known to this program")
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is named twice")
    return found


def _check(fields: dict[str, Any], *, trust: TrustStore) -> dict[str, Any]:
    try:
        receipt = msgspec.convert(fields, _Receipt)
        kind = _KINDS.get(str(receipt.statement.get("kind")), _Ended)
        at = _moment(msgspec.convert(receipt.statement, kind).at)
        digest = leaf(canonical(receipt.statement))
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise _NotGood(f"not as version {VERSION} demands: {error}") from error
    path = [Step(step.side, bytes.fromhex(step.hash)) for step in receipt.path]
    signed_root = verify_root(receipt.root, trust=trust, at=at)
    if climb(digest, path) != signed_root:
        raise _NotGood("the statement or its path was changed: it does not lead to the signed root")
    return receipt.statement


def _moment(text: str) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise ValueError("`at` must be UTC with milliseconds")
    return datetime.fromisoformat(text).astimezone(UTC)


@click.group()
def receipt() -> None:
    """Receipts: what was accepted, delivered, refused, and when."""


@receipt.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option(
    "--trust",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder with the certificates to trust (*.pem, *.crt).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(files: Sequence[Path], folder: Path, as_json: bool) -> None:
    """Check receipts, or the submit answers that hold them, without network.

    Exit code 0: all are good; 1: one is not; 2: one could not be judged.
    """
    findings = _judge(files, folder)
    if as_json:
        click.echo(msgspec.json.encode({"receipts": [_fields(*each) for each in findings]}))
    else:
        click.echo("\n".join(_line(*each) for each in findings))
    judgements = {finding.judgement for _, finding in findings}
    sys.exit(next(_EXIT[each] for each in _WORST_FIRST if each in judgements))


def _judge(files: Sequence[Path], folder: Path) -> list[tuple[Path, Finding]]:
    try:
        trust = load_trust(folder)
    except TrustFolderUnreadable as unreadable:
        return [(path, Finding(Judgement.NOT_JUDGED, str(unreadable))) for path in files]
    return [(path, _judge_file(path, trust)) for path in files]


def _judge_file(path: Path, trust: TrustStore) -> Finding:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        return Finding(Judgement.NOT_JUDGED, error.strerror or "cannot be read")
    return check_receipt(content, trust=trust)


def _fields(path: Path, finding: Finding) -> dict[str, Any]:
    return {
        "file": str(path),
        "judgement": finding.judgement,
        "detail": finding.detail,
        "statement": finding.statement,
    }


def _line(path: Path, finding: Finding) -> str:
    if finding.statement is None:
        return f"{finding.judgement:<10}  {path}: {finding.detail}"
    said = finding.statement
    recipients = said["to"][0] if len(said["to"]) == 1 else f"{len(said['to'])} agencies"
    return (
        f"{finding.judgement:<10}  {path}: {said['kind']} {said['at']}, "
        f"{said['document_id']} from {said['from']} to {recipients}"
    )
