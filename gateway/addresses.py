"""What the configuration may give as a host and as an AMQP address.

The network's own libraries take much more, and then fail far from here with a
text that quotes what they were given, the password included.
"""

import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

PORTS: Final = range(1, 65_536)

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NOT_IN_A_HOST = re.compile(r"[\x00-\x20\x7f/@?#%\\]")
_TLS_FILES: Final = frozenset({"cafile", "capath", "certfile", "keyfile"})
_UNREADABLE: Final = (
    "cannot be read: amqp://user:password@host:port/virtual-host, where special characters of "
    "user and password are written %2F for /, %40 for @, %23 for #, %25 for % and so on"
)


def checked_host(host: str) -> str:
    """``host`` itself.

    Raises:
        ValueError: neither a host name nor an IP address.
    """
    try:
        host.encode("idna")  # what name resolution does first
    except UnicodeError:
        raise ValueError("not a host name or an IP address") from None
    if not host or _NOT_IN_A_HOST.search(host):
        raise ValueError("not a host name or an IP address")
    return host


def checked_amqp_url(url: str) -> str:
    """``url`` itself.

    Raises:
        ValueError: no AMQP address that can mean one thing only. The text never quotes it.
    """
    if not url.startswith(("amqp://", "amqps://")):
        raise ValueError("must begin with amqp:// or amqps://")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        options = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    except ValueError:  # its text quotes what stands where the port should
        raise ValueError(_UNREADABLE) from None
    # A / ? or # of a password ends the host too early, and the real host follows an @.
    beyond = parts.path + parts.query + parts.fragment
    if "#" in url or "@" in beyond or parts.netloc.count("@") > 1 or _BAD_ESCAPE.search(url):
        raise ValueError(_UNREADABLE)
    if not host:
        raise ValueError("names no host")
    if port is not None and port not in PORTS:
        raise ValueError("the port must be 1 to 65535")
    if not options <= _TLS_FILES:
        raise ValueError(f"only {', '.join(sorted(_TLS_FILES))} may follow the question mark")
    checked_host(host)
    return url
