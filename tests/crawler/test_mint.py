"""What a lab's crawler asks a server, and what it makes of answers of every kind."""

import json

import pytest

from federation.access.bearers import GivenBearer
from federation.access.wire import Answer
from federation.crawler.mint import Mint, SiteRefused
from federation.crawler.refusals import (
    LicenceNotBegunError,
    LicenceOverError,
    LicenceRevokedError,
    LicenceSuspendedError,
    LicenceUnusableError,
    NotMintedError,
)
from federation.signing.crawl_keys import CrawlKey
from tests.crawler.conftest import NOON, data, refused

KEY = CrawlKey.generate()
NUMBER = "HUB-000001"


@pytest.fixture
def mint(server):
    return Mint("https://hub.example/", GivenBearer("t"), clock=lambda: NOON, fetch=server)


async def test_a_bound_token_is_asked_for_with_the_public_half_of_the_key(mint, server):
    server.answers = [data(__typename="LicenceToken", token="a.b.c", expiresIn=3600)]

    assert mint.bound(NUMBER, KEY.public, ["TRAIN"]) == ("a.b.c", 3600)

    [call] = server.calls
    assert (call.method, call.url) == ("POST", "https://hub.example/graphql")
    assert call.headers["Authorization"] == "Bearer t"
    variables = json.loads(call.body)["variables"]
    assert json.loads(variables.pop("key")) == KEY.public.public_jwk()
    assert variables == {"licence": NUMBER, "uses": ["TRAIN"]}


async def test_what_a_server_says_breaks_no_log_line(mint, server):
    server.answers = [refused("UNKNOWN_LICENCE", "x\n2026 forged\x1b[2J" + "y" * 1_000)]

    with pytest.raises(NotMintedError) as refusal:
        mint.bound(NUMBER, KEY.public)

    assert (refusal.value.message.isprintable(), len(refusal.value.detail)) == (True, 300)


async def test_a_batch_is_answered_in_its_order_with_the_refusals_among_the_tokens(mint, server):
    why = {"place": 1, "code": "OUTSIDE_LICENCE", "message": "Not covered."}
    server.answers = [
        data(
            __typename="LicenceTokens",
            tokens=["a.b.c", None, "d.e.f"],
            expiresIn=900,
            refused=[why],
        )
    ]

    found = mint.batch(NUMBER, [["https://a.example/"]] * 3)

    assert found == (["a.b.c", SiteRefused(1, "OUTSIDE_LICENCE", "Not covered."), "d.e.f"], 900)


STANDINGS = {
    "SUSPENDED": (("SUSPENDED", "2026-01-01", "2026-12-31"), LicenceSuspendedError),
    "REVOKED": (("REVOKED", "2026-01-01", "2026-12-31"), LicenceRevokedError),
    "over": (("ACTIVE", "2026-01-01", "2026-11-19"), LicenceOverError),
    "not begun": (("ACTIVE", "2026-11-21", "2026-12-31"), LicenceNotBegunError),
    "something new": (("FROZEN", "2026-01-01", "2026-12-31"), LicenceUnusableError),
}


@pytest.mark.parametrize("name", STANDINGS)
async def test_of_a_licence_that_opens_nothing_it_is_said_why(mint, server, name):
    (status, starts_on, ends_on), kind = STANDINGS[name]
    standing = {"status": status, "startsOn": starts_on, "endsOn": ends_on}
    said = Answer(200, {}, json.dumps({"data": {"licence": standing}}).encode())
    server.answers = [refused("LICENCE_STATUS"), said]

    with pytest.raises(LicenceUnusableError) as refusal:
        mint.bound(NUMBER, KEY.public)

    assert type(refusal.value) is kind
    assert (refusal.value.code, NUMBER in refusal.value.message) == ("LICENCE_UNUSABLE", True)


async def test_any_other_refusal_carries_the_servers_code(mint, server):
    server.answers = [refused("UNKNOWN_LICENCE")]

    with pytest.raises(NotMintedError) as refusal:
        mint.bound(NUMBER, KEY.public)

    assert (refusal.value.said, refusal.value.retry_after) == ("UNKNOWN_LICENCE", 0)


TOKENS = {"tokens": ["a.b.c"], "expiresIn": 900, "refused": []}
WHY = {"place": 0, "code": "X", "message": "m"}
NOT_UNDERSTOOD = {
    "nothing": Answer(200, {}, b""),
    "a list": Answer(200, {}, b"[]"),
    "no UTF-8": Answer(200, {}, b"\xff"),
    "too deep": Answer(200, {}, b"[" * 100_000),
    "no data": Answer(200, {}, b"{}"),
    "data of nothing": Answer(200, {}, b'{"data": null}'),
    "errors of nothing": Answer(200, {}, b'{"errors": []}'),
    "errors without a code": Answer(200, {}, b'{"errors": [{"message": "<b>"}]}'),
    "another type": data(__typename="Offer"),
    "one token": data(__typename="LicenceToken", token="a.b.c", expiresIn=900),
    "a token with a line end": data(__typename="LicenceTokens", **TOKENS | {"tokens": ["a\n"]}),
    "a long token": data(__typename="LicenceTokens", **TOKENS | {"tokens": ["t" * 4097]}),
    "no life": data(__typename="LicenceTokens", **TOKENS | {"expiresIn": 0}),
    "a life of days": data(__typename="LicenceTokens", **TOKENS | {"expiresIn": 86_401}),
    "too few": data(__typename="LicenceTokens", **TOKENS | {"tokens": []}),
    "too many": data(__typename="LicenceTokens", **TOKENS | {"tokens": ["a.b.c"] * 2}),
    "refused and given": data(__typename="LicenceTokens", **TOKENS | {"refused": [WHY]}),
    "neither": data(__typename="LicenceTokens", **TOKENS | {"tokens": [None]}),
    "a refusal of nobody": data(
        __typename="LicenceTokens", **TOKENS | {"tokens": [None], "refused": [WHY | {"place": 7}]}
    ),
    "a code that is none": refused("<b>"),
    "a redirect": Answer(302, {"location": "https://evil.example"}, b""),
}


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
async def test_an_answer_of_another_shape_is_no_token(mint, server, name):
    server.answers = [NOT_UNDERSTOOD[name]]

    with pytest.raises(NotMintedError) as refusal:
        mint.batch(NUMBER, [["https://a.example/"]])

    assert "<" not in refusal.value.message


@pytest.mark.parametrize(
    ("later", "seconds"), [("7", 7), ("9999", 3600), ("99999", 0), ("soon", 0), ("-1", 0), ("", 0)]
)
async def test_when_to_come_again_is_heard_within_an_hour(mint, server, later, seconds):
    said = b'{"code": "TOO_MANY_REQUESTS", "message": "x"}'
    server.answers = [Answer(429, {"retry-after": later}, said)]

    with pytest.raises(NotMintedError) as refusal:
        mint.bound(NUMBER, KEY.public)

    assert (refusal.value.said, refusal.value.retry_after) == ("TOO_MANY_REQUESTS", seconds)


async def test_an_error_of_graphql_is_told_by_its_code(mint, server):
    error = {"message": "m", "extensions": {"code": "NOT_ALLOWED"}}
    body = json.dumps({"data": None, "errors": [error]}).encode()
    server.answers = [Answer(200, {}, body)]

    with pytest.raises(NotMintedError) as refusal:
        mint.bound(NUMBER, KEY.public)

    assert refusal.value.said == "NOT_ALLOWED"
