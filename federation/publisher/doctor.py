"""`federation-site doctor`: what of an installed site works, one line each, with what to do."""

import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from federation.access.bearers import Bearer, ClientBearer
from federation.access.wire import Answer, Call, UnreachableError
from federation.errors import RefusalError, answered
from federation.gate.gate import Mode
from federation.publisher.files import looked_over
from federation.publisher.installing import CLOCK_SECONDS_MAX, time_of
from federation.publisher.silence import ADVICE, told_silent
from federation.signing.keys import key_set
from federation.signing.policy import CheckedPolicy
from federation.signing.tokens import split_prefix
from federation.site.policy_source import Pins, PolicyNotServedError, PolicySource
from federation.site.site_config import SiteConfig

CRAWLER: Final = "federation-site-doctor/1"
"""An agent of the list of crawlers, by whose name its visits are counted."""
PERSON: Final = "Mozilla/5.0 (federation-site doctor)"
POLICY_SECONDS_MAX: Final = 900  # the node signs anew every ten minutes
_PAGE_BYTES_MAX: Final = 16 << 20
_REFUSED: Final = 401
_WRONG: Final = 400


class Finding(NamedTuple):
    """One thing that was looked at; `advice` is empty where it is as it should be.

    What could not be looked at is neither: another finding says why.
    """

    what: str
    found: str
    advice: str = ""
    is_checked: bool = True

    @property
    def is_well(self) -> bool:
        """Tell whether there is nothing to do."""
        return not self.advice

    def __str__(self) -> str:
        mark = ("ok   " if self.is_well else "WRONG") if self.is_checked else "?    "
        return f"{mark} {self.what}: {self.found}" + (f" - {self.advice}" if self.advice else "")


def examine(site: SiteConfig) -> Iterator[Finding]:
    """Look at one thing after the other; nothing of the site's own files is changed."""
    pulled = None
    if (yield from _node(site)):
        credential, bearer = _credential(site)
        yield credential
        keys, pulled = _pulled(site, bearer)
        yield keys
    else:
        for what in ("credential", "keys"):
            yield _unchecked(what, "the node cannot be reached")
    for what, found, advice in looked_over(site.directory):
        yield Finding(what, found, advice)
    if (silent := told_silent(site.directory)) is not None:
        yield Finding("log", silent, ADVICE)
    for origin in site.origins:
        if pulled is not None:
            yield from _claimed(origin, pulled)
        yield from _site(site, origin)
    yield _policy(site, pulled)


def _unchecked(what: str, why: str) -> Finding:
    return Finding(what, f"not checked: {why}", is_checked=False)


def _node(site: SiteConfig) -> Generator[Finding, None, bool]:
    """Say whether the node answers, and of its time; return whether it does."""
    try:
        answer = site.fetch(Call("GET", f"{site.node}/health/live", {}))
    except RefusalError as refusal:
        yield Finding("node", refusal.message, f"open the way to {site.node} (DNS, firewall, TLS)")
        return False
    yield Finding("node", f"{site.node} answers {answer.status}")
    there = time_of(answer)
    if there is None:
        yield _unchecked("clock", "the node says no time")
    else:
        apart = round(abs((there - site.clock()).total_seconds()))
        advice = "" if apart <= CLOCK_SECONDS_MAX else "set this machine's clock (NTP)"
        yield Finding("clock", f"{apart} s from the node's", advice)
    return True


def _credential(site: SiteConfig) -> tuple[Finding, ClientBearer | None]:
    if site.client is None:
        return Finding("credential", "a token that somebody else looks after"), None
    bearer = ClientBearer(site.client, server=site.node, clock=site.clock, fetch=site.fetch)
    try:
        bearer.current()
    except UnreachableError as refusal:
        return _unchecked("credential", refusal.message), None
    except RefusalError as refusal:
        told = "ask the collective for a new code, and init"
        return Finding("credential", refusal.message, told), None
    return Finding("credential", f"the node knows {site.client.client_id}"), bearer


def _pulled(site: SiteConfig, bearer: Bearer | None) -> tuple[Finding, CheckedPolicy | None]:
    """Pull a policy aside: it is good only if the pinned keys, or those they led to, signed it."""
    if bearer is None:
        return _unchecked("keys", "without a credential the node gives no policy"), None
    pins = Pins(site.node, site.member_id, key_set(site.node_jwks), key_set(site.hub_jwks))
    with tempfile.TemporaryDirectory() as folder:
        learned = site.directory / "keys.json"
        if learned.exists():
            shutil.copy(learned, folder)
        path = Path(folder) / "policy.jwt"
        source = PolicySource(pins, path=path, clock=site.clock, bearer=bearer, fetch=site.fetch)
        try:
            source.refresh()
        except (UnreachableError, PolicyNotServedError) as refusal:
            return _unchecked("keys", refusal.message), None
        except RefusalError as refusal:
            told = "compare node_keys and hub_keys with what the collective says, or init anew"
            return Finding("keys", f"{refusal.code}: {refusal.message}", told), None
        held = source.current()
    assert held is not None  # noqa: S101 - else it was refused
    return Finding("keys", "a policy came, signed with the keys that are pinned"), held.checked


def _claimed(origin: str, policy: CheckedPolicy) -> Iterator[Finding]:
    """Say which origin no claim reaches: crawlers are refused there, whatever they show."""
    asked = split_prefix(origin)
    claimed = {split[0] for each in policy.site.prefixes if (split := split_prefix(each))}
    if asked is None or asked[0] not in claimed:
        told = f"claim {origin} at your collective, or take it out of origins"
        yield Finding(origin, f"none of your claims reaches {origin}", told)


def _policy(site: SiteConfig, pulled: CheckedPolicy | None) -> Finding:
    """Say how old the policy on disk is, by now: a site has asked for its pages meanwhile."""
    try:
        written = (site.directory / "policy.jwt").stat().st_mtime
    except OSError:
        if pulled is not None:
            return Finding("policy", "none on disk yet; the node gives one now")
        return Finding("policy", "none on disk", "start the site, and let one request come")
    age = round(site.clock().timestamp() - written)
    advice = "" if age <= POLICY_SECONDS_MAX else "is the site running, and may it reach the node?"
    return Finding("policy", f"{age} s old", advice)


def _site(site: SiteConfig, origin: str) -> Iterator[Finding]:
    for agent, who in ((CRAWLER, "a crawler"), (PERSON, "a person")):
        call = Call("GET", f"{origin}/", {"User-Agent": agent}, answer_bytes_max=_PAGE_BYTES_MAX)
        try:
            answer = site.fetch(call)
        except RefusalError as refusal:
            yield Finding(origin, f"{who}: {refusal.message}", "is the site up under this name?")
            continue
        said = f"{who} is answered {answer.status}"
        if agent == PERSON:
            is_well = answer.status < _WRONG
            yield Finding(
                origin, said, "" if is_well else "a person should pass: see the site's log"
            )
        elif site.mode == Mode.OBSERVE:
            is_well = answer.headers.get("x-rsl-status") == "token_required"
            yield Finding(
                origin, said, "" if is_well else "no gate marks the answer: is it installed?"
            )
        else:
            is_well = answer.status == _REFUSED
            yield Finding(origin, said, "" if is_well else _not_refused(answer))


def _not_refused(answer: Answer) -> str:
    """Return what to do where a crawler is not told 401."""
    if answered(answer.status, answer.body).endswith(" GATE_DOWN"):
        return "nginx reaches no endpoint: is `federation-site auth` up, with nginx's --group?"
    return "401 is due: is the gate before the cache?"
