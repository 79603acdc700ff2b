"""The demo's keys load as real ones do, and a set that is there is never overwritten."""

import stat
from pathlib import Path

import pytest
from cryptography import x509

from gateway.adapters.keys import load_content_keys, load_key_pair
from gateway.codecs.certificates import (
    organisation_number,
    require_usable_for_sealing,
    require_usable_for_signing,
)
from gateway.domain.organisations import orgnr_valid
from gateway.errors import CannotSeal, ConfigurationError, UnusableCertificate
from gateway.ops.demo_keys import (
    FOREIGN,
    PARTIES,
    DemoParty,
    demo_file_names,
    demo_organisation_number,
    make_demo_keys,
)
from gateway.ports import KeyPair
from tests.builders_keys import NOON


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("demo") / "keys"
    make_demo_keys(directory, at=NOON)
    return directory


def pair(folder: Path, name: str) -> KeyPair:
    return load_key_pair(folder / f"{name}.key.pem", folder / f"{name}.cert.pem")


@pytest.mark.parametrize("party", PARTIES)
def test_each_party_has_a_certificate_for_each_use(folder: Path, party: DemoParty) -> None:
    name = party.name
    signing = pair(folder, f"{name}-signing").certificate
    sealing = pair(folder, f"{name}-sealing").certificate

    require_usable_for_signing(signing, NOON)
    require_usable_for_sealing(sealing, NOON)
    with pytest.raises(UnusableCertificate):
        require_usable_for_signing(sealing, NOON)
    with pytest.raises(CannotSeal):
        require_usable_for_sealing(signing, NOON)


def test_subjects_name_the_invented_organisations(folder: Path) -> None:
    for party in (*PARTIES, FOREIGN):
        certificate = pair(folder, f"{party.name}-signing").certificate
        assert organisation_number(certificate) == party.organisation_number
        assert orgnr_valid(party.organisation_number)


def test_every_certificate_is_issued_by_the_demo_ca(folder: Path) -> None:
    authority = x509.load_pem_x509_certificate((folder / "ca.cert.pem").read_bytes())
    for name in demo_file_names():
        if name.endswith(".cert.pem"):
            certificate = x509.load_pem_x509_certificate((folder / name).read_bytes())
            certificate.verify_directly_issued_by(authority)


def test_private_files_are_for_the_owner_alone(folder: Path) -> None:
    private = [name for name in demo_file_names() if not name.endswith(".cert.pem")]

    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in private} == {0o600}


def test_no_file_but_the_named_ones_is_written(folder: Path) -> None:
    assert sorted(file.name for file in folder.iterdir()) == sorted(demo_file_names())


def test_each_party_has_its_own_content_key(folder: Path) -> None:
    keys = [load_content_keys(folder / f"{party.name}-content.key") for party in PARTIES]

    assert len({key.key for (key,) in keys}) == len(PARTIES)


def test_complete_set_is_kept(folder: Path) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    make_demo_keys(folder)

    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_part_of_a_set_is_neither_completed_nor_overwritten(tmp_path: Path) -> None:
    (tmp_path / "hospital-signing.key.pem").write_text("mine")

    with pytest.raises(ConfigurationError) as caught:
        make_demo_keys(tmp_path)

    assert [Path(fault.where).name for fault in caught.value.faults] == ["hospital-signing.key.pem"]
    assert [file.name for file in tmp_path.iterdir()] == ["hospital-signing.key.pem"]


def test_folder_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(ConfigurationError):
        make_demo_keys(tmp_path / "file" / "keys")


def test_number_without_check_digit_is_refused() -> None:
    with pytest.raises(ValueError, match="check digit"):
        demo_organisation_number("31000040")
