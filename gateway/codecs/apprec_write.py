"""Write an AppRec: element order, codes and texts as the standard has them."""

import re
from datetime import UTC
from typing import Final

from lxml import etree

from gateway.codecs.xml import APPREC_1_0, APPREC_1_1
from gateway.domain.message import Ident, Organisation
from gateway.domain.mirror import ROLE_NAMES, full_name
from gateway.domain.receipt import (
    APPREC_ERRORS,
    ERROR_SYSTEM,
    Answer,
    ApplicationReceipt,
    ReceiptError,
    ReceiptParty,
    ReceiptVersion,
    receipt_error,
)
from gateway.errors import InternalFault

_NAMESPACES: Final = {ReceiptVersion.V1_0: APPREC_1_0, ReceiptVersion.V1_1: APPREC_1_1}
_MIG_VERSIONS: Final = {
    ReceiptVersion.V1_0: "1.0 2004-11-21",
    ReceiptVersion.V1_1: "v1.1 2012-02-15",
}
_ANSWER_NAMES: Final = {
    Answer.OK: "OK",
    Answer.REJECTED: "Avvist",
    Answer.OK_WITH_ERRORS: "OK, feil i delmelding",
}
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_apprec(receipt: ApplicationReceipt) -> bytes:
    """Write one application receipt as UTF-8 with XML declaration.

    GenDate is written in UTC. OriginalMsgId/IssueDate is the sender's own
    string, for it must equal the original. Error gets the 8221 text as DN when
    it has none; a code that is not in 8221 becomes X99 with its text. What XML
    cannot carry (control characters, lone surrogates) is dropped from texts
    and names: they must never make the receipt impossible.

    Raises:
        InternalFault: Status 1 with an Error, Status 2 or 3 without one, or a
            GenDate that is absent or without zone (HIS 80415 §3).

    Source: HIS 80415 §3; Status 8258, Error 8221.
    """
    _require_sense(receipt)
    namespace = _NAMESPACES[receipt.version]
    root = etree.Element(f"{{{namespace}}}AppRec", nsmap={None: namespace})
    _code(root, "MsgType", "APPREC", "Applikasjonskvittering")
    _text(root, "MIGversion", _MIG_VERSIONS[receipt.version])
    _text_if(root, "SoftwareName", receipt.software_name)
    _text_if(root, "SoftwareVersion", receipt.software_version)
    _text(root, "GenDate", _gen_date(receipt))
    _text(root, "Id", receipt.receipt_id)
    _party(root, "Sender", receipt.sender)
    _party(root, "Receiver", receipt.receiver)
    _code(root, "Status", receipt.answer.value, _ANSWER_NAMES[receipt.answer])
    for error in receipt.errors:
        _error(root, error)
    original = _element(root, "OriginalMsgId")
    _code(original, "MsgType", receipt.original.type, receipt.original.type_name)
    _text(original, "IssueDate", receipt.original.issue_date_text)
    _text(original, "Id", receipt.original.msg_id)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _require_sense(receipt: ApplicationReceipt) -> None:
    if receipt.answer is Answer.OK and receipt.errors:
        raise InternalFault("an AppRec of status 1 cannot carry errors")
    if receipt.answer is not Answer.OK and not receipt.errors:
        raise InternalFault("an AppRec of status 2 or 3 needs an error")


def _gen_date(receipt: ApplicationReceipt) -> str:
    if receipt.generated_at is None or receipt.generated_at.tzinfo is None:
        raise InternalFault("an AppRec needs an instant with zone as GenDate")
    return receipt.generated_at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _error(root: etree._Element, error: ReceiptError) -> None:
    if error.system in (None, ERROR_SYSTEM) and error.code not in APPREC_ERRORS:
        error = receipt_error(error.code, error.text)
    name = error.name
    if name is None and error.system in (None, ERROR_SYSTEM):
        name = APPREC_ERRORS[error.code]
    element = _element(root, "Error")
    _attributes(element, V=error.code, S=error.system or ERROR_SYSTEM, DN=name, OT=error.text)


def _party(root: etree._Element, name: str, party: ReceiptParty) -> None:
    element = _element(root, name)
    if party.role is not None:
        _code(element, "Role", party.role, ROLE_NAMES.get(party.role))
    inst = _element(_element(element, "HCP"), "Inst")
    organisation = party.organisation
    _names_first_ident(inst, organisation.name, organisation.idents)
    if organisation.part is not None:
        _department(inst, organisation.part)
    _additional_ids(inst, organisation.idents)
    if organisation.professional is not None:
        person = organisation.professional
        element = _element(inst, "HCPerson")
        _names_first_ident(element, full_name(person), person.idents)
        _additional_ids(element, person.idents)


def _department(inst: etree._Element, part: Organisation) -> None:
    element = _element(inst, "Dept")
    _names_first_ident(element, part.name, part.idents)
    _additional_ids(element, part.idents)


def _names_first_ident(parent: etree._Element, name: str, idents: tuple[Ident, ...]) -> None:
    _text_if(parent, "Name", name)
    for ident in _present(idents)[:1]:
        _text(parent, "Id", ident.id)
        # A CS: the code system of MsgHead's CV has no place here.
        _code(parent, "TypeId", ident.type.value, ident.type.name)


def _additional_ids(parent: etree._Element, idents: tuple[Ident, ...]) -> None:
    for ident in _present(idents)[1:]:
        additional = _element(parent, "AdditionalId")
        _text(additional, "Id", ident.id)
        _code(additional, "Type", ident.type.value, ident.type.name)


def _present(idents: tuple[Ident, ...]) -> list[Ident]:
    return [ident for ident in idents if ident.id]


def _element(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{name}")


def _text(parent: etree._Element, name: str, text: str) -> None:
    _element(parent, name).text = _clean(text)


def _text_if(parent: etree._Element, name: str, text: str | None) -> None:
    if text:
        _text(parent, name, text)


def _code(parent: etree._Element, name: str, value: str, display_name: str | None) -> None:
    _attributes(_element(parent, name), V=value or None, DN=display_name)


def _attributes(element: etree._Element, **values: str | None) -> None:
    for name, value in values.items():
        if value is not None:
            element.set(name, _clean(value))


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)
