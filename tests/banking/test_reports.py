"""The bank's word on orders (pain.002): taken, refused, or of others."""

import pytest

from federation.banking.service import UnknownOrderError
from federation.payments.states import PaymentStateError
from tests.banking.bank import Ntry, Tx, statement, status_report
from tests.banking.counter import (
    DUE,
    PAYMENT,
    TRANSIT,
    books,
    exported,
    set_up,
    state_of,
    take,
    taking,
)
from tests.databases import contents, refused

OTHER = "PAY-2026-09-HUB-DE"


async def test_a_payment_the_bank_refuses_is_owed_as_before(database):
    await set_up(database)
    file = await exported(database)
    assert await books(database) == {DUE: 10_000, TRANSIT: -10_000}

    done = await take(database, status_report((PAYMENT, "RJCT", "AC04"), original=file))

    assert (done.reported, await state_of(database)) == (1, ("REJECTED", "AC04"))
    assert await books(database) == {}


@pytest.mark.parametrize("version", [3, 12, 15])
async def test_a_file_refused_whole_refuses_each_of_its_payments(database, version):
    await set_up(database)
    file = await exported(database)
    await exported(database, payment_id=OTHER)

    report = status_report(original=file, group="RJCT", reason="DU01", version=version)
    done = await take(database, report)

    assert done.reported == 1
    assert await state_of(database) == ("REJECTED", "DU01")
    assert await state_of(database, OTHER) == ("EXPORTED", None)


@pytest.mark.parametrize("group", ["PART", "RCVD"])
async def test_a_refused_payment_block_refuses_its_payments_whatever_the_group_says(
    database, group
):
    await set_up(database)
    file = await exported(database)
    block = b"<PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>"
    end = b"</OrgnlPmtInfAndSts>"
    data = status_report((PAYMENT, "RJCT", None), original=file, group=group)
    start = data.index(b"<TxInfAndSts>")

    done = await take(database, data[:start] + block + data[data.index(end) :])

    assert (done.reported, await state_of(database)) == (1, ("REJECTED", "AC04"))


async def test_what_the_bank_took_it_has_not_paid(database):
    await set_up(database)
    file = await exported(database)

    await take(database, status_report((PAYMENT, "ACSP", None), original=file))
    assert await state_of(database) == ("ACCEPTED", None)
    await take(database, status_report((PAYMENT, "PDNG", None), original=file))
    assert await state_of(database) == ("ACCEPTED", None)

    entry = Ntry("100.00", "DBIT", "B1", txs=(Tx("100.00", "DBIT", e2e=PAYMENT),))
    await take(database, statement(entry, closing="-100.00"))
    assert await state_of(database) == ("BOOKED", None)


async def test_the_same_report_again_changes_nothing(database):
    await set_up(database)
    report = status_report((PAYMENT, "RJCT", "AC04"), original=await exported(database))
    await take(database, report)
    before = await contents(database)

    done = await take(database, report)

    assert (done.is_known, done.reported) == (True, 0)
    assert await contents(database) == before


async def test_a_report_on_orders_of_others_is_refused_whole(database):
    await set_up(database)
    file = await exported(database)

    for report, said in (
        (status_report((PAYMENT, "RJCT", "AC04"), ("X-1", "RJCT", None), original=file), "X-1"),
        (status_report(original="PAY-HUB-000099", group="RJCT"), "PAY-HUB-000099"),
    ):
        found = await refused(database, UnknownOrderError, taking(report))
        assert found.code == "UNKNOWN_ORDER"
        assert said in found.message


async def test_what_was_paid_is_not_refused_afterwards(database):
    await set_up(database)
    file = await exported(database)
    entry = Ntry("100.00", "DBIT", "B1", txs=(Tx("100.00", "DBIT", e2e=PAYMENT),))
    await take(database, statement(entry, closing="-100.00"))

    report = status_report((PAYMENT, "RJCT", "AC04"), original=file)
    assert (await refused(database, PaymentStateError, taking(report))).code == "PAYMENT_STATE"
