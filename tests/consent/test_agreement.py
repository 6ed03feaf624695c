"""All who decide about consent, and an oracle written from SETTLEMENT, agree on random histories.

Of what names them all see `everybody.py`. One refusal more opens nothing anywhere, whoever knows of
it first, and what was answered stays as it was known then.
"""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from federation.addresses.urls import normalise_subject
from federation.claimindex import delta_store
from federation.clock import SettableClock
from federation.consent.states import NO_USE, PARTY, State
from federation.history.kinds import Saying
from federation.registry import edits
from federation.registry.edits import Edit
from federation.registry.imports import NewOptOut
from tests.consent import pages
from tests.consent.everybody import USES, Everybody, disagreeing, reasons, without_reasons
from tests.consent.pages import Said, is_page_open
from tests.databases import HUB_TERMS, a_party, opened
from tests.kit.javascript import javascript
from tests.registry.registries import deltas, import_claims, import_members, receive

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
STEPS = 3
PUBLISHED = {State.PUBLISHED_ALLOW, State.PUBLISHED_DISALLOW}
RECORDS = [state for state in State if state not in PUBLISHED]
NOS = [State.OPT_OUT, State.RESERVED_EX_ANTE, State.WITHHELD, State.WITHDRAWN]
YESES = [State.OPTED_IN, State.MANDATED, State.EXTENDED]

__all__ = ["javascript"]  # a fixture

instants = st.integers(-2, 2).map(lambda hours: NOON + hours * HOUR)


def a_record(states, uses=("*", *USES), subjects=pages.SUBJECTS, sources=(None,)):
    """A record, which may have been said for longer than its subject is where it is."""
    return st.builds(
        Said,
        subject=st.sampled_from(subjects),
        state=st.sampled_from(states),
        use=st.sampled_from(uses),
        effective_at=instants,
        ends_at=st.none() | st.just(NOON + 3 * HOUR),
        source=st.sampled_from(sources),
        length=st.just(0),
        since=st.none() | st.integers(-5, -3).map(lambda hours: NOON + hours * HOUR),
    )


rules = st.builds(
    Said,
    subject=st.sampled_from(pages.PATTERNS),
    state=st.sampled_from(sorted(PUBLISHED)),
    use=st.sampled_from(["*", "TRAIN"]),
    effective_at=instants,
    ends_at=st.none(),
    source=st.sampled_from(["s1", "s2"]),
    length=st.just(0),
    since=st.none(),
).map(lambda one: one._replace(length=len(one.subject.removesuffix("*")) - len("x.example")))
PARTIES = {"subjects": pages.OF_PARTIES, "sources": (f"{PARTY}1", f"{PARTY}2")}
# Of what is agreed to in some territories only nothing is said where none is asked.
histories = st.lists(
    st.tuples(
        st.integers(0, STEPS - 1),
        a_record(RECORDS) | a_record(YESES, (NO_USE, *USES)) | a_record(RECORDS, **PARTIES) | rules,
    ),
    min_size=1,
    max_size=7,
    unique_by=lambda one: one[1],
)
QUESTIONS = (histories, a_record(NOS) | a_record(NOS, **PARTIES), st.sampled_from(USES), instants)
# Histories are short as they are, and each takes a new node and a new hub: none is made shorter.
ON_DATABASES = settings(
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@settings(ON_DATABASES, max_examples=4)
@given(*QUESTIONS)
async def test_all_who_decide_agree(backend, javascript, history, no, use, at):
    await all_agree(backend, javascript, history, no, use, at)


@pytest.mark.slow
@settings(ON_DATABASES, max_examples=15)
@given(*QUESTIONS)
async def test_all_who_decide_agree_on_more(backend, javascript, history, no, use, at):
    await all_agree(backend, javascript, history, no, use, at)


@pytest.mark.thorough
@settings(ON_DATABASES, max_examples=100)
@given(*QUESTIONS)
async def test_all_who_decide_agree_on_many(backend, javascript, history, no, use, at):
    await all_agree(backend, javascript, history, no, use, at)


async def all_agree(backend, javascript, history, no, use, at):
    """Live a history in steps, ask everybody after it, add a refusal and ask everybody again."""
    clock = SettableClock(NOON)
    async with a_node_and_a_hub(backend, javascript, clock) as all_:
        known, answers = [], {}
        for step in range(STEPS):
            clock.instant = now = NOON + step * HOUR
            for said in (said for number, said in history if number == step):
                await record(all_.node, said, now)
                known.append(said)
            await tell(all_)
            answers[now + HOUR / 2] = expected(known, use, at)
        before = await all_agree_with(all_, known, use, at)
        await what_was_answered_stays(all_, answers, use, at)

        clock.instant = NOON + STEPS * HOUR
        await record(all_.node, no, clock())
        await the_hub_that_is_behind_says_no_as_well(all_, [*known, no], use, at)
        await tell(all_)
        after = await all_agree_with(all_, [*known, no], use, at)
        assert [who for who, said in after.items() if opened_by(before[who], said)] == []
        await what_was_answered_stays(all_, answers, use, at)


@asynccontextmanager
async def a_node_and_a_hub(backend, javascript, clock):
    async with (
        backend.url(migrated=True) as node_url,
        backend.url(migrated=True) as hub_url,
        opened(node_url) as node,
        opened(hub_url, clock=clock) as hub,
    ):
        async with node.write("setup") as session:
            session.add(a_party("HUB", terms=HUB_TERMS))
        await import_members(node)
        claims = [
            f"{member},{host}{path},standard,,,,,"
            for host, path, member in pages.CLAIMED
            if host != "copy.example"
        ]
        await import_claims(node, *claims, "m2,copy.example,standard,,x.example/a/b,2500,,")
        all_ = Everybody(node, hub, javascript=javascript)
        await all_.sell()
        yield all_


async def record(node, said, now):
    member, key = None, None
    if said.subject.startswith("member:"):
        member = said.subject.removeprefix("member:")
    else:
        key = normalise_subject(said.subject)
    new = NewOptOut(
        member, key, said.use, said.effective_at, State(said.state), said.source, said.since
    )
    async with node.write("record") as session:
        edit = Edit(opt_outs=[(new, said.ends_at, None)])
        await edits.write(session, "DE", edit, Saying("rosa", "a test", now))


def expected(known, use, at):
    """Return {page: why not} by the oracle, which knows no reasons."""
    return without_reasons({page: is_page_open(page, known, use, at) for page in pages.PAGES})


async def all_agree_with(all_, known, use, at):
    """Return what everybody answers, which is what the oracle says."""
    policies = await all_.policies(at)
    asked = await all_.asked(pages.PAGES, use, at, policies)
    assert disagreeing(asked, expected(known, use, at)) == {}
    assert disagreeing(asked, asked["consent"]) == {}
    await of_several_uses_a_token_is_for_those_that_are_open(all_, at)
    if not is_page_open(pages.MEANT, known, use, at):  # no other spelling opens it
        for who, said in all_.gates(policies, pages.ODD, use, at).items():
            assert [page for page, why in said.items() if why is None] == [], who
    return asked


async def tell(all_):
    """Carry to the hub what the node has said and the hub has not heard."""
    async with all_.hub.read() as session:
        told = await delta_store.version_of(session, "DE")
    await receive(all_.hub, *(await deltas(all_.node))[told:])


async def what_was_answered_stays(all_, answers, use, at):
    for known_at, then in answers.items():
        asked = {
            "consent": await all_.consent(pages.PAGES, use, at, known_at),
            "rights at the node": await all_.rights_at_node(pages.PAGES, use, at, known_at),
            "rights at the hub": reasons(await all_.draft(pages.PAGES, use, at, known_at)),
        }
        assert disagreeing(asked, then) == {}, known_at


async def the_hub_that_is_behind_says_no_as_well(all_, known, use, at):
    """Of what the node has just recorded the hub hears by the node's own word."""
    items = await all_.hub_with_nodes_word(pages.PAGES, use, at)
    heard = {item.url: item.reason for item in items if item.url != pages.NOBODYS}
    assert disagreeing({"the hub behind": heard}, expected(known, use, at)) == {}


async def of_several_uses_a_token_is_for_those_that_are_open(all_, at):
    by_use = [await all_.consent(pages.PAGES, use, at) for use in USES]
    any_open = {page: any(said[page] is None for said in by_use) for page in pages.PAGES}
    asked = {code: await all_.minting(code, pages.PAGES, USES, at) for code in ("DE", "HUB")}
    assert disagreeing(asked, without_reasons(any_open)) == {}


def opened_by(before, after):
    return {page for page, why in after.items() if why is None and before[page] is not None}
