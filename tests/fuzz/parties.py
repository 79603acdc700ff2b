"""Two parties whose keys are the same in every run, so that stored mails stay verifiable.

The keys are computed and protect nothing: whoever reads this file has them.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.domain.addressbook import AddressBook, Enterprise, Person, Service
from gateway.domain.identifiers import HerId
from gateway.domain.services import ServiceType
from gateway.ports import KeyPair
from tests.builders_epj import SERVICES
from tests.builders_keys import SEALING, SIGNING, a_certificate

NOW: Final = datetime(2026, 3, 4, 9, 20, tzinfo=UTC)
HOSPITAL, MUNICIPALITY = "hospital", "municipality"
WARD, NURSES = HerId("910001"), HerId("920001")

# How far the two primes of each key lie above the numbers that its name gives.
_DISTANCES: Final = {
    "hospital, signing": (148, 240),
    "hospital, sealing": (622, 84),
    "municipality, signing": (718, 4352),
    "municipality, sealing": (878, 3128),
}


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """The RSA key of 2048 bits that belongs to a name."""
    p, q = (
        start + distance for start, distance in zip(starts(name), _DISTANCES[name], strict=True)
    )
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=d % (p - 1),
        dmq1=d % (q - 1),
        iqmp=pow(q, -1, p),
        public_numbers=rsa.RSAPublicNumbers(e, p * q),
    )
    return numbers.private_key()


def starts(name: str) -> tuple[int, int]:
    """Two numbers of 1024 bits, near which the primes lie."""
    source = random.Random(f"a key that protects nothing: {name}")
    top = 3 << 1022
    return source.getrandbits(1022) | top | 1, source.getrandbits(1022) | top | 1


@dataclass(frozen=True, slots=True)
class Party:
    """One side with both its key pairs."""

    signing: KeyPair
    sealing: KeyPair


@cache
def party(name: str) -> Party:
    """The keys and certificates of one side."""
    return Party(
        _pair(f"{name}, signing", SIGNING, serial=1001),
        _pair(f"{name}, sealing", SEALING, serial=1002),
    )


def _pair(name: str, usage: tuple[str, ...], *, serial: int) -> KeyPair:
    key = private_key(name)
    return KeyPair(key, a_certificate(key, name=name, usage=usage, serial=serial))


@cache
def book() -> AddressBook:
    """What the hospital knows: itself, and the municipality with its certificates."""
    return AddressBook(
        (
            _enterprise(910000, "Fjordby sykehus", HOSPITAL, ("S0304", "S06"), own=True),
            _enterprise(920000, "Granvik kommune", MUNICIPALITY, ("KP02", "KD0501"), own=False),
        )
    )


def _enterprise(
    her: int, title: str, name: str, codes: tuple[str, ...], *, own: bool
) -> Enterprise:
    rows: list[ServiceType] = [row for row in SERVICES if row.code in codes]
    keys = party(name)
    return Enterprise(
        her=HerId(str(her)),
        name=title,
        orgnr=str(her * 1000),
        own=own,
        edi=f"{name}@edi.invalid",
        signing=(_der(keys.signing.certificate),),
        sealing=(_der(keys.sealing.certificate),),
        services=tuple(
            Service(her=HerId(str(her + number)), type=row, name=row.official)
            for number, row in enumerate(rows, start=1)
        ),
        persons=(Person(her=HerId(str(her + 99)), given="Fast", family="Legesen"),),
    )


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
