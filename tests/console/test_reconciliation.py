"""The bank desk in a browser: what is shown, what a refusal keeps, and who was first."""

import asyncio
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio

from federation.console.reconciliation.typed import minor_of
from federation.errors import RefusalError
from tests.banking.counter import states
from tests.console.bank_desk import (
    APPROVER,
    EXACT,
    FILE,
    HOSTILE,
    OFFICER,
    bank_house,
    chosen,
    register,
    upload,
)
from tests.console.visitors import Visitor, signed_in
from tests.databases import contents

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(any_backend, tmp_path_factory):
    """The hub with the bank's two files taken, and the browser of somebody by name and office."""
    async with (
        bank_house(any_backend, tmp_path_factory.mktemp("hub")) as place,
        httpx.AsyncClient(timeout=30) as http,
    ):

        async def sign_in(subject, role):
            return await signed_in(place.service.server, http, subject, role)

        place.sign_in = sign_in
        alice = await sign_in("alice", OFFICER)
        await register(alice)
        assert [(await upload(alice, file))[1]["matched"] for file in (FILE, EXACT)] == [0, 1]
        yield place


async def test_both_sides_stand_beside_each_other_and_hostile_words_are_text(desk):
    alice, auditor = await desk.sign_in("alice", OFFICER), await desk.sign_in("ada", "auditor")
    page, read_only = await alice.see("/reconciliation"), await auditor.see("/reconciliation")
    found = await alice.see("/reconciliation?search=hub-000004")
    german = await alice.see("/reconciliation", **{"Accept-Language": "de"})

    assert (
        "invoice HUB-000002 2,500.00 EUR score 65: reference HUB-000002; amount off by -10.00 EUR; "
        "name 100 % alike: lab-one; due on 2026-10-01 Not explained: \u221210.00 EUR"
    ) in page.words
    assert '<input type="checkbox" form="match" id="entry.2" name="entry.2" value="249000 EUR"' in (
        page.text
    )
    assert "7,000.00 EUR due 1 Oct 2026 invoice HUB-000004" in page.words
    assert [path for path in page.menu if path.startswith("/reconciliation")] == [
        "/reconciliation",
        "/reconciliation/exceptions",
        "/reconciliation/files",
        "/reconciliation/overpayments",
        "/reconciliation/held",
        "/reconciliation/claims",
        "/reconciliation/limits",
    ]
    assert ("HUB-000004" in found.words, "invoice HUB-000002 ·" in found.words) == (True, False)
    assert "7.000,00 EUR" in german.words
    assert ('type="checkbox"' in read_only.text, "HUB-000004" in read_only.words) == (False, True)
    for path in ("", "/entries/5", "/exceptions", "/statements/1"):
        seen = await auditor.see(f"/reconciliation{path}")
        assert (HOSTILE in seen.text, "&lt;script&gt;alert(1)" in seen.text) == (False, True), path
        assert 'method="post" action="/reconciliation' not in seen.text
    assert (await auditor.see("/reconciliation/entries/99")).status == 404


async def test_what_is_expected_comes_in_pages_of_its_own(desk):
    ask = """query($after: String) { bankExpected(first: 4, after: $after, currency: "EUR") {
      edges { node { kind ref signed dueOn party } } pageInfo { hasNextPage endCursor } } }"""
    first = await desk.act("ada", ask)
    rest = await desk.act("ada", ask, after=first["pageInfo"]["endCursor"])
    found = [edge["node"] for edge in (*first["edges"], *rest["edges"])]

    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    assert [(each["ref"], each["signed"]) for each in found] == [
        ("HUB-000001", "100000"),
        ("HUB-000002", "250000"),
        ("HUB-000003", "40000"),
        ("HUB-000004", "700000"),
        ("HUB-000005", "90000"),
    ]
    assert {(each["kind"], each["dueOn"], each["party"]) for each in found} == {
        ("INVOICE", "2026-10-01", "lab-one")
    }
    assert await desk.act("ada", '{ bankExpected(currency: "ZZZ") { edges { cursor } } }') == (
        "UNKNOWN_CURRENCY"
    )


async def test_what_is_refused_keeps_what_was_chosen_and_typed(desk):
    alice = await desk.sign_in("alice", OFFICER)
    page = await alice.see("/reconciliation?currency=EUR")
    form, before = page.form("match-selection"), await contents(desk.database)
    typed = {"kind.0": "BANK_CHARGE", "ref.0": "HUB-000002", "note.0": "<i>", "amount.0": "-9.99"}
    boxes = chosen(("2", 249000), _2=250000)
    unequal = await alice.send(form, **boxes, **typed)
    unread = await alice.send(form, **boxes, **typed | {"amount.0": "-9.999"})
    nothing = await alice.send(form, **typed)
    forged = await alice.send(form, **{"entry.2": "<b>"})

    assert (unequal.status, "UNBALANCED_ITEMS" in unequal.alert) == (422, True)
    assert "EUR 2,490.00 EUR 2,490.01 EUR \u22120.01 EUR" in unequal.words
    assert 'value="249000 EUR" data-digits="2" checked' in unequal.text
    assert 'value="250000 EUR" data-digits="2" checked' in unequal.text
    kept = unequal.form("match-selection")
    assert {name: kept.fields[name] for name in typed if name != "kind.0"} == {
        name: text for name, text in typed.items() if name != "kind.0"
    }
    assert kept.action == "/reconciliation?currency=EUR"
    assert "('-9.999' in EUR, which has 2) NO_AMOUNT" in unread.alert
    assert "no entry of the bank is chosen" in nothing.alert
    assert (forged.status, "&lt;b&gt;" in forged.text) == (422, True)
    assert await contents(desk.database) == before


async def test_of_two_officers_on_one_entry_the_second_is_told_who_was_first(desk):
    alice, otto = await desk.sign_in("alice", OFFICER), await desk.sign_in("otto", OFFICER)
    first, second = [await who.see("/reconciliation") for who in (alice, otto)]
    done = await asyncio.gather(*[alice.send(first.form("match-best", "1")) for _ in range(2)])
    late = await otto.send(second.form("match-best", "1"))
    page = await otto.see("/reconciliation/entries/1")

    assert {seen.location for seen in done} == {"/reconciliation?said=match-best"}
    assert (late.status, "entry 1, by alice at 2026-10-19" in late.alert) == (422, True)
    assert "ENTRY_SETTLED" in late.alert
    assert "1 ✓ settled invoice HUB-000001 1,000.00 EUR alice 19 Oct 2026, 09:00 UTC" in page.words
    assert page.words.count("✓ settled") == 2  # its state, and one act
    assert (await states(desk.database))[0] == (1, "SETTLED")


async def test_what_is_exact_is_confirmed_together_or_not_at_all(desk):
    alice, ben = await desk.sign_in("alice", OFFICER), await desk.sign_in("ben", APPROVER)
    page = await ben.see("/reconciliation/entries/7")
    await ben.send(page.form("entry-undo"), reason="a look")
    page = await alice.see("/reconciliation")
    form = page.form("match-exact")
    before = await contents(desk.database)
    refused = await alice.send(form, **{"entries.6": "on"})

    assert "Confirm 1 exact suggestion of this page" in page.words
    assert "NOT_EXACT" in refused.alert
    assert await contents(desk.database) == before
    assert (await alice.send(form)).location == "/reconciliation?said=match-exact"
    assert (7, "SETTLED") in await states(desk.database)


async def test_files_go_in_by_the_door_of_programs_and_out_by_a_form(desk):
    alice = await desk.sign_in("alice", OFFICER)
    page = await alice.see("/reconciliation/files")
    status, refused = await upload(alice, FILE.replace(b"11490.01", b"11490.02"))
    [form] = [page.form("withdraw-file", "1")]
    kept = await alice.send(form, reason="<b>wrong")

    assert (status, refused["code"]) == (422, "BALANCE_MISMATCH")
    assert "At the banks, all accounts 12,040.01 EUR" in page.words
    assert "Number 2 STM-2 Main DE89370400440532013000" in page.words
    assert kept.status == 422
    assert kept.form("withdraw-file", "1").fields["reason"] == "<b>wrong"


async def test_two_people_change_a_limit(desk):
    alice, ben = await desk.sign_in("alice", OFFICER), await desk.sign_in("ben", APPROVER)
    form = (await alice.see("/reconciliation/limits")).form("propose-limit")
    said = {"kind": "BANK_CHARGE", "currency": "EUR", "since": "2026-11-01", "reason": "large"}
    wrong = await alice.send(form, **said, amount="1.234")
    done = await alice.send(form, **said, amount="150,00")
    page = await ben.see("/reconciliation/limits")
    await ben.send(page.form("confirm-limit", "1"))
    after = await ben.see("/reconciliation/limits")

    assert "('1.234' in EUR, which has 2) NO_AMOUNT" in wrong.alert
    assert done.location.endswith("said=propose-limit")
    assert "bank charge 150.00 EUR 1 Nov 2026, 00:00 UTC alice, 19 Oct 2026" in after.words
    assert "large ben 19 Oct 2026, 09:00 UTC" in after.words


async def test_why_a_number_is_what_it_is_down_to_its_steps(desk):
    auditor = await desk.sign_in("ada", "auditor")
    asked = await auditor.see("/why")
    found = await auditor.see("/why?number=INV-HUB-000001")
    none = await auditor.see("/why?number=INV-HUB-999999")
    uses = await auditor.see("/why/uses?url=https%3A%2F%2Fpub.example%2Fa")
    held = await auditor.see("/reconciliation/held?asOf=2026-10-01")

    assert "Name a document, a payment" in asked.words
    assert "Fee of HUB-000001 1,000.00 EUR" in found.words
    assert none.status == 404
    assert "No use of this address is recorded here." in uses.words
    assert (held.status, "Held longest first" in held.words) == (200, True)


@pytest.mark.parametrize(
    ("written", "currency", "minor"),
    [
        ("-10.00", "EUR", -1000),
        ("10,5", "EUR", 1050),
        ("+7", "JPY", 7),
        ("\u22120.001", "KWD", -1),
        ("1,234", "KWD", None),
        ("1,234", "EUR", None),
        ("1.5", "JPY", None),
        ("1e3", "EUR", None),
        ("\u0661", "EUR", None),
        ("1" * 40, "EUR", None),
        ("", "EUR", None),
    ],
)
async def test_an_amount_is_read_one_way_or_refused(written, currency, minor):
    if minor is None:
        with pytest.raises(RefusalError):
            minor_of(written, currency)
    else:
        assert minor_of(written, currency) == minor


async def test_everything_is_searched_from_any_page_and_one_number_leads_to_its_page(desk):
    alice = await desk.sign_in("alice", OFFICER)
    nobody = Visitor(desk.service.server, alice.http)
    amount = await alice.see("/search?q=2,490.00+EUR")
    number = await alice.see("/search?q=hub-000004")
    as_json = await alice.see("/search?q=hub-000004", Accept="application/json")
    hostile = await alice.see(f"/search?{urlencode({'q': HOSTILE})}")
    long = await alice.see(f"/search?q={'a' * 201}")
    stranger = await nobody.see("/search?q=2,490.00+EUR")

    assert 'action="/search" role="search"' in (await alice.see("/")).text
    assert "Entries of the bank" in amount.words
    assert "2 Lab One Ltd HUB-000002 16 Oct 2026 2,490.00 EUR" in amount.words
    assert '<a href="/reconciliation/entries/2">' in amount.text
    assert (number.status, number.location) == (303, "/labs/licences/HUB-000004")
    assert (as_json.status, '"isExact":true' in as_json.text) == (200, True)
    assert (hostile.status, "<script>alert" in hostile.text) == (200, False)
    assert (long.status, "BAD_SEARCH" in long.alert) == (422, True)
    assert (stranger.status, "Nothing was found of what you may see" in stranger.words) == (
        200,
        True,
    )


async def test_an_entry_is_seen_to_by_one_person_and_what_is_said_of_it_stays(desk):
    alice, otto = await desk.sign_in("alice", OFFICER), await desk.sign_in("otto", OFFICER)
    auditor, where = await desk.sign_in("ada", "auditor"), "/reconciliation/entries/6"
    first, second = await alice.see(where), await otto.see(where)
    done = await alice.send(first.form("entry-take"))
    before = await contents(desk.database)
    late = await otto.send(second.form("entry-take"))
    no_officer = await otto.send(late.form("entry-hand-over"), to="rosa")
    kept = no_officer.form("entry-hand-over").fields
    assert await contents(desk.database) == before

    assert done.location == f"{where}?said=entry-take"
    assert (late.status, "ENTRY_TAKEN" in late.alert, "6, alice since" in late.alert) == (
        422,
        True,
        True,
    )
    assert ("NO_OFFICER" in no_officer.alert, kept["to"], kept["owner"]) == (True, "rosa", "alice")
    await otto.send(no_officer.form("entry-hand-over"), to="otto")
    await otto.send(late.form("entry-comment"), text=f"{HOSTILE}\nasked")
    page = await auditor.see(where)
    assert "Seen to by otto" in page.words
    assert ("otto · 19 Oct 2026, 09:00 UTC" in page.words, "<script>alert(1)" in page.text) == (
        True,
        False,
    )
    assert "<bdi>&lt;script&gt;alert(1)" in page.text
    assert "entry-comment" not in page.text
    assert (
        "open otto 19 Oct 2026, 09:00 UTC"
        in (await auditor.see("/reconciliation/exceptions")).words
    )
    assert "seen to by otto" in (await auditor.see("/reconciliation")).words
    assert "seen to by otto 1" in (await alice.see("/")).words
    await otto.send((await otto.see(where)).form("entry-let-go"))
    assert "Seen to by nobody" in (await auditor.see(where)).words
