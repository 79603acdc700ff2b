"""What screening says of the messages that others published, each as it comes in."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.codecs.document import Document, read_tree
from gateway.codecs.xml import MSGHEAD, parse_untrusted
from gateway.domain.findings import (
    Direction,
    Screening,
    Verdict,
    rejection_from,
    verdict_of,
)
from gateway.domain.screening import ScreeningPolicy, screen
from gateway.errors import GatewayError

OFFICIAL_1_0 = "sarepta-dialog-v1_0"
OFFICIAL_1_1 = "sarepta-dialog-v1_1"
TEST_CASES = "sarepta-testcases-dialog-v1_0"
# Some publishers use test numbers, which only a test environment takes for a patient's.
TEST = ScreeningPolicy(synthetic_allowed=True)
PASS, STRIP, REJECT = Verdict.PASS, Verdict.STRIP, Verdict.REJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The verdict on one file; findings as rule, class and 8221 code, each once."""

    file: str
    verdict: Verdict = PASS
    findings: tuple[tuple[str, str, str | None], ...] = ()
    outgoing: Verdict | None = None  # as our own EPJ would send it; None: the same


def refused(file: str, rule: str, apprec: str, *, outgoing: Verdict | None = None) -> Expected:
    return Expected(
        file=file, verdict=REJECT, findings=((rule, "reject", apprec),), outgoing=outgoing
    )


EXPECTED = [
    Expected(file=f"{OFFICIAL_1_0}/Dialogmelding_foresporsel_PLO_v1-0.xml"),
    Expected(file=f"{OFFICIAL_1_0}/Dialogmelding_svar_foresporsel_PLO_v1-0.xml"),
    Expected(
        file=f"{OFFICIAL_1_0}/Dialogmelding_avvik_v1-0.xml",
        findings=(("R-44", "follow-up", None),),
        outgoing=REJECT,
    ),
    Expected(file=f"{OFFICIAL_1_0}/Case1_1-Dialogmelding-Foresporsel_medisinske_opplysninger.xml"),
    Expected(
        file=f"{OFFICIAL_1_0}/Case2_1-Dialogmelding-Foresporsel-Konsultasjon_fra_fastlegen.xml"
    ),
    Expected(
        file=f"{OFFICIAL_1_0}/Case2_1-Dialogmelding_Foresporsel_utlevering_diagnoser"
        "_for_IPLOS-rapportering.xml"
    ),
    refused(f"{OFFICIAL_1_1}/Helsefaglig_dialog_angi_profesjon_hos_mottaker.xml", "R-40", "T10"),
    refused(
        f"{OFFICIAL_1_1}/Status_paa_henvisning-InnkaltEtterViderehenvisning.xml", "R-40", "T10"
    ),
    Expected(file=f"{TEST_CASES}/Case1.xml"),
    Expected(file=f"{TEST_CASES}/Case2.xml"),
    refused(f"{TEST_CASES}/Case1-2.xml", "R-67", "T01"),  # not well-formed
    refused(f"{TEST_CASES}/Case1-14a.xml", "R-01", "E36"),  # name and number emptied
    refused(f"{TEST_CASES}/Case1-14b.xml", "R-03", "E36"),  # only an H-nummer
    refused(f"{TEST_CASES}/Case1-15.xml", "R-01", "E36"),  # a number that is none, no birth date
    refused(f"{TEST_CASES}/Case1-16b.xml", "R-67", "T02"),  # Sender is empty
    refused(f"{TEST_CASES}/Case1-17a.xml", "R-01", "E36"),  # number emptied, no birth date
    refused(f"{TEST_CASES}/Case3.xml", "R-40", "T10"),  # a Notat
    Expected(file="nav/message_without_attachments.xml"),
    refused("nav/message_with_attachments.xml", "R-36", "T99", outgoing=STRIP),
    # Their MsgHead breaks the schema before anybody asks for its kind.
    refused("nav/dialogmelding_dialog_notat.xml", "R-67", "T02"),
    refused("nav/dialogmelding_dialog_notat_vedlegg.xml", "R-67", "T02"),
    refused("nav/dialogmelding_dialog_svar_innkalling_dialogmote.xml", "R-67", "T02"),
]

_UNREADABLE = ("T01", "T02")
READABLE = [e for e in EXPECTED if not any(f[2] in _UNREADABLE for f in e.findings)]
every_file = pytest.mark.parametrize("expected", [pytest.param(e, id=e.file) for e in EXPECTED])


def _document(reference: Path, file: str) -> Document:
    root = parse_untrusted((reference / "samples" / file).read_bytes())
    inner = root.find(f"{{{MSGHEAD}}}MsgHead")  # NAV's wrapper is not part of the message
    return read_tree(root if inner is None else inner)


def screened(
    reference: Path,
    file: str,
    *,
    policy: ScreeningPolicy = TEST,
    direction: Direction = Direction.INCOMING,
) -> Screening:
    """The verdict of the rules, without a configuration and so without addresses."""
    try:
        document = _document(reference, file)
    except GatewayError as error:
        findings = rejection_from(error, direction)
        return Screening(verdict=verdict_of(findings), findings=findings)
    return screen(document.message, direction=direction, policy=policy)


@every_file
def test_an_incoming_message_gets_its_verdict_and_code(
    reference_dir: Path, expected: Expected
) -> None:
    screening = screened(reference_dir, expected.file)

    said = tuple(dict.fromkeys((f.rule, f.cls.value, f.apprec) for f in screening.findings))
    assert (screening.verdict, said) == (expected.verdict, expected.findings)


@every_file
def test_the_same_message_from_our_epj_gets_its_verdict_and_no_apprec_code(
    reference_dir: Path, expected: Expected
) -> None:
    screening = screened(reference_dir, expected.file, direction=Direction.OUTGOING)

    assert screening.verdict is (expected.outgoing or expected.verdict)
    assert {f.apprec for f in screening.findings} <= {None}
    assert all(f.code.startswith("EPJ_") for f in screening.rejections)


@pytest.mark.parametrize("expected", [pytest.param(e, id=e.file) for e in READABLE])
def test_no_finding_quotes_the_message(reference_dir: Path, expected: Expected) -> None:
    message = _document(reference_dir, expected.file).message
    patient = message.patient
    assert patient is not None
    private = [i.id for i in patient.idents] + [patient.family_name, patient.given_name]
    screening = screened(reference_dir, expected.file, direction=Direction.OUTGOING)

    said = " ".join(f"{f.text_nb} {f.text_en} {f.where}" for f in screening.findings)

    assert not any(text in said for text in private if text and len(text) > 2)


def test_attachments_are_removed_by_the_other_policy_each_with_its_place(
    reference_dir: Path,
) -> None:
    policy = replace(TEST, incoming_attachments="strip")

    screening = screened(reference_dir, "nav/message_with_attachments.xml", policy=policy)

    assert screening.verdict is STRIP
    assert [(f.rule, f.code, f.where) for f in screening.findings] == [
        ("R-36", "EPJ_ATTACH", f"/MsgHead/Document[{number}]/RefDoc") for number in (2, 3, 4)
    ]


@pytest.mark.parametrize("file", ["message_with_attachments", "message_without_attachments"])
def test_a_test_patient_is_refused_in_production(reference_dir: Path, file: str) -> None:
    screening = screened(reference_dir, f"nav/{file}.xml", policy=ScreeningPolicy())

    assert [(f.rule, f.apprec) for f in screening.rejections] == [("R-01", "E36")]
    assert "testnummer" in screening.rejections[0].text_nb


def test_the_h_nummer_is_named_as_the_reason(reference_dir: Path) -> None:
    screening = screened(reference_dir, f"{TEST_CASES}/Case1-14b.xml")

    assert "kun hjelpenummer" in screening.rejections[0].text_nb


def test_every_dialogue_sample_has_a_verdict(reference_dir: Path) -> None:
    folder = reference_dir / "samples"
    there = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.xml")
        if b"MsgHead" in path.read_bytes()
    }

    assert there == {expected.file for expected in EXPECTED}
