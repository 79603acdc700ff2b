"""The command line as a test runs it, and the demonstration's parties as its configuration."""

import json
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from typer.testing import CliRunner, Result

from gateway.codecs.mime import Part, parse_mail, render_entity, render_mail
from gateway.codecs.msghead import render_request
from gateway.config.load import load_settings
from gateway.domain.findings import Direction
from gateway.domain.message import DialogMessage
from gateway.office import Office, open_office
from gateway.ops.cli import commands, shell
from gateway.ops.demo_config import write_demo
from gateway.ops.verdicts import judge
from gateway.ops.wrapping import wrap_mail
from tests.builders_keys import NOON
from tests.builders_message import a_party, a_patient, a_request
from tests.fakes_journal import HandClock

assert commands, "importing it registers them all"

PATIENT_NUMBER = "01815010260"  # synthetic (month + 80)
AT = datetime.now(UTC)  # the demo's certificates are valid from now on
_FOLDERS: list[TemporaryDirectory[str]] = []  # kept until the interpreter ends


def run_cli(*arguments: object) -> Result:
    """``dialog-gateway`` with these arguments."""
    return CliRunner().invoke(shell.app, [str(argument) for argument in arguments])


def json_of(result: Result) -> Any:
    """Standard output as the one JSON document it must be."""
    return json.loads(result.stdout)


@cache
def demo_folder() -> Path:
    """Keys, address books and configurations of both demo parties; made once."""
    _FOLDERS.append(TemporaryDirectory(prefix="gateway-test-"))
    folder = Path(_FOLDERS[-1].name)
    write_demo(folder)
    return folder


def demo_config(party: str) -> Path:
    """The configuration file of ``hospital`` or ``municipality``."""
    return demo_folder() / f"{party}.toml"


@cache
def demo_office(party: str) -> Office:
    """The same, read."""
    return open_office(load_settings(demo_config(party), {}))


def a_hospital_request(**changes: object) -> DialogMessage:
    """A request from the demo hospital to the demo municipality."""
    parties: dict[str, object] = {
        "sender": a_party(enterprise="910000", service="910001", name="Kirurgi, Felles"),
        "receiver": a_party(),
        "patient": a_patient(number=PATIENT_NUMBER),
    }
    return a_request(**parties | changes)


def a_hospital_document(**changes: object) -> bytes:
    """The same as the EPJ hands it over."""
    return render_request(a_hospital_request(**changes))


def wrapped(document: bytes, office: Office) -> bytes:
    """The mail that ``office`` makes of a document that passes."""
    judged = judge(
        document,
        direction=Direction.OUTGOING,
        policy=office.screening,
        book=office.book,
    )
    ids = count(1)
    return wrap_mail(
        document, judged, office, clock=HandClock(AT), new_id=lambda: f"id-{next(ids)}"
    ).mail


def repacked(soap: bytes, *, soap_content_id: str = "soap", parts: tuple[Part, ...] = ()) -> bytes:
    """A mail around an envelope, signed or not."""
    return render_mail(
        render_entity(soap, soap_content_id=soap_content_id, parts=parts),
        sender="hospital@demo.invalid",
        recipient="municipality@demo.invalid",
        mail_message_id="changed@demo.invalid",
        date=NOON,
        subject="ebXML",
    )


def changed(mail: bytes, old: bytes, new: bytes) -> bytes:
    """The mail with one change in its envelope, which must make a difference."""
    parsed = parse_mail(mail)
    soap = parsed.soap.replace(old, new, 1)
    assert soap != parsed.soap
    return repacked(soap, soap_content_id=parsed.soap_content_id, parts=parsed.parts)
