"""Other people's mails through ``open``: what an operator is told of each."""

from pathlib import Path

import pytest

from tests.builders_cli import json_of, run_cli

GOOD = [
    ("nav-smtp/acknowledgment.eml", "acknowledgment"),
    ("nav-smtp/egenandelforesporsel.eml", "payload"),
    ("worked-example/01-payload-message.eml", "payload"),
    ("worked-example/02-acknowledgment.eml", "acknowledgment"),
    ("worked-example/03-messageerror.eml", "error"),
]
BAD = [
    # name, kind, exit, signature valid, references valid
    ("nav-smtp/inntektsforesporsel.eml", "payload", 1, True, [True, False]),
    ("nav-smtp/ebxml_no_service.eml", "payload", 1, False, []),
    ("nav-smtp/not_ebxml.eml", "not-ebxml", 2, False, []),
    ("nav-smtp/content_description.eml", "not-ebxml", 2, False, []),
]


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a configuration: these are other people's keys."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)


@pytest.mark.parametrize(("name", "kind"), GOOD)
def test_mail_that_was_signed_well_is_good(reference_dir: Path, name: str, kind: str) -> None:
    result = run_cli("open", reference_dir / "ebxml" / name, "--json")

    assert result.exit_code == 0
    report = json_of(result)
    assert report["kind"] == kind
    assert report["signature"]["valid"]
    assert report["signature"]["signer"]["serial"]
    assert all(reference["valid"] for reference in report["references"])


@pytest.mark.parametrize(("name", "kind", "exit_code", "valid", "references"), BAD)
def test_mail_that_was_damaged_is_told_where(
    reference_dir: Path,
    name: str,
    kind: str,
    exit_code: int,
    valid: bool,
    references: list[bool],
) -> None:
    result = run_cli("open", reference_dir / "ebxml" / name, "--json")

    assert result.exit_code == exit_code
    report = json_of(result)
    assert report["kind"] == kind
    assert report["signature"]["valid"] is valid
    assert [reference["valid"] for reference in report["references"]] == references


def test_seal_is_described_without_a_key(reference_dir: Path) -> None:
    mail = reference_dir / "ebxml" / "nav-smtp" / "egenandelforesporsel.eml"

    (part,) = json_of(run_cli("open", mail, "--json"))["parts"]

    assert (part["encrypted"], part["cipher"]) == (True, "3DES-CBC")
    assert part["key_transport"] == "RSA-PKCS1-v1_5"


def test_parties_without_her_ids_are_told_by_role_only(reference_dir: Path) -> None:
    mail = reference_dir / "ebxml" / "nav-smtp" / "inntektsforesporsel.eml"

    report = json_of(run_cli("open", mail, "--json"))

    assert report["from"] == {"her": None, "role": "Fordringshaver"}
    assert report["to"] == {"her": None, "role": "Ytelsesutbetaler"}
    assert report["cpa_id"] == "nav:qass:34961"
