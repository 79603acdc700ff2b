"""The usual causes behind what libraries and databases say, for whoever is on duty."""

from collections.abc import Iterator
from typing import Final

_CAUSES: Final = {
    # any connection
    "gaierror": ("vertsnavnet finnes ikke", "the host name is unknown"),
    "ConnectionRefusedError": (
        "ingen svarer på porten; er tjenesten oppe, og porten riktig?",
        "nothing listens on the port; is the service up, and the port right?",
    ),
    "TimeoutError": (
        "ikke noe svar i tide; se på nett og brannmur",
        "no answer in time; look at network and firewall",
    ),
    "SSLCertVerificationError": (
        "tjenerens sertifikat er ikke av en utsteder vi stoler på, eller gjelder et annet navn",
        "the server's certificate is of no authority that we trust, or of another name",
    ),
    "SSLError": (
        "TLS kom ikke i stand; tilbyr porten TLS?",
        "no TLS came about; does the port offer it?",
    ),
    # RabbitMQ
    "InvalidFrameError": (
        "vhost finnes ikke, eller brukeren har ikke tilgang til den",
        "the vhost does not exist, or the user may not use it",
    ),
    "AuthenticationError": (
        "brukernavnet eller passordet er feil",
        "the user name or the password is wrong",
    ),
    # mail server
    "SMTPServerDisconnected": (
        "tjeneren la på; slipper den oss til?",
        "the server hung up; are we allowed in?",
    ),
    # PostgreSQL, by SQLSTATE
    "28000": (
        "databasebrukeren finnes ikke eller slippes ikke til (pg_hba.conf)",
        "the database user does not exist or is not let in (pg_hba.conf)",
    ),
    "28P01": (
        "passordet til databasen er feil",
        "the password of the database is wrong",
    ),
    "3D000": ("databasen finnes ikke", "the database does not exist"),
    "42501": (
        "databasebrukeren mangler rettigheter",
        "the database user lacks privileges",
    ),
    "53100": ("databasens disk er full", "the disk of the database is full"),
    "53300": (
        "databasen har for mange forbindelser",
        "the database has too many connections",
    ),
    "57P03": ("databasen starter eller stanser", "the database starts or stops"),
    # SQLite, by error name
    "SQLITE_BUSY": (
        "en annen prosess holder journalen",
        "another process holds the journal",
    ),
    "SQLITE_CANTOPEN": (
        "filen eller mappen finnes ikke, eller kan ikke leses",
        "the file or its folder does not exist, or cannot be read",
    ),
    "SQLITE_FULL": ("disken er full", "the disk is full"),
    "SQLITE_NOTADB": ("filen er ingen journal", "the file is no journal"),
    "SQLITE_READONLY": ("filen kan ikke skrives", "the file cannot be written"),
}
_CAUSES["ProbableAuthenticationError"] = _CAUSES["AuthenticationError"]


def explained(code: str) -> str:
    """``code``, with its usual cause in Norwegian and English where one is known."""
    known = _CAUSES.get(code)
    return code if known is None else f"{code} ({known[0]} / {known[1]})"


def explained_error(error: BaseException) -> str:
    """The type of ``error``, with its usual cause; never its text, which may quote a secret."""
    name = type(error).__name__
    for kind in _kinds(error):
        if kind in _CAUSES:
            return explained(kind) if kind == name else f"{name}: {explained(kind)}"
    return name


def _kinds(error: BaseException) -> Iterator[str]:
    """Names of its types; those of what it came from first, which say more."""
    if error.__cause__ is not None:
        yield from _kinds(error.__cause__)
    yield from (cls.__name__ for cls in type(error).__mro__)
