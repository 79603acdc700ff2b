"""How a written address becomes one party, or a refusal that lists what it may have meant."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.addressbook import AddressBook, Enterprise, Person, Service
from gateway.domain.identifiers import HerId
from gateway.domain.routing import resolve, route
from gateway.domain.services import ServiceType, Side, find_services, fold
from gateway.errors import NoRoute

_FILE = Path(__file__).parents[3] / "config" / "services.toml"


def _shipped() -> tuple[ServiceType, ...]:
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8"))["service"]
    lists = ("aliases", "former")
    return tuple(
        ServiceType(
            **row | {name: tuple(row.get(name, ())) for name in lists} | {"side": Side(row["side"])}
        )
        for row in rows
    )


SERVICES = _shipped()
HOSPITAL_ROWS = [s for s in SERVICES if s.side is Side.HOSPITAL]
MUNICIPAL_ROWS = [s for s in SERVICES if s.side is Side.MUNICIPALITY]


def an_enterprise(
    her: int, name: str, orgnr: str, rows: list[ServiceType], *, own: bool = False
) -> Enterprise:
    return Enterprise(
        her=HerId(str(her)),
        name=name,
        orgnr=orgnr,
        own=own,
        edi=f"{her}@edi.invalid",
        signing=(b"sign",),
        sealing=(b"seal",),
        services=tuple(
            Service(her=HerId(str(her + i)), type=row, name=row.official)
            for i, row in enumerate(rows, start=1)
        ),
        persons=(Person(her=HerId(str(her + 99)), given="Kari", family="Eksempel"),),
    )


HOSPITAL = an_enterprise(910000, "Eksempel sykehus HF", "910000004", HOSPITAL_ROWS, own=True)
MUNICIPALITY = an_enterprise(920000, "Ås og Rømskog kommune", "920000002", MUNICIPAL_ROWS)
BOOK = AddressBook((HOSPITAL, MUNICIPALITY))
EXPECTED = [
    (row, str(base + i))
    for base, rows in ((910000, HOSPITAL_ROWS), (920000, MUNICIPAL_ROWS))
    for i, row in enumerate(rows, start=1)
]
every_row = pytest.mark.parametrize(
    ("row", "her"), [pytest.param(row, her, id=row.name) for row, her in EXPECTED]
)


def her_of(address: str, book: AddressBook = BOOK) -> str:
    return route(address, book, SERVICES).her


@every_row
def test_every_service_is_found_by_its_code_and_place(row: ServiceType, her: str) -> None:
    assert her_of(f"{row.code_text} {row.place}") == her
    assert her_of(f"{row.code_text}, {row.place}".rstrip(", ")) == her
    assert her_of(f"{row.code.lower()} {row.place}") == her


@every_row
def test_every_service_is_found_by_the_name_of_the_guideline(row: ServiceType, her: str) -> None:
    owner = "910000" if row.side is Side.HOSPITAL else "920000"
    for name in (row.name, row.name.upper(), f"{row.official} {row.place}", *row.aliases):
        assert her_of(name) == her
        assert her_of(f"{owner}/{name}") == her


@every_row
def test_norwegian_letters_may_be_written_without_a_norwegian_keyboard(
    row: ServiceType, her: str
) -> None:
    for letters in ({"æ": "ae", "ø": "o", "å": "a"}, {"æ": "ae", "ø": "oe", "å": "aa"}):
        plain = "".join(letters.get(c, c) for c in row.name.casefold())
        assert her_of(plain) == her


@every_row
def test_every_name_survives_one_slip_or_is_refused_but_never_misread(
    row: ServiceType, her: str
) -> None:
    for i in range(0, len(row.name), 4):
        for written in (row.name[:i] + row.name[i + 1 :], row.name[:i] + "x" + row.name[i:]):
            resolution = resolve(written, BOOK, SERVICES)
            if resolution.entry is None:
                assert her in [candidate.her for candidate in resolution.candidates]
            else:
                assert resolution.entry.her == her


@pytest.mark.parametrize(
    ("written", "her"),
    [
        pytest.param("Gastromedisin", "910009", id="the guideline's slip put right"),
        pytest.param("Fordøyelsessykdommer", "910009", id="text of the code system"),
        pytest.param("kjeve-og ansiktskirurgi", "910017", id="hyphen and blanks"),
        pytest.param("KJEVE OG ANSIKTSKIRURGI", "910017", id="no hyphen"),
        pytest.param("Blodsykdomer", "910004", id="one letter missing"),
        pytest.param("Rus & avhengighet: Moss", "910045", id="ampersand and colon"),
        pytest.param("Ergoterapi, pleie og omsorg", "920004", id="register text of a PLO service"),
        pytest.param("Legetjeneste ved sykehjem mv", "920003", id="register text with mv."),
        pytest.param("BUP Moss", "910033", id="place that stands for the service"),
        pytest.param("PB Moss", "910033", id="part of the place"),
        pytest.param("8668:PB,BUP Mos", "910033", id="place with a slip"),
        pytest.param("ÅBUK", "910035", id="ring above, composed"),
        pytest.param("A\N{COMBINING RING ABOVE}BUK", "910035", id="ring above, decomposed"),
        pytest.param("  8668:S0304 ", "910004", id="blanks around"),
        pytest.param("8663:KP03", "920006", id="superseded code"),
        pytest.param("8656:01", "910047", id="superseded system"),
        pytest.param("12", "910008", id="code of digits alone"),
        pytest.param("Nefrologi", "910020", id="one letter from nevrologi, but another service"),
    ],
)
def test_variants_of_a_name_are_read(written: str, her: str) -> None:
    assert her_of(written) == her


@pytest.mark.parametrize(
    "enterprise",
    ["920000", "920000002", "920 000 002", "Ås og Rømskog kommune", "AAS OG ROEMSKOG KOMMUNE"],
)
def test_enterprise_is_named_by_her_id_orgnr_or_name(enterprise: str) -> None:
    assert her_of(f"{enterprise}/8663:KP02") == "920002"
    assert her_of(f"{enterprise} / Sykepleietjeneste") == "920002"


@pytest.mark.parametrize(
    ("written", "candidates"),
    [
        pytest.param("8668:PB", 7, id="code with seven places"),
        pytest.param("910000/PB", 7, id="code with seven places in one enterprise"),
        pytest.param("Psykisk helsevern for barn og unge", 7, id="register text without place"),
        pytest.param("PV Bergen", 5, id="unknown place"),
        pytest.param("Kalnes", 2, id="place of two services"),
        pytest.param("Rus- og avhengighet", 6, id="name without place"),
        pytest.param("Nyesykdommer", 3, id="near several names"),
        pytest.param("BPS Halden", 2, id="between BUP and DPS"),
    ],
)
def test_ambiguous_address_is_refused_and_lists_the_candidates(
    written: str, candidates: int
) -> None:
    resolution = resolve(written, BOOK, SERVICES)

    assert resolution.entry is None
    assert len(resolution.candidates) == candidates
    with pytest.raises(NoRoute) as refused:
        route(written, BOOK, SERVICES)
    assert all(str(candidate.her) in refused.value.detail for candidate in resolution.candidates)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("", id="empty"),
        pytest.param("   ", id="blank"),
        pytest.param("/", id="slash alone"),
        pytest.param("920000/", id="no service"),
        pytest.param("/8663:KP02", id="no enterprise"),
        pytest.param("x" * 10_000, id="far too long"),
        pytest.param("999999", id="unknown HER-id"),
        pytest.param("8668:S9999", id="unknown code"),
        pytest.param("8663:S0304", id="code of another system"),
        pytest.param("8663:KA01", id="fastlege is not in the list"),
        pytest.param("Ergoterapi", id="another service of the register (8666 A02)"),
        pytest.param("Rehabilitering", id="another service of the register (8666 10)"),
        pytest.param("Helsestasjon", id="beginning of two names"),
        pytest.param("Lege", id="beginning of one name"),
        pytest.param("Hudsykdommer", id="service that is not in the list"),
        pytest.param("910000/8663:KP02", id="service of the other party"),
        pytest.param("Rana kommune/8663:KP02", id="unknown enterprise"),
        pytest.param("Ås og Rømskog kommuna/8663:KP02", id="enterprise with a slip"),
        pytest.param("\N{ARABIC-INDIC DIGIT NINE}10004", id="digits of another script"),
        pytest.param("8668:S0304/910000", id="the wrong way round"),
    ],
)
def test_what_is_not_understood_is_refused(written: str) -> None:
    with pytest.raises(NoRoute):
        route(written, BOOK, SERVICES)


def test_enterprise_alone_is_refused_and_lists_its_services() -> None:
    """R-70: level 1 without a service is no address."""
    resolution = resolve("920000", BOOK, SERVICES)

    assert resolution.entry is None
    assert [c.her for c in resolution.candidates[:11]] == [str(920001 + i) for i in range(11)]


def test_person_is_reached_by_her_id() -> None:
    entry = route("920099", BOOK, SERVICES)

    assert (entry.name, entry.service_code, entry.edi) == (
        "Kari Eksempel",
        None,
        "920000@edi.invalid",
    )


def test_service_that_two_municipalities_have_needs_the_enterprise() -> None:
    other = an_enterprise(940000, "Moss kommune", "940000009", MUNICIPAL_ROWS)
    book = AddressBook((HOSPITAL, MUNICIPALITY, other))

    resolution = resolve("Sykepleietjeneste", book, SERVICES)

    assert [c.her for c in resolution.candidates] == ["920002", "940002"]
    assert her_of("Moss kommune/Sykepleietjeneste", book) == "940002"


def test_two_enterprises_of_one_name_are_not_chosen_between() -> None:
    other = an_enterprise(940000, "AAS OG RØMSKOG kommune", "940000009", MUNICIPAL_ROWS)
    book = AddressBook((HOSPITAL, MUNICIPALITY, other))

    resolution = resolve("Ås og Rømskog kommune/8663:KP02", book, SERVICES)

    assert [c.her for c in resolution.candidates] == ["920000", "940000"]


def test_code_alone_is_enough_where_only_one_place_is_registered() -> None:
    moss = next(row for row in SERVICES if row.place == "BUP Moss")
    book = AddressBook((an_enterprise(910000, "Eksempel sykehus", "910000004", [moss]),))

    assert her_of("8668:PB", book) == "910001"


def test_slip_between_two_services_is_refused_even_if_one_is_not_registered() -> None:
    eyes = next(row for row in SERVICES if row.name == "Øyesykdommer")
    book = AddressBook((an_enterprise(910000, "Eksempel sykehus", "910000004", [eyes]),))

    assert resolve("Nyesykdommer", book, SERVICES).entry is None


def test_service_that_nobody_has_is_told_from_an_unknown_one() -> None:
    resolution = resolve("8663:KP02", AddressBook((HOSPITAL,)), SERVICES)

    assert resolution.reason == "nobody has this service"
    assert [c.service_code for c in resolution.candidates] == ["8663:KP02"]


def test_sender_only_address_is_never_a_receiver() -> None:
    """8668 code 4, Fellesfaglig avsenderadresse."""
    sender = ServiceType(
        side=Side.HOSPITAL,
        group="avsender",
        system="8668",
        code="4",
        name="Fellesfaglig avsenderadresse",
        official="Fellesfaglig avsenderadresse",
    )
    book = AddressBook((an_enterprise(910000, "Eksempel sykehus", "910000004", [sender]),))

    for address in ("910001", "8668:4", "Fellesfaglig avsenderadresse"):
        assert resolve(address, book, (*SERVICES, sender)).entry is None
    assert book.by_her("910001") is not None


def test_routing_explains_itself() -> None:
    steps = resolve("920000/8663:KP02", BOOK, SERVICES).steps

    assert [(step.looked_up, step.source) for step in steps] == [
        ("enterprise 920000", "address book"),
        ("service 8663:KP02", "service list"),
        ("8663:KP02", "address book"),
    ]
    assert steps[-1].result == "HER-id 920002, Sykepleietjeneste in Ås og Rømskog kommune"


def test_entry_inherits_address_and_certificates() -> None:
    entry = BOOK.by_her("910004")

    assert entry is not None
    assert entry.own
    assert (entry.edi, entry.signing, entry.sealing) == (
        "910000@edi.invalid",
        (b"sign",),
        (b"seal",),
    )
    assert entry.service_code == "8668:S0304"
    assert BOOK.own_addresses == {"910000@edi.invalid"}


def test_her_id_given_twice_makes_no_address_book() -> None:
    with pytest.raises(ValueError, match="twice"):
        AddressBook((HOSPITAL, HOSPITAL))


def test_no_two_names_of_different_services_fold_to_the_same() -> None:
    folded = [fold(name) for row in SERVICES for name in {row.name, *row.aliases}]

    assert len(set(folded)) == len(folded)


@given(st.text(max_size=80))
def test_any_text_is_either_resolved_or_refused(text: str) -> None:
    resolution = resolve(text, BOOK, SERVICES)

    assert resolution.steps
    assert resolution.entry is None or not resolution.candidates


@given(st.sampled_from(SERVICES), st.data())
def test_two_slips_never_lead_to_another_service(row: ServiceType, data: st.DataObject) -> None:
    letters = list(fold(row.name))
    for _ in range(2):
        at = data.draw(st.integers(0, len(letters) - 1))
        letters[at] = data.draw(st.sampled_from("abeghiklmnoprstuvy"))
    match = find_services("".join(letters), SERVICES)

    if match.slip and len(match.found) == 1:
        assert match.found[0].key == row.key
