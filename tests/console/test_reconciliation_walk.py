"""A month's bank file from upload to reconciled, by forms only: two people, and the same books."""

import re

import httpx
import pytest
import pytest_asyncio

from tests.banking.counter import books, states
from tests.console.bank_desk import (
    APPROVER,
    BOOKED,
    FILE,
    OFFICER,
    bank_house,
    chosen,
    register,
    upload,
)
from tests.console.visitors import signed_in

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(any_backend, tmp_path_factory):
    async with bank_house(any_backend, tmp_path_factory.mktemp("hub")) as place:
        yield place


async def test_a_bank_file_is_reconciled_by_forms_of_two_people(desk):
    server = desk.service.server
    async with httpx.AsyncClient(timeout=30) as http:
        alice = await signed_in(server, http, "alice", OFFICER)
        ben = await signed_in(server, http, "ben", APPROVER)
        empty = await alice.see("/reconciliation")
        assert "No account at a bank is registered yet." in empty.words
        assert (await register(alice)).location == "/reconciliation/files?said=open-account"

        status, verdict = await upload(alice, FILE)
        again = await upload(alice, FILE)
        assert (status, verdict["entries"], verdict["matched"]) == (200, len(BOOKED), 0)
        assert (again[0], again[1]["again"], again[1]["entries"]) == (200, True, 0)

        page = await alice.see("/reconciliation")
        assert "6 Main · 11,490.01 EUR not settled" in page.words
        assert (await alice.send(page.form("match-best", "1"))).status == 303
        form = page.form("match-selection")
        charge = {"kind.0": "BANK_CHARGE", "ref.0": "HUB-000002"}
        done = await alice.send(form, **chosen(("2", 249000), _2=250000), **charge)
        assert done.location == "/reconciliation?said=match-selection"
        form = (await alice.see("/reconciliation")).form("match-selection")
        both = chosen(("3", 15000), ("4", 25000), _3=40000)
        assert (await alice.send(form, **both)).status == 303

        page = await alice.see("/reconciliation/entries/5")
        lines = {
            "kind.0": "INVOICE",
            "ref.0": "HUB-000004",
            "amount.0": "7000.00",
            "kind.1": "OVERPAYMENT",
            "ref.1": "HUB-000004",
        }
        assert (await alice.send(page.form("entry-items"), **lines, reason="a cent")).status == 303

        page = await alice.see("/reconciliation/entries/6?suggestion=1")
        form = page.form("entry-items")
        assert (form.fields["ref.0"], form.fields["amount.0"]) == ("HUB-000005", "900.00")
        assert form.fields["amount.1"] == "-300.00"
        lines = {"kind.0": "INVOICE", "kind.1": "BANK_CHARGE", "note.1": "advice 7"}
        assert (await alice.send(form, **lines)).status == 303
        waits = await alice.see("/reconciliation/entries/6")
        assert "waits for approval" in waits.words
        assert (
            "alice, 19 Oct 2026, 09:00 UTC" in (await ben.see("/reconciliation/exceptions")).words
        )
        await another_takes_its_place(alice, ben, lines)
        page = await ben.see("/reconciliation/entries/6")
        assert (await ben.send(page.form("entry-approve"))).status == 303

        page = await ben.see("/reconciliation/entries/1")
        assert (await ben.send(page.form("entry-undo"), reason="look again")).status == 303
        page = await alice.see("/reconciliation/entries/1")
        assert "taken back" in page.words
        assert (await alice.send(page.form("entry-suggestion"))).status == 303
        await a_cent_goes_back(alice, ben)
        over = await alice.see("/reconciliation")
        report = await alice.see("/reconciliation/files")

    assert "Every entry is settled." in over.words
    assert "✓ adds up" in report.words
    assert "Not settled 0.00 EUR" in report.words
    assert await states(desk.database) == [(number, "SETTLED") for number in range(1, 7)]
    assert await books(desk.database) == {
        "Assets:HUB:Bank": 1149001,
        "Assets:HUB:Receivable": 55000,
        "Expenses:HUB:BankCharges": 31000,
        "Liabilities:HUB:Suspense:Overpaid": -1,
        "Liabilities:HUB:Unearned": -1235000,
    }


async def another_takes_its_place(alice, ben, lines):
    """Take back what waits, and propose anew: what ben saw before is not approved any more."""
    stale = (await ben.see("/reconciliation/entries/6")).form("entry-approve")
    page = await alice.see("/reconciliation/entries/6")
    assert (await alice.send(page.form("entry-undo"), reason="a slip")).status == 303
    page = await alice.see("/reconciliation/entries/6?suggestion=1")
    assert (await alice.send(page.form("entry-items"), **lines)).status == 303
    other = await ben.send(stale)
    assert (other.status, "ENTRY_NOT_SETTLED" in other.alert) == (422, True)


async def a_cent_goes_back(alice, ben):
    """Set the cent too much off, take that back, and propose to pay it back: each by two people."""
    path, what = "/reconciliation/overpayments", {"ref": "HUB-000006", "reason": "as she asked"}
    page = await alice.see(path)
    assert "lab:lab-one HUB-000004 0.01 EUR 0.01 EUR" in page.words
    form = page.form("set-off")
    assert (await alice.send(form, kind="INVOICE", **what)).status == 303
    own = (await alice.see(path)).text
    assert 'value="approve-set-off"' not in own
    approved = await ben.send((await ben.see(path)).form("approve-set-off"))
    assert approved.location == f"{path}?said=approve-set-off"
    assert "invoice HUB-000006 0.01 EUR \u2713 approved" in (await alice.see(path)).words
    undo = (await alice.see(path)).form("undo-set-off")
    assert (await alice.send(undo, reason="not hers")).status == 303
    assert (await ben.send((await ben.see(path)).form("confirm-undo"))).status == 303
    page = await alice.see(path)
    assert "! taken back" in page.words
    assert (await alice.send(page.form("refund"))).location == f"{path}?said=refund"
    waits = await alice.see("/payments?state=OUTSTANDING")  # the bank said no account
    assert re.search(r"REFUND-OP-5-2 refund, .* 0.01 EUR ! without an account", waits.words)
    one = await alice.see("/payment?id=REFUND-OP-5-2")
    refused = await alice.send(one.form("name-payee-account"), name="Lab One", account="DE00")
    assert (refused.status, "BAD_ACCOUNT" in refused.alert) == (422, True)
