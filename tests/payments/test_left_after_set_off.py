"""A debtor of whose remittance a part was set off leaves the net: it gets back what it paid."""

import pytest

from federation.corrections.net_returned import receive_returned
from federation.netting.messages import NetReturned
from federation.payments import incoming
from federation.payments import service as payments_service
from federation.payments.postings import Amount
from federation.payments.set_off import TooMuchSetOffError
from federation.treasury import bankword
from tests.banking.bank import Ntry, Tx, statement
from tests.databases import HUB_TERMS, refused
from tests.federation.harness import nothing_changes, resumed, tell
from tests.payments.debtors import (
    AGAIN,
    AGREE,
    CANCEL,
    OPEN_ACCOUNT,
    OVERPAYMENTS,
    REFUND,
    SET_OFF,
    TOO_MUCH,
    confirmed,
)
from tests.payments.month import (
    AFTER_DUE,
    APPROVE,
    EXPORT,
    approve_all,
    banks_speak,
    dues,
    export_all,
    orders,
    waited_for,
)

P = "PAY-2026-09-"
NAME, WHOLE = f"{P}GB-HUB", 1_784_765
OF_NET = "2026-09-GB-HUB"
SETTLE = """mutation { settleWithItems(entry: "%s", items: [%s]) {
  ... on BankMatch { id act } ... on Refused { code message } } }"""

AGREE_TO_ITEMS = """mutation { approveSettlement(entry: "%s") {
  ... on BankMatch { id act } ... on Refused { code message } } }"""


async def settle(small, entry, *items):
    """Say at the hub what a bank entry was for: (kind, reference, signed minor units)."""
    said = ", ".join(
        f'{{ kind: {kind}, ref: "{ref}", amount: "{minor}" }}' for kind, ref, minor in items
    )
    found = await small.at("HUB", "settlement").ask(SETTLE % (entry, said))
    assert "code" not in found, found
    if found["act"] == "PROPOSED":  # beyond what an officer settles alone
        await small.at("HUB", "approver").ask(AGREE_TO_ITEMS % entry)


async def hub_bank(small, number, *entries, opening, closing):
    """The hub's bank says what was booked on its account in pounds."""
    said = statement(
        *entries,
        opening=opening,
        closing=closing,
        currency="GBP",
        statement_id=f"STM-{number}",
        sequence=number,
    )
    return await small.at("HUB", "settlement").post("/banking/files", said, "application/xml")


def in_pounds(amount, reference, e2e=None, direction="CRDT"):
    """Return a booked entry in pounds, of one transaction."""
    txs = (Tx(amount, direction=direction, e2e=e2e),)
    return Ntry(amount, direction, reference=reference, currency="GBP", txs=txs)


async def set_off_of_50_pounds(small):
    """GB had paid the hub 50.00 GBP too much: two people set that off against what it owes."""
    officer = small.at("HUB", "settlement")
    await officer.ask(OPEN_ACCOUNT)
    came = in_pounds("50.00", "B1")
    await hub_bank(small, 1, came, opening="0.00", closing="50.00")
    await officer.ask(TOO_MUCH)
    both = small.at("HUB", "two-hats", "settlement_officer")
    target = {"kind": "REMITTANCE_IN", "ref": NAME, "reason": "as GB asked"}
    number = (await both.ask(SET_OFF, id="OP-1-1", **target))["id"]
    await small.at("HUB", "approver").ask(AGREE, id=number)
    await small.silence()


async def export_gb(small):
    await approve_all(small, "GB")
    await export_all(small, "GB")


async def left_after_a_set_off(small, *, is_at_bank):
    """GB leaves while its order lies with the bank, which had it before the set-off or after.

    The bank pays the order all the same. 50.00 GBP of what it had before are too much again.
    """
    steps = [export_gb, set_off_of_50_pounds] if is_at_bank else [set_off_of_50_pounds, export_gb]
    for step in steps:
        await step(small)
    await confirmed(small, "GB")
    paid, minor = (NAME, WHOLE) if is_at_bank else (f"{NAME}/2", WHOLE - 5_000)
    assert (await orders(small, "GB"))[paid] == (minor, "GBP", "EXPORTED")
    async with small.databases["GB"].write("test") as session:
        payment = await payments_service.get_payment(session, paid)
        whole = Amount(minor, "GBP")
        await bankword.book(session, payment, AFTER_DUE.date(), whole, who="bank", at=AFTER_DUE)
    amount = "17847.65" if is_at_bank else "17797.65"
    closing = "17897.65" if is_at_bank else "17847.65"
    came = in_pounds(amount, "B2", e2e=paid)
    await hub_bank(small, 2, came, opening="50.00", closing=closing)
    too_much = [("OVERPAYMENT", NAME, 5_000)] if is_at_bank else []
    await settle(small, "2", ("REMITTANCE_IN", NAME, WHOLE - 5_000), *too_much)
    left = await small.at("HUB", "auditor").rows(OVERPAYMENTS)
    of_net = [(OF_NET, str(WHOLE))]
    over = [("OP-2-2", "5000")] if is_at_bank else []
    assert [(row["id"], row["left"]["minor"]) for row in left] == [*over, *of_net]


@pytest.mark.parametrize("is_at_bank", [False, True])
async def test_what_was_set_off_before_a_debtor_left_comes_back_with_what_it_paid(
    any_backend, owing, is_at_bank
):
    async with resumed(any_backend, owing) as small:
        await left_after_a_set_off(small, is_at_bank=is_at_bank)
        # What remains with the hub itself has an id of its own, known to both.
        assert (await waited_for(small, "HUB"))[f"{NAME}+L1"] == (11_321, "GBP", "EXPECTED")
        assert (await orders(small, "GB"))[f"{NAME}+L1"] == (11_321, "GBP", "PROPOSED")
        await approve_all(small, "GB")
        async with nothing_changes(small, "GB"):
            person = small.at("GB", "settlement")
            held = await tell(small, "GB", person, EXPORT, currency="EUR", on="2026-10-13")
        assert held.code == "NOT_PAID_BACK"

        await small.at("HUB", "settlement").ask(REFUND, id=OF_NET)
        await small.silence()

        refund = f"REFUND-{OF_NET}"
        assert (await waited_for(small, "GB"))[refund] == (WHOLE, "GBP", "EXPECTED")
        await small.at("HUB", "clerk", "settlement_approver").ask(APPROVE, ids=[refund])
        await small.at("HUB", "settlement").ask(EXPORT, currency="GBP", on="2026-10-13")
        opening, closing = ("17897.65", "163.21") if is_at_bank else ("17847.65", "113.21")
        went, came = (  # both are settled by themselves: the ids name one thing each
            in_pounds("17847.65", "B3", e2e=refund, direction="DBIT"),
            in_pounds("113.21", "B4", e2e=f"{NAME}+L1"),
        )
        await hub_bank(small, 3, went, came, opening=opening, closing=closing)
        async with small.databases["GB"].write("test") as session:
            whole = Amount(WHOLE, "GBP")
            await incoming.receive(session, refund, "GB", AFTER_DUE.date(), whole)
        await export_all(small, "GB")
        await banks_speak(small, "GB", but=("HUB",))

        assert (await waited_for(small, "HUB"))[f"{NAME}+L1"] == (11_321, "GBP", "BOOKED")
        found = await dues(small)
        assert "Due:GB" not in found["HUB"]
        # GB explains what it paid too much itself, by entries of its bank.
        assert found.get("GB", {}) == ({} if is_at_bank else {"Due:HUB": {"GBP": -5_000}})


async def test_no_more_goes_back_or_is_set_off_of_a_net_than_the_whole_remittance(
    any_backend, owing
):
    async with resumed(any_backend, owing) as small:
        await left_after_a_set_off(small, is_at_bank=False)
        async with small.databases["HUB"].read() as session:
            run = (await incoming.store.find_incoming(session, NAME)).run_id

        def returned(refunded, set_off, undone="0"):
            message = NetReturned(
                run_id=run,
                period="2026-09",
                refund=f"REFUND-{OF_NET}",
                refunded=refunded,
                currency="GBP",
                against=f"{NAME}+L1",
                set_off=set_off,
                undone=undone,
            )
            return lambda session: receive_returned(
                session, message, here="GB", terms=HUB_TERMS, now=AFTER_DUE
            )

        too_much = await refused(
            small.databases["GB"], TooMuchSetOffError, returned("1773445", "11321")
        )
        assert too_much.detail == f"{NAME}: 1784766 of 1784765"

        async with small.databases["GB"].write("test") as session:
            await returned("1773444", "11321")(session)
        async with small.databases["GB"].read() as session:
            rows = [
                await payments_service.get_payment(session, name) for name in (NAME, f"{NAME}/2")
            ]
            kept = [(row.amount, row.taken_as_paid, row.used_otherwise) for row in rows]
        assert kept == [(WHOLE, 5_000, 11_321), (WHOLE - 5_000, 0, 0)]
        async with small.databases["GB"].write("test") as session:
            await incoming.receive(
                session, f"REFUND-{OF_NET}", "GB", AFTER_DUE.date(), Amount(1_773_444, "GBP")
            )
        await export_gb(small)
        states = {name: row[2] for name, row in (await orders(small, "GB")).items()}
        assert states[f"{P}GB-DE"] == states[f"{P}GB-FR"] == "EXPORTED"


async def test_what_one_server_proposed_again_does_not_move_the_ids_of_both(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        officer, gets = small.at("HUB", "settlement"), f"{P}HUB-DE"
        await officer.ask(CANCEL, id=gets)
        assert (await officer.ask(AGAIN, id=gets))["id"] == f"{gets}/2"

        await confirmed(small, "GB")

        assert (await orders(small, "HUB"))[f"{gets}+L1"] == (92_191, "EUR", "PROPOSED")
        waited = await waited_for(small, "DE")
        assert waited[f"{gets}+L1"] == (92_191, "EUR", "EXPECTED")
        assert f"{gets}/2" not in waited
