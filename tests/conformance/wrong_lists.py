"""Nodes that break one law each of pages, or of how soon an opt-out counts."""

from collections.abc import Callable
from typing import Any

from tests.conformance.standing_in import Ask, Call, Came, Change, Wrong, of


def _edges(came: Came) -> list[Any] | None:
    data = came.json.get("data") or {}
    works = data.get("works")
    return works["edges"] if works and "edges" in works else None


def _with_edges(change: Callable[[Call, list[Any]], list[Any]]) -> Change:
    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if not call.asks_for("works") or not _edges(came):
            return came
        found = came.json
        found["data"]["works"]["edges"] = change(call, _edges(came) or [])
        return came.saying(found)

    return answers


def loses() -> Wrong:
    """The entry that a page after the first begins with is not shown."""
    change = _with_edges(lambda call, edges: edges[1:] if call.variables.get("after") else edges)
    return Wrong("loses an entry between pages", of("paging.whole", "paging.stable"), change)


def doubles() -> Wrong:
    """A page that has room repeats its first entry."""

    def change(call: Call, edges: list[Any]) -> list[Any]:
        has_room = call.variables.get("after") and len(edges) < call.variables["first"]
        return [*edges, edges[0]] if has_room else edges

    return Wrong("doubles an entry", of("paging.whole", "paging.stable"), _with_edges(change))


def reorders() -> Wrong:
    """A page is in the order of titles as they are written."""

    def title(edge: Any) -> str:
        return str(edge.get("node", {}).get("title"))

    change = _with_edges(lambda _, edges: sorted(edges, key=title))
    return Wrong("orders by letters as they are", of("paging.order"), change)


def counts_rows() -> Wrong:
    """A cursor is a number of rows."""

    async def answers(call: Call, ask: Ask) -> Came:
        first, after = call.variables.get("first"), call.variables.get("after")
        start = str(after or "offset-0000").removeprefix("offset-")
        if not call.asks_for("works") or not start.isdigit() or first not in range(1, 101):
            return await ask(call)
        came = await ask(call.with_variables(first=100, after=None))
        if not (edges := _edges(came)):
            return came
        found, end = came.json, min(int(start) + first, len(edges))
        info = {"hasNextPage": end < len(edges), "endCursor": f"offset-{end:04}"}
        found["data"]["works"] = {"edges": edges[int(start) : end], "pageInfo": info}
        return came.saying(found)

    return Wrong("counts rows", of("paging.stable"), answers)


def takes_any_first() -> Wrong:
    """A negative number is read as 1."""

    async def answers(call: Call, ask: Ask) -> Came:
        first = call.variables.get("first")
        return await ask(call.with_variables(first=1) if first in {0, -1} else call)

    return Wrong("accepts a negative first", of("paging.first"), answers)


def begins_anew() -> Wrong:
    """A cursor that it does not know is left out."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        return await ask(call.with_variables(after=None)) if b"BAD_CURSOR" in came.body else came

    breaks = of("paging.cursors", "paging.foreign")
    return Wrong("answers with data on a wrong cursor", breaks, answers)


def _remembers(name: str, rule: str, key: Callable[[Call], Any]) -> Wrong:
    memory: dict[Any, Came] = {}

    async def answers(call: Call, ask: Ask) -> Came:
        known = key(call)
        if known is None:
            return await ask(call)
        if known not in memory:
            memory[known] = await ask(call)
        return memory[known]

    return Wrong(name, of(rule), answers)


def caches_rights() -> Wrong:
    """What was answered of an address is answered again."""

    def key(call: Call) -> Any:
        urls = call.variables.get("urls")
        if not call.asks_for("rights") or not isinstance(urls, list) or len(urls) != 1:
            return None
        said = call.variables.get("use"), call.said.get("documentId")
        return str(urls), *said, call.headers.get("Federation-Deadline-Ms")

    return _remembers("caches opt-outs", "optouts.rights", key)


def caches_tokens() -> Wrong:
    """A token that was good stays good."""

    def key(call: Call) -> Any:
        return call.said.get("url") if call.path == "/validate" else None

    return _remembers("caches tokens", "optouts.tokens", key)


def caches_policies() -> Wrong:
    """A policy is never made anew."""

    def key(call: Call) -> Any:
        is_policy = call.path.endswith("/policy") and "Authorization" in call.headers
        return call.path if is_policy else None

    return _remembers("caches policies", "optouts.policy", key)


def takes_any_number_of_urls() -> Wrong:
    """A question that is too long is asked in two parts."""

    async def answers(call: Call, ask: Ask) -> Came:
        urls = call.variables.get("urls")
        if not isinstance(urls, list) or len(urls) <= 1_000:
            return await ask(call)
        first = await ask(call.with_variables(urls=urls[:1_000]))
        rest = await ask(call.with_variables(urls=urls[1_000:]))
        found = first.json
        found["data"]["rights"]["items"] += rest.json["data"]["rights"]["items"]
        return first.saying(found)

    return Wrong("takes any number of addresses", of("limits.urls"), answers)
