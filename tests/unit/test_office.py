"""What the configuration's files say together: our addresses, and the environment."""

import shutil
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

import pytest

from gateway.config.load import load_settings
from gateway.domain.addressbook import AddressBook, Enterprise, Service
from gateway.domain.identifiers import HerId
from gateway.errors import ConfigurationError
from gateway.office import open_office
from tests.builders_mails import a_header, a_mail, kinds_said
from tests.builders_message import a_party
from tests.builders_offices import (
    HOSPITAL,
    MUNICIPALITY,
    WARD,
    Offices,
    a_letter_message,
    an_office,
    demo_folder,
    two_offices,
    written,
)
from tests.builders_received import MSG_ID, a_document

SECOND, SECOND_WARD = HerId("940000"), HerId("940001")


@pytest.fixture
def offices() -> Offices:
    """The hospital's address book has two enterprises of its own."""
    office = an_office(HOSPITAL)
    ward = next(one for one in office.own.services if one.her == WARD)
    second = Enterprise(
        her=SECOND,
        name="Annet sykehus (oppdiktet)",
        orgnr="310000204",
        own=True,
        edi="second@demo.invalid",
        signing=office.own.signing,
        sealing=office.own.sealing,
        services=(Service(her=SECOND_WARD, type=ward.type, name=ward.name),),
    )
    book = AddressBook((*office.book.enterprises, second))
    rooms = {HOSPITAL: replace(office, book=book), MUNICIPALITY: an_office(MUNICIPALITY)}
    offices = two_offices(rooms=rooms)
    offices.carry = False
    return offices


def senders(offices: Offices) -> list[tuple[str, str]]:
    """Envelope sender and From of each mail of the hospital."""
    mails = offices.hospital.post.mails
    return [(mail.sender, message_from_bytes(mail.raw)["From"]) for mail in mails]


async def test_a_message_comes_from_the_address_of_its_own_enterprise(offices: Offices) -> None:
    sender = a_party(enterprise=SECOND, service=SECOND_WARD, name="Blodsykdommer")

    await offices.hospital.hand_in(written(replace(a_letter_message(), sender=sender)))
    await offices.settle()

    assert senders(offices) == [("second@demo.invalid", "second@demo.invalid")]


async def test_so_do_its_acknowledgment_and_receipt(offices: Offices) -> None:
    hospital = offices.hospital
    receiver = a_party(enterprise=SECOND, service=SECOND_WARD, name="Blodsykdommer")
    header = a_header()
    header = replace(header, receiver=replace(header.receiver, her=SECOND_WARD))

    await hospital.take_in(a_mail(a_document(receiver=receiver), header))
    await offices.settle()
    await hospital.confirm(MSG_ID)
    await offices.settle()

    assert kinds_said(hospital) == ["acknowledgment", "apprec"]
    assert senders(offices) == [("second@demo.invalid", "second@demo.invalid")] * 2


def test_for_whom_is_not_ours_the_first_enterprise_answers(offices: Offices) -> None:
    office = offices.hospital.office

    assert office.address_of(HerId("666")) == office.own.edi
    assert office.address_of(HerId("920001")) == office.own.edi
    assert office.address_of(SECOND) == "second@demo.invalid"


@pytest.mark.parametrize(
    ("environment", "domain"), [("test", "edi.nhn.no"), ("production", "TestEDI.nhn.no")]
)
def test_addresses_of_the_other_environment_keep_it_from_starting(
    tmp_path: Path, environment: str, domain: str
) -> None:
    """All of them are told at once, our own included."""
    settings = changed(tmp_path, environment, f"@{domain}")

    with pytest.raises(ConfigurationError) as refused:
        open_office(load_settings(settings, {}))

    told = [fault for fault in refused.value.faults if environment in fault.detail]
    assert len(told) == len(an_office(HOSPITAL).book.enterprises)
    assert told[0].where == "enterprise[0].edi"


@pytest.mark.parametrize(
    ("environment", "domain"),
    [
        ("test", "testedi.nhn.no"),
        ("production", "edi.nhn.no"),
        ("test", "not-edi.nhn.no"),
        ("production", "example.net"),
    ],
)
def test_addresses_of_its_own_environment_and_of_others_are_no_matter(
    tmp_path: Path, environment: str, domain: str
) -> None:
    settings = load_settings(changed(tmp_path, environment, f"@{domain}"), {})

    assert all(one.edi.endswith(domain) for one in open_office(settings).book.enterprises)


def changed(folder: Path, environment: str, domain: str) -> Path:
    """The hospital's configuration for an environment, all addresses of one domain."""
    shutil.copytree(demo_folder(), folder, dirs_exist_ok=True)
    book = folder / f"{HOSPITAL}-partners.toml"
    book.write_text(book.read_text().replace("@demo.invalid", domain))
    path = folder / f"{HOSPITAL}.toml"
    path.write_text(path.read_text().replace('= "test"', f'= "{environment}"'))
    return path
