from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.model import ReceiptId, ReceiptKind
from gateway.domain.receipts import accepted_statement, assemble, canonical, delivery_statement, leaf, tree
from ops.receipt_check import Judgement, check_receipt, receipt
from signing.jws import sign_root
from signing.keys import SigningKey, create_receipt_key, load_key
from signing.trust import TrustStore, load_trust
from tests.support.exchange_samples import NOW, delivery, document


@dataclass
class Office:
    """An exchange with a receipt key, and the trust folder of somebody who believes it."""

    key: SigningKey
    trust_folder: Path

    @property
    def trust(self) -> TrustStore:
        return load_trust(self.trust_folder)

    def receipts(self, statements: list[bytes]) -> list[bytes]:
        """Receipt files of one batch."""
        root, paths = tree([leaf(statement) for statement in statements])
        jws = sign_root(root, key=self.key)
        return [assemble(statement, path, jws) for statement, path in zip(statements, paths, strict=True)]

    def accepted(self, *, at: datetime = NOW) -> bytes:
        """One acceptance out of a batch of three."""
        statements = [
            accepted_statement(ReceiptId(f"r-{n}"), document(n, accepted_at=at), ["H26.01"]) for n in range(3)
        ]
        return self.receipts(statements)[1]


def make_office(folder: Path) -> Office:
    made = create_receipt_key(now=NOW)
    trust_folder = folder / "trust"
    trust_folder.mkdir(parents=True)
    (folder / "key.pem").write_bytes(made.private_pem)
    (trust_folder / "receipts.pem").write_bytes(made.certificate_pem)
    return Office(load_key(folder / "key.pem"), trust_folder)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return make_office(tmp_path / "office")


def changed(receipt_file: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    fields = json.loads(receipt_file)
    change(fields)
    return json.dumps(fields).encode()


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(receipt, ["verify", *map(str, arguments)])


# --- good ------------------------------------------------------------------------------------------


def test_acceptance_is_good(office: Office) -> None:
    finding = check_receipt(office.accepted(), trust=office.trust)
    assert (finding.judgement, finding.statement and finding.statement["receipt"]) == (Judgement.GOOD, "r-1")


@pytest.mark.parametrize("kind", [each for each in ReceiptKind if each is not ReceiptKind.ACCEPTED])
@pytest.mark.parametrize("reason", [None, "sai nơi nhận"])
def test_every_end_of_a_delivery_is_good(office: Office, kind: ReceiptKind, reason: str | None) -> None:
    statement = delivery_statement(ReceiptId("r"), kind, document(), delivery(), at=NOW, reason=reason)
    (file,) = office.receipts([statement])
    assert check_receipt(file, trust=office.trust).judgement is Judgement.GOOD


def test_receipt_of_a_recall_made_before_it_told_of_the_opening_is_still_good(office: Office) -> None:
    statement = delivery_statement(
        ReceiptId("r"), ReceiptKind.RECALLED, document(), delivery(), at=NOW, reason=None
    )
    fields = json.loads(statement)
    del fields["opened_at"]
    (file,) = office.receipts([canonical(fields)])
    assert check_receipt(file, trust=office.trust).judgement is Judgement.GOOD


def test_no_other_receipt_tells_of_the_opening(office: Office) -> None:
    statement = delivery_statement(
        ReceiptId("r"), ReceiptKind.DELIVERED, document(), delivery(), at=NOW, reason=None
    )
    (file,) = office.receipts([canonical({**json.loads(statement), "opened_at": None})])
    assert check_receipt(file, trust=office.trust).judgement is not Judgement.GOOD


def test_every_receipt_of_a_large_batch_is_good(office: Office) -> None:
    statements = [accepted_statement(ReceiptId(str(n)), document(n), ["H26.01"]) for n in range(37)]
    trust = office.trust
    assert {check_receipt(file, trust=trust).judgement for file in office.receipts(statements)} == {
        Judgement.GOOD
    }


def test_other_spelling_of_the_same_json_is_good(office: Office) -> None:
    spelled = json.dumps(json.loads(office.accepted()), indent=4, ensure_ascii=True).encode()
    assert check_receipt(spelled, trust=office.trust).judgement is Judgement.GOOD


def test_submit_answer_is_judged_by_the_receipt_in_it(office: Office) -> None:
    answer = b'{"id":"document-1","deliveries":[],"receipt":' + office.accepted() + b"}"
    assert check_receipt(answer, trust=office.trust).judgement is Judgement.GOOD


# --- not good --------------------------------------------------------------------------------------

FORGERIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another recipient": lambda file: file["statement"].update(to=["H26.99"]),
    "one more recipient": lambda file: file["statement"]["to"].append("H26.99"),
    "another file": lambda file: file["statement"]["files"][0].update(sha256="00" * 32),
    "another label": lambda file: file["statement"].update(label="for-information"),
    "another time": lambda file: file["statement"].update(at="2026-11-21T01:02:03.005Z"),
    "a field more": lambda file: file["statement"].update(note="x"),
    "a field less": lambda file: file["statement"].pop("skipped"),
    "another kind": lambda file: file["statement"].update(kind="delivered"),
    "an unknown kind": lambda file: file["statement"].update(kind="read"),
    "a number for a text": lambda file: file["statement"].update(document_id=5),
    "a float": lambda file: file["statement"].update(document_id=5.0),
    "no path": lambda file: file.update(path=[]),
    "a step less": lambda file: file["path"].pop(),
    "a step more": lambda file: file["path"].append({"side": "left", "hash": "00" * 32}),
    "the other side": lambda file: file["path"][0].update(side="right"),
    "an unknown side": lambda file: file["path"][0].update(side="up"),
    "a short hash": lambda file: file["path"][0].update(hash="00"),
    "a hash in capitals": lambda file: file["path"][0].update(hash=file["path"][0]["hash"].upper() + "A"),
    "a very long path": lambda file: file.update(path=file["path"] * 100),
    "no signature": lambda file: file.update(root=file["root"].rpartition(".")[0] + "."),
    "no root": lambda file: file.pop("root"),
    "an empty root": lambda file: file.update(root=""),
    "a member more": lambda file: file.update(note="x"),
    "a version that is true": lambda file: file.update(version=True),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_changed_receipt_is_not_good(office: Office, forgery: str) -> None:
    forged = changed(office.accepted(), FORGERIES[forgery])
    assert check_receipt(forged, trust=office.trust).judgement is Judgement.NOT_GOOD


def test_receipt_of_another_exchange_is_not_good(office: Office, tmp_path: Path) -> None:
    other = make_office(tmp_path / "other")
    finding = check_receipt(other.accepted(), trust=office.trust)
    assert finding.judgement is Judgement.NOT_GOOD
    assert "trust folder" in finding.detail


def test_root_of_another_batch_does_not_help(office: Office) -> None:
    (other,) = office.receipts([accepted_statement(ReceiptId("x"), document(9), ["H26.01"])])
    swapped = changed(office.accepted(), lambda file: file.update(root=json.loads(other)["root"]))
    finding = check_receipt(swapped, trust=office.trust)
    assert (finding.judgement, "signed root" in finding.detail) == (Judgement.NOT_GOOD, True)


@pytest.mark.parametrize("years", [-1, 11])
def test_receipt_from_outside_the_certificates_life_is_not_good(office: Office, years: int) -> None:
    file = office.accepted(at=NOW + timedelta(days=366 * years))
    assert check_receipt(file, trust=office.trust).judgement is Judgement.NOT_GOOD


@settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(chosen=st.data())
def test_no_flipped_bit_leaves_a_receipt_good_with_another_statement(
    office: Office, chosen: st.DataObject
) -> None:
    file = bytearray(office.accepted())
    original = json.loads(file)
    at = chosen.draw(st.integers(0, len(file) - 1))
    file[at] ^= 1 << chosen.draw(st.integers(0, 7))
    finding = check_receipt(bytes(file), trust=office.trust)
    assert finding.judgement is not Judgement.GOOD or json.loads(file) == original


# --- not judged ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7",
        b"{",
        b"[]",
        b"null",
        b'{"receipt":null}',
        b'{"receipt":{}}',
        b'{"version":2}',
        b'{"version":1,"version":1}',
        b'{"statement":{"at":1,"at":2},"version":1}',
        b"[" * 100_000,
        b"\xff\xfe",
        b" " * (16 * 1024 * 1024 + 1),
    ],
)
def test_file_that_is_no_receipt_is_not_judged(office: Office, content: bytes) -> None:
    assert check_receipt(content, trust=office.trust).judgement is Judgement.NOT_JUDGED


# --- the command -----------------------------------------------------------------------------------


@pytest.fixture
def files(office: Office, tmp_path: Path) -> dict[str, Path]:
    contents = {
        "good": office.accepted(),
        "forged": changed(office.accepted(), FORGERIES["another recipient"]),
        "foreign": b"%PDF-1.7",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in (*contents, "missing")}


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["good"], 0),
        (["good", "good"], 0),
        (["forged"], 1),
        (["foreign"], 2),
        (["missing"], 2),
        (["good", "foreign"], 2),
        (["good", "foreign", "forged"], 1),
    ],
)
def test_exit_code_is_that_of_the_worst_file(
    office: Office, files: dict[str, Path], names: list[str], code: int
) -> None:
    assert run(*(files[name] for name in names), "--trust", office.trust_folder).exit_code == code


def test_good_receipt_is_told_in_one_line(office: Office, files: dict[str, Path]) -> None:
    said = run(files["good"], "--trust", office.trust_folder).output
    told = "accepted 2026-11-21T01:02:03.004Z, VB-2026-0001 from H26.00 to H26.01"
    assert said == f"good        {files['good']}: {told}\n"


def test_json_names_each_file_with_judgement_and_statement(office: Office, files: dict[str, Path]) -> None:
    result = run(files["good"], files["forged"], "--trust", office.trust_folder, "--json")
    good, forged = json.loads(result.output)["receipts"]
    assert (good["judgement"], good["statement"]["document_id"]) == ("good", "VB-2026-0001")
    assert (forged["judgement"], forged["statement"]) == ("not-good", None)


def test_missing_trust_folder_means_that_nothing_can_be_judged(files: dict[str, Path]) -> None:
    result = run(files["good"], "--trust", files["missing"])
    assert result.exit_code == 2
    assert "missing" in result.output
