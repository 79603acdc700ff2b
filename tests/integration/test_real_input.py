"""Published samples through the whole chain, between two gateways with SQLite journals.

Everything that goes over the wire is held against the official schemas, xmlsec1
and openssl. The samples are read from ``GATEWAY_REFERENCE_DIR``.
"""

import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.codecs.document import read_document
from gateway.codecs.mime import render_mail
from gateway.codecs.schema import SchemaSet, check_envelope
from gateway.codecs.xml import parse_untrusted
from gateway.domain.addressbook import AddressBook, Enterprise, Person, Service
from gateway.domain.identifiers import HerId
from gateway.domain.message import DialogMessage, Party
from gateway.office import Office, OwnKeys
from gateway.ports import KeyPair
from tests.builders_mails import Said, all_said
from tests.builders_offices import (
    HOSPITAL,
    MUNICIPALITY,
    Offices,
    Policy,
    an_office,
    offices_on_sqlite,
    sums,
)
from tests.interop.programs import program

SAMPLES = "samples/sarepta-dialog-v1_0"
WITHOUT_ATTACHMENTS = [
    f"{SAMPLES}/Dialogmelding_foresporsel_PLO_v1-0.xml",
    f"{SAMPLES}/Dialogmelding_svar_foresporsel_PLO_v1-0.xml",
    "samples/nav/message_without_attachments.xml",
]
WITH_ATTACHMENTS = "samples/nav/message_with_attachments.xml"


@dataclass(frozen=True, slots=True)
class Side:
    """A party of a sample, in the place of one of the demo's."""

    name: str
    party: Party

    def enterprise(self, *, own: bool, others: tuple[Party, ...] = ()) -> Enterprise:
        """Level 1 with all its parties that the sample names; keys and address of ``name``."""
        office = an_office(self.name)
        parties = (self.party, *others)
        her = self.party.enterprise_her
        assert her is not None
        return Enterprise(
            her=her,
            name=self.party.organisation.name or "",
            orgnr="310000100",
            own=own,
            edi=f"{self.name}@demo.invalid",
            signing=(der(office.keys.signing),),
            sealing=tuple(der(pair) for pair in office.keys.unsealing),
            services=tuple(
                service(office, party, side)
                for party, side in zip(parties, (self.name, MUNICIPALITY), strict=False)
                if party.organisation.part is not None
            ),
            persons=tuple(person(p) for p in parties if p.organisation.part is None),
        )


def der(pair: KeyPair) -> bytes:
    return pair.certificate.public_bytes(Encoding.DER)


def service(office: Office, party: Party, side: str) -> Service:
    """The party as some service that sends and receives, of a hospital or a municipality."""
    kind = next(one for one in office.services if one.is_receiver and one.side == side)
    return Service(her=her_of(party), type=kind, name=kind.official)


def person(party: Party) -> Person:
    professional = party.organisation.professional
    assert professional is not None
    return Person(
        her=her_of(party),
        given=professional.given_name or "",
        family=professional.family_name or "",
    )


def her_of(party: Party) -> HerId:
    assert party.her is not None
    return party.her


def rooms_for(
    message: DialogMessage, outgoing: Policy = "strip", incoming: Policy = "reject"
) -> dict[str, Office]:
    """The demo's offices with the parties of a sample in their address books."""
    sender, receiver = Side(HOSPITAL, message.sender), Side(MUNICIPALITY, message.receiver)
    offices = {name: an_office(name, outgoing, incoming) for name in (HOSPITAL, MUNICIPALITY)}
    if message.sender.enterprise_her != message.receiver.enterprise_her:
        return {
            HOSPITAL: replace(
                offices[HOSPITAL],
                book=AddressBook((sender.enterprise(own=True), receiver.enterprise(own=False))),
            ),
            MUNICIPALITY: replace(
                offices[MUNICIPALITY],
                book=AddressBook((receiver.enterprise(own=True), sender.enterprise(own=False))),
            ),
        }
    # One enterprise writes to itself: the same keys, and each book leads to the other gateway.
    keys = OwnKeys(offices[HOSPITAL].keys.signing, offices[HOSPITAL].keys.unsealing)
    both = sender.enterprise(own=True, others=(message.receiver,))
    return {
        name: replace(
            offices[name],
            keys=keys,
            book=AddressBook((replace(both, edi=f"{other}@demo.invalid"),)),
        )
        for name, other in ((HOSPITAL, MUNICIPALITY), (MUNICIPALITY, HOSPITAL))
    }


async def chain(offices: Offices, document: bytes, msg_id: str) -> None:
    """From one EPJ to the other, and the answer back."""
    await offices.hospital.hand_in(document)
    await offices.settle()
    await offices.municipality.confirm(msg_id)
    await offices.settle()


@pytest.mark.parametrize("name", WITHOUT_ATTACHMENTS)
async def test_a_published_message_arrives_byte_for_byte_and_is_confirmed(
    reference_dir: Path, tmp_path: Path, name: str
) -> None:
    body = (reference_dir / name).read_bytes()
    message = read_document(body).message

    async with offices_on_sqlite(tmp_path, rooms=rooms_for(message)) as offices:
        await chain(offices, body, message.msg_id)

        expected = ["accepted", "sent", "acknowledged", "confirmed"]
        assert offices.hospital.events == expected, offices.hospital.last["reasons"]
        (delivered,) = offices.municipality.delivered
        assert delivered.body == body
        assert (await sums(offices.hospital))[0].confirmed == 1
        assert (await sums(offices.municipality))[1].confirmed == 1
        said = all_said(offices.hospital) + all_said(offices.municipality)
    assert sorted(one.kind for one in said) == [
        "acknowledgment",
        "acknowledgment",
        "apprec",
        "payload",
    ]
    for one in said:
        require_wire_facts(one, tmp_path, reference_dir)
    receipt = next(one for one in said if one.kind == "apprec")
    opened = openssl_opens(receipt, tmp_path)
    SchemaSet.default().check_apprec(parse_untrusted(opened))
    assert message.gen_date_text.encode() in opened


async def test_attachments_are_stripped_and_the_sender_is_told(
    reference_dir: Path, tmp_path: Path
) -> None:
    body = (reference_dir / WITH_ATTACHMENTS).read_bytes()
    message = read_document(body).message
    assert message.attachments

    async with offices_on_sqlite(tmp_path, rooms=rooms_for(message)) as offices:
        await chain(offices, body, message.msg_id)

        assert offices.hospital.events[-1] == "confirmed"
        accepted = offices.hospital.status[0]["data"]
        assert len(accepted["removed"]) == len(message.attachments)
        (delivered,) = offices.municipality.delivered
        arrived = read_document(delivered.body).message
        assert (arrived.attachments, arrived.text) == ((), message.text)


async def test_attachments_are_refused_by_policy_going_out(
    reference_dir: Path, tmp_path: Path
) -> None:
    body = (reference_dir / WITH_ATTACHMENTS).read_bytes()
    message = read_document(body).message

    rooms = rooms_for(message, outgoing="reject")
    async with offices_on_sqlite(tmp_path, rooms=rooms) as offices:
        await offices.hospital.hand_in(body)
        await offices.settle()

        assert offices.hospital.events == ["rejected"]
        codes = {reason["code"] for reason in offices.hospital.last["reasons"]}
        assert "EPJ_ATTACH" in codes
        assert offices.hospital.post.mails == []


@pytest.mark.parametrize("policy", ["reject", "strip"])
async def test_attachments_coming_in_follow_the_policy(
    reference_dir: Path, tmp_path: Path, policy: Policy
) -> None:
    body = (reference_dir / WITH_ATTACHMENTS).read_bytes()
    message = read_document(body).message

    rooms = rooms_for(message, incoming=policy)
    async with offices_on_sqlite(tmp_path, rooms=rooms) as offices:
        await hand_over_unscreened(offices, body, message)
        await offices.settle()

        if policy == "reject":
            assert offices.municipality.delivered == []
            receipt = next(one for one in all_said(offices.municipality) if one.kind == "apprec")
            assert b'V="T99"' in openssl_opens(receipt, tmp_path)
            assert (await sums(offices.municipality))[1].rejected == 1
        else:
            (delivered,) = offices.municipality.delivered
            assert delivered.headers["x-removed-attachments"] == len(message.attachments)
            assert read_document(delivered.body).message.attachments == ()


async def hand_over_unscreened(offices: Offices, body: bytes, message: DialogMessage) -> None:
    """Send a document as a gateway without these rules would."""
    hospital = offices.hospital
    book, envelopes = hospital.office.book, hospital.processes.receive.unwrap.envelopes
    sender, receiver = (
        book.by_her(her_of(message.sender)),
        book.by_her(her_of(message.receiver)),
    )
    assert sender is not None
    assert receiver is not None
    made = envelopes.message(
        body,
        message_type=message.type.value,
        namespace=message.content_namespace or "",
        version=message.dialog_version or "",
        sender=sender,
        receiver=receiver,
        conversation_id=offices.new_id(),
        ref_to_message_id=None,
        entry_id="elsewhere",
    )
    mail = render_mail(
        made.entity,
        sender="hospital@demo.invalid",
        recipient="municipality@demo.invalid",
        mail_message_id="one@demo.invalid",
        date=offices.clock.now(),
        subject="ebXML",
        mailer="a partner",
    )
    await offices.municipality.take_in(mail)


def require_wire_facts(one: Said, folder: Path, reference_dir: Path) -> None:
    """An envelope is valid by both sets of schemas, and other programs read it."""
    root = parse_untrusted(one.mail.soap)
    check_envelope(root)
    (folder / "signed.xml").write_bytes(one.mail.soap)
    schemas = reference_dir / "xsd"
    done = run(
        folder,
        *("xmllint", "--nonet", "--noout", "--schema", str(schemas / "driver-ebxml.xsd")),
        "signed.xml",
        XML_CATALOG_FILES=str(schemas / "catalog.xml"),
    )
    assert done.returncode == 0, done.stderr
    mapped = []
    for number, part in enumerate(one.mail.parts):
        (folder / f"part{number}").write_bytes(part.data)
        mapped += [f"--url-map:cid:{part.content_id}", f"part{number}"]
    verdicts = []
    for name in (HOSPITAL, MUNICIPALITY):
        signing = an_office(name).keys.signing.certificate
        (folder / "cert.pem").write_bytes(signing.public_bytes(Encoding.PEM))
        done = run(
            folder, "xmlsec1", "--verify", "--pubkey-cert-pem", "cert.pem", *mapped, "signed.xml"
        )
        verdicts.append(done.returncode)
    assert sorted(verdicts) == [0, 1]  # by one of the two, and only by that one
    for _ in one.mail.parts:
        assert openssl_opens(one, folder)


def openssl_opens(one: Said, folder: Path) -> bytes:
    """What ``openssl cms`` finds in the sealed part, with the key of either office."""
    (folder / "sealed.der").write_bytes(one.mail.parts[0].data)
    for name in (HOSPITAL, MUNICIPALITY):
        pair = an_office(name).keys.unsealing[0]
        key = pair.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "key.pem").write_bytes(key)
        (folder / "own.pem").write_bytes(pair.certificate.public_bytes(Encoding.PEM))
        done = run(
            folder,
            *("openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", "sealed.der"),
            *("-inkey", "key.pem", "-recip", "own.pem"),
        )
        if done.returncode == 0:
            return done.stdout
    raise AssertionError("openssl opens it with neither key")


def run(
    folder: Path, name: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [program(name), *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=30,
        check=False,
    )
