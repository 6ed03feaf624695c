"""A token is asked about, given back, and ends with the credential and the client it rests on."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from federation.signing.client_tokens import check_access_token, mint_access_token
from federation.signing.keys import SigningKey
from federation.signing.tokens import (
    Grant,
    InvalidTokenError,
    check_licence_token,
    mint_licence_token,
)
from tests.oauth.conftest import NOW, REVOKE, REVOKE_CREDENTIAL

GRANT = {"grant_type": "client_credentials"}
MINE = "{ licences { edges { node { number } } } }"
INACTIVE = {"active": False}


async def about(place, program, token: str, **form: str):
    status, found, _ = await place.post("introspect", {"token": token, **form}, program.basic())
    assert status == 200
    return found


async def test_a_client_is_told_what_its_own_token_says(place):
    lab = await place.issue("liam", "LAB", "lab-one")
    token = await place.token(lab)

    found = await about(place, lab, token, token_type_hint="access_token")

    now = int(NOW.timestamp())
    assert {**found, "jti": ""} == {
        "active": True,
        "scope": "lab",
        "client_id": lab.client_id,
        "sub": lab.client_id,
        "token_type": "Bearer",
        "iss": place.url,
        "aud": place.url,
        "iat": now,
        "exp": now + 3600,
        "jti": "",
    }


async def test_of_what_is_not_its_own_or_no_token_of_this_server_it_is_told_nothing(place):
    lab = await place.issue("liam", "LAB", "lab-one")
    other = await place.issue("liam", "LAB", "lab-two")
    tool = await place.issue("olga" if place.service.server.code == "HUB" else "nora", "TOOL", None)
    token, others = await place.token(lab), await place.token(other)
    foreign = mint_access_token(
        SigningKey.generate(),
        server=place.url,
        client_id=lab.client_id,
        credential=lab.credential,
        scope="lab",
        now=NOW,
    )
    licence = mint_licence_token(
        place.key, Grant(place.url, "lab-one", [place.url], "HUB-000001", ["TRAIN"]), now=NOW
    )
    before = await place.rows()

    for text in (others, foreign, licence, place.staff("liam"), "abc", "a.b.c", token[:-1]):
        assert await about(place, lab, text) == INACTIVE
    assert (await about(place, tool, others))["client_id"] == other.client_id  # a tool sees all
    place.later(seconds=3659)
    assert (await about(place, lab, token))["active"]
    place.later(seconds=1)
    assert await about(place, lab, token) == INACTIVE

    assert await place.rows() == before


async def test_a_token_given_back_counts_no_more_and_another_does(place):
    lab = await place.issue("liam", "LAB", "lab-one")
    token, another = await place.token(lab), await place.token(lab)

    status, found, _ = await place.post("revoke", {"token": token}, lab.basic())

    assert (status, found) == (200, {})
    assert await place.graphql(token, MINE) == "NOT_AUTHENTICATED"
    assert await about(place, lab, token) == INACTIVE
    assert await place.graphql(another, MINE) == {"edges": []}
    before = await place.rows()
    assert len(before["clients_revoked_token"]) == 1
    for text in (token, "abc", place.staff("liam")):  # nothing to revoke is no error (RFC 7009)
        assert (await place.post("revoke", {"token": text}, lab.basic()))[:2] == (200, {})
    assert await place.rows() == before

    place.later(seconds=3660)  # nobody takes it any more: it need not be remembered
    third = await place.token(lab)
    await place.post("revoke", {"token": third}, lab.basic())
    assert len((await place.rows())["clients_revoked_token"]) == 1


async def test_another_clients_token_is_not_given_back(place):
    lab = await place.issue("liam", "LAB", "lab-one")
    other = await place.issue("liam", "LAB", "lab-two")
    token = await place.token(other)
    before = await place.rows()

    with capture_logs() as logs:
        status, found, _ = await place.post("revoke", {"token": token}, lab.basic())

    assert (status, found) == (400, {"error": "invalid_grant"})
    assert [line["why"] for line in logs if line["event"] == "refused"] == ["ANOTHERS_TOKEN"]
    assert await place.graphql(token, MINE) == {"edges": []}
    assert await place.rows() == before


async def test_of_two_requests_with_one_assertion_one_is_answered(place):
    key = SigningKey.generate()
    lab = await place.issue("liam", "LAB", "lab-one", key=key)
    form = {**GRANT, **lab.assertion(place.url)}

    with capture_logs() as logs:
        answers = await asyncio.gather(*(place.post("token", form) for _ in range(5)))

    assert sorted(status for status, _, _ in answers) == [200, 400, 400, 400, 400]
    assert [found for status, found, _ in answers if status == 400] == [
        {"error": "invalid_client"}
    ] * 4
    assert [line["why"] for line in logs if line["event"] == "refused"] == ["REPLAYED"] * 4
    assert len((await place.rows())["clients_assertion"]) == 1
    for path in ("introspect", "revoke", "token"):  # it is used, at every endpoint
        assert (await place.post(path, {**form, "token": "x"}))[0] == 400


async def test_used_assertions_are_forgotten_when_nobody_would_take_them(place):
    lab = await place.issue("liam", "LAB", "lab-one", key=SigningKey.generate())
    for _ in range(3):
        await place.token(lab)
    assert len((await place.rows())["clients_assertion"]) == 3

    place.later(seconds=119)  # 60 of life and 60 of leeway less one: they could still be good
    await place.token(lab)
    assert len((await place.rows())["clients_assertion"]) == 4
    place.later(seconds=1)
    await place.token(lab)

    assert len((await place.rows())["clients_assertion"]) == 2


@pytest.mark.parametrize("has_key", [False, True])
async def test_rotation_overlaps_and_the_old_one_ends_at_once(place, has_key):
    def key():
        return SigningKey.generate() if has_key else None

    old = await place.issue("liam", "LAB", "lab-one", key=key())
    early = await place.token(old)
    new = await place.add("liam", old, key=key())
    late = await place.token(new)
    assert await place.graphql(await place.token(old), MINE) == {"edges": []}  # both work
    before = await place.rows()
    third = await place.act(
        "liam",
        """mutation($id: ID!) { addClientCredential(client: $id) { __typename
          ... on Refused { code } } }""",
        id=old.client_id,
    )
    assert third == {"__typename": "Refused", "code": "TOO_MANY_CREDENTIALS"}
    assert await place.rows() == before

    gone = await place.act("liam", REVOKE_CREDENTIAL, id=old.credential)

    assert gone == {"__typename": "Client", "state": "LIVE"}
    assert await place.graphql(early, MINE) == "NOT_AUTHENTICATED"
    assert await place.graphql(late, MINE) == {"edges": []}
    proof = old.assertion(place.url) if has_key else {}
    status, found, _ = await place.post(
        "token", {**GRANT, **proof}, None if has_key else old.basic()
    )
    assert (status, found) == (400 if has_key else 401, {"error": "invalid_client"})
    await place.add("liam", old, key=key())  # there is room for another now


async def test_a_revoked_client_ends_at_once_with_all_it_has(place):
    lab = await place.issue("liam", "LAB", "lab-one")
    other = await place.issue("liam", "LAB", "lab-one")
    token = await place.token(lab)

    assert await place.act("liam", REVOKE, id=lab.client_id) == {
        "__typename": "Client",
        "state": "REVOKED",
    }

    assert await place.graphql(token, MINE) == "NOT_AUTHENTICATED"
    assert (await place.post("token", GRANT, lab.basic()))[0] == 401
    assert await place.graphql(await place.token(other), MINE) == {"edges": []}
    before = await place.rows()
    await place.act("liam", REVOKE, id=lab.client_id)
    assert await place.rows() == before


async def test_an_expired_credential_proves_nothing_and_its_tokens_end_with_it(place):
    lab = await place.issue("liam", "LAB", "lab-one", days=1)
    place.clock.instant += timedelta(days=1) - timedelta(seconds=1)
    token = await place.token(lab)
    assert await place.graphql(token, MINE) == {"edges": []}

    place.later(seconds=1)

    assert await place.graphql(token, MINE) == "NOT_AUTHENTICATED"
    with capture_logs() as logs:
        assert (await place.post("token", GRANT, lab.basic()))[0] == 401
    assert [line["why"] for line in logs if line["event"] == "refused"] == [
        f"CREDENTIAL_OVER: {lab.credential}"
    ]


async def test_an_access_token_is_no_licence_token_and_the_other_way_round(place):
    lab = await place.issue("liam", "LAB", "lab-one")
    token = await place.token(lab)
    keys = {place.key.kid: place.key.public}
    licence = mint_licence_token(
        place.key, Grant(place.url, "lab-one", [place.url], "HUB-000001", ["TRAIN"]), now=NOW
    )

    with pytest.raises(
        InvalidTokenError
    ):  # an audience that is no list of prefixes, too long a life
        check_licence_token(
            token, issuers={place.url: keys}, hub=place.url, url=f"{place.url}/a", now=NOW
        )
    assert (
        check_licence_token(
            licence, issuers={place.url: keys}, hub=place.url, url=f"{place.url}/a", now=NOW
        ).licensee
        == "lab-one"
    )
    with pytest.raises(InvalidTokenError):
        check_access_token(licence, keys=keys, server=place.url, now=NOW)
    assert await place.graphql(licence, MINE) == "NOT_AUTHENTICATED"
