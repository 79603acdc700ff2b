"""The address book: enterprises, their services and persons, and how each is reached.

Two levels (HIS 1153): an enterprise with a HER-id and an organisation number;
below it the communication parties, services or persons, with HER-ids of their
own. Parties inherit address and certificates from their enterprise.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.domain.identifiers import HerId
from gateway.domain.services import ServiceType, fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as an enterprise has registered it; ``name`` is the register's."""

    her: HerId
    type: ServiceType
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person who is a communication party, such as a regular general practitioner."""

    her: HerId
    given: str
    family: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enterprise:
    """Level 1. Certificates are DER, in the order of the file; any of them may be in use."""

    her: HerId
    name: str
    orgnr: str
    own: bool
    edi: str  # mail address, without "mailto:"
    signing: tuple[bytes, ...] = ()
    sealing: tuple[bytes, ...] = ()
    services: tuple[Service, ...] = ()
    persons: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Level 2 with its enterprise: what a message is sent from or to.

    Exactly one of ``service`` and ``person`` is set.
    """

    enterprise: Enterprise
    service: Service | None = None
    person: Person | None = None

    @property
    def her(self) -> HerId:
        party = self.service or self.person
        assert party is not None
        return party.her

    @property
    def name(self) -> str:
        """The register's name of the service, or given and family name of the person."""
        if self.service is not None:
            return self.service.name
        assert self.person is not None
        return f"{self.person.given} {self.person.family}"

    @property
    def service_code(self) -> str | None:
        """Type of service as ``8668:S0304``; None for a person."""
        return self.service.type.code_text if self.service is not None else None

    @property
    def own(self) -> bool:
        return self.enterprise.own

    @property
    def edi(self) -> str:
        return self.enterprise.edi

    @property
    def signing(self) -> tuple[bytes, ...]:
        return self.enterprise.signing

    @property
    def sealing(self) -> tuple[bytes, ...]:
        return self.enterprise.sealing


@dataclass(frozen=True, slots=True)
class AddressBook:
    """All parties we know, ours and others', in the order of the file.

    Raises:
        ValueError: a HER-id is given twice.
    """

    enterprises: tuple[Enterprise, ...] = ()
    entries: tuple[Entry, ...] = field(init=False, repr=False)
    _by_her: dict[str, Entry] = field(init=False, repr=False, compare=False)
    _enterprise_by_her: dict[str, Enterprise] = field(init=False, repr=False, compare=False)
    _named: dict[str, tuple[Enterprise, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        entries = tuple(entry for one in self.enterprises for entry in _entries_of(one))
        by_her: dict[str, Entry] = {entry.her: entry for entry in entries}
        level_1: dict[str, Enterprise] = {one.her: one for one in self.enterprises}
        if len(by_her.keys() | level_1.keys()) != len(entries) + len(self.enterprises):
            raise ValueError("a HER-id is given twice")
        named: dict[str, tuple[Enterprise, ...]] = {}
        for one in self.enterprises:
            named[fold(one.name)] = (*named.get(fold(one.name), ()), one)
        for name, value in (
            ("entries", entries),
            ("_by_her", by_her),
            ("_enterprise_by_her", level_1),
            ("_named", named),
        ):
            object.__setattr__(self, name, value)

    def by_her(self, her: str) -> Entry | None:
        """The level-2 party with this HER-id; None for unknown ones and for level 1."""
        return self._by_her.get(her)

    def is_own(self, her: str) -> bool:
        """Whether this is the HER-id of a service or person of ours."""
        entry = self.by_her(her)
        return entry is not None and entry.own

    def enterprise(self, her: str) -> Enterprise | None:
        """The enterprise with this level-1 HER-id."""
        return self._enterprise_by_her.get(her)

    def by_orgnr(self, orgnr: str) -> tuple[Enterprise, ...]:
        """Enterprises with this organisation number; blanks inside it do not count."""
        wanted = "".join(orgnr.split())
        return tuple(one for one in self.enterprises if one.orgnr == wanted)

    def named(self, name: str) -> tuple[Enterprise, ...]:
        """Enterprises of this name; letters, case and punctuation as :func:`fold` has it.

        No slips are forgiven here: Moss and Voss are two municipalities.
        """
        return self._named.get(fold(name), ())

    def of_type(self, key: tuple[str, str, str]) -> tuple[Entry, ...]:
        """Services of one type and place, of all enterprises."""
        return tuple(e for e in self.entries if e.service is not None and e.service.type.key == key)

    @property
    def own_addresses(self) -> frozenset[str]:
        """Mail addresses at which we receive."""
        return frozenset(one.edi for one in self.enterprises if one.own)


def _entries_of(enterprise: Enterprise) -> Iterable[Entry]:
    for service in enterprise.services:
        yield Entry(enterprise=enterprise, service=service)
    for person in enterprise.persons:
        yield Entry(enterprise=enterprise, person=person)
