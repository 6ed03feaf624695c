"""Only what two people approved and exported leaves the house, and it leaves by one door."""

import pytest_asyncio
from lxml import etree

from federation.scenario.documents import PAYMENTS
from federation.scenario.paying import files_of
from federation.values.party import HUB
from tests.federation.conftest import report_some_usage
from tests.federation.harness import PERIOD, fetch, month_over, nothing_changes, resumed, tell

PAIN = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
STATES = """query($period: String!) { payments(period: $period) {
  edges { node { id state approvedBy } } } }"""
DOCUMENTS = "{ documents { edges { node { number } } } }"
NAMES = ("EUR", "GBP", HUB)
FILE = "query($number: String!) { paymentFile(number: $number) { text } }"


@pytest_asyncio.fixture
async def month(any_backend, opened_past):
    """A federation whose month is settled and not yet paid."""
    async with resumed(any_backend, opened_past) as small:
        await report_some_usage(small)
        month_over(small)
        story = small.story()
        await story.publish_rates()
        await story.settle(PERIOD)
        await small.silence()
        yield small


def orders(file):
    """Return {EndToEndId: amount} of a file for the bank."""
    return {
        item.findtext(f".//{PAIN}EndToEndId"): item.findtext(f".//{PAIN}InstdAmt")
        for item in etree.fromstring(file).iter(f"{PAIN}CdtTrfTxInf")
    }


async def refusals_of(small, code, paths, subject):
    answers = [await fetch(small, code, path, small.at(code, subject)) for path in paths]
    return [(answer.status, answer.code) for answer in answers]


async def test_no_door_makes_a_bank_file_of_payments_nobody_approved(month):
    paths = [f"/files/payments/{PERIOD}", *(f"/files/payments/{PERIOD}/{c}.xml" for c in NAMES)]
    async with nothing_changes(month):
        for code in (HUB, "DE", "FR", "GB"):
            for subject in ("auditor", "settlement", "approver"):
                found = await refusals_of(month, code, paths, subject)
                assert found == [(404, "NO_SUCH_FILE")] * len(paths)
    waiting = await month.at(HUB, "auditor").rows(STATES, period=PERIOD)
    assert {(item["state"], item["approvedBy"]) for item in waiting} == {("PROPOSED", None)}


async def test_a_month_is_paid_by_two_people_and_the_files_hold_what_they_released(month):
    await month.story().pay(PERIOD)

    for code in (HUB, *month.scenario.codes):
        files = await files_of(month.running[code], PERIOD)
        paid = await month.at(code, "auditor").rows(STATES, period=PERIOD)
        assert {(item["state"], item["approvedBy"]) for item in paid} <= {("EXPORTED", "approver")}
        exported = {name for file in files.values() for name in orders(file)}
        assert exported == {item["id"] for item in paid}
    assert {currency for currency in await files_of(month.running[HUB], PERIOD)} == {"EUR", "GBP"}


async def test_a_bank_file_is_for_whom_payments_are_shown_to(month):
    await month.story().pay(PERIOD)
    auditor = month.at(HUB, "auditor")
    [payment, *_] = await auditor.rows(PAYMENTS, period=PERIOD, state="EXPORTED", after=None)
    number = payment["exportedIn"]

    officer = month.at(HUB, "licensing")
    over_http = await fetch(month, HUB, f"/documents/{number}.xml", officer)
    over_graphql = await tell(month, HUB, officer, FILE, number=number)
    listed = {row["number"] for row in await officer.rows(DOCUMENTS)}
    all_listed = {row["number"] for row in await auditor.rows(DOCUMENTS)}
    shown = await auditor.ask(FILE, number=number)

    assert (over_http.status, over_http.code) == (403, "NOT_ALLOWED")
    assert over_graphql.code == "NOT_ALLOWED"
    assert number in all_listed
    assert listed == {name for name in all_listed if name[:4] not in {"PAY-", "RUN-"}}
    assert (await auditor.get(f"/documents/{number}.xml")).decode() == shown["text"]
