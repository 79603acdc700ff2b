"""Ports on loopback for what is started here: a broker, a demonstration."""

import random
import socket
from contextlib import ExitStack, suppress
from typing import Final

# From 32768 on kernels hand out ports to clients as they like: one found there may be taken
# before its server listens, or while that server is restarted.
NEVER_HANDED_OUT: Final = range(15_000, 32_768)


def free_ports(count: int, *, among: range = NEVER_HANDED_OUT) -> list[int]:
    """Ports that nobody listens on now, all different, chosen at random.

    Raises:
        OSError: fewer than ``count`` are free.
    """
    with ExitStack() as held:
        found: list[int] = []
        candidates = iter(random.sample(among, len(among)))
        while len(found) < count:
            port = next(candidates, None)
            if port is None:
                raise OSError(f"{count} free ports wanted, {len(found)} found")
            probe = held.enter_context(socket.socket())
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
    return found
