"""Signatures by xmlsec1: what it makes, and what it says of ours."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from ops.dev.pki import Identity
from tests.support.xml_signing import XADES, authority

XMLSEC = shutil.which("xmlsec1")
# It has to be told which attributes are Ids, element by element.
_IDS = (
    *("--id-attr:Id", "urn:vn:van-ban:van-ban", "--id-attr:Id", "urn:vn:van-ban:noi-dung"),
    *("--id-attr:Id", f"{XADES}:SignedProperties"),
)
_PATIENCE_SECONDS = 30


def signed_by_xmlsec(template: str, identity: Identity, folder: Path) -> bytes:
    """Return a document whose signature element still lacks its values, with them."""
    (folder / "key.pem").write_bytes(identity.key_pem)
    names = []
    for number, certificate in enumerate((identity.certificate, *identity.chain)):
        names.append(str(folder / f"certificate-{number}.pem"))
        Path(names[-1]).write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "template.xml").write_text(template)
    key = ",".join([str(folder / "key.pem"), *names])
    made = folder / "made.xml"
    ran = _run("--sign", "--privkey-pem", key, "--output", str(made), *_IDS, str(folder / "template.xml"))
    assert ran.returncode == 0, ran.stderr
    return made.read_bytes()


def xmlsec_accepts(xml: bytes, folder: Path) -> bool:
    """Return whether xmlsec1 takes the first signature of a file, with the demo authority's root."""
    root, document = folder / "root.pem", folder / "judged.xml"
    root.write_bytes(authority().root.certificate.public_bytes(Encoding.PEM))
    document.write_bytes(xml)
    return _run("--verify", "--trusted-pem", str(root), *_IDS, str(document)).returncode == 0


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert XMLSEC is not None
    return subprocess.run(
        [XMLSEC, *arguments], capture_output=True, text=True, check=False, timeout=_PATIENCE_SECONDS
    )
