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
CLAIMS: Final = """query($member: String!, $after: String) {
  claims(first: 1, member: $member, after: $after) { pageInfo { endCursor } } }"""
PAGES_MAX: Final = 100


async def page(trial: Trial, first: int, after: str | None = None, text: str = "") -> Exchange:
    """Ask for a page of the works that this run has registered."""
    return await trial.ask(WORKS, {"first": first, "text": text or trial.word, "after": after})


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


@RULES.rule("paging.order", "decisions 0051 and 0055; federation/values/search_words.py")
async def order(trial: Trial) -> None:
    """Works come by the words of their titles, without case and accents, then by their ids."""
    known = {work.id: work for work in await trial.works()}
    nodes, answer = await walk(trial, 3)
    found = list(dict.fromkeys(str(node["id"]) for node in nodes if node["id"] in known))
    wanted = sorted(found, key=lambda one: (known[one].sorts_by, one))
    for one, other in zip(found, wanted, strict=True):
        if one != other:
            shown = f"{known[one].title!r} ({one})"
            raise answer.broken(f"{shown} comes where {known[other].title!r} ({other}) belongs")


@RULES.rule("paging.stable", SOURCE)
async def stable(trial: Trial) -> None:
    """An entry that comes between two pages moves no other: a cursor is a place, not a number."""
    word = f"s{trial.word}"
    made = [
        await trial.register_work(f"{word}-{number}", word, title, title)
        for number, title in enumerate(("bee", "cat", "dog", "eel"))
    ]
    first = await page(trial, 2, text=word)
    await trial.register_work(f"{word}-new", word, "ant", "ant")
    shown = first.data()["works"]
    rest = await page(trial, 100, shown["pageInfo"]["endCursor"], text=word)
    edges = [*shown["edges"], *rest.data()["works"]["edges"]]
    found = [str(edge["node"]["id"]) for edge in edges]
    if found != [work.id for work in made]:
        raise rest.broken(f"after an entry came in front, the pages show {', '.join(found)}")


@RULES.rule("paging.first", SOURCE)
async def first(trial: Trial) -> None:
    """`first` is required, and from 1 to 100: else BAD_PAGE, without data."""
    await trial.works()
    for number in (0, -1, 101, 2**31 - 1):
        (await page(trial, number)).expect_code("BAD_PAGE")
    answer = await trial.ask("{ works { pageInfo { hasNextPage } } }")
    answer.expect(400)
    if "data" in answer.json():
        raise answer.broken("a list was answered without `first`")


@RULES.rule("paging.cursors", SOURCE)
async def cursors(trial: Trial) -> None:
    """A cursor that nobody gave out is refused (BAD_CURSOR), without data."""
    await trial.works()
    given = (await page(trial, 1)).data()["works"]["pageInfo"]["endCursor"]
    for cursor in ("AAAA", "no cursor", given[:-4], given + "AAAA", "é" * 10, "A" * 10_000):
        (await page(trial, 1, cursor)).expect_code("BAD_CURSOR")


@RULES.rule("paging.foreign", SOURCE)
async def foreign(trial: Trial) -> None:
    """A cursor of another list is refused (BAD_CURSOR), without data."""
    await trial.claimed()
    await trial.works()
    claims = await trial.act("registry_officer", CLAIMS, member=trial.member)
    cursor = claims.data()["claims"]["pageInfo"]["endCursor"]
    (await page(trial, 1, cursor)).expect_code("BAD_CURSOR")
    given = (await page(trial, 1)).data()["works"]["pageInfo"]["endCursor"]
    answer = await trial.act("registry_officer", CLAIMS, member=trial.member, after=given)
    answer.expect_code("BAD_CURSOR")
