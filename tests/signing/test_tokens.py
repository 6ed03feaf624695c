"""Licence, server and staff tokens: minted, checked, and good for nothing else."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.signing.claims import InvalidGrantError
from federation.signing.jose import InvalidTokenError, Reason, sign
from federation.signing.tokens import (
    Grant,
    OutsideAudienceError,
    check_licence_token,
    check_server_token,
    check_staff_token,
    covers,
    mint_licence_token,
    mint_server_token,
    mint_staff_token,
)

HUB, NODE = "https://hub.example", "https://node.example"
NEWS = "https://pub.example/news"


def mint(key, now, **changes):
    grant = {
        "issuer": HUB,
        "licensee": "lab-1",
        "audience": [NEWS],
        "licence": "HUB-000001",
        "uses": ["ai-input"],
    }
    life = {name: changes.pop(name) for name in ("seconds", "jti") if name in changes}
    return mint_licence_token(key, Grant(**(grant | changes)), now=now, **life)


def check(token, key, now, url=f"{NEWS}/a"):
    issuers = {HUB: {key.kid: key.public}}
    return check_licence_token(token, issuers=issuers, hub=HUB, url=url, now=now)


def test_a_minted_licence_token_is_accepted_for_fifteen_minutes_and_a_minute_of_skew(key, now):
    token = mint(key, now, jti="jti-1")
    second = int(now.timestamp())

    read = check(token, key, now + timedelta(seconds=959))

    assert (read.issuer, read.licensee, read.licence) == (HUB, "lab-1", "HUB-000001")
    assert (read.audience, read.uses, read.jti) == ((NEWS,), ("ai-input",), "jti-1")
    assert (read.issued_at, read.expires_at) == (second, second + 900)
    with pytest.raises(InvalidTokenError, match="expired"):
        check(token, key, now + timedelta(seconds=960))


def test_every_token_has_an_id_of_its_own(key, now):
    assert check(mint(key, now), key, now).jti != check(mint(key, now), key, now).jti


GRANTS = [
    {"seconds": 901},
    {"seconds": 0},
    {"audience": []},
    {"uses": []},
    {"audience": ["/news"]},
    {"audience": ["*"]},
    {"audience": ["https://pub.example/*"]},
    {"audience": ["https://pub.example/news?x"]},
    {"audience": ["https://"]},
    {"audience": [NEWS] * 65},
]


@pytest.mark.parametrize("change", GRANTS)
def test_what_no_site_would_accept_is_not_minted(key, now, change):
    with pytest.raises(InvalidGrantError):
        mint(key, now, **change)


def test_a_token_for_elsewhere_is_outside_its_audience(key, now):
    with pytest.raises(OutsideAudienceError):
        check(mint(key, now), key, now, url="https://pub.example/news-evil")


COVERED = [
    (NEWS, NEWS),
    (NEWS, f"{NEWS}/"),
    (NEWS, f"{NEWS}/a/b"),
    (NEWS, f"{NEWS}?page=2"),
    (NEWS, f"{NEWS}#top"),
    (NEWS, f"{NEWS}/a?x=/../y"),
    (NEWS, "HTTPS://PUB.Example:443/news"),
    ("https://PUB.example:443/news", NEWS),
    (f"{NEWS}/", f"{NEWS}/a"),
    ("https://pub.example", "https://pub.example/anything"),
    ("https://pub.example/", "https://pub.example"),
    ("http://pub.example:80/", "http://pub.example/a"),
    ("https://pub.example:8443", "https://pub.example:8443/a"),
    ("https://[::1]", "https://[::1]:443/a"),
    ("https://pub.example/a..b", "https://pub.example/a..b/c"),
]
NOT_COVERED = [
    (NEWS, "https://pub.example/news-evil"),
    (NEWS, "https://pub.example/newsletter"),
    (NEWS, "https://pub.example/News"),
    (NEWS, "https://pub.example/"),
    (NEWS, "https://pub.example/x/news"),
    (NEWS, "http://pub.example/news"),
    (NEWS, "https://pub.example:8443/news"),
    (NEWS, "https://pub.example.evil.net/news"),
    (NEWS, "https://sub.pub.example/news"),
    (NEWS, "https://pub.example@evil.net/news"),
    (NEWS, "https://evil.net/https://pub.example/news"),
    (NEWS, "https://evil.net\\@pub.example/news"),
    (NEWS, f"{NEWS}/../private"),
    (NEWS, f"{NEWS}/%2e%2E/private"),
    (NEWS, f"{NEWS}/."),
    (NEWS, "/news"),
    (NEWS, "//pub.example/news"),
    (NEWS, f"{NEWS}/a b"),
    (NEWS, f"{NEWS}/\n"),
    (NEWS, "https://pub.example:news/news"),
    (NEWS, "https://[::1/news"),
    (NEWS, ""),
    (f"{NEWS}/", NEWS),
    ("/news", NEWS),
    ("*", NEWS),
    ("https://pub.example/*", NEWS),
    ("https://*.example/news", NEWS),
    ("https://pub.example/?", "https://pub.example/"),
    ("", NEWS),
]


@pytest.mark.parametrize(("prefix", "url"), COVERED)
def test_a_prefix_covers_its_path_and_what_lies_below(prefix, url):
    assert covers([prefix], url)


@pytest.mark.parametrize(("prefix", "url"), NOT_COVERED)
def test_a_prefix_covers_nothing_that_only_looks_alike(prefix, url):
    assert not covers([prefix], url)


SEGMENTS = st.lists(st.text("abz-._~%/", min_size=1, max_size=4), max_size=4)


@settings(deadline=None)
@given(prefix=SEGMENTS, rest=st.text("abz-._/", max_size=6))
def test_whatever_is_covered_begins_with_the_prefix_and_ends_or_goes_on_after_a_slash(prefix, rest):
    base = "https://pub.example/" + "/".join(prefix)
    url = base + rest

    if covers([base], url):
        assert rest == "" or rest.startswith("/") or base.endswith("/")


def test_a_servers_call_is_good_for_a_minute_at_one_server(key, now):
    token = mint_server_token(key, caller=NODE, callee=HUB, now=now, jti="call-1")
    callers = {NODE: {key.kid: key.public}}

    read = check_server_token(token, callers=callers, callee=HUB, now=now + timedelta(seconds=119))

    assert (read.caller, read.jti) == (NODE, "call-1")
    with pytest.raises(InvalidTokenError, match="expired"):
        check_server_token(token, callers=callers, callee=HUB, now=now + timedelta(seconds=120))
    for callee in ("https://hub.example/", "https://hub.exampl", NODE):
        with pytest.raises(InvalidTokenError) as caught:
            check_server_token(token, callers=callers, callee=callee, now=now)
        assert caught.value.reason is Reason.AUDIENCE


def test_a_server_cannot_call_in_anothers_name(key, other_key, now):
    callers = {HUB: {key.kid: key.public}, NODE: {other_key.kid: other_key.public}}
    token = mint_server_token(other_key, caller=HUB, callee=NODE, now=now)

    with pytest.raises(InvalidTokenError) as caught:
        check_server_token(token, callers=callers, callee=NODE, now=now)
    assert caught.value.reason is Reason.KEY


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"exp": 61}, Reason.TIME),
        ({"aud": [HUB]}, Reason.AUDIENCE),
        ({"aud": None}, Reason.AUDIENCE),
        ({"jti": None}, Reason.CLAIMS),
        ({"jti": ""}, Reason.CLAIMS),
    ],
)
def test_a_servers_call_has_exactly_its_shape(key, now, change, reason):
    second = int(now.timestamp())
    claims = {"iss": NODE, "aud": HUB, "iat": 0, "exp": 60, "jti": "1"} | change
    claims |= {"iat": second, "exp": second + claims["exp"]}
    token = sign(claims, typ="server+jwt", key=key)

    with pytest.raises(InvalidTokenError) as caught:
        check_server_token(token, callers={NODE: {key.kid: key.public}}, callee=HUB, now=now)
    assert caught.value.reason is reason


def test_a_persons_session_is_good_for_twelve_hours_at_the_server_that_signed_it(key, now):
    token = mint_staff_token(key, server=HUB, subject="anna", role="settlement", now=now)
    keys = {key.kid: key.public}
    evening = now + timedelta(hours=12)

    read = check_staff_token(token, keys=keys, server=HUB, now=evening)

    assert (read.subject, read.role) == ("anna", "settlement")
    with pytest.raises(InvalidTokenError, match="expired"):
        check_staff_token(token, keys=keys, server=HUB, now=evening + timedelta(minutes=1))
    with pytest.raises(InvalidTokenError, match="issuer"):
        check_staff_token(token, keys=keys, server=NODE, now=now)
    with pytest.raises(InvalidGrantError):
        mint_staff_token(key, server=HUB, subject="a", role="r", now=now, seconds=12 * 3600 + 1)


def test_no_kind_of_token_passes_for_another(key, now):
    keys = {key.kid: key.public}
    tokens = {
        "licence": mint(key, now),
        "server": mint_server_token(key, caller=HUB, callee=HUB, now=now),
        "staff": mint_staff_token(key, server=HUB, subject="anna", role="r", now=now),
    }
    checks = {
        "licence": lambda token: check(token, key, now),
        "server": lambda token: check_server_token(token, callers={HUB: keys}, callee=HUB, now=now),
        "staff": lambda token: check_staff_token(token, keys=keys, server=HUB, now=now),
    }

    for kind, token in tokens.items():
        for asked, accept in checks.items():
            if kind == asked:
                accept(token)
            else:
                with pytest.raises(InvalidTokenError) as caught:
                    accept(token)
                assert caught.value.reason is Reason.TYPE
