"""What a licensor holds in its own licences is on the hub's list, and claimed through the hub."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime

import msgspec
import pytest
from sqlalchemy import select

from federation.months import store as months
from federation.months.tables import HeldItem
from federation.payments.proposal import Side
from federation.releases.claiming import NotHeldError, UnknownHeldClaimError, receive_closed
from federation.releases.licensor import ReleaseOrderError, carry_out
from federation.releases.ordering import receive_done, receive_not_released
from federation.releases.release_check import HeldClaimStateError
from federation.store import outbox
from federation.store.database import Database
from federation.store.messages import BadMessageError
from federation.store.messages import opened as opened_message
from federation.store.tables import OutboxMessage
from federation.suspense.elsewhere import HeldStatementError, receive_statement
from federation.suspense.messages import (
    HeldClosed,
    HeldPublished,
    HeldStated,
    NotReleased,
    OrderedItem,
    OrderedRate,
    ReleaseDone,
    ReleasedPayment,
    ReleaseOrdered,
    StatedItem,
)
from federation.suspense.tables import HeldElsewhere, HeldListing, ReleaseOrder
from federation.trust.parties import UnknownPartyError
from federation.trust.principals import SamePersonError
from federation.values.party import HUB
from tests.adversary.staff import CONFIRM, DROP
from tests.databases import contents, opened, refused
from tests.federation.correcting import ADVISE, APPROVE, CALCULATE, OPEN, is_reported
from tests.federation.harness import (
    PERIOD,
    a_line,
    nothing_changes,
    report_lines,
    resumed,
    soon,
)
from tests.federation.holding import (
    CLAIM,
    DECIDE,
    DISPUTE,
    LATE_CLAIM,
    LIST,
    PAYMENTS,
    QUEUE,
    WHY,
    balances,
    code_of,
    moved,
)
from tests.payments.month import approve_all, banks_speak, dues, export_all
from tests.releases.claims import a_claim
from tests.settlementdesk.months import month
from tests.tampering import found_after

LATER = datetime(2026, 10, 20, 9, tzinfo=UTC)
ORPHAN, OTHER_ORPHAN = "https://orphan.example/c", "https://orphan.example/d"
BOTH = "https://both.example/y"
ADJ = "ADJ-2026-09-HC-GB-000001-DE-EUR"
QUEUE_WITH_DECISION = "{ heldClaims { edges { node { id state decision } } } }"
WORK = "{ workList { kind subject why turn } }"
PARKED = "{ parkedMessages(first: 10) { edges { node { id sender stream kind code } } } }"
ELSEWHERE = """{ heldElsewhere(period: "2026-09") { edges { node {
  holder licence reason url amount { minor currency } left { minor } isStated } } } }"""
INCOMING = """{ incomingRemittances(period: "2026-09") {
  id payer state amount { minor currency } } }"""


@pytest.fixture
async def small(any_backend, held_past):
    async with resumed(any_backend, held_past) as small:
        yield small


async def held_at(small, code, url_key):
    """Return what a server holds for an address, in its one licence there."""
    async with small.databases[code].read() as session:
        query = select(HeldItem).where(HeldItem.url_key == url_key)
        [row] = (await session.scalars(query)).all()
        return row.amount


async def register_late(small, code="GB", rows=LATE_CLAIM):
    await small.at(code, "registry").post("/registry/works", rows, "text/csv")
    await small.silence()


async def claimed(small, code, url, member):
    filed = await small.at(code, "settlement").ask(CLAIM, url=url, member=member)
    await small.silence()
    return filed


async def elsewhere(small):
    """Return {address: (who holds it, reason, amount, left, is stated)} as the hub's staff see."""
    rows = await small.at(HUB, "auditor").rows(ELSEWHERE)
    assert {(row["licence"], row["amount"]["currency"]) for row in rows} == {("DE-000001", "EUR")}
    return {
        row["url"]: (
            row["holder"],
            row["reason"],
            int(row["amount"]["minor"]),
            int(row["left"]["minor"]),
            row["isStated"],
        )
        for row in rows
    }


async def listed(small, code="FR"):
    rows = await small.at(code, "settlement").rows(LIST)
    return [(row["holder"], row["reason"], row["url"]) for row in rows]


async def test_an_address_is_listed_with_who_holds_and_each_holder_pays_its_own(small):
    assert await listed(small) == [
        ("HUB", "DISPUTED", "both.example/x"),
        ("HUB", "UNMATCHED", "orphan.example/a"),
        ("HUB", "UNMATCHED", "orphan.example/b"),
        ("HUB", "UNMATCHED", "orphan.example/c"),
        ("DE", "DISPUTED", "both.example/y"),
        ("DE", "UNMATCHED", "orphan.example/c"),
        ("DE", "UNMATCHED", "orphan.example/d"),
    ]
    assert await listed(small, "DE") == await listed(small)
    at_hub = await held_at(small, HUB, "orphan.example/c")
    at_de = await held_at(small, "DE", "orphan.example/c")
    seen = await elsewhere(small)
    assert seen == {
        "both.example/y": (
            "DE",
            "DISPUTED",
            *[await held_at(small, "DE", "both.example/y")] * 2,
            True,
        ),
        "orphan.example/c": ("DE", "UNMATCHED", at_de, at_de, True),
        "orphan.example/d": (
            "DE",
            "UNMATCHED",
            *[await held_at(small, "DE", "orphan.example/d")] * 2,
            True,
        ),
    }
    code, printed = await month(small, "held", "elsewhere", "--period", PERIOD, who="auditor")
    assert (code, printed.splitlines()[0]) == (0, "3 held elsewhere")
    await register_late(small)
    before, owed = await balances(small), await dues(small)

    filed = await claimed(small, "GB", ORPHAN, "gb-b")
    await small.at(HUB, "approver").ask(DECIDE, claim=filed["id"], accept=True)
    await small.silence()

    from_hub, from_de = _half_even(at_hub * 85, 100), _half_even(at_de * 85, 100)
    fee = from_hub * 1500 // 10_000 + from_de * 1500 // 10_000
    assert moved(before, await balances(small)) == {
        ("HUB", "Liabilities:HUB:Suspense:Unmatched", "EUR", ""): at_hub,
        ("HUB", "Liabilities:HUB:Due:GB", "EUR", ""): -at_hub,
        ("DE", "Liabilities:DE:Suspense:Unmatched", "EUR", ""): at_de,
        ("DE", "Liabilities:DE:Due:GB", "EUR", ""): -at_de,
        ("GB", "Liabilities:GB:Due:HUB", "GBP", ""): from_hub,
        ("GB", "Liabilities:GB:Due:DE", "GBP", ""): from_de,
        ("GB", "Income:GB:AdminFee", "GBP", ""): -fee,
        ("GB", "Liabilities:GB:Members", "GBP", "gb-b"): -(from_hub + from_de - fee),
    }
    pays = {"minor": str(from_de), "currency": "GBP"}
    assert await small.at("DE", "auditor").rows(PAYMENTS) == [
        {"id": ADJ, "payee": "GB", "state": "PROPOSED", "amount": pays}
    ]
    waited = await small.at("GB", "auditor").ask(INCOMING)
    assert {"id": ADJ, "payer": "DE", "state": "EXPECTED", "amount": pays} in waited
    steps = await small.at("DE", "auditor").ask(WHY, payment=ADJ)
    assert [(step["label"], step["amount"]["minor"]) for step in steps[1:]] == [
        ("DE-000001", str(from_de))
    ]
    assert await listed(small) == [
        ("HUB", "DISPUTED", "both.example/x"),
        ("HUB", "UNMATCHED", "orphan.example/a"),
        ("HUB", "UNMATCHED", "orphan.example/b"),
        ("DE", "DISPUTED", "both.example/y"),
        ("DE", "UNMATCHED", "orphan.example/d"),
    ]
    assert await elsewhere(small) == seen | {
        "orphan.example/c": ("DE", "UNMATCHED", at_de, 0, True)
    }
    [kept] = await small.at("DE", "settlement").rows(QUEUE)
    assert (kept["id"], kept["node"], kept["state"]) == (filed["id"], "GB", "ACCEPTED")
    assert "release order" not in [row["kind"] for row in await small.at(HUB, "auditor").ask(WORK)]
    again = small.at("GB", "settlement").ask(CLAIM, url=ORPHAN, member="gb-b")
    assert await code_of(again) == "NOT_HELD"

    await approve_all(small, "DE")
    await export_all(small, "DE", on="2026-10-21")
    await banks_speak(small, "DE")
    between = (await dues(small))["DE"].get("GB", {}), (await dues(small))["GB"].get("DE", {})
    assert between == (owed["DE"].get("GB", {}), owed["GB"].get("DE", {}))


def _half_even(numerator, denominator):
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


async def test_a_licensors_own_member_gets_what_it_held_without_an_admin_fee(small):
    """It is domestic: it bore the collecting fee, and nothing is paid between servers."""
    amount = await held_at(small, "DE", "orphan.example/d")
    await register_late(
        small, "DE", b"member_id,claim,content_tier\nde-b,orphan.example/d,standard\n"
    )
    before = await balances(small)

    filed = await claimed(small, "DE", OTHER_ORPHAN, "de-b")
    await small.at(HUB, "approver").ask(DECIDE, claim=filed["id"], accept=True)
    await small.silence()

    assert moved(before, await balances(small)) == {
        ("DE", "Liabilities:DE:Suspense:Unmatched", "EUR", ""): amount,
        ("DE", "Liabilities:DE:Members", "EUR", "de-b"): -amount,
    }
    assert await small.at("DE", "auditor").rows(PAYMENTS) == []
    [home] = await small.at("DE", "settlement").rows(QUEUE)
    assert (home["state"], home["member"]) == ("ACCEPTED", "de-b")
    assert ("DE", "UNMATCHED", "orphan.example/d") not in await listed(small)


async def test_a_dispute_about_what_a_licensor_holds_is_decided_for_one_claim(small):
    amount = await held_at(small, "DE", "both.example/y")
    ours = await claimed(small, "FR", BOTH, "fr-a")
    theirs = await claimed(small, "GB", BOTH, "gb-a")
    approver = small.at(HUB, "approver")
    async with nothing_changes(small):
        contested = approver.ask(DECIDE, claim=ours["id"], accept=True)
        assert await code_of(contested) == "CONTESTED_CLAIM"
    before = await balances(small)

    await approver.ask(DISPUTE, url=BOTH, node="FR", claim=ours["claimId"])
    await small.silence()

    states = {row["id"]: row["state"] for row in await approver.rows(QUEUE)}
    assert states == {ours["id"]: "ACCEPTED", theirs["id"]: "REFUSED"}
    fee = amount * 1200 // 10_000
    assert moved(before, await balances(small)) == {
        ("DE", "Liabilities:DE:Suspense:Disputed", "EUR", ""): amount,
        ("DE", "Liabilities:DE:Due:FR", "EUR", ""): -amount,
        ("FR", "Liabilities:FR:Due:DE", "EUR", ""): amount,
        ("FR", "Income:FR:AdminFee", "EUR", ""): -fee,
        ("FR", "Liabilities:FR:Members", "EUR", "fr-a"): -(amount - fee),
    }


async def test_an_order_waits_on_the_work_list_until_its_licensor_has_carried_it_out(small):
    await register_late(small)
    filed = await claimed(small, "GB", OTHER_ORPHAN, "gb-b")
    await small.stop("DE")
    await small.at(HUB, "approver").ask(DECIDE, claim=filed["id"], accept=True)

    async def accepted():
        [home] = await small.at("GB", "settlement").rows(QUEUE)
        return home["state"] == "ACCEPTED"

    await soon(accepted, what="the decision at GB")
    work = await small.at(HUB, "auditor").ask(WORK)
    assert [row for row in work if row["kind"] == "release order"] == [
        {
            "kind": "release order",
            "subject": "HC-GB-000001/DE",
            "why": "DE is to release what GB claims of orphan.example/d",
            "turn": "DE",
        }
    ]
    waited = await small.at("GB", "auditor").ask(INCOMING)
    assert [row for row in waited if row["payer"] == "DE"] == []  # nothing before it is released
    again = small.at(HUB, "approver").ask(DECIDE, claim=filed["id"], accept=True)
    assert await code_of(again) == "HELD_CLAIM_STATE"
    await small.stop(HUB)  # its attempts to reach DE are written, too
    await nobody_says_that_it_is_done_but_who_was_ordered(small)

    await small.start(HUB, "DE")
    await small.silence()
    waited = await small.at("GB", "auditor").ask(INCOMING)
    assert [row["id"] for row in waited if row["payer"] == "DE"] == [ADJ]
    late = NotReleased("HC-GB-000001", "it is not")
    await refused(
        small.databases[HUB],
        HeldClaimStateError,
        lambda session: receive_not_released(session, "DE", late, LATER),
    )
    work = await small.at(HUB, "auditor").ask(WORK)
    assert [row for row in work if row["kind"] == "release order"] == []


async def nobody_says_that_it_is_done_but_who_was_ordered(small):
    """And it says nothing but what it was ordered, in the claimant's currency."""
    database, run = small.databases[HUB], await run_of(small)
    amount = _half_even(await held_at(small, "DE", "orphan.example/d") * 85, 100)

    def done(sender="DE", claim="HC-GB-000001", *, paid=amount, name=ADJ):
        payment = ReleasedPayment(PERIOD, run, name, str(paid), "GBP")
        message = ReleaseDone(claim, [payment])
        return lambda session: receive_done(session, sender, message, LATER)

    await refused(database, UnknownHeldClaimError, done("FR"))
    await refused(database, UnknownHeldClaimError, done(claim="HC-GB-000002"))
    await refused(database, BadMessageError, done(paid=amount - 1))
    await refused(database, BadMessageError, done(name="ADJ-2026-09-HC-GB-000001-DE-GBP"))

    async def twice(session):
        await done()(session)
        await done()(session)

    await refused(database, HeldClaimStateError, twice)


async def test_an_order_its_licensor_drops_is_ended_and_what_is_left_is_claimed_anew(small):
    """The hub takes DE to hold more than it does: as if a correction had come in between."""
    amount = await held_at(small, "DE", "orphan.example/d")
    await register_late(small)
    seen = await listed(small)
    first = await claimed(small, "GB", OTHER_ORPHAN, "gb-b")
    again = small.at("GB", "settlement").ask(CLAIM, url=OTHER_ORPHAN, member="gb-b")
    assert await code_of(again) == "HELD_CLAIM_STATE"  # it waits
    await hub_has(small, amount + 1)
    books = await balances(small)
    await small.at(HUB, "approver").ask(DECIDE, claim=first["id"], accept=True)
    await small.silence()
    assert ("DE", "UNMATCHED", "orphan.example/d") not in await listed(small)
    [row] = await small.at("DE", "operator").rows(PARKED)
    assert (row["kind"], row["code"]) == ("held.ordered", "NOT_HELD")

    await small.at("DE", "operator").ask(DROP, id=row["id"], reason="corrected meanwhile")
    await small.at("DE", "second-operator").ask(CONFIRM, id=row["id"])
    await small.silence()

    work = await small.at(HUB, "auditor").ask(WORK)
    assert [row for row in work if row["kind"] == "release order"] == []
    assert sorted(await listed(small)) == sorted(seen)
    assert (await elsewhere(small))["orphan.example/d"][3] == amount + 1
    async with small.databases[HUB].read() as session:
        [order] = (await session.scalars(select(ReleaseOrder))).all()
    assert (order.ended_because, order.done_at) == ("corrected meanwhile", None)
    [heard] = await small.at("GB", "settlement").rows(QUEUE_WITH_DECISION)
    said = "documents seen\nDE releases nothing: corrected meanwhile"
    assert heard == {"id": first["id"], "state": "ACCEPTED", "decision": said}
    await after_the_end(small)
    assert await balances(small) == books

    await hub_has(small, amount, first_run="c" * 64)  # such a row was first held by a correction
    second = await claimed(small, "GB", OTHER_ORPHAN, "gb-b")
    assert second["id"] == "HC-GB-000002"
    await small.at(HUB, "approver").ask(DECIDE, claim=second["id"], accept=True)
    await small.silence()
    changes = moved(books, await balances(small))
    assert changes["DE", "Liabilities:DE:Suspense:Unmatched", "EUR", ""] == amount
    assert changes["GB", "Liabilities:GB:Due:DE", "GBP", ""] == _half_even(amount * 85, 100)
    await a_check_names_what_is_ordered_without_being_held(small.databases[HUB], amount)


async def a_check_names_what_is_ordered_without_being_held(database, amount):
    item = "2026-09/DE-000001/UNMATCHED/orphan.example/d"
    more = f"UPDATE settlement_ordered_release SET amount = '{amount + 1}'"
    assert await found_after(database, HUB, more) == {
        "ordered_within_held": [
            f"{item}: {amount + 1} ordered, {amount} held",
            "HC-GB-000002/DE: another amount is told",
        ]
    }
    still = "UPDATE settlement_release_order SET ended_at = NULL"
    assert await found_after(database, HUB, still) == {
        "ordered_within_held": [
            f"{item}: {amount + 1} ordered, {amount} held",
            f"{item}: {2 * amount + 1} ordered, {amount} held",
        ]
    }


async def hub_has(small, amount, first_run=None):
    """Write what the hub takes DE to hold and to have stated for an address."""
    async with small.databases[HUB].write("corrected") as session:
        query = select(HeldElsewhere).where(HeldElsewhere.url_key == "orphan.example/d")
        row = (await session.scalars(query)).one()
        row.amount = row.stated = amount
        row.run_id = first_run or row.run_id


async def after_the_end(small):
    """The licensor may say the same again; it cannot say that it has released it after all."""
    database = small.databases[HUB]

    def ended(sender="DE", claim="HC-GB-000001"):
        message = NotReleased(claim, "another reason")
        return lambda session: receive_not_released(session, sender, message, LATER)

    done = ReleaseDone("HC-GB-000001", [])
    await refused(database, HeldClaimStateError, lambda s: receive_done(s, "DE", done, LATER))
    await refused(database, UnknownHeldClaimError, ended("FR"))
    await refused(database, UnknownHeldClaimError, ended(claim="HC-GB-000002"))
    before = await contents(database)
    async with database.write("again") as session:
        await ended()(session)
    assert await contents(database) == before


async def test_what_a_correction_changes_is_claimed_when_its_licensor_has_stated_it_anew(small):
    listed = await small.at("FR", "settlement").rows(LIST)
    before = {row["url"]: row["amountBand"] for row in listed}
    late = [a_line("l-9", "DE-000001", OTHER_ORPHAN, use="TRAIN", units=9_000)]
    await report_lines(small.lab("lab-one"), late, "late")
    officer, approver = small.at(HUB, "settlement"), small.at(HUB, "approver")
    await officer.ask(OPEN, period=PERIOD)
    await small.silence()
    await soon(lambda: is_reported(small, PERIOD), what="the round's reports")
    await register_late(small)  # after the round: the late line is of an address nobody claims
    filed = await claimed(small, "GB", OTHER_ORPHAN, "gb-b")
    await officer.ask(CALCULATE)
    await officer.ask(ADVISE)
    await small.silence()
    await small.stop("DE")
    await approver.ask(APPROVE)
    decide = approver.ask(DECIDE, claim=filed["id"], accept=True)
    assert await code_of(decide) == "NOT_HELD"
    assert {row[-1] for row in (await elsewhere(small)).values()} == {False}

    await small.start("DE")
    await small.silence()
    async with small.databases["DE"].read() as session:
        query = select(HeldItem.amount).where(HeldItem.url_key == "orphan.example/d")
        first, more = (await session.scalars(query.order_by(HeldItem.id))).all()
    assert more > 0
    after = await small.at("FR", "settlement").rows(LIST)
    bands = {row["url"]: row["amountBand"] for row in after if row["holder"] == "DE"}
    assert (before["orphan.example/d"], bands["orphan.example/d"]) == (
        "below 100 EUR",
        "below 1000 EUR",
    )
    assert bands["orphan.example/c"] == before["orphan.example/c"]
    assert len(after) == len(before) + 1  # orphan.example/c is the hub's as well, and none twice
    books = await balances(small)
    await approver.ask(DECIDE, claim=filed["id"], accept=True)
    await small.silence()
    changes = moved(books, await balances(small))
    assert changes["DE", "Liabilities:DE:Suspense:Unmatched", "EUR", ""] == first + more
    assert changes["GB", "Liabilities:GB:Due:DE", "GBP", ""] == _half_even((first + more) * 85, 100)


@dataclass(frozen=True)
class Kept:
    """Copies of the databases of a federation whose servers are not there."""

    databases: dict[str, Database]


@pytest.fixture
async def kept(any_backend, held_past):
    async with AsyncExitStack() as stack:
        databases: dict[str, Database] = {}
        for code in (HUB, "DE"):
            url = any_backend.copy(held_past.configs[code].database_url)
            copied = await stack.enter_async_context(url)
            databases[code] = await stack.enter_async_context(opened(copied))
        yield Kept(databases)


async def run_of(small):
    async with small.databases[HUB].read() as session:
        return (await months.approved_run(session, PERIOD)).run_id


async def test_a_licensor_states_what_follows_from_the_run_of_its_own_licences_and_once(kept):
    database, run = kept.databases[HUB], await run_of(kept)
    amount = await held_at(kept, "DE", "orphan.example/c")
    at_hub = await held_at(kept, HUB, "orphan.example/c")
    right = StatedItem("DE-000001", "UNMATCHED", "orphan.example/c", str(amount), "EUR")
    other = StatedItem("DE-000001", "UNMATCHED", "orphan.example/d", "1", "EUR")

    def stating(*items, sender="DE", run_id=run, period=PERIOD):
        message = HeldStated(period, run_id, list(items))
        return lambda session: receive_statement(session, sender, message, LATER)

    def changed(**changes):
        return msgspec.structs.replace(right, **changes)

    for wrong in (
        stating(changed(amount=str(amount + 1))),
        stating(changed(amount=str(amount - 1))),
        stating(changed(amount="0")),
        stating(changed(amount="9" * 60)),
        stating(changed(currency="GBP")),
        stating(changed(reason="DISPUTED")),
        stating(changed(url_key="elsewhere.example/")),
        stating(changed(licence="DE-000002")),
        stating(right, right),
        stating(right, other),
        stating(right, sender="FR"),
        stating(right, run_id="0" * 64),
        stating(right, period="2026-08"),
    ):
        await refused(database, HeldStatementError, wrong)
    of_the_hub = stating(changed(licence="HUB-000001", amount=str(at_hub)))
    refusal = await refused(database, HeldStatementError, of_the_hub)
    assert refusal.detail == "HUB-000001 is no licence of DE"
    for amount_text in ("-1", "1e9", "", "9" * 61):
        message = HeldStated(PERIOD, run, [changed(amount=amount_text)])
        await refused(
            database,
            BadMessageError,
            lambda session, message=message: outbox.post(
                session, target="https://x.example", message=message, now=LATER
            ),
        )
    before = await contents(database)
    async with database.write("again") as session:
        await stating(right)(session)  # what it has said already
    assert await contents(database) == before


async def test_what_is_listed_otherwise_is_closed_in_one_message_and_keeps_its_day(kept):
    """Since when an address is held is the day the first of it was, not that of the statement."""
    database, run = kept.databases[HUB], await run_of(kept)
    async with database.write("listed otherwise") as session:
        rows = (await session.scalars(select(HeldElsewhere).order_by(HeldElsewhere.url_key))).all()
        for day, row in enumerate(rows, start=2):
            row.stated, row.held_since = 10_000_000, date(2026, 10, day)
        items = [
            StatedItem(row.licence, row.reason, row.url_key, str(row.amount), row.currency)
            for row in rows
        ]
    last = await posted(database)

    async with database.write("stated") as session:
        await receive_statement(session, "DE", HeldStated(PERIOD, run, items), LATER)

    urls = ["both.example/y", "orphan.example/c", "orphan.example/d"]
    sent = (await posted(database))[len(last) :]
    assert [(row.target, row.kind) for row in sent] == [
        (f"https://{code}.federation.example", kind)
        for kind in ("held.closed", "held.published")
        for code in ("de", "fr", "gb")
    ]
    closed = opened_message(sent[0].body, HeldClosed)
    assert (closed.url_key, closed.also, closed.periods) == (urls[0], urls[1:], [PERIOD])
    published = opened_message(sent[3].body, HeldPublished)
    assert [(item.url_key, item.held_since.day) for item in published.items] == [
        (url, day) for day, url in enumerate(urls, start=2)
    ]
    async with database.read() as session:
        rows = (await session.scalars(select(HeldElsewhere))).all()
    assert [row.stated - row.amount for row in rows] == [0, 0, 0]


async def posted(database):
    """Return the messages that a server has written, oldest first."""
    async with database.read() as session:
        return (await session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))).all()


async def test_every_address_that_a_message_names_is_closed_at_a_node(kept):
    database, many = kept.databases["DE"], [f"orphan.example/{n}" for n in range(600)]
    names = ["orphan.example/c", "orphan.example/d"]

    async with database.write("closed") as session:
        message = HeldClosed(many[0], [PERIOD], LATER.date(), "DE", [*many[1:], *names])
        await receive_closed(session, message)

    async with database.read() as session:
        rows = (await session.scalars(select(HeldListing))).all()
    over = {(row.holder, row.url_key) for row in rows if row.closed_on == LATER.date()}
    assert over == {("DE", name) for name in names}
    assert len(rows) == 7


async def an_order(small):
    """Return what the hub orders of DE for GB: all it holds for orphan.example/c."""
    amount = await held_at(small, "DE", "orphan.example/c")
    return ReleaseOrdered(
        id="HC-GB-000001",
        node="GB",
        url_key="orphan.example/c",
        claim_id="a" * 32,
        filed_by="grace",
        filed_at=LATER,
        decided_by="approver",
        reason="documents seen",
        currency="GBP",
        account=None,
        items=[OrderedItem(PERIOD, "DE-000001", "UNMATCHED", str(amount), "EUR")],
        rates=[OrderedRate(PERIOD, "GBP", datetime(2026, 9, 30, tzinfo=UTC).date(), "0.85")],
    )


async def test_a_licensor_carries_out_no_order_that_its_books_do_not_bear_out(kept):
    database, order = kept.databases["DE"], await an_order(kept)
    [item], [rate] = order.items, order.rates
    amount = int(item.amount)

    def carrying(**changes):
        message = msgspec.structs.replace(order, **changes)
        return lambda session: carry_out(session, message, Side("DE", None), LATER)

    def items(**changes):
        return {"items": [msgspec.structs.replace(item, **changes)]}

    for kind, wrong in (
        (NotHeldError, items(amount=str(amount + 1))),
        (NotHeldError, items(amount="0")),
        (NotHeldError, items(amount="9" * 60)),
        (NotHeldError, items(currency="GBP")),
        (NotHeldError, items(reason="DISPUTED")),
        (NotHeldError, items(licence="DE-000002")),
        (NotHeldError, items(licence="HUB-000001")),
        (NotHeldError, items(period="2026-08")),
        (NotHeldError, {"url_key": "elsewhere.example/"}),
        (NotHeldError, {"items": [item, item]}),
        (UnknownPartyError, {"node": "XX", "id": "HC-XX-000001"}),
        (ReleaseOrderError, {"id": "HC-FR-000001"}),
        (ReleaseOrderError, {"id": "HC-GB-X-000001"}),
        (ReleaseOrderError, {"node": HUB, "id": "HC-HUB-000001", "currency": "EUR", "rates": []}),
        (ReleaseOrderError, {"currency": "EUR"}),
        (ReleaseOrderError, {"rates": [msgspec.structs.replace(rate, rate="8.5")]}),
        (ReleaseOrderError, {"rates": [rate, msgspec.structs.replace(rate, period="2026-08")]}),
        (SamePersonError, {"decided_by": "Grace"}),
        (UnknownHeldClaimError, {"node": "DE", "id": "HC-DE-000001", "currency": "EUR"}),
    ):
        await refused(database, kind, carrying(**wrong))

    async with database.write("of another address") as session:
        session.add(a_claim("DE", "dora", url_key="orphan.example/d"))
    own = {"node": "DE", "id": "HC-DE-000001", "currency": "EUR", "claim_id": "claim-DE"}
    await refused(database, ReleaseOrderError, carrying(**own))
    async with database.write("half") as session:
        await carrying(**items(amount=str(amount // 2)))(session)
    await refused(database, ReleaseOrderError, carrying(**items(amount="1")))  # a second time
    left = amount - amount // 2
    another = {"id": "HC-GB-000002"}
    await refused(database, NotHeldError, carrying(**items(amount=str(left + 1)), **another))
    async with database.write("rest") as session:
        await carrying(**items(amount=str(left)), **another)(session)
    last = {"id": "HC-GB-000003"}
    await refused(database, NotHeldError, carrying(**items(amount="1"), **last))

    assert await found_after(database, "DE") == {}
    more = f"UPDATE settlement_release SET amount = '{left + 1}' WHERE amount = '{left}' AND id = 2"
    assert await found_after(database, "DE", more) == {
        "released_within_held": [
            f"2026-09/DE-000001/UNMATCHED/orphan.example/c: {amount + 1} released, {amount} held"
        ]
    }
    later = "UPDATE settlement_held_item SET held_since = '2026-10-21'"
    assert "released_within_held" in await found_after(database, "DE", later)


async def test_a_hostile_order_is_parked_at_the_licensor_and_changes_nothing(small):
    order = await an_order(small)
    [item] = order.items
    greedy = msgspec.structs.replace(item, amount=str(int(item.amount) + 1))
    message = msgspec.structs.replace(order, items=[greedy])
    before = await balances(small)

    async with small.databases[HUB].write("hostile") as session:
        target = small.running["DE"].config.entity_id
        await outbox.post(session, target=target, message=message, now=LATER)
    small.hurry()

    async def parked():
        return await small.at("DE", "operator").rows(PARKED)

    [row] = await soon(parked, what="the order to be parked")
    assert (row["stream"], row["kind"], row["code"]) == (
        "claim/HC-GB-000001",
        "held.ordered",
        "NOT_HELD",
    )
    assert await balances(small) == before
    assert await small.at("DE", "settlement").rows(QUEUE) == []
    assert await small.at("DE", "auditor").rows(PAYMENTS) == []
