"""Genuine signed files into which a stranger without any key put another document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from signing.cms.der import OBJECT_IDENTIFIER, OCTET_STRING, whole, wrapped
from tests.support.cms_making import attribute, digest_algorithm, draft, enveloping, octets, sequence
from tests.support.pdf_files import appended, paper
from tests.support.xml_signing import signed as signed_xml
from tests.support.zips import office, zipped

_SHA512 = wrapped(OBJECT_IDENTIFIER, bytes.fromhex("60864801650304 0203"))


def without_header(pdf: bytes) -> bytes:
    """The objects of a PDF, which some readers gather all the same."""
    return pdf[pdf.index(b"1 0 obj") :]


def _with_blanks(pdf: bytes) -> bytes:
    return without_header(pdf).replace(b" obj", b" %\n\0\x0c\nobj" + b" " * 600)


def _only(*parts: bytes) -> bytes:
    return b"\n" + b"\n".join(parts) + b"\n"


PDF = appended(b"%PDF-1.7\n", paper(), first=True)
"""In letters alone, so that it can stand in XML."""
DOCX = office()
OTHER_DOCUMENTS = {
    "a PDF": PDF,
    "a PDF without its header": without_header(PDF),
    "a PDF with a loose header": PDF.replace(b"%PDF-1.", b"%PDF 1."),
    "a PDF with comments and blanks in its objects": _with_blanks(PDF),
    "a PDF with its numbers joined": without_header(PDF).replace(b" 0 obj\n<<", b" 0obj%\r<<"),
    "a place to start in another": _only(b"startxref", b"15", b"%%EOF"),
    "a trailer for another": _only(b"trailer", b"<</Size 9/Root 3 0 R>>"),
    "an archive": zipped({"a.txt": b"Chi 5 ty"}),
    "the list of another archive": zipped({"a.txt": b"Chi 5 ty"})[-90:],
    "an end record for another": zipped({"a.txt": b"Chi 5 ty"})[-22:],
}


def _in_digest(document: bytes, content: bytes) -> bytes:
    own = digest_algorithm("sha256")
    return enveloping(draft(content=content), digests=[own, sequence(_SHA512, octets(document))])


def _in_digest_name(document: bytes, content: bytes) -> bytes:
    own = digest_algorithm("sha256")
    named = sequence(wrapped(OBJECT_IDENTIFIER, document))
    return enveloping(draft(content=content), digests=[own, named])


def _in_certificates(document: bytes, content: bytes) -> bytes:
    made = draft(content=content)
    bag = [made.who.certificate, *made.who.chain, wrapped(0xA1, octets(document))]
    return enveloping(made, certificates=bag)


def _in_lists(document: bytes, content: bytes) -> bytes:
    return enveloping(draft(content=content), lists=wrapped(0xA0, octets(document)))


def _in_attributes(document: bytes, content: bytes) -> bytes:
    added = attribute("1.2.3.4", octets(document))
    return enveloping(replace(draft(content=content), unsigned=lambda value: [added]))


def _in_ber(document: bytes, content: bytes) -> bytes:
    return streamed(_in_attributes(document, content))


CMS_PLACES: dict[str, Callable[[bytes, bytes], bytes]] = {
    "the parameters of a digest algorithm": _in_digest,
    "the name of a digest algorithm": _in_digest_name,
    "the certificates": _in_certificates,
    "the revocation lists": _in_lists,
    "an unsigned attribute": _in_attributes,
    "an unsigned attribute, in BER": _in_ber,
}


def _comment_before(document: bytes) -> bytes:
    return b"<!--" + document + b"-->" + signed_xml().encode()


def _comment_behind(document: bytes) -> bytes:
    return signed_xml().encode() + b"<!--" + document + b"-->"


def _deep_comment_before(document: bytes) -> bytes:
    return b"<!--" + b" " * 1016 + document + b"-->" + signed_xml().encode()


def _instruction_behind(document: bytes) -> bytes:
    return signed_xml().encode() + b"<?x " + document + b"?>"


def _comment_far_behind(document: bytes) -> bytes:
    """So that the first object begins at the end of the first chunk that is read."""
    genuine = signed_xml().encode()
    mark = (b"obj", b"startxref", b"trailer")
    first = min(at for each in mark if (at := document.find(each)) >= 0)
    blanks = (1 << 20) - len(genuine) - 4 - first - 1
    return genuine + b"<!--" + b" " * blanks + document + b"-->"


XML_PLACES: dict[str, Callable[[bytes], bytes]] = {
    "a comment before the root": _comment_before,
    "a comment at the end of the first kilobyte": _deep_comment_before,
    "a comment behind the root": _comment_behind,
    "a comment across two chunks": _comment_far_behind,
    "an instruction behind the root": _instruction_behind,
}


def streamed(contents: bytes, *, piece_bytes: int = 1_000) -> bytes:
    """A CMS file in BER as programs write it that do not know the length: open, its content in pieces."""
    kind, body = whole(contents, 0x30).members()
    version, digests, encapsulated, *rest = body.only(0x30).members()
    content_type, inside = encapsulated.members()
    content = inside.only(OCTET_STRING).content
    pieces = [octets(content[at : at + piece_bytes]) for at in range(0, max(1, len(content)), piece_bytes)]
    loose = _open(0x30, content_type.encoded, _open(0xA0, _open(0x24, *pieces)))
    others = (each.encoded for each in rest)
    return _open(
        0x30, kind.encoded, _open(0xA0, _open(0x30, version.encoded, digests.encoded, loose, *others))
    )


def _open(tag: int, *members: bytes) -> bytes:
    return bytes((tag, 0x80)) + b"".join(members) + b"\0\0"
