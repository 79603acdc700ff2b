"""What the schema check lets pass of what real senders write, and hides no fault beside it."""

from collections.abc import Callable

import pytest
from lxml import etree

from gateway.codecs.schema import MAX_FAULTS, check_apprec, check_document, check_envelope
from gateway.codecs.xml import parse_untrusted
from tests.builders_schema import ENVELOPE, NOTE, QUESTION, RECEIPT, damaged, refusal

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
