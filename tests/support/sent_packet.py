"""A packet that an agency of the test exchange sends."""

from __future__ import annotations

import base64

from adapters.edxml.packet import NAMESPACE
from tests.support.exchange import SENDER
from tests.support.twins import SIGNED

PACKET = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="{NAMESPACE}">
  <edXML:edXMLEnvelope xmlns:edXML="{NAMESPACE}">
    <edXML:edXMLHeader>
      <edXML:MessageHeader>
        <edXML:From><edXML:OrganId>{SENDER}</edXML:OrganId></edXML:From>
        <edXML:To><edXML:OrganId>000.00.01.H26</edXML:OrganId></edXML:To>
        <edXML:DocumentId>{SENDER},2026,7</edXML:DocumentId>
        <edXML:Code><edXML:CodeNumber>7</edXML:CodeNumber><edXML:CodeNotation>UBND</edXML:CodeNotation></edXML:Code>
        <edXML:PromulgationInfo>
          <edXML:Place>Hà Nội</edXML:Place><edXML:PromulgationDate>2026/11/20</edXML:PromulgationDate>
        </edXML:PromulgationInfo>
        <edXML:Subject>Về việc nghỉ lễ</edXML:Subject>
      </edXML:MessageHeader>
      <edXML:TraceHeaderList>
        <edXML:TraceHeader>
          <edXML:OrganId>{SENDER}</edXML:OrganId><edXML:Timestamp>2026/11/21 08:00:00</edXML:Timestamp>
        </edXML:TraceHeader>
        <edXML:Bussiness><edXML:BussinessDocType>0</edXML:BussinessDocType></edXML:Bussiness>
      </edXML:TraceHeaderList>
    </edXML:edXMLHeader>
    <edXML:edXMLBody>
      <edXML:edXMLManifest version="1.0">
        <edXML:Reference>
          <edXML:ContentId>cid:1</edXML:ContentId><edXML:AttachmentName>7.pdf</edXML:AttachmentName>
        </edXML:Reference>
      </edXML:edXMLManifest>
    </edXML:edXMLBody>
  </edXML:edXMLEnvelope>
  <AttachmentEncoded>
    <Attachment>
      <ContentId>cid:1</ContentId><AttachmentName>7.pdf</AttachmentName>
      <ContentType>application/pdf</ContentType>
      <ContentTransferEncoded>{base64.b64encode(SIGNED).decode()}</ContentTransferEncoded>
    </Attachment>
  </AttachmentEncoded>
</edXML>
"""
"""A packet from the sender agency to one recipient, as the Java SDK writes it."""
