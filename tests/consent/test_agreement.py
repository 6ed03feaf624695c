"""Node, hub, metering and an oracle written from SETTLEMENT say the same of random histories."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.addresses.urls import normalise_subject, normalise_url
from federation.consent.states import State
from federation.history.kinds import Saying
from federation.licensing import rights
from federation.licensing.rights import Question
from federation.metering.verdicts import RESERVED, Terms, place
from federation.registry import edits, index_store, own_store
from federation.registry.edits import Edit
from federation.registry.imports import NewOptOut
from tests.consent import pages
from tests.consent.pages import Said, is_page_open
from tests.databases import HUB_TERMS, a_party, opened
from tests.registry.registries import deltas, import_claims, import_members, receive

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PUBLISHED = {State.PUBLISHED_ALLOW, State.PUBLISHED_DISALLOW}

instants = st.integers(-2, 2).map(lambda hours: NOON + hours * HOUR)
records = st.builds(
    Said,
    subject=st.sampled_from(pages.SUBJECTS),
    state=st.sampled_from([state for state in State if state not in PUBLISHED]),
    use=st.sampled_from(["*", "TRAIN", "SEARCH"]),
    effective_at=instants,
    ends_at=st.none() | st.just(NOON + 3 * HOUR),
    source=st.none(),
    since=st.none(),
)
rules = st.builds(
    Said,
    subject=st.sampled_from(pages.PATTERNS),
    state=st.sampled_from(sorted(PUBLISHED)),
    use=st.sampled_from(["*", "TRAIN"]),
    effective_at=instants,
    ends_at=st.none(),
    source=st.sampled_from(["s1", "s2"]),
    since=st.none(),
).map(lambda one: one._replace(length=len(one.subject.removesuffix("*")) - len("x.example")))
histories = st.lists(
    st.tuples(st.integers(0, 2), records | rules),
    min_size=1,
    max_size=7,
    unique_by=lambda one: one[1],
)


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(histories, st.sampled_from(["TRAIN", "SEARCH"]), instants)
async def test_everybody_who_is_asked_says_the_same(backend, history, use, at):
    async with (
        backend.url(migrated=True) as node_url,
        backend.url(migrated=True) as hub_url,
        opened(node_url) as node,
        opened(hub_url) as hub,
    ):
        await settle_in(node)
        answers = {}
        for step in range(3):
            for number, said in history:
                if number == step:
                    await record(node, said, NOON + step * HOUR)
            known = [said for number, said in history if number <= step]
            answers[step] = [is_page_open(page, known, use, at) for page in pages.PAGES]
            assert [is_open_at_node(one) for one in await of_node(node, use, at)] == answers[step]
        await receive(hub, *await deltas(node))

        for step, before in answers.items():
            known_at = NOON + step * HOUR + HOUR / 2
            then = await of_node(node, use, at, known_at)
            assert [is_open_at_node(one) for one in then] == before
        assert [is_open_at_node(one) for one in await of_hub(hub, use, at)] == answers[2]
        assert await of_metering(node, hub, use, at) == [answers[2], answers[2]]


def is_open_at_node(item):
    assert (item.status == "RESERVED") == (item.reason is not None)
    return item.status != "RESERVED"


async def settle_in(node):
    async with node.write("setup") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
    await import_members(node)
    rows = [
        f"{member},{host}{path},standard,,,,,"
        for (host, path), member in pages.CLAIMED.items()
        if host != "copy.example"
    ]
    await import_claims(node, *rows, "m2,copy.example,standard,,x.example/a/b,2500,,")


async def record(node, said, now):
    member, key = None, None
    if said.subject.startswith("member:"):
        member = said.subject.removeprefix("member:")
    else:
        key = normalise_subject(said.subject)
    new = NewOptOut(member, key, said.use, said.effective_at, State(said.state), said.source)
    async with node.write("record") as session:
        edit = Edit(opt_outs=[(new, said.ends_at, None)])
        await edits.write(session, "DE", edit, Saying("rosa", "a test", now))


async def of_node(node, use, at, known_at=None):
    async with node.read() as session:
        asked = Question(pages.PAGES, use, at, known_at)
        return (await rights.own_rights(session, asked, HUB_TERMS, "DE")).items


async def of_hub(hub, use, at):
    async with hub.read() as session:
        draft = await rights.draft(session, Question(pages.PAGES, use, at), HUB_TERMS)
    return [draft.items[page] for page in pages.PAGES]


async def of_metering(node, hub, use, at):
    """Class a line of each page by the node's own registry, and by the hub's index."""
    keys = [normalise_url(page) for page in pages.PAGES]
    async with node.read() as session:
        own = await own_store.own_index(session, "DE", keys)
    async with hub.read() as session:
        known = index_store.claim_index(await index_store.index_slice(session, keys))
    return [
        [
            place(
                index.look_up(key, at),
                use,
                1,
                unclaimed="exclude",
                index=index,
                owner_bps=lambda _: 2500,
                terms=Terms(HUB_TERMS.tier_weight, HUB_TERMS.use_weight),
            ).cls
            != RESERVED
            for key in keys
        ]
        for index in (own, known)
    ]
