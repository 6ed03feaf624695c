"""A call to a server that is slow, endless, or no server of HTTP at all."""

import socket
import threading
from contextlib import contextmanager

import pytest

from federation.access.wire import Call, UnreachableError, fetch

HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def server(*parts, drips=b"", asked=None):
    """Send some bytes to whoever calls, then drip others for as long as it listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            peer, _ = listening.accept()
            with peer:
                heard = peer.recv(65536)
                if asked is not None:
                    asked.append(heard)
                for part in parts:
                    peer.sendall(part)
                try:
                    while drips and not over.wait(0.01):
                        peer.sendall(drips)
                except OSError:
                    pass

        over = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/a"
        over.set()
        thread.join(5)


def test_an_answer_is_read_with_its_headers_in_lower_case():
    with server(HEAD + b"ETag: 1\r\nContent-Length: 2\r\n\r\nok") as url:
        answer = fetch(Call("GET", url, {"Accept": "text/plain"}))

    assert answer == (200, {"etag": "1", "content-length": "2"}, b"ok")


def test_a_name_below_localhost_is_this_machine_whatever_the_resolver_knows():
    asked = []
    with server(HEAD + b"Content-Length: 2\r\n\r\nok", asked=asked) as url:
        named = url.replace("127.0.0.1", "press.localhost")
        answer = fetch(Call("GET", named, {}))

    host = named.removeprefix("http://").removesuffix("/a")
    assert answer.body == b"ok"
    assert [line for line in asked[0].split(b"\r\n") if line.lower().startswith(b"host:")] == [
        f"Host: {host}".encode()
    ]


@pytest.mark.parametrize(
    ("head", "drips"),
    [
        (HEAD, b"X: y\r\n"),
        (HEAD + b"Content-Length: 9999\r\n\r\n", b"x"),
        (HEAD + b"\r\n", b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_an_answer_that_drips_is_cut_when_its_time_is_up(head, drips):
    with server(head, drips=drips) as url, pytest.raises(UnreachableError):
        fetch(Call("GET", url, {}), seconds_max=0.2)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9\r\n",
        HEAD + b"Content-Length: 10\r\n\r\nshort",
        HEAD + b"X: " + b"y" * 70_000,
        HEAD + b"X: y\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_no_whole_answer_is_none(said):
    with server(said) as url, pytest.raises(UnreachableError):
        fetch(Call("GET", url, {}))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://node.example/", "node.example"])
def test_only_http_is_spoken(url):
    with pytest.raises(UnreachableError):
        fetch(Call("GET", url, {}))


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with server(HEAD + b"Content-Length: 0\r\n\r\n") as url:
        assert fetch(Call("GET", url, {})).status == 200
