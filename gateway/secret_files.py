"""Reading secrets: passwords, addresses with a password in them, private keys.

The permissions of the file guard it, and are checked each time it is read.
"""

import os
import stat
from pathlib import Path
from typing import Final

# Others must not read it, nobody but the owner may write it. The group may
# read: that is how a service user gets a key that root owns.
_TOO_OPEN: Final = stat.S_IWGRP | stat.S_IRWXO
_WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH

MOUNTED: Final = Path("/run/secrets")
"""Where Docker and its like put secrets, with mode 0444, inside a container that nobody shares."""


def read_secret(file: Path) -> bytes:
    """The content of ``file``, which others must not be able to read or change.

    Raises:
        ValueError: it cannot be read, or lies open. The text never holds what is in it.
    """
    try:
        with file.open("rb") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            content = opened.read()
    except FileNotFoundError:
        raise ValueError("no such file") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if mode & (_WRITABLE if file.is_relative_to(MOUNTED) else _TOO_OPEN):
        raise ValueError(f"open to other users (mode {mode:04o}); use chmod 600")
    return content


def read_secret_text(file: Path) -> str:
    """The same as text, without the line end that an editor leaves.

    Raises:
        ValueError: as of :func:`read_secret`, or it is not UTF-8.
    """
    try:
        return read_secret(file).decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
