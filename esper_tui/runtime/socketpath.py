"""Where the socket of a run lives, and whether it may be trusted.  Imports no torch.

Run folders may lie on network drives or under long paths, neither of which can hold a socket; so sockets live in the
user's runtime folder, or in a folder of the temporary directory that nobody else may enter.
"""

import os
import socket
import stat
import struct
import tempfile
from pathlib import Path

from esper_tui.leyline.errors import Busy, CannotWrite


def socket_folder() -> Path:
    """A folder that only this user may enter; made if it is missing.

    Raises:
        CannotWrite: if it belongs to somebody else or others may enter it.
    """
    named = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(named) / "esper" if named else Path(tempfile.gettempdir()) / f"esper-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"cannot create {folder}: {error.strerror}; set XDG_RUNTIME_DIR") from None
    check_owner(folder)
    return folder


def socket_path(run: str) -> Path:
    return socket_folder() / f"{run[-60:]}.sock"


def check_owner(path: Path) -> None:
    """Refuses a path that is a link, belongs to somebody else, or is open to others.

    Raises:
        CannotWrite: says which.
    """
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise CannotWrite(f"{path} is a link; remove it")
    if found.st_uid != os.getuid():
        raise CannotWrite(f"{path} belongs to another user; remove it or set XDG_RUNTIME_DIR")
    if found.st_mode & 0o077:
        raise CannotWrite(f"others may enter {path}; run `chmod go-rwx {path}`")


def is_own_peer(peer: socket.socket) -> bool:
    """Whether the other end runs as this user; where the system cannot tell, the folder's mode must do."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return uid == os.getuid()


def connect(path: Path, timeout_s: float = 2.0) -> socket.socket:
    """A connection to the run that listens there.

    Raises:
        Busy: if nobody listens.
        CannotWrite: if the socket is not to be trusted.
    """
    try:
        check_owner(path)
    except FileNotFoundError:
        raise Busy(f"no run listens on {path}; `esper runs list` shows which are running") from None
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(timeout_s)
    try:
        made.connect(str(path))
    except OSError as error:
        made.close()
        raise Busy(f"the run on {path} does not answer: {error.strerror or error}") from None
    if not is_own_peer(made):
        made.close()
        raise CannotWrite(f"{path} is served by another user's process; not connecting")
    return made
