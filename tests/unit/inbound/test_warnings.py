"""What is tolerated but told: a Warning in place of the Acknowledgment (HITS 1172)."""

import pytest

from gateway.domain.envelope import EnvelopeKind
from tests.builders_mails import a_mail, all_said
from tests.builders_offices import two_offices
from tests.builders_received import MSG_ID, a_document, remove, swapped


def written_in(encoding: str) -> bytes:
    """A mail whose envelope is in another encoding than it was signed in, and says so."""

    def write(soap: bytes) -> bytes:
        declared = swapped(b"encoding='UTF-8'", b"encoding='" + encoding.encode() + b"'")
        return declared(soap).decode().encode(encoding)

    mail = a_mail(a_document(), tamper=write)
    return mail.replace(b'charset="UTF-8"', f'charset="{encoding}"'.encode(), 1)


@pytest.mark.parametrize(
    ("mail", "codes"),
    [
        pytest.param(
            a_mail(a_document(), edit=remove("AckRequested")), ["NotSupported"], id="rule 75"
        ),
        pytest.param(
            a_mail(a_document(), edit=remove("DuplicateElimination")),
            ["NotSupported"],
            id="rule 74",
        ),
        *(
            pytest.param(written_in(encoding), ["ValueNotRecognized"], id=encoding)
            for encoding in ("ISO-8859-1", "windows-1252", "ISO-8859-15", "UTF-16")
        ),
    ],
)
async def test_the_message_is_taken_in_and_its_sender_told(mail: bytes, codes: list[str]) -> None:
    offices = two_offices()
    offices.carry = False
    hospital = offices.hospital

    await hospital.take_in(mail)
    await hospital.take_in(mail)
    await offices.settle()

    first, again = all_said(hospital)
    assert first.envelope.kind is EnvelopeKind.ERROR
    assert first.envelope.is_warning
    assert [error.code for error in first.envelope.errors] == codes
    assert again.mail.soap == first.mail.soap
    assert [message.message_id for message in hospital.delivered] == [MSG_ID]


@pytest.mark.parametrize("label", ["utf8", "us-ascii"])
async def test_another_name_of_utf_8_and_a_part_of_it_draw_no_warning(label: str) -> None:
    offices = two_offices()
    offices.carry = False

    await offices.hospital.take_in(written_in(label))
    await offices.settle()

    (said,) = all_said(offices.hospital)
    assert said.envelope.kind is EnvelopeKind.ACKNOWLEDGMENT
