"""Everything that must be refused, each way, with the code of design §11."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.domain.addressbook import Entry
from gateway.domain.message import NOTE, REQUEST, DialogMessage
from gateway.ops.demo import letters
from gateway.ops.demo.epj import Epj
from gateway.ops.demo.neighbour import Neighbour
from gateway.ops.demo.progress import Refusal

_UNKNOWN_SERVICE = "910999"
_UNKNOWN_PARTNER = "920999"


@dataclass(slots=True, kw_only=True)
class Refusals:
    """Sends what must be refused and recognises how it was.

    The hospital strips outgoing attachments and rejects incoming ones; the
    municipality does the opposite, so that both policies are seen both ways.
    """

    hospital: Epj
    municipality: Epj
    neighbour: Neighbour
    hospital_service: Entry
    municipality_service: Entry
    numbers: Iterator[str]
    expected: list[Refusal] = field(default_factory=list)
    _seen: list[tuple[Refusal, Callable[[], str | None]]] = field(default_factory=list)

    async def send_all(self) -> None:
        """Send every message of the table, both ways."""
        await self._outgoing()
        await self._incoming()

    def look(self) -> bool:
        """Note what has come back; True when every expected code has been seen."""
        for refusal, seen in self._seen:
            if refusal.code is None:
                refusal.code = seen()
        return all(refusal.ok for refusal in self.expected)

    async def _outgoing(self) -> None:
        document, msg_id = self._from_hospital()
        await self.hospital.send(letters.with_attachment(document))
        self._await(
            "vedlegg, strip / attachment, strip", "outgoing", "R-36", self._stripped(msg_id)
        )

        document, msg_id = self._from_municipality()
        await self.municipality.send(letters.with_attachment(document))
        self._await(
            "vedlegg, reject / attachment, reject",
            "outgoing",
            "EPJ_ATTACH",
            self._told(self.municipality, msg_id),
        )

        request, msg_id = self._request(self.hospital_service, self.municipality_service)
        await self.hospital.send(letters.written(letters.with_help_number(request)))
        self._await(
            "kun hjelpenummer / only help number",
            "outgoing",
            "EPJ_PATIENT_ID",
            self._told(self.hospital, msg_id),
        )

        request, msg_id = self._request(self.hospital_service, self.municipality_service)
        unknown = letters.to_unknown_service(request, _UNKNOWN_PARTNER)
        await self.hospital.send(letters.written(unknown))
        self._await(
            "ukjent adresse / unknown address",
            "outgoing",
            "EPJ_RECEIVER",
            self._told(self.hospital, msg_id),
        )

        document, msg_id = self._from_hospital()
        await self.hospital.send(letters.as_note(document))
        self._await("DIALOG_NOTAT", "outgoing", "EPJ_MSGTYPE", self._told(self.hospital, msg_id))

        document, msg_id = self._from_hospital()
        amqp_id = await self.hospital.send(letters.broken(document))
        self._await(
            "ødelagt XML / broken XML", "outgoing", "EPJ_SCHEMA", self._told(self.hospital, amqp_id)
        )

    async def _incoming(self) -> None:
        to_hospital, to_municipality = self.hospital_service, self.municipality_service

        request, msg_id = self._request(self.neighbour.me, to_municipality)
        document = letters.with_attachment(letters.written(request))
        await self._mail(document, to_municipality)
        self._await("vedlegg, strip / attachment, strip", "incoming", "R-36", self._marked(msg_id))

        request, msg_id = self._request(self.neighbour.me, to_hospital)
        document = letters.with_attachment(letters.written(request))
        await self._mail(document, to_hospital)
        self._await("vedlegg, reject / attachment, reject", "incoming", "T99", self._back(msg_id))

        request, msg_id = self._request(self.neighbour.me, to_hospital)
        await self._mail(letters.written(letters.with_help_number(request)), to_hospital)
        self._await("kun hjelpenummer / only help number", "incoming", "E36", self._back(msg_id))

        request, msg_id = self._request(self.neighbour.me, to_hospital)
        document = letters.written(letters.to_unknown_service(request, _UNKNOWN_SERVICE))
        await self._mail(document, to_hospital)
        self._await("ukjent adresse / unknown address", "incoming", "E21", self._back(msg_id))

        request, msg_id = self._request(self.neighbour.me, to_hospital)
        await self._mail(letters.as_note(letters.written(request)), to_hospital, kind=NOTE)
        self._await("DIALOG_NOTAT", "incoming", "T10", self._back(msg_id))

        for purpose, what in (
            ("tampered", "endret underveis / tampered"),
            ("foreign-certificate", "fremmed sertifikat / foreign certificate"),
        ):
            request, _ = self._request(self.neighbour.me, to_hospital)
            message_id = await self._mail(letters.written(request), to_hospital, on_purpose=purpose)
            self._await(what, "incoming", "SecurityFailure", self._back(message_id))

        request, _ = self._request(self.neighbour.me, to_hospital)
        document = letters.broken(letters.written(request))
        message_id = await self._mail(document, to_hospital, on_purpose="broken-xml")
        self._await("ødelagt XML / broken XML", "incoming", "T01", self._back(message_id))

    def _await(
        self, what: str, direction: str, expected: str, seen: Callable[[], str | None]
    ) -> None:
        refusal = Refusal(what=what, direction=direction, expected=expected)
        self.expected.append(refusal)
        self._seen.append((refusal, seen))

    async def _mail(
        self,
        document: bytes,
        receiver: Entry,
        *,
        kind: str = REQUEST,
        on_purpose: str | None = None,
    ) -> str:
        return await self.neighbour.send(
            document, receiver=receiver, message_type=kind, on_purpose=on_purpose
        )

    def _told(self, epj: Epj, subject: str) -> Callable[[], str | None]:
        """The first reason of a ``rejected`` event."""

        def seen() -> str | None:
            rejected = "rejected" in epj.events.get(subject, ())
            return epj.codes[subject][0] if rejected and epj.codes[subject] else None

        return seen

    def _stripped(self, msg_id: str) -> Callable[[], str | None]:
        """Confirmed without the attachment, and the EPJ was told so."""

        def seen() -> str | None:
            confirmed = "confirmed" in self.hospital.events.get(msg_id, ())
            return "R-36" if confirmed and self.hospital.removed.get(msg_id) else None

        return seen

    def _marked(self, msg_id: str) -> Callable[[], str | None]:
        """Delivered to the municipality's EPJ, marked as stripped."""
        return lambda: "R-36" if self.municipality.marked.get(msg_id) else None

    def _back(self, about: str) -> Callable[[], str | None]:
        """What the neighbour was answered about a MsgId or an eb:MessageId."""

        def seen() -> str | None:
            codes = self.neighbour.refusals.get(about)
            return codes[0] if codes else None

        return seen

    def _from_hospital(self) -> tuple[bytes, str]:
        request, msg_id = self._request(self.hospital_service, self.municipality_service)
        return letters.written(request), msg_id

    def _from_municipality(self) -> tuple[bytes, str]:
        request, msg_id = self._request(self.municipality_service, self.hospital_service)
        return letters.written(request), msg_id

    def _request(self, sender: Entry, receiver: Entry) -> tuple[DialogMessage, str]:
        msg_id = str(uuid.uuid4())
        at = datetime.now(UTC).replace(microsecond=0)
        request = letters.request(
            sender, receiver, msg_id=msg_id, at=at, number=next(self.numbers), serial=0
        )
        return request, msg_id
