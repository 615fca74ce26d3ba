"""Packets that are too deep, too wide or too long to be read: rows B04 to B06."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from adapters.edxml.limits import ReadLimits
from tests.support.edxml_packets import (
    DECLARATION,
    between,
    java_document,
    mistakes,
    read,
    reasons,
)

ROOT = Path(__file__).resolve().parents[2]
BARE = java_document().removeprefix(DECLARATION)


# --- B04, B05, B06 --------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [65, 257, 1_000, 10_000, 100_000, 1_000_000])
@pytest.mark.parametrize("name", ["edXML:Colour", "edXML:Subject", 'x:y xmlns:x="urn:x"'])
def test_b04_nesting_deeper_than_64_is_refused(name: str, depth: int, tmp_path: Path) -> None:
    deep = f"<{name}>" * depth + f"</{name.split()[0]}>" * depth
    assert reasons(between(deep), tmp_path)[-1] == "elements are nested too deeply"


def test_b04_nesting_up_to_64_is_read(tmp_path: Path) -> None:
    assert mistakes(between("<edXML:a>" * 60 + "</edXML:a>" * 60), tmp_path) == []
    assert mistakes(between("<edXML:a>" * 61 + "</edXML:a>" * 61), tmp_path) != []


def attributes(count: int) -> str:
    return "".join(f' a{n}=""' for n in range(count))


def namespaces(count: int) -> str:
    return "".join(f' xmlns:n{n}="urn:{n}"' for n in range(count))


TOO_MUCH_TEXT = "more than 262144 bytes of text"
ORGAN = "<edXML:OrganId>H26</edXML:OrganId>"
BUDGETS = {
    "65 attributes": (f"<edXML:a{attributes(65)}/>", "too many attributes"),
    "65 attributes of a known element": (f"<edXML:Content{attributes(65)}/>", "too many attributes"),
    "60,000 attributes": (f"<edXML:a{attributes(60_000)}/>", "too many attributes"),
    "a million attributes": (f"<edXML:a{attributes(1_000_000)}/>", "a tag or a comment is too long"),
    "65 namespaces": (f"<edXML:a{namespaces(65)}/>", "too many attributes"),
    "5,000 namespaces": (f"<edXML:a{namespaces(5_000)}/>" * 2_000, "too many"),
    "many elements of 60 namespaces": (
        "".join(f"<edXML:a{namespaces(60).replace('urn:', f'urn:{n}:')}/>" for n in range(2_000)),
        "too many different names",
    ),
    "a million siblings": ("<edXML:a/>" * 1_000_000, "too many elements"),
    "200,000 elements": ("<edXML:a/>" * 200_000, "too many elements"),
    "a million comments": ("<!---->" * 1_000_000, "too many elements"),
    "10,000 names": ("".join(f"<edXML:a{n}/>" for n in range(10_000)), "too many different names"),
    "10,000 names of attributes": (
        "".join(f'<edXML:a b{n}=""/>' for n in range(10_000)),
        "too many different names",
    ),
    "a name of 300": (f"<edXML:{'a' * 300}/>", "is too long"),
    "a name of a million": (f"<edXML:{'a' * 1_000_000}/>", "is too long"),
    "a name of 8 million": (f"<edXML:{'a' * 8_000_000}/>", "too long"),
    "a prefix of a million": (f'<{"p" * 400_000}:a xmlns:{"p" * 400_000}="urn:x"/>', "is too long"),
    "a namespace of a million": (f'<x:a xmlns:x="urn:{"u" * 900_000}"/>', "is too long"),
    "a value of 2 million": (f"<edXML:Content>{'x' * 2_000_000}</edXML:Content>", TOO_MUCH_TEXT),
    "lines of a value": (f"<edXML:Content>x{chr(10) * 262_144}x</edXML:Content>", TOO_MUCH_TEXT),
    "an attribute of 11 million": (f'<edXML:a b="{"x" * 11_000_000}"/>', "a tag or a comment is too long"),
    "a comment of 11 million": (f"<!--{'x' * 11_000_000}-->", "a tag or a comment is too long"),
    "5 million of white space": (" " * 5_000_000, "too much white space"),
    "5 million in an unknown element": (f"<edXML:a>{'x' * 5_000_000}</edXML:a>", "hold more than 4096"),
    "5,000 in unknown elements": (f"<edXML:a>{'x' * 500}</edXML:a>" * 10, "hold more than 4096"),
    "5,000 in attributes of an unknown element": (f'<edXML:a b="{"x" * 5_000}"/>', "hold more than 4096"),
    "5 million in attributes": (f'<edXML:Content b="{"x" * 900_000}"/>', TOO_MUCH_TEXT),
    "300,000 bytes in values": (f"<edXML:Content>{'ở' * 100_000}</edXML:Content>", TOO_MUCH_TEXT),
    "2,001 recipients": (f"<edXML:To>{ORGAN}</edXML:To>" * 1_999, "more than 2000 of these"),
    "2,001 places": (f"<edXML:ToPlaces>{'<edXML:Place>x</edXML:Place>' * 2_001}", "more than 2000 of these"),
    "51 references": (f"<edXML:ResponseFor>{ORGAN}</edXML:ResponseFor>" * 50, "more than 50 of these"),
}


@pytest.mark.parametrize("name", BUDGETS)
def test_b05_b06_a_packet_beyond_its_budgets_is_refused_as_a_whole(name: str, tmp_path: Path) -> None:
    attack, reason = BUDGETS[name]
    found = reasons(between(attack), tmp_path)
    assert len(found) == 1
    assert reason in found[0]


def replacing(*replacements: str) -> str:
    listed = "".join(
        f"<edXML:ReplacementInfo><edXML:DocumentId>1</edXML:DocumentId><edXML:OrganIdList>{organs}"
        "</edXML:OrganIdList></edXML:ReplacementInfo>"
        for organs in replacements
    )
    return f"<edXML:ReplacementInfoList>{listed}</edXML:ReplacementInfoList>"


@pytest.mark.parametrize(
    ("business", "element"),
    [
        (replacing(*[ORGAN] * 51), "ReplacementInfo[51]"),
        (replacing(ORGAN * 1_000, ORGAN * 1_001), "OrganId[1001]"),
        (
            "<edXML:BussinessDocumentInfo><edXML:ReceiverList>"
            + f"<edXML:Receiver>{ORGAN}</edXML:Receiver>" * 2_001
            + "</edXML:ReceiverList></edXML:BussinessDocumentInfo>",
            "Receiver[2001]",
        ),
    ],
)
def test_lists_of_an_order_beyond_their_limits_are_refused_by_name(
    business: str, element: str, tmp_path: Path
) -> None:
    (fault,) = read(java_document(kind="3", business=business), tmp_path).faults
    assert fault.element.endswith(element)
    assert "of these" in fault.en


@pytest.mark.parametrize("more", [199, 200])
def test_a_packet_has_passed_200_relays_at_most(more: int, tmp_path: Path) -> None:
    relay = f"<edXML:TraceHeader>{ORGAN}</edXML:TraceHeader>"
    text = java_document().replace("<edXML:Bussiness>", f"{relay * more}<edXML:Bussiness>")
    assert mistakes(text, tmp_path) == ([] if more < 200 else ["TraceHeaderList/TraceHeader[201]"])


def test_lists_up_to_their_limits_are_read(tmp_path: Path) -> None:
    text = java_document(kind="3", business=replacing(*[ORGAN * 40] * 50)).replace(
        "<edXML:DocumentId>", f"<edXML:To>{ORGAN}</edXML:To>" * 1_998 + "<edXML:DocumentId>", 1
    )
    document = read(text, tmp_path).document
    assert document is not None
    assert len(document.recipients) == 2_000


def test_a_site_chooses_how_long_texts_may_be(tmp_path: Path) -> None:
    text = java_document().replace("Như trên", "x" * 900)
    assert mistakes(text, tmp_path) == []
    assert mistakes(text, tmp_path, limits=ReadLimits(max_text_bytes=1_000)) != []


def test_b05_a_packet_within_its_budgets_is_read(tmp_path: Path) -> None:
    large = f"<edXML:a{attributes(64)}/>" + f"<edXML:a{namespaces(60)}/>" + "<edXML:a/>" * 150_000
    assert mistakes(between(large), tmp_path) == []


def test_b06_attachments_never_live_in_a_tree() -> None:
    trees = {"lxml", "ElementTree", "minidom", "pulldom", "sax", "expatbuilder", "huge_tree"}
    for path in (ROOT / "adapters" / "edxml").glob("*.py"):
        names = {
            part
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            for part in (
                [part for alias in node.names for part in alias.name.split(".")]
                if isinstance(node, ast.Import | ast.ImportFrom)
                else [node.arg or ""]
                if isinstance(node, ast.keyword)
                else []
            )
        }
        assert names & trees == set(), path.name
