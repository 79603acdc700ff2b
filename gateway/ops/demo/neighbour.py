"""The third party: no gateway, but a script with keys and a mail sink (design §11).

It sends what must be refused and notes how it was refused; and it is the
partner that is switched off and on: off, its mail disappears unread.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gateway.adapters.smtp_send import SmtpTransport
from gateway.codecs.apprec import is_apprec, parse_apprec
from gateway.codecs.ebxml import monitoring_description
from gateway.codecs.mime import DEFAULT_MAIL_LIMITS, Part, parse_mail, render_entity, render_mail
from gateway.codecs.replying import origin_of, reply_to
from gateway.codecs.sealing import unseal
from gateway.codecs.xml import DEFAULT_LIMITS, DIALOG_1_0, parse_untrusted
from gateway.domain.addressbook import AddressBook, Entry
from gateway.domain.envelope import EnvelopeKind
from gateway.domain.identifiers import ConversationId
from gateway.domain.receipt import Answer
from gateway.domain.resend import ResendPolicy
from gateway.envelopes import Answered, Envelopes, Made
from gateway.inbound.received import Verified, business_part, read_received
from gateway.ops.demo.postoffice import PostOffice
from gateway.ports import Clock, Keys

_MSH = "Demo nabo MSH"


@dataclass(slots=True, kw_only=True)
class Neighbour:
    """The script of HER-id 930001.

    ``refusals`` holds the codes that came back, by eb:MessageId for a
    MessageError and by MsgId for an AppRec.
    """

    keys: Keys
    foreign_keys: Keys
    book: AddressBook
    clock: Clock
    transport: SmtpTransport
    post_office: PostOffice
    address: str
    me: Entry
    changed: Callable[[], None] = lambda: None
    on: bool = True
    swallowed: int = 0
    refusals: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    async def send(
        self,
        document: bytes,
        *,
        receiver: Entry,
        message_type: str,
        on_purpose: str | None = None,
    ) -> str:
        """Send one message; returns its eb:MessageId.

        Args:
            document: what goes into the seal.
            receiver: the service it is addressed to.
            message_type: eb:Action, from which service and roles follow.
            on_purpose: ``tampered``, ``foreign-certificate`` or another word for
                the name of the kept mail.
        """
        keys = self.foreign_keys if on_purpose == "foreign-certificate" else self.keys
        made = self._envelopes(keys).message(
            document,
            message_type=message_type,
            namespace=DIALOG_1_0,
            version="1.0",
            sender=self.me,
            receiver=receiver,
            conversation_id=ConversationId(str(uuid.uuid4())),
            ref_to_message_id=None,
            entry_id="",
        )
        if on_purpose == "tampered":
            made = replace(made, entity=_tampered(made.entity))
        await self._mail(made, on_purpose)
        return made.delivery.message_id

    async def take(self, raw: bytes, sender: str) -> None:
        """Read one mail from the sink and do what a partner's system would do."""
        if not self.on:
            self.swallowed += 1
            return
        received = read_received(
            raw,
            book=self.book,
            at=self.clock.now(),
            mail_limits=DEFAULT_MAIL_LIMITS,
            xml_limits=DEFAULT_LIMITS,
        )
        assert isinstance(received, Verified), "the gateways of the demonstration sign well"
        envelope = received.envelope
        if envelope.kind is EnvelopeKind.ERROR:
            ref = envelope.header.ref_to_message_id or ""
            self.refusals[ref] += [error.code for error in envelope.errors]
        elif envelope.kind is EnvelopeKind.PAYLOAD:
            await self._take_payload(received)
        self.changed()

    async def _take_payload(self, received: Verified) -> None:
        header = received.envelope.header
        to = Answered.of(header, received.partner)
        acknowledgment = self._envelopes(self.keys).acknowledgment(
            to, received.references, entry_id=""
        )
        await self._mail(acknowledgment)
        keys = [(pair.private_key, pair.certificate) for pair in self.keys.unsealing]
        limit = DEFAULT_LIMITS.max_bytes
        document = unseal(business_part(received).data, keys=keys, max_bytes=limit).document
        root = parse_untrusted(document)
        if is_apprec(root):
            receipt = parse_apprec(root)
            known_as = receipt.original.msg_id
            if receipt.answer is Answer.REJECTED:
                self.refusals[known_as] += [error.code for error in receipt.errors]
            return
        reply = reply_to(
            document,
            origin_of(header, received.partner, self.me),
            answer=Answer.OK,
            receipt_id=str(uuid.uuid4()),
            at=self.clock.now(),
        )
        receipt_envelope = self._envelopes(self.keys).receipt(reply, to=to, entry_id="")
        await self._mail(receipt_envelope)

    async def _mail(self, made: Made, on_purpose: str | None = None) -> None:
        name = f"{uuid.uuid4()}@demo.invalid"
        if on_purpose is not None:
            self.post_office.made_on_purpose[name] = on_purpose
        mail = render_mail(
            made.entity,
            sender=self.address,
            recipient=made.delivery.mail_to,
            mail_message_id=name,
            date=datetime.now(UTC),
            subject=f"ebXML {made.delivery.action}",
        )
        await self.transport.send(
            mail, sender=self.address, recipient=made.delivery.mail_to, envelope_id=name
        )

    def _envelopes(self, keys: Keys) -> Envelopes:
        return Envelopes(
            keys=keys,
            clock=self.clock,
            new_id=lambda: str(uuid.uuid4()),
            resend=ResendPolicy(),
            description=monitoring_description(_MSH, "1.0"),
            address_of=lambda _: self.address,
        )


def _tampered(entity: bytes) -> bytes:
    """The same mail with one letter of its signed header changed."""
    mail = parse_mail(entity)
    soap = mail.soap.replace(b"</eb:ConversationId>", b"x</eb:ConversationId>", 1)
    assert soap != mail.soap
    parts = [
        Part(
            part.content_id,
            "application/pkcs7-mime; smime-type=enveloped-data",
            part.data,
        )
        for part in mail.parts
    ]
    return render_entity(soap, soap_content_id=mail.soap_content_id, parts=parts)
