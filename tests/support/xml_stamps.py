"""Time-stamp tokens over the values of XML signatures."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime

from asn1crypto import keys as asn1_keys  # type: ignore[import-untyped]
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.support.xml_signing import NOW, authority


def time_stamp(value: bytes, *, at: datetime = NOW) -> bytes:
    """Return a token of the demo authority over some bytes, in DER."""
    stamper = authority().time_stamper
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    certificates = [
        asn1_x509.Certificate.load(each.public_bytes(Encoding.DER))
        for each in (stamper.certificate, *stamper.chain)
    ]
    store.register_multiple(certificates)
    key = stamper.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    dummy = DummyTimeStamper(
        tsa_cert=certificates[0],
        tsa_key=asn1_keys.PrivateKeyInfo.load(key),
        certs_to_embed=store,
        fixed_dt=at,
        include_nonce=False,
    )
    token: bytes = asyncio.run(dummy.async_timestamp(hashlib.sha256(value).digest(), "sha256")).dump()
    return token
