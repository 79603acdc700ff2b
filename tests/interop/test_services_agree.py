"""The shipped service list against the code lists of the reference folder."""

import csv
from pathlib import Path

from gateway.adapters.registers import load_services
from gateway.domain.services import find_services


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_address_of_the_guideline_is_listed_in_its_order(reference_dir: Path) -> None:
    theirs = _rows(reference_dir / "codes" / "service-addresses.csv")

    assert [
        (s.name, s.system, s.code, s.official, s.place, s.side.value) for s in load_services()
    ] == [
        (
            row["guideline_name"],
            row["codesystem"],
            row["code"],
            row["official_text"],
            row["sted_funksjon"],
            "hospital" if row["side"] == "SO" else "municipality",
        )
        for row in theirs
    ]


def test_every_code_and_text_is_in_the_code_systems(reference_dir: Path) -> None:
    theirs = {
        (row["codesystem"], row["code"]): row["text"]
        for row in _rows(reference_dir / "codes" / "code-systems.csv")
    }

    for service in load_services():
        assert theirs[service.system, service.code] == service.official


def test_no_other_service_of_the_code_systems_is_taken_for_one_of_ours(
    reference_dir: Path,
) -> None:
    """A service outside the guideline must be refused, not read as its neighbour with a slip."""
    services = load_services()
    ours = {service.official for service in services}
    for row in _rows(reference_dir / "codes" / "code-systems.csv"):
        if row["codesystem"] in {"8660", "8663", "8666", "8668"} and row["text"] not in ours:
            assert not find_services(row["text"], services).found, row["text"]
