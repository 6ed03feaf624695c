"""Histories of claims and opt-outs at random: what was so, as it was known, never changes."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from federation.errors import RefusalError
from federation.proposals import acts
from federation.proposals.claims import DraftClaim, DraftTerms
from federation.registry import list_store
from tests.proposals.acting import claimants, claims_of, done, index_is_what_is_known, tell

URLS = ("https://x.example/a", "https://x.example/b/c", "https://sub.y.example/")
ADDRESSES = ("x.example", "x.example/a", "x.example/b/", "*.y.example")
FIRST = date(2026, 1, 1)
INSTANTS = [datetime(2026, month, 5, tzinfo=UTC) for month in (2, 6, 11)]
STEPS = 36
KINDS = [
    "register",
    "register",
    "end",
    "change",
    "correct",
    "withdraw",
    "opt_out",
    "opt_out",
    "end_opt_out",
    "joined",
]


def known_on(step):
    return datetime(2026, 9, 11, tzinfo=UTC) + timedelta(hours=step)  # the members are there


async def an_act(told, node, step):
    """Return an act at random; it may be one that is refused."""
    kind, member = told.choice(KINDS), told.choice(["m1", "m2"])
    day = FIRST + timedelta(days=told.randrange(360))
    tier = told.choice(["standard", "premium"])
    address, end = told.choice(ADDRESSES), told.choice([None, day + timedelta(days=90)])
    draft = DraftClaim(address, tier, valid_from=day, valid_to=end)
    if kind == "register":
        return acts.RegisterClaim(member, draft)
    if kind == "joined":
        return acts.CorrectJoining(member, date(2025, told.randrange(1, 13), 1))
    if kind == "opt_out":
        subject, use = told.choice([address, f"member:{member}"]), told.choice(["*", "TRAIN"])
        return acts.RecordOptOut(subject, use, told.choice(INSTANTS))
    if kind == "end_opt_out":
        async with node.read() as session:
            rows = await list_store.list_opt_outs(session, None, None, None, after=0, limit=99)
        number = told.choice([row.id for row in rows]) if rows else 1
        return acts.EndOptOut(number, max(told.choice(INSTANTS), known_on(step)))
    rows = await claims_of(node, member)
    name = told.choice([row.claim_id for row in rows]) if rows else "none"
    return {
        "end": acts.EndClaim(name, day),
        "change": acts.ChangeClaim(name, DraftTerms(tier, told.randrange(3)), day),
        "correct": acts.CorrectClaim(name, draft),
        "withdraw": acts.WithdrawClaim(name),
    }[kind]


async def told_of(node, known_at=None):
    """Return all that is answered of the addresses at every instant, as it was known then."""
    return {
        (url, at): await claimants(node, url, at, known_at=known_at)
        for url in URLS
        for at in INSTANTS
    }


@pytest.mark.parametrize(("seed", "acts_done"), [(1, 18), (3, 16)])
async def test_what_was_so_as_it_was_known_never_changes_and_the_index_follows(
    node, hub, seed, acts_done
):
    told, snapshots, count, carried = random.Random(seed), {}, 0, 0
    for step in range(STEPS):
        try:
            await done(node, await an_act(told, node, step), now=known_on(step))
        except RefusalError:
            continue
        count += 1
        if count % 4 == 0:
            snapshots[step] = await told_of(node)
        if count % 8 == 0:
            carried = await tell(node, hub, carried)
            await index_is_what_is_known(node, hub)
    await tell(node, hub, carried)
    await index_is_what_is_known(node, hub)

    assert count == acts_done
    for step, answers in snapshots.items():
        assert await told_of(node, known_on(step)) == answers
    for at in INSTANTS:
        for url in URLS:
            assert await claimants(hub, url, at, own=False) == await claimants(node, url, at)
