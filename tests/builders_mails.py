"""Mails as a partner's handler may write them, with one place to change; and what ours say.

By default the municipality's nurses write to the hospital's ward, well signed
and well sealed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from cryptography import x509
from lxml import etree

from gateway.adapters.keys import load_key_pair
from gateway.codecs.apprec import parse_apprec, render_apprec
from gateway.codecs.ebxml import (
    parse_envelope,
    references_of,
    render_acknowledgment_envelope,
    render_error_envelope,
    render_payload_envelope,
)
from gateway.codecs.mime import PAYLOAD_CONTENT_TYPE, Mail, Part, parse_mail, render_entity
from gateway.codecs.mime import render_mail as packed
from gateway.codecs.replying import party_of
from gateway.codecs.sealing import seal, unseal
from gateway.codecs.signing import sign_envelope
from gateway.codecs.xml import parse_untrusted
from gateway.domain.envelope import (
    ACKNOWLEDGMENT_ACTION,
    APPREC_ACTION,
    ERROR_ACTION,
    SIGNAL_SERVICE,
    Acknowledgment,
    EbParty,
    Envelope,
    EnvelopeKind,
    ErrorEntry,
    ManifestReference,
    MessageHeader,
    Severity,
    SignedReference,
)
from gateway.domain.identifiers import ConversationId, CpaId, HerId, MessageId, MsgId
from gateway.domain.mirror import mirror
from gateway.domain.receipt import (
    Answer,
    ApplicationReceipt,
    OriginalMessage,
    ReceiptError,
    ReceiptVersion,
)
from gateway.ports import KeyPair
from tests.builders_offices import (
    HOSPITAL,
    MORNING,
    MUNICIPALITY,
    NURSES,
    WARD,
    Desk,
    an_office,
    demo_folder,
)

Edit = Callable[[etree._Element], object]
CPA = CpaId("910004_920001")
CONVERSATION = ConversationId("c0ffee00-0000-4000-8000-000000000001")
ENVELOPE_ID = MessageId("e0000000-0000-4000-8000-000000000001")


def a_header(action: str = "DIALOG_FORESPORSEL", **changes: object) -> MessageHeader:
    """The header of a message from the nurses to the ward; ``changes`` as to ``replace``."""
    header = MessageHeader(
        sender=EbParty(her=NURSES, role=f"{action}sender"),
        receiver=EbParty(her=WARD, role=f"{action}receiver"),
        cpa_id=CPA,
        conversation_id=CONVERSATION,
        service=f"S-{action}",
        service_type="string",
        action=action,
        message_id=ENVELOPE_ID,
        timestamp=MORNING,
        duplicate_elimination=True,
    )
    return replace(header, **changes)  # type: ignore[arg-type]  # names are checked by replace


def a_mail(
    document: bytes,
    header: MessageHeader | None = None,
    *,
    edit: Edit | None = None,
    tamper: Callable[[bytes], bytes] | None = None,
    signer: str = MUNICIPALITY,
    sealed_for: str | None = HOSPITAL,
    extra: Sequence[Part] = (),
    part_first: Sequence[Part] = (),
    named: str = "part-1",
    without_parts: bool = False,
) -> bytes:
    """A payload mail.

    Args:
        document: what is sealed.
        header: facts of the envelope.
        edit: changes the envelope before it is signed.
        tamper: changes the signed envelope.
        signer: whose key signs; ``foreign`` is a party that no address book names.
        sealed_for: whose certificate; None leaves the document as it is.
        extra: further parts after the sealed one, ``part_first`` before it; all are signed.
        named: the Content-ID that the Manifest names.
        without_parts: the mail leaves them out after signing.
    """
    header = header or a_header()
    sealed = document if sealed_for is None else seal(document, certificate=sealing(sealed_for))
    parts = [*part_first, Part("part-1", PAYLOAD_CONTENT_TYPE, sealed), *extra]
    envelope = render_payload_envelope(header, [ManifestReference(content_id=named)])
    return _sent(envelope, header, signer, parts, edit, tamper, without_parts=without_parts)


def an_acknowledgment(
    of: Envelope | MessageHeader,
    references: Sequence[SignedReference],
    *,
    signer: str = MUNICIPALITY,
    edit: Edit | None = None,
    **changes: object,
) -> bytes:
    """An Acknowledgment of an envelope from the hospital; ``changes`` as to its header."""
    about = of.header if isinstance(of, Envelope) else of
    header = _signal(about, ACKNOWLEDGMENT_ACTION, **changes)
    acknowledgment = Acknowledgment(
        ref_to_message_id=about.message_id,
        timestamp=header.timestamp,
        references=tuple(references),
        sender_her=about.receiver.her,
    )
    envelope = render_acknowledgment_envelope(header, acknowledgment)
    return _sent(envelope, header, signer, (), edit, None)


def a_message_error(
    of: Envelope | MessageHeader,
    code: str = "SecurityFailure",
    *,
    severity: Severity = Severity.ERROR,
    text: str | None = "Signaturen holder ikke.",
    signer: str = MUNICIPALITY,
    edit: Edit | None = None,
    **changes: object,
) -> bytes:
    """A MessageError about an envelope from the hospital."""
    about = of.header if isinstance(of, Envelope) else of
    header = _signal(about, ERROR_ACTION, **changes)
    envelope = render_error_envelope(header, (ErrorEntry(code=code, severity=severity, text=text),))
    return _sent(envelope, header, signer, (), edit, None)


def an_apprec_document(
    original: MsgId,
    answer: Answer = Answer.OK,
    *,
    errors: Sequence[ReceiptError] = (),
    sender: HerId = NURSES,
    level_1_only: bool = False,
) -> bytes:
    """What the municipality's EPJ answers to a message of the hospital."""
    book = an_office(MUNICIPALITY).book
    answering, answered = book.by_her(sender), book.by_her(WARD)
    assert answering is not None
    assert answered is not None
    ours, theirs = mirror(party_of(answered), party_of(answering), ReceiptVersion.V1_0)
    if level_1_only:
        ours = replace(ours, organisation=replace(ours.organisation, part=None))
    return render_apprec(
        ApplicationReceipt(
            version=ReceiptVersion.V1_0,
            receipt_id="a0000000-0000-4000-8000-000000000001",
            generated_at=MORNING,
            answer=answer,
            original=OriginalMessage(
                msg_id=original, type="DIALOG_FORESPORSEL", issue_date_text="2026-03-04T09:15:30Z"
            ),
            sender=ours,
            receiver=theirs,
            errors=tuple(errors),
        )
    )


def an_apprec_mail(document: bytes, *, signer: str = MUNICIPALITY, **changes: object) -> bytes:
    """The mail of an AppRec; ``changes`` as to its header."""
    header = a_header(
        APPREC_ACTION,
        service="S-DIALOG_FORESPORSEL",
        message_id=MessageId("e0000000-0000-4000-8000-00000000000a"),
    )
    header = replace(header, **changes)  # type: ignore[arg-type]  # names are checked by replace
    return a_mail(document, header, signer=signer)


def a_bounce(envelope_id: str, status: str = "5.1.1", action: str = "failed") -> bytes:
    """A delivery report as a mail server writes it (RFC 3464)."""
    return (
        "From: MAILER-DAEMON@demo.invalid\r\nTo: hospital@demo.invalid\r\n"
        "Message-ID: <dsn-1@demo.invalid>\r\nDate: Wed, 04 Mar 2026 09:21:00 +0000\r\n"
        "Subject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.demo.invalid\r\nOriginal-Envelope-Id: {envelope_id}\r\n\r\n"
        "Final-Recipient: rfc822; municipality@demo.invalid\r\n"
        f"Action: {action}\r\nStatus: {status}\r\n\r\n--b--\r\n"
    ).encode()


def a_soap_fault(about: str) -> bytes:
    """A SOAP Fault mail about the mail whose Message-ID is ``about``."""
    fault = (
        '<?xml version="1.0" encoding="UTF-8"?><S:Envelope '
        'xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault>'
        "<faultcode>S:Client</faultcode><faultstring>unreadable</faultstring>"
        "</S:Fault></S:Body></S:Envelope>"
    )
    return (
        "From: municipality@demo.invalid\r\nTo: hospital@demo.invalid\r\n"
        "Message-ID: <fault-1@demo.invalid>\r\nDate: Wed, 04 Mar 2026 09:21:00 +0000\r\n"
        f"In-Reply-To: <{about}>\r\nMIME-Version: 1.0\r\nSOAPAction: ebXML\r\n"
        f'Content-Type: text/xml; charset="UTF-8"\r\n\r\n{fault}'
    ).encode()


def sealing(name: str) -> x509.Certificate:
    """The certificate that mail to ``name`` is sealed for."""
    return an_office(name).keys.unsealing[0].certificate


def _signing(name: str) -> KeyPair:
    if name == "foreign":
        folder = demo_folder()
        return load_key_pair(
            folder / "foreign-signing.key.pem", folder / "foreign-signing.cert.pem"
        )
    return an_office(name).keys.signing


def _signal(about: MessageHeader, action: str, **changes: object) -> MessageHeader:
    header = MessageHeader(
        sender=EbParty(her=about.receiver.her),
        receiver=EbParty(her=about.sender.her),
        cpa_id=about.cpa_id,
        conversation_id=about.conversation_id,
        service=SIGNAL_SERVICE,
        action=action,
        message_id=MessageId("50000000-0000-4000-8000-000000000001"),
        timestamp=about.timestamp + timedelta(minutes=1),
        ref_to_message_id=about.message_id,
    )
    return replace(header, **changes)  # type: ignore[arg-type]  # names are checked by replace


def _sent(
    envelope: etree._Element,
    header: MessageHeader,
    signer: str,
    parts: Sequence[Part],
    edit: Edit | None,
    tamper: Callable[[bytes], bytes] | None,
    *,
    without_parts: bool = False,
) -> bytes:
    if edit is not None:
        edit(envelope)
    pair = _signing(signer)
    soap = sign_envelope(
        envelope,
        private_key=pair.private_key,
        certificate=pair.certificate,
        attachments={part.content_id: part.data for part in parts},
    )
    soap = soap if tamper is None else tamper(soap)
    if without_parts:
        parts = [Part("other", part.content_type, part.data) for part in parts[:1]]
    return packed(
        render_entity(soap, soap_content_id=f"soap-{header.message_id}", parts=parts),
        sender="municipality@demo.invalid",
        recipient="hospital@demo.invalid",
        mail_message_id=f"mail-{header.message_id}@demo.invalid",
        date=header.timestamp,
        subject=f"ebXML {header.action}",
        mailer="a partner",
    )


@dataclass(frozen=True, slots=True)
class Said:
    """One mail of ours as its receiver reads it."""

    mail: Mail
    envelope: Envelope
    references: tuple[SignedReference, ...]

    @property
    def kind(self) -> Literal["payload", "acknowledgment", "error", "apprec"]:
        if self.envelope.header.action == APPREC_ACTION:
            return "apprec"
        return self.envelope.kind.value

    @property
    def code(self) -> str:
        """The code of a MessageError, with its severity."""
        assert self.envelope.kind is EnvelopeKind.ERROR
        return f"{self.envelope.errors[0].code} {self.envelope.errors[0].severity}"

    def document(self, reader: str = MUNICIPALITY) -> bytes:
        """The sealed document, opened by its receiver."""
        keys = [(pair.private_key, pair.certificate) for pair in an_office(reader).keys.unsealing]
        return unseal(self.mail.parts[0].data, keys=keys, max_bytes=10_000_000).document

    def receipt(self, reader: str = MUNICIPALITY) -> ApplicationReceipt:
        """The AppRec in it."""
        return parse_apprec(parse_untrusted(self.document(reader)))


def said(raw: bytes) -> Said:
    """Read a mail of ours."""
    mail = parse_mail(raw)
    root = parse_untrusted(mail.soap)
    return Said(mail, parse_envelope(root), references_of(root))


def all_said(desk: Desk) -> list[Said]:
    """All mails that an office has sent, in order."""
    return [said(mail.raw) for mail in desk.post.mails]


def only_said(desk: Desk) -> Said:
    """The one mail that it has sent."""
    (mail,) = all_said(desk)
    return mail


def kinds_said(desk: Desk) -> list[str]:
    """What kinds of mail an office has sent, in order."""
    return [one.kind for one in all_said(desk)]
