"""Addresses judged in tests: a message sent or received by services of both sides."""

from gateway.domain.addressbook import AddressBook, Entry
from gateway.domain.addressing import Addressing, address_incoming, address_outgoing
from gateway.domain.identifiers import HerId
from gateway.domain.message import DialogMessage
from gateway.domain.rules.policy import ScreeningPolicy
from gateway.domain.screening import EpjFacts
from gateway.domain.services import Side
from tests.builders_screening import CLEAN_TEXT, TEST, a_book, between, the_entry, with_text

HOSPITAL = a_book(ours=Side.HOSPITAL)
MUNICIPALITY = a_book(ours=Side.MUNICIPALITY)


def sent(
    sender: str,
    receiver: str,
    message: DialogMessage | None = None,
    *,
    book: AddressBook = HOSPITAL,
    policy: ScreeningPolicy = TEST,
    epj: EpjFacts | None = None,
) -> Addressing:
    """A message between the first services of these codes, from ours."""
    message = between(the_entry(book, sender), the_entry(book, receiver), message or a_clean())
    return address_outgoing(message, book, policy=policy, epj=epj)


def received(
    message: DialogMessage,
    *,
    from_her: str | None = None,
    to_her: str | None = None,
    book: AddressBook = HOSPITAL,
    policy: ScreeningPolicy = TEST,
    epj: EpjFacts | None = None,
) -> Addressing:
    """A message in an envelope, by default with the HER-ids of the message."""
    return address_incoming(
        message,
        book,
        from_her=HerId(from_her or message.sender.her or ""),
        to_her=HerId(to_her or message.receiver.her or ""),
        policy=policy,
        epj=epj,
    )


def a_clean() -> DialogMessage:
    return with_text(CLEAN_TEXT)


def from_municipality(receiver: Entry | None = None) -> DialogMessage:
    sender = the_entry(HOSPITAL, "KP02")
    return between(sender, receiver or the_entry(HOSPITAL, "S0304"), a_clean())
