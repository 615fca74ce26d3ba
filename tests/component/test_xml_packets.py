"""edXML packets and other XML without a signature that proves anything; large ones; ones that are no XML."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from signing.errors import Unreadable
from signing.report import FacetState, Verdict
from signing.xml.verify import verify_xml
from tests.support.xml_packets import PACKET, golden, with_dialect, write_large
from tests.support.xml_signing import (
    C14N,
    ENVELOPED,
    Recipe,
    Ref,
    basis,
    codes,
    signed,
    transform,
    verdict_on,
)

_MEBIBYTE = 1024 * 1024
_MEASURE = """
import resource, sys
from pathlib import Path
from tests.support.xml_signing import basis
from signing.xml.verify import verify_xml
from tests.support.xml_signing import signed, verdict_on
verdict_on(signed(), Path(sys.argv[1]).parent)  # everything is loaded
before = resource.getrusage(resource.RUSAGE_SELF)
report = verify_xml(Path(sys.argv[1]), basis=basis())
after = resource.getrusage(resource.RUSAGE_SELF)
print(report.verdict, (after.ru_maxrss - before.ru_maxrss) * 1024, after.ru_utime - before.ru_utime)
"""


@pytest.mark.parametrize("name", ["java-new", "java-status-03", "dotnet-status-03"])
def test_a_packet_without_signature_is_unsigned(name: str, tmp_path: Path) -> None:
    report = verdict_on(golden(f"{name}.edxml"), tmp_path)
    assert (report.verdict, report.kind, report.warnings) == (Verdict.UNSIGNED, "edxml", ())


def test_the_empty_signature_of_a_dotnet_packet_is_none(tmp_path: Path) -> None:
    report = verdict_on(golden("dotnet-new.edxml"), tmp_path)
    assert report.verdict is Verdict.UNSIGNED
    assert [warning.code for warning in report.warnings] == ["edxml-signature-empty"]


@pytest.mark.parametrize("prefix", ["", "edXML:"])
def test_a_signature_in_the_dialect_of_packets_proves_nothing(prefix: str, tmp_path: Path) -> None:
    element = f"<{prefix}Signature><SignatureValue>AAAA</SignatureValue></{prefix}Signature>"
    for packet in (with_dialect(PACKET), with_dialect(PACKET, element)):
        report = verdict_on(packet, tmp_path)
        assert (report.verdict, report.kind) == (Verdict.INDETERMINATE, "edxml")
        assert codes(report) == ["edxml-dialect"]
        assert report.signatures[0].level == "edXML"
        assert report.signatures[0].field.startswith("edXML/edXML:edXMLEnvelope/edXML:edXMLHeader/")


def test_a_true_signature_over_the_whole_packet_passes(tmp_path: Path) -> None:
    sealed = signed(PACKET, into="//*[local-name()='edXMLHeader']")
    report = verdict_on(sealed, tmp_path)
    assert (report.verdict, report.kind) == (Verdict.TOTAL_PASSED, "edxml")


@pytest.mark.parametrize("part", ["edXMLEnvelope", "edXMLHeader", "edXMLBody", "AttachmentEncoded"])
def test_b12_a_signature_over_a_part_of_the_packet_does_not_pass(part: str, tmp_path: Path) -> None:
    named = re.sub(rf"<((?:edXML:)?{part})\b", r'<\1 Id="phan-1"', PACKET, count=1)
    report = verdict_on(signed(named, Recipe(refs=(Ref("#phan-1", transform(C14N)),))), tmp_path)
    assert (report.verdict, codes(report)) == (Verdict.INDETERMINATE, ["xml-part-only"])


def test_a_changed_attachment_breaks_the_signature_over_the_packet(tmp_path: Path) -> None:
    sealed = signed(PACKET, Recipe(refs=(Ref(transforms=transform(ENVELOPED)),)))
    report = verdict_on(sealed.replace("JVBERi0xLjcK", "JVBERi0xLjgK"), tmp_path)
    assert (report.verdict, codes(report)) == (Verdict.TOTAL_FAILED, ["altered"])


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_large_packet_takes_little_memory_and_time(is_signed: bool, tmp_path: Path) -> None:
    path = tmp_path / "large.edxml"
    write_large(signed(PACKET) if is_signed else PACKET, path, attachment_bytes=40 * _MEBIBYTE)
    measured = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    verdict, grown_bytes, seconds = measured.stdout.split()
    # What was added breaks the signature, which is only known after all of it was read.
    assert verdict == (Verdict.TOTAL_FAILED if is_signed else Verdict.UNSIGNED)
    assert int(grown_bytes) < path.stat().st_size // 2
    assert float(seconds) < 5


def test_xml_that_nobody_signed_may_be_of_any_size_and_depth(tmp_path: Path) -> None:
    for xml in ("<a>" * 3_000 + "</a>" * 3_000, f"<o>{'<a/>' * 300_001}</o>"):
        assert verdict_on(xml, tmp_path).verdict is Verdict.UNSIGNED


def test_an_element_that_is_only_called_signature_is_none(tmp_path: Path) -> None:
    report = verdict_on("<don><Signature>Nguyễn</Signature></don>", tmp_path)
    assert (report.verdict, report.kind) == (Verdict.UNSIGNED, "xml")


@pytest.mark.parametrize(
    "xml",
    [
        "<!DOCTYPE html><html><body><p>Signature: x</p></body></html>",
        '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "a" "b"><svg xmlns="http://www.w3.org/2000/svg"/>',
        "<x:so>Signature</x:so>",
    ],
)
def test_xml_that_is_not_taken_and_shows_no_signature_is_unsigned(xml: str, tmp_path: Path) -> None:
    assert verdict_on(xml, tmp_path).verdict is Verdict.UNSIGNED


@pytest.mark.parametrize(
    "hidden",
    [
        "<!DOCTYPE a><a><Signature/></a>",
        "<!DOCTYPE a><a><ds:Signature\nId='x'/></a>",
        "<!DOCTYPE a [<!ENTITY s '&#60;Sig&#110;ature/&#62;'>]><a>&s;</a>",
        '<a xmlns:="http://www.w3.org/2000/09/xmldsig#"/>',
        f"<!DOCTYPE a><a>{' ' * (256 * 1024 - 20)}<Signature/></a>",
    ],
)
def test_xml_that_is_not_taken_and_may_hold_a_signature_fails(hidden: str, tmp_path: Path) -> None:
    for xml in (hidden.encode(), hidden.encode("utf-16")):
        path = tmp_path / "document.xml"
        path.write_bytes(xml)
        assert verify_xml(path, basis=basis()).verdict is Verdict.TOTAL_FAILED


def test_xml_with_a_prefix_that_nothing_declares_cannot_be_judged(tmp_path: Path) -> None:
    report = verdict_on('<x:a xmlns="http://www.w3.org/2000/09/xmldsig#"/>', tmp_path)

    (signature,) = report.signatures
    assert (report.verdict, signature.codes) == (Verdict.INDETERMINATE, ("xml-prefix-undeclared",))
    assert signature.facets.integrity is FacetState.UNKNOWN


@pytest.mark.parametrize(
    "content", [b"", b"khong phai XML", b"<a>", b"<a/><b/>", b"\xff\xfe<\0a\0/\0>\0"[:5]]
)
def test_what_is_no_xml_and_shows_no_signature_cannot_be_read(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "document.xml"
    path.write_bytes(content)
    with pytest.raises(Unreadable):
        verify_xml(path, basis=basis())


def test_cut_and_flipped_bytes_never_pass_and_never_break(tmp_path: Path) -> None:
    good = signed().encode()
    for place in range(0, len(good), 29):
        flipped = bytearray(good)
        flipped[place] ^= 1 << place % 7
        for content in (bytes(flipped), good[:place]):
            assert _verdict(content, tmp_path) is not Verdict.TOTAL_PASSED


def _verdict(content: bytes, folder: Path) -> Verdict | None:
    try:
        return verdict_on(content, folder).verdict
    except Unreadable:
        return None
