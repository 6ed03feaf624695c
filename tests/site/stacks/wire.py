"""HTTP/1.1 over a socket: requests as bytes, so that nothing is tidied up on the way."""

import re
import socket
from typing import NamedTuple

SECONDS_MAX = 60.0


class Answer(NamedTuple):
    """What came back: header names in lower case, the lines of one joined."""

    status: int
    headers: dict[str, str]
    body: bytes


def exchange(port: int, method: str, target: str, headers: list[tuple[str, str]]) -> Answer:
    """Send one request and read its whole answer; raises OSError where that breaks off."""
    closing = [] if "connection" in dict(headers) else [("connection", "close")]
    lines = [f"{name}: {value}" for name, value in (*headers, *closing)]
    first = f"{method} {target} HTTP/1.1"
    sent = "\r\n".join([first, *lines, "", ""]).encode("latin-1")
    with socket.create_connection(("127.0.0.1", port), SECONDS_MAX) as connection:
        connection.sendall(sent)
        received = b""
        while not _is_whole(received, method) and (part := connection.recv(65536)):
            received += part
    return read(received, method)


def _is_whole(received: bytes, method: str) -> bool:
    """Tell whether an answer says itself that nothing follows: a server may leave its line open."""
    head, end, rest = received.partition(b"\r\n\r\n")
    if not end:
        return False
    if method == "HEAD":
        return True
    length = re.search(rb"(?mi)^content-length: *(\d+)\r?$", head)
    if length is not None:
        return len(rest) >= int(length[1])
    is_in_parts = re.search(rb"(?mi)^transfer-encoding: *chunked\r?$", head) is not None
    return is_in_parts and rest.endswith(b"0\r\n\r\n")


def read(received: bytes, method: str) -> Answer:
    """Read an answer that is over."""
    head, end, rest = received.partition(b"\r\n\r\n")
    if not end:
        raise ConnectionError("no whole head")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        known = headers.get(name.lower())
        headers[name.lower()] = value.strip() if known is None else f"{known}, {value.strip()}"
    return Answer(int(first.split(" ")[1]), headers, _body(rest, headers, method))


def _body(rest: bytes, headers: dict[str, str], method: str) -> bytes:
    if headers.get("transfer-encoding") == "chunked" and method != "HEAD":
        return _joined(rest)
    wanted = int(headers.get("content-length", len(rest)))
    if method != "HEAD" and len(rest) != wanted:
        raise ConnectionError(f"{len(rest)} of {wanted} bytes")
    return rest


def _joined(rest: bytes) -> bytes:
    body = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16) if size else -1
        if length == 0:
            return body
        if length < 0 or len(rest) < length + 2:
            raise ConnectionError("the last chunk is missing")
        body, rest = body + rest[:length], rest[length + 2 :]
