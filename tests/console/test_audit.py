"""What an auditor is shown: a run to compute again, the books, and what was examined of a month."""

import json
from hashlib import sha256

from federation.cli.check import check_run
from federation.edge.sessions import SESSION_COOKIE, place_of
from tests.console.node_pages import cells, http, late_past, opened_past, small, visitor  # noqa: F401
from tests.federation.harness import PERIOD


async def fetched(who, path):
    cookie = f"{place_of(who.server).cookie(SESSION_COOKIE)}={who.secret}"
    answer = await who.http.get(f"{who.server.url}{path}", headers={"Cookie": cookie})
    assert answer.status_code == 200
    return answer.content


async def test_an_auditor_computes_a_run_again_and_reads_the_books_as_they_stood(small, http):  # noqa: F811
    auditor = await visitor(small, http, "auditor", "auditor")
    runs, journal = await auditor.see("/audit/runs"), await auditor.see("/audit/journal")
    run = await fetched(auditor, f"/files/runs/{PERIOD}.json")
    report = json.loads(await fetched(auditor, f"/files/report/{PERIOD}.json"))
    examined = await auditor.see(f"/audit/invariants?period={PERIOD}")
    balance = await auditor.see("/audit/balance")
    before, never = [
        await auditor.see(f"/audit/{page}")
        for page in ("balance?asOf=2020-01-01", "invariants?period=2020-01")
    ]
    account = await auditor.see("/audit/account?account=Equity:FR:Clearing&currency=EUR")

    name = sha256(run).hexdigest()
    assert check_run(run).run_id == name
    assert name in runs.words
    assert f'href="/files/runs/{PERIOD}.json" download="run-{PERIOD}.json"' in runs.text
    assert f"federation check --run run-{PERIOD}.json" in runs.words
    assert {row[1].split()[-1]: int(row[2]) for row in cells(examined)[1:]} == {
        name: each["examined"] for name, each in report["checks"].items() if name != "computable"
    }
    assert "nothing is wrong" in examined.words
    assert (never.status, "NOT_SETTLED" in never.alert) == (404, True)
    assert ("they agree" in balance.words, "they differ" in balance.words) == (True, False)
    assert "Nothing was in the books then." in before.words
    assert "Equity:FR:Clearing" in journal.words
    moved = cells(account)[1:]
    assert moved[-1][-1] == next(row for row in cells(balance) if row[0] == "Equity:FR:Clearing")[3]
    member = await visitor(small, http, "member@fr-a", "member")
    for page in ("runs", "journal", "balance", f"invariants?period={PERIOD}"):
        refused = await member.see(f"/audit/{page}")
        assert (refused.status, "NOT_ALLOWED" in refused.alert) == (403, True), page
