"""A debtor that never pays leaves the net; what lay with it is settled with it, and all is even."""

from pathlib import Path

import pytest
import pytest_asyncio
import sepaxml
from lxml import etree

from federation.corrections.left_net import receive_recomputed
from federation.corrections.net_returned import receive_returned
from federation.distribution.inputs import RunMismatchError
from federation.ledger.accounts import Entry, transfer
from federation.ledger.store import post
from federation.months.store import approved_run
from federation.netting.messages import NetRecomputed, NetReturned
from federation.payments import incoming
from federation.payments import service as payments_service
from federation.payments import store as payments_store
from federation.payments.postings import Amount
from federation.payments.set_off import NewDebit, TooMuchSetOffError, owe
from federation.settlement.messages import Between
from federation.treasury import bankword
from tests.banking.bank import Ntry, statement
from tests.databases import HUB_TERMS, refused
from tests.federation.correcting import correct
from tests.federation.gate import answered_during
from tests.federation.harness import a_line, nothing_changes, report_lines, resumed, tell
from tests.payments.debtors import (
    AGAIN,
    AGREE,
    CANCEL,
    NEVER_PAID,
    OPEN_ACCOUNT,
    OVERPAYMENTS,
    REFUND,
    SET_OFF,
    TOO_MUCH,
    confirmed,
)
from tests.payments.factories import HUB_ACCOUNT
from tests.payments.month import (
    AFTER_DUE,
    BEFORE_DUE,
    CONFIRM,
    EXCLUDE,
    approve_all,
    banks_speak,
    dues,
    every_payment_is_explained,
    export_all,
    orders,
    owing_past,
    payments,
    waited_for,
)

pytestmark = pytest.mark.slow  # whole lives of months, on both databases
SCHEMA = etree.XMLSchema(
    etree.parse(Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd")
)

P = "PAY-2026-09-"
OVERPAID = "2026-09-GB-HUB"
UNDO = """mutation($id: ID!) { undoSetOff(id: $id, reason: "GB pays it after all") {
  ... on OverpaymentSetOff { id state undoProposedBy } ... on Refused { code message } } }"""
CONFIRM_UNDO = """mutation($id: ID!) { confirmUndoSetOff(id: $id) {
  ... on OverpaymentSetOff { id state undoneBy undoneAt } ... on Refused { code message } } }"""
CORRECTION = """{ runs(period: "2026-09") { edges { node { runId corrects } } } }"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owing_with_dear_de(any_backend, tmp_path_factory):
    """The same month with so high a fee of DE's that it owes too."""
    folder = tmp_path_factory.mktemp("dear")
    async with owing_past(any_backend, folder, fee_of_de=36_500_000) as past:
        yield past


async def last_correction(small):
    rows = await small.at("HUB", "auditor").rows(CORRECTION)
    return next(row["runId"][:8] for row in rows if row["corrects"])  # the newest first


async def exclude(small, role, subject, document, **variables):
    return await tell(small, "HUB", small.at("HUB", subject, role), document, **variables)


async def everybody_pays(small, *codes):
    for code in codes:
        await approve_all(small, code)
        for answer in await export_all(small, code):
            text = answer.body["data"]["exportPayments"]["text"]
            SCHEMA.assertValid(etree.fromstring(text.encode()))
        await banks_speak(small, code)


async def test_a_debtor_that_never_pays_leaves_and_the_others_are_paid(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        assert await dues(small) == {
            "HUB": {
                "Due:DE": {"EUR": -1_204_893},
                "Due:FR": {"EUR": -1_026_261},
                "Due:GB": {"EUR": 2_099_724},
            },
            "DE": {"Due:HUB": {"EUR": 1_204_893}},
            "FR": {"Due:HUB": {"EUR": 1_026_261}},
            "GB": {"Due:HUB": {"GBP": -1_784_765}},
        }
        await approve_all(small, "HUB")
        async with nothing_changes(small):
            [held_up] = await export_all(small, "HUB")
            assert held_up.code == "NET_UNPAID"

        await confirmed(small, "GB")

        # What a node has lost to the debtor is the difference of its two remittances.
        assert await dues(small) == {
            "HUB": {
                "Due:DE": {"EUR": -92_191},
                "Due:FR": {"EUR": -52_558},
                "Due:GB": {"EUR": 13_319},
            },
            "DE": {"Due:HUB": {"EUR": 92_191}, "Due:GB": {"EUR": 1_112_702}},
            "FR": {"Due:HUB": {"EUR": 52_558}, "Due:GB": {"EUR": 973_703}},
            "GB": {
                "Due:HUB": {"GBP": -11_321},
                "Due:DE": {"GBP": -945_797},
                "Due:FR": {"GBP": -827_648},
            },
        }
        assert await orders(small, "HUB") == {
            f"{P}HUB-DE": (1_204_893, "EUR", "CANCELLED"),
            f"{P}HUB-DE+L1": (92_191, "EUR", "PROPOSED"),
            f"{P}HUB-FR": (1_026_261, "EUR", "CANCELLED"),
            f"{P}HUB-FR+L1": (52_558, "EUR", "PROPOSED"),
        }
        assert await waited_for(small, "HUB") == {
            f"{P}GB-HUB": (1_784_765, "GBP", "EXCLUDED"),
            f"{P}GB-HUB+L1": (11_321, "GBP", "EXPECTED"),
        }
        assert await waited_for(small, "FR") == {
            f"{P}HUB-FR": (1_026_261, "EUR", "EXCLUDED"),
            f"{P}HUB-FR+L1": (52_558, "EUR", "EXPECTED"),
            f"{P}GB-FR": (973_703, "EUR", "EXPECTED"),
        }
        assert await orders(small, "GB") == {
            f"{P}GB-HUB": (1_784_765, "GBP", "CANCELLED"),
            f"{P}GB-HUB+L1": (11_321, "GBP", "PROPOSED"),
            f"{P}GB-DE": (1_112_702, "EUR", "PROPOSED"),
            f"{P}GB-FR": (973_703, "EUR", "PROPOSED"),
        }
        assert {row["payee"]: row["payeeAccount"] for row in await payments(small, "GB")} == {
            "HUB": "DE89370400440532013000",
            "DE": "DE75512108001245126199",
            "FR": "FR1420041010050500013M02606",
        }

        # Nobody waits for the debtor; when it pays late, it pays each of them.
        await everybody_pays(small, "HUB")
        assert (await dues(small)).keys() == {"HUB", "DE", "FR", "GB"}
        assert (await dues(small))["HUB"] == {"Due:GB": {"EUR": 13_319}}
        await everybody_pays(small, "GB")
        assert await dues(small) == {}
        why = await every_payment_is_explained(small)
        assert why["HUB", f"{P}HUB-DE+L1"] == [
            ("received", 1_392_738),
            ("owed", -187_846),
            ("fx_rounding", 1),
            ("GB left the net", -1_112_702),
        ]
        assert why["GB", f"{P}GB-DE"] == [
            ("Between GB and DE since GB left the net", 1_112_702),
        ]
        assert why["GB", f"{P}GB-HUB+L1"] == [("Between GB and HUB since GB left the net", 11_321)]


async def test_a_debtor_that_stays_and_has_paid_is_given_back_what_was_not_for_the_hub(
    any_backend, owing_with_dear_de
):
    async with resumed(any_backend, owing_with_dear_de) as small:
        await everybody_pays(small, "DE")

        await confirmed(small, "GB")

        assert await orders(small, "DE") == {
            f"{P}DE-HUB": (485_722, "EUR", "BOOKED"),
            f"{P}DE-GB": (154_038, "GBP", "PROPOSED"),
        }
        assert (await orders(small, "HUB"))[f"{P}HUB-DE+L1"] == (181_221, "EUR", "PROPOSED")
        assert await waited_for(small, "DE") == {f"{P}HUB-DE+L1": (181_221, "EUR", "EXPECTED")}
        assert (await dues(small))["DE"] == {
            "Due:HUB": {"EUR": 181_221},
            "Due:GB": {"EUR": -181_221},
        }
        await everybody_pays(small, "HUB", "DE", "GB")
        assert await dues(small) == {}
        why = await every_payment_is_explained(small)
        assert why["HUB", f"{P}HUB-DE+L1"] == [("GB left the net", 181_221)]
        assert why["DE", f"{P}DE-GB"] == [("Between DE and GB since GB left the net", 154_038)]


@pytest.mark.parametrize(
    ("code", "work"),
    [
        ("HUB", "federation.netting.exclusion.read_run"),
        ("FR", "federation.distribution.service.compute"),
    ],
)
async def test_others_are_answered_while_a_net_is_computed_anew(
    any_backend, owing, monkeypatch, code, work
):
    async with resumed(any_backend, owing) as small:
        async with answered_during(small, code, monkeypatch, work):
            await confirmed(small, "GB")
        assert (await dues(small))["FR"] == {"Due:HUB": {"EUR": 52_558}, "Due:GB": {"EUR": 973_703}}


async def test_two_debtors_leave_one_after_the_other(any_backend, owing_with_dear_de):
    async with resumed(any_backend, owing_with_dear_de) as small:
        await confirmed(small, "GB")
        await confirmed(small, "DE")

        # Without both FR has what the hub's own licences brought it.
        assert (await orders(small, "HUB"))[f"{P}HUB-FR+L2"] == (11_481, "EUR", "PROPOSED")
        assert (await dues(small))["FR"] == {
            "Due:HUB": {"EUR": 11_481},
            "Due:GB": {"EUR": 973_703},
            "Due:DE": {"EUR": 410_769},
        }
        await everybody_pays(small, "HUB", "DE", "GB")
        assert await dues(small) == {}
        why = await every_payment_is_explained(small)
        assert why["HUB", f"{P}HUB-FR+L2"] == [
            ("received", 1_395_953),
            ("GB left the net", -973_703),
            ("DE left the net", -410_769),
        ]
        assert why["HUB", f"{P}HUB-DE+L2"] == [
            ("Between HUB and DE since DE left the net", 106_268),
        ]


async def test_a_debtor_is_excluded_late_by_two_people_and_only_while_it_owes(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        officer = ("settlement_officer", "two-hats")
        async with nothing_changes(small):
            small.set_clock(BEFORE_DUE)
            early = await exclude(small, *officer, EXCLUDE, node="GB", reason=NEVER_PAID)
            small.set_clock(AFTER_DUE)
            creditor = await exclude(small, *officer, EXCLUDE, node="FR", reason=NEVER_PAID)
            silent = await exclude(small, *officer, EXCLUDE, node="GB", reason=" ")
            unknown = await exclude(small, "settlement_approver", "two-hats", CONFIRM, node="GB")
            no_office = await exclude(
                small, "settlement_approver", "two-hats", EXCLUDE, node="GB", reason=NEVER_PAID
            )
        assert [early.code, creditor.code, silent.code, unknown.code, no_office.code] == [
            "NOT_DUE",
            "NO_DEBTOR",
            "REASON",
            "NO_EXCLUSION",
            "NOT_ALLOWED",
        ]

        await exclude(small, *officer, EXCLUDE, node="GB", reason=NEVER_PAID)
        async with nothing_changes(small):
            again = await exclude(small, *officer, EXCLUDE, node="GB", reason="another")
            alone = await exclude(small, "settlement_approver", "two-hats", CONFIRM, node="GB")
        assert again.body["data"]["excludeDebtor"]["proposedBy"] == "two-hats"
        assert alone.code == "SAME_PERSON"

        # It pays at the last moment: what was proposed is not confirmed any more.
        await everybody_pays(small, "GB")
        async with nothing_changes(small):
            paid = await exclude(small, "settlement_approver", "approver", CONFIRM, node="GB")
        assert paid.code == "NO_DEBTOR"
        await everybody_pays(small, "HUB")
        assert await dues(small) == {}


async def paid_after_it_left(small):
    """GB's remittance was on its way when it left the net, and comes in all the same."""
    await approve_all(small, "GB")
    await export_all(small, "GB")
    await confirmed(small, "GB")
    on, whole = AFTER_DUE.date(), Amount(1_784_765, "GBP")
    async with small.databases["GB"].write("test") as session:
        payment = await payments_service.get_payment(session, f"{P}GB-HUB")
        await bankword.book(session, payment, on, whole, who="bank", at=AFTER_DUE)
    async with small.databases["HUB"].write("test") as session:
        await incoming.receive(session, f"{P}GB-HUB", "HUB", on, whole)


async def test_what_an_excluded_debtor_still_pays_into_the_net_goes_back(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        await paid_after_it_left(small)
        found = await dues(small)
        assert found["HUB"]["Due:GB"] == {"EUR": 13_319 - 2_099_724}
        assert found["GB"]["Due:HUB"] == {"GBP": 1_784_765 - 11_321}
        officer = small.at("HUB", "settlement")
        assert await small.at("HUB", "auditor").rows(OVERPAYMENTS) == [
            {
                "id": OVERPAID,
                "kind": "LEFT_NET",
                "party": "GB",
                "left": {"minor": "1784765", "currency": "GBP"},
            }
        ]

        await officer.ask(REFUND, id=OVERPAID)
        await small.silence()

        refund = f"REFUND-{OVERPAID}"
        assert (await orders(small, "HUB"))[refund] == (1_784_765, "GBP", "PROPOSED")
        assert (await waited_for(small, "GB"))[refund] == (1_784_765, "GBP", "EXPECTED")
        await everybody_pays(small, "HUB", "GB")
        assert await dues(small) == {}
        assert await small.at("HUB", "auditor").rows(OVERPAYMENTS) == []


async def test_what_is_set_off_of_nothing_that_a_node_owes_is_refused(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        async with small.databases["HUB"].read() as session:
            run = await approved_run(session, "2026-09")
        accounts = dict.fromkeys(("GB", "DE", "FR"), HUB_ACCOUNT)
        nothing = [Between("GB", "DE", "1")]
        message = NetRecomputed(run.run_id, "2026-09", [], "GB", accounts, nothing)

        async def receive(session):
            await receive_recomputed(
                session,
                message,
                here="FR",
                account=HUB_ACCOUNT,
                terms=HUB_TERMS,
                now=AFTER_DUE,
            )

        found = await refused(small.databases["FR"], TooMuchSetOffError, receive)
        assert found.detail == "1 of GB with DE"


async def test_what_an_excluded_debtor_still_pays_is_set_off_and_the_rest_goes_back(
    any_backend, owing
):
    async with resumed(any_backend, owing) as small:
        await paid_after_it_left(small)
        officer, refund = small.at("HUB", "settlement"), f"REFUND-{OVERPAID}"
        await officer.ask(REFUND, id=OVERPAID)
        await officer.ask(CANCEL, id=refund)
        target = {"kind": "REMITTANCE_IN", "ref": f"{P}GB-HUB+L1"}
        two_hats = small.at("HUB", "two-hats", "settlement_officer")
        found = await two_hats.ask(SET_OFF, id=OVERPAID, reason="as GB asked", **target)
        number = found["id"]
        await small.silence()
        async with nothing_changes(small):
            alone = await exclude(small, "settlement_approver", "two-hats", AGREE, id=number)
        assert alone.code == "SAME_PERSON"
        await small.at("HUB", "approver").ask(AGREE, id=number)
        await small.silence()

        # GB pays it no more, and neither server enters anything but what the rates round.
        assert (await waited_for(small, "HUB"))[f"{P}GB-HUB+L1"] == (11_321, "GBP", "BOOKED")
        assert (await orders(small, "GB"))[f"{P}GB-HUB+L1"] == (11_321, "GBP", "CANCELLED")
        assert (await waited_for(small, "GB"))[refund] == (1_784_765, "GBP", "EXCLUDED")
        again = await tell(small, "GB", small.at("GB", "settlement"), AGAIN, id=f"{P}GB-HUB+L1")
        assert again.code == "PAYMENT_STATE"

        await officer.ask(REFUND, id=OVERPAID)
        await small.silence()
        assert (await orders(small, "HUB"))[f"{refund}/2"] == (1_773_444, "GBP", "PROPOSED")
        assert (await waited_for(small, "GB"))[refund] == (1_773_444, "GBP", "EXPECTED")
        await approve_all(small, "HUB")
        await export_all(small, "HUB")
        await banks_speak(small, "HUB", suffixed=False)
        await everybody_pays(small, "GB")
        assert await dues(small) == {}
        assert (await every_payment_is_explained(small))["GB", f"{P}GB-HUB+L1"] == [
            ("Between GB and HUB since GB left the net", 11_321)
        ]


async def set_off_partly(small):
    """Two propose and agree; between the two acts the rest is refunded, of 17,847.65 GBP."""
    two_hats = small.at("HUB", "two-hats", "settlement_officer")
    target = {"kind": "REMITTANCE_IN", "ref": f"{P}GB-HUB+L1"}
    number = (await two_hats.ask(SET_OFF, id=OVERPAID, reason="as GB asked", **target))["id"]
    await small.at("HUB", "settlement").ask(REFUND, id=OVERPAID)
    await small.silence()
    await small.at("HUB", "approver").ask(AGREE, id=number)
    await small.silence()


async def test_a_refund_of_the_rest_is_still_waited_for_when_a_set_off_is_approved(
    any_backend, owing
):
    async with resumed(any_backend, owing) as small:
        await paid_after_it_left(small)
        await set_off_partly(small)

        refund = f"REFUND-{OVERPAID}"
        assert (await orders(small, "HUB"))[refund] == (1_773_444, "GBP", "PROPOSED")
        assert (await waited_for(small, "GB"))[refund] == (1_773_444, "GBP", "EXPECTED")
        await everybody_pays(small, "HUB", "GB")
        assert await dues(small) == {}
        assert await small.at("GB", "auditor").rows(OVERPAYMENTS) == []


async def undone(small, number):
    """Two people of the hub undo a set-off; nobody does so alone."""
    both = small.at("HUB", "two-hats", "settlement_officer")
    assert (await both.ask(UNDO, id=number))["undoProposedBy"] == "two-hats"
    async with nothing_changes(small):
        alone = await exclude(small, "settlement_approver", "two-hats", CONFIRM_UNDO, id=number)
    assert alone.code == "SAME_PERSON"
    for _ in range(2):
        found = await small.at("HUB", "approver").ask(CONFIRM_UNDO, id=number)
        assert (found["state"], found["undoneBy"]) == ("UNDONE", "approver")
    await small.silence()


async def test_what_is_set_off_is_owed_and_paid_again_once_that_is_undone(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        await paid_after_it_left(small)
        before = await dues(small)
        await set_off_partly(small)
        assert (await waited_for(small, "HUB"))[f"{P}GB-HUB+L1"] == (11_321, "GBP", "BOOKED")

        await undone(small, "1")

        assert await dues(small) == before
        assert (await waited_for(small, "HUB"))[f"{P}GB-HUB+L1"] == (11_321, "GBP", "EXPECTED")
        came = await orders(small, "GB")
        assert came[f"{P}GB-HUB+L1"] == (11_321, "GBP", "CANCELLED")
        assert came[f"{P}GB-HUB+L1/2"] == (11_321, "GBP", "PROPOSED")
        left = await small.at("HUB", "auditor").rows(OVERPAYMENTS)
        assert [(row["id"], row["left"]["minor"]) for row in left] == [(OVERPAID, "11321")]
        await small.at("HUB", "settlement").ask(REFUND, id=OVERPAID)
        await small.silence()
        refund = f"REFUND-{OVERPAID}"
        assert (await waited_for(small, "GB"))[refund] == (1_784_765, "GBP", "EXPECTED")


async def test_a_node_pays_no_more_what_the_hub_sets_off_of_an_ordinary_overpayment(
    any_backend, owing
):
    async with resumed(any_backend, owing) as small:
        officer, name = small.at("HUB", "settlement"), f"{P}GB-HUB"
        before = await dues(small)
        whole, currency, _ = (await orders(small, "GB"))[name]
        await officer.ask(OPEN_ACCOUNT)
        came = statement(
            Ntry("50.00", reference="B1", currency="GBP"), closing="50.00", currency="GBP"
        )
        await officer.post("/banking/files", came, "application/xml")
        await officer.ask(TOO_MUCH)
        both = small.at("HUB", "two-hats", "settlement_officer")
        target = {"kind": "REMITTANCE_IN", "ref": name, "reason": "as GB asked"}
        number = (await both.ask(SET_OFF, id="OP-1-1", **target))["id"]
        await small.at("HUB", "approver").ask(AGREE, id=number)
        await small.silence()
        assert await orders(small, "GB") == {
            name: (whole, currency, "CANCELLED"),
            f"{name}/2": (whole - 5_000, currency, "PROPOSED"),
        }

        await undone(small, number)

        assert await dues(small) == before
        assert await orders(small, "GB") == {
            name: (whole, currency, "CANCELLED"),
            f"{name}/2": (whole - 5_000, currency, "CANCELLED"),
            f"{name}/3": (whole, currency, "PROPOSED"),
        }
        assert (await waited_for(small, "HUB"))[name] == (whole, currency, "EXPECTED")


async def test_what_the_hub_took_as_paid_is_not_paid_although_it_was_cancelled_before(
    any_backend, owing
):
    async with resumed(any_backend, owing) as small:
        await paid_after_it_left(small)
        await small.at("GB", "settlement").ask(CANCEL, id=f"{P}GB-HUB+L1")
        await set_off_partly(small)

        assert (await waited_for(small, "HUB"))[f"{P}GB-HUB+L1"] == (11_321, "GBP", "BOOKED")
        again = await tell(small, "GB", small.at("GB", "settlement"), AGAIN, id=f"{P}GB-HUB+L1")
        assert again.code == "PAYMENT_STATE"


async def of_gb(small, act, payment_id, *said, **named):
    """Let something happen to a payment of GB."""
    async with small.databases["GB"].write("test") as session:
        payment = await payments_service.get_payment(session, payment_id)
        await act(session, payment, *said, who="bank", at=small.clock(), **named)


async def test_what_the_hub_took_as_paid_is_not_owed_again_when_the_bank_rejects_the_order(
    any_backend, owing
):
    async with resumed(any_backend, owing) as small:
        await paid_after_it_left(small)
        target = f"{P}GB-HUB+L1"
        await approve_all(small, "GB")
        await export_all(small, "GB")
        await says_returned(small, against=target, set_off="5000")
        await of_gb(small, bankword.reject, target, "AC04")

        again = await tell(small, "GB", small.at("GB", "settlement"), AGAIN, id=target)

        third = again.body["data"]["proposePaymentAgain"]["id"]
        assert third == f"{P}GB-HUB+L1/2"
        assert (await orders(small, "GB"))[third] == (11_321 - 5_000, "GBP", "PROPOSED")
        async with small.databases["GB"].read() as session:
            payment = await payments_service.get_payment(session, third)
            assert payment.debt_amount == 11_321 - 5_000

        # The rest is taken too: nothing is left to be proposed again.
        await approve_all(small, "GB")
        await export_all(small, "GB")
        await says_returned(small, against=target, set_off="6321")
        await of_gb(small, bankword.reject, third, "AC04")
        async with nothing_changes(small):
            again = await tell(small, "GB", small.at("GB", "settlement"), AGAIN, id=third)
        assert again.code == "PAYMENT_STATE"
        message = again.body["data"]["proposePaymentAgain"]["message"]
        assert message.endswith(f"({third} was taken as paid)")


async def test_more_than_a_payment_is_not_taken_as_paid(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        await paid_after_it_left(small)
        message = await returned(small, against=f"{P}GB-HUB+L1", set_off="11322")

        async def receive(session):
            await receive_returned(session, message, here="GB", terms=HUB_TERMS, now=AFTER_DUE)

        found = await refused(small.databases["GB"], TooMuchSetOffError, receive)
        assert found.detail == f"{P}GB-HUB+L1: 11322 of 11321"


async def test_what_the_bank_had_when_its_payer_left_the_net_is_not_proposed_again(
    any_backend, owing
):
    async with resumed(any_backend, owing) as small:
        await approve_all(small, "GB")
        await export_all(small, "GB")
        await confirmed(small, "GB")
        await of_gb(small, bankword.reject, f"{P}GB-HUB", "AC04")

        async with nothing_changes(small):
            again = await tell(small, "GB", small.at("GB", "settlement"), AGAIN, id=f"{P}GB-HUB")

        assert again.code == "PAYMENT_STATE"
        message = again.body["data"]["proposePaymentAgain"]["message"]
        assert message.endswith(f"({P}GB-HUB is not owed since excluded/2026-09/GB)")


async def returned(small, **what):
    """Return what the hub says of money that came after GB had left, none of which goes back."""
    async with small.databases["HUB"].read() as session:
        run = (await incoming.store.find_incoming(session, f"{P}GB-HUB")).run_id
    return NetReturned(
        run_id=run,
        period="2026-09",
        refund=f"REFUND-{OVERPAID}",
        refunded="0",
        currency="GBP",
        **what,
    )


async def says_returned(small, **what):
    message = await returned(small, **what)
    async with small.databases["GB"].write("test") as session:
        await receive_returned(session, message, here="GB", terms=HUB_TERMS, now=AFTER_DUE)


async def test_a_set_off_against_what_a_node_has_not_proposed_yet_waits_for_it(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        unknown = await returned(small, against="PAY-2026-10-GB-HUB", set_off="7")

        async def receive(session):
            await receive_returned(session, unknown, here="GB", terms=HUB_TERMS, now=AFTER_DUE)

        await refused(small.databases["GB"], RunMismatchError, receive)


async def test_what_a_correction_gives_directly_is_paid_and_what_it_takes_is_set_off(
    any_backend, owing, monkeypatch
):
    """GB left September's net; later usage moves its licences' money from FR to DE, and back."""
    async with resumed(any_backend, owing) as small:
        await approve_all(small, "HUB")
        await confirmed(small, "GB")
        await everybody_pays(small, "HUB", "GB")
        assert await dues(small) == {}

        late = [
            a_line(f"late-{licence}", licence, "https://news.example/de/1", units=400)
            for licence in ("GB-000001", "GB-000002")
        ]
        await report_lines(small.lab("lab-one"), late, key="late")
        await correct(small, "2026-09")
        number = await last_correction(small)
        a_part, the_rest = f"ADJ-2026-09-{number}-GB-DE", f"ADJ-2026-09-{number}-GB-DE/2"
        lost_by_fr = {"GB": {"Due:FR": {"GBP": 228_857, "EUR": 14_469}}}
        assert await dues(small) == {
            "DE": {"Due:GB": {"EUR": 579_001}},
            "FR": {"Due:GB": {"EUR": -283_713}},
            "GB": {"Due:DE": {"GBP": -457_714, "EUR": -40_514}, **lost_by_fr["GB"]},
        }
        came = await orders(small, "GB")
        assert {key: row for key, row in came.items() if key.startswith("ADJ")} == {
            a_part: (40_514, "EUR", "PROPOSED"),
            the_rest: (538_487, "EUR", "PROPOSED"),
        }
        accounts = {row["id"]: row["payeeAccount"] for row in await payments(small, "GB")}
        assert accounts[the_rest] == "DE75512108001245126199"
        waiting = await waited_for(small, "DE")
        assert {key: row for key, row in waiting.items() if key.startswith("ADJ")} == {
            a_part: (40_514, "EUR", "EXPECTED"),
            the_rest: (538_487, "EUR", "EXPECTED"),
        }
        assert not any(key.startswith("ADJ") for key in await orders(small, "FR"))

        # All three enter the debit in the same month, from which its age counts.
        for code in ("HUB", "GB", "FR"):
            async with small.databases[code].read() as session:
                rows = await payments_store.set_offs(session, "FR", "GB")
            assert {row.period for row in rows} == {"2026-10"}

        # What FR got too much is not called in: it waits for its next credits.
        await everybody_pays(small, "HUB", "FR", "GB")
        assert await dues(small) == {"FR": {"Due:GB": {"EUR": -283_713}}, **lost_by_fr}

        late = [
            a_line(f"later-{licence}", licence, "https://news.example/fr/1", units=4000)
            for licence in ("GB-000001", "GB-000002")
        ]
        await report_lines(small.lab("lab-one"), late, key="later")
        # The run that was distributed is not the one in force any more: FR computes it once more.
        distributed = "federation.distribution.service.compute"
        async with answered_during(small, "FR", monkeypatch, distributed):
            await correct(small, "2026-09")

        # What it gets more of the same licensor takes that up first, in both books.
        number = await last_correction(small)
        part, rest = f"ADJ-2026-09-{number}-GB-FR", f"ADJ-2026-09-{number}-GB-FR/2"
        found = await dues(small)
        assert found["FR"] == {"Due:GB": {"EUR": 42_970 + 1_203_936 - 283_713}}
        assert found["GB"]["Due:FR"] == {"GBP": -818_714}
        came, waiting = await orders(small, "GB"), await waited_for(small, "FR")
        assert came[part] == (0, "EUR", "SET_OFF")
        assert came[rest] == (963_193, "EUR", "PROPOSED")
        assert waiting[part] == (42_970, "EUR", "SET_OFF")
        assert waiting[rest] == (963_193, "EUR", "EXPECTED")
        await everybody_pays(small, "HUB", "FR", "DE", "GB")
        assert await dues(small) == {
            "DE": {"Due:GB": {"EUR": -900_144}},
            "GB": {"Due:DE": {"GBP": 744_251, "EUR": 24_554}},
        }
        why = await every_payment_is_explained(small)
        assert why["GB", the_rest] == [("Correction of 2026-09, GB to DE", 538_487)]
        assert why["GB", part] == [
            ("Correction of 2026-09, GB to FR", 42_970),
            ("Set off between GB and FR", -42_970),
        ]
        assert why["GB", rest] == [
            ("Correction of 2026-09, GB to FR", 1_203_936),
            ("Set off between GB and FR", -240_743),
        ]


async def test_a_debit_between_two_is_taken_up_when_one_of_them_leaves_a_later_net(
    any_backend, owing
):
    """FR got 1,000.00 too much from GB's licences of an earlier month."""
    async with resumed(any_backend, owing) as small:
        debit = NewDebit(
            node="FR",
            licensor="GB",
            document="correction/an-earlier/FR",
            period="2026-08",
            amount=100_000,
            cleared=85_000,
            currency="EUR",
            cleared_currency="GBP",
        )
        too_much = {
            "HUB": (),
            "DE": (),
            "FR": transfer("Equity:FR:Clearing", "Liabilities:FR:Due:GB", 100_000, "EUR", {}),
            "GB": transfer("Liabilities:GB:Due:FR", "Equity:GB:Clearing", 85_000, "GBP", {}),
        }
        for code, postings in too_much.items():
            async with small.databases[code].write("test") as session:
                if code != "DE":
                    await owe(session, debit, AFTER_DUE.date())
                if moved := tuple(postings):
                    await post(session, [Entry(AFTER_DUE.date(), "earlier", "Earlier", moved)])

        await confirmed(small, "GB")

        assert (await orders(small, "GB"))[f"{P}GB-FR"] == (873_703, "EUR", "PROPOSED")
        assert (await waited_for(small, "FR"))[f"{P}GB-FR"] == (873_703, "EUR", "EXPECTED")
        found = await dues(small)
        assert found["FR"]["Due:GB"] == {"EUR": 973_703 - 100_000}
        assert found["GB"]["Due:FR"] == {"GBP": -827_648 + 85_000}
        await everybody_pays(small, "HUB", "GB")
        assert await dues(small) == {}
        why = await every_payment_is_explained(small)
        assert why["GB", f"{P}GB-FR"] == [
            ("Between GB and FR since GB left the net", 973_703),
            ("Set off between GB and FR", -100_000),
        ]
