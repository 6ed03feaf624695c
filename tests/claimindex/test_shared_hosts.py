"""On which hosts several collectives claim pages: kept current by the changes of registries."""

import random
from datetime import date

import pytest

from federation.claimindex import delta_store, near_store, shared_hosts
from federation.claimindex.messages import ClaimFact, RegistryDelta, Slice
from federation.claimindex.shared_hosts import SharedHosts

NODES = ["DE", "FR", "GB"]
SHARED_BY_ALL = near_store.shared_hosts
HOSTS = [f"{letter}.example" for letter in "abcdef"]


def a_claim(name, host):
    return ClaimFact(name, "h-1", host, "/", False, date(2026, 1, 1), None, "a", None)


async def change(database, node, claims=(), gone=()):
    """Enter a change of a node's registry."""
    async with database.write("test.delta") as session:
        version = await delta_store.next_version(session, node)
        delta = RegistryDelta(version, claims=[*claims], withdrawn_claims=[*gone])
        await delta_store.apply_delta(session, node, delta)


async def asked(database, known, node):
    async with database.read() as session:
        return await known.of(session, node)


@pytest.fixture
def whole(monkeypatch):
    """Note for which nodes all claims are read."""
    read, ask = [], near_store.shared_hosts

    async def noted(session, node):
        read.append(node)
        return await ask(session, node)

    monkeypatch.setattr(near_store, "shared_hosts", noted)
    return read


async def test_after_each_change_it_is_what_all_claims_say_and_these_are_read_once(database, whole):
    pick, held, known, seen = random.Random(7), {}, SharedHosts(), set()
    for step in range(60):
        node = pick.choice(NODES)
        came = [a_claim(f"c-{step}-{number}", pick.choice(HOSTS)) for number in range(2)]
        gone = [name for name, of in held.items() if of == node and pick.random() < 0.5]
        held = {name: of for name, of in held.items() if name not in gone}
        held |= {one.claim_id: node for one in came}
        await change(database, node, came, gone)
        if step % 3:  # several changes come between two questions
            continue
        for who in NODES:
            found = await asked(database, known, who)
            async with database.read() as session:
                expected = await SHARED_BY_ALL(session, who)

            assert found == Slice([], [], hosts=sorted(expected)), (step, who)
            seen.add(tuple(found.hosts))
    assert len(seen) == 26
    assert whole == NODES


async def test_where_nothing_has_changed_nothing_is_read_again(database, whole, monkeypatch):
    known = SharedHosts()
    await change(database, "DE", [a_claim("c-1", "a.example")])
    await change(database, "FR", [a_claim("c-2", "a.example")])
    first = await asked(database, known, "DE")
    monkeypatch.setattr(delta_store, "hosts_changed", None)
    monkeypatch.setattr(near_store, "shared_among", None)

    assert await asked(database, known, "DE") == first == Slice([], [], hosts=["a.example"])
    assert whole == ["DE"]


async def test_after_many_changes_all_is_read_anew(database, whole, monkeypatch):
    monkeypatch.setattr(shared_hosts, "TOUCHED_MAX", 1)
    known = SharedHosts()
    await asked(database, known, "DE")
    for node in ("DE", "FR"):
        await change(database, node, [a_claim(host, host) for host in HOSTS[:2]])

    assert (await asked(database, known, "DE")).hosts == HOSTS[:2]
    assert whole == ["DE", "DE"]


async def test_of_a_database_that_was_put_back_nothing_is_believed_to_be_known(database, whole):
    known = SharedHosts()
    for node in ("DE", "FR"):
        await change(database, node, [a_claim(f"c-{node}", "a.example")])
    assert (await asked(database, known, "DE")).hosts == ["a.example"]
    async with database.write("test.restore") as session:
        row = await session.get_one(delta_store.RegistryVersion, "FR")
        row.version = 0
        await session.delete(await session.get_one(near_store.IndexClaim, ("FR", "c-FR")))

    assert (await asked(database, known, "DE")).hosts == []
    assert whole == ["DE", "DE"]


async def test_more_hosts_than_are_told_are_said_to_be_more_until_they_are_fewer(
    database, monkeypatch
):
    monkeypatch.setattr(near_store, "HOSTS_MAX", 1)
    known, cut = SharedHosts(), Slice([], [], is_cut=True)
    for node in ("DE", "FR"):
        await change(database, node, [a_claim("c-1", "a.example")])
    assert (await asked(database, known, "DE")).hosts == ["a.example"]
    for node in ("DE", "FR"):
        await change(database, node, [a_claim("c-2", "b.example")])
    assert await asked(database, known, "DE") == cut
    await change(database, "FR", gone=["c-1"])
    assert (await asked(database, known, "DE")).hosts == ["b.example"]
