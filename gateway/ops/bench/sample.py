"""One dialogue message of the usual size with everything that is made of it on its way."""

import itertools
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.adapters.clock import SystemClock
from gateway.codecs.mime import Mail, parse_mail, render_mail
from gateway.codecs.xml import DIALOG_1_0
from gateway.config.load import load_settings
from gateway.domain.addressbook import Entry
from gateway.domain.identifiers import ConversationId
from gateway.domain.message import REQUEST
from gateway.office import Office, open_office
from gateway.ops.demo import letters
from gateway.ops.demo_keys import HOSPITAL, MUNICIPALITY
from gateway.wiring import envelopes_of

DOCUMENT_BYTES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A request of about 10 kB from the demo's hospital to its municipality."""

    hospital: Office
    municipality: Office
    private_key: rsa.RSAPrivateKey
    document: bytes
    soap: bytes
    sealed: bytes
    mail: bytes
    parsed: Mail


def make_sample(directory: Path) -> Sample:
    """Make the sample from the demo configurations in ``directory``."""
    hospital, municipality = (
        open_office(load_settings(directory / f"{party.name}.toml", {}))
        for party in (HOSPITAL, MUNICIPALITY)
    )
    document = a_document(hospital, serial=0)
    sender, receiver = parties(hospital)
    made = envelopes_of(hospital, clock=SystemClock()).message(
        document,
        message_type=REQUEST,
        namespace=DIALOG_1_0,
        version="1.0",
        sender=sender,
        receiver=receiver,
        conversation_id=ConversationId(str(uuid.uuid4())),
        ref_to_message_id=None,
        entry_id="bench",
    )
    mail = render_mail(
        made.entity,
        sender=made.delivery.mail_from,
        recipient=made.delivery.mail_to,
        mail_message_id="bench@demo.invalid",
        date=datetime.now(UTC),
        subject="ebXML",
    )
    parsed = parse_mail(mail)
    return Sample(
        hospital=hospital,
        municipality=municipality,
        private_key=hospital.keys.signing.private_key,
        document=document,
        soap=parsed.soap,
        sealed=parsed.parts[0].data,
        mail=mail,
        parsed=parsed,
    )


def parties(office: Office) -> tuple[Entry, Entry]:
    """Our fourth service, and the nursing service of the municipality."""
    own = [entry for entry in office.book.entries if entry.own]
    theirs = [entry for entry in office.book.entries if entry.edi.startswith(MUNICIPALITY.name)]
    return own[3], theirs[1]


def a_document(office: Office, *, serial: int) -> bytes:
    """A request of about 10 kB, its text filled up with invented lines."""
    sender, receiver = parties(office)
    number = next(itertools.islice(letters.synthetic_numbers(), serial % 1_000, None))
    request = letters.request(
        sender,
        receiver,
        msg_id=str(uuid.uuid4()),
        at=datetime.now(UTC).replace(microsecond=0),
        number=number,
        serial=serial,
    )
    missing = DOCUMENT_BYTES - len(letters.written(request))
    line = "Oppdiktet linje i en lang og ellers tom melding, med æ, ø og å.\n"
    question = request.questions[0]
    text = (question.text or "") + "\n" + line * (missing // len(line.encode()))
    return letters.written(replace(request, questions=(replace(question, text=text),)))
