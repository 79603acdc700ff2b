"""Documents through the whole gateway: two offices, wired as the daemon wires them.

What is asserted: no message ends as a fault of ours (GW-999), every entry of the ledger
is accounted for, and the receipt that goes back can be read by the other side.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from gateway.errors import InternalFault
from tests.builders_mails import a_header, a_mail, an_apprec_mail
from tests.builders_offices import Desk, Offices, two_offices

_KINDS = ("APPREC", "DIALOG_SVAR", "DIALOG_AVVIK")  # what the envelope says it carries


def document_from_partner(document: bytes) -> None:
    """A document that a partner signed and sealed well, up to the EPJ and back as AppRec."""
    kind = next((k for k in _KINDS if k.encode() in document), "DIALOG_FORESPORSEL")
    mail = an_apprec_mail(document) if kind == "APPREC" else a_mail(document, a_header(kind))

    async def read(offices: Offices) -> None:
        await offices.hospital.take_in(mail)
        await offices.settle()
        for message in list(offices.hospital.delivered):
            await offices.hospital.confirm(str(message.message_id))
            await offices.settle()

    _run(read)


def document_from_epj(document: bytes) -> None:
    """A document that our EPJ hands in, up to the other side's EPJ and back as AppRec."""
    _run(lambda offices: _hand_in(offices, document, "application/xml"))


def json_from_epj(body: bytes) -> None:
    """The same for a dialogue message as JSON."""
    _run(lambda offices: _hand_in(offices, body, "application/json"))


async def _hand_in(offices: Offices, body: bytes, content_type: str) -> None:
    await offices.hospital.hand_in(body, content_type=content_type)
    await offices.settle()
    for message in list(offices.municipality.delivered):
        await offices.municipality.confirm(str(message.message_id))
        await offices.settle()


def _run(work: Any) -> None:
    with structlog.testing.capture_logs() as logs:
        asyncio.run(_judged(work))
    crashed = [str(entry.get("where")) for entry in logs if str(entry["event"]).endswith("crashed")]
    assert not crashed, crashed[0]


async def _judged(work: Any) -> None:
    offices = two_offices()
    done: Coroutine[Any, Any, None] = work(offices)
    await done
    for desk in offices.both:
        await _require_no_fault_of_ours(desk)


async def _require_no_fault_of_ours(desk: Desk) -> None:
    codes = [code for _, code in await desk.letters()]
    assert InternalFault.code not in codes, f"{desk.name}: a letter {InternalFault.code}"
