"""The partner of the demonstration that has no gateway, as a party of a running pair."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.adapters.clock import SystemClock
from gateway.adapters.keys import load_key_pair
from gateway.adapters.smtp_send import SmtpSettings, SmtpTransport
from gateway.office import OwnKeys
from gateway.ops.demo.neighbour import Neighbour
from gateway.ops.demo_config import edi_of
from gateway.ops.demo_keys import FOREIGN, HOSPITAL, NEIGHBOUR, DemoParty
from tests.faults.pair import Pair


@asynccontextmanager
async def a_neighbour(pair: Pair) -> AsyncIterator[Neighbour]:
    """With its keys and its mail box at the pair's post office."""

    def files_of(party: DemoParty, use: str) -> tuple[Path, Path]:
        stem = pair.directory / f"{party.name}-{use}"
        return Path(f"{stem}.key.pem"), Path(f"{stem}.cert.pem")

    sealing = load_key_pair(*files_of(NEIGHBOUR, "sealing"))
    book = pair.offices[HOSPITAL.name].book
    neighbour = Neighbour(
        keys=OwnKeys(load_key_pair(*files_of(NEIGHBOUR, "signing")), (sealing,)),
        foreign_keys=OwnKeys(load_key_pair(*files_of(FOREIGN, "signing")), (sealing,)),
        book=book,
        clock=SystemClock(),
        transport=SmtpTransport(
            SmtpSettings(host="127.0.0.1", port=pair.post_office_port, security="none")
        ),
        post_office=pair.post_office,
        address=edi_of(NEIGHBOUR),
        me=next(entry for entry in book.entries if entry.edi == edi_of(NEIGHBOUR)),
    )
    pair.post_office.box(neighbour.address, neighbour.take)
    try:
        yield neighbour
    finally:
        await neighbour.transport.close()
