"""edXML packets with signatures of their own: real ones, and those of the dialect."""

from __future__ import annotations

from pathlib import Path

_GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "edxml"

DIALECT = (
    "<Signature><SignedInfo>"
    '<CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>'
    '<SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"/>'
    '<Reference URI=""><Transforms>'
    '<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/></Transforms>'
    '<DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/>'
    "<DigestValue>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</DigestValue></Reference></SignedInfo>"
    "<SignatureValue>AAAA</SignatureValue>"
    "<KeyInfo><X509Data><X509SubjectName>CN=x</X509SubjectName></X509Data></KeyInfo></Signature>"
)


def golden(name: str) -> str:
    """A packet as our writer makes it."""
    return (_GOLDEN / name).read_text()


def _named(packet: str) -> str:
    packet = packet.replace("<edXML xmlns=", '<edXML Id="goi-1" xmlns=')
    return packet.replace("Thông báo số 12.pdf", "Thu 100 dong.pdf")


PACKET = _named(golden("java-new.edxml"))
"""A packet whose root has the Id `goi-1`."""


def with_dialect(packet: str, element: str = DIALECT) -> str:
    """The packet with a signature element in its header, where the SDK writes it."""
    return packet.replace("</edXML:edXMLHeader>", f"{element}</edXML:edXMLHeader>")


def write_large(packet: str, path: Path, *, attachment_bytes: int) -> None:
    """Write the packet with one more attachment, its base64 in lines; nothing of it is kept in memory."""
    before, behind = packet.split("</AttachmentEncoded>")
    line = b"QUJD" * 19 + b"\n"
    with path.open("wb") as target:
        target.write(before.encode() + b"<Attachment><edXML:C xmlns:edXML='urn:c'>")
        for _ in range(attachment_bytes // len(line) // 1000):
            target.write(line * 1000)
        target.write(b"</edXML:C></Attachment></AttachmentEncoded>" + behind.encode())
