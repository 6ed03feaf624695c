"""The handbook's month in the browser: six people, the same acts, and at the end the same books.

What is no act of theirs comes as it does in the handbook: days pass, a node fails, a lab's program
reports. The books are those that the handbook's own commands leave (tests/handbook/books).
"""

import pytest
import pytest_asyncio

from federation.practice.command import KINDS
from federation.practice.servers import practising
from tests.console.browser import browser, pictures  # noqa: F401 - fixtures
from tests.console.offices import Month
from tests.handbook.runner import books_of, kept_books

pytestmark = pytest.mark.asyncio(loop_scope="session")

PERIOD = "2026-09"
MONTH = f"/month?period={PERIOD}"
FILES, ENTRY = "/reconciliation/files", "/reconciliation/entries"
REMITTANCES = [f"PAY-{PERIOD}-HUB-{node}" for node in ("DE", "FR", "GB")]
MEMBERS = [f"PAY-{PERIOD}-GB-00000{number}" for number in (1, 2)]


@pytest_asyncio.fixture(loop_scope="session")
async def month(browser, pictures, tmp_path):  # noqa: F811 - as above
    folder = tmp_path / "practice"
    async with practising(folder) as practice:
        found = Month(practice, folder, browser, pictures)
        await found.world("console")
        yield found
        for office in found.offices.values():
            await office.page.context.close()


async def test_the_month_of_the_handbook_leaves_the_same_books_by_browser_and_by_shell(month):
    await money_comes_in(month)
    await cut_off(month)
    await calculate(month)
    await approve(month)
    await pay(month)
    await the_banks_word(month)
    await members_are_paid(month)
    await held_money_finds_its_owner(month)
    await correct(month)

    assert books_of(month.folder) == kept_books()
    assert month.wrong == []
    assert {host.partition(":")[0] for host in month.hosts} - {""} == {"127.0.0.1"}


async def money_comes_in(month):
    alice = await month.at("alice", FILES)
    account = {"account": "DE89370400440532013000", "currency": "EUR", "name": "Main account"}
    await alice.do("open-account", **account)
    taken = await alice.upload(month.folder / "bank" / "hub-2026-09-30.xml")
    await month.at("alice", f"{ENTRY}/1")
    items = {"kind_0": "INVOICE", "ref_0": "HUB-000001", "kind_1": "SHORT_PAYMENT"}
    await alice.do(
        "entry-items", **items, ref_1="HUB-000001", amount_1="-10.00", reason="Lab One owes 10.00"
    )
    await alice.do("entry-undo", reason="our bank kept 10.00, the lab paid all")
    items["kind_1"] = "BANK_CHARGE"
    await alice.do("entry-items", **items, amount_1="-10.00")
    await month.at("alice", FILES)

    assert (taken["entries"], taken["matched"]) == ("2", "0")
    assert (await alice.facts())["Not settled"] == "73,000.00 EUR"


async def cut_off(month):
    alice = await month.at("alice", MONTH)
    assert await alice.refused("cut-off") == "PERIOD_NOT_OVER"
    await month.world("down", "FR")
    await month.world("day", "2026-10-01")
    await month.at("alice", MONTH)
    await alice.do("cut-off")
    await month.world("day", "2026-10-02")
    await month.at("alice", MONTH)
    await alice.do("remind", "FR")
    await month.world("day", "2026-10-06")
    await month.at("alice", MONTH)
    await alice.do(
        "declare-missing", "FR", reason="no answer since 1 October, nobody on the telephone"
    )
    ben = await month.at("ben", "/")
    waits = [row[0].split()[0] for row in await ben.rows("What waits")]
    await month.world("up", "FR")
    await month.at("alice", MONTH)

    assert waits == ["usage", "usage", "usage", "missing", "bank"]
    assert [row[2].split(",")[0] for row in await alice.rows("Usage reports")] == ["6 Oct 2026"] * 3


async def calculate(month):
    alice = await month.at("alice", MONTH)
    recorded = (await alice.upload(month.folder / "rates.csv"))["recorded"]
    await alice.do("calculate-run")
    first = await the_run(alice)
    await month.at("alice", first)
    nets = await alice.rows("What is left for each")
    await alice.do("advise-run")
    felix = await month.at("felix", first)
    await felix.do("object-to-run", reason="Lab Two paid in September, nothing of it is here")
    await month.at("alice", first)
    await alice.do("withdraw-run", reason="the receipt of Lab Two was still in the queue")
    await month.at("alice", "/reconciliation")
    await alice.do("match-best", "2")
    await month.at("alice", MONTH)
    await alice.do("calculate-run")
    second = await the_run(alice)
    await month.at("alice", f"{second}?old={first.rpartition('/')[2]}")

    assert recorded == "2"
    assert [row[-1] for row in nets] == [
        "5,820.00 EUR",
        "8,730.00 EUR",
        "14,550.00 EUR",
        "\u221229,100.00 EUR",
    ]
    causes = await alice.rows("Inputs that differ")
    assert [row[0] for row in causes] == ["received HUB-000002"]


async def the_run(office):
    """Return the address of the newest run, as the path of the month has it."""
    return await office.page.locator("ol.path a[href*='/run/']").first.get_attribute("href")


async def approve(month):
    alice = await month.at("alice", MONTH)
    run = await the_run(alice)
    await month.at("alice", run)
    await alice.do("advise-run")
    felix = await month.at("felix", run)
    await felix.do("concur-with-run")
    ben = await month.at("ben", run)
    assert await ben.refused("approve-run") == "OBJECTIONS_OPEN"
    await month.world("day", "2026-10-16")
    await month.at("ben", run)
    await ben.do("approve-run")


async def pay(month):
    ben = await month.at("ben", f"/payments?period={PERIOD}")
    await ben.do("approve-payments", **{f"ids_{each}": "on" for each in REMITTANCES})
    alice = await month.at("alice", "/payments")
    for currency in ("EUR", "GBP"):
        await alice.open("/payments")
        await alice.do("export-payments", currency=currency, valueOn="2026-10-19")
    files = sorted(row[0] for row in await alice.rows("Documents"))
    assert files == ["PAY-HUB-000001", "PAY-HUB-000002"]


async def the_banks_word(month):
    await month.world("day", "2026-10-20")
    alice = await month.at("alice", FILES)
    taken = await alice.upload(month.folder / "bank" / "hub-2026-10-19.xml")
    await month.at("alice", f"{ENTRY}/5")
    await alice.do("entry-suggestion", "5-1")
    await month.at("alice", f"{ENTRY}/6")
    await alice.do("entry-items", kind_0="BANK_CHARGE")
    await month.at("alice", FILES)
    facts = await alice.facts()
    await month.at("alice", f"/payment?id={REMITTANCES[2]}")

    assert taken["matched"] == "2"
    assert (facts["Not settled"], facts["Books ahead of the banks"]) == ("0.00 EUR", "0.00 EUR")
    assert (await alice.rows("Its life"))[-1][1] == "✓ paid"


async def members_are_paid(month):
    grace = await month.at("grace", FILES)
    account = {"account": "GB29NWBK60161331926819", "currency": "GBP", "name": "Main account"}
    await grace.do("open-account", **account)
    await grace.upload(month.folder / "bank" / "gb-2026-10-19.xml")
    await month.at("grace", MONTH)
    await grace.do("propose-member-payments")
    george = await month.at("george", "/payments?state=PROPOSED")
    await george.do("approve-payments", **{f"ids_{each}": "on" for each in MEMBERS})
    await month.at("grace", "/payments")
    await grace.do("export-payments", currency="GBP", valueOn="2026-10-21")
    await month.world("day", "2026-10-22")
    await month.at("grace", FILES)
    taken = await grace.upload(month.folder / "bank" / "gb-2026-10-22.xml")
    await month.at("grace", FILES)

    assert taken["matched"] == "2"
    assert (await grace.facts())["Closed with"] == "1,236.75 GBP"


async def held_money_finds_its_owner(month):
    rose = await month.at("rose", "/claims")
    claim = {"member": "finch", "address": "old-mill.example", "contentTier": "standard"}
    await rose.do("register-claim", **claim, works="1", reason="she remembers that she wrote it")
    grace = await month.at("grace", "/reconciliation/published")
    [listed] = await grace.page.locator("[name=row]").evaluate_all("all => all.map((o) => o.value)")
    await grace.do("claim-held-item", listed, member="finch", evidence="contract of 2019")
    ben = await month.at("ben", "/reconciliation/claims?state=FILED")
    [filed] = await ben.rows("Claims on held money")
    await ben.do("decide-held-claim", "HC-GB-000001", "Accept", reason="contract seen")

    assert filed[:2] == ["HC-GB-000001 GB", "old-mill.example/diary"]


async def correct(month):
    lab = month.practice._running["HUB"].lab("lab-one")
    file = month.folder / "late-usage.ndjson"
    await lab.post("/usage", file.read_bytes(), KINDS[".ndjson"], {"Idempotency-Key": file.name})
    await month.practice.settled()
    alice = await month.at("alice", "/corrections")
    await alice.do("open-correction", PERIOD)
    await alice.do("calculate-correction")
    [[run, *_]] = await alice.rows("Under way")
    await alice.do("advise-correction")
    await month.world("day", "2026-11-01")
    ben = await month.at("ben", "/corrections")
    await ben.do("approve-correction")
    debits = await ben.rows("Debits that later credits take up")

    assert [row[:1] + row[3:] for row in debits] == [
        ["FR", "1,455.00 EUR", "1,455.00 EUR"],
        ["GB", "2,061.25 GBP", "2,061.25 GBP"],
    ]
    assert debits[0][2] == f"a correction {run}"
