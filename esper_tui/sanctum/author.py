"""Who sits at this terminal, for the record of what people did."""

import getpass
import os
import socket
from collections.abc import Mapping


def author_name(environ: Mapping[str, str] | None = None) -> str:
    """``user@host``, with ``/ssh`` behind it where the terminal is at the other end of a connection."""
    environ = os.environ if environ is None else environ
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}" + ("/ssh" if environ.get("SSH_CONNECTION") else "")
