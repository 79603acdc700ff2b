"""What a library's error usually means, and nothing of its text."""

import socket
import ssl

import pytest
from aiormq.exceptions import AMQPConnectionError, InvalidFrameError, ProbableAuthenticationError

from gateway.adapters.causes import explained, explained_error


@pytest.mark.parametrize(
    ("error", "name", "nb", "en"),
    [
        (InvalidFrameError("secret"), "InvalidFrameError", "vhost finnes ikke", "the vhost"),
        (ProbableAuthenticationError("secret"), "Probable", "passordet er feil", "password"),
        (TimeoutError("secret"), "TimeoutError", "ikke noe svar", "no answer in time"),
        (ssl.SSLCertVerificationError("secret"), "SSLCert", "sertifikat", "certificate"),
        (KeyError("secret"), "KeyError", "", ""),
    ],
)
def test_an_error_is_told_by_its_type_and_usual_cause(
    error: BaseException, name: str, nb: str, en: str
) -> None:
    told = explained_error(error)

    assert told.startswith(name)
    assert nb in told
    assert en in told
    assert "secret" not in told


def test_what_an_error_came_from_says_more_than_itself() -> None:
    error = AMQPConnectionError("secret")
    error.__cause__ = socket.gaierror(-2, "secret")

    assert explained_error(error).startswith("AMQPConnectionError: gaierror (vertsnavnet")


@pytest.mark.parametrize("code", ["28000", "28P01", "3D000", "SQLITE_FULL"])
def test_a_code_of_a_database_is_told_in_both_languages(code: str) -> None:
    assert explained(code).startswith(f"{code} (")
    assert " / " in explained(code)


def test_an_unknown_code_is_told_as_it_is() -> None:
    assert explained("XX000") == "XX000"
