"""Connections that nginx keeps open hold up nobody who asks."""

import http.client
import threading
from contextlib import ExitStack

import pytest

from federation.publisher.connections import Connections
from federation.publisher.nginx_endpoint import AuthServer
from federation.publisher.sockets import ListenError

ASKED = {"X-Federation-Method": "GET", "X-Federation-Target": "/a", "Host": "pub.example"}


@pytest.fixture
def make_endpoint(site, tmp_path):
    """A function that starts an endpoint, and returns it with the port on which it answers."""
    with ExitStack() as ends:

        def make(listen="127.0.0.1:0", **how):
            server = ends.enter_context(AuthServer(listen, site.gate.gate, tmp_path / "log", **how))
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            ends.callback(thread.join)
            ends.callback(server.shutdown)
            return server, server.server_address[1]

        yield make


def connection_to(port, ends, host="127.0.0.1"):
    """A connection that is closed when `ends` is over."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    ends.callback(connection.close)
    return connection


def asked(connection):
    connection.request("GET", "/auth", headers=ASKED)
    with connection.getresponse() as answer:
        return answer.status


def test_three_hundred_idle_connections_hold_up_nobody(make_endpoint):
    _, port = make_endpoint(connections_max=256)
    with ExitStack() as ends:
        found = [asked(connection_to(port, ends)) for _ in range(300)]

    assert found == [204] * 300


def test_who_is_idle_the_longest_makes_room(make_endpoint):
    _, port = make_endpoint(connections_max=2)
    with ExitStack() as ends:
        first, second, third = (connection_to(port, ends) for _ in "abc")

        found = [asked(each) for each in (first, second, first, third, first)]

        assert found == [204] * 5
        with pytest.raises(http.client.RemoteDisconnected):
            asked(second)


def test_none_that_is_asked_just_now_makes_room():
    connections = Connections(1)

    assert (connections.take(), connections.take()) == (True, False)


def test_the_endpoint_listens_on_loopback_of_ipv6(make_endpoint):
    _, port = make_endpoint("[::1]:0")
    with ExitStack() as ends:
        assert asked(connection_to(port, ends, "::1")) == 204


def test_a_log_in_no_folder_is_refused_before_anything_is_served(site, tmp_path):

    with pytest.raises(ListenError, match=f"{tmp_path}/nowhere is no folder"):
        AuthServer(f"unix:{tmp_path}/auth.sock", site.gate.gate, tmp_path / "nowhere" / "log")

    assert not (tmp_path / "auth.sock").exists()
