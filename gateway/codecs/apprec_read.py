"""Read an AppRec from whoever sent it.

The answer decides what becomes of a message of ours, so reading is strict about
three things (it is an AppRec, its status is known, it says what it answers) and
forgiving about all others: real senders leave out Role, swap V and S of Error,
write GenDate in their own way.
"""

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from gateway.codecs.reading import BLANKS, instant_of
from gateway.codecs.xml import APPREC_1_0, APPREC_1_1, local_name, namespace_of
from gateway.domain.identifiers import MsgId, fits
from gateway.domain.message import Code, HealthcareProfessional, Ident, Organisation
from gateway.domain.receipt import (
    Answer,
    ApplicationReceipt,
    OriginalMessage,
    ReceiptError,
    ReceiptParty,
    ReceiptVersion,
)
from gateway.errors import BadReceipt

_VERSIONS: Final = {APPREC_1_0: ReceiptVersion.V1_0, APPREC_1_1: ReceiptVersion.V1_1}
_OID: Final = re.compile(r"[0-9]+(\.[0-9]+){3,}")


def is_apprec(root: etree._Element) -> bool:
    """Whether ``root`` is the root of an AppRec 1.0 or 1.1, readable or not."""
    return local_name(root) == "AppRec" and namespace_of(root) in _VERSIONS


def parse_apprec(root: etree._Element) -> ApplicationReceipt:
    """Read one application receipt, version 1.0 or 1.1 by its namespace.

    Args:
        root: the AppRec element, from ``parse_untrusted``; the caller has
            checked the signature of what carried it. The order of its
            children does not matter.

    Returns:
        The answer and what it answers. An absent Sender, Receiver or Role
        gives empty values. Of several Dept or HCPerson the first with a HER-id
        stands for level 2. HCProf is read as an organisation without name.
        Address and MedSpeciality are not read.

    Raises:
        BadReceipt: no AppRec; Status or OriginalMsgId absent, repeated or
            without value; Status outside kodeverk 8258.

    Source: HIS 80415 §3; Status 8258, Error 8221.
    """
    if not is_apprec(root):
        raise BadReceipt("root element is not AppRec 1.0 or 1.1")
    findings: list[str] = []
    generated_at = instant_of(_text_of(root, "GenDate"))
    if generated_at is None:
        findings.append("gen_date_unreadable")
    answer = _answer(root)
    original = _original(root)
    errors = tuple(_error(e, findings) for e in _children(root, "Error"))
    if answer is Answer.OK and errors:
        findings.append("ok_with_errors")
    if answer is not Answer.OK and not errors:
        findings.append("refused_without_error")
    return ApplicationReceipt(
        version=_VERSIONS[namespace_of(root)],
        receipt_id=_text_of(root, "Id"),
        generated_at=generated_at,
        answer=answer,
        original=original,
        sender=_party(root, "Sender", findings),
        receiver=_party(root, "Receiver", findings),
        errors=errors,
        software_name=_text_of(root, "SoftwareName") or None,
        software_version=_text_of(root, "SoftwareVersion") or None,
        findings=tuple(dict.fromkeys(findings)),
    )


def _answer(root: etree._Element) -> Answer:
    status = _the_only(root, "Status")
    try:
        return Answer((status.get("V") or "").strip(BLANKS))
    except ValueError:
        raise BadReceipt("AppRec/Status is unknown", where="/AppRec/Status") from None


def _original(root: etree._Element) -> OriginalMessage:
    original = _the_only(root, "OriginalMsgId")
    msg_id = _text_of(original, "Id")
    if not msg_id or not fits(msg_id):
        where = "/AppRec/OriginalMsgId/Id"
        raise BadReceipt("AppRec/OriginalMsgId/Id is absent, empty or too long", where=where)
    message_type = _code(_child(original, "MsgType"))
    return OriginalMessage(
        msg_id=MsgId(msg_id),
        type=message_type.value,
        type_name=message_type.name,
        issue_date_text=_text_of(original, "IssueDate"),
    )


def _error(element: etree._Element, findings: list[str]) -> ReceiptError:
    code, system = (element.get("V") or "").strip(BLANKS), (element.get("S") or "").strip(BLANKS)
    if _OID.fullmatch(code) and not _OID.fullmatch(system):
        # Known senders write the code list in V and the code in S.
        code, system = system, code
        findings.append("error_code_swapped")
    if not code:
        findings.append("error_without_code")
    return ReceiptError(
        code=code, text=element.get("OT"), name=element.get("DN"), system=system or None
    )


def _party(root: etree._Element, name: str, findings: list[str]) -> ReceiptParty:
    party = _child(root, name)
    role = _code(_child(party, "Role")).value or None
    hcp = _child(party, "HCP")
    professional = _child(hcp, "HCProf")
    if professional is not None:
        return ReceiptParty(
            organisation=Organisation(professional=_person(professional)), role=role
        )
    inst = _child(hcp, "Inst")
    departments = [
        Organisation(name=_text_of(dept, "Name"), idents=_idents(dept))
        for dept in _children(inst, "Dept")
    ]
    people = [_person(person) for person in _children(inst, "HCPerson")]
    if len(departments) > 1 or len(people) > 1:
        findings.append("several_on_level_2")
    organisation = Organisation(
        name=_text_of(inst, "Name"),
        idents=_idents(inst),
        part=next((d for d in departments if d.her), next(iter(departments), None)),
        professional=next((p for p in people if p.hers), next(iter(people), None)),
    )
    return ReceiptParty(organisation=organisation, role=role)


def _person(element: etree._Element) -> HealthcareProfessional:
    # The name is one string; where the family name begins cannot be told.
    return HealthcareProfessional(
        family_name=_text_of(element, "Name") or None, idents=_idents(element)
    )


def _idents(element: etree._Element | None) -> tuple[Ident, ...]:
    """Id with TypeId, then every AdditionalId; those without a value are left out."""
    idents = [Ident(id=_text_of(element, "Id"), type=_code(_child(element, "TypeId")))]
    idents += [
        Ident(id=_text_of(additional, "Id"), type=_code(_child(additional, "Type")))
        for additional in _children(element, "AdditionalId")
    ]
    return tuple(ident for ident in idents if ident.id)


def _code(element: etree._Element | None) -> Code:
    if element is None:
        return Code(value="")
    return Code(value=(element.get("V") or "").strip(BLANKS), name=element.get("DN"))


def _the_only(parent: etree._Element, name: str) -> etree._Element:
    """The one child ``name``; two of them could say two things, and neither would be safe."""
    found = list(_children(parent, name))
    if len(found) != 1:
        fault = "absent" if not found else "repeated"
        raise BadReceipt(f"AppRec/{name} is {fault}", where=f"/AppRec/{name}")
    return found[0]


def _children(parent: etree._Element | None, name: str) -> Iterator[etree._Element]:
    if parent is None:
        return iter(())
    return parent.iterchildren(f"{{{namespace_of(parent)}}}{name}")


def _child(parent: etree._Element | None, name: str) -> etree._Element | None:
    return next(_children(parent, name), None)


def _text_of(parent: etree._Element | None, name: str) -> str:
    """Trimmed text of a child; "" when absent. A comment inside does not cut the text short."""
    element = _child(parent, name)
    if element is None:
        return ""
    return ((element.text or "") + "".join(node.tail or "" for node in element)).strip(BLANKS)
