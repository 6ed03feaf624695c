"""The hub sends whatever it likes: a node follows what agrees with its own books, nothing else."""

from datetime import UTC, datetime

import pytest
import pytest_asyncio
from msgspec.structs import replace

from federation.scenario import documents as ask
from tests.adversary.hostile_hub import HostileHub, Lie, but, other_document
from tests.federation.harness import (
    HUB,
    PERIOD,
    lived,
    open_for_business,
    resumed,
    small_federation,
    tell,
    write_scenario,
)
from tests.federation.test_objections import CONCUR, OBJECT, SETTLE, advise

BEFORE, AFTER = datetime(2026, 10, 10, tzinfo=UTC), datetime(2026, 10, 11, 0, 1, tzinfo=UTC)

def of_terms(name, part, **fields):
    """Return a run by other terms: the hub's, or those of a collective."""

    def change(document):
        if part == "hub":
            return replace(document, hub=replace(document.hub, **fields))
        if part == "weights":
            return replace(document, weights=replace(document.weights, **fields))
        own = replace(document.collectives[part], **fields)
        return replace(document, collectives={**document.collectives, part: own})

    return Lie(name, "FR", other_document(change))


LIES = [
    Lie("more is set off than is owed", "FR", but(set_off="1"), "NO_SUCH_DEBIT"),
    Lie("a debit is given up that is none", "FR", but(waived="123456789"), "NO_SUCH_DEBIT"),
    of_terms("a higher fee", "hub", fee_bps=900),
    of_terms("a higher fee of national licences", "hub", national_fee_bps=900),
    of_terms("a wider band", "hub", fee_band_bps=(0, 10_000)),
    of_terms("a heavier use", "weights", use_weight={"TRAIN": "1", "GROUND": "1", "SEARCH": "9"}),
    of_terms("another admin fee", "FR", admin_fee_bps=10_000),
    of_terms("another currency", "FR", settlement_currency="GBP"),
    of_terms("another plan", "FR", plan="per_usage", base_bps=None),
    of_terms("a minimum that is never reached", "FR", minimum_payment="99999999999"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def advised_past(any_backend, tmp_path_factory):
    folder = tmp_path_factory.mktemp("advised")

    async def live(small):
        await open_for_business(small)
        await advise(small)

    federation = small_federation(any_backend, write_scenario(folder / "files"), folder)
    async with lived(any_backend, federation, live) as past:
        yield past


@pytest.fixture
async def advised(any_backend, advised_past):
    async with resumed(any_backend, advised_past) as small:
        [run] = await small.at(HUB, "auditor").ask("{ runs { runId } }")
        yield small, run["runId"]


async def approved(small, run):
    """Let the hub approve after the window, and lie in its place before it."""

    async def approve():
        small.set_clock(AFTER)
        await small.at(HUB, "approver").ask(ask.APPROVE_RUN, run=run)
        small.set_clock(BEFORE)

    return await HostileHub.instead_of(small, approve, "DE", "FR")


async def follows(hub, node, run):
    [(kind, honest)] = hub.honest[node]
    await hub.send(node, kind, honest)
    found = await hub.small.at(node, "auditor").ask(ask.DISTRIBUTION, period=PERIOD)
    assert (node, found) == (node, {"runId": run})


async def test_a_node_follows_no_run_that_its_books_contradict_and_then_the_honest_one(advised):
    small, run = advised
    hub = await approved(small, run)
    [(kind, honest)] = hub.honest["FR"]
    early = await hub.is_parked("FR", kind, honest, "OBJECTIONS_OPEN")
    small.set_clock(AFTER)
    reasons = {}
    for lie in LIES:
        [(kind, honest)] = hub.honest[lie.node]
        reasons[lie.name] = await hub.lies(lie, kind, honest)

    assert early.endswith("(FR may object until 2026-10-11T00:00:00+00:00)")
    for node in ("DE", "FR"):
        await follows(hub, node, run)
    print(reasons)


async def test_an_objection_is_answered_or_the_run_is_not_followed(advised):
    small, run = advised
    await small.at("FR", "settlement").ask(OBJECT, run=run, reason="counted twice")
    await small.silence()
    await small.at(HUB, "settlement").ask(SETTLE, run=run)
    hub = await approved(small, run)
    [(kind, honest)] = hub.honest["FR"]
    answered = honest["objection_answered"]
    silent = {name: value for name, value in honest.items() if name != "objection_answered"}
    small.set_clock(AFTER)
    reason = await hub.is_parked("FR", kind, silent, "OBJECTIONS_OPEN")
    await follows(hub, "FR", run)

    assert answered == "as agreed"
    assert reason.endswith("(FR objected and was not answered)")


async def test_who_objected_may_give_in_once_the_window_is_over(advised):
    small, run = advised
    await small.at("FR", "settlement").ask(OBJECT, run=run, reason="counted twice")
    await small.silence()
    await small.at(HUB, "settlement").ask(SETTLE, run=run)
    hub = await approved(small, run)
    [(kind, honest)] = hub.honest["FR"]
    honest.pop("objection_answered")
    early = await tell(small, "FR", small.at("FR", "settlement"), CONCUR, run=run)
    small.set_clock(AFTER)
    await small.at("FR", "settlement").ask(CONCUR, run=run)
    await follows(hub, "FR", run)

    assert early.code == "RUN_ANSWER"
