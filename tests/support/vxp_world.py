"""An exchange with two connected centres, and the packets their agencies send each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio

from adapters.edxml.packet import (
    Attachment,
    Business,
    DocumentHeader,
    Organ,
    ReplacementInfo,
    ResponseFor,
    StatusHeader,
    Trace,
    TraceHeaderList,
)
from adapters.edxml.write import document_packet, manifest_of, status_packet
from adapters.secrets import SecretBox
from gateway.domain.envelope import Dialect
from gateway.domain.model import AgencyCode, System, SystemId
from tests.support.api import Api, open_api
from tests.support.exchange import OTHER_RECIPIENT, RECIPIENT, SENDER
from tests.support.twins import SIGNED
from tests.support.vxp_client import JavaClient

FIRST, SECOND = "H26.test", "H26.other"
SECRETS = {FIRST: "s3cret-for-test", SECOND: "another-secret-for-test"}
RECIPIENT_102 = "000.00.01.H26"
"""The code of RECIPIENT in packets and lists."""
DOCUMENT_ID = "000.00.00.H26,2026/11/20,12/QĐ-UBND"


@dataclass
class TwoCentres:
    """Two centres on one exchange: SENDER behind the first, both RECIPIENTs behind the other."""

    api: Api
    box: SecretBox
    first: JavaClient
    second: JavaClient

    def client(self, system_id: str, secret: str) -> JavaClient:
        """Return another client of this exchange."""
        return JavaClient(self.api.url / "vxp", system_id, secret, self.api.world.clock)

    def document(self, **changes: Any) -> bytes:
        """Return a document packet from SENDER to RECIPIENT; `changes` are made to it."""
        return packet_of(self.api.world.folder, **changes)

    async def sent(self, **changes: Any) -> str:
        """Send a document packet and return its id."""
        answer = await self.first.send(self.document(**changes), by=SENDER)
        assert answer.is_ok, answer.content
        return str(answer.json["DocId"])

    async def arrived(self, **changes: Any) -> str:
        """Send a document packet and return the id of its one delivery."""
        await self.sent(**changes)
        return str((await self.second.waiting())[-1]["docId"])

    async def say(self, code: str, *, by: str = RECIPIENT_102, **changes: Any) -> str:
        """Send a status about the document, that must be taken, and return its id."""
        client = self.first if by == SENDER else self.second
        answer = await client.send(status_of(code, by=by, **changes), by=by, kind="status")
        assert answer.is_ok, answer.content
        return str(answer.json["DocId"])


def packet_of(
    folder: Path,
    *,
    sender: str = SENDER,
    to: Sequence[str] = (RECIPIENT_102,),
    document_id: str = DOCUMENT_ID,
    files: Sequence[tuple[str, bytes]] = (("Quyết định 12.pdf", SIGNED),),
    dialect: Dialect = Dialect.JAVA,
    doc_type: str = "0",
    about: str = "",
    **changes: Any,
) -> bytes:
    """Return a document packet; `changes` are made to its header, `about` names what an order changes."""
    is_replacement = doc_type == "3"
    business = Business(
        document_id="" if is_replacement else about or document_id,
        doc_type=doc_type,
        doc_reason="Văn bản điện tử mới" if doc_type == "0" else "Sai thể thức",
        replacements=(ReplacementInfo(document_id=about, organ_ids=tuple(to)),) if is_replacement else (),
    )
    header = DocumentHeader(
        sender=Organ(organ_id=sender, name="Ủy ban nhân dân thành phố"),
        recipients=tuple(Organ(organ_id=code, name=f"Cơ quan {code}") for code in to),
        document_id=document_id,
        code_number="12",
        code_notation="QĐ-UBND",
        promulgation_date="2026/11/20",
        type="1",
        type_name="Quyết định",
        subject="Về việc bảo đảm an toàn thông tin",
        trace=TraceHeaderList(
            version="1.0",
            traces=(Trace(organ_id=sender, timestamp="2026/11/20 08:30:00"),),
            business=business,
        ),
        manifest_version="1.0",
    )
    attachments = tuple(_attachment(folder, number, file) for number, file in enumerate(files, start=1))
    complete = msgspec.structs.replace(header, manifest=manifest_of(attachments), **changes)
    return b"".join(document_packet(complete, attachments, dialect=dialect))


def _attachment(folder: Path, number: int, file: tuple[str, bytes]) -> Attachment:
    path = folder / f"attachment-{number}"
    path.write_bytes(file[1])
    return Attachment(content_id=f"file-{number}", name=file[0], path=str(path), size_bytes=len(file[1]))


def status_of(
    code: str,
    *,
    by: str = RECIPIENT_102,
    at: str = SENDER,
    about: str = DOCUMENT_ID,
    description: str | None = None,
    timestamp: str = "2026/11/21 08:15:30",
) -> bytes:
    """Return a status packet of an agency to another one about a document."""
    header = StatusHeader(
        sender=Organ(organ_id=by, name=f"Cơ quan {by}"),
        response_for=ResponseFor(organ_id=at, code="12/QĐ-UBND", document_id=about),
        status_code=code,
        description=f"Văn thư: {code}" if description is None else description,
        timestamp=timestamp,
    )
    return status_packet(header, dialect=Dialect.JAVA)


async def connect(api: Api, box: SecretBox, system_id: str, *agencies: AgencyCode, **more: Any) -> JavaClient:
    """Connect a centre with these agencies behind it and return its client."""
    x = api.world.exchange
    secret = SECRETS[system_id]
    sealed = box.seal(secret, owner=system_id)
    system = System(SystemId(system_id), system_id, sealed, x.clock(), frozenset(agencies), **more)
    await x.systems.add(system)
    return JavaClient(api.url / "vxp", system_id, secret, api.world.clock)


@asynccontextmanager
async def open_two_centres(folder: Path, **limits: Any) -> AsyncIterator[TwoCentres]:
    """Open an exchange with two centres; `limits` replace the usual ones."""
    box = SecretBox(folder / "vxp-key")
    box.create_key()
    async with open_api(folder, **limits) as api:
        first = await connect(api, box, FIRST, SENDER)
        second = await connect(api, box, SECOND, RECIPIENT, OTHER_RECIPIENT)
        yield TwoCentres(api, box, first, second)


@pytest_asyncio.fixture
async def centres(tmp_path: Path) -> AsyncIterator[TwoCentres]:
    """Open a fresh exchange with two centres."""
    async with open_two_centres(tmp_path) as opened:
        yield opened
