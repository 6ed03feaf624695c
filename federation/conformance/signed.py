"""Rules of what a node signs: its configuration, status lists, policies of sites."""

from typing import Any, Final

from federation.clock import system_clock
from federation.conformance.trial import Trial
from federation.conformance.verdicts import Rules
from federation.conformance.wire import OK, Exchange
from federation.signing.entity_statements import ADDRESS, SERVER, read_configuration
from federation.signing.jose import InvalidTokenError
from federation.signing.keys import InvalidKeyError, Keys, key_set
from federation.signing.policy import (
    CheckedPolicy,
    StalePolicyError,
    check_fresh,
    open_site_policy,
)
from federation.signing.statuslist import list_uri, read_status_list

RULES: Final = Rules()
CONFIGURATION: Final = "/.well-known/openid-federation"
JWKS: Final = "/.well-known/jwks.json"


@RULES.rule("signed.configuration", "decision 0026; OpenID Federation 1.0, section 9")
async def configuration(trial: Trial) -> None:
    """A node's entity configuration is signed with the key it applied with, and names its hub."""
    node = await trial.joined()
    answer = await trial.wire.send("GET", CONFIGURATION)
    answer.expect(OK)
    known = trial.hub.node_keys()
    try:
        says = read_configuration(_text(answer), node.entity_id, known, system_clock()).says
    except InvalidTokenError as refusal:
        raise answer.broken(f"it is not good: {refusal.message}") from refusal
    if trial.hub.entity_id not in says.authority_hints:
        raise answer.broken("it does not name its hub among authority_hints")
    if says.metadata.get(SERVER, {}).get(ADDRESS) != node.url:
        raise answer.broken(f"it does not say that the node is at {node.url}")


async def token_keys(trial: Trial) -> Keys:
    """Return the keys that a node publishes to check its tokens with."""
    answer = await trial.wire.send("GET", JWKS)
    answer.expect(OK)
    try:
        found: Keys = key_set(answer.json()["keys"])
    except (InvalidKeyError, LookupError, TypeError) as error:
        raise answer.broken("it holds a key that is no public key on P-256") from error
    if not found:
        raise answer.broken("no key is published")
    return found


@RULES.rule("signed.keys", "docs/keys.md; RFC 7517")
async def keys(trial: Trial) -> None:
    """The keys of a node's tokens are published, and its hub was told of the same."""
    await trial.joined()
    published = await trial.judge("keys", lambda: token_keys(trial))
    if told := sorted(published.keys() ^ trial.hub.token_keys().keys()):
        answer = await trial.wire.send("GET", JWKS)
        raise answer.broken(f"{told[0]} is known in one place only")


@RULES.rule("signed.statuses", "decision 0019; Token Status List")
async def statuses(trial: Trial) -> None:
    """A node's first status list is served to everybody, signed with a key that it publishes."""
    node = await trial.joined()
    published = await trial.need("keys", lambda: token_keys(trial))
    answer = await trial.wire.send("GET", "/statuslists/0")
    answer.expect(OK)
    try:
        found = read_status_list(answer.body, {node.entity_id: published})
    except InvalidTokenError as refusal:
        raise answer.broken(f"it is not good: {refusal.message}") from refusal
    if found.uri != list_uri(node.entity_id, 0):
        raise answer.broken(f"it is the list {found.uri}")
    if not found.issued_at - 60 <= system_clock().timestamp() < found.expires_at:
        raise answer.broken("its time is over, or still to come")


async def policy_of(trial: Trial) -> tuple[CheckedPolicy, Exchange]:
    """Return the policy of the member's site, all its signatures checked, and the answer."""
    await trial.claimed()
    path = f"/sites/{trial.member}/policy"
    answer = await trial.wire.send("GET", path, headers=trial.bearer("site"))
    answer.expect(OK)
    hub_keys = {trial.hub.key.kid: trial.hub.key.public}
    try:
        found = open_site_policy(answer.body, trial.hub.node_keys(), hub_keys)
        check_fresh(found, system_clock())
    except (InvalidTokenError, StalePolicyError) as refusal:
        raise answer.broken(f"it is not good: {refusal.message}") from refusal
    return found, answer


@RULES.rule("signed.policy", "federation/gate/README.md; decision 0050")
async def policy(trial: Trial) -> None:
    """The policy of a member's site is signed by its node, the hub's document within by the hub."""
    found, answer = await policy_of(trial)
    if found.site.sub != trial.member:
        raise answer.broken(f"it is the policy of {found.site.sub}")
    if not any(trial.host in prefix for prefix in found.site.prefixes):
        raise answer.broken(f"{trial.host}, which the member claims, is not among its prefixes")


@RULES.rule("signed.others", "docs/people.md")
async def others(trial: Trial) -> None:
    """A policy is for its own site: neither a stranger nor another member's site gets it."""
    await trial.claimed()
    answer = await trial.wire.send("GET", f"/sites/{trial.member}/policy")
    answer.expect(401)
    another = f"/sites/{trial.member}-other/policy"
    answer = await trial.wire.send("GET", another, headers=trial.bearer("site"))
    answer.expect(403, 404)


def _text(answer: Exchange) -> str:
    found: Any = answer.body.decode("ascii", "replace")
    return str(found)
