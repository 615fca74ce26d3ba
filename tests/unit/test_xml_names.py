"""Names and namespaces: what another strict parser refuses is not read here either."""

from __future__ import annotations

import io
from random import Random

import pytest

from signing.xml.reader import Tag, read
from signing.xml.reasons import NotTaken
from tests.support.xml_odd import ODD_ATTRIBUTES, PLAIN_ATTRIBUTES, is_well_formed, odd


class _Deaf:
    def start(self, tag: Tag) -> None:
        pass

    def end(self) -> None:
        pass

    def text(self, text: str) -> None:
        pass

    def comment(self) -> None:
        pass

    def instruction(self, target: str, text: str) -> None:
        pass


def _is_read(xml: str) -> bool:
    try:
        read(io.BytesIO(xml.encode()), _Deaf())
    except NotTaken:
        return False
    return True


@pytest.mark.parametrize("written", ODD_ATTRIBUTES)
def test_an_ill_formed_name_or_namespace_is_not_read(written: str) -> None:
    xml = f'<vb:a xmlns:vb="urn:vb" {written}/>'
    assert not is_well_formed(xml)
    assert not _is_read(xml)


@pytest.mark.parametrize("written", [*PLAIN_ATTRIBUTES, 'xmlns:a="../x"', 'xml:id=" a "'])
def test_a_well_formed_namespace_is_read(written: str) -> None:
    assert _is_read(f"<a {written}/>")


@pytest.mark.parametrize("xml", ["<?a:b c?><a/>", "<a><?a:b?></a>", '<a xml:id="x"><b xml:id="x"/></a>'])
def test_an_instruction_with_a_colon_and_an_id_twice_are_not_read(xml: str) -> None:
    assert not is_well_formed(xml)
    assert not _is_read(xml)


def test_whatever_a_strict_parser_refuses_is_not_read() -> None:
    choose = Random(20261122)
    documents = {odd(choose) for _ in range(6_000)}
    taken = {xml for xml in documents if _is_read(xml)}
    assert [xml for xml in taken if not is_well_formed(xml)] == []
    assert len(taken) > 300
