"""Address book and service list from files: read strictly, all faults at once."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from gateway.adapters.registers import load_address_book, load_services
from gateway.errors import ConfigurationError

_EXAMPLE = Path(__file__).parents[3] / "config" / "partners.example.toml"
SERVICES = load_services()


@cache
def _certificate_and_key() -> tuple[bytes, bytes]:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Eksempel")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .sign(key, None)
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(pem), private


CERTIFICATE, PRIVATE_KEY = _certificate_and_key()

OWN = """
[[enterprise]]
her = "910000"
name = "Eksempel sykehus"
orgnr = "910000004"
own = true
edi = "sykehus@edi.invalid"
signing = ["cert.pem"]
sealing = ["two.pem"]
[[enterprise.service]]
her = "910004"
system = "8668"
code = "S0304"
"""
PARTNER = """
[[enterprise]]
her = "920000"
name = "Eksempel kommune"
orgnr = "920 000 002"
edi = "kommune@edi.invalid"
signing = ["cert.pem"]
sealing = ["cert.pem"]
[[enterprise.service]]
her = "920002"
system = "8663"
code = "KP02"
name = "Hjemmesykepleien"
[[enterprise.person]]
her = "920099"
given = "Kari"
family = "Eksempel"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cert.pem").write_bytes(CERTIFICATE)
    (tmp_path / "two.pem").write_bytes(CERTIFICATE + CERTIFICATE)
    (tmp_path / "key.pem").write_bytes(PRIVATE_KEY)
    (tmp_path / "damaged.pem").write_bytes(CERTIFICATE.replace(b"M", b"N", 5))
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "partners.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(folder: Path, text: str) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as refused:
        load_address_book(write(folder, text), SERVICES)
    return {fault.where: fault.detail for fault in refused.value.faults}


def test_address_book_is_read(folder: Path) -> None:
    book = load_address_book(write(folder, OWN + PARTNER), SERVICES)

    own, partner, person = book.by_her("910004"), book.by_her("920002"), book.by_her("920099")
    assert own is not None
    assert partner is not None
    assert person is not None
    assert (own.own, own.name, own.service_code) == (True, "Blodsykdommer", "8668:S0304")
    assert (len(own.signing), len(own.sealing)) == (1, 2)
    assert x509.load_der_x509_certificate(own.signing[0]).serial_number == 1
    assert (partner.own, partner.name) == (False, "Hjemmesykepleien")
    assert partner.enterprise.orgnr == "920000002"
    assert person.name == "Kari Eksempel"


def test_shipped_example_is_read_once_its_certificates_are_there(folder: Path) -> None:
    text = _EXAMPLE.read_text(encoding="utf-8")
    (folder / "keys").mkdir()
    for word in text.split('"'):
        if word.endswith(".pem"):
            (folder / word).write_bytes(CERTIFICATE)

    book = load_address_book(write(folder, text), SERVICES)

    assert [one.own for one in book.enterprises] == [True, False]


@pytest.mark.parametrize(
    ("old", "new", "where", "detail"),
    [
        pytest.param('"920002"', '"910004"', "enterprise[1].service[0].her", "910004", id="her"),
        pytest.param('"920099"', '"910000"', "enterprise[1].person[0].her", "910000", id="level 1"),
        pytest.param('her = "920099"', "her = 920099", "enterprise[1].person[0].her", "string"),
        pytest.param('"920099"', '"92-99"', "enterprise[1].person[0].her", "pattern", id="digits"),
        pytest.param("edi =", "mail =", "enterprise[0].mail", "not permitted", id="unknown key"),
        pytest.param("KP02", "KA01", "enterprise[1].service[0]", "8663:KA01", id="unknown code"),
        pytest.param('"8663"', '"8668"', "enterprise[1].service[0]", "8668:KP02", id="system"),
        pytest.param('code = "S0304"', 'code = "PB"', "enterprise[0].service[0]", "BUP Moss"),
        pytest.param("two.pem", "none.pem", "enterprise[0].sealing[0]", "cannot read", id="no pem"),
        pytest.param("two.pem", "key.pem", "enterprise[0].sealing[0]", "no readable", id="key"),
        pytest.param("two.pem", "damaged.pem", "enterprise[0].sealing[0]", "no readable"),
        pytest.param("sykehus@", "mailto:sykehus@", "enterprise[0].edi", "mailto", id="mailto"),
        pytest.param("sykehus@", "syke hus@", "enterprise[0].edi", "not a mail", id="blank"),
        pytest.param("sykehus@", "sykehus<", "enterprise[0].edi", "not a mail", id="no at"),
        pytest.param("own = true", "own = false", "enterprise", "nobody", id="no own"),
        pytest.param("own = true", 'own = "yes"', "enterprise[0].own", "boolean", id="own text"),
        pytest.param("910000004", "910000005", "enterprise[0].orgnr", "mod-11", id="orgnr"),
        pytest.param("920 000 002", "910000004", "enterprise[1]", "as in", id="same orgnr"),
    ],
)
def test_fault_is_named_with_its_path(
    folder: Path, old: str, new: str, where: str, detail: str
) -> None:
    assert (OWN + PARTNER).count(old)

    assert detail in faults_of(folder, (OWN + PARTNER).replace(old, new, 1))[where]


def test_partner_without_certificates_or_parties_is_refused(folder: Path) -> None:
    bare = PARTNER.split("signing", maxsplit=1)[0]

    faults = faults_of(folder, OWN + bare)

    assert set(faults) == {"enterprise[1]", "enterprise[1].signing", "enterprise[1].sealing"}


def test_all_faults_are_told_at_once(folder: Path) -> None:
    text = (OWN + PARTNER).replace("910000004", "1").replace("KP02", "XX").replace("two.", "no.")

    assert set(faults_of(folder, text)) == {
        "enterprise[0].orgnr",
        "enterprise[0].sealing[0]",
        "enterprise[1].service[0]",
    }


def test_private_key_in_the_wrong_place_is_not_quoted(folder: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_address_book(write(folder, OWN.replace("two.pem", "key.pem")), SERVICES)

    assert PRIVATE_KEY.split(b"\n")[1].decode() not in repr(refused.value.faults)


@pytest.mark.parametrize("text", ["", "[[enterprise]\n", "enterprise = 1", "other = 1"])
def test_file_that_is_no_address_book_is_refused(folder: Path, text: str) -> None:
    assert faults_of(folder, text)


def test_missing_and_undecodable_files_are_refused(folder: Path) -> None:
    (folder / "latin1.toml").write_bytes(b'name = "\xd8st"')
    for name in ("nothing.toml", "latin1.toml"):
        with pytest.raises(ConfigurationError, match=name):
            load_address_book(folder / name, SERVICES)


def test_service_list_with_a_repeated_row_is_refused(folder: Path) -> None:
    row = (
        '[[service]]\nside = "hospital"\ngroup = "g"\nsystem = "8668"\n'
        'code = "S06"\nname = "{name}"\nofficial = "Barnesykdommer"\n'
    )
    path = folder / "services.toml"
    path.write_text(row.format(name="Øre") + row.format(name="ORE"), encoding="utf-8")

    with pytest.raises(ConfigurationError) as refused:
        load_services(path)

    assert [fault.where for fault in refused.value.faults] == ["service[1]", "service[1]"]


def test_service_list_counts_as_the_guideline_does() -> None:
    groups = [service.group for service in SERVICES]

    assert [groups.count(group) for group in dict.fromkeys(groups)] == [28, 18, 2, 11]
    assert all(s.use_when and s.answered_by for s in SERVICES if s.side == "municipality")
