"""What a node makes of released money: the admin fee of the month it belongs to, not today's."""

from datetime import UTC, date, datetime

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import select

from federation.distribution.tables import DistributedRun, MemberAdjustment
from federation.ledger import store as ledger
from federation.metering.periods import PeriodNotOverError
from federation.releases.claiming import UnknownHeldClaimError, receive_refusal, receive_release
from federation.releases.release_check import HeldClaimStateError, ReleaseMismatchError
from federation.settlement.messages import RunApproved
from federation.settlement.rates import Rates
from federation.settlement.run_document import encode
from federation.store.canonical import sha256_hex
from federation.store.messages import BadMessageError
from federation.suspense.messages import HeldRefused, HeldReleased, ReleasedItem, ReleasedPayment
from federation.suspense.release import Direct, Held, licensor_entry, paid_directly
from federation.suspense.tables import HeldClaim
from federation.trust.parties import UnknownPartyError
from tests.databases import HUB_TERMS, a_party, refused
from tests.settlement.runs import a_collective, a_document

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
CLAIM = "HC-GB-000001"
TODAYS = 2_000
SETTLED = {"2026-08": 500, "2026-09": 1_500, "2026-10": 1_000}  # {month: admin fee in bps}


def a_distribution(period, admin_fee_bps):
    terms = a_collective("GBP", admin_fee_bps=admin_fee_bps)
    document = a_document(
        {}, collectives={"GB": terms}, reports={}, period=period, first_period="2026-08"
    )
    run_id = sha256_hex(period.encode())
    message = RunApproved(run_id, encode(document).decode(), [], [], [])
    return DistributedRun(
        period=period,
        run_id=run_id,
        distribution_id="d" * 64,
        document=msgspec.json.encode(message),
        members="[]",
        received=0,
        domestic=0,
        admin_fee=0,
        outstanding="{}",
        recorded_at=NOW,
    )


@pytest.fixture
async def node(database):
    """GB, which settled three months with three admin fees, and filed a claim on held money."""
    async with database.write("setup") as session:
        session.add(a_party("HUB", terms=HUB_TERMS))
        for period, admin_fee_bps in SETTLED.items():
            session.add(a_distribution(period, admin_fee_bps))
        session.add(
            HeldClaim(
                id=CLAIM,
                node="GB",
                url_key="orphan.example/a",
                url_digest=sha256_hex(b"orphan.example/a"),
                claim_id="claim",
                member_id="gb-b",
                evidence="contract",
                state="FILED",
                filed_by="grace",
                filed_at=NOW,
            )
        )
    return database


def a_release(*months, claim=CLAIM):
    """Release 33.33 GBP of each month."""
    items = [
        ReleasedItem(month, "HUB-000001", "UNMATCHED", "3997", "EUR", "3997") for month in months
    ]
    payments = [
        ReleasedPayment(month, sha256_hex(month.encode()), f"ADJ-{month}-{CLAIM}", "3333", "GBP")
        for month in months
    ]
    return HeldReleased(claim, "documents seen", items, payments)


def receiving(message):
    return lambda session: receive_release(
        session, message, node="GB", admin_fee_bps=TODAYS, currency="GBP", now=NOW
    )


async def fees_and_amounts(database):
    """Return {month: (fee in the books, what the member gets)}."""
    async with database.read() as session:
        journal = await ledger.journal(session)
        rows = await session.scalars(select(MemberAdjustment).order_by(MemberAdjustment.id))
        gets = {row.service_period: row.amount for row in rows}
    fees = {}
    for entry, postings in journal:
        for posting in postings:
            if posting.credit == "Income:GB:AdminFee":
                fees[entry.document.split("/")[1]] = posting.amount
    return {month: (fees.get(month, 0), amount) for month, amount in gets.items()}


async def test_a_release_bears_the_admin_fee_of_its_month_in_each_of_its_months(node):
    """The month before the first one settled here bears today's."""
    async with node.write("release") as session:
        await receiving(a_release("2026-07", *SETTLED))(session)

    assert await fees_and_amounts(node) == {
        "2026-07": (666, 2_667),
        "2026-08": (166, 3_167),
        "2026-09": (499, 2_834),
        "2026-10": (333, 3_000),
    }


async def test_a_release_for_no_claim_of_this_node_is_refused(node):
    message = a_release("2026-09", claim="HC-GB-000002")

    await refused(node, UnknownHeldClaimError, receiving(message))


async def test_a_release_is_paid_by_another_that_is_admitted(node):
    message = a_release("2026-09")

    for payer, refusal in (("GB", BadMessageError), ("DE", UnknownPartyError)):
        of_payer = msgspec.structs.replace(message, payer=payer)
        await refused(node, refusal, receiving(of_payer))


def but(part, **changes):
    """Return a release of September of which an item or the payment is another."""
    message = a_release("2026-09")
    [of_part] = getattr(message, part)
    return replace(message, **{part: [replace(of_part, **changes)]})


def of_de(amount="3333", **changes):
    """Return what DE releases of September in its own licence, a second message of the claim."""
    name = f"ADJ-2026-09-{CLAIM}-DE-EUR"
    item = ReleasedItem("2026-09", "DE-000001", "UNMATCHED", "3997", "EUR", "3997")
    paid = ReleasedPayment("2026-09", sha256_hex(b"2026-09"), name, amount, "GBP")
    return replace(
        HeldReleased(CLAIM, "documents seen", [item], [paid], "DE"),
        **changes,
    )


WRONG = {
    "another currency": (but("payments", currency="EUR"), "is in EUR, not GBP"),
    "more than its items": (but("payments", amount="3334"), "is 3333, not 3334"),
    "nothing": (but("payments", amount="0"), "is 3333, not 0"),
    "more cleared than released": (but("items", cleared="9997"), "clears to 3997"),
    "an id of another month": (
        but("payments", payment_id=f"ADJ-2026-10-{CLAIM}"),
        "is not what HUB pays for 2026-09",
    ),
    "an id of another claim": (
        but("payments", payment_id="ADJ-2026-09-HC-GB-000002"),
        "is not what HUB pays",
    ),
    "no items": (replace(a_release("2026-09"), items=[]), "is not what HUB pays"),
    "an item twice": (
        replace(a_release("2026-09"), items=a_release("2026-09").items * 2),
        "not each licence of HUB once",
    ),
    "a month twice": (
        replace(a_release("2026-09"), payments=a_release("2026-09").payments * 2),
        "a month is paid twice",
    ),
    "a licence of a licensor": (but("items", licence="DE-000001"), "not each licence of HUB"),
    "another run": (but("payments", run_id="0" * 64), "is no run of 2026-09 here"),
    "the run of another month": (
        but("payments", run_id=sha256_hex(b"2026-10")),
        "is no run of 2026-09 here",
    ),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_release_that_does_not_follow_is_refused_and_the_right_one_is_taken(node, name):
    message, detail = WRONG[name]

    found = await refused(node, ReleaseMismatchError, receiving(message))

    assert detail in found.detail
    async with node.write("release") as session:
        await receiving(a_release("2026-09"))(session)
    assert await fees_and_amounts(node) == {"2026-09": (499, 2_834)}


async def test_a_release_is_of_months_that_are_over_and_settled_here(node):
    """November is not over; October is settled, and what lies beyond waits for its own run."""
    await refused(node, PeriodNotOverError, receiving(a_release("2026-11")))
    later = datetime(2026, 12, 20, 9, tzinfo=UTC)

    async def receive(session):
        await receive_release(
            session,
            a_release("2026-11"),
            node="GB",
            admin_fee_bps=TODAYS,
            currency="GBP",
            now=later,
        )

    found = await refused(node, ReleaseMismatchError, receive)

    assert found.detail == "2026-11 is not settled here yet"


async def test_a_claim_is_decided_once_and_each_holder_pays_it_once(node):
    async with node.write("joined") as session:
        session.add(a_party("DE"))

    def refusal(session):
        return receive_refusal(session, HeldRefused(CLAIM, "no"), node="GB", now=NOW)

    async with node.write("release") as session:
        await receiving(a_release("2026-09"))(session)
    wrong = await refused(node, ReleaseMismatchError, receiving(of_de("3334")))
    async with node.write("release") as session:
        await receiving(of_de())(session)
    again = [
        await refused(node, HeldClaimStateError, act)
        for act in (receiving(a_release("2026-08")), receiving(of_de()), refusal)
    ]

    assert wrong.detail == f"ADJ-2026-09-{CLAIM}-DE-EUR is 3333, not 3334"
    assert [each.detail for each in again] == [
        f"{CLAIM} of GB is ACCEPTED",
        f"ADJ-2026-09-{CLAIM}-DE-EUR is released already",
        f"{CLAIM} of GB is ACCEPTED",
    ]


async def decision(database):
    async with database.read() as session:
        row = await session.get(HeldClaim, CLAIM)
        return row.state, row.decision, row.decided_by


async def test_a_licensors_release_is_taken_where_what_the_hub_said_was_dropped(node):
    async with node.write("joined") as session:
        session.add(a_party("DE"))

    async with node.write("release") as session:
        await receiving(of_de())(session)

    assert await decision(node) == ("ACCEPTED", "documents seen", "HUB")
    assert await fees_and_amounts(node) == {"2026-09": (499, 2_834)}
    await refused(node, HeldClaimStateError, receiving(a_release("2026-09")))


async def test_a_claimant_hears_of_each_licensor_that_releases_nothing_once_and_why(node):
    async with node.write("joined") as session:
        session.add_all([a_party("DE"), a_party("FR")])

    def nothing(holder, reason="corrected\nFR releases nothing: ha"):
        message = HeldRefused(CLAIM, reason, holder)
        return lambda session: receive_refusal(session, message, node="GB", now=NOW)

    await refused(node, UnknownPartyError, nothing("XX"))
    async with node.write("release") as session:
        await receiving(a_release("2026-09"))(session)
    async with node.write("nothing") as session:
        await nothing("DE")(session)
    found = await refused(node, HeldClaimStateError, nothing("DE"))
    assert found.detail == f"{CLAIM}: DE has said so already"
    async with node.write("nothing") as session:
        await nothing("FR", "sold")(session)

    of_de = "DE releases nothing: corrected FR releases nothing: ha"
    said = f"documents seen\n{of_de}\nFR releases nothing: sold"
    assert await decision(node) == ("ACCEPTED", said, "HUB")


async def test_a_claim_of_which_a_licensor_releases_nothing_waits_no_more(node):
    """Two people here dropped what the hub said: it has accepted the claim all the same."""
    async with node.write("joined") as session:
        session.add(a_party("DE"))
    message = HeldRefused(CLAIM, "corrected meanwhile", "DE")

    async with node.write("nothing") as session:
        await receive_refusal(session, message, node="GB", now=NOW)

    why = "DE releases nothing: corrected meanwhile"
    assert await decision(node) == ("ACCEPTED", why, "HUB")
    async with node.write("refused") as session:
        (await session.get(HeldClaim, CLAIM)).state = "REFUSED"

    def again(session):
        return receive_refusal(session, replace(message, holder="HUB"), node="GB", now=NOW)

    for act in (again, lambda s: receive_refusal(s, message, node="GB", now=NOW)):
        await refused(node, HeldClaimStateError, act)


RATES = {
    period: Rates("EUR", {"GBP": ("2026-09-30", "0.85"), "JPY": ("2026-09-30", "184.21")})
    for period in ("2026-08", "2026-09")
}

YEN_FOR_A_CENT = {"2026-09": Rates("EUR", {"JPY": ("2026-09-30", "45")})}  # 0.45


def held_item(item, amount, *, licence="DE-000001", period="2026-09", currency="EUR"):
    return Held(
        item=item,
        licence=licence,
        period=period,
        run_id=sha256_hex(period.encode()),
        reason="UNMATCHED",
        amount=amount,
        currency=currency,
    )


def test_what_a_licensor_releases_is_converted_once_for_each_month_and_licence_currency():
    """One unit at a time each would round to nothing or to one."""
    items = [
        held_item(1, 3, licence="DE-000001"),
        held_item(2, 4, licence="DE-000002/train"),
        held_item(3, 100, licence="DE-000003", currency="JPY"),
        held_item(4, 7, period="2026-08"),
    ]

    found = paid_directly(items, RATES, "GBP")

    assert [(part.period, part.currency, part.amount, part.paid) for part in found] == [
        ("2026-08", "EUR", 7, 6),  # 5.95
        ("2026-09", "EUR", 7, 6),
        ("2026-09", "JPY", 100, 46),  # 46.14
    ]
    assert found[1].by_licence == {"DE-000001": 3, "DE-000002/train": 4}
    assert [part.payment(CLAIM, "DE", "GBP").payment_id for part in found] == [
        "ADJ-2026-08-HC-GB-000001-DE-EUR",
        "ADJ-2026-09-HC-GB-000001-DE-EUR",
        "ADJ-2026-09-HC-GB-000001-DE-JPY",
    ]


def test_in_the_claimants_own_currency_it_is_paid_to_the_unit_and_no_rate_is_asked():
    [part] = paid_directly([held_item(1, 33, currency="GBP")], {"2026-09": Rates("EUR", {})}, "GBP")

    assert part.paid == 33


def test_what_comes_to_no_unit_of_the_claimants_currency_stays_held():
    one, two = held_item(1, 1), held_item(2, 1)

    assert paid_directly([one], YEN_FOR_A_CENT, "JPY") == []
    assert paid_directly([one, two], YEN_FOR_A_CENT, "JPY") == [
        Direct(period="2026-09", currency="EUR", items=(one, two), paid=1)
    ]


def test_what_has_no_rate_in_its_month_stays_held_and_the_rest_is_paid():
    stale = Rates("EUR", {"JPY": ("2026-08-31", "184.2")}, on=date(2026, 9, 30))
    items = [
        held_item(1, 33),
        held_item(2, 500, licence="DE-000002", currency="CHF"),
        held_item(3, 500, licence="DE-000003", currency="JPY"),
    ]

    assert paid_directly(items, {"2026-09": stale}, "EUR") == [
        Direct(period="2026-09", currency="EUR", items=(items[0],), paid=33)
    ]


def test_a_licensor_gives_its_own_member_what_it_held_in_another_currency_through_its_exchange():
    [part] = paid_directly([held_item(1, 1_000, currency="JPY")], RATES, "EUR")

    entry = licensor_entry(
        part,
        licensor="DE",
        node="DE",
        claim="HC-DE-000001",
        url_key="orphan.example/a",
        member="de-a",
        currency="EUR",
        on=NOW.date(),
    )

    assert [(row.debit, row.credit, row.amount, row.currency) for row in entry.postings] == [
        ("Liabilities:DE:Suspense:Unmatched", "Equity:DE:Clearing", 1_000, "JPY"),
        ("Equity:DE:Clearing", "Liabilities:DE:Members", 543, "EUR"),  # 5.4286
    ]
