"""No server is made to call an address inside its own network, however the address is written."""

import asyncio
import ipaddress
import socket
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from federation.messaging.addresses import (
    AddressRefusedError,
    is_callable,
    networks,
    require_callable,
    require_target,
)
from federation.messaging.peers import PeerAnswerError, PeerClient
from federation.signing.keys import SigningKey

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
HERE = networks(["127.0.0.0/8"])

INSIDE = [
    "0.0.0.0",  # noqa: S104 - nothing is bound
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",  # a cloud's metadata service
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",  # another
    "172.16.0.1",
    "192.0.0.192",  # another
    "168.63.129.16",  # another
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",  # a cloud's metadata service
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("text", INSIDE)
def test_an_address_inside_is_not_called(text):
    assert is_callable(ipaddress.ip_address(text), ()) is False


@pytest.mark.parametrize("text", ["9.9.9.9", "::ffff:9.9.9.9", "2620:fe::9"])
def test_a_public_address_is_called(text):
    assert is_callable(ipaddress.ip_address(text), ()) is True


def test_an_operator_opens_a_network_and_no_other():
    opened = networks(["10.1.0.0/16", "fd00:1::/32"])
    called = [
        text
        for text in ("10.1.255.255", "::ffff:10.1.0.1", "fd00:1::9", "10.2.0.0", "fd00:2::", "::1")
        if is_callable(ipaddress.ip_address(text), opened)
    ]

    assert called == ["10.1.255.255", "::ffff:10.1.0.1", "fd00:1::9"]


@asynccontextmanager
async def listening(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"):
    """A server on loopback that answers everybody alike; gives its port and who has come."""
    came = []

    async def talk(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        came.append(head.partition(b" HTTP/")[0].decode())
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], came


@asynccontextmanager
async def calling(allowed):
    """How one server calls others."""
    client = PeerClient("https://hub.example", SigningKey.generate, lambda: NOON, allowed=allowed)
    try:
        yield (
            lambda url: client.post("https://de.example", url, b"{}", seconds=5),
            client.get_text,
        )
    finally:
        await client.close()


LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "localhost",
    "LOCALHOST",
    "\uff11\uff12\uff17.0.0.1",
    "127\u30020\u30020\u30021",
]


@pytest.mark.parametrize("host", LOOPBACK)
async def test_a_name_or_number_that_leads_inside_is_called_by_nothing(host):
    async with listening() as (port, came), calling(()) as calls:
        url = f"http://{host}:{port}/x"
        for call in calls:
            with pytest.raises(PeerAnswerError):
                await call(url)
        with pytest.raises(AddressRefusedError):
            await require_callable(url, [])

    assert came == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_it_is_called_where_the_operator_allows_it(host):
    async with listening() as (port, came), calling(HERE) as (post, get_text):
        url = f"http://{host}:{port}/x"
        await require_callable(url, ["127.0.0.0/8", "::1/128"])  # localhost is both
        assert await post(url) == b"{}"
        assert await get_text(url) == "{}"

    assert came == ["POST /x", "GET /x"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_server_is_sent_elsewhere_by_another(status):
    async with listening() as (port, came):
        away = f"HTTP/1.1 {status} Away\r\nLocation: http://127.0.0.1:{port}/secret\r\n"
        answer = f"{away}Content-Length: 0\r\n\r\n".encode()
        async with listening(answer) as (first, there), calling(HERE) as calls:
            for call in calls:
                with pytest.raises(PeerAnswerError, match=f"HTTP {status}"):
                    await call(f"http://127.0.0.1:{first}/x")

    assert there == ["POST /x", "GET /x"]
    assert came == []


async def test_a_name_with_one_address_inside_is_refused_for_all_of_them(monkeypatch):
    asked = []

    async def getaddrinfo(host, *_, **__):
        asked.append(host)
        return [(0, 0, 0, "", (text, 0)) for text in ("9.9.9.9", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
    async with calling(()) as (post, _):
        with pytest.raises(PeerAnswerError, match=r"two\.example is at 10\.0\.0\.1, which"):
            await post("http://two.example/x")
    with pytest.raises(AddressRefusedError):
        await require_callable("http://two.example/", [])

    assert asked == ["two.example"] * 2


async def test_who_names_a_target_is_not_told_where_a_name_of_this_network_leads(monkeypatch):
    found = [(0, 0, 0, "", ("10.3.4.5", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    with pytest.raises(AddressRefusedError) as refusal:
        await require_target("https://db.internal.example/", [])

    assert refusal.value.detail == (
        "db.internal.example is at an address, which is not public, "
        "and in none of `peer_networks` in the configuration"
    )


@pytest.mark.parametrize("url", ["http://", "http:///x", "https://:80/"])
async def test_an_address_without_a_host_is_refused(url):
    with pytest.raises(AddressRefusedError, match="no host"):
        await require_callable(url, [])
