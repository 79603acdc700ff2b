"""Documents from the nurses to the ward, ways to spoil them, and offices that have read one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lxml import etree

from gateway.codecs.xml import EB
from gateway.domain.identifiers import MsgId
from tests.builders_message import a_party, a_request, an_attachment
from tests.builders_offices import NURSES, WARD, Desk, Offices, two_offices, written

MSG_ID = "6f2f4c0e-7a51-4b0e-9c39-0d9a5b0f1c01"


def a_document(**changes: object) -> bytes:
    """A request from the nurses to the ward."""
    message = replace(
        a_request(),
        msg_id=MsgId(MSG_ID),
        sender=a_party(enterprise="920000", service=NURSES),
        receiver=a_party(enterprise="910000", service=WARD),
    )
    return written(replace(message, **changes))  # type: ignore[arg-type]  # checked by replace


def with_attachment(document: bytes) -> bytes:
    head, end = document.rsplit(b"</", 1)
    namespace = b' xmlns="http://www.kith.no/xmlstds/msghead/2006-05-24"'
    attached = an_attachment().encode().replace(b"<Document", b"<Document" + namespace, 1)
    return head + attached + b"</" + end


async def received(mail: bytes, **policies: Any) -> Offices:
    """The offices after the hospital has read ``mail``; its answers are not carried."""
    offices = two_offices(**policies)
    offices.carry = False
    await offices.hospital.take_in(mail)
    await offices.settle()
    return offices


async def read_at_the_hospital(mail: bytes, **policies: Any) -> Desk:
    return (await received(mail, **policies)).hospital


def remove(name: str, namespace: str = EB) -> Callable[[etree._Element], object]:
    def edit(root: etree._Element) -> None:
        for element in list(root.iter(f"{{{namespace}}}{name}")):
            parent = element.getparent()
            assert parent is not None
            parent.remove(element)

    return edit


def swapped(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def tamper(soap: bytes) -> bytes:
        assert old in soap
        return soap.replace(old, new, 1)

    return tamper


def broken(document: bytes) -> bytes:
    return document.replace(b"</", b"<", 1)
