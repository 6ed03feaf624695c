"""The rest of a month by the console alone: nodes answer, the run is approved, payments go out."""

import re
from datetime import UTC, datetime
from urllib.parse import unquote

import httpx

from federation.values.party import HUB
from tests.console.visitors import signed_in
from tests.federation.harness import PERIOD, nothing_changes, tell

RUNS = "{ runs { edges { node { state approvedBy } } } }"
PAYMENTS = """{ payments { edges { node { id state approvedBy exportedIn
  amount { currency } } } } }"""
ANSWERS = """query($run: String!) { runAnswers(runId: $run) {
  node answer reason settledBy outcome } }"""
NETTING = """query($run: String!) { runNetting(runId: $run) {
  clearings { debtor creditor owed { minor currency } cleared { minor currency } }
  positions { party receivable { minor } payable { minor } net { minor currency } } } }"""
READY = datetime(2026, 10, 11, tzinfo=UTC)  # when nodes may not object any more


async def at(small, http, code, subject, role):
    return await signed_in(small.keepers[code].service.server, http, subject, role)


async def test_a_month_is_answered_approved_and_exported_in_the_browser(advised):
    small, run = advised
    page, auditor = f"/month/{PERIOD}/run/{run}", small.at(HUB, "auditor")
    async with httpx.AsyncClient(timeout=60) as http:
        seen = await _answered(small, http, page)
        answers = await auditor.ask(ANSWERS, run=run)
        small.set_clock(READY)
        approved = await _approved(small, http, page)
        paid = await _paid(small, http)

    assert "&lt;b&gt;300 units&lt;/b&gt; lack" in seen.text
    assert answers == [
        {
            "node": "DE",
            "answer": "OBJECTED",
            "reason": "<b>300 units</b> lack",
            "settledBy": "settlement",
            "outcome": "they came late",
        },
        {"node": "FR", "answer": "CONCURRED", "reason": None, "settledBy": None, "outcome": None},
    ]
    assert approved.location == f"{page}?said=approve-run"
    assert await auditor.rows(RUNS) == [{"state": "APPROVED", "approvedBy": "approver"}]
    assert paid.location == "/documents?series=PAY&said=export-payments"
    rows = await auditor.rows(PAYMENTS)
    in_euro = [row for row in rows if row["amount"]["currency"] == "EUR"]
    assert in_euro
    assert {(row["state"], row["approvedBy"]) for row in in_euro} == {("EXPORTED", "approver")}
    assert {row["state"] for row in rows if row not in in_euro} == {"APPROVED"}


async def _answered(small, http, page):
    """Have one node object and one concur, answer at the hub, and approve too early."""
    officer = await at(small, http, HUB, "settlement", "settlement_officer")
    approver = await at(small, http, HUB, "approver", "settlement_approver")
    german = await at(small, http, "DE", "settlement", "settlement_officer")
    french = await at(small, http, "FR", "settlement", "settlement_officer")
    form = (await german.see(page)).form("object-to-run")
    assert (await german.send(form, reason="<b>300 units</b> lack")).status == 303
    form = (await french.see(page)).form("concur-with-run")
    assert (await french.send(form)).status == 303
    await small.silence()
    assert f'href="{page}"' in (await approver.see(f"/month?period={PERIOD}")).text
    early = await approver.see(page)
    async with nothing_changes(small, HUB):
        refused = await approver.send(early.form("approve-run"))
    assert (refused.status, "OBJECTIONS_OPEN" in refused.alert) == (422, True)
    seen = await officer.see(page)
    settled = await officer.send(seen.form("settle-objection"), outcome="they came late")
    assert settled.status == 303
    await small.silence()
    return seen


async def _approved(small, http, page):
    """Approve as a person whose session is as long as the clock was moved."""
    approver = await at(small, http, HUB, "approver", "settlement_approver")
    return await approver.send((await approver.see(page)).form("approve-run"))


async def _paid(small, http):
    """Approve every payment that waits, export those in euro, and fetch the file."""
    await small.silence()
    approver = await at(small, http, HUB, "approver", "settlement_approver")
    officer = await at(small, http, HUB, "settlement", "settlement_officer")
    seen = await approver.see("/payments?state=PROPOSED")
    marked = dict.fromkeys(re.findall(r'name="(ids\.[^"]+)"', seen.text), "on")
    assert (await approver.send(seen.form("approve-payments"), **marked)).status == 303
    seen = await officer.see("/payments")
    form = seen.form("export-payments")
    wrong = await officer.send(form, currency="EURO", valueOn="tomorrow")
    again = wrong.form("export-payments").fields
    assert (wrong.status, again["currency"], again["valueOn"]) == (422, "EURO", "tomorrow")
    done = await officer.send(form, currency="EUR", valueOn="2026-10-12")
    listed = await officer.see(done.location)
    [file] = re.findall(r'href="(/documents/PAY-HUB-000001\.[a-z]+)"', listed.text)
    assert (await officer.see(unquote(file))).text.startswith("<?xml")
    return done


async def test_netting_says_who_owes_whom_and_what_is_left(advised):
    small, run = advised
    found = await small.at(HUB, "auditor").ask(NETTING, run=run)
    at_home = await small.at("DE", "auditor").ask(NETTING, run=run)
    unknown = (await tell(small, HUB, small.at(HUB, "auditor"), NETTING, run="0" * 64)).code

    pairs = [
        (each["debtor"], each["creditor"], *each["owed"].values(), *each["cleared"].values())
        for each in found["clearings"]
    ]
    assert pairs == [
        ("DE", "FR", "8900", "EUR", "8900", "EUR"),
        ("DE", "HUB", "300", "EUR", "300", "EUR"),
        ("HUB", "DE", "60504", "EUR", "60504", "EUR"),
        ("HUB", "DE", "63782", "GBP", "75038", "EUR"),
        ("HUB", "FR", "11685", "EUR", "11685", "EUR"),
        ("HUB", "GB", "23483", "EUR", "23483", "EUR"),
    ]
    left = {each["party"]: each["net"] for each in found["positions"]}
    assert left == {
        "DE": {"minor": "126342", "currency": "EUR"},
        "FR": {"minor": "20585", "currency": "EUR"},
        "GB": {"minor": "23483", "currency": "EUR"},
        "HUB": {"minor": "-170410", "currency": "EUR"},
    }
    sides = {each["party"]: (each["receivable"], each["payable"]) for each in found["positions"]}
    assert sides["HUB"] == ({"minor": "300"}, {"minor": "170710"})
    assert at_home == found
    assert unknown == "UNKNOWN_RUN"
