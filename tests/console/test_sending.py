"""Forms: each acts once, from this server's own pages only, and nothing typed is lost."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from federation.store.failures import DatabaseDownError
from tests.console.visitors import Form
from tests.databases import contents

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROPOSE = """mutation($subject: String!) { proposePerson(subject: $subject, name: "<i>Zoë</i> & co",
  roles: [auditor], reason: "begins") { ... on Person { id } ... on Refused { code } } }"""
KEEPERS = {"HUB": ("olga", "omar", "federation_operator"), "GB": ("nora", "nils", "node_operator")}


@pytest.fixture
def proposed(house, sign_in):
    """What proposes somebody and returns (id, who proposed, who may confirm, their office)."""

    async def act(subject):
        first, second, office = KEEPERS[house.service.server.code]
        found = await house.act(first, PROPOSE, subject=subject)
        assert "id" in found, found
        return found["id"], await sign_in(first, office), await sign_in(second, office)

    return act


async def versions(house, subject):
    rows = (await contents(house.database))["people_version"]
    return [row for row in rows if subject in row]


async def test_a_form_acts_once_however_often_it_is_sent(house, proposed):
    number, _, second = await proposed("zoe")
    page = await second.see("/people/zoe")
    form = page.form("confirm-person", number)
    twice = await asyncio.gather(second.send(form), second.send(form))
    again = await second.send(form)
    done = await second.see(again.location)

    assert {(seen.status, seen.location) for seen in (*twice, again)} == {
        (303, "/people/zoe?said=confirm-person")
    }
    assert 'role="status">Confirmed: it is in force from now on.' in done.text
    assert "&lt;i&gt;Zoë&lt;/i&gt; &amp; co" in done.text
    log = (await contents(house.database))["people_act"]
    assert sum("person.confirm" in row and "zoe" in row for row in log) == 1


async def test_a_refusal_stands_on_the_form_with_what_was_typed(house, proposed):
    number, first, second = await proposed("yan")
    own = await first.see("/people/yan")
    before = await contents(house.database)
    alone = await first.send(own.form("confirm-person", number))
    form = (await second.see("/people/yan")).form("withdraw-person", number)
    typed = 'no reason: "<b>' + "x" * 2_000
    long = await second.send(form, reason=typed)

    assert (alone.status, "SAME_PERSON" in alone.alert) == (422, True)
    assert await contents(house.database) == before
    assert (long.status, long.alert.startswith("Nothing was done.")) == (422, True)
    kept = long.form("withdraw-person", number)
    assert kept.fields["reason"] == typed
    assert kept.fields["once"] != form.fields["once"]
    assert (await second.send(kept, reason="not now")).location.endswith("said=withdraw-person")


async def test_only_a_page_of_this_server_in_this_session_acts(house, proposed):
    number, _, second = await proposed("xenia")
    form = (await second.see("/people/xenia")).form("withdraw-person", number)
    before = await contents(house.database)
    refused = [
        await second.send(form, reason="x", headers=headers)
        for headers in (
            {"Sec-Fetch-Site": "cross-site", "Origin": "https://else.example"},
            {"Sec-Fetch-Site": "same-site", "Origin": ""},
            {"Sec-Fetch-Site": "", "Origin": "null"},
            {"Sec-Fetch-Site": "", "Origin": ""},
        )
    ]
    unread = [
        await second.send(Form(form.action, form.fields | wrong))
        for wrong in ({"act": "delete-all"}, {"act": ""}, {"once": "short"})
    ]
    other = await second.send(form, reason="x", headers={"Content-Type": "text/plain"})
    stale = await second.send(form, reason="<kept>", csrf_token="A" * 43)
    large = await second.send(form, reason="x" * 600_000)

    assert [seen.status for seen in refused] == [403] * 4
    assert [seen.status for seen in unread] == [400] * 3
    assert (other.status, large.status) == (400, 413)
    assert (stale.status, stale.alert.startswith("You have signed in anew")) == (200, True)
    assert stale.form("withdraw-person", number).fields["reason"] == "<kept>"
    assert await contents(house.database) == before


async def test_a_session_that_is_over_loses_nothing_that_was_typed(house, proposed, sign_in):
    number, _, second = await proposed("wim")
    form = (await second.see("/people/wim?state=PROPOSED")).form("withdraw-person", number)
    before = await contents(house.database)
    house.later(minutes=31)
    over = await second.send(form, reason="typed & kept")

    assert (over.status, over.location) == (401, "")
    assert "What you typed is kept on this page." in over.alert
    assert await contents(house.database) == before
    kept = over.form("withdraw-person", number)
    assert dict(parse_qsl(kept.action.partition("?")[2])) == {"state": "PROPOSED"}
    assert kept.fields == {
        "act": "withdraw-person",
        "id": number,
        "once": form.fields["once"],
        "reason": "typed & kept",
        "row": number,
    }
    fresh = await sign_in(second.subject, second.office)
    shown = await fresh.send(kept)
    assert "You have signed in anew" in shown.alert
    again = shown.form("withdraw-person", number)
    assert again.fields["reason"] == "typed & kept"
    assert (await fresh.send(again)).status == 303


async def test_forms_of_days_ago_are_forgotten(house, proposed):
    number, first, _ = await proposed("vera")
    await first.send((await first.see("/people/vera")).form("withdraw-person", number), reason="x")
    house.clock.instant += timedelta(days=1, seconds=1)
    number, first, _ = await proposed("ulf")
    await first.send((await first.see("/people/ulf")).form("withdraw-person", number), reason="x")

    assert len((await contents(house.database))["console_sent"]) == 1


@pytest.fixture
def loses(house, monkeypatch):
    """What has the database be gone after a commit, so that nobody knows of it."""
    database, write = house.service.server.db, house.service.server.db.write

    def act(name):
        @asynccontextmanager
        async def written(wanted):
            async with write(wanted) as session:
                yield session
            if wanted == name:
                raise DatabaseDownError(retry_after=5)

        monkeypatch.setattr(database, "write", written)

    return act


async def test_what_may_have_been_done_is_not_said_to_be_undone_and_not_done_again(
    house, proposed, loses
):
    number, _, second = await proposed("tom")
    form = (await second.see("/people/tom")).form("withdraw-person", number)
    loses("person.withdraw")
    first = await second.send(form, reason="<typed>")
    again = await second.send(form, reason="<typed>")

    assert (first.status, again.status) == (503, 409)
    assert first.alert.startswith("Whether this was done is not known. Look before you send it")
    assert first.alert.endswith(" DATABASE_DOWN")
    assert again.alert.startswith("This form was sent before, and how that ended is not known.")
    assert "Nothing was done" not in first.text + again.text
    log = (await contents(house.database))["people_act"]
    assert sum("person.withdraw" in row and "tom" in row for row in log) == 1


async def test_what_was_done_is_said_to_be_done_where_that_cannot_be_noted(proposed, loses):
    number, _, second = await proposed("sam")
    form = (await second.see("/people/sam?x=" + "y" * 3_000)).form("confirm-person", number)
    loses("console.sent")

    assert (await second.send(form)).location == "/people/sam?said=confirm-person"
