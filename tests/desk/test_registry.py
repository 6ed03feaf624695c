"""A file goes to a node again when the connection broke, as long as the node has that not heard."""

import socket
import threading
from contextlib import contextmanager

import pytest

from federation.desk import registry
from federation.desk.client import Desk, NotReachedError, ServerRefusedError

SECONDS_MAX = 60
BODY = b"work_id,title\r\nW-1,Salt\r\n"
BROKEN = b""
RUNNING = b'{"code":"IMPORT_RUNNING","message":"It is being sent."}'
OTHER = b'{"code":"OTHER_FILE","message":"It is another one."}'


def answer(body):
    if body == BROKEN:
        return BROKEN
    status = "409 Conflict" if body in {RUNNING, OTHER} else "200 OK"
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextmanager
def answering(*answers):
    """Answer as many requests as told, and note which bodies came."""
    came = list[bytes]()
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve():
            for body in answers:
                line, _ = door.accept()
                with line, line.makefile("rb") as asked:
                    while asked.readline().strip():
                        pass
                    came.append(asked.read(len(BODY)))
                    line.sendall(answer(body))

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        yield Desk(f"http://127.0.0.1:{door.getsockname()[1]}", "token", as_json=False), came
        server.join(SECONDS_MAX)
        assert not server.is_alive()


@pytest.mark.parametrize(
    ("answers", "refusal"),
    [
        ([b"{}"], None),
        ([BROKEN, RUNNING, RUNNING, b"{}"], None),
        ([RUNNING], "IMPORT_RUNNING"),
        ([BROKEN, OTHER], "OTHER_FILE"),
        ([BROKEN, RUNNING, RUNNING, RUNNING], "IMPORT_RUNNING"),
        ([BROKEN, BROKEN, BROKEN, BROKEN], "NOT_REACHED"),
    ],
)
def test_a_file_is_sent_again_after_its_own_connection_broke(
    tmp_path, monkeypatch, answers, refusal
):
    monkeypatch.setattr(registry, "FIRST_PAUSE_SECONDS", 0.0)
    file = tmp_path / "works.csv"
    file.write_bytes(BODY)
    code = None
    with answering(*answers) as (desk, came):
        try:
            registry._send(desk, file, {"id": "I-1", "kind": "works", "format": "csv"})
        except (NotReachedError, ServerRefusedError) as error:
            code = error.code

    assert (code, came) == (refusal, [BODY] * len(answers))
