"""Acts on clients: who may do what to whose, and what is refused without a row written."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from federation.clients import service, store
from federation.clients.proving import (
    NotTheClientError,
    find_bearer,
    look_up,
    prove_by_assertion,
    prove_by_secret,
)
from federation.clients.secret import Pepper, PepperLostError
from federation.clients.service import Act, NewClient, Proof
from federation.people.tables import AuditAct
from federation.signing.client_tokens import AccessToken, mint_client_assertion
from federation.signing.keys import SigningKey
from federation.trust.private_files import OpenFileError
from tests.clients.programs import (
    EVERYBODY,
    LAB,
    LICENSING,
    MEMBER,
    NODE_OPERATOR,
    NOW,
    OPERATOR,
    OTHER_PEPPER,
    PEPPER,
    REGISTRY,
    made,
    person,
    refusal_of,
)
from tests.databases import contents

HUB, NODE = "HUB", "GB"
JWK = msgspec.json.encode(SigningKey.generate().public_jwk()).decode()


def wanted(kind: str, party: str | None, **proof: Any) -> NewClient:
    return NewClient(kind, party, "A program", Proof(**proof))


async def issue(database, who, new: NewClient, *, here=NODE, key="k", now=NOW):
    async with database.write("test.issue") as session:
        return await service.issue(Act(session, who, now, PEPPER), new, key=key, here=here)


MAY = {
    (HUB, "LAB", "lab-one"): [LICENSING, LAB],
    (HUB, "TOOL", None): [OPERATOR, NODE_OPERATOR],
    (NODE, "LAB", "lab-one"): [LICENSING, LAB],
    (NODE, "SITE", "m-1"): [REGISTRY, NODE_OPERATOR, MEMBER],
    (NODE, "TOOL", None): [OPERATOR, NODE_OPERATOR],
}


@pytest.mark.parametrize(("here", "kind", "party"), MAY)
async def test_who_may_make_a_client_and_who_not(database, here, kind, party):
    for number, who in enumerate(EVERYBODY):
        new, key = wanted(kind, party), f"k{number}"
        if who in MAY[here, kind, party]:
            given = await issue(database, who, new, here=here, key=key)
            assert (given.client.kind, given.client.party) == (kind, party)
            assert given.client.made_by == who.subject
            continue

        async def act(session, who=who, new=new, key=key):
            await service.issue(Act(session, who, NOW, PEPPER), new, key=key, here=here)

        assert await refusal_of(database, act) == "NOT_ALLOWED", who


@pytest.mark.parametrize(
    ("new", "who", "here", "code"),
    [
        (wanted("SITE", "m-1"), NODE_OPERATOR, HUB, "UNKNOWN_CHOICE"),  # a hub has no members
        (wanted("NODE", "FR"), OPERATOR, HUB, "UNKNOWN_CHOICE"),  # servers call with their key
        (wanted("lab", "lab-one"), LICENSING, HUB, "UNKNOWN_CHOICE"),
        (wanted("TOOL", "lab-one"), OPERATOR, HUB, "BAD_CLIENT"),
        (wanted("LAB", ""), LICENSING, HUB, "BAD_CLIENT"),
        (wanted("LAB", "l" * 256), LICENSING, HUB, "BAD_CLIENT"),
        (wanted("LAB", "lab one "), LICENSING, HUB, "UNCLEAR_IDENTITY"),
        (wanted("LAB", "lab-one", days=0), LICENSING, HUB, "BAD_CLIENT"),
        (wanted("LAB", "lab-one", days=1_827), LICENSING, HUB, "BAD_CLIENT"),
        (wanted("LAB", "lab-one", jwk="{"), LICENSING, HUB, "BAD_CLIENT"),
        (wanted("LAB", "lab-one", jwk='{"kty":"RSA"}'), LICENSING, HUB, "INVALID_KEY"),
        (NewClient("LAB", "lab-one", " ", Proof()), LICENSING, HUB, "BAD_CLIENT"),
        (NewClient("LAB", "lab-one", "n" * 201, Proof()), LICENSING, HUB, "BAD_CLIENT"),
    ],
)
async def test_what_is_no_client_is_refused(database, new, who, here, code):
    async def act(session):
        await service.issue(Act(session, who, NOW, PEPPER), new, key="k", here=here)

    assert await refusal_of(database, act) == code


async def test_a_private_key_is_not_taken(database):
    key = SigningKey.generate()
    private = msgspec.json.encode(key._key.as_dict(private=True)).decode()

    async def act(session):
        await service.issue(
            Act(session, LICENSING, NOW, PEPPER),
            wanted("LAB", "lab-one", jwk=private),
            key="k",
            here=HUB,
        )

    assert await refusal_of(database, act) == "INVALID_KEY"


async def test_the_same_request_makes_one_client_and_shows_its_secret_once(database):
    first = await issue(database, LAB, wanted("LAB", "lab-one"))
    before = await contents(database)

    again = await issue(database, LAB, wanted("LAB", "lab-one"))

    assert first.secret is not None
    assert again.secret is None
    assert again.client.client_id == first.client.client_id
    assert again.credential.id == first.credential.id
    assert await contents(database) == before

    async def act(session):
        new = wanted("LAB", "lab-one", days=3)
        await service.issue(Act(session, LAB, NOW, PEPPER), new, key="k", here=NODE)

    assert await refusal_of(database, act) == "IDEMPOTENCY_CONFLICT"


async def test_of_a_secret_only_a_digest_is_kept_that_the_pepper_alone_makes(database):
    given = await issue(database, LAB, wanted("LAB", "lab-one"))

    kept = repr(await contents(database))

    assert given.secret not in kept
    assert given.secret.rpartition("_")[2] not in kept
    assert given.credential.digest == PEPPER.digest(given.secret)
    assert given.credential.digest != OTHER_PEPPER.digest(given.secret)
    assert given.credential.jwk is None


async def test_others_clients_do_not_exist_for_a_lab_and_staff_keep_to_their_kinds(database):
    lab = await issue(database, LAB, wanted("LAB", "lab-one"))
    site = await issue(database, REGISTRY, wanted("SITE", "m-1"), key="k2")
    acts = [
        lambda act, given: service.revoke(act, given.client.client_id),
        lambda act, given: service.add_credential(act, given.client.client_id, Proof()),
        lambda act, given: service.revoke_credential(act, given.credential.id),
    ]
    nobody = [
        (person("lab", "lab-two"), lab, "UNKNOWN_CLIENT"),
        (person("member", "m-2"), site, "UNKNOWN_CLIENT"),
        (LAB, site, "NOT_ALLOWED"),
        (REGISTRY, lab, "NOT_ALLOWED"),
        (LICENSING, site, "NOT_ALLOWED"),
        (person("auditor"), lab, "NOT_ALLOWED"),
        (person("lab", "lab-one", is_program=True), lab, "NOT_ALLOWED"),
    ]
    for who, given, code in nobody:
        for do in acts:

            async def act(session, who=who, given=given, do=do):
                await do(Act(session, who, NOW, PEPPER), given)

            assert await refusal_of(database, act) == code, who


async def test_what_does_not_exist_is_refused(database):
    for do in (
        lambda act: service.revoke(act, "lab-0"),
        lambda act: service.add_credential(act, "lab-0", Proof()),
        lambda act: service.revoke_credential(act, "0"),
    ):

        async def act(session, do=do):
            await do(Act(session, LICENSING, NOW, PEPPER))

        assert await refusal_of(database, act) == "UNKNOWN_CLIENT"


async def test_a_revoked_client_gets_no_credential_any_more(database):
    given = await issue(database, LAB, wanted("LAB", "lab-one"))
    async with database.write("test.revoke") as session:
        row = await service.revoke(Act(session, LAB, NOW, PEPPER), given.client.client_id)
    assert (row.state, row.revoked_by, row.revoked_at) == ("REVOKED", LAB.subject, NOW)

    async def act(session):
        await service.add_credential(
            Act(session, LAB, NOW, PEPPER), given.client.client_id, Proof()
        )

    assert await refusal_of(database, act) == "CLIENT_REVOKED"


async def test_a_party_has_a_hundred_live_clients_at_most(database):
    first = await issue(database, LAB, wanted("LAB", "lab-one"), key="k0")
    for number in range(1, service.LIVE_CLIENTS_MAX):
        await issue(database, LAB, wanted("LAB", "lab-one"), key=f"k{number}")

    async def act(session):
        new = wanted("LAB", "lab-one")
        await service.issue(Act(session, LAB, NOW, PEPPER), new, key="more", here=NODE)

    assert await refusal_of(database, act) == "TOO_MANY_CLIENTS"
    async with database.write("test.revoke") as session:
        await service.revoke(Act(session, LAB, NOW, PEPPER), first.client.client_id)
    await issue(database, LAB, wanted("LAB", "lab-one"), key="more")


async def test_who_reads_which_clients(database):
    for number, (who, kind, party) in enumerate(
        [
            (LICENSING, "LAB", "lab-one"),
            (LICENSING, "LAB", "lab-two"),
            (REGISTRY, "SITE", "m-1"),
            (REGISTRY, "SITE", "m-2"),
            (OPERATOR, "TOOL", None),
        ]
    ):
        await issue(database, who, wanted(kind, party), key=f"k{number}")
    seen = {}
    for who in [LICENSING, LAB, REGISTRY, MEMBER, NODE_OPERATOR, OPERATOR, person("auditor")]:
        kinds, party = service.readable(who)
        parties = None if party is None else [party]
        async with database.read() as session:
            rows = await store.clients(session, kinds=kinds, parties=parties)
            assert [row.client_id for row in rows] == sorted(row.client_id for row in rows)
            pages = [
                await store.clients(session, kinds=kinds, parties=parties, after=after, limit=1)
                for after in ["", *(row.client_id for row in rows)]
            ]
        assert [row.client_id for page in pages for row in page] == [r.client_id for r in rows]
        seen[who] = sorted((row.kind, row.party or "") for row in rows)

    labs, sites = [("LAB", "lab-one"), ("LAB", "lab-two")], [("SITE", "m-1"), ("SITE", "m-2")]
    assert seen == {
        LICENSING: labs,
        LAB: labs[:1],
        REGISTRY: sites,
        MEMBER: sites[:1],
        NODE_OPERATOR: [*sites, ("TOOL", "")],
        OPERATOR: [("TOOL", "")],
        person("auditor"): [*labs, *sites, ("TOOL", "")],
    }


async def test_a_secret_proves_its_own_client_only(database):
    one = await issue(database, LICENSING, wanted("LAB", "lab-one"), key="k1")
    two = await issue(database, LICENSING, wanted("LAB", "lab-two"), key="k2")
    async with database.read() as session:
        known = await look_up(session, one.client.client_id)

    assert prove_by_secret(known, one.secret, PEPPER, NOW).credential.id == one.credential.id
    mixed = f"cc_{one.credential.id}_{two.secret.rpartition('_')[2]}"
    for secret in (two.secret, mixed, one.secret[:-1], one.secret.upper(), ""):
        with pytest.raises(NotTheClientError, match="WRONG_SECRET"):
            prove_by_secret(known, secret, PEPPER, NOW)
    with pytest.raises(NotTheClientError, match="WRONG_SECRET"):
        prove_by_secret(known, one.secret, OTHER_PEPPER, NOW)


async def test_a_secret_is_no_key_and_a_key_no_secret(database):
    key = SigningKey.generate()
    jwk = msgspec.json.encode(key.public_jwk()).decode()
    by_key = await issue(database, LAB, wanted("LAB", "lab-one", jwk=jwk), key="k1")
    by_secret = await issue(database, LAB, wanted("LAB", "lab-one"), key="k2")
    async with database.read() as session:
        has_key = await look_up(session, by_key.client.client_id)
        has_secret = await look_up(session, by_secret.client.client_id)

    assert by_key.secret is None
    assert "d" not in msgspec.json.decode(by_key.credential.jwk)
    with pytest.raises(NotTheClientError, match="WRONG_SECRET"):
        prove_by_secret(has_key, f"cc_{by_key.credential.id}_{'A' * 43}", PEPPER, NOW)
    said = mint_client_assertion(
        key, client_id=by_secret.client.client_id, issuer="https://hub.example", now=NOW
    )
    with pytest.raises(NotTheClientError, match="no live key"):
        prove_by_assertion(has_secret, said, "https://hub.example", NOW)


async def test_a_token_rests_on_its_client_its_credential_and_its_role(database):
    one = await issue(database, LAB, wanted("LAB", "lab-one"), key="k1")
    two = await issue(database, LAB, wanted("LAB", "lab-one"), key="k2")
    good = AccessToken(one.client.client_id, one.credential.id, "lab", "j", 0, 0)

    async def found(token: AccessToken, now=NOW):
        async with database.read() as session:
            return await find_bearer(session, token, now)

    assert (await found(good)).client_id == one.client.client_id
    for changes in (
        {"client_id": "lab-0"},
        {"credential": "0"},
        {"credential": two.credential.id},
        {"scope": "auditor"},
    ):
        fields = {name: getattr(good, name) for name in AccessToken.__slots__} | changes
        assert await found(AccessToken(**fields)) is None
    assert await found(good, NOW + timedelta(days=730)) is None


def test_the_pepper_is_made_once_and_only_its_owner_reads_it(tmp_path):
    pepper = made(tmp_path)

    again = Pepper(tmp_path)
    again.prepare(is_known=True)
    assert again.digest("x") == pepper.digest("x")
    assert pepper.path.stat().st_mode & 0o777 == 0o600
    assert "object at" in repr(pepper)
    pepper.path.chmod(0o640)
    with pytest.raises(OpenFileError, match="chmod 600"):
        Pepper(tmp_path).prepare(is_known=True)


def test_a_pepper_that_secrets_need_is_not_made_anew(tmp_path):
    with pytest.raises(PepperLostError):
        Pepper(tmp_path).prepare(is_known=True)
    assert list(tmp_path.iterdir()) == []
    pepper = made(tmp_path)
    pepper.path.write_bytes(b"short")
    with pytest.raises(PepperLostError, match="32 bytes"):
        Pepper(tmp_path).prepare(is_known=True)


async def test_every_act_is_in_the_audit_log_and_no_refused_one(database):
    given = await issue(database, LAB, wanted("LAB", "lab-one"))
    client_id = given.client.client_id
    acts = [
        lambda act: service.add_credential(act, client_id, Proof()),
        lambda act: service.revoke_credential(act, given.credential.id),
        lambda act: service.revoke_credential(act, given.credential.id),  # changes nothing
        lambda act: service.revoke(act, client_id),
    ]
    for do in acts:
        async with database.write("test.act") as session:
            await do(Act(session, LAB, NOW, PEPPER))

    async with database.read() as session:
        logged = list(await session.scalars(select(AuditAct).order_by(AuditAct.number)))

    assert [(row.actor, row.act, row.subject) for row in logged] == [
        (LAB.subject, act, client_id)
        for act in (
            "client.issue",
            "client.add_credential",
            "client.revoke_credential",
            "client.revoke",
        )
    ]
    assert msgspec.json.decode(logged[0].detail) == {
        "kind": "LAB",
        "name": "A program",
        "party": "lab-one",
        "credential": given.credential.id,
    }
    assert given.secret not in "".join(row.detail for row in logged)
