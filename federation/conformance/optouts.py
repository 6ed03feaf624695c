"""Rules of how soon an opt-out is heeded: by the next question, at the next site."""

import asyncio
import time
from typing import Any, Final

import msgspec

from federation.conformance.hub import Message
from federation.conformance.licences import crawler_token
from federation.conformance.signed import policy_of
from federation.conformance.trial import USE, Trial
from federation.conformance.verdicts import BrokenError, Rules
from federation.conformance.wire import OK, Exchange
from federation.signing.policy import CheckedPolicy

RULES: Final = Rules()
POLICY_SECONDS, TOLD_SECONDS, PAUSE_SECONDS = 60.0, 60.0, 0.5
LICENCE: Final = "HUB-000001"  # nothing is said against it in the status list of the trial's hub
RIGHTS: Final = """query($urls: [String!]!, $use: String!) {
  rights(urls: $urls, use: $use, ownOnly: true) {
    items { url status contentTier reason } nodes { registryVersion } } }"""
"""As a hub asks the owners of addresses (`schema/rights.py`)."""


async def status_of(trial: Trial, url: str) -> tuple[str, Exchange]:
    """Return what a node answers of one address for the use, and the answer."""
    answer = await trial.ask(RIGHTS, {"urls": [url], "use": USE})
    items = answer.data()["rights"]["items"]
    found: Any = items[0] if len(items) == 1 else {}
    if found.get("url") != url:
        raise answer.broken("the item asked for did not come, and nothing else")
    return found.get("status", ""), answer


@RULES.rule("optouts.rights", "docs/registry.md; decisions 0044 and 0060")
async def rights(trial: Trial) -> None:
    """An opt-out that was recorded is in the very next answer of `rights`, of its address alone."""
    url = f"https://{await trial.claimed()}/withheld/page"
    status, before = await status_of(trial, url)
    if status != "LICENSABLE":
        raise before.broken(f"a claimed address without an opt-out is {status}, not LICENSABLE")
    await trial.opt_out("/withheld/")
    status, answer = await status_of(trial, url)
    if status != "RESERVED":
        raise answer.broken(f"the address that was withheld is {status}, not RESERVED")
    status, answer = await status_of(trial, f"https://{trial.host}/other/page")
    if status != "LICENSABLE":
        raise answer.broken(f"an address beside the withheld one is {status}, not LICENSABLE")


async def _validated(trial: Trial, path: str) -> Exchange:
    """Ask whether a token of the hub opens a page of the member."""
    prefix = f"https://{trial.host}/"
    asked = {
        "token": crawler_token(trial.hub, LICENCE, prefix, USE),
        "publisher_id": trial.member,
        "url": f"https://{trial.host}{path}",
        "use": USE,
    }
    body, kind = msgspec.json.encode(asked), {"Content-Type": "application/json"}
    return await trial.wire.send("POST", "/validate", body, kind)


@RULES.rule("optouts.tokens", "federation/gate/README.md; decision 0044")
async def tokens(trial: Trial) -> None:
    """A token that opened a page opens it no more once the page is withheld (403, WITHHELD)."""
    await trial.claimed()
    before = await _validated(trial, "/sold/page")
    before.expect(OK)
    await trial.opt_out("/sold/")
    after = await _validated(trial, "/sold/page")
    after.expect(403)
    after.expect_code("WITHHELD")


@RULES.rule("optouts.policy", "decisions 0019 and 0050")
async def in_policy(trial: Trial) -> None:
    """An opt-out is in the policy of the member's site within a minute."""
    subject = f"{trial.host}/site/"
    found, answer = await policy_of(trial)
    if _withholds(found, subject):
        raise answer.broken(f"{subject} is withheld before anybody has said so")
    await trial.opt_out("/site/")
    until = time.monotonic() + POLICY_SECONDS
    while True:
        found, answer = await policy_of(trial)
        if _withholds(found, subject):
            return
        if time.monotonic() > until:
            raise answer.broken(f"{subject} is not withheld in the policy after a minute")
        await asyncio.sleep(PAUSE_SECONDS)


def _withholds(policy: CheckedPolicy, subject: str) -> bool:
    """Tell whether a policy withholds a place from the use."""
    said = {(one.subject, one.use) for one in policy.site.optouts}
    return policy.site.reserved_all or not said.isdisjoint({(subject, USE), (subject, "*")})


@RULES.rule("optouts.told", "decision 0003; federation/claimindex/README.md")
async def is_told(trial: Trial) -> None:
    """The hub hears of an opt-out within a minute, in the stream of the registry."""
    await _hear_of(trial, "/told/")


async def _hear_of(trial: Trial, path: str) -> None:
    """Withhold a path, and require that the hub hears of it."""
    await trial.opt_out(path)

    def is_it(message: Message) -> bool:
        if message.kind != "registry.delta":
            return False
        facts = msgspec.json.decode(message.body).get("reservations", [])
        return any((one["host"], one["path"]) == (trial.host, path) for one in facts)

    if await trial.hub.hear(is_it, TOLD_SECONDS) is None:
        raise BrokenError(f"the hub did not hear of it within {TOLD_SECONDS:.0f} seconds")


@RULES.rule("optouts.index", "decision 0003; decision 0012")
async def gapless(trial: Trial) -> None:
    """What a node tells the index of its registry is numbered without a gap, oldest first."""
    await trial.claimed()
    before = len(trial.hub.heard)
    for path in ("/first/", "/second/", "/third/"):
        await _hear_of(trial, path)
    found = [
        msgspec.json.decode(one.body)["version"]
        for one in trial.hub.heard[before:]
        if one.kind == "registry.delta"
    ]
    distinct = list(dict.fromkeys(found))  # one may be delivered twice
    wanted = list(range(distinct[0], distinct[0] + len(distinct)))
    if distinct != wanted:
        raise BrokenError(f"the versions are {', '.join(map(str, distinct[:20]))}")
