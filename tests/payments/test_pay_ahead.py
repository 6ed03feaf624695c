"""While a debtor that left the net has not paid, members wait, or two people pay them ahead."""

from federation.payments import ahead, incoming
from federation.payments.ahead import (
    AwaitedChangedError,
    MoneyAwaitedError,
    NoPayAheadError,
    NothingAwaitedError,
    PayAheadProposedError,
)
from federation.payments.postings import Amount, Leg
from federation.payments.proposal import Awaited
from tests.databases import refused
from tests.federation.harness import nothing_changes, resumed, tell
from tests.payments.month import (
    AFTER_DUE,
    CONFIRM,
    EXCLUDE,
    MEMBERS,
    approve_all,
    banks_speak,
    export_all,
    orders,
)

DISTRIBUTION = """{ distribution(period: "2026-09") {
  awaited { payer amount { minor currency } } paidAhead { minor } payAhead {
  reason proposedBy confirmedBy } } }"""
WORK = "{ workList { kind subject why turn } }"
STATEMENT = """query($member: String!) {
  memberStatement(period: "2026-09", member: $member) { ... on MemberStatement {
  payable { minor } notPaid { minor } notPaidReason } } }"""
PROPOSE = """mutation($reason: String!) { proposePayAhead(period: "2026-09", reason: $reason) {
  ... on PayAhead { proposedBy confirmedBy } ... on Refused { code message } } }"""
AGREE = """mutation { confirmPayAhead(period: "2026-09") {
  ... on PayAhead { proposedBy confirmedBy } ... on Refused { code message } } }"""
WITHDRAW = """mutation { withdrawPayAhead(period: "2026-09") {
  ... on PayAhead { reason withdrawnBy remittances } ... on Refused { code message } } }"""
GB_OWES = {"payer": "GB", "amount": {"minor": "973703", "currency": "EUR"}}
LAWFUL = "paid from the reserve within the six months of the law"


async def leave(small):
    small.set_clock(AFTER_DUE)
    await small.at("HUB", "settlement").ask(EXCLUDE, node="GB", reason="never paid")
    await small.at("HUB", "approver").ask(CONFIRM, node="GB")
    await small.silence()


async def at_fr(small, document, subject="settlement", role=None, **variables):
    return await tell(small, "FR", small.at("FR", subject, role), document, **variables)


async def of_members(small):
    found = await small.at("FR", "auditor").ask(WORK)
    return [item for item in found if item["kind"] == "members' payments"]


async def distribution(small):
    return await small.at("FR", "auditor").ask(DISTRIBUTION)


async def test_members_wait_for_a_debtor_that_left_the_net_and_this_is_said(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        assert (await distribution(small))["awaited"] == []
        await leave(small)

        async with nothing_changes(small):
            found = await at_fr(small, MEMBERS)
            decided = await at_fr(small, AGREE, "approver")
        assert [found.code, decided.code] == ["MONEY_AWAITED", "NO_PAY_AHEAD"]
        assert await of_members(small) == [
            {
                "kind": "members' payments",
                "subject": "2026-09",
                "why": "GB owes 9737.03 EUR: they wait or are paid ahead",
                "turn": "settlement_officer",
            }
        ]
        assert await distribution(small) == {
            "awaited": [GB_OWES],
            "paidAhead": {"minor": "0"},
            "payAhead": None,
        }

        assert await small.at("FR", "auditor").ask(STATEMENT, member="fr-a") == {
            "payable": {"minor": "662281"},
            "notPaid": {"minor": "662281"},
            "notPaidReason": "MONEY_AWAITED",
        }

        # Once it has paid, they are paid.
        for code in ("HUB", "GB"):
            await approve_all(small, code)
            await export_all(small, code)
            await banks_speak(small, code)
        assert await of_members(small) == []
        answer = await at_fr(small, MEMBERS)
        assert answer.body["data"]["proposeMemberPayments"]["proposed"] == 3
        async with nothing_changes(small):
            late = await at_fr(small, PROPOSE, reason=LAWFUL)
        assert late.code == "NOTHING_AWAITED"


async def test_two_people_pay_members_ahead_and_this_is_said(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        await leave(small)
        async with nothing_changes(small):
            silent = await at_fr(small, PROPOSE, reason=" ")
            no_office = await at_fr(small, PROPOSE, "approver", reason=LAWFUL)
        assert [silent.code, no_office.code] == ["REASON", "NOT_ALLOWED"]

        await at_fr(small, PROPOSE, "two-hats", "settlement_officer", reason=LAWFUL)
        async with nothing_changes(small):
            alone = await at_fr(small, AGREE, "two-hats", "settlement_approver")
            early = await at_fr(small, MEMBERS)
        assert [alone.code, early.code] == ["SAME_PERSON", "MONEY_AWAITED"]
        [item] = await of_members(small)
        assert (item["why"], item["turn"]) == (
            f"two-hats pays them ahead: {LAWFUL}",
            "settlement_approver",
        )

        await at_fr(small, AGREE, "approver")
        assert await of_members(small) == []
        await at_fr(small, MEMBERS)
        await approve_all(small, "FR")
        await export_all(small, "FR")
        assert {row[0] for row in (await orders(small, "FR")).values()} == {
            662_281,
            120_415,
            120_414,
        }
        assert await distribution(small) == {
            "awaited": [GB_OWES],
            "paidAhead": {"minor": "903110"},
            "payAhead": {"reason": LAWFUL, "proposedBy": "two-hats", "confirmedBy": "approver"},
        }


async def test_a_proposal_is_withdrawn_by_those_who_propose(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        await leave(small)
        await at_fr(small, PROPOSE, reason=LAWFUL)
        async with nothing_changes(small):
            no_office = await at_fr(small, WITHDRAW, "approver")
        assert no_office.code == "NOT_ALLOWED"

        answer = await at_fr(small, WITHDRAW)

        assert answer.body["data"]["withdrawPayAhead"] == {
            "reason": LAWFUL,
            "withdrawnBy": "settlement",
            "remittances": ["PAY-2026-09-GB-FR"],
        }
        assert (await distribution(small))["payAhead"] is None
        [item] = await of_members(small)
        assert item["turn"] == "settlement_officer"


async def test_what_was_proposed_before_the_debtor_left_is_not_exported(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        await at_fr(small, MEMBERS)
        await approve_all(small, "FR")
        await leave(small)

        async with nothing_changes(small):
            [held_up] = await export_all(small, "FR")
        assert held_up.code == "MONEY_AWAITED"


PERIOD = "2026-09"
OFFICER, APPROVER = {"who": "two-hats", "at": AFTER_DUE}, {"who": "approver", "at": AFTER_DUE}


async def leaves(database, debtor, amount):
    """Let a debtor leave the net at FR, which waits for its part."""
    async with database.write("test") as session:
        owed = Amount(amount, "EUR")
        awaited = Awaited(
            incoming_id=f"PAY-2026-09-{debtor}-FR",
            run="ab" * 32,
            period=PERIOD,
            payer=debtor,
            amount=owed,
            debt=Leg(f"Liabilities:FR:Due:{debtor}", owed),
            due_on=AFTER_DUE.date(),
            is_net=False,
        )
        incoming.expect(session, awaited)


async def decide(database, act, who, *reason):
    async with database.write("test") as session:
        return await act(session, PERIOD, *reason, **who)


async def test_a_decision_is_about_the_debtors_that_had_left_by_then(database):
    await leaves(database, "GB", 10_000)
    await decide(database, ahead.propose, OFFICER, LAWFUL)
    await decide(database, ahead.confirm, APPROVER)
    async with database.read() as session:
        await ahead.require_money(session, PERIOD)

    await leaves(database, "DE", 100_000_000)

    found = await refused(
        database, MoneyAwaitedError, lambda session: ahead.require_money(session, PERIOD)
    )
    assert found.detail == "2026-09: DE owes 1000000.00 EUR"

    second = await decide(database, ahead.propose, OFFICER, LAWFUL)
    await decide(database, ahead.confirm, APPROVER)
    assert second.remittances == '["PAY-2026-09-DE-FR"]'
    async with database.read() as session:
        await ahead.require_money(session, PERIOD)


async def test_nobody_confirms_what_has_changed_since_it_was_proposed(database):
    await leaves(database, "GB", 10_000)
    await decide(database, ahead.propose, OFFICER, LAWFUL)
    await leaves(database, "DE", 100_000_000)

    found = await refused(
        database,
        AwaitedChangedError,
        lambda session: ahead.confirm(session, PERIOD, **APPROVER),
    )
    assert found.detail == "2026-09: DE owes 1000000.00 EUR, GB owes 100.00 EUR"

    for debtor, amount in (("GB", 10_000), ("DE", 100_000_000)):
        async with database.write("test") as session:
            name = f"PAY-2026-09-{debtor}-FR"
            await incoming.receive(session, name, "FR", AFTER_DUE.date(), Amount(amount, "EUR"))
    await refused(
        database,
        NothingAwaitedError,
        lambda session: ahead.confirm(session, PERIOD, **APPROVER),
    )


async def test_a_second_proposal_with_another_reason_is_refused_and_names_the_first(database):
    await leaves(database, "GB", 10_000)
    first = await decide(database, ahead.propose, OFFICER, LAWFUL)

    same = await decide(database, ahead.propose, OFFICER, LAWFUL)
    found = await refused(
        database,
        PayAheadProposedError,
        lambda session: ahead.propose(session, PERIOD, "another", **OFFICER),
    )

    assert same.id == first.id
    assert found.detail == f"2026-09, by two-hats: {LAWFUL}"


async def test_a_proposal_is_withdrawn_and_made_anew_and_a_decision_is_not(database):
    await leaves(database, "GB", 10_000)
    await refused(
        database, NoPayAheadError, lambda session: ahead.withdraw(session, PERIOD, **OFFICER)
    )
    first = await decide(database, ahead.propose, OFFICER, LAWFUL)
    for _ in range(2):
        assert (await decide(database, ahead.withdraw, OFFICER)).id == first.id
    await refused(
        database, NoPayAheadError, lambda session: ahead.confirm(session, PERIOD, **APPROVER)
    )

    second = await decide(database, ahead.propose, OFFICER, "another")
    await decide(database, ahead.confirm, APPROVER)

    assert second.id != first.id
    found = await refused(
        database, NoPayAheadError, lambda session: ahead.withdraw(session, PERIOD, **OFFICER)
    )
    assert found.detail == "2026-09: approver confirmed it"
