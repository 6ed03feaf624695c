"""A registry officer at a node's pages: works of all collectives, one with its past, and claims."""

import re

from tests.console.node_pages import (  # noqa: F401 - fixtures too
    DASH,
    cells,
    http,
    late_past,
    opened_past,
    small,
    visitor,
)

WORK = """mutation($title: String!) { registerWork(id: "W-1", reason: "found", work: {title: $title,
  creators: [{name: "Ann", role: AUTHOR}], identifiers: ["ISBN:9783161484100"],
  addresses: ["news.example/fr/poems/"]}) { ... on Work { id }
  ... on Refused { code message } } }"""


async def test_an_officer_finds_works_as_they_were_and_corrects_claims(small, http):  # noqa: F811
    officer = small.at("FR", "registry", "registry_officer")
    made = await officer.ask(WORK, title="<b>Poems</b>")
    rosa = await visitor(small, http, "registry", "registry_officer")
    found = await rosa.see("/registry?text=poe")
    there = await rosa.see("/registry?url=https://news.example/fr/poems/")
    work = await rosa.see("/registry/work/FR:W-1")
    before = await rosa.see("/registry/work/FR:W-1?at=2025-01-01")
    page = await rosa.see("/claims?member=fr-a")
    row = re.findall(r'name="row" value="([^"]+)"', page.text)[0]
    form = page.form("correct-claim", row)
    wrong = await rosa.send(form, address="not an address", reason="typo <b>")
    kept = wrong.form("correct-claim", row)
    waits = await rosa.send(kept, address="both.example/x/")
    entered = await rosa.send(
        page.form("register-claim"),
        address="new.example/",
        contentTier="standard",
        reason="a letter",
    )
    after = await rosa.see(entered.location)
    member = await visitor(small, http, "member@fr-a", "member")
    foreign = await member.see("/registry?text=poe")

    assert made == {"id": "FR:W-1"}
    row_of_work = [
        "&lt;b&gt;Poems&lt;/b&gt; FR:W-1 · OTHER",
        "Ann",
        "ISBN 9783161484100",
        DASH,
        "news.example/fr/poems/",
    ]
    assert (cells(found)[1:], found.alert) == ([row_of_work], None)
    assert (cells(there)[1:], there.alert) == ([row_of_work], None)
    assert cells(work)[1:] == [
        ["REGISTERED", "10 Nov 2026, 00:00 UTC", "10 Nov 2026, 00:00 UTC", "registry", "found"]
    ]
    assert "This collective had no such work then." in before.words
    assert form.fields["address"] == "both.example/"
    assert (wrong.status, "BAD_CLAIM" in wrong.alert) == (422, True)
    assert (kept.fields["address"], kept.fields["reason"]) == ("not an address", "typo <b>")
    assert waits.location == "/proposals?said=correct-claim"
    assert entered.location == "/claims?member=fr-a&said=register-claim"
    claims = [each[0].partition(" ")[0] for each in cells(after)[1:]]
    assert sorted(claims) == ["both.example/", "new.example/", "news.example/fr/"]
    assert (foreign.status, "NOT_ALLOWED" in foreign.alert) == (403, True)
