"""A program's calls to a server: one function type, and its form over the standard library.

A call keeps its thread until it is answered or its time is up. Whoever runs an event loop makes it
in a thread of its own.
"""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from socket import SHUT_RDWR, gaierror
from typing import ClassVar, Final, NamedTuple
from urllib.parse import urlsplit

from federation.errors import RefusalError

CALL_SECONDS_MAX: Final = 30
CONNECT_SECONDS_MAX: Final = 10
_ANSWER_BYTES_MAX: Final = 16 << 10
_CHUNK: Final = 64 << 10


class UnreachableError(RefusalError):
    """The server did not answer."""

    code: ClassVar[str] = "UNREACHABLE"


class Call(NamedTuple):
    """One request to a server."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    answer_bytes_max: int = _ANSWER_BYTES_MAX


class Answer(NamedTuple):
    """What the server answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Fetch = Callable[[Call], Answer]


def fetch(call: Call, *, seconds_max: float = CALL_SECONDS_MAX) -> Answer:
    """Call a server: no redirects, no proxy from the environment, bounded in time and size."""
    split = urlsplit(call.url)
    target = (split.path or "/") + (f"?{split.query}" if split.query else "")
    place = _place(split.netloc)
    connection = _connection(split.scheme, place)
    named = {} if place == split.netloc else {"Host": split.netloc}
    try:
        connection.connect()
        with _limited(connection, seconds_max) as is_over:
            connection.request(call.method, target, call.body or None, named | {**call.headers})
            response = connection.getresponse()
            body = _read(response, call.answer_bytes_max)
            if is_over.is_set():  # what was cut may look whole
                raise TimeoutError
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, body)
    except (HTTPException, OSError) as error:
        where = split.netloc.rpartition("@")[2]
        raise UnreachableError(f"{split.scheme}://{where}: {_why(error)}") from error
    finally:
        connection.close()


def _why(error: Exception) -> str:
    if isinstance(error, gaierror):
        return "its name is not found (DNS)"
    return type(error).__name__


def _place(host: str) -> str:
    """Return where a host is: a name below `localhost` is this machine (RFC 6761, section 6.3).

    Not every resolver knows that, and none has to be asked.
    """
    name, colon, port = host.partition(":")
    return f"localhost{colon}{port}" if name.lower().endswith(".localhost") else host


def _connection(scheme: str, host: str) -> HTTPConnection:
    if scheme == "https":
        return HTTPSConnection(host, timeout=CONNECT_SECONDS_MAX, context=_trusted())
    if scheme == "http":
        return HTTPConnection(host, timeout=CONNECT_SECONDS_MAX)
    raise UnreachableError("its address is none of http")


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Return the certificate authorities of the machine."""
    return ssl.create_default_context()


@contextmanager
def _limited(connection: HTTPConnection, seconds: float) -> Iterator[threading.Event]:
    """Cut the connection after some seconds, however slowly its server goes on; tell if it was.

    The timeout of a socket begins anew with each byte, so that alone it ends nothing.
    """
    is_over, socket = threading.Event(), connection.sock
    socket.settimeout(seconds)

    def cut() -> None:
        is_over.set()
        with suppress(OSError):
            socket.shutdown(SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield is_over
    finally:
        timer.cancel()


def _read(response: HTTPResponse, bytes_max: int) -> bytes:
    body = bytearray()
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > bytes_max:
            raise UnreachableError(f"the answer is longer than {bytes_max} bytes")
    if response.length:
        raise UnreachableError("the answer broke off")
    return bytes(body)
