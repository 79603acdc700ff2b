"""What every command that is audited asks for: who does it, and why."""

import os
import pwd
import re
from typing import Annotated

from typer import BadParameter, Option

_PERSON_NUMBER = re.compile(r"\d{6}[ .-]?\d{5}")
_LONGEST_NAME = 80


def _reason(value: str) -> str:
    text = " ".join(value.split())
    if not text:
        raise BadParameter("tom begrunnelse / empty reason")
    if _PERSON_NUMBER.search(text):
        # The audit trail is shown to people who must not see it.
        raise BadParameter("ingen fødselsnumre her / no national numbers here")
    return text


ReasonOption = Annotated[
    str,
    Option(
        "--reason", callback=_reason, help="Why; kept in the audit trail. Nothing about patients."
    ),
]


def _name(value: str | None) -> str | None:
    if value is None:
        return None
    return _reason(value)[:_LONGEST_NAME]


ByOption = Annotated[
    str | None,
    Option("--by", callback=_name, help="Who decides, where the login name does not tell."),
]


def actor(by: str | None = None) -> str:
    """Who does it: the name given, and always the login by the operating system beside it.

    The environment is not believed, but behind ``sudo`` it is the person who called it.
    """
    return _login() if by is None else f"{by} ({_login()})"


def _login() -> str:
    if os.getuid() == 0 and os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a name
        return f"uid {os.getuid()}"
