"""Small valid documents of each kind for the schema check, and ways to spoil them."""

from collections.abc import Callable

import pytest
from lxml import etree

from gateway.codecs.schema import check_apprec, check_document, check_envelope
from gateway.codecs.xml import parse_untrusted
from gateway.errors import MalformedMessage
from tests.interop.full_documents import DOCUMENTS, ENVELOPES, RECEIPTS

MSGHEAD = "http://www.kith.no/xmlstds/msghead/2006-05-24"

QUESTION = """\
<MsgHead xmlns="http://www.kith.no/xmlstds/msghead/2006-05-24">
 <MsgInfo>
  <Type V="DIALOG_FORESPORSEL" DN="Forespørsel"/>
  <MIGversion>v1.2 2006-05-24</MIGversion>
  <GenDate>2026-03-02T09:15:30+01:00</GenDate>
  <MsgId>6f2b8a34-8a53-4d6a-9f0e-0c7b5f1a9d11</MsgId>
  <Sender><Organisation><OrganisationName>Bakkeby kommune</OrganisationName>
   <Ident><Id>910001</Id><TypeId V="HER" S="2.16.578.1.12.4.1.1.9051" DN="HER-id"/></Ident>
  </Organisation></Sender>
  <Receiver><Organisation/></Receiver>
  <Patient><FamilyName>Myr</FamilyName><GivenName>Ask</GivenName>
   <DateOfBirth>1980-02-03</DateOfBirth><Sex V="1" DN="Mann"/></Patient>
 </MsgInfo>
 <Document><RefDoc><MsgType V="XML" DN="XML-instans"/><Content>
  <Dialogmelding xmlns="http://www.kith.no/xmlstds/dialog/2006-10-11">
   <Foresporsel>
    <TypeForesp V="99" S="2.16.578.1.12.4.1.1.9152" DN="Annet"/>
    <Sporsmal>Hvor mye skal hun ha?</Sporsmal>
   </Foresporsel>
  </Dialogmelding>
 </Content></RefDoc></Document>
</MsgHead>
"""

NOTE = (
    QUESTION[: QUESTION.index("<Foresporsel>")]
    + '<Notat><TemaKodet V="5"/><TekstNotatInnhold>Ja</TekstNotatInnhold>'
    + "<DatoNotat>2026-03-02Z</DatoNotat></Notat>"
    + QUESTION[QUESTION.index("</Dialogmelding>") :]
)

RECEIPT = """\
<AppRec xmlns="http://www.kith.no/xmlstds/apprec/2004-11-21">
 <MsgType V="APPREC"/><MIGversion>1.0 2004-11-21</MIGversion>
 <GenDate>2026-03-02T09:20:00+01:00</GenDate><Id>17</Id>
 <Sender><HCP><Inst><Name>Bakkeby sykehus</Name></Inst></HCP></Sender>
 <Receiver><HCP><Inst/></HCP></Receiver>
 <Status V="1" DN="OK"/>
 <OriginalMsgId><MsgType V="DIALOG_FORESPORSEL"/><IssueDate>2026-03-02T09:15:30+01:00</IssueDate>
  <Id>6f2b8a34-8a53-4d6a-9f0e-0c7b5f1a9d11</Id></OriginalMsgId>
</AppRec>
"""

ENVELOPE = """\
<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:eb="http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd">
 <S:Header>
  <eb:MessageHeader S:mustUnderstand="1" eb:version="2.0">
   <eb:From><eb:PartyId eb:type="HER">910001</eb:PartyId></eb:From>
   <eb:To><eb:PartyId eb:type="HER">920002</eb:PartyId></eb:To>
   <eb:CPAId>c1</eb:CPAId><eb:ConversationId>v1</eb:ConversationId>
   <eb:Service eb:type="string">S-DIALOG_FORESPORSEL</eb:Service>
   <eb:Action>DIALOG_FORESPORSEL</eb:Action>
   <eb:MessageData><eb:MessageId>m1</eb:MessageId>
    <eb:Timestamp>2026-03-02T08:15:30Z</eb:Timestamp></eb:MessageData>
   <eb:Description xml:lang="no">{}</eb:Description>
  </eb:MessageHeader>
  <eb:AckRequested S:mustUnderstand="1" eb:version="2.0" eb:signed="true"/>
 </S:Header>
 <S:Body><eb:Manifest eb:version="2.0">
  <eb:Reference xlink:type="simple" xlink:href="cid:p1">
   <eb:Schema eb:location="urn:x" eb:version="1.1"/></eb:Reference>
 </eb:Manifest></S:Body>
</S:Envelope>
"""

VALID = [
    pytest.param(body, check, id=name)
    for documents, check in (
        ({"question": QUESTION.encode(), **DOCUMENTS}, check_document),
        ({"receipt": RECEIPT.encode(), **RECEIPTS}, check_apprec),
        ({"envelope": ENVELOPE.encode(), **ENVELOPES}, check_envelope),
    )
    for name, body in documents.items()
]


def damaged(document: str, old: str, new: str) -> str:
    assert document.count(old) >= 1, old
    return document.replace(old, new, 1)


def refusal(document: str, check: Callable[[etree._Element], object]) -> MalformedMessage:
    with pytest.raises(MalformedMessage) as caught:
        check(parse_untrusted(document.encode()))
    return caught.value


def told(error: MalformedMessage) -> str:
    return " ".join([str(error), error.detail, *(f"{f.where} {f.detail}" for f in error.faults)])
