"""Every place where bytes of somebody else come in, as one function from bytes.

Whatever the bytes are, an entrance may raise a :class:`GatewayError` and nothing
else. ``InternalFault`` is none of those: it says that we are wrong. What is made
of readable bytes must be usable; that is asserted here too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.codecs.apprec import is_apprec, parse_apprec
from gateway.codecs.document import Document, read_document, read_tree, text_only
from gateway.codecs.ebxml import is_soap_fault, parse_envelope, peek_header
from gateway.codecs.epj_compose import compose_answer
from gateway.codecs.epj_json import document_from_json, parse_epj_json, peek_msg_id
from gateway.codecs.epj_models import DialogueAnswer
from gateway.codecs.mime import DEFAULT_MAIL_LIMITS, is_auto_reply, parse_bounce, parse_mail
from gateway.codecs.msghead import (
    as_plain_text,
    parse_msghead,
    peek_message,
    render_answer,
    without_attachments,
)
from gateway.codecs.replying import Origin, reply_to
from gateway.codecs.sealing import seal, seal_facts, unseal
from gateway.codecs.verifying import (
    check_references,
    inspect_signature,
    signature_facts,
    signed_envelope,
)
from gateway.codecs.xml import DEFAULT_LIMITS, parse_untrusted, path_of
from gateway.domain.addressing import address_incoming, address_outgoing
from gateway.domain.findings import Direction
from gateway.domain.identifiers import HerId, MessageId, MsgId
from gateway.domain.message import DialogMessage
from gateway.domain.receipt import Answer, ReceiptError, receipt_error
from gateway.domain.routing import resolve
from gateway.domain.rules.policy import ScreeningPolicy
from gateway.domain.screening import screen
from gateway.errors import GatewayError, InternalFault
from gateway.inbound.received import Verified, business_part, read_received
from gateway.ports import QueueMessage
from gateway.queues import read_arrival_notice, read_send_order
from gateway.receipts.confirmation import read_confirmation
from tests.builders_epj import SERVICES, answer_json, encoded
from tests.fuzz.offices import document_from_epj, document_from_partner, json_from_epj
from tests.fuzz.parties import HOSPITAL, MUNICIPALITY, NOW, NURSES, WARD, book, party

CORPUS: Final = Path(__file__).parent / "corpus"
MAX_DOCUMENT_BYTES: Final = 35_000_000
PARTS: Final = {"part-1": b"0\x82sealed octets", "part 2": b""}
_POLICY: Final = ScreeningPolicy(synthetic_allowed=True)


@dataclass(frozen=True, slots=True)
class Entrance:
    """One entrance.

    ``shape`` says which damages make sense: ``xml``, ``json``, ``lines`` or ``bytes``.
    ``corpora`` are the folders of seeds, its own first; ``longest`` bounds the inputs made.
    """

    name: str
    call: Callable[[bytes], object]
    shape: str
    corpora: tuple[str, ...]
    longest: int = 60_000

    def admits(self, body: bytes) -> str:
        """Go through the entrance: class of the refusal, or "" when the bytes were taken.

        Raises:
            Exception: a fault of ours, whatever its class.
        """
        try:
            self.call(body)
        except InternalFault:
            raise
        except GatewayError as refusal:
            return type(refusal).__name__
        return ""

    def seeds(self) -> list[Path]:
        """Its seeds in the repository, found faults among them."""
        folders = (CORPUS / name for name in self.corpora)
        return sorted(path for folder in folders for path in folder.iterdir())


def read_xml(body: bytes) -> None:
    """The parser, and the places it names."""
    root = parse_untrusted(body)
    *_, last = root.iter(etree.Element)
    assert path_of(last).startswith("/")


def read_msghead(body: bytes) -> None:
    """A business document: read, screened both ways, stripped, flattened, answered."""
    root = parse_untrusted(body)
    peek_message(root)
    answer_with_receipt(body, Answer.OK)
    answer_with_receipt(body, Answer.REJECTED, [receipt_error("T99", "Ikke med vedlegg")])
    document = read_tree(root)
    message = document.message
    for direction in Direction:
        screening = screen(message, direction=direction, policy=_POLICY)
        if screening.strips:
            read_document(text_only(body, document, screening))
    address_outgoing(message, book())
    address_incoming(message, book(), from_her=NURSES, to_her=WARD)
    without = parse_msghead(parse_untrusted(without_attachments(root)))
    assert not without.attachments
    flat = parse_msghead(parse_untrusted(as_plain_text(root)))
    assert (flat.msg_id, flat.patient, flat.type) == (message.msg_id, message.patient, message.type)
    answer_in_json(message)


def answer_with_receipt(
    document: bytes, answer: Answer, errors: Sequence[ReceiptError] = ()
) -> None:
    """Whatever a document is, it can be answered, and the answer can be read."""
    entries = book()
    sender, receiver = entries.by_her(NURSES), entries.by_her(WARD)
    assert sender is not None
    assert receiver is not None
    origin = Origin(
        message_id=MessageId("e0000000-0000-4000-8000-000000000001"),
        action="DIALOG_FORESPORSEL",
        timestamp=NOW,
        sender=sender,
        receiver=receiver,
    )
    receipt_id = "a0000000-0000-4000-8000-000000000001"
    reply = reply_to(document, origin, answer=answer, errors=errors, receipt_id=receipt_id, at=NOW)
    try:
        read = parse_apprec(parse_untrusted(reply.document))
    except GatewayError as error:
        raise AssertionError("a receipt of ours cannot be read") from error
    assert read.answer is answer
    assert len(read.errors) == len(errors)


def answer_in_json(question: DialogMessage) -> None:
    """The EPJ answers a question that came in; its document repeats the question."""
    model = parse_epj_json(encoded(answer_json()))
    assert isinstance(model, DialogueAnswer)
    composed = render_answer(compose_answer(model, [question], book(), SERVICES, now=NOW))
    parse_msghead(parse_untrusted(composed))


def read_apprec(body: bytes) -> None:
    """An application receipt."""
    root = parse_untrusted(body)
    is_apprec(root)
    parse_apprec(root)


def read_epj_json(body: bytes) -> None:
    """A dialogue message as JSON, made into the document that goes out."""
    peek_msg_id(body)
    document = document_from_json(
        body, book=book(), services=SERVICES, now=NOW, questions_of=_no_question
    )
    try:
        made: Document = read_document(document)
    except GatewayError as error:
        raise AssertionError("a document made from JSON cannot be read") from error
    screen(made.message, direction=Direction.OUTGOING, policy=_POLICY)


def _no_question(_: MsgId) -> Sequence[DialogMessage]:
    return ()


def read_epj_confirmation(body: bytes) -> None:
    """The EPJ's word on a message, made into the receipt that goes out."""
    confirmation = read_confirmation(body)
    answer = Answer.OK if confirmation.outcome == "stored" else Answer.REJECTED
    answer_with_receipt(b"<unreadable/>", answer, confirmation.errors)


def read_queues(body: bytes) -> None:
    """The small messages between our own processes."""
    message = QueueMessage(body=body)
    for read in (read_send_order, read_arrival_notice):
        try:
            read(message)
        except GatewayError:
            continue


def read_mail(raw: bytes) -> None:
    """One mail, as ebXML and as a delivery report."""
    is_auto_reply(raw)
    parse_bounce(raw)
    parse_mail(raw)


def read_envelope(body: bytes) -> None:
    """A SOAP envelope; its header is made out before the rest is read."""
    root = parse_untrusted(body)
    is_soap_fault(root)
    peek_header(root)
    parse_envelope(root)


def read_signature(body: bytes) -> None:
    """The signature of an envelope, described and verified."""
    root = parse_untrusted(body)
    signature_facts(root)
    check_references(root, PARTS)
    inspect_signature(root, PARTS)
    certificate = party(MUNICIPALITY).signing.certificate
    signed = signed_envelope(root, certificate=certificate, attachments=PARTS, at=NOW)
    parse_envelope(signed.root)


def open_sealed(sealed: bytes) -> None:
    """A sealed part."""
    seal_facts(sealed)
    pair = party(HOSPITAL).sealing
    unseal(sealed, keys=[(pair.private_key, pair.certificate)], max_bytes=MAX_DOCUMENT_BYTES)


def open_content(content: bytes) -> None:
    """What a partner put inside a seal."""
    pair = party(HOSPITAL).sealing
    sealed = seal(content, certificate=pair.certificate)
    unseal(sealed, keys=[(pair.private_key, pair.certificate)], max_bytes=MAX_DOCUMENT_BYTES)


def read_whole_mail(raw: bytes) -> None:
    """One mail from its bytes to the business document."""
    received = read_received(
        raw, book=book(), at=NOW, mail_limits=DEFAULT_MAIL_LIMITS, xml_limits=DEFAULT_LIMITS
    )
    if not isinstance(received, Verified):
        return
    assert len(received.fingerprint) == 64
    pair = party(HOSPITAL).sealing
    opened = unseal(
        business_part(received).data,
        keys=[(pair.private_key, pair.certificate)],
        max_bytes=MAX_DOCUMENT_BYTES,
    )
    parse_untrusted(opened.document)


def read_address(text: bytes) -> None:
    """An address as a person writes it."""
    resolution = resolve(text.decode("utf-8", "replace"), book(), SERVICES)
    assert resolution.steps
    HerId(resolution.entry.her if resolution.entry else "")


ENTRANCES: Final = {
    entrance.name: entrance
    for entrance in (
        Entrance("xml", read_xml, "xml", ("xml", "msghead", "apprec", "envelope")),
        Entrance("msghead", read_msghead, "xml", ("msghead",)),
        Entrance("apprec", read_apprec, "xml", ("apprec",)),
        Entrance("json", read_epj_json, "json", ("json",)),
        Entrance("confirmation", read_epj_confirmation, "json", ("confirmation",)),
        Entrance("queues", read_queues, "json", ("queues",), longest=4_096),
        Entrance("mail", read_mail, "lines", ("mail", "received")),
        Entrance("envelope", read_envelope, "xml", ("envelope",)),
        Entrance("signature", read_signature, "xml", ("signature",)),
        Entrance("sealed", open_sealed, "bytes", ("sealed",)),
        Entrance("content", open_content, "lines", ("content",)),
        Entrance("received", read_whole_mail, "lines", ("received", "mail")),
        Entrance("inbound", document_from_partner, "xml", ("office", "apprec")),
        Entrance("outbound", document_from_epj, "xml", ("office",)),
        Entrance("outbound-json", json_from_epj, "json", ("json",)),
        Entrance("address", read_address, "bytes", ("address",), longest=4_096),
    )
}
