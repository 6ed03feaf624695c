"""The hub as trust anchor: who is a node, with which keys, for whoever holds the hub's keys."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest
import pytest_asyncio

from federation.signing.entity_statements import (
    RESOLVED_TYP,
    STATEMENT_BYTES_MAX,
    STATEMENT_TYP,
    read_configuration,
)
from federation.signing.jose import InvalidTokenError, Reason, sign, verify
from federation.signing.keys import SigningKey
from federation.values.party import HUB
from tests.federation.entities import entity, in_place_of
from tests.federation.harness import resumed

OWN = "/.well-known/openid-federation"


@pytest_asyncio.fixture
async def small(any_backend, opened_past):
    async with resumed(any_backend, opened_past) as found:
        yield found


async def get(small, code, path):
    async with small.http.get(small.running[code].url + path) as response:
        return response.status, response.content_type, await response.text()


def keys(small, code):
    return {small.key(code).kid: small.key(code).public}


async def question(small, name, **asked):
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in asked.items())
    return await get(small, HUB, f"/federation/{name}?{query}")


@pytest.mark.parametrize("code", [HUB, "DE"])
async def test_a_server_says_who_it_is(small, code):
    status, kind, text = await get(small, code, OWN)

    assert (status, kind) == (200, "application/entity-statement+jwt")
    says = read_configuration(text, entity(small, code), keys(small, code), small.clock()).says
    assert (says.iss, says.sub, says.exp - says.iat) == (
        entity(small, code),
        entity(small, code),
        86_400,
    )
    assert says.authority_hints == ([] if code == HUB else [entity(small, HUB)])
    member = says.metadata["federation_entity"]
    assert (set(member) - {"organization_name"}) == (
        {f"federation_{name}_endpoint" for name in ("fetch", "list", "resolve")}
        if code == HUB
        else set()
    )
    server = says.metadata["oauth_authorization_server"]
    assert server["issuer"] == entity(small, code)
    assert [jwk["kid"] for jwk in server["jwks"]["keys"]] == [small.key(code).kid]


async def test_the_anchor_names_its_nodes_and_states_what_each_was_admitted_with(small):
    status, kind, text = await get(small, HUB, "/federation/list")
    assert (status, kind) == (200, "application/json")
    assert json.loads(text) == [entity(small, code) for code in ("DE", "FR", "GB")]

    node = entity(small, "FR")
    status, kind, text = await question(small, "fetch", sub=node, iss=entity(small, HUB))
    claims = verify(text, typ=STATEMENT_TYP, keys=keys(small, HUB), max_bytes=STATEMENT_BYTES_MAX)
    assert (status, kind) == (200, "application/entity-statement+jwt")
    assert (claims["iss"], claims["sub"]) == (entity(small, HUB), node)
    assert claims["constraints"] == {"max_path_length": 0}
    assert [jwk["kid"] for jwk in claims["jwks"]["keys"]] == [small.key("FR").kid]
    server = claims["metadata"]["oauth_authorization_server"]
    assert (server["issuer"], server["federation_territory"]) == (node, ["FR"])
    assert server["federation_address"] == small.running["FR"].url


async def test_what_follows_of_a_node_comes_with_the_statements_it_follows_from(small):
    hub, node = entity(small, HUB), entity(small, "GB")
    status, kind, text = await question(small, "resolve", sub=node, trust_anchor=hub)
    claims = verify(text, typ=RESOLVED_TYP, keys=keys(small, HUB), max_bytes=STATEMENT_BYTES_MAX)

    assert (status, kind) == (200, "application/resolve-response+jwt")
    assert (claims["iss"], claims["sub"]) == (hub, node)
    own, statement, anchor = claims["trust_chain"]
    now = small.clock()
    assert read_configuration(own, node, keys(small, "GB"), now).says.sub == node
    assert read_configuration(anchor, hub, keys(small, HUB), now).says.sub == hub
    said = verify(
        statement, typ=STATEMENT_TYP, keys=keys(small, HUB), max_bytes=STATEMENT_BYTES_MAX
    )
    server = claims["metadata"]["oauth_authorization_server"]
    assert server["jwks"] == said["metadata"]["oauth_authorization_server"]["jwks"]
    assert server["token_endpoint"] == f"{small.running['GB'].url}/oauth/token"
    assert server["federation_territory"] == ["GB"]


@pytest.mark.parametrize(
    ("name", "asked", "status", "error"),
    [
        ("fetch", {}, 400, "invalid_request"),
        ("fetch", {"sub": "https://nobody.example"}, 404, "not_found"),
        ("fetch", {"sub": "HUB"}, 404, "not_found"),
        ("fetch", {"sub": ""}, 404, "not_found"),
        ("resolve", {"sub": "https://de.federation.example"}, 400, "invalid_request"),
        (
            "resolve",
            {"sub": "https://nobody.example", "trust_anchor": "https://hub.federation.example"},
            404,
            "not_found",
        ),
        (
            "resolve",
            {"sub": "https://de.federation.example", "trust_anchor": "https://hub.example"},
            404,
            "invalid_trust_anchor",
        ),
    ],
)
async def test_what_the_anchor_does_not_know_is_refused_in_the_standards_words(
    small, name, asked, status, error
):
    found, kind, text = await question(small, name, **asked)

    assert (found, kind, json.loads(text)["error"]) == (status, "application/json", error)


async def test_a_parameter_twice_is_refused(small):
    node = quote(entity(small, "DE"), safe="")

    assert (await get(small, HUB, f"/federation/fetch?sub={node}&sub={node}"))[0] == 400


async def test_a_node_with_another_key_than_it_was_admitted_with_is_not_resolved(small):
    hub, node = entity(small, HUB), entity(small, "DE")
    honest = (await get(small, "DE", OWN))[2]
    claims = verify(honest, typ=STATEMENT_TYP, keys=keys(small, "DE"), max_bytes=100_000)
    stranger = SigningKey.generate()
    forged = sign(
        claims | {"jwks": {"keys": [stranger.public_jwk()]}}, typ=STATEMENT_TYP, key=stranger
    )

    async with in_place_of(small, "DE", {OWN: forged}):
        found = await question(small, "resolve", sub=node, trust_anchor=hub)
    assert (found[0], json.loads(found[2])["code"]) == (503, "ENTITY_DOWN")


async def test_a_word_on_oneself_is_good_for_a_day_and_for_nobody_else(small):
    now, node, known = small.clock(), entity(small, "DE"), keys(small, "DE")
    text = (await get(small, "DE", OWN))[2]
    claims = verify(text, typ=STATEMENT_TYP, keys=known, max_bytes=STATEMENT_BYTES_MAX)
    named = claims["jwks"]["keys"]

    def again(**changes):
        return sign(claims | changes, typ=STATEMENT_TYP, key=small.key("DE"))

    for wrong, then, reason in [
        (text, now + timedelta(days=1, seconds=60), Reason.EXPIRED),
        (again(iat=claims["iat"] + 3600), now, Reason.TIME),
        (again(exp=claims["exp"] + 1), now, Reason.TIME),
        (again(iss=entity(small, "FR")), now, Reason.ISSUER),
        (again(sub=entity(small, "FR")), now, Reason.ISSUER),
        (again(jwks={"keys": []}), now, Reason.CLAIMS),
        (again(jwks={"keys": named * 9}), now, Reason.CLAIMS),
        (again(jwks={"keys": [{"kty": "EC"}]}), now, Reason.KEY),
        (again(jwks={"keys": [SigningKey.generate().public_jwk()]}), now, Reason.KEY),
        (again(metadata=[]), now, Reason.CLAIMS),
    ]:
        with pytest.raises(InvalidTokenError) as caught:
            read_configuration(wrong, node, known, then)
        assert caught.value.reason is reason
