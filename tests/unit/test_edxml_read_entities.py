"""Packets that bring a DOCTYPE, point outside or grow while they are read: rows B01 to B03."""

from __future__ import annotations

import codecs
import json
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from tests.support.edxml_packets import (
    DECLARATION,
    PDF,
    QCVN,
    SUBJECT,
    Sent,
    between,
    java_document,
    read,
    reasons,
    zipped,
)

ROOT = Path(__file__).resolve().parents[2]
BARE = java_document().removeprefix(DECLARATION)


# --- B01 ------------------------------------------------------------------------------------------

DOCTYPES = [
    "<!DOCTYPE edXML>",
    "<!DOCTYPE edXML []>",
    "<!DOCTYPE  edXML\n [ ] >",
    '<!DOCTYPE edXML SYSTEM "edxml.dtd">',
    '<!DOCTYPE edXML SYSTEM "file:///etc/passwd">',
    '<!DOCTYPE edXML PUBLIC "-//MIC//edXML" "http://127.0.0.1/edxml.dtd">',
    '<!DOCTYPE edXML [<!ENTITY a "b">]>',
    '<!DOCTYPE edXML [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE edXML [<!ENTITY % a SYSTEM "http://127.0.0.1/x"> %a;]>',
    "<!DOCTYPE edXML [<!ELEMENT edXML ANY>]>",
    '<!DOCTYPE edXML [<!ATTLIST edXML id ID "x">]>',
    '<!DOCTYPE edXML [<!NOTATION n SYSTEM "n">]>',
    '<!DOCTYPE edXML [<!ENTITY u SYSTEM "u" NDATA n>]>',
    "<!DOCTYPE edXML [<!-- -->]>",
    "<!DOCTYPE edXML [<?x y?>]>",
    "<!DOCTYPE",
    "<!doctype edXML>",
    "<!ENTITY a 'b'>",
    "<![INCLUDE[x]]>",
    "<!X>",
]
PLACES: dict[str, Callable[[str], bytes]] = {
    "first": lambda doctype: (doctype + BARE).encode(),
    "after the declaration": lambda doctype: (DECLARATION + doctype + BARE).encode(),
    "after a BOM": lambda doctype: codecs.BOM_UTF8 + (DECLARATION + doctype + BARE).encode(),
    "after white space": lambda doctype: (" \n" + DECLARATION + "\n\t " + doctype + BARE).encode(),
    "after a comment": lambda doctype: (DECLARATION + "<!-- -->" + doctype + BARE).encode(),
    "over the end of a chunk": lambda doctype: (
        DECLARATION + " " * (65_536 - len(DECLARATION) - 4) + doctype + BARE
    ).encode(),
    "after the root": lambda doctype: (java_document() + doctype).encode(),
    "inside": lambda doctype: between(doctype).encode(),
    "in UTF-16": lambda doctype: (DECLARATION + doctype + BARE).encode("utf-16"),
    "in UTF-16 that says so": lambda doctype: (
        DECLARATION.replace("UTF-8", "UTF-16") + doctype + BARE
    ).encode("utf-16-le"),
}
# Here some are no DOCTYPE to the one who sees them first.
READ_BY_THE_PARSER = {"in UTF-16", "in UTF-16 that says so", "over the end of a chunk", "after the root"}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("doctype", DOCTYPES)
def test_b01_any_doctype_is_refused(doctype: str, place: str, tmp_path: Path) -> None:
    found = read(PLACES[place](doctype), tmp_path)
    assert len(found.faults) == 1
    assert found.document is None
    if place not in READ_BY_THE_PARSER:
        assert "DOCTYPE" in found.faults[0].en


def test_b01_has_its_number_of_variants() -> None:
    assert len(DOCTYPES) * len(PLACES) == 200


@pytest.mark.parametrize("lost", ["_without_declaration", "_on_doctype"])
def test_b01_each_of_the_two_guards_is_enough(
    lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lost == "_without_declaration":
        monkeypatch.setattr(f"adapters.edxml.parse.{lost}", lambda *_: b"")
    else:
        monkeypatch.setattr(f"adapters.edxml.parse.Parse.{lost}", lambda *_: None)
    assert "DOCTYPE" in reasons(PLACES["after the declaration"](DOCTYPES[6]), tmp_path)[0]


# --- B02 ------------------------------------------------------------------------------------------

ADDRESSES = [
    "file:///etc/passwd",
    "/etc/passwd",
    "http://127.0.0.1:9/x",
    "https://127.0.0.1:9/x",
    "ftp://127.0.0.1:9/x",
    "//127.0.0.1/share",
]
XS = "http://www.w3.org/2001/XMLSchema"
EXTERNAL = {
    "general": '<!DOCTYPE edXML [<!ENTITY a SYSTEM "{0}">]>|&a;|',
    "parameter": '<!DOCTYPE edXML [<!ENTITY % a SYSTEM "{0}"> %a;]>||',
    "nested": '<!DOCTYPE edXML [<!ENTITY % a SYSTEM "{0}"><!ENTITY % b "%a;"> %b;]>||',
    "subset": '<!DOCTYPE edXML SYSTEM "{0}">||',
    "public": '<!DOCTYPE edXML PUBLIC "x" "{0}">||',
    "no doctype": "|&a;|",
    "stylesheet": '<?xml-stylesheet type="text/xsl" href="{0}"?>||',
    "include": '||<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{0}" parse="text"/>',
    "schema": f'||<x:a xmlns:x="urn:x" xmlns:i="{XS}-instance" i:schemaLocation="{{1}} {{0}}"/>',
    "import": f'||<s:schema xmlns:s="{XS}"><s:import schemaLocation="{{0}}"/></s:schema>',
}
# Reports what the reader opens besides the packet. Such a hook stays in its process for good.
WATCHED = """
import json, sys
from pathlib import Path
from adapters.edxml.read import ReadLimits, read_packet
folder, opened, found = Path(sys.argv[1]), [], []
def note(event, args):
    if event == "open" and not str(args[0]).startswith(str(folder)):
        opened.append(str(args[0]))
    elif event.startswith(("socket.", "subprocess.", "urllib.")) or event == "os.system":
        opened.append(event)
packets = sorted(folder.glob("*.edxml"))
sys.addaudithook(note)
for path in packets:
    into = path.with_suffix("")
    into.mkdir()
    read = read_packet(path, into=into, limits=ReadLimits())
    found.append([bool(read.faults), read.document.subject if read.document else ""])
print(json.dumps([opened, found]))
"""


def test_b02_sixty_ways_to_fetch_something_open_nothing(tmp_path: Path) -> None:
    variants = list(product(EXTERNAL.values(), ADDRESSES))
    assert len(variants) == 60
    (tmp_path / "60.edxml").write_text(java_document(Sent(content=zipped(PDF))), "utf-8")
    for number, (attack, address) in enumerate(variants):
        prolog, value, element = attack.format(address, QCVN).split("|")
        text = BARE.replace(SUBJECT, value or SUBJECT).replace("<edXML:Subject>", f"{element}<edXML:Subject>")
        (tmp_path / f"{number:02}.edxml").write_text(DECLARATION + prolog + text, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    opened, found = json.loads(done.stdout)
    assert opened == []
    # Elements of other namespaces are passed over; everything else is refused.
    assert [is_refused for is_refused, _ in found] == [True] * 42 + [False] * 19
    assert {subject for is_refused, subject in found if not is_refused} == {SUBJECT}


# --- B03 ------------------------------------------------------------------------------------------


def bombs() -> list[str]:
    tower = [
        '<!DOCTYPE edXML [<!ENTITY a0 "ha">'
        + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * wide}">' for n in range(1, high))
        + "]>"
        for wide, high in product((2, 10, 100, 1000), (3, 10, 30))
    ]
    blow_up = [f'<!DOCTYPE edXML [<!ENTITY a0 "{"x" * size}">]>' for size in (1_000, 100_000, 900_000)]
    recursive = [
        '<!DOCTYPE edXML [<!ENTITY a0 "&a0;">]>',
        '<!DOCTYPE edXML [<!ENTITY a0 "&b;"><!ENTITY b "&a0;">]>',
        "<!DOCTYPE edXML [<!ENTITY % p \"<!ENTITY a0 'x'>\"> %p;]>",
        '<!DOCTYPE edXML [<!ENTITY % p "%q;"><!ENTITY % q "%p;"> %p;]>',
        '<!DOCTYPE edXML [<!ATTLIST edXML a CDATA "&a0;"><!ENTITY a0 "&a0;&a0;">]>',
    ]
    return [
        DECLARATION + prolog + BARE.replace(SUBJECT, "&a0;" * 500) for prolog in tower + blow_up + recursive
    ]


def test_b03_no_entity_is_ever_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr("adapters.edxml.parse.Parse._on_start", lambda *args: seen.append(args[1]))
    monkeypatch.setattr("adapters.edxml.parse.Parse._on_text", lambda *args: seen.append(args[1]))
    attacks = bombs()
    assert len(attacks) == 20
    for attack in attacks:
        assert "DOCTYPE" in reasons(attack, tmp_path)[0]
    assert seen == []
