"""Members are paid over HTTP: two people, one file, a payment that comes back."""

import asyncio
from datetime import date, timedelta

from lxml import etree

from federation.bankfiles.pain001 import NAMESPACE
from federation.payments import service as payments_service
from federation.payments.postings import Amount
from federation.treasury import bankword
from tests.federation.harness import nothing_changes, resumed, tell
from tests.payments.month import (
    APPROVE,
    EVENTS,
    EXPORT,
    MEMBERS,
    SET_ACCOUNT,
    payments,
)
from tests.payments.schemas import SCHEMA

OFFICER, APPROVER = "settlement_officer", "settlement_approver"

STATEMENT = """query($member: String) {
  memberStatement(period: "2026-09", member: $member) { ... on MemberStatement {
  attributed { minor } payable { minor } outstanding { minor }
  paid { minor } inPayment { minor } notPaid { minor } notPaidReason } } }"""

CANCEL = """mutation($id: ID!, $reason: String!) { cancelPayment(id: $id, reason: $reason) {
  ... on Payment { state } ... on Refused { code message } } }"""

AGAIN = """mutation($id: ID!) { proposePaymentAgain(id: $id) {
  ... on Payment { id state } ... on Refused { code message } } }"""

FILE = "query($number: String!) { paymentFile(number: $number) { number payments sha256 text } }"
ON = "2026-10-06"
ADA, BEN, LATE = (f"PAY-2026-09-FR-00000{number}" for number in (1, 2, 3))


async def statement(small, member):
    found = await small.member("FR", member).ask(STATEMENT)
    amounts = ("attributed", "payable", "outstanding", "paid", "inPayment", "notPaid")
    return [int(found[name]["minor"]) for name in amounts] + [found["notPaidReason"]]


async def test_members_are_paid_and_one_payment_comes_back(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        officer, approver = small.at("FR", "two-hats", OFFICER), small.at("FR", "clerk", APPROVER)
        proposed = await officer.ask(MEMBERS)
        async with nothing_changes(small, "FR"):
            again = await officer.ask(MEMBERS)
            alone = await tell(
                small, "FR", small.at("FR", "two-hats", APPROVER), APPROVE, ids=[ADA, BEN]
            )
            unknown = await tell(small, "FR", approver, APPROVE, ids=[ADA, "PAY-X"])
            too_many = await tell(small, "FR", approver, APPROVE, ids=[ADA] * 1_001)
            no_office = await tell(small, "FR", approver, EXPORT, currency="EUR", on=ON)
            too_early = await tell(small, "FR", officer, EXPORT, currency="EUR", on=ON)
            lab = await tell(small, "FR", small.lab("lab-one", "FR"), MEMBERS)
        assert proposed == {"proposed": 3, "outstanding": 0, "remaining": 0}
        assert again == {"proposed": 0, "outstanding": 0, "remaining": 0}
        assert [answer.code for answer in (alone, unknown, too_many)] == [
            "SAME_PERSON",
            "UNKNOWN_PAYMENT",
            "TOO_MANY_PAYMENTS",
        ]
        assert [answer.code for answer in (no_office, too_early, lab)] == [
            "NOT_ALLOWED",
            "NOTHING_TO_EXPORT",
            "NOT_ALLOWED",
        ]

        await exported_once(small, officer, approver)
        returned = await come_back(small)
        await paid_elsewhere(small, officer, approver, returned)


async def exported_once(small, officer, approver):
    """Two approvers and two exporters at once: every payment is approved and sent once."""
    other = small.at("FR", "approver", APPROVER)
    await asyncio.gather(*(who.ask(APPROVE, ids=[ADA, BEN, LATE]) for who in (approver, other)))
    async with nothing_changes(small, "FR"):
        today = small.clock().date()
        days = [str(today + timedelta(days=number)) for number in (-1, 366)]
        days += ["0001-01-01", "9999-12-31"]
        wrong = [await tell(small, "FR", officer, EXPORT, currency="EUR", on=day) for day in days]
    assert [answer.code for answer in wrong] == ["BAD_VALUE_DATE"] * 4
    files = await asyncio.gather(*(officer.ask(EXPORT, currency="EUR", on=ON) for _ in range(2)))
    assert files[0]["text"] == files[1]["text"]
    assert {file["number"] for file in files} == {"PAY-FR-000001"}
    root = etree.fromstring(files[0]["text"].encode())
    SCHEMA.assertValid(root)
    ids = [element.text for element in root.iter(f"{{{NAMESPACE}}}EndToEndId")]
    assert ids == [ADA, BEN, LATE]
    shown = await small.at("FR", "auditor").ask(FILE, number="PAY-FR-000001")
    assert shown["text"] == files[0]["text"]
    history = await small.at("FR", "auditor").ask(EVENTS, id=ADA)
    assert [event["state"] for event in history] == ["PROPOSED", "APPROVED", "EXPORTED"]
    cancelled = await tell(small, "FR", officer, CANCEL, id=ADA, reason="too late")
    assert cancelled.code == "PAYMENT_STATE"


async def come_back(small):
    """The bank books all, and gives one back; return its amount."""
    async with small.databases["FR"].write("test") as session:
        act = {"who": "bank", "at": small.clock()}
        for payment_id in (ADA, LATE, BEN):
            payment = await payments_service.get_payment(session, payment_id)
            amount = payment.amount
            await bankword.book(session, payment, date(2026, 10, 6), Amount(amount, "EUR"), **act)
        await bankword.record_return(
            session, payment, date(2026, 10, 8), Amount(amount, "EUR"), "AC04", **act
        )
    found = {row["id"]: row["state"] for row in await payments(small, "FR")}
    assert found[ADA] == "BOOKED"
    assert found[BEN] == "RETURNED"
    ada, ben = await statement(small, "fr-a"), await statement(small, "fr-b")
    assert ada == [ada[0], ada[0], 0, ada[0], 0, 0, None]
    assert ben == [ben[0], ben[0], 0, 0, 0, ben[0], "ACCOUNT_INVALID"]
    late = await statement(small, "fr-late")
    assert ada[0] + ben[0] + late[0] == 903_110  # Liabilities:FR:Members of that month
    return ben[0]


async def paid_elsewhere(small, officer, approver, returned):
    """The registry enters another account; the amount is proposed again, once."""
    account = {"account": "12345678", "scheme": "OTHER", "clearingId": "GBDSC/040004"}
    async with nothing_changes(small, "FR"):
        registrar = small.at("FR", "registry")
        bad = await tell(
            small, "FR", registrar, SET_ACCOUNT, member="fr-b", account={"account": "1"}
        )
        scheme = {"account": "1", "scheme": "BBAN"}
        worse = await tell(small, "FR", registrar, SET_ACCOUNT, member="fr-b", account=scheme)
    assert bad.code == "BAD_ACCOUNT"
    assert "'BBAN' does not exist in 'AccountScheme' enum" in worse.body["errors"][0]["message"]
    await registrar.ask(SET_ACCOUNT, member="fr-b", account=account)
    assert (await officer.ask(MEMBERS))["proposed"] == 1
    async with nothing_changes(small, "FR"):
        twice = await tell(small, "FR", officer, AGAIN, id=BEN)
    assert twice.code == "PAYMENT_STATE"
    await approver.ask(APPROVE, ids=[f"{BEN}/2"])
    file = await officer.ask(EXPORT, currency="EUR", on=ON)
    assert "<MmbId>040004</MmbId>" in file["text"]
    SCHEMA.assertValid(etree.fromstring(file["text"].encode()))
    assert (await statement(small, "fr-b"))[3:] == [0, returned, 0, None]
