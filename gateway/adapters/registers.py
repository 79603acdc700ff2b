"""The address book and the service list, read from TOML files.

Reading is strict: unknown keys, wrong types and everything that does not fit
together are reported at once, each with its path in the file. An address book
with a fault is not used at all, so that no message is routed by half of it.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway.domain.addressbook import AddressBook, Enterprise, Person, Service
from gateway.domain.identifiers import HerId
from gateway.domain.organisations import orgnr_valid
from gateway.domain.services import ServiceType, Side, fold
from gateway.errors import ConfigurationError, Fault

_HERE = Path(__file__).resolve().parent
_SERVICES_PLACES = (
    _HERE.parent / "data" / "services.toml",  # in the wheel
    _HERE.parent.parent / "config" / "services.toml",  # in the source tree
)

_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+=&'-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_PRINTED_FAULTS = 20

_Rows = TypeVar("_Rows", bound=BaseModel)

_Text = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=False)]
_Her = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")]
_System = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
_Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{0,2}[0-9]{0,4}$", min_length=1)]
_FormerCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}:[A-Z]{0,2}[0-9]{0,4}$")]


class _Row(BaseModel):
    # Not strict, for the sake of enum and tuple; an int is no str to pydantic even so.
    model_config = ConfigDict(frozen=True, extra="forbid")


class _ServiceTypeRow(_Row):
    side: Side
    group: _Text
    system: _System
    code: _Code
    place: str = ""
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^/]+$")]
    official: _Text
    answered_by: str = ""
    use_when: str = ""
    aliases: tuple[_Text, ...] = ()
    former: tuple[_FormerCode, ...] = ()


class _ServicesFile(_Row):
    service: Annotated[tuple[_ServiceTypeRow, ...], Field(min_length=1)]


class _ServiceRow(_Row):
    her: _Her
    system: _System
    code: _Code
    place: str = ""
    name: _Text | None = None  # the register's; the code system's text when left out


class _PersonRow(_Row):
    her: _Her
    given: _Text
    family: _Text


class _EnterpriseRow(_Row):
    her: _Her
    name: _Text
    orgnr: str
    own: Annotated[bool, Field(strict=True)] = False
    edi: str
    signing: tuple[_Text, ...] = ()
    sealing: tuple[_Text, ...] = ()
    service: tuple[_ServiceRow, ...] = ()
    person: tuple[_PersonRow, ...] = ()


class _PartnersFile(_Row):
    enterprise: Annotated[tuple[_EnterpriseRow, ...], Field(min_length=1)]


def load_services(path: Path | None = None) -> tuple[ServiceType, ...]:
    """Read the service list; the one shipped with the gateway when ``path`` is None.

    Raises:
        ConfigurationError: with all faults of the file.
    """
    path = path or next((p for p in _SERVICES_PLACES if p.is_file()), _SERVICES_PLACES[-1])
    rows = _read(path, _ServicesFile).service
    services = tuple(ServiceType(**dict(row)) for row in rows)
    faults = [
        *_repeated("service", "system, code and place", [s.key for s in services]),
        *_repeated("service", "name", [fold(s.name) for s in services]),
    ]
    _refuse(path, faults)
    return services


def load_address_book(path: Path, services: Sequence[ServiceType]) -> AddressBook:
    """Read the address book; file names of certificates are relative to its folder.

    Raises:
        ConfigurationError: with all faults of the file and of the files it names.
    """
    rows = _read(path, _PartnersFile).enterprise
    types = {service.key: service for service in services}
    faults: list[Fault] = []
    enterprises = tuple(
        _enterprise(row, f"enterprise[{i}]", path.parent, types, faults)
        for i, row in enumerate(rows)
    )
    faults += _repeated_hers(rows)
    faults += _repeated("enterprise", "orgnr", ["".join(row.orgnr.split()) for row in rows])
    if not any(row.own for row in rows):
        faults.append(Fault("enterprise", "none has own = true: we would be nobody"))
    _refuse(path, faults)
    return AddressBook(enterprises)


def _enterprise(
    row: _EnterpriseRow,
    where: str,
    folder: Path,
    types: dict[tuple[str, str, str], ServiceType],
    faults: list[Fault],
) -> Enterprise:
    """Build one enterprise; what is wrong goes to ``faults`` and the result is then not used."""
    if not orgnr_valid(row.orgnr):
        faults.append(Fault(f"{where}.orgnr", "not nine digits with a mod-11 control digit"))
    if len(row.edi) > 254 or not _MAIL_ADDRESS.fullmatch(row.edi):
        faults.append(Fault(f"{where}.edi", "not a mail address (and no mailto: before it)"))
    if not row.service and not row.person:
        faults.append(Fault(where, "has neither service nor person, so it cannot be addressed"))
    services = []
    for i, one in enumerate(row.service):
        known = types.get((one.system, one.code, one.place))
        if known is None:
            faults.append(Fault(f"{where}.service[{i}]", _unknown_type(one, types.values())))
            continue
        services.append(Service(her=HerId(one.her), type=known, name=one.name or known.official))
    certificates = {}
    for use, names in (("signing", row.signing), ("sealing", row.sealing)):
        if not names and not row.own:
            faults.append(Fault(f"{where}.{use}", "a partner needs at least one certificate"))
        certificates[use] = tuple(
            der
            for i, name in enumerate(names)
            for der in _certificates(folder / name, f"{where}.{use}[{i}]", faults)
        )
    return Enterprise(
        her=HerId(row.her),
        name=row.name,
        orgnr="".join(row.orgnr.split()),
        own=row.own,
        edi=row.edi,
        signing=certificates["signing"],
        sealing=certificates["sealing"],
        services=tuple(services),
        persons=tuple(
            Person(her=HerId(one.her), given=one.given, family=one.family) for one in row.person
        ),
    )


def _unknown_type(row: _ServiceRow, types: Iterable[ServiceType]) -> str:
    code = f"{row.system}:{row.code}"
    places = [t.place or '""' for t in types if t.code_text == code]
    if places:
        return f"place of {code} is none of: {', '.join(places)}"
    return f"{code} is not in the service list"


def _certificates(path: Path, where: str, faults: list[Fault]) -> Iterator[bytes]:
    """Yield the certificates of one PEM file as DER."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        faults.append(Fault(where, f"cannot read {path}: {error.strerror}"))
    except ValueError:
        # The library's text may quote the file, which may be a private key by mistake.
        faults.append(Fault(where, f"{path} holds no readable certificate in PEM form"))
    else:
        for certificate in found:
            yield certificate.public_bytes(Encoding.DER)


def _repeated_hers(rows: Sequence[_EnterpriseRow]) -> list[Fault]:
    places: dict[str, list[str]] = {}
    for i, row in enumerate(rows):
        places.setdefault(row.her, []).append(f"enterprise[{i}].her")
        below = [(one.her, f"service[{j}]") for j, one in enumerate(row.service)]
        below += [(one.her, f"person[{j}]") for j, one in enumerate(row.person)]
        for her, where in below:
            places.setdefault(her, []).append(f"enterprise[{i}].{where}.her")
    return [
        Fault(second, f"HER-id {her} is also that of {first}")
        for her, (first, *others) in places.items()
        for second in others
    ]


def _repeated(table: str, what: str, values: Sequence[object]) -> list[Fault]:
    counts = Counter(values)
    return [
        Fault(f"{table}[{i}]", f"{what} as in {table}[{values.index(value)}]")
        for i, value in enumerate(values)
        if counts[value] > 1 and values.index(value) != i
    ]


def _read(path: Path, shape: type[_Rows]) -> _Rows:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return shape.model_validate(document)
    except OSError as error:
        faults = [Fault(str(path), f"cannot be read: {error.strerror}")]
    except ValidationError as error:
        faults = [
            Fault(_path(fault["loc"]), fault["msg"])
            for fault in error.errors(include_input=False, include_url=False)
        ]
    except ValueError as error:  # not UTF-8 or not TOML; tomllib's text gives line and column
        faults = [Fault(str(path), f"not TOML in UTF-8: {error}")]
    raise _configuration_error(path, faults)


def _path(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc).lstrip(".")


def _refuse(path: Path, faults: list[Fault]) -> None:
    if faults:
        raise _configuration_error(path, faults)


def _configuration_error(path: Path, faults: list[Fault]) -> ConfigurationError:
    shown = "; ".join(f"{f.where}: {f.detail}" for f in faults[:_PRINTED_FAULTS])
    return ConfigurationError(f"{path}: {shown}", where=str(path), faults=tuple(faults))
