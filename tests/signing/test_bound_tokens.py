"""Tokens for all members' sites: bound to one key, and never taken for a bearer's."""

from datetime import timedelta

import pytest

from federation.signing.bound_tokens import (
    BoundGrant,
    BoundToken,
    mint_bound_token,
    open_licence_token,
)
from federation.signing.claims import InvalidGrantError
from federation.signing.crawl_keys import CrawlKey
from federation.signing.jose import InvalidTokenError, Reason, sign
from federation.signing.statuslist import StatusReference
from federation.signing.tokens import (
    BoundTokenError,
    Grant,
    LicenceKind,
    LicenceToken,
    check_licence_token,
    licence_kind,
    members_audience,
    mint_licence_token,
)

HUB, NODE = "https://hub.example", "https://node.example"
CRAWLER = CrawlKey.generate()
EVERYWHERE = "https://hub.example/rs/members"


def mint(key, now, **changes):
    grant = {
        "issuer": NODE,
        "hub": HUB,
        "licensee": "lab-1",
        "licence": "HUB-000001",
        "uses": ["ai-input"],
        "key": CRAWLER.public,
    }
    life = {name: changes.pop(name) for name in ("seconds", "jti") if name in changes}
    return mint_bound_token(key, BoundGrant(**(grant | changes)), now=now, **life)


def opened(token, key, now):
    return open_licence_token(token, issuers={NODE: {key.kid: key.public}}, hub=HUB, now=now)


def claims(now, **changes):
    """The claims of a good bound token; a change to None leaves one out."""
    second = int(now.timestamp())
    made = {
        "iss": NODE,
        "sub": "lab-1",
        "client_id": "lab-1",
        "aud": [EVERYWHERE],
        "license_id": "HUB-000001",
        "uses": ["ai-input"],
        "territory": ["*"],
        "repertoire": ["*"],
        "cnf": {"jwk": CRAWLER.public.public_jwk()},
        "iat": second,
        "exp": second + 3600,
        "jti": "jti-1",
    } | changes
    return {name: value for name, value in made.items() if value is not None}


def test_a_bound_token_says_its_key_and_reach_and_lives_for_an_hour_and_a_minute(key, now):
    status = StatusReference(7, "https://hub.example/statuslists/1")
    token = mint(key, now, territory=["DE", "FR"], repertoire=["GB"], status=status, jti="jti-1")
    second = int(now.timestamp())

    read = opened(token, key, now + timedelta(seconds=3659))

    assert read == BoundToken(
        issuer=NODE,
        licensee="lab-1",
        licence="HUB-000001",
        uses=("ai-input",),
        territory=("DE", "FR"),
        repertoire=("GB",),
        key_id=CRAWLER.kid,
        key=read.key,
        status=status,
        jti="jti-1",
        issued_at=second,
        expires_at=second + 3600,
    )
    assert read.key.public_jwk() == CRAWLER.public.public_jwk()
    with pytest.raises(InvalidTokenError, match="expired"):
        opened(token, key, now + timedelta(seconds=3660))


def test_what_a_licence_does_not_limit_is_all(key, now):
    read = opened(mint(key, now), key, now)

    assert (read.territory, read.repertoire, read.status) == (("*",), ("*",), None)
    assert read.reaches("GB")


def test_a_repertoire_reaches_the_collectives_it_names(key, now):
    read = opened(mint(key, now, repertoire=["GB", "DE"]), key, now)

    assert (read.reaches("GB"), read.reaches("DE")) == (True, True)
    assert (read.reaches("FR"), read.reaches("*")) == (False, False)


def test_a_token_that_names_a_thumbprint_needs_a_key_handed_to_it(key, now):
    token = sign(claims(now, cnf={"jkt": CRAWLER.kid}), typ="at+jwt", key=key)

    read = opened(token, key, now)

    assert (read.key_id, read.key) == (CRAWLER.kid, None)
    assert read.key_in(CRAWLER.public).kid == CRAWLER.kid
    for handed in (None, CrawlKey.generate().public):
        with pytest.raises(InvalidTokenError) as caught:
            read.key_in(handed)
        assert caught.value.reason is Reason.CONFIRMATION


def test_the_key_of_a_token_is_not_replaced_by_one_that_is_handed(key, now):
    read = opened(mint(key, now), key, now)

    assert read.key_in(CrawlKey.generate().public).kid == read.key_in().kid == CRAWLER.kid


GRANTS = [
    {"seconds": 3601},
    {"seconds": 0},
    {"uses": []},
    {"uses": ["use"] * 65},
    {"territory": ["DE"] * 301},
    {"repertoire": ["DE"] * 301},
    {"territory": ["a territory of 32 letters or so."] * 100},
]


@pytest.mark.parametrize("change", GRANTS)
def test_what_no_site_would_accept_is_not_minted(key, now, change):
    with pytest.raises(InvalidGrantError):
        mint(key, now, **change)


SECRET = {"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}
JWK = CRAWLER.public.public_jwk()
BAD = {
    "no cnf": ({"cnf": None}, Reason.CONFIRMATION),
    "cnf a text": ({"cnf": CRAWLER.kid}, Reason.CLAIMS),
    "cnf empty": ({"cnf": {}}, Reason.CONFIRMATION),
    "cnf of a certificate": ({"cnf": {"x5t#S256": CRAWLER.kid}}, Reason.CONFIRMATION),
    "cnf with both": ({"cnf": {"jwk": JWK, "jkt": CRAWLER.kid}}, Reason.CONFIRMATION),
    "cnf with more": ({"cnf": {"jkt": CRAWLER.kid, "jku": "https://x"}}, Reason.CONFIRMATION),
    "jwk a text": ({"cnf": {"jwk": "x"}}, Reason.CLAIMS),
    "jwk with its secret": ({"cnf": {"jwk": JWK | SECRET}}, Reason.CONFIRMATION),
    "jwk of small order": ({"cnf": {"jwk": JWK | {"x": "A" * 43}}}, Reason.CONFIRMATION),
    "jwk with another kid": ({"cnf": {"jwk": JWK | {"kid": "x"}}}, Reason.CONFIRMATION),
    "jkt a number": ({"cnf": {"jkt": 7}}, Reason.CONFIRMATION),
    "jkt too short": ({"cnf": {"jkt": CRAWLER.kid[1:]}}, Reason.CONFIRMATION),
    "an hour and a second": ({"exp": 1}, Reason.TIME),
    "aud a text": ({"aud": EVERYWHERE}, Reason.CONFIRMATION),
    "aud with a slash": ({"aud": [EVERYWHERE + "/"]}, Reason.CONFIRMATION),
    "aud of another hub": ({"aud": ["https://hub2.example/rs/members"]}, Reason.CONFIRMATION),
    "aud twice": ({"aud": [EVERYWHERE, EVERYWHERE]}, Reason.AUDIENCE),
    "aud and a prefix": ({"aud": [EVERYWHERE, "https://pub.example/"]}, Reason.AUDIENCE),
    "aud a prefix": ({"aud": ["https://pub.example/"]}, Reason.CONFIRMATION),
    "no territory": ({"territory": None}, Reason.CLAIMS),
    "territory empty": ({"territory": []}, Reason.CLAIMS),
    "territory all and more": ({"territory": ["DE", "*"]}, Reason.CLAIMS),
    "301 territories": ({"territory": ["DE"] * 301}, Reason.CLAIMS),
    "no repertoire": ({"repertoire": None}, Reason.CLAIMS),
    "repertoire a text": ({"repertoire": "*"}, Reason.CLAIMS),
    "no uses": ({"uses": None}, Reason.CLAIMS),
    "no licence": ({"license_id": None}, Reason.CLAIMS),
    "no jti": ({"jti": None}, Reason.CLAIMS),
    "another client": ({"client_id": "lab-2"}, Reason.CLAIMS),
    "status a text": ({"status": "VALID"}, Reason.CLAIMS),
    "status of another kind": ({"status": {"crl": {}}}, Reason.CLAIMS),
}
URI = "https://hub.example/statuslists/1"
STATUSES = {
    "no index": {"uri": URI},
    "an index below": {"idx": -1, "uri": URI},
    "an index beyond": {"idx": 1 << 31, "uri": URI},
    "an index true": {"idx": True, "uri": URI},
    "an index that is a text": {"idx": "1", "uri": URI},
    "no uri": {"idx": 1},
    "a relative uri": {"idx": 1, "uri": "/statuslists/1"},
    "a uri of no host": {"idx": 1, "uri": "https://[::1"},
    "a uri of another kind": {"idx": 1, "uri": "urn:status:1"},
}
BAD |= {
    name: ({"status": {"status_list": found}}, Reason.CLAIMS) for name, found in STATUSES.items()
}


@pytest.mark.parametrize("name", BAD)
def test_a_bound_token_has_exactly_its_shape(key, now, name):
    changes, reason = BAD[name]
    made = claims(now, **changes)
    made["exp"] += 3600 + made["iat"] if made["exp"] == 1 else 0
    token = sign(made, typ="at+jwt", key=key)

    with pytest.raises(InvalidTokenError) as caught:
        opened(token, key, now)
    assert caught.value.reason is reason


def test_the_claims_these_tests_change_are_those_of_a_good_token(key, now):
    assert opened(sign(claims(now), typ="at+jwt", key=key), key, now).licence == "HUB-000001"


def test_the_two_kinds_are_told_apart_by_audience_and_key(key, now):
    grant = Grant(NODE, "lab-1", ["https://pub.example/"], "HUB-000001", ["ai-input"])

    assert isinstance(opened(mint_licence_token(key, grant, now=now), key, now), LicenceToken)
    assert isinstance(opened(mint(key, now), key, now), BoundToken)
    assert members_audience(HUB) == EVERYWHERE
    assert licence_kind({"aud": [EVERYWHERE], "cnf": {}}, HUB) is LicenceKind.BOUND
    assert licence_kind({"aud": ["https://pub.example/"]}, HUB) is LicenceKind.BEARER


def test_a_bound_token_alone_opens_nothing_where_a_bearer_token_does(key, now):
    with pytest.raises(BoundTokenError):
        check_licence_token(
            mint(key, now),
            issuers={NODE: {key.kid: key.public}},
            hub=HUB,
            url="https://hub.example/rs/members/a",
            now=now,
        )


def test_a_bearer_token_still_lives_for_fifteen_minutes_at_most(key, now):
    second = int(now.timestamp())
    made = claims(now, aud=["https://pub.example/"], cnf=None, exp=second + 901)

    with pytest.raises(InvalidTokenError) as caught:
        opened(sign(made, typ="at+jwt", key=key), key, now)
    assert caught.value.reason is Reason.TIME
