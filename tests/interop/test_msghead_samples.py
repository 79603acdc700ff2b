"""Messages that others published, read and compared with what a person sees in them."""

import re
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import pytest
from lxml import etree

from gateway.codecs.msghead import (
    as_plain_text,
    parse_msghead,
    peek_message,
    render_answer,
    render_request,
    without_attachments,
)
from gateway.codecs.xml import MSGHEAD, parse_untrusted
from gateway.domain.message import Carrier, Markup
from gateway.errors import MalformedMessage, NotWellFormed

OFFICIAL_1_0 = "sarepta-dialog-v1_0"
OFFICIAL_1_1 = "sarepta-dialog-v1_1"
TEST_CASES = "sarepta-testcases-dialog-v1_0"
REQUEST, ANSWER, NOTE = "DIALOG_FORESPORSEL", "DIALOG_SVAR", "DIALOG_NOTAT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a person reads out of a sample; HER-ids as (level 1, level 2)."""

    file: str
    type: str
    sender: tuple[str | None, str | None]
    receiver: tuple[str | None, str | None]
    patient: tuple[int, ...] = (11,)  # length of each ident
    version: str = "1.0"
    questions: int = 0
    notes: int = 0
    repeated: int = 0  # notes that repeat the question
    answers: bool = False  # a ConversationRef is there
    copies: int = 0
    roles: int = 0  # of the first question or note
    codes: tuple[str, str] = ("", "")  # V of TypeForesp or TemaKodet, end of its S
    attachments: tuple[tuple[str, int], ...] = ()
    findings: frozenset[str] = frozenset()


NO_ZONE = frozenset({"gen_date_without_zone"})
DOCTOR = (None, "258.521")
OTHER_DOCTOR = (None, "369.767")
NAV = ("90128", "8142520")
FACTS = [
    Facts(
        file=f"{OFFICIAL_1_0}/Dialogmelding_foresporsel_PLO_v1-0.xml",
        type=REQUEST,
        sender=("99387", "5078"),
        receiver=("91096", "91101"),
        questions=1,
        roles=1,
        codes=("99", "9152"),
        findings=NO_ZONE,
    ),
    Facts(
        file=f"{OFFICIAL_1_0}/Dialogmelding_svar_foresporsel_PLO_v1-0.xml",
        type=ANSWER,
        sender=("91096", "91101"),
        receiver=("99387", "5078"),
        notes=1,
        repeated=1,
        answers=True,
        roles=1,
        codes=("5", "9069"),
        findings=NO_ZONE,
    ),
    Facts(
        file=f"{OFFICIAL_1_0}/Dialogmelding_avvik_v1-0.xml",
        type="DIALOG_AVVIK",
        sender=("91096", "91101"),
        receiver=("59", "90998"),
        notes=1,
        answers=True,
        roles=1,
        codes=("1", "8117"),
        findings=NO_ZONE,
    ),
    Facts(
        file=f"{OFFICIAL_1_0}/Case1_1-Dialogmelding-Foresporsel_medisinske_opplysninger.xml",
        type=REQUEST,
        sender=("99887", None),
        receiver=(None, "9144897"),
        questions=1,
        codes=("1", "9152"),
    ),
    Facts(
        file=f"{OFFICIAL_1_0}/Case2_1-Dialogmelding-Foresporsel-Konsultasjon_fra_fastlegen.xml",
        type=REQUEST,
        sender=("56704", "369.767"),
        receiver=("99387", "5078"),
        questions=1,
        codes=("5", "9153"),
    ),
    Facts(
        file=f"{OFFICIAL_1_0}/Case2_1-Dialogmelding_Foresporsel_utlevering_diagnoser"
        "_for_IPLOS-rapportering.xml",
        type=REQUEST,
        sender=("01010", None),
        receiver=(None, "9144897"),
        questions=1,
        codes=("2", "9152"),
    ),
    Facts(
        file=f"{OFFICIAL_1_1}/Helsefaglig_dialog_angi_profesjon_hos_mottaker.xml",
        type="DIALOG_HELSEFAGLIG",
        version="1.1",
        sender=("56704", "258521"),
        receiver=("59", "90998"),
        notes=1,
        roles=2,
        codes=("6", "7322"),
        findings=NO_ZONE,
    ),
    Facts(
        file=f"{OFFICIAL_1_1}/Status_paa_henvisning-InnkaltEtterViderehenvisning.xml",
        type="DIALOG_STATUS_HENVISNING",
        version="1.1",
        sender=("59", "90998"),
        receiver=("62", "8605"),
        notes=1,
        answers=True,
        copies=1,
        roles=1,
        codes=("1", "9148"),
        findings=NO_ZONE,
    ),
    *(
        Facts(
            file=f"{TEST_CASES}/{name}.xml",
            type=REQUEST,
            sender=DOCTOR,
            receiver=OTHER_DOCTOR,
            patient=(characters,),
            questions=1,
            codes=("1", "9065"),
        )
        for name, characters in (
            ("Case1", 11),
            ("Case1-14a", 0),  # emptied
            ("Case1-14b", 11),
            ("Case1-15", 11),
            ("Case1-17a", 0),
        )
    ),
    Facts(
        file=f"{TEST_CASES}/Case2.xml",
        type=ANSWER,
        sender=OTHER_DOCTOR,
        receiver=DOCTOR,
        notes=1,
        repeated=1,
        answers=True,
        codes=("2", "9069"),
    ),
    Facts(
        file=f"{TEST_CASES}/Case3.xml",
        type=NOTE,
        sender=(None, None),
        receiver=DOCTOR,
        notes=1,
        roles=1,
        codes=("1", "7321"),
    ),
    Facts(
        file="nav/message_without_attachments.xml",
        type=REQUEST,
        sender=NAV,
        receiver=("90128", "8142519"),
        questions=1,
        roles=1,
        codes=("99", "9152"),
    ),
    Facts(
        file="nav/message_with_attachments.xml",
        type=REQUEST,
        sender=NAV,
        receiver=("90128", "8142519"),
        questions=1,
        roles=1,
        codes=("99", "9152"),
        attachments=(("application/pdf", 17_909),) * 3,
    ),
    Facts(
        file="nav/dialogmelding_dialog_notat.xml",
        type=NOTE,
        sender=("0123", "1234"),
        receiver=("79768", None),
        notes=1,
        repeated=1,
        answers=True,
        codes=("1", "8128"),
        findings=frozenset({"ack_present", "conversation_ref_swapped", "date_not_padded"}),
    ),
    Facts(
        file="nav/dialogmelding_dialog_notat_vedlegg.xml",
        type=NOTE,
        sender=("0123", "1234"),
        receiver=("79768", None),
        notes=1,
        answers=True,
        codes=("1", "8128"),
        attachments=(("application/pdf", 166_813), ("image/jpeg", 19_215)),
        findings=frozenset({"ack_present", "conversation_ref_swapped", "date_not_padded"})
        | NO_ZONE,
    ),
    Facts(
        file="nav/dialogmelding_dialog_svar_innkalling_dialogmote.xml",
        type=ANSWER,
        sender=("0123", "1234"),
        receiver=("79768", None),
        notes=1,
        repeated=1,
        answers=True,
        codes=("1", "8126"),
        findings=frozenset({"ack_present", "date_not_padded"}),
    ),
]


def _message_of(reference: Path, file: str) -> etree._Element:
    root = parse_untrusted((reference / "samples" / file).read_bytes())
    inner = root.find(f"{{{MSGHEAD}}}MsgHead")  # NAV's wrapper is not part of the message
    return root if inner is None else inner


@pytest.mark.parametrize("facts", [pytest.param(f, id=f.file) for f in FACTS])
def test_a_sample_says_what_a_person_reads_in_it(reference_dir: Path, facts: Facts) -> None:
    message = parse_msghead(_message_of(reference_dir, facts.file))

    items = message.questions or message.notes
    code = message.questions[0].type if message.questions else message.notes[0].theme
    assert message.patient is not None
    assert facts == Facts(
        file=facts.file,
        type=message.type.value,
        sender=(message.sender.enterprise_her, message.sender.her),
        receiver=(message.receiver.enterprise_her, message.receiver.her),
        patient=tuple(len(ident.id) for ident in message.patient.idents),
        version=message.dialog_version or "",
        questions=len(message.questions),
        notes=len(message.notes),
        repeated=sum(note.question is not None for note in message.notes),
        answers=message.conversation is not None,
        copies=len(message.other_receivers),
        roles=len(items[0].roles),
        codes=(code.value, (code.system or "").rpartition(".")[2]),
        attachments=tuple((a.mime, a.bytes) for a in message.attachments),
        findings=frozenset(message.findings),
    )
    assert {a.carrier for a in message.attachments} <= {Carrier.BASE64}
    assert (message.markup, message.signed) == (Markup.NONE, False)


@pytest.mark.parametrize("facts", [pytest.param(f, id=f.file) for f in FACTS])
def test_the_texts_are_those_between_the_tags(reference_dir: Path, facts: Facts) -> None:
    document = (reference_dir / "samples" / facts.file).read_bytes()
    encoding = "iso-8859-1" if b"ISO-8859-1" in document[:60] else "utf-8"
    between = re.findall(
        r"<(Sporsmal|TekstNotatInnhold)[^>]*>(.*?)</\1>", document.decode(encoding), re.DOTALL
    )

    message = parse_msghead(_message_of(reference_dir, facts.file))

    texts = [question.text for question in message.questions]
    for note in message.notes:
        texts += [note.text, *([note.question.text] if note.question is not None else [])]
    assert texts == [unescape(text.replace("\r\n", "\n")) for _, text in between]


@pytest.mark.parametrize("facts", [pytest.param(f, id=f.file) for f in FACTS])
def test_a_sample_without_attachments_and_markup_says_the_same(
    reference_dir: Path, facts: Facts
) -> None:
    root = _message_of(reference_dir, facts.file)
    message = parse_msghead(root)

    stripped = parse_untrusted(without_attachments(root))

    assert parse_msghead(stripped) == replace(message, attachments=())
    assert parse_msghead(parse_untrusted(as_plain_text(root))) == message


@pytest.mark.parametrize(
    "facts",
    [pytest.param(f, id=f.file) for f in FACTS if f.version == "1.0" and not f.attachments],
)
def test_a_sample_written_again_reads_the_same(reference_dir: Path, facts: Facts) -> None:
    message = parse_msghead(_message_of(reference_dir, facts.file))
    render = render_request if message.questions else render_answer

    again = parse_msghead(parse_untrusted(render(message)))

    lost = {"ack_present", "conversation_ref_swapped", "date_not_padded"}  # oddities are not kept
    kept = tuple(finding for finding in message.findings if finding not in lost)
    assert again == replace(message, findings=kept)


def test_every_dialogue_sample_is_named_here(reference_dir: Path) -> None:
    seen = {facts.file for facts in FACTS}
    refused = {f"{TEST_CASES}/Case1-2.xml", f"{TEST_CASES}/Case1-16b.xml"}
    folder = reference_dir / "samples"
    there = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.xml")
        if b"MsgHead" in path.read_bytes()
    }

    assert there == seen | refused


def test_line_ends_written_as_references_survive(reference_dir: Path) -> None:
    file = f"{OFFICIAL_1_0}/Case2_1-Dialogmelding-Foresporsel-Konsultasjon_fra_fastlegen.xml"

    message = parse_msghead(_message_of(reference_dir, file))

    assert message.text.count("\r\n\r\n") == 2
    assert message.document.consent is not None
    assert (message.document.content_description or "").endswith(" ")
    assert message.questions[0].purpose is not None


def test_an_empty_sender_is_refused_by_place_and_the_rest_can_be_peeked_at(
    reference_dir: Path,
) -> None:
    root = _message_of(reference_dir, f"{TEST_CASES}/Case1-16b.xml")

    with pytest.raises(MalformedMessage) as caught:
        parse_msghead(root)

    assert caught.value.where == "/MsgHead/MsgInfo/Sender"
    peek = peek_message(root)
    assert (peek.sender_her, peek.receiver_her) == (None, "369.767")
    assert (peek.msg_id or "").startswith("4c661458-")


def test_the_broken_sample_is_not_well_formed(reference_dir: Path) -> None:
    with pytest.raises(NotWellFormed):
        _message_of(reference_dir, f"{TEST_CASES}/Case1-2.xml")
