"""Rules of long lists: pages, cursors, order."""

from typing import Any, Final

from federation.conformance.trial import Trial
from federation.conformance.verdicts import BrokenError, Rules
from federation.conformance.wire import Exchange

RULES: Final = Rules()
SOURCE: Final = "decision 0051"
WORKS: Final = """query($first: Int!, $text: String!, $after: String) {
  works(first: $first, text: $text, after: $after) {
    edges { cursor node { id title } } pageInfo { hasNextPage endCursor } } }"""
"""As a hub asks for the part of a node (decision 0055)."""
PAGES_MAX: Final = 100


async def page(trial: Trial, first: int, after: str | None = None) -> Exchange:
    """Ask for a page of the works that this run has registered."""
    return await trial.ask(WORKS, {"first": first, "text": trial.word, "after": after})


async def walk(trial: Trial, first: int) -> tuple[list[dict[str, Any]], Exchange]:
    """Return all works of this run, page by page, and the last answer."""
    nodes: list[dict[str, Any]] = []
    after: str | None = None
    for _ in range(PAGES_MAX):
        answer = await page(trial, first, after)
        found = answer.data()["works"]
        nodes += [edge["node"] for edge in found["edges"]]
        if len(found["edges"]) > first:
            raise answer.broken(f"a page of {first} has {len(found['edges'])} entries")
        if not found["pageInfo"]["hasNextPage"]:
            return nodes, answer
        after = found["pageInfo"]["endCursor"]
    raise BrokenError(f"the list did not end within {PAGES_MAX} pages of {first}")


@RULES.rule("paging.whole", SOURCE)
async def whole(trial: Trial) -> None:
    """Pages of 1, 2, 3 and 100 have every entry of the list, each once."""
    wanted = sorted(work.id for work in await trial.works())
    for first in (100, 1, 2, 3):
        nodes, answer = await walk(trial, first)
        found = sorted(str(node["id"]) for node in nodes)
        if lost := sorted(set(wanted) - set(found)):
            raise answer.broken(f"pages of {first} lose {lost[0]}")
        if found != wanted:
            twice = [one for one in found if found.count(one) > 1 or one not in wanted]
            raise answer.broken(f"pages of {first} show {twice[0]} once too often")
