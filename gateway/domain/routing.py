"""From a written address to one communication party, or the reasons why there is none.

The grammar of an address::

    ADDRESS    = HER-id | ENTERPRISE "/" SERVICE | SERVICE
    ENTERPRISE = level-1 HER-id | organisation number | name
    SERVICE    = SYSTEM ":" CODE [PLACE] | CODE [PLACE] | name
    PLACE      = blanks or a comma, then Sted/funksjon, whole or in part

So ``910004``, ``910000/8668:S0304``, ``Eksempel sykehus/Blodsykdommer``,
``8668:PB, BUP Moss`` and ``PB Moss``. A HER-id in the book comes before a code of
the same digits. Names are read as :func:`gateway.domain.services.find_services`
says; two readings are a refusal that lists both, never a choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.addressbook import AddressBook, Enterprise, Entry
from gateway.domain.services import ServiceMatch, ServiceType, find_services
from gateway.errors import NoRoute

_ADDRESS_BOOK = "address book"
_SERVICES = "service list"
_LONGEST_ADDRESS = 300  # characters; longer than any enterprise, service and place together


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One look-up: what, where (``source``), and what came out, in words for people."""

    looked_up: str
    source: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something the address may have meant.

    ``her`` and ``enterprise`` are None for a service type that nobody in the
    address book has; ``service_code`` is None for an enterprise or a person.
    """

    name: str
    her: str | None = None
    enterprise: str | None = None
    service_code: str | None = None
    place: str = ""

    @property
    def text(self) -> str:
        """The candidate as one would write it to be understood, with its name."""
        code = " ".join(part for part in (self.service_code, self.place) if part)
        owner = f" in {self.enterprise}" if self.enterprise else ""
        described = f"{self.name} ({code})" if code else self.name
        return f"{self.her or 'not in the address book'}: {described}{owner}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """How an address was read. ``entry`` is None when it is unknown or ambiguous."""

    address: str
    steps: tuple[Step, ...]
    entry: Entry | None = None
    candidates: tuple[Candidate, ...] = ()

    @property
    def reason(self) -> str:
        """The last step's result: where the answer came from, or why there is none."""
        return self.steps[-1].result


def route(address: str, book: AddressBook, services: Sequence[ServiceType]) -> Entry:
    """Return the one party that ``address`` names.

    Raises:
        NoRoute: unknown or ambiguous; ``detail`` gives the reason and the candidates.
    """
    resolution = resolve(address, book, services)
    if resolution.entry is None:
        listed = "; ".join(candidate.text for candidate in resolution.candidates)
        raise NoRoute(resolution.reason + (f". Candidates: {listed}" if listed else ""))
    return resolution.entry


def resolve(address: str, book: AddressBook, services: Sequence[ServiceType]) -> Resolution:
    """Read ``address`` by the grammar above and say step by step how."""
    text = address.strip()
    if not text or len(text) > _LONGEST_ADDRESS:
        step = Step(looked_up="", source="address", result="empty, or too long for an address")
        return Resolution(address=text[:_LONGEST_ADDRESS], steps=(step,))
    if _is_number(text):
        by_her = _resolve_her(text, book)
        if by_her.entry is not None or by_her.candidates or len(text) > 2:
            return by_her
        return _resolve_service(text, text, book, services, None, by_her.steps)
    before, slash, after = text.rpartition("/")
    if not slash:
        return _resolve_service(text, text, book, services, None, ())
    enterprises, step = _find_enterprises(before.strip(), book)
    if len(enterprises) != 1:
        shown = enterprises or book.enterprises
        return Resolution(
            address=text, steps=(step,), candidates=tuple(_of_enterprise(e) for e in shown)
        )
    return _resolve_service(text, after.strip(), book, services, enterprises[0], (step,))


def _resolve_her(her: str, book: AddressBook) -> Resolution:
    entry, enterprise = book.by_her(her), book.enterprise(her)
    candidates: tuple[Candidate, ...] = ()
    if entry is not None and _is_receiver(entry):
        result = f"{entry.name} in {entry.enterprise.name}"
    elif entry is not None:
        entry, result = None, "an address that is only sent from, never to"
    elif enterprise is not None:
        result = f"{enterprise.name} is an enterprise; a message goes to one of its services"
        candidates = tuple(_of_entry(e) for e in book.entries if e.enterprise is enterprise)
    else:
        result = "no such HER-id"
    step = Step(looked_up=f"HER-id {her}", source=_ADDRESS_BOOK, result=result)
    return Resolution(address=her, steps=(step,), entry=entry, candidates=candidates)


def _find_enterprises(text: str, book: AddressBook) -> tuple[tuple[Enterprise, ...], Step]:
    found: tuple[Enterprise, ...]
    if (by_her := book.enterprise(text)) is not None:
        how, found = "HER-id", (by_her,)
    elif found := book.by_orgnr(text):
        how = "organisation number"
    else:
        how, found = "name", book.named(text)
    match found:
        case ():
            result = "no enterprise with this HER-id, organisation number or name"
        case (one,):
            result = f"{one.name} by {how}"
        case _:
            result = f"ambiguous: {len(found)} enterprises by {how}"
    return found, Step(looked_up=f"enterprise {text}", source=_ADDRESS_BOOK, result=result)


def _resolve_service(
    address: str,
    text: str,
    book: AddressBook,
    services: Sequence[ServiceType],
    enterprise: Enterprise | None,
    steps: tuple[Step, ...],
) -> Resolution:
    match = find_services(text, services)
    steps = (*steps, Step(looked_up=f"service {text}", source=_SERVICES, result=_said(match)))
    possible = match.found or match.near
    entries = [
        entry
        for service in possible
        for entry in book.of_type(service.key)
        if enterprise is None or entry.enterprise is enterprise
    ]
    candidates = _of_types(possible, entries, enterprise)
    if not match.found or (match.slip and len(match.found) > 1):
        return Resolution(address=address, steps=steps, candidates=candidates)
    where = f" in {enterprise.name}" if enterprise else ""
    match entries:
        case []:
            result = f"nobody{where} has this service"
        case [one]:
            result = f"HER-id {one.her}, {one.name} in {one.enterprise.name}"
        case _:
            result = f"ambiguous: {len(entries)}{where} fit"
    code = match.found[0].code_text
    place = match.found[0].place if len(match.found) == 1 else ""
    looked_up = f"{code} {place}".strip()
    return Resolution(
        address=address,
        steps=(*steps, Step(looked_up=looked_up, source=_ADDRESS_BOOK, result=result)),
        entry=entries[0] if len(entries) == 1 else None,
        candidates=() if len(entries) == 1 else candidates,
    )


def _said(match: ServiceMatch) -> str:
    match match.found:
        case ():
            return match.how
        case (one,):
            return f"{one.name} ({one.code_text}) by {match.how}"
        case _:
            prefix = "ambiguous: " if match.slip else ""
            return f"{prefix}{len(match.found)} services by {match.how}"


def _of_types(
    types: Sequence[ServiceType], entries: Sequence[Entry], enterprise: Enterprise | None
) -> tuple[Candidate, ...]:
    """Those of ``types`` that somebody has; the bare types only where nobody has any."""
    if entries or enterprise is not None:
        return tuple(_of_entry(entry) for entry in entries)
    return tuple(
        Candidate(name=one.name, service_code=one.code_text, place=one.place) for one in types
    )


def _of_entry(entry: Entry) -> Candidate:
    return Candidate(
        name=entry.service.type.name if entry.service else entry.name,
        her=entry.her,
        enterprise=entry.enterprise.name,
        service_code=entry.service_code,
        place=entry.service.type.place if entry.service else "",
    )


def _of_enterprise(enterprise: Enterprise) -> Candidate:
    return Candidate(name=enterprise.name, her=enterprise.her)


def _is_receiver(entry: Entry) -> bool:
    return entry.service is None or entry.service.type.is_receiver


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
