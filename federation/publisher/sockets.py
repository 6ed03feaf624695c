"""The Unix socket on which nginx asks: one endpoint at a time has it, nginx's group may open it."""

import grp
import os
import socket
from pathlib import Path
from typing import ClassVar, Final

from federation.errors import RefusalError

_MODE: Final = 0o660
_ANSWER_SECONDS_MAX: Final = 5.0


class ListenError(RefusalError):
    """The endpoint cannot listen there."""

    code: ClassVar[str] = "CANNOT_LISTEN"


def require_free(path: Path) -> None:
    """Take over a dead socket; refuse one that somebody answers on, and what is no socket."""
    if not path.parent.is_dir():
        raise ListenError(f"{path.parent} is no folder: make it, for the user of the endpoint")
    if not path.exists():
        return
    if not path.is_socket():
        raise ListenError(f"{path} is there, and no socket")
    with socket.socket(socket.AF_UNIX) as other:
        other.settimeout(_ANSWER_SECONDS_MAX)
        try:
            other.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        except OSError as error:
            raise ListenError(f"{path}: {error.strerror or type(error).__name__}") from None
        else:
            raise ListenError(f"another endpoint answers on {path}")


def let_in(path: Path, group: str | None) -> None:
    """Let the group of the socket open it: that of nginx's user, if it is named."""
    try:
        if group is not None:
            os.chown(path, -1, grp.getgrnam(group).gr_gid)
        path.chmod(_MODE)
    except KeyError:
        raise ListenError(f"there is no group {group}") from None
    except OSError as error:
        raise ListenError(f"{path}: {error.strerror}: is its user in the group {group}?") from None
