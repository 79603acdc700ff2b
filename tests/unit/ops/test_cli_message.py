"""``screen``, ``route``, ``send``: verdicts, addresses, exit codes, and no patient in any text."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.codecs.msghead import render_request
from gateway.domain.identifiers import HerId, MsgId
from gateway.domain.ledger import Outgoing, State
from gateway.domain.reasons import partner_reason
from gateway.ops.cli.message import outcome_line
from gateway.ops.demo.letters import request, synthetic_numbers
from gateway.ops.sending import Outcome, entry_of, followed, package_of
from gateway.ports import JournalEvent
from tests.builders_cli import (
    PATIENT_NUMBER,
    a_hospital_document,
    a_hospital_request,
    demo_config,
    demo_office,
    json_of,
    run_cli,
)
from tests.builders_keys import NOON
from tests.builders_message import REQUEST_ID, a_party, a_request_document, an_attachment
from tests.fakes_journal import FakeJournal, HandClock

EXAMPLE = Path(__file__).parents[3] / "examples" / "dialog-request.xml"
APPREC = """<AppRec xmlns="http://www.kith.no/xmlstds/apprec/2004-11-21">
<MsgType V="APPREC"/><MIGversion>1.0 2004-11-21</MIGversion>
<GenDate>2026-03-04T10:15:30</GenDate><Id>a-1</Id>{status}
<OriginalMsgId><MsgType V="DIALOG_SVAR"/><IssueDate>2026-03-04T10:15:30</IssueDate><Id>m-1</Id>
</OriginalMsgId></AppRec>"""
IN_CLEAR = ("Åsnes", "Prøve", PATIENT_NUMBER, "Kan dere ta imot")


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration unless a test names one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)


def a_file(tmp_path: Path, content: bytes) -> Path:
    file = tmp_path / "message.xml"
    file.write_bytes(content)
    return file


def with_number(document: bytes) -> bytes:
    """The builder's document with a synthetic number whose check digits are right."""
    return document.replace(b"01815012345", PATIENT_NUMBER.encode())


# --- screen --------------------------------------------------------------------------------------


def test_message_that_follows_the_rules_passes(tmp_path: Path) -> None:
    file = a_file(tmp_path, a_hospital_document())

    result = run_cli("screen", file, "--direction", "outgoing", "--json")

    assert result.exit_code == 0
    verdict = json_of(result)
    assert list(verdict) == ["verdict", "kind", "msg_id", "findings"]
    assert verdict["verdict"] == "pass"
    assert (verdict["kind"], verdict["msg_id"]) == ("DIALOG_FORESPORSEL", REQUEST_ID)


def test_finding_has_the_agreed_names_and_a_lower_case_class(tmp_path: Path) -> None:
    file = a_file(tmp_path, with_number(a_request_document(after=an_attachment())))

    result = run_cli("screen", file, "--direction", "incoming", "--json")

    assert result.exit_code == 1
    finding = next(f for f in json_of(result)["findings"] if f["class"] == "reject")
    assert list(finding) == [
        "rule",
        "class",
        "code",
        "apprec",
        "ebxml",
        "text_nb",
        "text_en",
        "where",
    ]
    assert (finding["rule"], finding["code"], finding["apprec"]) == ("R-36", "EPJ_ATTACH", "T99")


def test_stripped_message_goes_on(tmp_path: Path) -> None:
    file = a_file(tmp_path, with_number(a_request_document(after=an_attachment())))

    result = run_cli("screen", file, "--direction", "outgoing", "--json")

    assert (result.exit_code, json_of(result)["verdict"]) == (0, "strip")


@pytest.mark.parametrize("direction", ["outgoing", "incoming"])
@pytest.mark.parametrize(
    ("content", "apprec"),
    [
        pytest.param(b"nope", "T01", id="not XML"),
        pytest.param(b"", "T01", id="empty"),
        pytest.param(b"<!DOCTYPE a><a/>", "T99", id="DOCTYPE"),
        pytest.param(b"<a/>", "T10", id="another document"),
        pytest.param(
            b'<MsgHead xmlns="http://www.kith.no/xmlstds/msghead/2006-05-24"/>', "T02", id="schema"
        ),
    ],
)
def test_unreadable_document_is_a_reject(
    tmp_path: Path, direction: str, content: bytes, apprec: str
) -> None:
    result = run_cli("screen", a_file(tmp_path, content), "--direction", direction, "--json")

    assert result.exit_code == 1
    verdict = json_of(result)
    assert verdict["verdict"] == "reject"
    assert {finding["apprec"] for finding in verdict["findings"]} == {apprec}


def test_text_shows_the_verdict_first_then_both_languages(tmp_path: Path) -> None:
    result = run_cli("screen", a_file(tmp_path, b"nope"), "--direction", "incoming")

    lines = result.stdout.splitlines()
    assert lines[0] == "AVVIST / reject"
    assert lines[1] == "- R-67 EPJ_SCHEMA T01 [reject] Meldingen er ikke lesbar XML."
    assert lines[2].strip() == "The message is not readable XML."
    assert lines[3].strip() == "line 1, column 1"


@pytest.mark.parametrize("command", [("screen", "--direction", "outgoing"), ("send",)])
def test_missing_file_is_exit_2(tmp_path: Path, command: tuple[str, ...]) -> None:
    assert run_cli(command[0], tmp_path / "absent", *command[1:]).exit_code == 2


def test_folder_is_no_file(tmp_path: Path) -> None:
    assert run_cli("screen", tmp_path, "--direction", "outgoing").exit_code == 2


@pytest.mark.parametrize(
    ("direction", "code", "expected"),
    [
        pytest.param("outgoing", "EPJ_RECEIVER", 1, id="to a stranger"),
        pytest.param("incoming", "EPJ_RECEIVER", 1, id="not to us"),
    ],
)
def test_addresses_are_judged_only_with_a_configuration(
    tmp_path: Path, direction: str, code: str, expected: int
) -> None:
    stranger = a_party(enterprise="990000", service="990001")
    file = a_file(tmp_path, a_hospital_document(receiver=stranger))

    without = run_cli("screen", file, "--direction", direction, "--json")
    with_one = run_cli(
        "screen", file, "--direction", direction, "--json", "--config", demo_config("hospital")
    )

    assert without.exit_code == 0
    assert with_one.exit_code == expected
    assert code in {finding["code"] for finding in json_of(with_one)["findings"]}


def test_incoming_message_to_one_of_our_services_passes(tmp_path: Path) -> None:
    file = a_file(tmp_path, a_hospital_document())

    result = run_cli(
        "screen", file, "--direction", "incoming", "--config", demo_config("municipality")
    )

    assert result.exit_code == 0


def test_wrong_configuration_is_explained(tmp_path: Path) -> None:
    file = a_file(tmp_path, a_hospital_document())

    result = run_cli("screen", file, "--direction", "outgoing", "--config", tmp_path / "absent")

    assert result.exit_code == 1
    assert "GW-901" in result.stderr


@pytest.mark.parametrize("direction", ["outgoing", "incoming"])
def test_readable_receipt_passes(tmp_path: Path, direction: str) -> None:
    file = a_file(tmp_path, APPREC.format(status='<Status V="1" DN="OK"/>').encode())

    result = run_cli("screen", file, "--direction", direction, "--json")

    assert result.exit_code == 0
    assert json_of(result) == {"verdict": "pass", "kind": "APPREC", "msg_id": "a-1", "findings": []}


@pytest.mark.parametrize("status", ["", '<Status V="7"/>'])
def test_receipt_without_a_known_status_is_a_reject(tmp_path: Path, status: str) -> None:
    result = run_cli(
        "screen",
        a_file(tmp_path, APPREC.format(status=status).encode()),
        "--direction",
        "incoming",
        "--json",
    )

    assert result.exit_code == 1
    verdict = json_of(result)
    assert verdict["kind"] == "APPREC"
    assert [f["apprec"] for f in verdict["findings"]] == ["T02"]


@pytest.mark.parametrize("direction", ["outgoing", "incoming"])
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_nothing_of_the_patient_is_printed(
    tmp_path: Path, direction: str, flags: tuple[str, ...]
) -> None:
    documents = [
        a_hospital_document(),
        a_request_document(after=an_attachment()),
        a_request_document(question="<Sporsmal>Kan dere ta imot<b>?</b></Sporsmal><Feil/>"),
    ]
    for document in documents:
        result = run_cli("screen", a_file(tmp_path, document), "--direction", direction, *flags)
        assert not [word for word in IN_CLEAR if word in result.output]


# --- route ---------------------------------------------------------------------------------------


def test_route_shows_each_step_and_the_receiver() -> None:
    result = run_cli(
        "route", "910000/8668:S0304", "--json", "--config", demo_config("municipality")
    )

    assert result.exit_code == 0
    found = json_of(result)
    assert found["entry"]["her"] == "910004"
    assert found["entry"]["service_code"] == "8668:S0304"
    assert [step["source"] for step in found["steps"]] == [
        "address book",
        "service list",
        "address book",
    ]
    assert found["candidates"] == []


@pytest.mark.parametrize("address", ["KR", "999999", "nobody/8668:S0304", ""])
def test_address_without_one_receiver_is_exit_1(address: str) -> None:
    result = run_cli("route", address, "--json", "--config", demo_config("municipality"))

    assert result.exit_code == 1
    assert json_of(result)["entry"] is None


def test_ambiguous_address_lists_the_candidates() -> None:
    result = run_cli("route", "920000", "--config", demo_config("municipality"))

    assert result.exit_code == 1
    assert "920001: " in result.stdout


# --- send ----------------------------------------------------------------------------------------


def test_send_says_that_the_broker_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY__BROKER__URL", "amqp://127.0.0.1:1/")

    result = run_cli(
        "send", a_file(tmp_path, a_hospital_document()), "--config", demo_config("hospital")
    )

    assert result.exit_code == 1
    assert "GW-103" in result.stderr


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<a/>", "application/xml"),
        (b'{"a": 1}', "application/json"),
        (b' \n{"a": 1}', "application/json"),
        (b"", "application/xml"),
    ],
)
def test_content_type_follows_the_first_byte(body: bytes, content_type: str) -> None:
    assert package_of(body, amqp_message_id="q-1").content_type == content_type


def an_entry(**changes: object) -> Outgoing:
    request = a_hospital_request()
    entry = Outgoing(
        entry_id="e-1",
        key=f"{request.sender.her}/{request.msg_id}",
        digest=package_of(a_hospital_document(), amqp_message_id="").digest,
        accepted_at=NOON,
        msg_id=MsgId(request.msg_id),
        receiver_her=HerId("920001"),
        amqp_message_id="q-1",
    )
    return replace(entry, **changes)  # type: ignore[arg-type]  # names are checked by replace


async def a_journal(*entries: Outgoing) -> FakeJournal:
    journal = FakeJournal(HandClock())
    async with journal.transaction() as tx:
        for entry in entries:
            await tx.add_outgoing(entry)
            await tx.record(
                JournalEvent(at=NOON, name="arrived", entry_id=entry.entry_id, arrived=True)
            )
    return journal


@pytest.mark.parametrize(
    ("state", "exit_code"),
    [
        (State.CONFIRMED, 0),
        (State.REJECTED, 1),
        (State.DISCARDED, 1),
        (State.DEAD, 3),
        (State.IN_FLIGHT, 3),
    ],
)
async def test_exit_code_says_where_a_followed_message_ended(state: State, exit_code: int) -> None:
    journal = await a_journal(an_entry(state=state))
    package = package_of(a_hospital_document(), amqp_message_id="q-1")

    outcome = await followed(journal, package, 0.001)

    assert outcome.exit_code == exit_code
    assert outcome_line(outcome).endswith(REQUEST_ID)


async def test_message_that_nobody_took_over_is_still_open() -> None:
    package = package_of(a_hospital_document(), amqp_message_id="q-1")

    outcome = await followed(await a_journal(), package, 0.001)

    assert (outcome.entry, outcome.exit_code) == (None, 3)


async def test_same_bytes_sent_before_are_found_under_their_first_message_id() -> None:
    journal = await a_journal(an_entry(amqp_message_id="first"))
    package = package_of(a_hospital_document(), amqp_message_id="second")

    entry = await entry_of(journal, package)

    assert entry is not None
    assert entry.entry_id == "e-1"


async def test_other_bytes_under_the_same_msg_id_are_not_taken_for_ours() -> None:
    journal = await a_journal(an_entry(digest="0" * 64, amqp_message_id="first"))

    assert await entry_of(journal, package_of(a_hospital_document(), amqp_message_id="q-2")) is None


def test_reasons_of_a_refusal_are_shown_as_codes_only() -> None:
    entry = an_entry(state=State.REJECTED, reasons=(partner_reason("E36", "om Kari Nordmann"),))

    text = outcome_line(Outcome(entry=entry))

    assert "E36" in text
    assert "Nordmann" not in text


# --- the example --------------------------------------------------------------------------------


def test_the_example_is_what_our_own_writer_makes_of_invented_facts() -> None:
    book = demo_office("hospital").book
    sender, receiver = book.by_her("910004"), book.by_her("920001")
    assert sender is not None
    assert receiver is not None
    message = request(
        sender,
        receiver,
        msg_id="5f0c2b64-3c8e-4b52-9a57-2d0f8f6f7c11",
        at=datetime(2026, 3, 4, 9, 15, tzinfo=UTC),
        number=next(synthetic_numbers()),
        serial=0,
    )

    assert EXAMPLE.read_bytes() == render_request(message)


def test_the_example_passes_is_wrapped_and_is_opened_by_the_other_side(tmp_path: Path) -> None:
    mail = tmp_path / "mail.eml"
    steps = [
        run_cli("screen", EXAMPLE, "--direction", "outgoing"),
        run_cli("wrap", EXAMPLE, "-o", mail, "--config", demo_config("hospital")),
        run_cli("open", mail, "--config", demo_config("municipality")),
    ]

    assert [step.exit_code for step in steps] == [0, 0, 0]
