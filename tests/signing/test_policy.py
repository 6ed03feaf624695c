"""The two signed documents a site lives by."""

from datetime import timedelta

import pytest

from federation.signing.jose import InvalidTokenError, Reason, sign
from federation.signing.policy import (
    Issuer,
    SiteOptOut,
    SiteTerms,
    StalePolicyError,
    open_site_policy,
    read_site_policy,
    read_trust_document,
    sign_site_policy,
    sign_trust_document,
)
from federation.signing.statuslist import StaleStatusError, Status, sign_status_list

HUB, NODE = "https://hub.example", "https://node.example"
HOUR = timedelta(hours=1)


@pytest.fixture
def pinned(key, other_key):
    """The two keys a site holds: its node's and the hub's."""
    return {other_key.kid: other_key.public}, {key.kid: key.public}


@pytest.fixture
def trust(key, other_key, now):
    def make(**changes):
        issuers = [
            Issuer(HUB, "HUB", "The hub", [key.public_jwk()], HUB),
            Issuer(NODE, "XX", "Collecting Society XX", [other_key.public_jwk()], NODE),
        ]
        options = {"hub": HUB, "issuers": issuers}
        return sign_trust_document(key, **({"now": now} | options | changes))

    return make


@pytest.fixture
def terms(now):
    return SiteTerms(
        prefixes=["https://pub.example"],
        optouts=[SiteOptOut("pub.example/private", "*", now)],
        collective="Collecting Society XX",
        licence_url="https://hub.example/buy",
    )


@pytest.fixture
def policy(key, other_key, trust, terms, now):
    def make(**changes):
        options = {"node": NODE, "member": "M-17", "terms": terms, "trust": trust(), "now": now}
        options["status_lists"] = [
            sign_status_list(key, HUB, 0, {2: Status.SUSPENDED}, now),
            sign_status_list(other_key, NODE, 0, {}, now),
        ]
        return sign_site_policy(other_key, **(options | changes))

    return make


def test_a_trust_document_says_whom_to_trust(key, trust, pinned, now):
    document = read_trust_document(trust(), pinned[1])

    assert (document.iss, document.iat) == (HUB, now.timestamp())
    assert document.licensors() == {"HUB": HUB, "XX": NODE}
    assert document.issuer_keys()[HUB].keys() == {key.kid}
    assert document.issuer_keys().keys() == {HUB, NODE}


def test_a_trust_document_is_the_hubs_alone(trust, pinned):
    with pytest.raises(InvalidTokenError):
        read_trust_document(trust(), pinned[0])


def test_an_issuer_is_named_once(key, trust):
    twice = [Issuer(HUB, "HUB", "The hub", [key.public_jwk()], HUB)] * 2

    with pytest.raises(InvalidTokenError, match="twice"):
        trust(issuers=twice)


def test_a_key_nobody_can_check_with_is_not_published(key, trust):
    jwk = key.public_jwk() | {"kid": "mine"}

    with pytest.raises(InvalidTokenError, match="thumbprint"):
        trust(issuers=[Issuer(HUB, "HUB", "The hub", [jwk], HUB)])


def test_a_policy_comes_back_whole_with_the_trust_document_in_it(policy, terms, pinned, now):
    site, document, statuses, rulings = read_site_policy(policy(), *pinned, now)

    assert (site.iss, site.sub, site.exp - site.iat) == (NODE, "M-17", 3600)
    assert {name: getattr(site, name) for name in terms.__struct_fields__} == {
        name: getattr(terms, name) for name in terms.__struct_fields__
    }
    assert document == read_trust_document(site.trust, pinned[1])
    assert rulings is None
    assert statuses.status(HUB, "HUB-000002", now) is Status.SUSPENDED
    assert statuses.status(HUB, "HUB-000001", now) is Status.VALID
    assert statuses.status(NODE, "XX-000001", now) is Status.VALID
    with pytest.raises(StaleStatusError):
        statuses.status("https://other.example", "YY-000001", now)


@pytest.mark.parametrize(
    ("moved", "holds"),
    [
        (timedelta(seconds=-60), True),
        (timedelta(seconds=-61), False),
        (timedelta(seconds=3599), True),
        (timedelta(seconds=3600), False),
    ],
)
def test_a_policy_holds_for_its_hour_without_leeway(policy, pinned, now, moved, holds):
    token = policy()
    if holds:
        read_site_policy(token, *pinned, now + moved)
    else:
        with pytest.raises(StalePolicyError):
            read_site_policy(token, *pinned, now + moved)
    assert open_site_policy(token, *pinned).site.sub == "M-17"


def test_a_policy_ends_with_the_trust_document_in_it(policy, trust, pinned, now):
    token = policy(trust=trust(now=now - 2 * HOUR + timedelta(seconds=1)))

    checked = read_site_policy(token, *pinned, now)

    assert checked.expires_at == now.timestamp() + 1
    with pytest.raises(StalePolicyError):
        read_site_policy(token, *pinned, now + timedelta(seconds=1))


def test_a_node_cannot_write_its_own_trust_document(policy, other_key, pinned):
    own = sign({"iss": HUB}, typ="trust+jwt", key=other_key)

    with pytest.raises(InvalidTokenError):
        open_site_policy(policy(trust=own), *pinned)


CHANGES = [
    {"exp": 3601},
    {"exp": 0},
    {"sub": 7},
    {"prefixes": "https://pub.example"},
    {"optouts": [{"subject": "a", "use": "*", "effective_at": "2026-11-20T12:00:00"}]},
    {"optouts": [{"subject": "a", "use": "*", "effective_at": "yesterday"}]},
    {"trust": None},
    {"reserved_all": "no"},
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_policy_of_another_shape_is_refused(other_key, trust, pinned, now, change):
    second = int(now.timestamp())
    claims = {
        "iss": NODE,
        "sub": "M-17",
        "iat": second,
        "trust": trust(),
        "prefixes": [],
        "optouts": [],
        "collective": "C",
        "licence_url": "https://hub.example/buy",
    }
    claims |= change | {"exp": second + change.get("exp", 3600)}

    with pytest.raises(InvalidTokenError) as caught:
        open_site_policy(sign(claims, typ="policy+jwt", key=other_key), *pinned)
    assert caught.value.reason in {Reason.CLAIMS, Reason.TIME}


def test_a_policy_may_be_large(policy, pinned, now):
    optouts = [SiteOptOut(f"pub.example/{number}", "*", now) for number in range(5000)]
    large = SiteTerms(["https://pub.example"], optouts, "C", "https://hub.example/buy")

    assert read_site_policy(policy(terms=large), *pinned, now).site.optouts == optouts
