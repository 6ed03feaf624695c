"""The ledger in GraphQL, at the hub and at a node: balances, histories, ages, signed heads."""

import pytest
import pytest_asyncio

from federation.ledger.heads import HEAD_TYP
from federation.scenario.client import nodes_of
from federation.signing.jose import InvalidTokenError, verify
from federation.signing.keys import key_set
from federation.values.party import HUB
from tests.federation.correcting import RATES, SEPTEMBER, live
from tests.federation.harness import small_federation, tell, write_scenario

pytestmark = pytest.mark.asyncio(loop_scope="module")

MONEY = "{ minor currency }"

TRIAL = f"""query($asOf: DateTime, $first: Int, $after: String) {{
  trialBalance(asOf: $asOf, first: $first, after: $after) {{
    head {{ hash entries recordedAt }}
    accounts {{ edges {{ node {{ account debits {MONEY} credits {MONEY} balance {MONEY} }} }}
      pageInfo {{ hasNextPage endCursor }} }}
    totals {{ debits {MONEY} credits {MONEY} }} }} }}"""

HISTORY = f"""query($account: String!, $currency: String!, $first: Int, $after: String) {{
  accountHistory(account: $account, currency: $currency, first: $first, after: $after) {{
    opening {MONEY} closing {MONEY}
    moves {{ edges {{ node {{ id document otherAccount amount {MONEY} balance {MONEY} }} }}
      pageInfo {{ hasNextPage endCursor }} }} }} }}"""

AGING = f"""query($on: Date!, $accounts: [String!]) {{
  accountAging(on: $on, accounts: $accounts) {{ edges {{ node {{
    account balance {MONEY} oldest days amounts {MONEY} }} }} }} }}"""

HEAD = "query($asOf: DateTime) { ledgerHead(asOf: $asOf) { hash entries } }"
HEADS = "{ periodHeads { edges { node { period opening hash } } } }"
SIGNED = "query($period: String) { signedLedgerHead(period: $period) }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(sqlite, tmp_path_factory):
    """Two months of books, which are only read."""
    folder = tmp_path_factory.mktemp("books")
    scenario = write_scenario(folder / "files", rates_csv=RATES)
    async with small_federation(sqlite, scenario, folder) as small:
        story = small.story()
        await story.join()
        await story.register()
        await story.sell()
        await story.publish_rates()
        await live(small, story, late=False)
        yield small


async def test_the_books_can_be_read_page_by_page_and_add_up(small):
    for code in small.codes:
        auditor = small.at(code, "auditor")
        whole = await auditor.ask(TRIAL, first=100)
        pages, more = [], {"hasNextPage": True, "endCursor": None}
        while more["hasNextPage"]:
            page = await auditor.ask(TRIAL, first=3, after=more["endCursor"])
            pages += nodes_of(page["accounts"])
            more = page["accounts"]["pageInfo"]
            assert page["totals"] == whole["totals"]

        assert pages == nodes_of(whole["accounts"])
        assert len(pages) > 3
        for total in whole["totals"]:
            assert total["debits"] == total["credits"]
            currency = total["debits"]["currency"]
            of_it = [row for row in pages if row["balance"]["currency"] == currency]
            assert sum(int(row["balance"]["minor"]) for row in of_it) == 0
            assert sum(int(row["debits"]["minor"]) for row in of_it) == int(
                total["debits"]["minor"]
            )

        for row in pages[:4]:
            account, currency = row["account"], row["balance"]["currency"]
            history = await auditor.ask(HISTORY, account=account, currency=currency, first=100)
            moves = nodes_of(history["moves"])
            assert history["closing"] == row["balance"]
            assert moves[-1]["balance"] == row["balance"]
            first = await auditor.ask(HISTORY, account=account, currency=currency, first=1)
            more = first["moves"]["pageInfo"]
            if more["hasNextPage"]:
                rest = await auditor.ask(
                    HISTORY, account=account, currency=currency, first=100, after=more["endCursor"]
                )
                assert nodes_of(first["moves"]) + nodes_of(rest["moves"]) == moves
                assert (rest["opening"], rest["closing"]) == (first["closing"], row["balance"])


async def test_a_past_instant_is_answered_as_it_was_then(small):
    auditor = small.at(HUB, "auditor")
    before = await auditor.ask(TRIAL, asOf="2026-09-20T12:00:00Z")
    now = await auditor.ask(TRIAL)
    head = await auditor.ask(HEAD, asOf="2026-09-20T12:00:00Z")

    accounts = nodes_of(before["accounts"])
    assert [row["account"] for row in accounts] == [
        "Assets:HUB:Bank",
        "Assets:HUB:Receivable",
        "Assets:HUB:Receivable",
        "Liabilities:HUB:Unearned",
        "Liabilities:HUB:Unearned",
    ][-len(accounts) :]
    assert before["head"]["entries"] < now["head"]["entries"]
    assert head == {"hash": before["head"]["hash"], "entries": before["head"]["entries"]}


async def test_what_is_unearned_ages(small):
    auditor = small.at(HUB, "auditor")
    [eur, gbp] = await auditor.rows(AGING, on="2026-12-31", accounts=["Liabilities:HUB:Unearned"])

    assert eur["balance"]["currency"] == "EUR"
    assert gbp["balance"]["currency"] == "GBP"
    for row in (eur, gbp):
        assert row["days"] == [30, 90, 180, 365, 1095]
        assert len(row["amounts"]) == 6
        total = sum(int(amount["minor"]) for amount in row["amounts"])
        assert total == int(row["balance"]["minor"]) < 0


async def test_heads_are_a_chain_and_are_signed_by_the_server_alone(small):
    for code in small.codes:
        auditor = small.at(code, "auditor")
        october, september = await auditor.rows(HEADS)
        signed = await auditor.ask(SIGNED, period=SEPTEMBER)
        now = await auditor.ask(SIGNED)
        keys = key_set([small.key(code).public_jwk()])

        assert september["opening"] == "0" * 64
        assert october["opening"] == september["hash"]
        said = verify(signed, typ=HEAD_TYP, keys=keys)
        assert said["iss"] == small.keepers[code].config.entity_id
        assert (said["head"], said["period"], said["opening"]) == (
            september["hash"],
            SEPTEMBER,
            september["opening"],
        )
        assert verify(now, typ=HEAD_TYP, keys=keys)["head"] == (await auditor.ask(HEAD))["hash"]
        other = "DE" if code == HUB else HUB
        with pytest.raises(InvalidTokenError):
            verify(signed, typ=HEAD_TYP, keys=key_set([small.key(other).public_jwk()]))


async def test_a_month_that_left_no_head_is_refused(small):
    answer = await tell(small, HUB, small.at(HUB, "auditor"), SIGNED, period="2026-01")

    assert answer.code == "NO_HEAD"


@pytest.mark.parametrize("document", [TRIAL, HEAD, HEADS, SIGNED])
async def test_nobody_reads_the_books_without_an_office(small, document):
    for person in (None, small.at(HUB, "registry"), small.lab("lab-one")):
        answer = await tell(small, HUB, person, document)
        assert answer.code in {"NOT_AUTHENTICATED", "NOT_ALLOWED"}
