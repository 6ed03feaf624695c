"""A server that asks says how long it waits: then no more is done for it."""

import asyncio
from types import SimpleNamespace

import pytest

from federation.edge.context import _deadline
from federation.federated.wire import DeadlineOverError
from federation.trust.principals import Principal
from federation.values.roles import PEER, SIGNED_IN, Role


def asking(text):
    return SimpleNamespace(headers={"Federation-Deadline-Ms": text})


def who(role):
    return Principal("https://hub.example", frozenset({role}))


@pytest.mark.parametrize("role", [PEER, SIGNED_IN])
async def test_what_goes_on_when_nobody_waits_any_more_is_ended(role):
    never = asyncio.get_running_loop().create_future()
    with pytest.raises(DeadlineOverError):
        async with _deadline(asking("1"), who(role)):
            await never

    assert never.cancelled()


async def test_something_else_that_took_too_long_is_no_deadline():
    with pytest.raises(TimeoutError, match="of a socket"):
        async with _deadline(asking("10000"), who(PEER)):
            raise TimeoutError("of a socket")


async def test_nothing_is_begun_for_whom_nobody_waits():
    with pytest.raises(DeadlineOverError):
        async with _deadline(asking("0"), who(PEER)):
            raise AssertionError("begun")


@pytest.mark.parametrize(
    ("text", "role"),
    [("1", Role.LAB), ("1", None), ("-1", PEER), ("x", PEER), ("1234567", PEER), ("", PEER)],
)
async def test_who_is_no_server_or_says_no_number_has_no_deadline(text, role):
    async with _deadline(asking(text), who(role) if role else None):
        await asyncio.sleep(0.003)  # longer than it says
