"""What the desk downloads is written as it arrives, and what breaks off is said to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from federation.desk.client import Desk, NotReachedError, ServerRefusedError

SECONDS_MAX = 60
FIRST, SECOND = b"a" * 70_000, b"b" * 10


@contextmanager
def answering(act) -> Iterator[Desk]:
    """Answer one request as told, from another thread."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve():
            line, _ = door.accept()
            with line, line.makefile("rb") as asked:
                while asked.readline().strip():
                    pass
                act(line)

        server = threading.Thread(target=serve)
        server.start()
        yield Desk(f"http://127.0.0.1:{door.getsockname()[1]}", "token", as_json=False)
        server.join(SECONDS_MAX)
        assert not server.is_alive()


def head(*headers, status="200 OK"):
    return "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *headers, "", ""]).encode()


def test_a_file_is_written_before_the_last_of_it_has_come():
    written, is_written = bytearray(), threading.Event()

    def act(line):
        line.sendall(head(f"Content-Length: {len(FIRST + SECOND)}") + FIRST)
        assert is_written.wait(SECONDS_MAX)
        line.sendall(SECOND)

    def write(part):
        written.extend(part)
        if len(written) >= 65_536:
            is_written.set()

    with answering(act) as desk:
        desk.get("/documents/X", write)

    assert bytes(written) == FIRST + SECOND


def in_chunks(end):
    chunk = f"{len(FIRST):x}\r\n".encode() + FIRST + b"\r\n"
    return lambda line: line.sendall(head("Transfer-Encoding: chunked") + chunk + end)


def test_a_file_that_comes_without_its_length_is_written_whole():
    written = bytearray()
    with answering(in_chunks(b"0\r\n\r\n")) as desk:
        desk.get("/files/journal.hledger", written.extend)

    assert bytes(written) == FIRST


@pytest.mark.parametrize(
    "act",
    [
        lambda line: line.sendall(head("Content-Length: 70001") + FIRST),
        in_chunks(b""),
        in_chunks(b"5\r\nabc"),
        lambda line: line.sendall(b"HTTP/1.1 2"),
    ],
    ids=["short of its length", "after a chunk", "in a chunk", "in its head"],
)
def test_a_file_that_breaks_off_is_said_to(act):
    with answering(act) as desk, pytest.raises(NotReachedError):
        desk.get("/documents/X", bytearray().extend)


def test_a_refusal_is_not_written():
    body = b'{"code": "UNKNOWN_DOCUMENT", "message": "No such document."}'
    written = bytearray()

    def act(line):
        line.sendall(head(f"Content-Length: {len(body)}", status="404 Not Found") + body)

    with answering(act) as desk, pytest.raises(ServerRefusedError) as refusal:
        desk.get("/documents/X", written.extend)

    assert (refusal.value.code, bytes(written)) == ("UNKNOWN_DOCUMENT", b"")
