"""What parse_msghead keeps, tolerates and refuses."""

from datetime import UTC, date, datetime

import pytest
from lxml import etree

from gateway.codecs.msghead import parse_msghead, peek_message, render_answer, render_request
from gateway.codecs.xml import DIALOG_1_1
from gateway.domain.message import HealthcareProfessional, Markup, Person
from gateway.errors import MalformedMessage, UnsupportedFormat
from tests.builders_message import (
    GEN_DATE,
    REQUEST_ID,
    a_request,
    a_request_document,
    an_answer,
    tree_of,
)

NAMESPACES = {"mh": "http://www.kith.no/xmlstds/msghead/2006-05-24"}


def _request(**parts: str) -> etree._Element:
    return tree_of(a_request_document(**parts))


def test_a_request_is_read_with_ids_parties_patient_and_question() -> None:
    message = parse_msghead(_request())

    assert (message.type.value, message.msg_id) == ("DIALOG_FORESPORSEL", REQUEST_ID)
    assert (message.gen_date, message.gen_date_text) == (GEN_DATE, "2026-03-04T10:15:30+01:00")
    assert (message.sender.enterprise_her, message.sender.her) == ("920000", "920001")
    assert (message.receiver.enterprise_her, message.receiver.her) == ("910000", "910001")
    assert message.patient is not None
    assert [ident.id for ident in message.patient.idents] == ["01815012345"]
    assert message.text == "Kan dere ta imot pasienten?"
    assert (message.dialog_version, message.notes, message.findings) == ("1.0", (), ())
    assert (message.markup, message.attachments, message.signed) == (Markup.NONE, (), False)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(
            "2026-03-04T10:15:30+01:00", datetime(2026, 3, 4, 9, 15, 30, tzinfo=UTC), id="zone"
        ),
        pytest.param("2026-03-04T09:15:30Z", datetime(2026, 3, 4, 9, 15, 30, tzinfo=UTC), id="utc"),
        pytest.param(
            "2026-03-04T10:15:30.123456789+01:00",
            datetime(2026, 3, 4, 9, 15, 30, 123456, tzinfo=UTC),
            id="nine digits",
        ),
        pytest.param(
            "2026-03-04T10:15:30.1234567-05:30",
            datetime(2026, 3, 4, 15, 45, 30, 123456, tzinfo=UTC),
            id="seven digits, west",
        ),
        pytest.param(
            "2026-03-04T24:00:00Z", datetime(2026, 3, 5, tzinfo=UTC), id="midnight as 24:00"
        ),
        pytest.param(
            "\n 2026-03-04T09:15:30Z ", datetime(2026, 3, 4, 9, 15, 30, tzinfo=UTC), id="blanks"
        ),
    ],
)
def test_gen_date_is_an_instant_whatever_its_notation(written: str, read: datetime) -> None:
    message = parse_msghead(_request(gen_date=written))

    assert (message.gen_date, message.gen_date_text) == (read, written.strip())
    assert message.findings == ()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(
            "2026-03-04T10:15:30", datetime(2026, 3, 4, 9, 15, 30, tzinfo=UTC), id="winter"
        ),
        pytest.param(
            "2026-07-04T10:15:30", datetime(2026, 7, 4, 8, 15, 30, tzinfo=UTC), id="summer"
        ),
    ],
)
def test_gen_date_without_zone_is_norwegian_time_and_noted(written: str, read: datetime) -> None:
    message = parse_msghead(_request(gen_date=written))

    assert message.gen_date == read
    assert message.findings == ("gen_date_without_zone",)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "i går",
        "2026-03-04",
        "2026-02-30T10:00:00Z",
        "2026-03-04T25:00:00Z",
        "2026-03-04T24:00:01Z",
        "0000-03-04T10:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "2026-03-04T10:00:00+15:00",
        "٢٠٢٦-03-04T10:00:00Z",
    ],
)
def test_an_unreadable_gen_date_is_refused_without_quoting_it(written: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse_msghead(_request(gen_date=written))

    assert caught.value.where == "/MsgHead/MsgInfo/GenDate"
    assert not written or written not in str(caught.value)


def test_blanks_around_ids_and_codes_are_not_part_of_them() -> None:
    document = a_request_document().replace(b"<Id>920001</Id>", b"<Id>\n 920001\t</Id>")
    document = document.replace(b'V="DIALOG_FORESPORSEL"', b'V=" DIALOG_FORESPORSEL "')
    document = document.replace(REQUEST_ID.encode(), f" {REQUEST_ID}\n".encode())

    message = parse_msghead(tree_of(document))

    assert (message.sender.her, message.type.value, message.msg_id) == (
        "920001",
        "DIALOG_FORESPORSEL",
        REQUEST_ID,
    )


def test_a_comment_does_not_cut_an_id_or_a_text_short() -> None:
    """What a checker sees and what a reader sees must be the same id."""
    document = a_request_document(question="<Sporsmal>ikke<!-- x --> gi<?y z?>!</Sporsmal>")
    document = document.replace(b"<Id>920001</Id>", b"<Id>920<!-- 1 -->001</Id>")

    message = parse_msghead(tree_of(document))

    assert (message.sender.her, message.text) == ("920001", "ikke gi!")
    assert message.markup is Markup.NONE


@pytest.mark.parametrize("system", ["2.16.578.1.12.4.1.1.9051", "2.16.578.1.12.4.1.1.8116"])
def test_a_person_is_a_communication_party_under_either_code_system(system: str) -> None:
    person = f"""<HealthcareProfessional><FamilyName>Lund</FamilyName>
        <Ident><Id>7654321</Id><TypeId V="HPR" S="2.16.578.1.12.4.1.1.8116"/></Ident>
        <Ident><Id>930001</Id><TypeId V="HER" S="{system}"/></Ident></HealthcareProfessional>"""
    document = a_request_document().decode()
    start = document.index("<Organisation><OrganisationName>Hjemmetjenesten")
    end = document.index("</Organisation></Organisation></Sender>")
    for below in ("", "<Organisation/>"):  # some senders write an empty one beside the person
        changed = document[:start] + below + person + document[end + len("</Organisation>") :]

        message = parse_msghead(tree_of(changed.encode()))

        assert message.sender.her == "930001"


def test_a_conversation_ref_is_read_in_either_order_and_the_wrong_one_noted() -> None:
    parent, first = "<RefToParent> p </RefToParent>", "<RefToConversation>c</RefToConversation>"
    for children, findings in (
        (parent + first, ()),
        (first + parent, ("conversation_ref_swapped",)),
    ):
        message = parse_msghead(_request(info=f"<ConversationRef>{children}</ConversationRef>"))

        assert message.conversation is not None
        assert (message.conversation.parent, message.conversation.conversation) == ("p", "c")
        assert message.findings == findings


def test_status_priority_and_ack_are_read_and_ack_is_only_noted() -> None:
    info = '<ProcessingStatus V="T" DN="Test"/><RequestedPriority V="H"/><Ack V="J" DN="Ja"/>'

    message = parse_msghead(_request(info=info))

    assert message.processing_status is not None
    assert message.processing_status.value == "T"
    assert message.priority is not None
    assert message.priority.value == "H"
    assert message.findings == ("ack_present",)


def test_other_receivers_may_be_organisations_persons_or_nothing() -> None:
    ident = '<Ident><Id>930000</Id><TypeId V="HER"/></Ident>'
    copies = "".join(
        f'<OtherReceiver><ComMethod V="PST"/><RoleReceiver V="COP"/>{receiver}</OtherReceiver>'
        for receiver in (
            f"<Organisation><OrganisationName>Lege</OrganisationName>{ident}</Organisation>",
            f"<HealthcareProfessional>{ident}</HealthcareProfessional>",
            "<Person><GivenName>Per</GivenName></Person>",
            "<Patient><GivenName>Pål</GivenName></Patient>",
            "",
        )
    )
    document = a_request_document().replace(b"</Receiver>", b"</Receiver>" + copies.encode())

    organisation, doctor, person, patient, nobody = parse_msghead(tree_of(document)).other_receivers

    assert organisation.party is not None
    assert organisation.party.enterprise_her == "930000"
    assert isinstance(doctor.person, HealthcareProfessional)
    assert person.person == Person(given_name="Per")
    assert patient.person == Person(given_name="Pål")
    assert (nobody.party, nobody.person, nobody.role.value) == (None, None, "COP")
    assert nobody.com_method is not None


def test_version_1_1_is_read_in_full() -> None:
    question = """<EmneSporsmal>Emne</EmneSporsmal><Sporsmal xsi:type="xs:string">Hva?</Sporsmal>
        <Formål V="2" S="2.16.578.1.12.4.1.1.9068"/><Begrunnelse>Fordi</Begrunnelse>
        <Hastegrad V="1"/><FraDato>2026-01-02</FraDato><TilDato>2026-01-03+01:00</TilDato>
        <TypeJournalinfo V="1"/><TypeJournalinfo V="2"/><KodetOpplysning V="3" OT="annet"/>
        <DokIdForesp> d-1 </DokIdForesp>
        <RollerRelatertNotat><RolleNotat V="1"/><RoleToPatient V="24"/>
          <TilknyttetEnhet><Kontaktenhet xmlns:f="http://www.kith.no/xmlstds/felleskomponent1">
              <f:TypeOrganisation V="9"/><f:OrganisationName>Enhet</f:OrganisationName>
              <f:Ident><f:Id>940001</f:Id><f:TypeId V="HER"/></f:Ident>
              <f:TeleCom><f:TypeTelecom V="WP"/><f:TeleAddress V="tel:1"/></f:TeleCom>
            </Kontaktenhet><Merknad>ring</Merknad>
            <Person><GivenName>Ada</GivenName></Person></TilknyttetEnhet>
        </RollerRelatertNotat>"""

    message = parse_msghead(_request(question=question, version="2013-01-23"))

    assert (message.dialog_version, message.content_namespace) == ("1.1", DIALOG_1_1)
    (read,) = message.questions
    assert (read.subject, read.text, read.reason) == ("Emne", "Hva?", "Fordi")
    assert (read.from_date, read.to_date) == (date(2026, 1, 2), date(2026, 1, 3))
    assert [code.value for code in read.journal_info] == ["1", "2"]
    assert read.coded_information is not None
    assert read.coded_information.original_text == "annet"
    assert (read.document_id, read.urgency is not None, read.purpose is not None) == (
        "d-1",
        True,
        True,
    )
    (role,) = read.roles
    assert role.unit is not None
    assert (role.unit.unit.name, role.unit.unit.her, role.unit.remark) == (
        "Enhet",
        "940001",
        "ring",
    )
    assert role.unit.unit.telecoms[0].address == "tel:1"
    assert role.unit.person == Person(given_name="Ada")


def test_a_date_with_one_digit_is_read_and_noted() -> None:
    question = "<FraDato>1991-12-4</FraDato>"

    message = parse_msghead(_request(question=question))

    assert message.questions[0].from_date == date(1991, 12, 4)
    assert message.findings == ("date_not_padded",)


@pytest.mark.parametrize("text", ["12026-01-01", "10000-1-1+01:00", "-0050-01-01"])
def test_a_date_of_a_year_that_no_calendar_here_has_is_noted_and_not_read(text: str) -> None:
    """XML Schema part 2 §3.2.9: a year may have more digits than four, and a sign."""
    message = parse_msghead(_request(question=f"<FraDato>{text}</FraDato>"))

    assert message.questions[0].from_date is None
    assert message.findings == ("date_beyond_calendar",)


@pytest.mark.parametrize("text", ["", "1991-13-01", "04.12.1991", "026-01-01", "0000-01-01"])
def test_an_unreadable_date_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse_msghead(_request(question=f"<FraDato>{text}</FraDato>"))

    assert caught.value.where is not None
    assert caught.value.where.endswith("/Foresporsel/FraDato")


@pytest.mark.parametrize(
    ("element", "where"),
    [
        ("Type", "/MsgHead/MsgInfo"),
        ("GenDate", "/MsgHead/MsgInfo"),
        ("MsgId", "/MsgHead/MsgInfo"),
        ("Sender", "/MsgHead/MsgInfo"),
        ("Receiver", "/MsgHead/MsgInfo"),
        ("MsgInfo", "/MsgHead"),
        ("Sender/mh:Organisation", "/MsgHead/MsgInfo/Sender"),
    ],
)
def test_a_message_without_what_it_needs_is_refused(element: str, where: str) -> None:
    root = _request()
    found = root.find(f".//mh:{element}", NAMESPACES)
    assert found is not None
    parent = found.getparent()
    assert parent is not None
    parent.remove(found)

    with pytest.raises(MalformedMessage) as caught:
        parse_msghead(root)

    assert caught.value.where == where


@pytest.mark.parametrize("element", ["Type", "MsgId", "Sender", "Patient", "MsgInfo"])
def test_what_stands_twice_is_refused_and_never_chosen_from(element: str) -> None:
    root = _request()
    found = root.find(f".//mh:{element}", NAMESPACES)
    assert found is not None
    found.addnext(tree_of(etree.tostring(found, with_tail=False)))

    with pytest.raises(MalformedMessage, match="repeated"):
        parse_msghead(root)


def test_a_second_dialogmelding_in_the_document_is_refused() -> None:
    beside = '<Dialogmelding xmlns="http://www.kith.no/xmlstds/dialog/2006-10-11"/>'

    with pytest.raises(MalformedMessage, match="a second Dialogmelding"):
        parse_msghead(_request(beside=beside))


def test_all_faults_are_named_at_once_up_to_a_bound() -> None:
    dates = "<FraDato>x</FraDato><TilDato>y</TilDato>"
    with pytest.raises(MalformedMessage) as caught:
        parse_msghead(_request(gen_date="z", question=dates))
    assert len(caught.value.faults) == 3

    with pytest.raises(MalformedMessage) as caught:
        parse_msghead(
            _request(
                question="<X/>" + "<Sporsmal>a<b/></Sporsmal><FraDato>x</FraDato>"
                "<RollerRelatertNotat><Person><DateOfBirth>q</DateOfBirth></Person>"
                "</RollerRelatertNotat>" * 50
            )
        )
    assert len(caught.value.faults) == 20


def test_an_element_within_a_plain_string_is_refused_not_skipped() -> None:
    document = a_request_document().replace(b"<Id>920001</Id>", b"<Id>920<x/>001</Id>")

    with pytest.raises(MalformedMessage, match="only text is allowed"):
        parse_msghead(tree_of(document))


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"<MsgHead/>", id="no namespace"),
        pytest.param(
            b'<MsgHead xmlns="http://www.kith.no/xmlstds/msghead/2005-11-22"/>', id="older"
        ),
        pytest.param(
            b'<AppRec xmlns="http://www.kith.no/xmlstds/apprec/2004-11-21"/>', id="AppRec"
        ),
    ],
)
def test_other_formats_are_refused(document: bytes) -> None:
    with pytest.raises(UnsupportedFormat):
        parse_msghead(tree_of(document))


def test_a_patient_report_is_refused() -> None:
    with pytest.raises(UnsupportedFormat):
        parse_msghead(_request(after="<PatientReport/>"))


def test_content_of_another_namespace_is_named_and_has_no_text() -> None:
    document = a_request_document().replace(b"dialog/2006-10-11", b"epikrise/2012-02-15")

    message = parse_msghead(tree_of(document))

    assert message.content_namespace == "http://www.kith.no/xmlstds/epikrise/2012-02-15"
    assert (message.dialog_version, message.questions, message.text) == (None, (), "")
    assert message.attachments == ()


def test_a_signature_of_the_document_is_seen() -> None:
    after = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>'

    assert parse_msghead(_request(after=after)).signed


def test_markup_of_the_nested_question_counts_too() -> None:
    document = render_answer(an_answer()).replace(
        b"Kan dere ta imot pasienten i morgen?", b"<p>Kan dere?</p>"
    )

    message = parse_msghead(tree_of(document))

    assert message.notes[0].question is not None
    assert message.notes[0].question.text == "Kan dere?"
    assert message.markup is Markup.FLATTENED


def test_latin_1_is_read() -> None:
    document = a_request_document(question="<Sporsmal>blåbær</Sporsmal>")
    recoded = document.decode().replace("UTF-8", "ISO-8859-1", 1).encode("iso-8859-1")

    assert parse_msghead(tree_of(recoded)).text == "blåbær"


# --- a peek at what was refused -----------------------------------------------------------------


def test_a_peek_finds_the_addresses_of_a_document_full_of_faults() -> None:
    root = _request(gen_date="tull", question="<FraDato>x</FraDato>", info="<Rart/>")

    peek = peek_message(root)

    assert (peek.sender_her, peek.sender_enterprise_her) == ("920001", "920000")
    assert (peek.receiver_her, peek.receiver_enterprise_her) == ("910001", "910000")
    assert (peek.msg_id, peek.gen_date_text) == (REQUEST_ID, "tull")
    assert peek.type is not None
    assert peek.type.value == "DIALOG_FORESPORSEL"
    assert peek.sender == parse_msghead(_request()).sender


def test_a_peek_reads_other_versions_of_msghead() -> None:
    document = render_request(a_request()).replace(b"msghead/2006-05-24", b"msghead/2005-11-22")

    assert peek_message(tree_of(document)).sender_her == "920001"


@pytest.mark.parametrize(
    "document",
    [
        b"<x/>",
        b"<MsgHead/>",
        b"<MsgHead><MsgInfo/></MsgHead>",
        b"<MsgHead><MsgInfo><Sender/><Receiver><Organisation/></Receiver></MsgInfo></MsgHead>",
        b"<MsgHead><MsgInfo><MsgId> <x/> </MsgId><MsgId/><Type/><GenDate/></MsgInfo></MsgHead>",
    ],
)
def test_a_peek_never_raises(document: bytes) -> None:
    peek = peek_message(tree_of(document))

    assert (peek.msg_id, peek.gen_date_text) == (None, None)
    assert (peek.sender_her, peek.receiver_her) == (None, None)
    assert (peek.sender_enterprise_her, peek.receiver_enterprise_her) == (None, None)
