"""The schema check: what passes, what is refused, and that no refusal repeats the document."""

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from gateway.codecs.schema import (
    ENTRY_POINTS,
    MAX_FAULTS,
    SchemaSet,
    check_apprec,
    check_document,
    check_envelope,
)
from gateway.codecs.xml import parse_untrusted
from gateway.errors import ConfigurationError, MalformedMessage, TooLarge
from tests.interop.full_documents import DOCUMENTS, ENVELOPES, RECEIPTS
from tests.mutations import mutate

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


@pytest.mark.parametrize(("document", "check"), VALID)
def test_a_valid_document_passes(
    document: bytes, check: Callable[[etree._Element], object]
) -> None:
    check(parse_untrusted(document))


BLANKS_AROUND = [
    pytest.param("{} ", id="blank after"),
    pytest.param("\n\t    {}\r\n  ", id="on a line of its own"),
    pytest.param(" <!-- a --> {}<!-- b -->\n", id="beside comments"),
]
DATED = [
    pytest.param(QUESTION, "2026-03-02T09:15:30+01:00", check_document, id="GenDate"),
    pytest.param(QUESTION, "1980-02-03", check_document, id="DateOfBirth"),
    pytest.param(NOTE, "2026-03-02Z", check_document, id="DatoNotat"),
    pytest.param(RECEIPT, "2026-03-02T09:15:30+01:00", check_apprec, id="IssueDate of an AppRec"),
    pytest.param(ENVELOPE, "2026-03-02T08:15:30Z", check_envelope, id="Timestamp of an envelope"),
]


@pytest.mark.parametrize("blanks", BLANKS_AROUND)
@pytest.mark.parametrize(("document", "date", "check"), DATED)
def test_blanks_around_a_date_are_no_fault_and_stay(
    document: str, date: str, check: Callable[[etree._Element], object], blanks: str
) -> None:
    """XML Schema part 2 §4.3.6: white space collapses in every type but xs:string."""
    root = parse_untrusted(damaged(document, date, blanks.format(date)).encode())
    before = etree.tostring(root)

    check(root)

    assert etree.tostring(root) == before


@pytest.mark.parametrize(
    "date", ["2026-02-30", "03.02.1980", "1980 -02-03", "", "x", "\u00a01980-02-03"]
)
def test_a_wrong_date_with_blanks_around_it_is_refused(date: str) -> None:
    (fault,) = refusal(damaged(QUESTION, "1980-02-03", f" {date}\n"), check_document).faults

    assert fault.where == "/MsgHead/MsgInfo/Patient/DateOfBirth (line 12)"


def test_a_fault_beside_a_date_with_blanks_is_told_alone_and_in_its_place() -> None:
    document = damaged(damaged(QUESTION, "1980-02-03", " 1980-02-03\n"), '<Sex V="1"', "<Sex X=''")

    faults = refusal(f"<wrapper>{document}</wrapper>", lambda root: check_document(root[0])).faults

    assert [fault.where for fault in faults] == ["/*/MsgHead/MsgInfo/Patient/Sex/@* (line 13)"]


@pytest.mark.parametrize(
    ("old", "new", "where", "detail"),
    [
        pytest.param(
            "<MIGversion>v1.2 2006-05-24</MIGversion>", "", "/MsgInfo/GenDate",
            "not expected here; expected: MIGversion", id="element dropped",
        ),
        pytest.param(
            "<Receiver><Organisation/></Receiver>", "<Receiver/>", "/MsgInfo/Receiver",
            "child element is absent; expected: ComMethod, Organisation", id="child dropped",
        ),
        pytest.param(
            '<Sex V="1" DN="Mann"/>', '<Sex V="1"/><Sex V="1"/>', "/Patient/Sex[2]",
            "not expected here", id="element doubled",
        ),
        pytest.param(
            "<FamilyName>Myr</FamilyName><GivenName>Ask</GivenName>",
            "<GivenName>Ask</GivenName><FamilyName>Myr</FamilyName>", "/Patient/FamilyName",
            "not expected here", id="siblings swapped",
        ),
        pytest.param(
            "Sporsmal>", "Spørsmål>", "/Foresporsel/*", "not expected here", id="renamed",
        ),
        pytest.param(
            "dialog/2006-10-11", "dialog/2007-10-11", "/Content/Dialogmelding",
            "no schema declares", id="unknown namespace in Content",
        ),
        pytest.param(
            "2026-03-02T09:15:30+01:00", "2. mars 2026", "/MsgInfo/GenDate",
            "not of the type xs:dateTime", id="text of the wrong type",
        ),
        pytest.param(
            "1980-02-03", "1980-2-3", "/Patient/DateOfBirth", "xs:date", id="one-digit month",
        ),
        pytest.param(
            "v1.2 2006-05-24", "v1.1 2006-02-15", "/MsgInfo/MIGversion", "not the fixed one",
            id="another MIGversion",
        ),
        pytest.param(
            'S="2.16.578.1.12.4.1.1.9051"', 'S="HER-id"', "/Ident/TypeId/@S",
            "does not follow the pattern", id="attribute of the wrong type",
        ),
        pytest.param(
            '<Sex V="1"', '<Sex S="1.2" V="1"', "/Patient/Sex/@S", "attribute is not allowed",
            id="attribute added",
        ),
        pytest.param(
            '<Sex V="1"', '<Sex Olsen="1"', "/Patient/Sex/@*", "attribute is not allowed",
            id="unknown attribute",
        ),
        pytest.param(
            "<MsgInfo>", "<MsgInfo>Hei", "/MsgHead/MsgInfo", "only child elements", id="stray text",
        ),
        pytest.param(
            "<Ident><Id>910001</Id>", "<Ident>", "/Ident/TypeId", "expected: Id", id="no Id",
        ),
        pytest.param(
            "<Sporsmal>Hvor", "<Sporsmal><b/>Hvor", "/Foresporsel/Sporsmal",
            "may not have child elements", id="markup in plain text",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_place_and_rule(old: str, new: str, where: str, detail: str) -> None:
    document = QUESTION.replace(old, new)

    first = refusal(document, check_document).faults[0]

    assert f"{where} (line " in first.where
    assert detail in first.detail


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('<Status V="1" DN="OK"/>', "", id="no status"),
        pytest.param("<Inst/>", "", id="empty HCP"),
        pytest.param("<Inst/>", "<Inst/><HCProf/>", id="both of a choice"),
        pytest.param('<Status V="1"', '<Status S="1.2"', id="status with a code system"),
        pytest.param("<IssueDate>2026-03-02T", "<IssueDate>", id="issue date without date"),
        pytest.param("<Id>17</Id>", "<Id>17</Id><Id>18</Id>", id="two ids"),
        pytest.param("apprec/2004-11-21", "apprec/2005-11-21", id="another namespace"),
    ],
)
def test_a_wrong_receipt_is_refused(old: str, new: str) -> None:
    assert refusal(damaged(RECEIPT, old, new), check_apprec).faults


def test_a_receipt_is_checked_by_the_version_of_its_namespace() -> None:
    newer = damaged(RECEIPT, "apprec/2004-11-21", "apprec/2012-02-15")

    check_apprec(parse_untrusted(newer.encode()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("<eb:CPAId>c1</eb:CPAId>", "", id="no CPAId"),
        pytest.param("c1", "", id="empty CPAId"),
        pytest.param(' eb:version="2.0"', "", id="no version"),
        pytest.param(' eb:version="2.0"', ' version="2.0"', id="attribute without namespace"),
        pytest.param(' S:mustUnderstand="1"', "", id="no mustUnderstand"),
        pytest.param('eb:signed="true"', 'eb:signed="yes"', id="signed is no boolean"),
        pytest.param("2026-03-02T08:15:30Z", "08:15", id="timestamp without date"),
        pytest.param(' xml:lang="no"', "", id="description without language"),
        pytest.param(' xlink:href="cid:p1"', "", id="reference without href"),
        pytest.param('xlink:type="simple"', 'xlink:type="x"', id="link of an unknown type"),
        pytest.param("<S:Body>", "<S:Body/><S:Body>", id="two bodies"),
        pytest.param("<S:Header>", "<S:Header><ds:Signature/>", id="empty signature"),
    ],
)
def test_a_wrong_envelope_is_refused(old: str, new: str) -> None:
    bound = ENVELOPE.replace(" xmlns:eb", ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:eb')

    assert refusal(damaged(bound, old, new), check_envelope).faults


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('mustUnderstand="1"', 'mustUnderstand="true"', id="HIS 1037 §6.2.1"),
        pytest.param('eb:version="1.1"', 'eb:version=""', id="schema version left empty"),
        pytest.param("<S:Header>", '<S:Header><x xmlns="urn:other"/>', id="unknown header block"),
        pytest.param("30Z", "30.1234567", id="timestamp without zone, seven fractional digits"),
    ],
)
def test_what_real_senders_write_passes(old: str, new: str) -> None:
    check_envelope(parse_untrusted(damaged(ENVELOPE, old, new).encode()))


@pytest.mark.parametrize("check", [check_document, check_apprec, check_envelope])
def test_another_root_element_is_refused(check: Callable[[etree._Element], object]) -> None:
    patient = f'<Patient xmlns="{MSGHEAD}"/>'  # declared, but no message

    error = refusal(patient, check)

    assert [fault.where for fault in error.faults] == ["/"]


def test_a_message_inside_another_document_is_checked_alone() -> None:
    wrapped = f"<wrapper>{damaged(QUESTION, '1980-02-03', 'x')}</wrapper>"
    inner = parse_untrusted(wrapped.encode())[0]

    with pytest.raises(MalformedMessage) as caught:
        check_document(inner)

    assert caught.value.faults[0].where == "/*/MsgHead/MsgInfo/Patient/DateOfBirth (line 12)"


def test_prefixes_do_not_hide_the_place() -> None:
    prefixed = QUESTION.replace("xmlns=", "xmlns:m=", 1)
    head, tail = prefixed.split("<Dialogmelding", 1)
    inner, end = tail.split("</Dialogmelding>", 1)

    def with_prefix(text: str) -> str:
        return text.replace("</", "\0").replace("<", "<m:").replace("\0", "</m:")

    body = f"{with_prefix(head)}<Dialogmelding{inner}</Dialogmelding>{with_prefix(end)}"
    check_document(parse_untrusted(body.encode()))

    faults = refusal(damaged(body, "<TypeForesp", "<TypeForesp X=''"), check_document).faults

    assert faults[0].where.startswith(
        "/MsgHead/Document/RefDoc/Content/Dialogmelding/Foresporsel/TypeForesp/@*"
    )


SENDER = "</Organisation></Sender>"


def with_telephones(*written: str) -> str:
    """The question, its sender reached at what is ``written``."""
    listed = "".join(f'<TeleCom><TeleAddress V="{v}"/></TeleCom>' for v in written)
    return damaged(QUESTION, SENDER, listed + SENDER)


NUMBERS = ("73521234 (08:00-15:00)", "tlf 22:10", "tel:#31#73521234", "08:00")


@pytest.mark.parametrize("numbers", [*((n,) for n in NUMBERS), NUMBERS, ("08:" * 10_000,)])
def test_a_telephone_number_that_is_no_uri_is_a_finding(numbers: tuple[str, ...]) -> None:
    assert check_document(parse_untrusted(with_telephones(*numbers).encode())) == (
        "tele_address_not_uri",
    )
    assert check_document(parse_untrusted(with_telephones("tel:73521234").encode())) == ()


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        pytest.param(
            "1980-02-03", "x", "/MsgHead/MsgInfo/Patient/DateOfBirth (line 12)", id="date"
        ),
        pytest.param(
            '<TeleAddress V="08:00"/>', '<TeleAddress V="08:00"><V/></TeleAddress>',
            "/MsgHead/MsgInfo/Sender/Organisation/TeleCom/TeleAddress (line 9)", id="element",
        ),
        pytest.param(
            '<TeleAddress V="08:00"/>', '<TeleAddress V="08:00" S="1"/>',
            "/MsgHead/MsgInfo/Sender/Organisation/TeleCom/TeleAddress/@S (line 9)", id="attribute",
        ),
        pytest.param(
            '<TeleAddress V="08:00"/>', '<TeleAddress V="08:00"/><TeleAddress V="08:00"/>',
            "/MsgHead/MsgInfo/Sender/Organisation/TeleCom/TeleAddress[2] (line 9)", id="twice",
        ),
    ],
)  # fmt: skip
def test_a_fault_beside_a_telephone_number_is_told_alone(old: str, new: str, where: str) -> None:
    faults = refusal(damaged(with_telephones("08:00"), old, new), check_document).faults

    assert [fault.where for fault in faults] == [where]


def test_more_telephone_numbers_than_faults_are_told_hide_no_fault() -> None:
    document = with_telephones(*["08:00"] * (MAX_FAULTS + 1))

    assert len(refusal(damaged(document, "1980-02-03", "x"), check_document).faults) == 1


def test_a_date_with_blanks_beside_a_telephone_number_is_no_fault() -> None:
    document = damaged(with_telephones("08:00"), "1980-02-03", " 1980-02-03 ")

    assert check_document(parse_untrusted(document.encode())) == ("tele_address_not_uri",)


def test_an_address_of_another_kind_has_to_be_a_uri() -> None:
    file = "<RefDoc><MsgType V='REF'/><FileReference>08:00</FileReference></RefDoc>"
    document = damaged(QUESTION, "</Document>", f"</Document><Document>{file}</Document>")

    assert len(refusal(document, check_document).faults) == 1


# --- content stays in the message ---------------------------------------------------------------

SECRET = "Q7zSecret"


def with_secrets(root: etree._Element, chance: random.Random) -> etree._Element:
    """Put a marker into values, attribute names and element names, some of them very long."""
    for element in list(root.iter("*")):
        if chance.random() < 0.3:
            long = chance.choice((1, 1, 1, 200))
            element.text = f"{SECRET} type '{SECRET}'. Expected is ( {SECRET} )." * long
        if chance.random() < 0.2:
            name = chance.choice([*map(str, element.attrib), SECRET])
            element.set(name, f"'{SECRET}' is required but missing. type 'xs:{SECRET}'.")
        if chance.random() < 0.05 and element is not root:
            element.tag = chance.choice((f"{{urn:{SECRET}}}{SECRET}", f"{{{MSGHEAD}}}{SECRET}"))
    return root


@pytest.mark.parametrize(("document", "check"), VALID)
def test_no_refusal_repeats_anything_the_sender_chose(
    document: bytes, check: Callable[[etree._Element], object]
) -> None:
    refused = 0
    for index in range(12):
        root = mutate("secrets", document, seed=1, index=index).root
        root = with_secrets(root, random.Random(index))
        try:
            check(root)
        except MalformedMessage as error:
            refused += 1
            text = told(error)
            assert SECRET not in text, f"repeat with index {index}"
            assert "urn:" not in text
    assert refused


def test_a_value_at_fault_is_not_repeated() -> None:
    text = told(refusal(damaged(QUESTION, "1980-02-03", "03028000999"), check_document))

    assert "03028000999" not in text
    assert "xs:date" in text


def test_a_value_longer_than_the_message_buffer_is_not_repeated() -> None:
    """libxml2 cuts its text at 64 kB; what then stands last is the sender's."""
    long = "x" * 63_000 + "type 'xs:Olsen'." * 2_000

    text = told(refusal(damaged(QUESTION, "1980-02-03", long), check_document))

    assert "Olsen" not in text
    assert len(text) < 1_000


# --- cost ---------------------------------------------------------------------------------------


def test_at_most_twenty_faults_are_told() -> None:
    bad = "<Ident><Id>1</Id><TypeId S='x'/></Ident>"
    document = damaged(QUESTION, "</Patient>", bad * 50 + "</Patient>")

    assert len(refusal(document, check_document).faults) == MAX_FAULTS


@pytest.mark.parametrize(
    "patient",
    [
        pytest.param("<Ident><Id/><TypeId/></Ident>" * 20_000, id="many nodes"),
        pytest.param("<Ident/>" * 23_000, id="many siblings"),
        pytest.param("<Sex " + " ".join(f"a{n}=''" for n in range(50_001)) + "/>", id="attributes"),
    ],
)
def test_a_document_too_costly_to_explain_is_refused_unchecked(patient: str) -> None:
    document = damaged(QUESTION, "</Patient>", patient + "</Patient>")
    root = parse_untrusted(document.encode())

    with pytest.raises(TooLarge):
        check_document(root)


def test_a_long_answer_in_xhtml_passes() -> None:
    row = "<tr><td>Dato</td><td>Mengde</td><td>Merknad</td></tr>"
    note = (
        '<Notat><TemaKodet V="5"/><TekstNotatInnhold><table xmlns="http://www.w3.org/1999/xhtml">'
        f"{row * 1_000}</table></TekstNotatInnhold></Notat>"
    )
    start, end = QUESTION.index("<Foresporsel>"), QUESTION.index("</Dialogmelding>")

    check_document(parse_untrusted((QUESTION[:start] + note + QUESTION[end:]).encode()))


def test_threads_do_not_see_each_others_faults() -> None:
    date = parse_untrusted(damaged(QUESTION, "1980-02-03", "x").encode())
    code = parse_untrusted(damaged(QUESTION, 'S="2.16.578.1.12.4.1.1.9051"', 'S="x"').encode())
    seen: dict[str, set[str]] = {"date": set(), "code": set()}

    def run(name: str, root: etree._Element) -> None:
        for _ in range(100):
            with pytest.raises(MalformedMessage) as caught:
                check_document(root)
            seen[name].update(fault.where for fault in caught.value.faults)

    threads = [
        threading.Thread(target=run, args=pair) for pair in (("date", date), ("code", code)) * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [len(seen["date"]), len(seen["code"])] == [1, 1]
    assert seen["date"] != seen["code"]


# --- where schemas come from --------------------------------------------------------------------


def test_a_schema_location_in_the_document_is_not_followed() -> None:
    hint = (
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="urn:x file:///nowhere/x.xsd" xsi:noNamespaceSchemaLocation="y.xsd" '
    )
    check_document(parse_untrusted(damaged(QUESTION, "xmlns=", hint + "xmlns=").encode()))


def schemas_in(folder: Path, **changed: str) -> SchemaSet:
    own = Path(__file__).parents[3] / "schemas"
    for file in own.glob("*.xsd"):
        (folder / file.name).write_bytes(file.read_bytes())
    for name, text in changed.items():
        (folder / f"{name}.xsd").write_text(text)
    return SchemaSet(folder)


def test_another_folder_may_be_configured(tmp_path: Path) -> None:
    schemas = schemas_in(tmp_path)

    schemas.load()

    schemas.check_document(parse_untrusted(QUESTION.encode()))
    schemas.check_apprec(parse_untrusted(RECEIPT.encode()))
    schemas.check_envelope(parse_untrusted(ENVELOPE.encode()))


@pytest.mark.parametrize("absent", [*ENTRY_POINTS, "kith.xsd", "dialog-1.1.xsd"])
def test_an_absent_schema_shows_at_start(absent: str, tmp_path: Path) -> None:
    schemas = schemas_in(tmp_path)
    (tmp_path / absent).unlink()

    with pytest.raises(ConfigurationError) as caught:
        schemas.load()

    assert caught.value.faults


@pytest.mark.parametrize(
    "location",
    ["../outside.xsd", "file:///etc/outside.xsd", "https://example.org/a.xsd", "ftp://x/", ""],
)
def test_an_import_from_outside_the_folder_is_refused(location: str, tmp_path: Path) -> None:
    outside = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:o"/>'
    (tmp_path / "outside.xsd").write_text(outside)
    folder = tmp_path / "schemas"
    folder.mkdir()
    entry = (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        f'<xs:import namespace="urn:o" schemaLocation="{location}"/></xs:schema>'
    )

    with pytest.raises(ConfigurationError):
        schemas_in(folder, document=entry).load()


def test_an_import_by_web_address_is_served_from_the_folder(tmp_path: Path) -> None:
    entry = (Path(__file__).parents[3] / "schemas" / "apprec-1.1.xsd").read_text()
    entry = entry.replace('"kith.xsd"', '"http://www.kith.no/xmlstds/kith.xsd"')
    schemas = schemas_in(tmp_path, **{"apprec-1.1": entry})

    schemas.check_apprec(etree.fromstring(RECEIPTS["full receipt 1.1"]))
