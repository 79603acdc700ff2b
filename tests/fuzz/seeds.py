"""Write the valid inputs that fuzzing starts from; ``python -m tests.fuzz.seeds``.

Persons, organisations and keys are invented. Files named ``found-*`` are inputs that
once broke something; they are kept beside the seeds and never written by this.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lxml import etree

from gateway.codecs.apprec import render_apprec
from gateway.codecs.ebxml import (
    references_of,
    render_acknowledgment_envelope,
    render_error_envelope,
    render_payload_envelope,
)
from gateway.codecs.mime import PAYLOAD_CONTENT_TYPE, Part, render_entity, render_mail
from gateway.codecs.msghead import render_answer, render_request
from gateway.codecs.sealing import seal
from gateway.codecs.signing import sign_envelope
from gateway.domain.envelope import (
    ACKNOWLEDGMENT_ACTION,
    ERROR_ACTION,
    SIGNAL_SERVICE,
    Acknowledgment,
    EbParty,
    ErrorEntry,
    ManifestReference,
    MessageHeader,
    Severity,
)
from gateway.domain.identifiers import ConversationId, CpaId, MessageId, MsgId
from gateway.domain.mirror import mirror
from gateway.domain.receipt import (
    Answer,
    ApplicationReceipt,
    OriginalMessage,
    ReceiptVersion,
    receipt_error,
)
from tests.builders_epj import answer_json, encoded, request_json
from tests.builders_mails import a_bounce, a_soap_fault
from tests.builders_message import (
    a_party,
    a_patient,
    a_request,
    a_request_document,
    an_answer,
    an_attachment,
)
from tests.fuzz.entrances import CORPUS, PARTS
from tests.fuzz.parties import HOSPITAL, MUNICIPALITY, NOW, NURSES, WARD, party
from tests.interop.full_documents import DOCUMENTS, ENVELOPES, RECEIPTS

_XHTML = (
    '<Sporsmal><div xmlns="http://www.w3.org/1999/xhtml"><p>En <b>viktig</b> ting</p>'
    "<ul><li>en</li><li>to</li></ul><table><tr><td>a</td><td>b</td></tr></table>"
    '<a href="http://eksempel.invalid">lenke</a><img src="data:image/png;base64,aGVp"/></div>'
    "</Sporsmal>"
)
_HEADER = MessageHeader(
    sender=EbParty(her=NURSES, role="DIALOG_FORESPORSELsender"),
    receiver=EbParty(her=WARD, role="DIALOG_FORESPORSELreceiver"),
    cpa_id=CpaId("910001_920001"),
    conversation_id=ConversationId("c0ffee00-0000-4000-8000-000000000001"),
    service="S-DIALOG_FORESPORSEL",
    service_type="string",
    action="DIALOG_FORESPORSEL",
    message_id=MessageId("e0000000-0000-4000-8000-000000000001"),
    timestamp=NOW,
    duplicate_elimination=True,
)
_SIGNAL = replace(
    _HEADER,
    sender=EbParty(her=NURSES),
    receiver=EbParty(her=WARD),
    service=SIGNAL_SERVICE,
    service_type=None,
    action=ACKNOWLEDGMENT_ACTION,
    message_id=MessageId("50000000-0000-4000-8000-000000000001"),
    ref_to_message_id=_HEADER.message_id,
    duplicate_elimination=False,
)


def write() -> None:
    """Write all seeds."""
    request = render_request(a_request())
    receipts = _receipts()
    mails = _mails(request)
    payload = render_payload_envelope(_HEADER, [ManifestReference(content_id="part-1")])
    _put(
        "xml",
        {
            "small.xml": b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe6<!-- c --></a>",
            "nested.xml": b"<a>" * 99 + b"</a>" * 99,
            "cdata.xml": b'<a xmlns:b="urn:b" b:c="&lt;&#233;"><![CDATA[<x>]]><?app x?></a>',
            "doctype.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
            "bom.xml": b"\xef\xbb\xbf<a/>",
            "utf8.xml": "<?xml version='1.0' encoding='utf8'?><a>æ</a>".encode(),
            "windows-1252.xml": "<?xml version='1.0' encoding='windows-1252'?><a>€</a>".encode(
                "cp1252"
            ),
            "utf-16.xml": "<?xml version='1.0' encoding='UTF-16'?><a>😀</a>".encode("utf-16"),
            "utf-16-bare.xml": "<?xml version='1.0' encoding='UTF-16'?><a>æ</a>".encode(
                "utf-16-be"
            ),
            "utf-16-doctype.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
            "utf-16-declared.xml": b"<?xml version='1.0' encoding='UTF-16'?><a/>",
        },
    )
    _put(
        "msghead",
        {
            "request.xml": request,
            "answer.xml": render_answer(an_answer()),
            "no-number.xml": render_request(a_request(patient=a_patient(number="00000000000"))),
            "partner.xml": a_request_document(),
            "xhtml.xml": a_request_document(question=_XHTML, version="2013-01-23"),
            "attachments.xml": a_request_document(
                after=an_attachment() + an_attachment(kind="REF")
            ),
            "no-dialogue.xml": a_request_document(version="2001-01-01"),
            "isolated.xml": a_request_document(gen_date="2026-03-04"),
        }
        | _named(DOCUMENTS),
    )
    _put("office", _letters())
    _put("apprec", receipts | _named(RECEIPTS))
    _put("json", _json_bodies())
    _put(
        "confirmation",
        {
            "stored.json": b'{"msg_id": "m-1", "outcome": "stored"}',
            "refused.json": _dumped(
                msg_id="m-1",
                receiver_her="910001",
                outcome="refused",
                errors=[{"code": "E10", "text": "Ukjent pasient"}, {"code": "?", "text": None}],
            ),
            "no-reason.json": b'{"msg_id": "m-1", "outcome": "refused", "errors": []}',
        },
    )
    _put(
        "queues",
        {
            "order.json": b'{"message_id": "m-1", "attempt": 2}',
            "again.json": b'{"message_id": "m-1", "attempt": null}',
            "arrival.json": b'{"arrival_id": "a-1"}',
        },
    )
    _put(
        "envelope",
        {
            "payload.xml": etree.tostring(payload),
            "acknowledgment.xml": etree.tostring(_acknowledgment()),
            "error.xml": etree.tostring(_message_error()),
            "signed.xml": _signed(payload, {}),
        }
        | _named(_addressed(ENVELOPES)),
    )
    _put("signature", {"parts.xml": _signed(payload, PARTS), "alone.xml": _signed(payload, {})})
    certificate = party(HOSPITAL).sealing.certificate
    _put(
        "sealed",
        {
            "sealed.cms": seal(b"<a/>", certificate=certificate),
            "foreign.cms": seal(b"<a/>", certificate=party(MUNICIPALITY).sealing.certificate),
            "long.cms": seal(request, certificate=certificate),
            "chunks.cms": _in_chunks(seal(b"<a/>" * 20, certificate=certificate)),
        },
    )
    _put(
        "content",
        {
            "document.xml": request,
            "packed.gz": gzip.compress(request, mtime=0),
            "base64.mime": b"Content-Type: text/xml\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            b"PGEvPg==\r\n",
            "quoted.mime": b'Content-Type: text/xml; charset="utf-8"\r\n'
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<a>=C3=A6</a>\r\n",
            "multipart.mime": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\n'
            b"<a/>\r\n--b--\r\n",
        },
    )
    _put("received", mails)
    _put(
        "mail",
        {
            "bounce.mail": a_bounce("e0000000-0000-4000-8000-000000000001"),
            "delayed.mail": a_bounce("e-1", status="4.4.7", action="delayed"),
            "fault.mail": a_soap_fault("mail-1@demo.invalid"),
            "away.mail": b"From: Kari <kari@demo.invalid>\r\nAuto-Submitted: auto-replied\r\n"
            b"Subject: =?utf-8?q?Frav=C3=A6r?=\r\n\r\nJeg er ikke her.\r\n",
            "quoted.mail": b'Content-Type: multipart/related; type="text/xml"; start="<s>";\r\n'
            b' boundary="a b"\r\nSOAPAction: "ebXML"\r\n\r\n--a b\r\nContent-ID: <s>\r\n'
            b"Content-Type: text/xml\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            b"<a>=3D</a>\r\n--a b\r\nContent-ID: <p%201>\r\n\r\nx\r\n--a b--\r\n",
        },
    )
    _put(
        "address",
        {
            f"{number}.txt": text.encode()
            for number, text in enumerate(
                (
                    *("910001", "920000/8668:KP02", "Granvik kommune/Saksbehandling"),
                    *("8668:PB, BUP Moss", "PB Moss", "Fjordby sykehus/Barnesykdomer", "S0304"),
                )
            )
        },
    )


def _letters() -> dict[str, bytes]:
    """Messages between services that both demonstration offices have."""
    ward = a_party(enterprise="910000", service="910004", name="Blodsykdommer")
    nurses = a_party(enterprise="920000", service="920001", name="Saksbehandling")
    patient = a_patient(number="01815010260")
    there: dict[str, Any] = {"sender": ward, "receiver": nurses, "patient": patient}
    back = there | {"sender": nurses, "receiver": ward}
    attached = a_request_document(after=an_attachment()).replace(b"910001", b"910004")
    marked = a_request_document(question=_XHTML, version="2013-01-23")
    return {
        "out-request.xml": render_request(a_request(**there)),
        "out-answer.xml": render_answer(an_answer(**there)),
        "in-request.xml": render_request(a_request(**back)),
        "in-answer.xml": render_answer(an_answer(**back)),
        "in-attachment.xml": attached,
        "in-xhtml.xml": marked.replace(b"910001", b"910004"),
    }


def _named(documents: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{name.replace(' ', '-')}.xml": body for name, body in documents.items()}


def _addressed(envelopes: Mapping[str, bytes]) -> dict[str, bytes]:
    """With a HER-id for receiver, without which nothing further would be read."""
    old, new = b"<eb:PartyId>2<", b'<eb:PartyId eb:type="HER">2<'
    return {name: body.replace(old, new) for name, body in envelopes.items()}


def _dumped(**fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def _json_bodies() -> dict[str, bytes]:
    here = {"from": WARD, "to": NURSES}
    facts = {"status": "inpatient", "referral_date": "2026-02-01", "has_service_decision": True}
    patient = request_json()["patient"]
    return {
        "request.json": encoded(request_json() | here),
        "by-name.json": encoded(request_json() | {"from": WARD, "to": "Granvik kommune/KP02"}),
        "facts.json": encoded(
            request_json(priority="H", reference="Henvisning 3. mars", facts=facts)
            | here
            | {"sent_at": "2026-03-04T10:15:30+01:00"}
        ),
        "answer.json": encoded(answer_json(patient=patient) | here),
        "continued.json": encoded(
            answer_json(patient=patient, conversation="c-1", theme="5") | here
        ),
    }


def _receipts() -> dict[str, bytes]:
    made = {}
    for version in ReceiptVersion:
        ours, theirs = mirror(a_party(), a_party(enterprise="910000", service="910001"), version)
        for answer in Answer:
            errors = () if answer is Answer.OK else (receipt_error("T99", "Ikke med vedlegg"),)
            receipt = ApplicationReceipt(
                version=version,
                receipt_id="a0000000-0000-4000-8000-000000000001",
                generated_at=NOW,
                answer=answer,
                original=OriginalMessage(
                    msg_id=MsgId("m-1"),
                    type="DIALOG_FORESPORSEL",
                    issue_date_text="2026-03-04T09:15:30Z",
                ),
                sender=ours,
                receiver=theirs,
                errors=errors,
            )
            made[f"{version.value}-{answer.name.lower()}.xml"] = render_apprec(receipt)
    return made


def _acknowledgment() -> etree._Element:
    payload = etree.fromstring(
        _signed(render_payload_envelope(_HEADER, [ManifestReference(content_id="part-1")]), PARTS)
    )
    acknowledgment = Acknowledgment(
        ref_to_message_id=_HEADER.message_id,
        timestamp=NOW,
        references=references_of(payload),
    )
    return render_acknowledgment_envelope(_SIGNAL, acknowledgment)


def _message_error() -> etree._Element:
    errors = [
        ErrorEntry(code="SecurityFailure", severity=Severity.ERROR, text="signature"),
    ]
    return render_error_envelope(replace(_SIGNAL, action=ERROR_ACTION), errors)


def _signed(envelope: etree._Element, parts: Mapping[str, bytes]) -> bytes:
    pair = party(MUNICIPALITY).signing
    return sign_envelope(
        etree.fromstring(etree.tostring(envelope)),
        private_key=pair.private_key,
        certificate=pair.certificate,
        attachments=parts,
    )


def _mails(request: bytes) -> dict[str, bytes]:
    small = a_request_document(question="<Sporsmal>Hva?</Sporsmal>")
    certificate = party(HOSPITAL).sealing.certificate
    made = {}
    for name, document in (("request", request), ("small", small)):
        parts = [Part("part-1", PAYLOAD_CONTENT_TYPE, seal(document, certificate=certificate))]
        envelope = render_payload_envelope(_HEADER, [ManifestReference(content_id="part-1")])
        made[f"{name}.mail"] = _mail(envelope, parts)
    made["acknowledgment.mail"] = _mail(_acknowledgment(), [])
    made["error.mail"] = _mail(_message_error(), [])
    return made


def _mail(envelope: etree._Element, parts: list[Part]) -> bytes:
    soap = _signed(envelope, {part.content_id: part.data for part in parts})
    return render_mail(
        render_entity(soap, soap_content_id="soap", parts=parts),
        sender="municipality@edi.invalid",
        recipient="hospital@edi.invalid",
        mail_message_id="mail-1@edi.invalid",
        date=NOW,
        subject="ebXML",
        mailer="a partner",
    )


def _in_chunks(der: bytes) -> bytes:
    """The same CMS as a writer that streams has it: indefinite length outside."""
    head = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
    return der[:1] + b"\x80" + der[head:] + b"\x00\x00"


def _put(folder: str, files: Mapping[str, bytes]) -> None:
    (CORPUS / folder).mkdir(parents=True, exist_ok=True)
    for name, body in files.items():
        (CORPUS / folder / name).write_bytes(body)


if __name__ == "__main__":
    write()
