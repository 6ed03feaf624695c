"""The gate of a site answers by its policy as its node answers, at every instant of it."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from federation.addresses.readings import readings
from federation.addresses.urls import UrlKey, normalise_url
from federation.claimindex import delta_store
from federation.consent.states import Reason, State
from federation.gate.rulings import HeldPolicy
from federation.nodes import site_terms as module
from federation.nodes.site_memory import SiteMemory
from federation.nodes.site_terms import SiteTermsHolder
from federation.registry import own_store
from federation.registry.service import UnknownMemberError
from federation.registry.tables import Claim, OptOut
from tests.databases import HUB_TERMS, a_party
from tests.nodes.policies import Here, enter, policy_of, served
from tests.nodes.random_registries import HOSTS, INSTANTS, NOW, PATHS, USES, a_registry

REGISTRIES = 60
LONG_AGO = NOW - timedelta(days=9)
PAGES = [*PATHS, "/x/y/z/w", "/n/10", "/xy", "/n/1/"]
ODD = ["/X/y", "/x;v=1/y", "/x%2Fy", "/%78/y", "/x%5Cy/z", "//x/y", "/x/..;/n/1", "/N", "/x/Y/z/w"]


@pytest.fixture
async def node(database):
    async with database.write("setup") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
    return database


async def index_of(node, keys):
    async with node.read() as session:
        return await own_store.own_index(session, "DE", keys)


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
    assert compared == 1_844


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
    assert compared == 118


def said_of(path, state=State.WITHHELD, use="*", *, member=None, begins=LONG_AGO, **more):
    return OptOut(
        member_id=member,
        host=None if member else "a.example",
        path=None if member else path,
        wildcard=False,
        use=use,
        effective_at=begins,
        ends_at=more.get("ends_at"),
        recorded_at=NOW,
        rules="1.1",
        state=state,
        source=None,
        since=more.get("since"),
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


async def answers(node, path, at=NOW, use="TRAIN"):
    """Return why a page is reserved: the index, the gate, and an older gate."""
    key = UrlKey("a.example", path)
    policy = await policy_of(node)
    assert served(policy, key.host, key.path)
    index = await index_of(node, [key])
    gates = (HeldPolicy(policy), HeldPolicy(policy._replace(rulings=None)))
    return [
        index.why_reserved(key, use, at),
        *(gate.why_withheld([key], use, at) for gate in gates),
    ]


async def test_of_rulings_that_began_before_the_policy_the_latest_decides(node):
    second = LONG_AGO + timedelta(days=1)
    await enter(
        node,
        rows_of(
            *(said_of("/yes"), said_of("/no", State.OPTED_IN)),
            said_of("/yes", State.OPTED_IN, begins=second),
            said_of("/no", begins=second),
            *(said_of("/both"), said_of("/both", State.OPTED_IN)),
        ),
    )

    assert await answers(node, "/yes") == [None, None, "OPTED_OUT"]
    assert await answers(node, "/no") == ["WITHHELD", "WITHHELD", "OPTED_OUT"]
    assert await answers(node, "/both") == ["WITHHELD", "WITHHELD", "OPTED_OUT"]


async def test_of_a_work_that_comes_to_a_page_within_the_hour_the_latest_word_decides(node):
    comes = NOW + timedelta(minutes=1)
    first, second = LONG_AGO, LONG_AGO + timedelta(days=1)
    await enter(
        node,
        rows_of(
            said_of("/yes", begins=comes, since=first),
            said_of("/yes", State.OPTED_IN, begins=comes, since=second),
            said_of("/no", State.OPTED_IN, begins=comes, since=first),
            said_of("/no", begins=comes, since=second),
        ),
    )

    assert await answers(node, "/yes", comes) == [None, None, "OPTED_OUT"]
    assert await answers(node, "/no", comes) == ["WITHHELD", "WITHHELD", "OPTED_OUT"]


async def test_what_is_to_come_and_was_said_before_overrules_nothing_that_was_said_later(node):
    comes = NOW + timedelta(minutes=1)
    first, second = LONG_AGO, LONG_AGO + timedelta(days=1)
    await enter(
        node,
        rows_of(
            *(said_of("/no", begins=second), said_of("/both", begins=first)),
            said_of("/yes", State.OPTED_IN, begins=second),
            said_of("/no", State.OPTED_IN, begins=comes, since=first),
            said_of("/both", State.OPTED_IN, begins=comes, since=first),
            said_of("/yes", begins=comes, since=first),
        ),
    )

    assert await answers(node, "/no", comes) == ["WITHHELD", "WITHHELD", "OPTED_OUT"]
    assert await answers(node, "/both", comes) == ["WITHHELD", "WITHHELD", "OPTED_OUT"]
    assert await answers(node, "/yes", comes) == [None, None, "OPTED_OUT"]


async def test_what_ends_within_the_hour_ends_at_the_gate(node):
    end = NOW + timedelta(minutes=1)
    await enter(node, rows_of(said_of("/a", ends_at=end)))

    just_before = end - timedelta(microseconds=1)
    assert await answers(node, "/a", just_before) == ["WITHHELD", "WITHHELD", "OPTED_OUT"]
    assert await answers(node, "/a", end) == [None, None, "OPTED_OUT"]


async def test_a_claim_that_ends_with_the_day_is_nobodys_after_it(node):
    midnight = NOW + timedelta(minutes=20)
    members, held, rulings = rows_of(said_of(None, member="m2"))
    held += held_by("m2", "/x", "/y")
    held[-2].valid_to = held[-1].valid_from = midnight.date()
    await enter(node, (members, held, rulings))

    just_before = midnight - timedelta(microseconds=1)
    assert await answers(node, "/x", just_before) == ["WITHHELD", "WITHHELD", "OPTED_OUT"]
    assert await answers(node, "/x", midnight) == [None, None, "OPTED_OUT"]
    assert await answers(node, "/y", just_before) == [None, None, "OPTED_OUT"]
    assert await answers(node, "/y", midnight) == ["WITHHELD", "WITHHELD", "OPTED_OUT"]


async def test_a_page_is_the_sites_on_the_days_on_which_a_claim_to_it_counts(node):
    today = NOW.date()
    members, held, _ = rows_of(claims=("/always", "/over", "/now", "/later"))
    _, over, now, later = held
    over.valid_to = now.valid_from = today
    later.valid_from = now.valid_to = today + timedelta(days=1)
    await enter(node, (members, held))

    async def pages(at):
        policy = await policy_of(node, now=at)
        return [one.path for one in held if served(policy, "a.example", one.path)]

    assert await pages(NOW) == ["/always", "/now"]
    assert await pages(NOW + timedelta(minutes=20)) == ["/always", "/later"]


async def test_what_is_said_of_the_whole_of_a_claims_own_address_is_told(node):
    await enter(node, rows_of(said_of("/x$"), claims=("/x",)))

    assert await answers(node, "/x") == ["WITHHELD", "WITHHELD", "OPTED_OUT"]
    assert await answers(node, "/x/y") == [None, None, None]


@pytest.mark.parametrize(("host", "wildcard"), [("a.example", False), ("b.a.example", True)])
async def test_anothers_narrower_host_is_its_own_below_a_claim_on_all(node, host, wildcard):
    members, _, rulings = rows_of(said_of(None, member="m2"))
    [of_all], [narrower], [there] = (
        held_by(*one) for one in (("m1", "/x"), ("m2", "/"), ("m1", "/q"))
    )
    of_all.wildcard, narrower.host, narrower.wildcard = True, host, wildcard
    there.host = host
    await enter(node, (members, [of_all, narrower, there], rulings))

    policy = await policy_of(node)
    index = await index_of(node, [UrlKey(host, "/x")])
    why = index.why_reserved(UrlKey(host, "/x"), "TRAIN", NOW)
    for gate in (HeldPolicy(policy), HeldPolicy(policy._replace(rulings=None))):
        assert gate.why_withheld([UrlKey(host, "/x")], "TRAIN", NOW) is not None
    assert why == Reason.WITHHELD


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
    holder = SiteTermsHolder(here, SiteMemory(here))

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


async def test_processes_of_a_site_that_ask_at_once_are_told_what_one_reading_found(
    node, monkeypatch
):
    await enter(node, rows_of(said_of("/a")))
    readings_begun, read = [], module.site_facts

    async def counted(session, code, member):
        readings_begun.append(member)
        return await read(session, code, member)

    monkeypatch.setattr(module, "site_facts", counted)
    here = Here()
    holder = SiteTermsHolder(here, SiteMemory(here))

    async def ask():
        async with node.read() as session:
            return await holder.terms(session, "m1")

    first, second = await asyncio.gather(ask(), ask())

    assert (first, readings_begun) == (second, ["m1"])


async def test_what_is_kept_is_bounded(node, monkeypatch):
    await enter(node, (*rows_of(said_of("/a"))[:2], [said_of("/a")]))
    monkeypatch.setattr("federation.nodes.site_memory.KEPT_BYTES_MAX", 10)
    here = Here()
    memory = SiteMemory(here)
    holder = SiteTermsHolder(here, memory)

    async with node.read() as session:
        for member in ("m1", "m2", "m1"):
            await holder.asked_elsewhere(session, member)
            await holder.terms(session, member)

            assert memory.members == [member]


async def test_of_a_member_that_is_gone_nothing_is_kept(node):
    await enter(node, rows_of(said_of("/a")))
    here = Here()
    memory = SiteMemory(here)
    holder = SiteTermsHolder(here, memory)

    async def ask(method):
        async with node.read() as session:
            await method(session, "m1")

    for method in (holder.terms, holder.asked_elsewhere):
        await enter(node, rows_of(said_of("/a")))
        await ask(holder.terms)
        assert memory.size > 0
        assert len(holder._turns) == 0
        await enter(node, ())
        with pytest.raises(UnknownMemberError):
            await ask(method)

        assert (memory.members, memory.size) == ([], 0)


async def test_on_more_places_than_a_question_names_the_same_is_read(node, monkeypatch):
    claims = ("/x/", "/n")
    rulings = [said_of(path) for path in ("/", "/x/y$", "/q", "/n*1", "/n/2")]
    await enter(node, rows_of(*rulings, claims=claims))
    few = (await policy_of(node)).site
    monkeypatch.setattr("federation.claimindex.near_store.PLACES_AT_ONCE", 1)

    many = (await policy_of(node)).site

    assert [each.subject for each in few.optouts] == [
        f"a.example{path}" for path in ("/", "/n*1", "/n/2", "/x/y$")
    ]
    assert msgspec.structs.replace(many, iat=0) == msgspec.structs.replace(few, iat=0)
