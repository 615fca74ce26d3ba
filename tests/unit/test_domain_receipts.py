from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.model import ReceiptId, ReceiptKind
from gateway.domain.receipts import (
    Json,
    Step,
    accepted_statement,
    assemble,
    canonical,
    climb,
    delivery_statement,
    leaf,
    rfc3339,
    tree,
)
from tests.support.exchange_samples import NOW, delivery, document, stored_file

SIZES = range(1, 201)

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda below: st.lists(below) | st.dictionaries(st.text(st.characters(max_codepoint=127)), below),
    max_leaves=20,
)


def leaves(count: int) -> list[bytes]:
    return [leaf(f"statement {n}".encode()) for n in range(count)]


# --- canonical JSON (RFC 8785) ---------------------------------------------------------------------


def test_strings_are_written_as_rfc_8785_section_3_2_2_says() -> None:
    value: Json = {"string": "€$\u000f\u000aA'\u0042\u0022\u005c\\\"/", "literals": [None, True, False]}
    assert canonical(value) == (
        '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": 2}, b'{"a":2,"b":1}'),
        ({"a1": 1, "a": 2, "B": 3, "": 4}, b'{"":4,"B":3,"a":2,"a1":1}'),
        ({"1": {"f": {"f": "hi", "F": 5}, "\n": 56}}, b'{"1":{"\\n":56,"f":{"F":5,"f":"hi"}}}'),
        ([56, {"d": True, "10": None, "1": []}], b'[56,{"1":[],"10":null,"d":true}]'),
        ("\b\t\n\f\r\u0000\u001f\u007f\u2028", b'"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f\xe2\x80\xa8"'),
        ("Quyết định", '"Quyết định"'.encode()),
        ({}, b"{}"),
        (-9007199254740991, b"-9007199254740991"),
    ],
)
def test_value_has_one_canonical_form(value: Json, expected: bytes) -> None:
    assert canonical(value) == expected


@pytest.mark.parametrize("value", [1.5, {"a": [1, {"b": 2.0}]}, [float("nan")], float("inf")])
def test_floats_are_refused_wherever_they_stand(value: Json) -> None:
    with pytest.raises(ValueError, match="float"):
        canonical(value)


def test_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError):
        canonical({"subject": "\ud800"})


@given(json_values)
def test_canonical_form_says_the_same_and_is_its_own_canonical_form(value: Json) -> None:
    try:
        form = canonical(value)
    except UnicodeEncodeError:
        return
    assert json.loads(form) == value
    assert canonical(json.loads(form)) == form


# --- the Merkle tree -------------------------------------------------------------------------------


@pytest.mark.parametrize("count", SIZES)
def test_every_path_leads_to_the_root(count: int) -> None:
    root, paths = tree(leaves(count))
    assert {climb(digest, path) for digest, path in zip(leaves(count), paths, strict=True)} == {root}


@pytest.mark.parametrize("count", SIZES)
def test_no_changed_path_leads_to_the_root(count: int) -> None:
    root, paths = tree(leaves(count))
    for digest, path in zip(leaves(count), paths, strict=True):
        for at, step in enumerate(path):
            other_side = Step("left" if step.side == "right" else "right", step.digest)
            other_digest = Step(step.side, bytes([step.digest[0] ^ 1]) + step.digest[1:])
            for changed in ([other_side], [other_digest], []):
                assert climb(digest, [*path[:at], *changed, *path[at + 1 :]]) != root


def test_statement_alone_is_its_own_root_and_has_no_path() -> None:
    assert tree([leaf(b"alone")]) == (leaf(b"alone"), [[]])


def test_tree_of_three_is_built_as_rfc_6962_says() -> None:
    a, b, c = leaves(3)
    left = hashlib.sha256(b"\x01" + a + b).digest()
    root, paths = tree([a, b, c])
    assert root == hashlib.sha256(b"\x01" + left + c).digest()
    assert paths[2] == [Step("left", left)]


def test_leaf_and_inner_node_are_hashed_apart() -> None:
    a, b = leaves(2)
    root, _ = tree([a, b])
    assert leaf(a + b) != root


def test_roots_of_all_sizes_differ() -> None:
    assert len({tree(leaves(count))[0] for count in SIZES}) == len(SIZES)


def test_order_of_statements_matters() -> None:
    a, b = leaves(2)
    assert tree([a, b])[0] != tree([b, a])[0]


@pytest.mark.parametrize("count", SIZES)
def test_paths_are_no_longer_than_the_tree_is_high(count: int) -> None:
    _, paths = tree(leaves(count))
    assert max(len(path) for path in paths) <= (count - 1).bit_length()


# --- statements ------------------------------------------------------------------------------------


def test_acceptance_states_who_sent_what_to_whom() -> None:
    sent = document(skipped=("H99",))
    statement = accepted_statement(ReceiptId("r-1"), sent, ["H26.01", "H26.02"])
    assert json.loads(statement) == {
        "receipt": "r-1",
        "kind": "accepted",
        "document": "document-1",
        "document_id": "VB-2026-0001",
        "from": "H26.00",
        "to": ["H26.01", "H26.02"],
        "skipped": ["H99"],
        "files": [{"name": "Quyết định số 12.pdf", "sha256": stored_file().sha256}],
        "label": "signed",
        "at": "2026-11-21T01:02:03.004Z",
    }


@pytest.mark.parametrize("kind", [each for each in ReceiptKind if each is not ReceiptKind.ACCEPTED])
def test_end_of_a_delivery_states_when_and_why(kind: ReceiptKind) -> None:
    at = NOW + timedelta(hours=1)
    statement = json.loads(
        delivery_statement(ReceiptId("r-2"), kind, document(), delivery(), at=at, reason="sai nơi nhận")
    )
    assert statement["kind"] == kind.value
    assert (statement["delivery"], statement["to"]) == ("delivery-1", ["H26.01"])
    assert (statement["accepted_at"], statement["at"]) == (
        "2026-11-21T01:02:03.004Z",
        "2026-11-21T02:02:03.004Z",
    )
    assert statement["reason"] == "sai nơi nhận"


@pytest.mark.parametrize(
    ("opened_at", "stated"), [(None, None), (NOW + timedelta(hours=2), "2026-11-21T03:02:03.004Z")]
)
def test_statement_of_a_recall_says_whether_the_document_had_been_opened(
    opened_at: datetime | None, stated: str | None
) -> None:
    recalled = json.loads(
        delivery_statement(
            ReceiptId("r-3"),
            ReceiptKind.RECALLED,
            document(),
            delivery(opened_at=opened_at),
            at=NOW,
            reason=None,
        )
    )
    assert recalled["opened_at"] == stated


def test_statements_of_other_ends_are_as_they_were() -> None:
    for kind in (ReceiptKind.DELIVERED, ReceiptKind.REFUSED, ReceiptKind.EXPIRED):
        ended = delivery_statement(
            ReceiptId("r-3"), kind, document(), delivery(opened_at=NOW), at=NOW, reason=None
        )
        assert "opened_at" not in json.loads(ended)


def test_receipt_file_holds_the_statement_unchanged() -> None:
    statement = accepted_statement(ReceiptId("r-1"), document(), ["H26.01"])
    file = json.loads(assemble(statement, [Step("left", bytes(32))], "header.claims.signature"))
    assert canonical(file["statement"]) == statement
    assert file["path"] == [{"side": "left", "hash": "00" * 32}]
    assert (file["version"], file["root"]) == (1, "header.claims.signature")


def test_times_are_utc_with_milliseconds_wherever_they_come_from() -> None:
    vietnam = datetime(2026, 1, 1, 6, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=7)))
    assert rfc3339(vietnam) == "2025-12-31T23:59:59.999Z"
    assert rfc3339(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=2))
def test_times_sort_as_text(moments: list[datetime]) -> None:
    texts = [rfc3339(moment) for moment in sorted(moments)]
    assert all(earlier <= later for earlier, later in pairwise(texts))
