"""Labs: from a price that anybody may calculate to a licence, a token and an invoice."""

import re

import httpx
import pytest
import pytest_asyncio

from federation.console.labs import LABS
from federation.console.public import PUBLIC
from federation.values.party import HUB
from federation.values.roles import Role
from federation.webhooks.audience import types_for
from tests.console.visitors import Visitor, signed_in
from tests.databases import contents
from tests.federation.conftest import PRICES, TARIFF, opened_past  # noqa: F401 - a fixture
from tests.federation.harness import DAY, resumed, soon

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASKED = (
    "/calculator?of-1=DE&for-1=TRAIN%7Cstandard&units-1=1000000"
    "&of-2=FR&for-2=GROUND%7Cstandard&units-2=10&of-3=DE&for-3=SEARCH%7Cpremium&units-3=5"
    "&starts=2026-09-02&ends=2027-09-01"
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(any_backend, opened_past):  # noqa: F811 - as above
    """A federation that is open for business, with a tariff."""
    async with resumed(any_backend, opened_past) as small, httpx.AsyncClient(timeout=30) as http:
        small.http = http
        await small.at(HUB, "licensing").ask(TARIFF, input=PRICES)
        yield small


def stranger(town, code=HUB):
    return Visitor(town.keepers[code].service.server, town.http)


async def person(town, subject, role, code=HUB):
    return await signed_in(town.keepers[code].service.server, town.http, subject, role)


async def buyer(town, lab="lab-one", code=HUB):
    return await person(town, f"buyer@{lab}", "lab", code)


async def test_everybody_reads_the_tariff_and_calculates_and_nothing_is_kept(town):
    nobody = stranger(town)
    before = await contents(town.databases[HUB])
    tariff = await nobody.see("/tariff")
    price = await nobody.see(ASKED)
    program = await nobody.see(ASKED, Accept="application/json")
    wrong = await nobody.see("/calculator?of-1=DE&for-1=TRAIN%7Cstandard&units-1=1e3")
    backwards = await nobody.see(ASKED.replace("ends=2027", "ends=2025"))

    assert re.search(r"TRAIN</th>.*?9\.00.*?3\.00", tariff.text, re.DOTALL)
    assert (
        "DE TRAIN standard 1,000,000 3.00 EUR 3,000.00 EUR "
        "FR GROUND standard 10 4.50 EUR 0.04 EUR Fee 3,000.04 EUR"
    ) in price.words
    assert "DE, SEARCH, premium: the tariff has no price for this use and content tier" in (
        price.words
    )
    assert "Ask for this quote" not in price.text
    assert '"fee":{"minor":"300004","currency":"EUR"}' in program.text
    assert "Line 1: units are a whole number" in wrong.alert
    assert 'value="1e3"' in wrong.text
    assert (backwards.status, "the term ends before it starts" in backwards.alert) == (422, True)
    assert 'name="units-1" inputmode="numeric" value="1000000"' in backwards.text
    assert await contents(town.databases[HUB]) == before


async def test_a_lab_buys_with_forms_and_gets_a_token_a_secret_and_an_invoice(town):
    lab = await buyer(town)
    asked = (await lab.see(ASKED)).form("request-quote")
    quoted = await lab.send(asked)
    again = await lab.send(asked)
    offers = await lab.see(quoted.location)
    [offer] = re.findall(r'name="offer" value="([^"]+)"', offers.text)
    form = offers.form("accept-offer", offer)
    bought = await lab.send(form)
    twice = await lab.send(form)

    assert "can be accepted" in offers.words
    assert "Fee 3,000.04 EUR" in offers.words
    assert quoted.location == again.location == "/labs/offers?said=request-quote"
    assert bought.location == twice.location == "/labs/licences/HUB-000003?said=accept-offer"

    async def registered():
        seen = await lab.see("/labs/licences/HUB-000003")
        return seen if "pending" not in seen.words else None

    licence = await soon(registered, what="the registrations")
    assert "Collectives by what they answered registered 3 " in licence.words
    invoices = await lab.see("/labs/invoices")
    assert 'href="/labs/documents/INV-HUB-000003"' in invoices.text
    paper = await lab.see("/labs/documents/INV-HUB-000003")
    assert 'href="/documents/INV-HUB-000003.json"' in paper.text
    hers = await (await buyer(town, "lab-two")).see("/labs/documents/INV-HUB-000003")
    assert (hers.status, "UNKNOWN_DOCUMENT" in hers.alert) == (404, True)
    document = await lab.see("/documents/INV-HUB-000003.json")
    assert (document.status, '"HUB-000003"' in document.text) == (200, True)
    assert 'href="/documents/INV-HUB-000003.pdf"' in paper.text
    assert 'href="/licences/HUB-000003.pdf"' in licence.text

    town.set_clock(DAY)  # within the term
    lab = await buyer(town)
    mint = (await lab.see("/labs/licences/HUB-000003")).form("mint-token")
    minted = await lab.send(mint, audience="https://news.example/de/", **{"uses.TRAIN": "on"})
    assert (minted.status, "readonly" in minted.text) == (200, True)
    assert "A token was minted. It is shown once." in minted.words
    assert "https://news.example/de/" in minted.words
    assert (await lab.send(mint, audience="https://news.example/de/")).status == 303


async def test_a_secret_is_on_one_page_once_and_ends_when_it_is_revoked(town):
    lab, other = await buyer(town), await buyer(town, "lab-two")
    new = (await lab.see("/labs/clients")).form("issue-lab-client")
    name = '<script>alert("x")</script>'
    made = await lab.send(new, name=name, days="30", publicKey="")
    secret = re.search(r'readonly value="(cc_[^"]+)"', made.text)[1]
    again = await lab.send(new, name=name, days="30", publicKey="")
    listed = await lab.see(again.location)
    client = re.search(r'aria-labelledby="client-([^"]+)"[^§]*?script', listed.text)[1]
    hers = await other.see("/labs/clients")

    assert made.headers["Cache-Control"] == "no-store"
    assert (again.status, again.location) == (303, "/labs/clients?said=issue-lab-client")
    assert secret not in listed.text
    assert "<script>alert" not in made.text + listed.text
    assert "&lt;script&gt;alert" in listed.text
    assert client not in hers.text
    stolen = listed.form("revoke-lab-client", client)
    before = await contents(town.databases[HUB])
    own = hers.form("issue-lab-client")
    refused = await other.send(stolen, csrf_token=own.fields["csrf_token"], once=own.fields["once"])
    assert (refused.status, "UNKNOWN_CLIENT" in refused.alert) == (422, True)
    assert await contents(town.databases[HUB]) == before
    assert (await lab.send(stolen)).location == "/labs/clients?said=revoke-lab-client"
    assert f'client-{client}">' in (await lab.see("/labs/clients")).text


async def test_what_is_refused_keeps_what_was_typed(town):
    lab = await buyer(town)
    form = (await lab.see("/labs/invoices")).form("state-billing-details")
    before = await contents(town.databases[HUB])
    typed = {"name": "Lab & <b>Co</b>", "street": "1", "city": "Bonn", "country": "Germany"}
    refused = await lab.send(form, **typed)
    kept = refused.form("state-billing-details").fields

    assert (refused.status, "BAD_BILLING_DETAILS" in refused.alert) == (422, True)
    assert {name: kept[name] for name in typed} == typed
    assert await contents(town.databases[HUB]) == before
    good = await lab.send(form, **{**typed, "country": "DE", "postcode": "53111"})
    assert good.location == "/labs/invoices?said=state-billing-details"
    shown = await lab.see("/labs/invoices")
    assert "Lab &amp; &lt;b&gt;Co&lt;/b&gt;" in shown.text


async def test_a_webhook_is_made_changed_replayed_and_ended(town):
    lab, auditor = await buyer(town), await person(town, "auditor", "auditor")
    form = (await lab.see("/labs/webhooks")).form("subscribe-webhook")
    bad = await lab.send(form, url="ftp://lab.example/", **{"types.INVOICE_ISSUED": "on"})
    url = f"{town.running[HUB].url}/hooks"
    made = await lab.send(form, url=url, **{"types.INVOICE_ISSUED": "on"})
    hook = re.search(r'href="(/labs/webhooks/[^"]+)"', made.text)[1]
    consents = {"types.CONSENT_RECORDED": "on", "types.RESERVATION_FOUND": "on"}
    changed = (await lab.see(hook)).form("change-webhook")
    assert (await lab.send(changed, **consents)).status == 303
    seen = await lab.see(hook)
    ticks = dict(re.findall(r'name="types.(\w+)"( checked)?', seen.text))
    renewed = await lab.send(seen.form("rotate-webhook-secret"))
    paused = await lab.send(seen.form("pause-webhook"))
    ended = await lab.send((await lab.see(hook)).form("end-webhook"))
    other = await auditor.see(hook)

    assert (bad.status, "BAD_WEBHOOK_URL" in bad.alert) == (422, True)
    assert bad.form("subscribe-webhook").fields["url"] == "ftp://lab.example/"
    assert ticks == {
        each.name: " checked" if f"types.{each.name}" in consents else ""
        for each in types_for(Role.LAB)
    }
    assert re.search(r'readonly value="whsec_', made.text)
    assert re.search(r'readonly value="whsec_', renewed.text)
    assert paused.location == f"{hook}?said=pause-webhook"
    assert ended.location == f"{hook}?said=end-webhook"
    assert ("ended" in other.words, "End for good" in other.words) == (True, False)


async def test_what_is_covered_and_used_is_looked_up(town):
    lab, nobody = await buyer(town), stranger(town)
    asked = "urls=https%3A%2F%2Fnews.example%2Fde%2F1%0Anonsense&at=2026-09-20T12:00:00Z"
    covered = await lab.see(f"/labs/coverage?{asked}&uses.TRAIN=on")
    wrong = await lab.see(f"/labs/coverage?{asked}&uses.TRAIN=on".replace("2026", "yesterday"))
    usage = await lab.see("/labs/usage?period=2026-09")
    rights = await lab.see(f"/rights?{asked}")
    led = await nobody.see(f"/rights?{asked}")

    assert re.search(r"https://news.example/de/1 DE TRAIN ✓ covered", covered.words)
    assert "not covered no address that can be read" in covered.words
    assert (wrong.status, "nonsense" in wrong.text) == (422, True)
    assert "HUB-000001" in usage.words
    assert "https://news.example/de/1 ✓ can be licensed DE" in rights.words
    assert (led.status, led.location.startswith("/sign-in?next=%2Frights%3Furls")) == (303, True)
    assert (await nobody.see("/rights")).status == 200


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_every_page_is_shown_in_the_words_of_the_language(town, code):
    lab, auditor = await buyer(town, code=code), await person(town, "auditor", "auditor", code)
    role = "hub" if code == HUB else "node"
    pages = [page for page in (*LABS, *PUBLIC) if role in page.at and "{" not in page.path]
    german = {"Accept-Language": "de"}
    for page in pages:
        seen = await lab.see(page.path, **german)
        assert (page.path, seen.status) == (page.path, 200)
        assert (page.path, (await auditor.see(page.path)).status) == (page.path, 200)
    assert {page.path for page in pages if page.group} - set(seen.menu) == set()
