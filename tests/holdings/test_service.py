"""The hub takes filters of identifiers whole and in their order, and goes by none that is old."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from federation.errors import RefusalError
from federation.holdings import messages, service
from federation.holdings.messages import SIGNATURE_TYP, IdentifiersFiltered, signed
from federation.holdings.tables import AddedKey, FilterPart, HeldFilter
from federation.signing.jose import sign
from federation.store.messages import BadMessageError, opened
from tests.holdings import told
from tests.holdings.told import KEYS, NOON, a_filter, added, asked, receive

LATER = NOON + timedelta(minutes=10)
MANY = [f"DOI:10.1/{number}" for number in range(6)]


@pytest.fixture
def small_parts(monkeypatch):
    """Let filters of a few keys have several parts."""
    for of in (service, told):
        monkeypatch.setattr(of, "PART_BYTES", 5)


async def written(hub):
    found = []
    async with hub.read() as session:
        for of in (HeldFilter, FilterPart, AddedKey):
            rows = await session.execute(select(*of.__table__.columns))
            found.append(sorted(map(tuple, rows)))
    return found


async def test_whoever_never_had_an_identifier_is_not_asked(database):
    await receive(database, *a_filter(["ISBN:1"]), added("ISBN:2"))

    assert await asked(database, "ISBN:1") == ["DE", "FR"]
    assert await asked(database, "ISBN:2") == ["DE", "FR"]
    assert await asked(database, "ISBN:3") == ["FR"]  # which has told nothing


async def test_a_key_after_one_filter_says_nothing_of_another(database):
    await receive(database, *a_filter(["ISBN:1"]), added("ISBN:2"))
    await receive(database, *a_filter(["ISBN:1"], node="FR"), sender="FR")

    assert await asked(database, "ISBN:2") == ["DE"]


async def test_a_filter_is_gone_by_for_an_hour_after_what_came_last(database):
    await receive(database, *a_filter([]), added(as_of=LATER), now=LATER)

    just, over = LATER + timedelta(hours=1), LATER + timedelta(hours=1, microseconds=1)
    assert await asked(database, "ISBN:1", ["DE"], just) == []
    assert await asked(database, "ISBN:1", ["DE"], over) == ["DE"]


@pytest.mark.usefixtures("small_parts")
async def test_a_new_filter_counts_once_it_is_whole(database):
    await receive(database, *a_filter(MANY[:1]), added("ISBN:2"))
    parts = a_filter([*MANY, "ISBN:2"], epoch=2, as_of=LATER)
    assert len(parts) == 4
    await receive(database, *parts[:3], now=LATER)
    assert await asked(database, MANY[0], ["DE"]) == ["DE"]
    assert await asked(database, MANY[3], ["DE"]) == []
    assert await asked(database, "ISBN:2", ["DE"]) == ["DE"]

    await receive(database, parts[3], now=LATER)
    assert await asked(database, MANY[3], ["DE"]) == ["DE"]
    assert await asked(database, "ISBN:2", ["DE"]) == ["DE"]
    filters, kept, keys = await written(database)
    assert ([row[1] for row in filters], len(kept), keys) == ([2], 4, [])


async def test_filters_are_read_once_for_each_epoch(database):
    filters = service.Filters()
    await receive(database, *a_filter(["ISBN:1"]))
    for epoch, expected in [(1, ["DE"]), (2, [])]:
        for _ in range(2):
            async with database.read() as session:
                routed = await service.whom_to_ask(session, filters, ["DE"], "ISBN:1", NOON)
            assert (routed.asked, filters.kept["DE"][0], filters.size) == (expected, epoch, 8)
        if epoch == 1:
            await receive(database, *a_filter(["ISBN:9"], epoch=2))


def a_part(**changes):
    return msgspec.structs.replace(a_filter(["ISBN:1"], epoch=3)[0], **changes)


SIGNED_NONSENSE = sign({"foxes": 7}, typ=SIGNATURE_TYP, key=KEYS["DE"])
WRONG = {
    "another node's": (a_part(node="FR"), "NOT_ALLOWED"),
    "of the epoch that is in force": (a_filter(["ISBN:1"], epoch=2)[0], "BAD_FILTER"),
    "of an epoch that is over": (a_filter(["ISBN:1"], epoch=1)[0], "BAD_FILTER"),
    "from what is to come": (a_part(as_of=NOON + timedelta(minutes=6)), "BAD_FILTER"),
    "larger than its keys take": (a_part(data=bytes(9)), "BAD_FILTER"),
    "smaller than its keys take": (a_part(data=bytes(7)), "BAD_FILTER"),
    "of more keys than its bytes are for": (a_part(keys=4), "BAD_FILTER"),
    "of more parts than it takes": (a_part(parts=2), "BAD_FILTER"),
    "not the first": (a_part(part=2, parts=2), "BAD_FILTER"),
    "of other bytes than its digest": (a_part(data=b"garbage!"), "BAD_FILTER"),
    "another node's keys": (added("ISBN:1", number=2, epoch=2, node="FR"), "NOT_ALLOWED"),
    "keys after a filter that is over": (added("ISBN:1", number=2), "BAD_FILTER"),
    "keys after one to come": (added("ISBN:1", epoch=3), "BAD_FILTER"),
    "keys twice": (added("ISBN:1", number=1, epoch=2), "BAD_FILTER"),
    "keys with a gap before": (added("ISBN:1", number=3, epoch=2), "BAD_FILTER"),
    "keys of before": (
        added("ISBN:1", number=2, epoch=2, as_of=NOON - timedelta(seconds=1)),
        "BAD_FILTER",
    ),
    "signed by another": (signed(a_filter([], epoch=3)[0], KEYS["FR"]), "BAD_FILTER"),
    "signed of another whole": (
        a_part(signature=a_filter(["ISBN:2"], epoch=3, as_of=LATER)[0].signature),
        "BAD_FILTER",
    ),
    "signed of nonsense": (a_part(signature=SIGNED_NONSENSE), "BAD_FILTER"),
    "not signed but said to be": (a_part(signature="x.y.z"), "BAD_FILTER"),
    "keys signed by another": (
        signed(added("ISBN:1", number=2, epoch=2), KEYS["FR"]),
        "BAD_FILTER",
    ),
    "keys signed of others": (
        msgspec.structs.replace(
            added("ISBN:1", number=2, epoch=2),
            signature=added("ISBN:3", number=2, epoch=2).signature,
        ),
        "BAD_FILTER",
    ),
    "keys from what is to come": (
        added("ISBN:1", number=2, epoch=2, as_of=NOON + timedelta(minutes=6)),
        "BAD_FILTER",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_one_is_refused_and_nothing_is_written(database, wrong):
    message, code = WRONG[wrong]
    await receive(database, *a_filter(["ISBN:7"], epoch=2), added("ISBN:8", epoch=2))
    before = await written(database)

    with pytest.raises(RefusalError) as refusal:
        await receive(database, message)

    assert (refusal.value.code, await written(database)) == (code, before)


async def test_a_node_that_does_not_sign_is_asked_until_it_does(database):
    def unsigned(message):
        return msgspec.structs.replace(message, signature="")

    await receive(database, *map(unsigned, a_filter(["ISBN:1"])))
    of_before = await asked(database, "ISBN:9", ["DE"])
    await receive(database, added("ISBN:2"))
    with_signed_keys = await asked(database, "ISBN:9", ["DE"])
    await receive(database, *a_filter(["ISBN:1"], epoch=2))
    once_signed = await asked(database, "ISBN:9", ["DE"])
    await receive(database, unsigned(added("ISBN:2", epoch=2)))

    assert (of_before, with_signed_keys, once_signed) == (["DE"], ["DE"], [])
    assert await asked(database, "ISBN:9", ["DE"]) == ["DE"]


async def test_more_keys_than_are_kept_after_a_filter_are_refused(database, monkeypatch):
    monkeypatch.setattr(service, "ADDED_MAX", 2)
    await receive(database, *a_filter([]), added("ISBN:1", "ISBN:2"))
    before = await written(database)

    with pytest.raises(service.BadFilterError, match="more than 2 keys"):
        await receive(database, added("ISBN:3", number=2))
    assert await written(database) == before


@pytest.mark.usefixtures("small_parts")
async def test_a_part_of_another_whole_is_not_the_next(database):
    first, second, *_ = a_filter(MANY)
    await receive(database, first)
    before = await written(database)

    for changes in ({"sha256": "0" * 64}, {"seed": bytes(16)}, {"keys": 5}, {"as_of": LATER}):
        with pytest.raises(service.BadFilterError):
            await receive(database, msgspec.structs.replace(second, **changes), now=LATER)
    assert await written(database) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data", "!"),
        ("data", ""),
        ("seed", "AAAA"),
        ("sha256", "0" * 63),
        ("epoch", 0),
        ("parts", messages.PARTS_MAX + 1),
        ("keys", -1),
        ("keys", 2**40),
        ("as_of", "2026-09-10T12:00:00"),
        ("more", 1),
    ],
)
def test_what_is_no_part_of_a_filter_is_not_read(field, value):
    body = msgspec.to_builtins(a_part()) | {field: value}

    with pytest.raises(BadMessageError):
        opened(msgspec.json.encode(body), IdentifiersFiltered)


TOLD = [
    *a_filter(MANY[:2]),
    added("ISBN:1"),
    added(MANY[2], "ISBN:2", number=2, as_of=LATER),
    *a_filter([*MANY[:3], "ISBN:1", "ISBN:2"], epoch=2, as_of=LATER),
    added(MANY[3], number=1, epoch=2, as_of=LATER),
    added(number=2, epoch=2, as_of=LATER),
    *a_filter(MANY[:1], node="FR"),
]
HAD = {  # a work that is withdrawn had its identifiers: they stay in every later filter
    1: MANY[:2],
    2: [*MANY[:3], "ISBN:1", "ISBN:2"],
}
KEYS = {"ISBN:1": (1, 1), "ISBN:2": (1, 2), MANY[2]: (1, 2), MANY[3]: (2, 1)}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, len(TOLD) - 1), max_size=20))
async def test_nothing_that_was_taken_is_missed_in_whatever_order_it_comes(database, order):
    await forget(database)
    taken = set[str]()
    for number in [*order, *range(len(TOLD))]:
        message = TOLD[number]
        try:
            await receive(database, message, now=LATER)
        except RefusalError:
            pass
        else:
            if isinstance(message, IdentifiersFiltered):
                taken = {*HAD[message.epoch]}
            else:
                at = message.epoch, message.number
                taken |= {one for one, place in KEYS.items() if place == at}
        for identifier in taken:
            assert await asked(database, identifier, ["DE"], LATER) == ["DE"]

    assert taken == {*MANY[:4], "ISBN:1", "ISBN:2"}


async def forget(hub):
    async with hub.write("test") as session:
        for of in (AddedKey, FilterPart, HeldFilter):
            await session.execute(delete(of))
