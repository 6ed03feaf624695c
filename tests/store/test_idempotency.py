"""One effect per principal, field and key, for ever."""

import asyncio
from datetime import UTC, datetime

import pytest

from federation.store.canonical import digest
from federation.store.idempotency import (
    BadIdempotencyKeyError,
    IdempotencyConflictError,
    find_result,
    remember_result,
)
from federation.store.tables import Lease
from tests.databases import contents, refused

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
ASKED = {"principal": "ana", "field": "issueLicence", "key": "k-1"}


async def find(database, value, **changes):
    async with database.read() as session:
        return await find_result(session, **(ASKED | changes), value=value)


async def remember(database, value, result_id, **changes):
    async with database.write("remember") as session:
        asked = ASKED | changes
        remember_result(session, **asked, value=value, result_id=result_id, now=NOON)


async def test_a_new_request_has_no_result(database):
    assert await find(database, {"fee": "1"}) is None
    assert await contents(database) == {}


async def test_the_same_request_finds_what_it_did(database):
    await remember(database, {"fee": "1", "uses": ["TRAIN"]}, "L-1")

    assert await find(database, {"uses": ["TRAIN"], "fee": "1"}) == "L-1"
    assert await contents(database) == {
        "store_idempotency": [
            ("ana", "issueLicence", "k-1", digest({"fee": "1", "uses": ["TRAIN"]}), "L-1", NOON)
        ]
    }


@pytest.mark.parametrize(
    "value", [{"fee": "2", "uses": ["TRAIN"]}, {"fee": "1"}, {"fee": 1, "uses": ["TRAIN"]}, None]
)
async def test_other_input_under_the_same_key_is_refused(database, value):
    await remember(database, {"fee": "1", "uses": ["TRAIN"]}, "L-1")

    refusal = await refused(
        database,
        IdempotencyConflictError,
        lambda session: find_result(session, **ASKED, value=value),
    )

    assert (refusal.code, refusal.detail) == ("IDEMPOTENCY_CONFLICT", "k-1")


@pytest.mark.parametrize(
    "changes", [{"principal": "bob"}, {"field": "acceptOffer"}, {"key": "k-2"}, {"key": "K-1"}]
)
async def test_principals_fields_and_keys_stand_apart(database, changes):
    await remember(database, "one", "L-1")
    assert await find(database, "two", **changes) is None

    await remember(database, "two", "L-2", **changes)

    assert await find(database, "one") == "L-1"
    assert await find(database, "two", **changes) == "L-2"


@pytest.mark.parametrize("key", ["", "x" * 129])
async def test_a_key_has_1_to_128_characters(database, key):
    refusal = await refused(
        database,
        BadIdempotencyKeyError,
        lambda session: find_result(session, **(ASKED | {"key": key}), value=1),
    )

    assert refusal.code == "BAD_IDEMPOTENCY_KEY"


@pytest.mark.parametrize("key", ["x", "x" * 128, "ключ"])
async def test_a_key_within_the_limits_is_kept(database, key):
    await remember(database, 1, "L-1", key=key)

    assert await find(database, 1, key=key) == "L-1"


async def test_the_same_request_many_times_at_once_has_one_effect(database):
    async def request(number):
        async with database.write("request") as session:
            known = await find_result(session, **ASKED, value="same")
            if known is None:
                known = f"effect-{number}"
                session.add(Lease(name=known, owner="", expires=0))
                remember_result(session, **ASKED, value="same", result_id=known, now=NOON)
            return known

    answers = set(await asyncio.gather(*(request(number) for number in range(20))))

    assert len(answers) == 1
    assert (await contents(database))["store_lease"] == [(answers.pop(), "", 0.0)]
