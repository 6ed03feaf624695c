"""Authlib's client, as labs use it, against hub and node over real HTTP; and what the log keeps."""

import asyncio
import io
import logging
from urllib.parse import urlencode

import httpx
import pytest
import structlog
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey

from federation.clock import system_clock
from federation.logs import configure
from federation.signing.keys import SigningKey

MINE = "{ licences { edges { node { number } } } }"


class Session:
    """The HTTP library under Authlib's client: httpx, which its own binding will not have."""

    def post(self, url, *, data, headers, auth, **_):
        url, headers, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return httpx.post(url, content=body, headers=headers, trust_env=False)

    def request(self, method, url, *, data, headers, auth, **_):
        assert method == "POST"
        return self.post(url, data=data, headers=headers, auth=auth)


async def life_of_a_token(place, client):
    """Get a token, ask with it, ask about it, give it back, all as Authlib does."""
    async with place.http.get(f"{place.url}/.well-known/oauth-authorization-server") as answer:
        found = await answer.json()

    def get():
        return client.fetch_token(found["token_endpoint"], grant_type="client_credentials")

    token = await asyncio.to_thread(get)
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    text = token["access_token"]
    assert await place.graphql(text, MINE) == {"edges": []}

    def ask():
        return client.introspect_token(found["introspection_endpoint"], token=text).json()

    said = await asyncio.to_thread(ask)
    assert (said["active"], said["client_id"]) == (True, client.client_id)

    def revoke():
        return client.revoke_token(found["revocation_endpoint"], token=text).status_code

    assert await asyncio.to_thread(revoke) == 200
    assert await place.graphql(text, MINE) == "NOT_AUTHENTICATED"
    assert await asyncio.to_thread(ask) == {"active": False}


@pytest.fixture
def a_log():
    """Everything that is logged, down to what libraries say to their developers."""
    root, logging_before = logging.getLogger(), structlog.get_config()
    before = (root.level, root.handlers[:])
    stream = io.StringIO()
    configure("debug", stream)
    yield stream
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    structlog.configure(**logging_before)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_authlib_lives_by_a_secret(place, method):
    lab = await place.issue("liam", "LAB", "lab-one")
    client = OAuth2Client(
        Session(),
        lab.client_id,
        lab.secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
    )

    await life_of_a_token(place, client)


async def test_authlib_lives_by_a_key(place):
    """Its assertions name the real time, a life of an hour, and `JWT` as their type."""
    place.clock.instant = system_clock()
    key = SigningKey.generate()
    lab = await place.issue("liam", "LAB", "lab-one", key=key)
    client = OAuth2Client(
        Session(),
        lab.client_id,
        ECKey.import_key(key.private_bytes()),
        token_endpoint_auth_method="private_key_jwt",
        revocation_endpoint_auth_method="private_key_jwt",
    )
    client.register_client_auth_method(PrivateKeyJWT(place.url, alg="ES256"))

    await life_of_a_token(place, client)


async def test_neither_secrets_nor_tokens_are_in_the_log_or_the_database(place, a_log):
    key = SigningKey.generate()
    lab = await place.issue("liam", "LAB", "lab-one")
    other = await place.issue("liam", "LAB", "lab-two", key=key)
    token, others = await place.token(lab), await place.token(other)
    for path in ("introspect", "revoke"):
        assert (await place.post(path, {"token": token}, lab.basic()))[0] == 200
    assertion = other.assertion(place.url)
    wrong = {"grant_type": "client_credentials", "scope": "site", **assertion}
    assert (await place.post("token", wrong))[0] == 400
    assert await place.graphql(token, MINE) == "NOT_AUTHENTICATED"

    told, kept = a_log.getvalue(), repr(await place.rows())

    assert lab.client_id in told  # it does say who asked
    assert '"why": "NOT_ITS_SCOPE"' in told
    assert '"logger": "authlib' not in told  # it would write tokens, for others to blot out
    for secret in (
        lab.secret,
        lab.secret.split("_", 2)[2],  # the random part, which may hold a _ itself
        lab.basic()["Authorization"].split()[1],
        token,
        others,
        token.rpartition(".")[2],
        assertion["client_assertion"],
    ):
        assert secret not in told
        assert secret not in kept
