"""Three months of settlement staff's work, with everything in them that goes wrong in a year."""

import io
import random
import re
import subprocess
from datetime import UTC, datetime

import pytest

from federation.cli.check import check_server
from federation.cli.ledger import export
from federation.scenario import documents as ask
from federation.values.party import HUB
from tests.federation.correcting import ADVISE, APPROVE, CALCULATE, OPEN, is_reported
from tests.federation.harness import (
    TOML,
    a_line,
    open_for_business,
    report_lines,
    small_federation,
    soon,
    tell,
    write_scenario,
)
from tests.federation.holding import CLAIM, DECIDE
from tests.federation.missing import CONFIRM, DECLARE, WORK
from tests.ledger.books import BEAN_CHECK
from tests.ledger.hledger_reader import read as read_hledger
from tests.story import people
from tests.story.people import Bank

POSTED = re.compile(r"(  [A-Z]\S+  -?[0-9.]*)([0-9])( [A-Z]{3})")

SEPTEMBER, OCTOBER, NOVEMBER = "2026-09", "2026-10", "2026-11"
NEWS = "https://news.example"
RATES = "date,currency,rate\n2026-09-30,GBP,0.85\n2026-10-30,GBP,0.86\n2026-11-30,GBP,0.87\n"

THIRD = """[[licensee]]
id = "lab-three"
name = "Lab Three"
[[licence]]
id = "L3"
licensee = "lab-three"
issuer = "HUB"
uses = ["TRAIN"]
currency = "EUR"
fee = 365000
starts_on = 2026-09-01
ends_on = 2027-08-31
usage_basis = "lab"
unclaimed = "hold"
"""

SCENARIO = (
    TOML.replace('currency = "GBP"\nfee = 800000', 'currency = "EUR"\nfee = 800000')
    .replace('unclaimed = "hold"\n', "")
    .replace("fee = 365000\n", "fee = 36500000\n")
    + THIRD
)

OPTOUT = "subject,use,effective_at\nnews.example/de/withheld/,*,2026-09-05T00:00:00Z\n"

END_EARLY = """mutation { endLicenceEarly(
  number: "HUB-000003", lastDay: "2026-11-30", reason: "the lab stops") {
  __typename ... on Document { number } ... on Refused { code message } } }"""

ACCOUNTS = {
    HUB: ("DE89370400440532013000", "EUR"),
    "DE": ("DE75512108001245126199", "EUR"),
    "FR": ("FR1420041010050500013M02606", "EUR"),
    "GB": ("GB29NWBK60161331926819", "GBP"),
}

# Debits less credits at the end; no clearing account, no payment under way, nothing unmatched.
BALANCES = {
    HUB: {
        ("Assets:HUB:Bank", "EUR"): 1_703_688,
        ("Assets:HUB:NotCollected", "EUR"): -80_000,
        ("Assets:HUB:Receivable", "EUR"): -129_000,
        ("Equity:HUB:FxRealised", "EUR"): 3_906,
        ("Expenses:HUB:BankCharges", "EUR"): 2_000,
        ("Income:HUB:ClearingFee", "EUR"): -108_685,
        ("Liabilities:HUB:Due:DE", "EUR"): 29_460,
        ("Liabilities:HUB:Unearned", "EUR"): -1_421_369,
    },
    "FR": {
        ("Assets:FR:Bank", "EUR"): 194_551,
        ("Income:FR:AdminFee", "EUR"): -130_144,
        ("Liabilities:FR:Due:DE", "EUR"): 890_000,
        ("Liabilities:FR:Members", "EUR"): -954_407,
    },
    "DE": {
        ("Assets:DE:Bank", "EUR"): 36_534_589,
        ("Income:DE:AdminFee", "EUR"): -9_612,
        ("Income:DE:CollectingFee", "EUR"): -910_000,
        ("Liabilities:DE:Due:FR", "EUR"): -890_000,
        ("Liabilities:DE:Due:GB", "EUR"): -7_209_000,
        ("Liabilities:DE:Due:HUB", "EUR"): -29_460,
        ("Liabilities:DE:Members", "EUR"): -86_517,
        ("Liabilities:DE:Unearned", "EUR"): -27_400_000,
    },
    "GB": {
        ("Assets:GB:Bank", "GBP"): -1_058_782,
        ("Income:GB:AdminFee", "GBP"): -967_630,
        ("Liabilities:GB:Due:DE", "GBP"): 6_208_640,
        ("Liabilities:GB:Members", "GBP"): -4_182_228,
    },
}


def on(month, day):
    return datetime(2026, month, day, 12, tzinfo=UTC)


def used(key, licence, page, units, month, **more):
    at = f"2026-{month:02d}-10T12:00:00Z"
    url = page if page.startswith("https") else f"{NEWS}/{page}/1"
    return a_line(key, licence, url, units=units, occurred_at=at, **more)


@pytest.fixture
async def small(backend, tmp_path):
    scenario = write_scenario(
        tmp_path / "files",
        scenario_toml=SCENARIO,
        rates_csv=RATES,
        receipts_csv="licence,received_on,amount\n",
    )
    async with small_federation(backend, scenario, tmp_path) as small:
        await open_for_business(small)
        await small.at(HUB, "settlement").post("/settlement/rates", RATES.encode(), "text/csv")
        yield small


class Story:
    """The federation and its banks."""

    def __init__(self, small):
        self.small = small
        self.banks = {
            code: Bank(small, code, account, currency)
            for code, (account, currency) in ACCOUNTS.items()
        }

    async def open_accounts(self):
        for code, (account, currency) in ACCOUNTS.items():
            await self.small.at(code, "settlement").ask(
                people.OPEN_ACCOUNT, account=account, currency=currency
            )

    async def labs_pay(self):
        """One bank keeps a charge, one lab withholds tax, one pays short, one pays as it should."""
        self.small.set_clock(on(9, 5))
        hub, german = self.banks[HUB], self.banks["DE"]
        hub.book(1_198_500, text="HUB-000001 less charges", name="Lab One")
        hub.book(720_000, text="HUB-000002 less tax", name="Lab Two")
        hub.book(300_000, text="HUB-000003 part", name="Lab Three")
        german.book(36_500_000, text="DE-000001", name="Lab One")
        await hub.state(version=2)
        await german.state(version=4)
        small = self.small
        await people.settle(
            small, HUB, ("INVOICE", "HUB-000001", 1_200_000), ("BANK_CHARGE", "", -1_500)
        )
        await people.settle(
            small,
            HUB,
            ("INVOICE", "HUB-000002", 800_000),
            ("TAX_WITHHELD", "HUB-000002", -80_000, "certificate 7"),
        )
        await people.settle(
            small, HUB, ("INVOICE", "HUB-000003", 365_000), ("SHORT_PAYMENT", "HUB-000003", -65_000)
        )
        for row in await people.queue(small, "DE"):
            amount = int(row["entry"]["signed"])
            await people.settle(small, "DE", ("INVOICE", "DE-000001", amount))
        await small.silence()

    async def report(self, month, lines):
        self.small.set_clock(on(month, 20))
        for (code, who), rows in lines.items():
            person = self.small.at(code, who) if code != HUB else self.small.lab(who)
            await report_lines(person, rows, f"{month}-{self.small.clock():%j}")

    async def pay(self, month, day, charges=0):
        """Everything released is booked; the bank converts pounds and takes its fee."""
        self.small.set_clock(on(month, day))
        hub = self.banks[HUB]
        files = await people.release(self.small, HUB)
        sent = [
            row
            for row in await people.payments(self.small, HUB, "EXPORTED")
            if row["payee"] in self.banks
        ]
        for row in sent:
            minor, currency = int(row["amount"]["minor"]), row["amount"]["currency"]
            cost = minor if currency == "EUR" else minor * 100 // 85 + 37  # the bank's own rate
            hub.book(-cost, e2e=row["id"], text=row["id"])
            self.banks[row["payee"]].book(minor, e2e=row["id"], text=row["id"], name="Hub")
        if charges:
            hub.book(-charges, text="account fee")
        await hub.state(version=8)
        for row in sent:
            if row["amount"]["currency"] != "EUR":
                minor = int(row["amount"]["minor"])
                await people.settle(
                    self.small, HUB, ("PAYMENT", row["id"], -(minor * 100 // 85 + 37))
                )
        if charges:
            await people.settle(self.small, HUB, ("BANK_CHARGE", "", -charges))
        for code in sorted({row["payee"] for row in sent}):
            await self.banks[code].state()
        assert [await people.queue(self.small, code) for code in ACCOUNTS] == [[], [], [], []]
        return files

    async def pay_members(self, code, period, month, day):
        self.small.set_clock(on(month, day))
        await self.small.at(code, "settlement").ask(people.MEMBER_PAYMENTS, period=period)
        await people.release(self.small, code)
        sent = [
            row
            for row in await people.payments(self.small, code, "EXPORTED")
            if row["kind"] == "MEMBER"
        ]
        for row in sent:
            self.banks[code].book(-int(row["amount"]["minor"]), e2e=row["id"], text=row["id"])
        await self.banks[code].state()
        return sent


async def correct(small, *periods):
    officer = small.at(HUB, "settlement")
    for period in periods:
        await officer.ask(OPEN, period=period)
        await small.silence()
        await soon(lambda period=period: is_reported(small, period), what="the round's reports")
        await small.silence()
    await officer.ask(CALCULATE)
    await officer.ask(ADVISE)
    await small.silence()
    await small.at(HUB, "approver").ask(APPROVE)
    await small.silence()


async def gb_is_back(small):
    await small.start("GB")
    small.hurry()
    await small.silence()

    async def has_reported():
        rows = await small.at(HUB, "settlement").ask(
            "query($p: String!) { expectedReports(period: $p) { node sequence } }", p=OCTOBER
        )
        return {row["node"]: row["sequence"] for row in rows}["GB"] == 1

    await soon(has_reported, what="GB's report")
    await small.silence()


async def september(story):
    """DE owes and never pays: it leaves the net after the value date, nobody else waits."""
    small = story.small
    await story.labs_pay()
    await story.report(
        9,
        {
            ("DE", "sites"): [
                used("s-1", "HUB-000001", "de", 5_000, 9),
                used("s-2", "HUB-000001", "fr", 3_000, 9),
                used("s-3", "HUB-000001", f"{NEWS}/de/withheld/1", 1_234, 9),
                used("s-4", "HUB-000001", "gb", 2_000, 9),
            ],
            (HUB, "lab-one"): [
                used("l-1", "DE-000001", "gb", 400, 9),
                used("l-2", "DE-000001", "fr", 600, 9),
            ],
            (HUB, "lab-three"): [
                used("l-1", "HUB-000003", "https://nobody.example/1", 500, 9),
                used("l-2", "HUB-000003", "fr", 500, 9),
            ],
        },
    )
    await people.close(small, SEPTEMBER, on(10, 1))
    await small.silence()
    small.set_clock(on(10, 12))
    assert await small.at(HUB, "settlement").ask(WORK) == [
        {
            "kind": "payments",
            "subject": f"2026-09 {currency}",
            "why": "1 proposed: to be approved by another person",
            "turn": "settlement_approver",
            "until": None,
        }
        for currency in ("EUR", "GBP")
    ] + [
        {
            "kind": "remittance",
            "subject": "PAY-2026-09-DE-HUB",
            "why": "unpaid 1 day after its value date",
            "turn": "DE",
            "until": "2026-10-11",
        },
        {
            "kind": "conflict",
            "subject": "both.example/",
            "why": "FR, GB hold it since 2025-01-01",
            "turn": "settlement_officer",
            "until": None,
        },
    ]
    await people.exclude(small, SEPTEMBER, "DE")
    await story.pay(10, 13, charges=500)


async def a_member_has_moved(story):
    """A payment comes back from a closed account, and goes out again to the new one."""
    small = story.small
    small.set_clock(on(10, 14))
    await people.pay_ahead(small, "GB", SEPTEMBER, "DE will not pay in time")
    sent = await story.pay_members("GB", SEPTEMBER, 10, 14)
    back = sent[0]
    small.set_clock(on(10, 15))
    story.banks["GB"].book(
        int(back["amount"]["minor"]), e2e=back["id"], text="account closed", return_reason="AC04"
    )
    await story.banks["GB"].state()
    assert await people.queue(small, "GB") == []  # the EndToEndId says what it is
    await small.at("GB", "registry").ask(
        people.SET_ACCOUNT,
        member=back["payee"].removeprefix("member:"),
        account={"account": "GB33BUKB20201555555555", "scheme": "IBAN"},
    )
    await small.at("GB", "settlement").ask(people.PROPOSE_AGAIN, id=back["id"])
    again = await story.pay_members("GB", SEPTEMBER, 10, 16)
    assert [row["amount"] for row in again] == [back["amount"]]


async def october(story):
    """GB is down over the close: declared missing by two, its share held until it reports."""
    small = story.small
    await story.report(
        10,
        {
            ("FR", "sites"): [used("o-1", "HUB-000001", "fr", 900, 10)],
            ("GB", "sites"): [used("o-2", "HUB-000001", "gb", 700, 10)],
            (HUB, "lab-one"): [used("o-1", "DE-000001", "gb", 300, 10)],
            (HUB, "lab-two"): [used("o-2", "HUB-000002", "gb", 45, 10, use="SEARCH")],
            (HUB, "lab-three"): [used("o-3", "HUB-000003", "de", 100, 10)],
        },
    )
    await small.silence()
    await small.stop("GB")
    small.set_clock(on(11, 1))
    await small.at(HUB, "settlement").ask(ask.CUT_OFF, period=OCTOBER)
    small.set_clock(on(11, 7))
    await small.at(HUB, "settlement").ask(DECLARE, period=OCTOBER, node="GB", reason="a flood")
    await small.at(HUB, "approver").ask(CONFIRM, period=OCTOBER, node="GB")
    await soon(lambda: people.reported(small, OCTOBER), what="the others' reports")
    await people.approve_month(small, OCTOBER)
    await gb_is_back(small)


async def corrections(story):
    """Late usage, one of a month whose money was carried on, and an opt-out nobody had seen."""
    small = story.small
    small.set_clock(on(11, 10))
    await report_lines(small.at("DE", "sites"), [used("s-8", "HUB-000001", "gb", 2_500, 9)], "late")
    late = [used("l-9", "HUB-000002", "fr", 60, 9, use="SEARCH")]
    await report_lines(small.lab("lab-two"), late, "late")
    await small.at("DE", "registry").post("/registry/optouts", OPTOUT.encode(), "text/csv")
    await small.silence()
    small.set_clock(on(11, 18))
    await people.exclude(small, OCTOBER, "DE")
    await correct(small, SEPTEMBER, OCTOBER)


async def a_late_claim(story):
    """Somebody claims what was held for nobody; return the accounts that move."""
    small = story.small
    works = b"member_id,claim,content_tier\ngb-b,nobody.example,standard\n"
    await small.at("GB", "registry").post("/registry/works", works, "text/csv")
    await small.silence()
    before = {code: await people.trial_balance(small, code) for code in small.codes}
    claim = await small.at("GB", "settlement").ask(
        CLAIM, url="https://nobody.example/1", member="gb-b"
    )
    await small.silence()
    await small.at(HUB, "approver").ask(DECIDE, claim=claim["id"], accept=True)
    await small.silence()
    after = {code: await people.trial_balance(small, code) for code in small.codes}
    return {
        account
        for code in small.codes
        for account, currency in before[code].keys() | after[code].keys()
        if before[code].get((account, currency)) != after[code].get((account, currency))
    }


async def november(story):
    """A lab ends its licence early; the month closes as it should."""
    small = story.small
    small.set_clock(on(11, 20))
    ended = await small.at(HUB, "licensing").ask(END_EARLY)
    await story.pay(11, 22)
    await story.report(
        11,
        {
            ("FR", "sites"): [
                used("n-1", "HUB-000001", "de", 10, 11),
                used("n-2", "HUB-000001", "fr", 20, 11),
                used("n-3", "HUB-000001", "gb", 30, 11),
            ],
            (HUB, "lab-one"): [used("n-1", "DE-000001", "gb", 100, 11)],
            (HUB, "lab-two"): [used("n-2", "HUB-000002", "fr", 9, 11, use="SEARCH")],
            (HUB, "lab-three"): [used("n-3", "HUB-000003", "gb", 50, 11)],
        },
    )
    await people.close(small, NOVEMBER, on(12, 1))
    await small.silence()
    small.set_clock(on(12, 12))
    await people.exclude(small, NOVEMBER, "DE")
    await story.pay(12, 13)
    return ended["number"]


@pytest.mark.slow
async def test_three_months(small, tmp_path):
    story = Story(small)
    await story.open_accounts()
    await september(story)
    await a_member_has_moved(story)
    await october(story)
    await corrections(story)
    moved = await a_late_claim(story)
    credit_note = await november(story)

    assert moved == {
        "Liabilities:HUB:Suspense:Unmatched",
        "Liabilities:HUB:Due:GB",
        "Liabilities:GB:Due:HUB",
        "Income:GB:AdminFee",
        "Liabilities:GB:Members",
    }
    assert credit_note == "CN-HUB-000001"
    again = await tell(small, HUB, small.at(HUB, "settlement"), CALCULATE)
    assert again.code == "NOTHING_TO_CORRECT"  # originals and corrections are all there is to know
    for code in small.codes:
        balance = await people.trial_balance(small, code)
        assert balance == BALANCES[code]
        assert balance[f"Assets:{code}:Bank", story.banks[code].currency] == (
            story.banks[code].balance
        )
        [report] = await small.at(code, "auditor").ask(people.REPORT)
        assert (report["addsUp"], report["entriesInSuspense"]) == (True, 0)
        for by_root in (await people.sums(small, code)).values():
            assert sum(by_root.values()) == 0
        found = await check_server(small.running[code].config)
        assert found.violations == []
        config = small.running[code].config
        books = {}
        for form in ("beancount", "hledger"):
            written = io.BytesIO()
            await export(config, form, None, written)
            books[form] = written.getvalue()
        for form, journal in books.items():  # `make judges` gives them to other programs
            (tmp_path / f"books-{code}.{form}").write_bytes(journal)
        judged(tmp_path / f"books-{code}.beancount", tmp_path / "changed.beancount")
        again = read_hledger(books["hledger"].decode())
        assert {key: amount for key, amount in again.items() if amount} == balance


def judged(journal, changed):
    """Let bean-check judge a journal, and refuse it with any of some amounts one unit off."""
    assert subprocess.run([BEAN_CHECK, journal], check=False).returncode == 0
    lines = journal.read_text(encoding="utf-8").splitlines()
    posted = [number for number, line in enumerate(lines) if POSTED.match(line)]
    for number in random.Random(len(lines)).sample(posted, 3):
        found = POSTED.match(lines[number])
        last = str((int(found[2]) + 1) % 10)
        other = [*lines[:number], f"{found[1]}{last}{found[3]}", *lines[number + 1 :]]
        changed.write_text("\n".join(other) + "\n", encoding="utf-8")
        refused = subprocess.run([BEAN_CHECK, changed], check=False, capture_output=True)
        assert refused.returncode == 1
