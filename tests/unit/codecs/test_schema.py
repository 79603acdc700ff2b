"""The schema check: what passes, and what is refused, named by its place."""

from collections.abc import Callable

import pytest
from lxml import etree

from gateway.codecs.schema import check_apprec, check_document, check_envelope
from gateway.codecs.xml import parse_untrusted
from gateway.errors import MalformedMessage
from tests.builders_schema import ENVELOPE, MSGHEAD, QUESTION, RECEIPT, VALID, damaged, refusal


@pytest.mark.parametrize(("document", "check"), VALID)
def test_a_valid_document_passes(
    document: bytes, check: Callable[[etree._Element], object]
) -> None:
    check(parse_untrusted(document))


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
