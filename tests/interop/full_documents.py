"""Invented documents that use every element of their schema once.

Real messages fill a small part of what the standards allow; these fill the rest,
so that a comparison of schemas reaches all of it. They make no sense as messages.
"""

from typing import Final

_ADDRESS: Final = (
    '<Type V="PST"/><StreetAdr>Bakken 1</StreetAdr><PostalCode>1600</PostalCode>'
    '<City>Bakkeby</City><Postbox>7</Postbox><County V="3107"/><Country V="NO"/>'
)
_TELECOM: Final = '<TypeTelecom V="HP"/><TeleAddress V="tel:12345678"/>'
_IDENT: Final = '<Id>910001</Id><TypeId V="HER" S="2.16.578.1.12.4.1.1.9051" DN="HER-id" OT="x"/>'
_REACH: Final = f"<Address>{_ADDRESS}</Address><TeleCom>{_TELECOM}</TeleCom>"
_DATA: Final = '<DateOfBirth>1980-02-03</DateOfBirth><Sex V="1"/><Nationality V="NO"/>'
_FAMILY_FIRST: Final = (
    "<FamilyName>Myr</FamilyName><MiddleName>Li</MiddleName><GivenName>Ask</GivenName>"
)
_GIVEN_FIRST: Final = (
    "<GivenName>Ask</GivenName><MiddleName>Li</MiddleName><FamilyName>Myr</FamilyName>"
)
_PERSON: Final = f"{_FAMILY_FIRST}{_DATA}<Ident>{_IDENT}</Ident>{_REACH}"
_PROFESSIONAL: Final = f'<TypeHealthcareProfessional V="LE"/><RoleToPatient V="6"/>{_PERSON}'
_ORGANISATION: Final = (
    '<OrganisationName>Bakkeby kommune</OrganisationName><TypeOrganisation V="1" S="1.2"/>'
    f"<Ident>{_IDENT}</Ident>{_REACH}"
    f"<Organisation><OrganisationName>Hjemmetjenesten</OrganisationName><Ident>{_IDENT}</Ident>"
    f"<HealthcareProfessional>{_PROFESSIONAL}</HealthcareProfessional></Organisation>"
)
_DOCUMENT: Final = (
    '<DocumentConnection V="H"/><ContentType V="1"/><ContentDescription>d</ContentDescription>'
    '<ContentCategory V="1"/><Consent V="1"/><Annotation>a</Annotation><FromDate V="2026"/>'
    '<ToDate V="2026-02-03T04:05:06Z"/><OidRef>1.2.3</OidRef><EnquiryRefId>e</EnquiryRefId>'
)
_REF: Final = (
    '<IssueDate V="2026-02-03"/><MsgType V="XML"/><Id>i</Id><MimeType>text/xml</MimeType>'
    '<Description>d</Description><Compression V="GZ"/>'
)

SIGNATURE: Final = (
    '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="s1"><ds:SignedInfo Id="s2">'
    '<ds:CanonicalizationMethod Algorithm="urn:c14n"/>'
    '<ds:SignatureMethod Algorithm="urn:rsa"><ds:HMACOutputLength>256</ds:HMACOutputLength>'
    "</ds:SignatureMethod>"
    '<ds:Reference URI="" Id="s3" Type="urn:t"><ds:Transforms><ds:Transform Algorithm="urn:xpath">'
    '<ds:XPath>true()</ds:XPath></ds:Transform><ds:Transform Algorithm="urn:c14n"/></ds:Transforms>'
    '<ds:DigestMethod Algorithm="urn:sha256"/><ds:DigestValue>aGVp</ds:DigestValue></ds:Reference>'
    '</ds:SignedInfo><ds:SignatureValue Id="s4">aGVp</ds:SignatureValue><ds:KeyInfo Id="s5">'
    "<ds:KeyName>k</ds:KeyName><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>aGVp</ds:Modulus>"
    "<ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"
    "<ds:KeyValue><ds:DSAKeyValue><ds:P>aGVp</ds:P><ds:Q>aGVp</ds:Q><ds:G>aGVp</ds:G><ds:Y>aGVp</ds:Y>"
    "<ds:J>aGVp</ds:J><ds:Seed>aGVp</ds:Seed><ds:PgenCounter>aGVp</ds:PgenCounter></ds:DSAKeyValue>"
    '</ds:KeyValue><ds:RetrievalMethod URI="#x" Type="urn:t"><ds:Transforms>'
    '<ds:Transform Algorithm="urn:c14n"/></ds:Transforms></ds:RetrievalMethod><ds:X509Data>'
    "<ds:X509IssuerSerial><ds:X509IssuerName>CN=x</ds:X509IssuerName>"
    "<ds:X509SerialNumber>17</ds:X509SerialNumber></ds:X509IssuerSerial><ds:X509SKI>aGVp</ds:X509SKI>"
    "<ds:X509SubjectName>CN=y</ds:X509SubjectName><ds:X509Certificate>aGVp</ds:X509Certificate>"
    "<ds:X509CRL>aGVp</ds:X509CRL></ds:X509Data><ds:PGPData><ds:PGPKeyID>aGVp</ds:PGPKeyID>"
    "<ds:PGPKeyPacket>aGVp</ds:PGPKeyPacket></ds:PGPData><ds:SPKIData><ds:SPKISexp>aGVp</ds:SPKISexp>"
    "</ds:SPKIData><ds:MgmtData>m</ds:MgmtData></ds:KeyInfo>"
    '<ds:Object Id="s6" MimeType="text/xml" Encoding="urn:e"><ds:Manifest Id="s7"><ds:Reference>'
    '<ds:DigestMethod Algorithm="urn:sha256"/><ds:DigestValue>aGVp</ds:DigestValue></ds:Reference>'
    '</ds:Manifest><ds:SignatureProperties Id="s8"><ds:SignatureProperty Target="#x" Id="s9">'
    '<other xmlns="urn:o"/></ds:SignatureProperty></ds:SignatureProperties>'
    "</ds:Object></ds:Signature>"
)


def _fk1(tag: str, content: str) -> str:
    inner = content.replace("<", "<fk1:").replace("<fk1:/", "</fk1:")
    return f"<{tag}>{inner}</{tag}>"


def _dialogue(namespace: str, *, newer: bool) -> str:
    reach = _fk1("Ident", _IDENT) + _fk1("Address", _ADDRESS) + _fk1("TeleCom", _TELECOM)
    professional = (
        '<HealthcareProfessional><TypeHealthcareProfessional V="SP"/><RoleToPatient V="24"/>'
        f"{_FAMILY_FIRST}{_DATA}{reach}</HealthcareProfessional>"
    )
    person = f"<Person>{_GIVEN_FIRST}{_DATA}{reach}</Person>"
    unit = (
        "<TilknyttetEnhet>"
        + _fk1(
            "Kontaktenhet",
            '<TypeOrganisation V="1"/><OrganisationName>Enhet</OrganisationName>'
            f"<Ident>{_IDENT}</Ident>{_REACH}<Organisation><OrganisationName>Under"
            f"</OrganisationName><Ident>{_IDENT}</Ident></Organisation>",
        )
        + f"<Merknad>m</Merknad>{person}</TilknyttetEnhet>"
    )
    roles = (
        f'<RollerRelatertNotat><RolleNotat V="1"/><RoleToPatient V="6"/>{unit if newer else ""}'
        f"{professional}</RollerRelatertNotat><RollerRelatertNotat>{person}</RollerRelatertNotat>"
    )
    question = (
        '<Foresporsel><TypeForesp V="99" S="1.2" DN="d"/>'
        + ("<EmneSporsmal>e</EmneSporsmal>" if newer else "")
        + '<Sporsmal>Hva?</Sporsmal><Formål V="1"/><Begrunnelse>b</Begrunnelse><Hastegrad V="1"/>'
        "<FraDato>2026-02-03</FraDato><TilDato>2026-02-04</TilDato>"
        + '<TypeJournalinfo V="1"/>' * (2 if newer else 1)
        + ('<KodetOpplysning V="1"/>' if newer else "")
        + f"<DokIdForesp>i</DokIdForesp>{roles}</Foresporsel>"
    )
    note = (
        '<Notat><TemaKodet V="5"/><Tema>t</Tema><TekstNotatInnhold>Svar</TekstNotatInnhold>'
        "<Merknad>m</Merknad><DokIdNotat>i</DokIdNotat><DatoNotat>2026-02-03</DatoNotat>"
        f"{question}{roles}</Notat>"
    )
    head = (
        f'<Dialogmelding xmlns="{namespace}" xmlns:fk1="http://www.kith.no/xmlstds/felleskomponent1">'
        '<SakstypeKodet V="1"/><Sakstype>s</Sakstype>'
    )
    return f"{head}{note}</Dialogmelding>{head}{question}{question}</Dialogmelding>"


def _message(content: str) -> bytes:
    return (
        '<MsgHead xmlns="http://www.kith.no/xmlstds/msghead/2006-05-24"><MsgInfo>'
        '<Type V="T" DN="t"/>'
        "<MIGversion>v1.2 2006-05-24</MIGversion><GenDate>2026-02-03T04:05:06</GenDate>"
        '<MsgId>m</MsgId><ProcessingStatus V="P"/><RequestedPriority V="N"/><Ack V="J"/>'
        "<ConversationRef><RefToParent>p</RefToParent><RefToConversation>c</RefToConversation>"
        '</ConversationRef><Sender><ComMethod V="EDI"/>'
        f"<Organisation>{_ORGANISATION}</Organisation></Sender>"
        '<Receiver><ComMethod V="EDI"/><Organisation/></Receiver>'
        f'<OtherReceiver><ComMethod V="PST"/><RoleReceiver V="COP"/><Person>{_PERSON}</Person>'
        f'</OtherReceiver><OtherReceiver><RoleReceiver V="COP"/><Patient>{_PERSON}</Patient>'
        '</OtherReceiver><OtherReceiver><RoleReceiver V="COP"/><HealthcareProfessional>'
        f"{_PROFESSIONAL}</HealthcareProfessional></OtherReceiver>"
        '<OtherReceiver><RoleReceiver V="COP"/><Organisation/></OtherReceiver>'
        f"<Patient>{_PERSON}</Patient></MsgInfo>"
        f"<Document>{_DOCUMENT}<RefDoc>{_REF}<Content>{content}</Content></RefDoc></Document>"
        f"<Document><RefDoc>{_REF}<FileReference>cid:x</FileReference></RefDoc></Document>"
        "<Document><RefDoc><MsgType/><Content>"
        '<Base64Container xmlns="http://www.kith.no/xmlstds/base64container">aGVp</Base64Container>'
        f"</Content></RefDoc></Document>{SIGNATURE}</MsgHead>"
    ).encode()


def _reports() -> bytes:
    whole = _message("").decode()
    start, end = whole.index("<Document>"), whole.index("<ds:Signature")
    report = (
        f'<PatientReport><DocumentConnection V="H"/><CaseNo>1</CaseNo>{whole[start:end]}'
        f"<Patient>{_PERSON}</Patient></PatientReport>"
    )
    return (whole[:start] + report * 2 + "</MsgHead>").encode()


def _apprec(namespace: str, migversion: str) -> bytes:
    more = '<AdditionalId><Id>i</Id><Type V="HER" DN="HER-id"/></AdditionalId>'
    named = f'<Name>n</Name><Id>1</Id><TypeId V="HER"/>{more}'
    address = (
        '<MedSpeciality V="1" S="1.2"/><Address><Type V="PST"/><StreetAdr>s</StreetAdr>'
        '<PostalCode>1600</PostalCode><City>c</City><County V="1"/><Country V="NO"/>'
        '<CityDistr V="1"/><TeleAddress V="tel:1"/><TeleAddress V="tel:2"/></Address>'
    )
    return (
        f'<AppRec xmlns="{namespace}"><MsgType V="APPREC" DN="d"/>'
        f"<MIGversion>{migversion}</MIGversion><SoftwareName>s</SoftwareName>"
        "<SoftwareVersion>1</SoftwareVersion><GenDate>2026-02-03T04:05:06Z</GenDate><Id>i</Id>"
        '<Sender><Role V="PRIM"/><HCP><Inst><Name>n</Name><Id>1</Id><TypeId V="HER"/>'
        f'<Dept><Type V="1"/>{named}</Dept><Dept/>{more}{more}<HCPerson>{named}</HCPerson></Inst>'
        f'{address}</HCP></Sender><Receiver><Role V="AVS"/><HCP><HCProf><Type V="LE"/>{named}'
        '</HCProf></HCP></Receiver><Status V="2" DN="Avvist"/>'
        '<Error V="T99" S="2.16.578.1.12.4.1.1.8221" DN="d" OT="o"/><Error V="E21"/>'
        '<OriginalMsgId><MsgType V="DIALOG_SVAR"/><IssueDate>2026-02-03T04:05:06</IssueDate>'
        "<Id>o</Id></OriginalMsgId></AppRec>"
    ).encode()


def _envelope(blocks: str, body: str) -> bytes:
    return (
        '<SOAP:Envelope xmlns:SOAP="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" '
        'xmlns:eb="http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd">'
        '<SOAP:Header><eb:MessageHeader SOAP:mustUnderstand="1" eb:version="2.0" eb:id="e1">'
        '<eb:From><eb:PartyId eb:type="HER">1</eb:PartyId><eb:PartyId>urn:x</eb:PartyId>'
        "<eb:Role>r</eb:Role></eb:From><eb:To><eb:PartyId>2</eb:PartyId></eb:To>"
        "<eb:CPAId>c</eb:CPAId><eb:ConversationId>v</eb:ConversationId>"
        '<eb:Service eb:type="string">s</eb:Service><eb:Action>a</eb:Action><eb:MessageData>'
        "<eb:MessageId>m</eb:MessageId><eb:Timestamp>2026-02-03T04:05:06Z</eb:Timestamp>"
        "<eb:RefToMessageId>r</eb:RefToMessageId><eb:TimeToLive>2026-02-04T04:05:06</eb:TimeToLive>"
        '</eb:MessageData><eb:DuplicateElimination/><eb:Description xml:lang="no">d'
        '</eb:Description><eb:Description xml:lang="en">d</eb:Description><other xmlns="urn:o"/>'
        f"</eb:MessageHeader>{blocks}{SIGNATURE}</SOAP:Header><SOAP:Body>{body}</SOAP:Body>"
        "</SOAP:Envelope>"
    ).encode()


_HEADER_BLOCK: Final = 'SOAP:mustUnderstand="1" eb:version="2.0"'
_MANIFEST: Final = (
    '<eb:Manifest eb:version="2.0" eb:id="b1"><eb:Reference xlink:type="simple" xlink:href="cid:x" '
    'xlink:role="urn:r" eb:id="b2"><eb:Schema eb:location="urn:l" eb:version="1"/>'
    '<eb:Description xml:lang="no">d</eb:Description><other xmlns="urn:o"/></eb:Reference>'
    '<eb:Reference xlink:href="cid:y" xlink:title="t" xlink:show="none"/><other xmlns="urn:o"/>'
    "</eb:Manifest>"
)
_ACK_REFERENCE: Final = (
    '<ds:Reference xmlns:ds="http://www.w3.org/2000/09/xmldsig#" URI="">'
    '<ds:DigestMethod Algorithm="urn:sha256"/><ds:DigestValue>aGVp</ds:DigestValue></ds:Reference>'
)

DOCUMENTS: Final[dict[str, bytes]] = {
    "full message with dialogue 1.0": _message(
        _dialogue("http://www.kith.no/xmlstds/dialog/2006-10-11", newer=False)
    ),
    "full message with dialogue 1.1": _message(
        _dialogue("http://www.kith.no/xmlstds/dialog/2013-01-23", newer=True)
    ),
    "full patient report": _reports(),
}
RECEIPTS: Final[dict[str, bytes]] = {
    "full receipt 1.0": _apprec("http://www.kith.no/xmlstds/apprec/2004-11-21", "1.0 2004-11-21"),
    "full receipt 1.1": _apprec("http://www.kith.no/xmlstds/apprec/2012-02-15", "v1.1 2012-02-15"),
}
ENVELOPES: Final[dict[str, bytes]] = {
    "full payload envelope": _envelope(
        f'<eb:AckRequested {_HEADER_BLOCK} SOAP:actor="urn:a" eb:signed="true"/>'
        f'<eb:SyncReply {_HEADER_BLOCK} SOAP:actor="urn:a"/><eb:MessageOrder {_HEADER_BLOCK}>'
        '<eb:SequenceNumber eb:status="Reset">0</eb:SequenceNumber></eb:MessageOrder>',
        _MANIFEST,
    ),
    "full acknowledgment": _envelope(
        f'<eb:Acknowledgment {_HEADER_BLOCK} SOAP:actor="urn:a">'
        "<eb:Timestamp>2026-02-03T04:05:06Z</eb:Timestamp><eb:RefToMessageId>r</eb:RefToMessageId>"
        f"<eb:From><eb:PartyId>2</eb:PartyId></eb:From>{_ACK_REFERENCE}{_ACK_REFERENCE}"
        "</eb:Acknowledgment>",
        "",
    ),
    "full error list": _envelope(
        f'<eb:ErrorList {_HEADER_BLOCK} eb:highestSeverity="Error"><eb:Error eb:id="x1" '
        'eb:codeContext="urn:c" eb:errorCode="e" eb:severity="Warning" eb:location="l">'
        '<eb:Description xml:lang="no">d</eb:Description><other xmlns="urn:o"/></eb:Error>'
        '<eb:Error eb:errorCode="e" eb:severity="Error"/><other xmlns="urn:o"/></eb:ErrorList>',
        '<eb:StatusResponse eb:version="2.0" eb:messageStatus="Received">'
        "<eb:RefToMessageId>r</eb:RefToMessageId><eb:Timestamp>2026-02-03T04:05:06Z</eb:Timestamp>"
        '</eb:StatusResponse><eb:StatusRequest eb:version="2.0">'
        "<eb:RefToMessageId>r</eb:RefToMessageId></eb:StatusRequest>"
        "<SOAP:Fault><faultcode>SOAP:Client</faultcode><faultstring>f</faultstring>"
        "<faultactor>urn:a</faultactor><detail><x/></detail></SOAP:Fault>",
    ),
}
