"""A client gets a token for an hour, and asks with it as the lab, the site or the tool it is."""

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from federation.signing.keys import SigningKey

WHO = "{ licences { edges { node { number } } } }"


async def test_the_metadata_names_every_endpoint_under_the_issuer(place):
    async with place.http.get(f"{place.url}/.well-known/oauth-authorization-server") as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        found = await answer.json()

    methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    assert found == {
        "issuer": place.url,
        "jwks_uri": f"{place.url}/.well-known/jwks.json",
        "scopes_supported": ["auditor", "lab", "site"],
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        **{
            f"{name}_endpoint{what}": value
            for name, path in (
                ("token", "token"),
                ("introspection", "introspect"),
                ("revocation", "revoke"),
            )
            for what, value in (
                ("", f"{place.url}/oauth/{path}"),
                ("_auth_methods_supported", methods),
                ("_auth_signing_alg_values_supported", ["ES256"]),
            )
        },
    }


async def test_a_lab_with_a_secret_gets_a_token_that_stock_code_reads(place):
    lab = await place.issue("liam", "LAB", "lab-one")

    status, found, headers = await place.post(
        "token", {"grant_type": "client_credentials"}, lab.basic()
    )

    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    assert {**found, "access_token": ""} == {
        "token_type": "Bearer",
        "access_token": "",
        "expires_in": 3600,
        "scope": "lab",
    }
    async with place.http.get(f"{place.url}/.well-known/jwks.json") as answer:
        keys = KeySet.import_key_set(await answer.json())
    read = jwt.decode(found["access_token"], keys, algorithms=["ES256"])
    now = int(place.clock().timestamp())
    assert read.header == {"alg": "ES256", "typ": "at+jwt", "kid": place.key.kid}
    assert {**read.claims, "jti": ""} == {
        "iss": place.url,
        "sub": lab.client_id,
        "client_id": lab.client_id,
        "aud": place.url,
        "scope": "lab",
        "credential": lab.credential,
        "iat": now,
        "exp": now + 3600,
        "jti": "",
    }


@pytest.mark.parametrize("method", ["client_secret_post", "private_key_jwt"])
async def test_other_methods_get_the_same(place, method):
    key = SigningKey.generate() if method == "private_key_jwt" else None
    lab = await place.issue("liam", "LAB", "lab-one", key=key)
    form = {"grant_type": "client_credentials", "scope": "lab", "resource": place.url}
    if key is None:
        form |= {"client_id": lab.client_id, "client_secret": lab.secret}
    else:
        form |= lab.assertion(place.url)

    status, found, _ = await place.post("token", form)

    assert status == 200
    assert found["scope"] == "lab"
    assert await place.graphql(found["access_token"], WHO) == {"edges": []}
