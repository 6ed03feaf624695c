"""Rules of how soon an opt-out is heeded: by the next question, at the next site."""

from typing import Any, Final

from federation.conformance.trial import USE, Trial
from federation.conformance.verdicts import Rules
from federation.conformance.wire import Exchange

RULES: Final = Rules()
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
