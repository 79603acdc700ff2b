"""Application receipts to read and write in tests."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st
from lxml import etree

from gateway.codecs.apprec import parse_apprec, render_apprec
from gateway.codecs.xml import APPREC_1_0, APPREC_1_1, parse_untrusted
from gateway.domain.identifiers import MsgId
from gateway.domain.message import (
    Code,
    HealthcareProfessional,
    Ident,
    Organisation,
)
from gateway.domain.receipt import (
    APPREC_ERRORS,
    ERROR_SYSTEM,
    Answer,
    ApplicationReceipt,
    OriginalMessage,
    ReceiptError,
    ReceiptParty,
    ReceiptVersion,
)

V1_1 = ReceiptVersion.V1_1
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMESPACES = {ReceiptVersion.V1_0: APPREC_1_0, ReceiptVersion.V1_1: APPREC_1_1}


def her(number: str) -> Ident:
    return Ident(id=number, type=Code(value="HER", name="HER-id"))


def enh(number: str) -> Ident:
    return Ident(id=number, type=Code(value="ENH", name="Organisasjonsnummer"))


HOSPITAL = Organisation(
    name="Fjordvik sykehus",
    idents=(her("100100"), enh("310123455")),
    part=Organisation(name="Fjordvik poliklinikk", idents=(her("100123"),)),
)


SURGERY = Organisation(
    name="Bakkegata legesenter",
    idents=(her("200200"),),
    professional=HealthcareProfessional(
        family_name="Nils Oddvar Prøve",
        idents=(her("200217"), Ident(id="7654321", type=Code(value="HPR"))),
    ),
)


def a_receipt(
    *,
    version: ReceiptVersion = ReceiptVersion.V1_1,
    answer: Answer = Answer.OK,
    errors: tuple[ReceiptError, ...] = (),
) -> ApplicationReceipt:
    return ApplicationReceipt(
        version=version,
        receipt_id="6b1c5b1e-70a5-4f0c-9a39-0d6a2c7f1a11",
        generated_at=NOON,
        answer=answer,
        original=OriginalMessage(
            msg_id=MsgId("0a5e3d6c-3c53-4c39-8f53-8a1f6d1f4b22"),
            type="DIALOG_FORESPORSEL",
            type_name="Forespørsel",
            issue_date_text="2026-03-01T12:59:58.1234567",
        ),
        sender=ReceiptParty(organisation=HOSPITAL, role="PRIM"),
        receiver=ReceiptParty(organisation=SURGERY, role="AVS"),
        errors=errors,
    )


def rejected(*errors: ReceiptError, version: ReceiptVersion = ReceiptVersion.V1_1) -> bytes:
    return render_apprec(a_receipt(version=version, answer=Answer.REJECTED, errors=errors))


def read(body: bytes) -> ApplicationReceipt:
    return parse_apprec(parse_untrusted(body))


def element(body: bytes, *path: str) -> etree._Element:
    """The first element at ``path`` below the root."""
    node = etree.fromstring(body)
    for name in path:
        node = next(child for child in node if etree.QName(child).localname == name)
    return node


def an_apprec(
    *,
    version: ReceiptVersion = ReceiptVersion.V1_1,
    status: str = '<Status V="1"/>',
    errors: str = "",
    original: str = "<OriginalMsgId><Id>m-1</Id></OriginalMsgId>",
    gen_date: str = "<GenDate>2026-03-01T12:00:00Z</GenDate>",
    parties: str = "",
) -> bytes:
    """A hand-written AppRec with as little in it as a test wants."""
    body = f"{gen_date}<Id>r-1</Id>{parties}{status}{errors}{original}"
    return f'<AppRec xmlns="{NAMESPACES[version]}">{body}</AppRec>'.encode()


TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=12
)


WORD = TEXT.map(str.strip).filter(bool)


IDENT = st.builds(
    Ident,
    id=WORD,
    type=st.builds(Code, value=st.sampled_from(["HER", "ENH", "LOK"]), name=st.none() | TEXT),
)


IDENTS = st.lists(IDENT, max_size=3).map(tuple)


PROFESSIONAL = st.builds(HealthcareProfessional, family_name=st.none() | WORD, idents=IDENTS)


PART = st.builds(Organisation, name=TEXT.map(str.strip), idents=IDENTS)


ORGANISATION = st.builds(
    Organisation,
    name=TEXT.map(str.strip),
    idents=IDENTS,
    part=st.none() | PART,
    professional=st.none() | PROFESSIONAL,
)


PARTY = st.builds(
    ReceiptParty,
    organisation=ORGANISATION,
    role=st.none() | st.sampled_from(["PRIM", "AVS", "SPR", "REQ", "COP", "RECEIVER"]),
)


ERROR = st.builds(
    ReceiptError,
    code=st.sampled_from(sorted(APPREC_ERRORS)),
    text=st.none() | TEXT,
    name=TEXT,
    system=st.just(ERROR_SYSTEM),
)


RECEIPT = st.builds(
    ApplicationReceipt,
    version=st.sampled_from(ReceiptVersion),
    receipt_id=WORD,
    generated_at=st.datetimes(
        datetime(2000, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
        datetime(2100, 1, 1),  # noqa: DTZ001
        # An hour that a zone has twice equals no other (PEP 495); XML has offsets only.
        timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
    ),
    answer=st.just(Answer.OK),
    original=st.builds(
        OriginalMessage,
        msg_id=WORD.map(MsgId),
        type=st.sampled_from(["DIALOG_FORESPORSEL", "DIALOG_SVAR"]),
        type_name=st.none() | TEXT,
        issue_date_text=st.just("2026-03-01T12:00:00"),
    ),
    sender=PARTY,
    receiver=PARTY,
    errors=st.just(()),
    software_name=st.none() | WORD,
    software_version=st.none() | WORD,
    findings=st.just(()),
)
