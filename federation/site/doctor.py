"""`federation-site doctor`: what of an installed site works, one line each, with what to do."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, NamedTuple

from federation.access.bearers import ClientBearer
from federation.access.wire import Call
from federation.errors import RefusalError
from federation.signing.keys import key_set
from federation.site.gate import Mode
from federation.site.policy_source import Pins, PolicySource
from federation.site.site_config import SiteConfig
from federation.site.spool import SPOOL_BYTES_MAX

CRAWLER: Final = "GPTBot/1.2 (federation-site doctor)"
PERSON: Final = "Mozilla/5.0 (federation-site doctor)"
CLOCK_SECONDS_MAX: Final = 60
POLICY_SECONDS_MAX: Final = 900  # the node signs anew every ten minutes
_PAGE_BYTES_MAX: Final = 16 << 20
_REFUSED: Final = 401
_WRONG: Final = 400


class Finding(NamedTuple):
    """One thing that was looked at; `advice` is empty where it is as it should be."""

    what: str
    found: str
    advice: str = ""

    @property
    def is_well(self) -> bool:
        """Tell whether there is nothing to do."""
        return not self.advice

    def __str__(self) -> str:
        mark = "ok   " if self.is_well else "WRONG"
        return f"{mark} {self.what}: {self.found}" + (f" - {self.advice}" if self.advice else "")


def examine(site: SiteConfig) -> Iterator[Finding]:
    """Look at one thing after the other; nothing of the site's own files is changed."""
    yield from _node(site)
    yield _credential(site)
    yield _policy(site)
    yield _age(site)
    yield _disk(site)
    for origin in site.origins:
        yield from _site(site, origin)


def _node(site: SiteConfig) -> Iterator[Finding]:
    try:
        answer = site.fetch(Call("GET", f"{site.node}/health/live", {}))
    except RefusalError as refusal:
        yield Finding("node", refusal.message, f"open the way to {site.node} (DNS, firewall, TLS)")
        return
    yield Finding("node", f"{site.node} answers {answer.status}")
    apart = _seconds_apart(answer.headers.get("date", ""), site.clock())
    if apart is None:
        yield Finding("clock", "the node says no time")
    else:
        advice = "" if apart <= CLOCK_SECONDS_MAX else "set this machine's clock (NTP)"
        yield Finding("clock", f"{apart} s from the node's", advice)


def _seconds_apart(date: str, now: datetime) -> int | None:
    try:
        return round(abs((parsedate_to_datetime(date) - now).total_seconds()))
    except (TypeError, ValueError):
        return None


def _credential(site: SiteConfig) -> Finding:
    if site.client is None:
        return Finding("credential", "a token that somebody else looks after")
    bearer = ClientBearer(site.client, server=site.node, clock=site.clock, fetch=site.fetch)
    try:
        bearer.current()
    except RefusalError as refusal:
        return Finding("credential", refusal.message, "ask the collective for a new code, and init")
    return Finding("credential", f"the node knows {site.client.client_id}")


def _policy(site: SiteConfig) -> Finding:
    """Pull a policy aside: it is good only if the pinned keys, or those they led to, signed it."""
    if site.client is None:
        return Finding("keys", "not looked at without a client")
    bearer = ClientBearer(site.client, server=site.node, clock=site.clock, fetch=site.fetch)
    pins = Pins(site.node, site.member_id, key_set(site.node_jwks), key_set(site.hub_jwks))
    with tempfile.TemporaryDirectory() as folder:
        learned = site.directory / "keys.json"
        if learned.exists():
            shutil.copy(learned, folder)
        path = Path(folder) / "policy.jwt"
        source = PolicySource(pins, path=path, clock=site.clock, bearer=bearer, fetch=site.fetch)
        try:
            source.refresh()
        except RefusalError as refusal:
            told = "compare node_keys and hub_keys with what the collective says, or init anew"
            return Finding("keys", f"{refusal.code}: {refusal.message}", told)
    return Finding("keys", "a policy came, signed with the keys that are pinned")


def _age(site: SiteConfig) -> Finding:
    try:
        written = (site.directory / "policy.jwt").stat().st_mtime
    except OSError:
        return Finding("policy", "none on disk", "start the site, and let one request come")
    age = round(site.clock().timestamp() - written)
    advice = "" if age <= POLICY_SECONDS_MAX else "is the site running, and may it reach the node?"
    return Finding("policy", f"{age} s old", advice)


def _disk(site: SiteConfig) -> Finding:
    folder = next(each for each in (site.directory, *site.directory.parents) if each.exists())
    if not os.access(folder, os.W_OK):
        return Finding("disk", f"{folder} cannot be written", "give it to the user of the site")
    free = shutil.disk_usage(folder).free
    advice = (
        "" if free >= SPOOL_BYTES_MAX else f"make room: usage may need {SPOOL_BYTES_MAX >> 20} MiB"
    )
    return Finding("disk", f"{free >> 20} MiB free in {folder}", advice)


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
            yield Finding(
                origin, said, "" if is_well else "401 is due: is the gate before the cache?"
            )
