"""The gate of a site answers by its policy as its node answers, at every instant of it."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import delete

from federation.addresses.readings import readings
from federation.addresses.urls import UrlKey, normalise_url
from federation.consent.states import Reason, State
from federation.gate.rulings import HeldPolicy
from federation.nodes import site_terms as module
from federation.nodes.site_terms import SiteTermsHolder, site_terms
from federation.registry import delta_store, index_store
from federation.registry.tables import Claim, Member, OptOut
from federation.signing.keys import key_set
from federation.signing.policy import open_site_policy, sign_site_policy
from federation.signing.tokens import covers
from tests.databases import HUB_TERMS, a_party
from tests.nodes.random_registries import HOSTS, INSTANTS, NOW, PATHS, USES, a_registry
from tests.signing.corpus.forge import HUB_KEY, NODE, NODE_KEY, SECOND, status_lists, trust

REGISTRIES = 60
PAGES = [*PATHS, "/x/y/z/w", "/n/10", "/xy", "/n/1/"]
ODD = ["/X/y", "/x;v=1/y", "/x%2Fy", "/%78/y", "/x%5Cy/z", "//x/y", "/x/..;/n/1", "/N", "/x/Y/z/w"]
PINNED = key_set([NODE_KEY.public_jwk()]), key_set([HUB_KEY.public_jwk()])


class Here:
    """The node, as far as terms of a site ask it."""

    code, url = "DE", "https://de.example"

    def __init__(self, now=NOW):
        self.now = now

    def clock(self):
        return self.now


@pytest.fixture
async def node(database):
    async with database.write("setup") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
    return database


async def enter(node, rows):
    """Keep these rows instead of those there were."""
    async with node.write("rows") as session:
        for table in (OptOut, Claim, Member):
            await session.execute(delete(table))
        for group in rows:
            session.add_all(group)
            await session.flush()


async def policy_of(node, member="m1", now=NOW):
    """Return the policy that the node signs, as the gate opens it."""
    async with node.read() as session:
        terms = await site_terms(session, Here(now), member)
    seconds = int(now.timestamp()) - SECOND
    signed = sign_site_policy(
        NODE_KEY,
        node=NODE,
        member=member,
        terms=terms,
        trust=trust(seconds),
        status_lists=status_lists(seconds=seconds),
        now=now,
    )
    return open_site_policy(signed, *PINNED)


async def index_of(node, keys):
    async with node.read() as session:
        return index_store.claim_index(await index_store.own_slice(session, "DE", keys))


def served(policy, host, path):
    return covers(policy.site.prefixes, f"https://{host}{path}")


async def test_the_gate_says_of_each_page_what_the_index_says(node):
    said = set()
    for seed in range(REGISTRIES):
        await enter(node, a_registry(seed))
        policy = await policy_of(node)
        held = HeldPolicy(policy)
        keys = [UrlKey(h, path) for h in HOSTS for path in PAGES if served(policy, h, path)]
        index = await index_of(node, keys)
        for key in keys:
            for use in USES:
                for at in INSTANTS:
                    expected = index.why_reserved(key, use, at)

                    assert held.why_withheld([key], use, at) == expected, (seed, key, use, at)
                    said.add(expected)
    assert said >= {None, *Reason}


async def test_an_older_gate_refuses_at_least_as_much(node):
    compared = 0
    for seed in range(1000, 1000 + REGISTRIES):
        await enter(node, a_registry(seed))
        policy = await policy_of(node)
        held, older = HeldPolicy(policy), HeldPolicy(policy._replace(rulings=None))
        for key in (UrlKey(h, path) for h in HOSTS for path in PAGES if served(policy, h, path)):
            for use in USES:
                for at in INSTANTS:
                    if held.why_withheld([key], use, at) is not None:
                        compared += 1
                        assert older.why_withheld([key], use, at) is not None, (seed, key, use, at)
    assert compared > 1000


async def test_no_spelling_opens_what_the_index_reserves_in_any_reading(node):
    compared = 0
    for seed in range(2000, 2000 + REGISTRIES):
        await enter(node, a_registry(seed))
        policy = await policy_of(node)
        held = HeldPolicy(policy)
        for url in (f"https://{host}{path}" for host in HOSTS for path in ODD):
            keys = [normalise_url(each) for each in readings(url)]
            if not all(served(policy, key.host, key.path) for key in keys):
                continue
            index = await index_of(node, keys)
            for use in USES:
                if any(index.is_reserved(key, use, NOW) for key in keys):
                    compared += 1
                    assert held.why_withheld(keys, use, NOW) is not None, (seed, url, use)
    assert compared > 100


def said_of(path, state=State.WITHHELD, use="*", *, member=None, since=NOW, **more):
    return OptOut(
        member_id=member,
        host=None if member else "a.example",
        path=None if member else path,
        wildcard=False,
        use=use,
        effective_at=since - timedelta(days=1),
        ends_at=more.get("ends_at"),
        recorded_at=NOW,
        rules="1.1",
        state=state,
        source=None,
    )


def held_by(member, *paths):
    return [
        Claim(
            claim_id=f"{member}{path}",
            member_id=member,
            host="a.example",
            path=path,
            wildcard=False,
            content_tier="standard",
            works=1,
            rules="1.1",
        )
        for path in paths
    ]


def rows_of(*rulings, claims=("/",)):
    members, _, _ = a_registry(0)
    return members, held_by("m1", *claims), list(rulings)


async def test_more_than_older_gates_are_told_one_by_one_is_all_reserved_there(node, monkeypatch):
    monkeypatch.setattr(module, "OPT_OUT_LETTERS_MAX", 400)
    await enter(node, rows_of(*(said_of(f"/{number}$") for number in range(5))))

    policy = await policy_of(node)

    assert (policy.site.optouts, policy.site.reserved_all) == ([], True)
    held = HeldPolicy(policy)
    assert held.why_withheld([UrlKey("a.example", "/1")], "TRAIN", NOW) == Reason.WITHHELD
    assert held.why_withheld([UrlKey("a.example", "/7")], "TRAIN", NOW) is None


async def test_more_than_a_policy_holds_is_all_reserved(node, monkeypatch):
    monkeypatch.setattr("federation.signing.site_rulings.PACKED_BYTES_MAX", 80)
    await enter(node, rows_of(*(said_of(f"/{number}", State.OPTED_IN) for number in range(50))))

    policy = await policy_of(node)

    assert (policy.site.rulings, policy.site.reserved_all) == (None, True)
    for gate in (HeldPolicy(policy), HeldPolicy(policy._replace(rulings=None))):
        why = gate.why_withheld([UrlKey("a.example", "/7")], "TRAIN", NOW)
        assert why == Reason.OPTED_OUT


async def test_what_is_said_is_remembered_until_the_registry_changes_or_something_ends(node):
    ends = NOW + timedelta(seconds=90)
    await enter(node, rows_of(said_of("/a"), said_of("/b", ends_at=ends)))
    here = Here()
    holder = SiteTermsHolder(here)

    async def paths():
        async with node.read() as session:
            terms = await holder.terms(session, "m1")
        return [each.subject for each in terms.optouts]

    assert await paths() == ["a.example/a", "a.example/b"]
    async with node.write("a row that nobody tells of") as session:
        session.add(said_of("/c"))
    assert await paths() == ["a.example/a", "a.example/b"]
    here.now = ends
    assert await paths() == ["a.example/a", "a.example/c"]
    async with node.write("a change") as session:
        session.add(said_of("/d"))
        await delta_store.next_version(session, "DE")
    assert await paths() == ["a.example/a", "a.example/c", "a.example/d"]


async def test_on_more_places_than_a_question_names_the_same_is_read(node, monkeypatch):
    claims = ("/x/", "/n")
    rulings = [said_of(path) for path in ("/", "/x/y$", "/q", "/n*1", "/n/2")]
    await enter(node, rows_of(*rulings, claims=claims))
    few = (await policy_of(node)).site
    monkeypatch.setattr("federation.registry.site_store.PLACES_AT_ONCE", 1)

    many = (await policy_of(node)).site

    assert [each.subject for each in few.optouts] == [
        f"a.example{path}" for path in ("/", "/n*1", "/n/2", "/x/y$")
    ]
    assert msgspec.structs.replace(many, iat=0) == msgspec.structs.replace(few, iat=0)
