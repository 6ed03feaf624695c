"""Codes with which sites are installed: who makes them, and that each is good once."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from federation.clients import service, site_codes, store
from federation.clients.service import Act
from federation.clients.site_codes import NewSite
from federation.people.tables import AuditAct
from tests.clients.programs import (
    EVERYBODY,
    MEMBER,
    NODE_OPERATOR,
    NOW,
    OTHER_PEPPER,
    PEPPER,
    REGISTRY,
    person,
    refusal_of,
)
from tests.databases import contents

ORIGINS = ["https://pub.example"]
WEEK = timedelta(days=7)


async def issued(database, who=REGISTRY, member="m-1", origins=ORIGINS, days=7, now=NOW):
    async with database.write("test.issue") as session:
        act = Act(session, who, now, PEPPER)
        return await site_codes.issue(act, member, origins, days)


async def used(database, secret, bits=None, *, now=NOW, pepper=PEPPER):
    async with database.write("test.use") as session:
        return await site_codes.use(session, secret, bits, now=now, pepper=pepper)


async def test_who_keeps_a_members_sites_makes_their_codes_and_nobody_else(database):
    for who in EVERYBODY:
        if who in (REGISTRY, NODE_OPERATOR, MEMBER):
            assert (await issued(database, who)).row.made_by == who.subject
            continue

        async def act(session, who=who):
            await site_codes.issue(Act(session, who, NOW, PEPPER), "m-1", ORIGINS, 7)

        assert await refusal_of(database, act) == "NOT_ALLOWED", who


@pytest.mark.parametrize(
    ("member", "origins", "days"),
    [
        (None, ORIGINS, 7),
        ("m-1", [], 7),
        ("m-1", ORIGINS, 0),
        ("m-1", ORIGINS, 31),
        ("m-1", ["pub.example"], 7),
        ("m-1", ["https://pub.example/news"], 7),
        ("m-1", ["ftp://pub.example"], 7),
        ("m-1", ["https://" + "a" * 300 + ".example"], 7),
        ("m-1", [f"https://p{n}.example" for n in range(101)], 7),
    ],
)
async def test_what_is_no_site_has_no_code(database, member, origins, days):
    async def act(session):
        await site_codes.issue(Act(session, REGISTRY, NOW, PEPPER), member, origins, days)

    assert await refusal_of(database, act) == "BAD_CLIENT"


async def test_a_code_makes_one_client_once(database):
    code = await issued(database, MEMBER, origins=["https://PUB.example:443/", *ORIGINS])

    site = await used(database, code.secret, now=NOW + WEEK - timedelta(seconds=1))

    client = site.given.client
    assert (site.member, site.origins) == ("m-1", ORIGINS)
    assert (client.kind, client.role, client.party) == ("SITE", "site", "m-1")
    assert client.made_by == f"site-code:{code.row.id}"
    assert site.given.secret.startswith("cc_")
    assert (await refusal_of(database, lambda s: use_in(s, code.secret))) == "BAD_SITE_CODE"


BITS, OTHERS = "a" * 43, "b" * 43


async def test_the_same_site_gets_the_same_again_while_the_code_lives_and_nobody_else(database):
    code = await issued(database)
    before = NOW + WEEK - timedelta(seconds=1)
    first = await used(database, code.secret, BITS)
    kept = await contents(database)
    again = await used(database, code.secret, BITS, now=before)

    ids = first.given.client.client_id, first.given.credential.id
    assert first.given.secret == f"cc_{ids[1]}_{BITS}"
    assert (again.given.client.client_id, again.given.credential.id) == ids
    assert (again.given.secret, again.origins) == (first.given.secret, first.origins)
    for bits, now in ((OTHERS, NOW), (None, NOW), (BITS, NOW + WEEK)):
        code_of = await refusal_of(
            database, lambda s, a=(bits, now): use_in(s, code.secret, a[0], now=a[1])
        )
        assert code_of == "BAD_SITE_CODE"
    assert await contents(database) == kept
    assert BITS not in repr(kept)


@pytest.mark.parametrize("what", ["client", "credential"])
async def test_what_was_revoked_is_not_given_again(database, what):
    code = await issued(database)
    given = (await used(database, code.secret, BITS)).given
    async with database.write("test.revoke") as session:
        act = Act(session, REGISTRY, NOW, PEPPER)
        if what == "client":
            await service.revoke(act, given.client.client_id)
        else:
            await service.revoke_credential(act, given.credential.id)

    assert await refusal_of(database, lambda s: use_in(s, code.secret, BITS)) == "BAD_SITE_CODE"


async def test_of_two_sites_with_one_code_at_once_one_is_installed(database):
    code = await issued(database)
    found = await asyncio.gather(
        *(used(database, code.secret, each) for each in (BITS, OTHERS)),
        return_exceptions=True,
    )

    installed = [each.member for each in found if isinstance(each, NewSite)]
    refused = [each.code for each in found if not isinstance(each, NewSite)]
    assert (installed, refused) == (["m-1"], ["BAD_SITE_CODE"])


async def use_in(session, secret, bits=None, now=NOW, pepper=PEPPER):
    await site_codes.use(session, secret, bits, now=now, pepper=pepper)


async def test_a_code_that_is_over_unknown_or_another_servers_opens_nothing(database):
    secret = (await issued(database)).secret
    wrong = [
        (secret, NOW + WEEK, PEPPER),
        (secret, NOW, OTHER_PEPPER),
        (secret[:-1] + ("A" if secret[-1] != "A" else "B"), NOW, PEPPER),
        (f"sc_{'0' * 16}_{secret[-43:]}", NOW, PEPPER),
        (secret.replace("sc_", "cc_"), NOW, PEPPER),
        (secret + "\n", NOW, PEPPER),
        ("", NOW, PEPPER),
    ]
    for shown, now, pepper in wrong:
        code = await refusal_of(
            database, lambda s, a=(shown, now, pepper): use_in(s, a[0], None, *a[1:])
        )
        assert code == "BAD_SITE_CODE"

    assert (await used(database, secret)).member == "m-1"


async def test_of_a_code_only_a_digest_is_kept(database):
    code = await issued(database)
    kept = repr(await contents(database))

    assert code.secret not in kept
    assert code.secret.rpartition("_")[2] not in kept


async def test_a_member_has_twenty_codes_that_wait_and_others_have_theirs(database):
    codes = [await issued(database) for _ in range(site_codes.LIVE_CODES_MAX)]

    async def act(session):
        await site_codes.issue(Act(session, REGISTRY, NOW, PEPPER), "m-1", ORIGINS, 7)

    assert await refusal_of(database, act) == "TOO_MANY_SITE_CODES"
    await issued(database, person("member", "m-2"), member="m-2")
    await used(database, codes[0].secret)
    await issued(database)
    await issued(database, now=NOW + WEEK)


async def test_the_audit_log_says_whose_code_it_was(database):
    code = await issued(database)
    await used(database, code.secret)

    async with database.read() as session:
        rows = list(await session.scalars(select(AuditAct).order_by(AuditAct.number)))
    assert [(row.act, row.actor) for row in rows] == [
        ("site_code.issue", REGISTRY.subject),
        ("client.issue", f"site-code:{code.row.id}"),
    ]
    assert REGISTRY.subject in repr(rows[1].detail)


async def withdraw_in(session, number, who=REGISTRY, now=NOW):
    return await site_codes.withdraw(Act(session, who, now, PEPPER), number)


async def test_a_code_that_was_withdrawn_makes_no_client_and_the_log_says_by_whom(database):
    code = await issued(database)
    async with database.write("test.withdraw") as session:
        assert (await withdraw_in(session, code.row.id, MEMBER)).member == "m-1"

    assert await refusal_of(database, lambda s: use_in(s, code.secret)) == "BAD_SITE_CODE"
    async with database.read() as session:
        rows = list(await session.scalars(select(AuditAct).order_by(AuditAct.number)))
    assert [(row.act, row.actor, row.subject) for row in rows] == [
        ("site_code.issue", REGISTRY.subject, code.row.id),
        ("site_code.withdraw", MEMBER.subject, code.row.id),
    ]


async def test_a_withdrawn_code_is_none_of_the_twenty(database):
    codes = [await issued(database) for _ in range(site_codes.LIVE_CODES_MAX)]
    async with database.write("test.withdraw") as session:
        await withdraw_in(session, codes[0].row.id)

    await issued(database)


async def test_what_is_no_unused_code_of_ones_own_is_not_withdrawn(database):
    mine, taken = await issued(database), await issued(database)
    await used(database, taken.secret)
    for number, who, now in (
        (mine.row.id, person("member", "m-2"), NOW),
        (mine.row.id, REGISTRY, NOW + WEEK),
        (taken.row.id, REGISTRY, NOW),
        ("0" * 16, REGISTRY, NOW),
        ("", REGISTRY, NOW),
    ):
        code = await refusal_of(database, lambda s, a=(number, who, now): withdraw_in(s, *a))
        assert code == "BAD_SITE_CODE"

    assert (await used(database, mine.secret)).member == "m-1"


async def test_who_makes_no_codes_withdraws_none(database):
    code = await issued(database)
    for who in EVERYBODY:
        if who not in (REGISTRY, NODE_OPERATOR, MEMBER):
            refused = await refusal_of(database, lambda s, w=who: withdraw_in(s, code.row.id, w))
            unknown_to_it = who.subject == "member@m-2"
            assert refused == ("BAD_SITE_CODE" if unknown_to_it else "NOT_ALLOWED"), who

    assert (await used(database, code.secret)).member == "m-1"


async def test_origins_are_those_of_sites_that_are_installed_and_not_revoked(database):
    async def origins(limit=10):
        async with database.read() as session:
            return await store.installed_origins(session, "m-1", limit)

    plain = await issued(database, origins=["http://pub.example:8000"])
    await issued(database, origins=["http://unused.example"])
    later = await issued(
        database, origins=["https://a.example", "https://b.example"], now=NOW + timedelta(hours=1)
    )
    other = await issued(database, member="m-2", origins=["https://other.example"])
    assert await origins() == []

    first = await used(database, plain.secret)
    for code in (later, other):
        await used(database, code.secret, now=NOW + timedelta(hours=1))
    both = await origins(), await origins(1)
    async with database.write("test.revoke") as session:
        act = Act(session, REGISTRY, NOW, PEPPER)
        await service.revoke(act, first.given.client.client_id)

    assert both == (
        ["https://a.example", "https://b.example", "http://pub.example:8000"],
        ["https://a.example", "https://b.example"],
    )
    assert await origins() == ["https://a.example", "https://b.example"]
