"""The socket that a server listens at: bound once, by its process or by the parent of several."""

import socket
from typing import ClassVar

from federation.errors import RefusalError


class AddressUnusableError(RefusalError):
    """The server cannot listen at its `host` and `port`."""

    code: ClassVar[str] = "ADDRESS_UNUSABLE"


def bind(host: str, port: int) -> socket.socket:
    """Take an address; nobody is answered yet (ADDRESS_UNUSABLE)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Said to be TCP: else asyncio leaves Nagle on, and each answer waits 40 ms for an ACK.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise cannot_listen(host, port, error) from error
    bound.set_inheritable(True)
    return bound


def cannot_listen(host: str, port: int, error: OSError) -> AddressUnusableError:
    """Return why an address cannot be had."""
    return AddressUnusableError(f"{host}, port {port}: {error.strerror or error}")


def url_of(public_url: str | None, host: str, bound: socket.socket) -> str:
    """Return where a server is reached: what its configuration says, else host and port."""
    return public_url or f"http://{host}:{bound.getsockname()[1]}"
