"""The hub sends whatever it likes: a node follows what agrees with its own books, nothing else."""

from datetime import UTC, datetime

import pytest
import pytest_asyncio
from msgspec.structs import replace

from federation.scenario import documents as ask
from federation.settlement.run_document import ComponentInRun
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


def of_weights(name, node="FR", **changes):
    """Return a run with other weights, by licence key and party; None takes a row out."""

    def change(document):
        rows = {(key, party): weight for key, party, weight in document.shares_by}
        rows |= {tuple(where.split()): weight for where, weight in changes["rows"].items()}
        shares_by = [(*where, weight) for where, weight in rows.items() if weight]
        document = replace(document, shares_by=shares_by)
        origins, licences = changes.get("origins", {}), dict(document.licences)
        for number, origin in origins.items():
            licences[number] = replace(licences[number], weights_from={number: origin})
        return replace(document, licences=licences)

    return Lie(name, node, other_document(change))


def without_report(document):
    """Return a run for which two people are said to have declared FR's report missing."""
    reports = {code: digest for code, digest in document.reports.items() if code != "FR"}
    rows = [(key, f"~LATE:{party}" if party == "FR" else party, weight)
            for key, party, weight in document.shares_by]
    return replace(document, reports=reports, shares_by=rows)


def without_licence(number):
    """Return a change of a run that leaves a licence out."""

    def change(document):
        licences = {name: terms for name, terms in document.licences.items() if name != number}
        rows = [row for row in document.shares_by if row[0] != number]
        return replace(document, licences=licences, shares_by=rows)

    return change


def of_month(name, period):
    """Return a run of another month, with nothing in it: what was outstanding would be paid."""

    def change(document):
        first = min(period, document.first_period)
        return replace(
            document,
            period=period,
            first_period=first,
            licences={},
            shares_by=[],
            rates={},
            classes={},
        )

    return Lie(name, "FR", other_document(change))


def of_licence(name, **fields):
    """Return a run that states DE's licence otherwise."""

    def change(document):
        terms = replace(document.licences[DE_1], **fields)
        return replace(document, licences={**document.licences, DE_1: terms})

    return Lie(name, "DE", other_document(change))


def invented(document):
    """Return a run with a licence of DE that DE never sold."""
    number = "DE-000002"
    terms = document.licences[DE_1]
    zero, origin = {number: "0"}, {number: "none"}
    more = replace(terms, recognised_before=zero, brought_forward=zero, weights_from=origin)
    return replace(document, licences={**document.licences, number: more})


def other_report(document):
    """Return a run that is built on another report of FR."""
    return replace(document, reports={**document.reports, "FR": "0" * 64})


HUB_1, DE_1, WHO = "HUB-000001", "DE-000001", ("DE", "FR", "GB")
DEAR = ComponentInRun(None, ["GROUND", "TRAIN"], "TOKEN", "99999999999")
LIES = [
    of_month("October before September", "2026-10"),
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
    of_weights("our weight is less", rows={f"{HUB_1} FR": "1"}),
    of_weights("our weight is more", rows={f"{HUB_1} FR": "9" * 30}),
    of_weights("our weight is none", rows={f"{HUB_1} FR": None}),
    of_weights(
        "nothing was used", rows=dict.fromkeys([f"{HUB_1} {who}" for who in WHO]),
        origins={HUB_1: "none"},
    ),
    of_weights("earlier months stand in", rows={}, origins={HUB_1: "earlier"}),
    of_weights("weight without usage", rows={"HUB-000002 FR": "1"}),
    Lie("our report is missing", "FR", other_document(without_report)),
    Lie("another report", "FR", other_document(other_report)),
    Lie("a licence that we were used under", "FR", other_document(without_licence(HUB_1))),
    Lie("our own licence is left out", "DE", other_document(without_licence(DE_1))),
    Lie("a licence that we never sold", "DE", other_document(invented)),
    of_licence("a dearer licence of ours", components=[DEAR]),
    of_licence("more came in for it", received="99999999999"),
    of_licence("nothing came in for it", received="0"),
    of_licence("it was sold to another", licensee="lab-two"),
    of_licence("it was sold in another currency", currency="GBP"),
    of_licence("it began later", starts_on="2026-09-02"),
    of_licence("it ended early", ended_on="2026-10-31"),
    of_licence("it holds for nobody", unclaimed="exclude"),
    of_licence("a month before took it all", recognised_before={DE_1: "365000"}),
    of_licence("a month before left more", brought_forward={DE_1: "1"}),
]
AFTERWARDS = [
    of_month("September once more", PERIOD),
    of_month("a month before", "2026-08"),
    of_month("the month after the next", "2026-11"),
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
    [(kind, honest)] = hub.honest["FR"]
    for lie in AFTERWARDS:
        reasons[lie.name] = await hub.lies(lie, kind, honest)
    await hub.is_parked("FR", kind, honest, "RUN_MISMATCH")
    print(reasons)


async def test_a_month_that_was_cut_off_here_is_followed_before_the_next(advised):
    small, run = advised
    hub = await approved(small, run)
    small.set_clock(AFTER)
    [(kind, honest)] = hub.honest["FR"]
    await hub.send("FR", "run.withdrawn", {"run_id": run, "reason": "a mistake"})
    await hub.lies(of_month("October", "2026-10"), kind, honest)
    withdrawn = await hub.is_parked("FR", kind, honest, "RUN_MISMATCH")

    assert withdrawn.endswith(f"({run[:16]} was not advised as the run of a month)")


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
