"""Invitations on both databases: what is refused writes nothing, and the database insists too."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from federation.accounts import inviting, local, sessions, store
from federation.accounts.inviting import (
    BadCodeError,
    BadIdentityError,
    Halves,
    IdentityTakenError,
    NoInvitationError,
    TooManyInvitationsError,
    UnknownPersonError,
)
from federation.accounts.local import BadSignInError
from federation.config import StaffMember
from federation.people import bootstrap
from federation.people import store as people
from federation.trust.key_secret import KeySecret, new_secret
from federation.trust.principals import Principal, SamePersonError
from federation.values.reason import ReasonError
from tests.databases import refused

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
ANN, BEN = (Principal(name, frozenset({"federation_operator"})) for name in ("ann", "ben"))
LISTED = [
    StaffMember("ann", ["federation_operator"]),
    StaffMember("ben", ["federation_operator"]),
    StaffMember("cara", ["auditor", "settlement_officer"]),
]
ISSUER = "https://login.example"


@pytest.fixture
async def hub(database):
    async with database.write("test") as session:
        await bootstrap.take_in_listed(session, LISTED, NOON)
    return database


async def done(database, act):
    async with database.write("test") as session:
        return await act(session)


def inviting_(subject="cara", *, who=ANN, reason="begins"):
    return lambda session: inviting.invite(session, subject, reason, who=who, now=NOON)


def linking(subject="cara", named=(ISSUER, "c-1"), *, who=ANN):
    return lambda session: inviting.propose_link(
        session, subject, named, "as listed", who=who, now=NOON
    )


def confirming(number, *, who=BEN, now=NOON):
    return lambda session: inviting.confirm(session, number, who=who, now=now)


def redeeming(first, second, *, now=NOON):
    return lambda session: inviting.redeem_by_password(
        session, Halves(first, second), "a hash", now=now
    )


async def test_what_two_people_do_not_agree_on_lets_nobody_in(hub):
    first, row = await done(hub, inviting_())
    await refused(hub, SamePersonError, confirming(row.id, who=ANN))
    await refused(hub, SamePersonError, confirming(row.id, who=Principal("Cara", frozenset())))
    await refused(hub, BadCodeError, redeeming(first, first))  # not confirmed yet
    second, _ = await done(hub, confirming(row.id))
    await refused(hub, NoInvitationError, confirming(row.id))
    await refused(hub, BadCodeError, redeeming(second, first))
    await refused(hub, BadCodeError, redeeming(first, second, now=row.expires_at))
    await refused(hub, NoInvitationError, confirming(999))
    person = await done(hub, redeeming(first, second))
    await refused(hub, BadCodeError, redeeming(first, second))

    assert person.subject == "cara"
    assert row.expires_at == NOON + timedelta(days=3)


async def test_what_is_withdrawn_or_late_is_not_confirmed(hub):
    first, row = await done(hub, inviting_())
    late = confirming(row.id, now=NOON + inviting.LIFE)
    await refused(hub, NoInvitationError, late)
    second, _ = await done(hub, confirming(row.id))
    await done(hub, lambda session: inviting.withdraw(session, row.id, who=ANN, now=NOON))
    await refused(hub, BadCodeError, redeeming(first, second))
    again = lambda session: inviting.withdraw(session, row.id, who=ANN, now=NOON)  # noqa: E731
    await refused(hub, NoInvitationError, again)


async def test_who_is_not_here_is_not_invited_and_nobody_without_a_reason(hub):
    await refused(hub, UnknownPersonError, inviting_("dan"))
    await refused(hub, ReasonError, inviting_(reason=" "))
    for _ in range(inviting.OPEN_MAX):
        await done(hub, inviting_())
    await refused(hub, TooManyInvitationsError, inviting_())
    await refused(hub, TooManyInvitationsError, linking())


async def test_an_identity_is_one_persons_and_as_a_provider_writes_it(hub):
    for named in ((ISSUER, ""), (ISSUER, "x" * 256), (ISSUER, "ä"), (ISSUER, "a\n"), ("", "x")):
        await refused(hub, BadIdentityError, linking(named=named))
    mine, other = await done(hub, linking()), await done(hub, linking("ann", who=BEN))
    await done(hub, confirming(mine.id))
    await refused(hub, IdentityTakenError, confirming(other.id, who=Principal("eva", frozenset())))
    await refused(hub, IdentityTakenError, linking("ben"))
    async with hub.read() as session:
        assert (await store.find_identity(session, ISSUER, "c-1")).person == "cara"
        assert await store.find_identity(session, ISSUER.upper(), "c-1") is None


@pytest.mark.parametrize(
    "change",
    [
        "confirmed_by = made_by",
        "confirmed_by = person",
        "used_at = 1",
        "issuer = 'https://login.example'",
        "first = NULL",
    ],
)
async def test_the_database_refuses_what_no_two_people_did(hub, change):
    await done(hub, inviting_())
    async with hub.write("test") as session:
        with pytest.raises(DBAPIError):
            await session.execute(text(f"UPDATE accounts_invitation SET {change}"))
        await session.rollback()


async def test_who_leaves_loses_every_way_in(hub):
    first, row = await done(hub, inviting_())
    second, _ = await done(hub, confirming(row.id))
    person = await done(hub, redeeming(first, second))
    await done(hub, confirming((await done(hub, linking())).id))
    _, waits = await done(hub, inviting_())
    begin = lambda session: sessions.begin(session, person, "PASSWORD", now=NOON)  # noqa: E731
    secret, _ = await done(hub, begin)

    async def leaves(session):
        gone = await people.person_in_force(session, "cara")
        gone.roles = "[]"
        await inviting.follow(session, gone, by="ben")

    await done(hub, leaves)
    async with hub.read() as session:
        assert await sessions.find(session, secret, NOON) is None
        assert await store.find_account(session, "cara") is None
        assert await store.identities_of(session, "cara") == []
        assert (await store.find_invitation(session, waits.id)).state(NOON) == "WITHDRAWN"
        log = await people.acts(session, before=None, subject="cara", act=None, limit=3)
    assert [(row.actor, row.act) for row in reversed(log)] == [
        ("ben", "session.end"),
        ("ben", "account.close"),
        ("ben", "identity.unlink"),
    ]


async def test_a_password_that_was_replaced_while_it_was_compared_proves_nothing(hub):
    first, row = await done(hub, inviting_())
    second, _ = await done(hub, confirming(row.id))
    await done(hub, redeeming(first, second))
    keys = KeySecret([new_secret()], "a test")

    def proving(subject, kept):
        return lambda session: local.prove(session, subject, kept, "", keys, NOON)

    await refused(hub, BadSignInError, proving("cara", "an older hash"))
    await refused(hub, BadSignInError, proving("ann", None))
    assert (await done(hub, proving("cara", "a hash"))).subject == "cara"


async def test_the_secrets_of_codes_are_encrypted_again_with_the_newest_key(hub):
    old, fresh = new_secret(), new_secret()
    first, row = await done(hub, inviting_())
    second, _ = await done(hub, confirming(row.id))
    await done(hub, redeeming(first, second))
    before = KeySecret([old], "a test")
    begin = lambda session: local.begin_totp(session, "cara", "a hash", before)  # noqa: E731
    secret = await done(hub, begin)
    again = KeySecret([fresh, old], "a test")
    count = await done(hub, lambda session: local.encrypt_again(session, again))

    async with hub.read() as session:
        kept = (await store.find_account(session, "cara")).totp
    assert (count, KeySecret([fresh], "a test").decrypted(kept)) == (1, secret.encode())
    stale = lambda session: local.begin_totp(session, "cara", "an older hash", again)  # noqa: E731
    await refused(hub, BadSignInError, stale)
