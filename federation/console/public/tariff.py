"""The tariff in force, and every version before it: the same for everybody."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.page import N_, Asked, Data, Document, Page, connection


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Put each version as a table of uses by content tiers; what changed is told from the next."""
    versions = connection(data["tariffs"])
    return {
        "found": data["tariffs"],
        "versions": [_table(each, older) for each, older in _with_older(versions)],
        "is_newest": "after" not in asked.query,
    }


def _with_older(versions: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(versions, [*versions[1:], None], strict=False))  # none of none


def _table(tariff: Any, older: Any) -> Mapping[str, Any]:
    prices = _prices(tariff)
    before = _prices(older) if older and older["currency"] == tariff["currency"] else {}
    return {
        "tariff": tariff,
        "uses": sorted({use for use, _ in prices}),
        "tiers": sorted({tier for _, tier in prices}),
        "prices": prices,
        "before": {key: price for key, price in before.items() if prices.get(key) != price},
    }


def _prices(tariff: Any) -> dict[tuple[str, str], str]:
    return {
        (each["use"], each["contentTier"]): each["per1000"]["minor"] for each in tariff["prices"]
    }


TARIFF_PAGE = Page(
    path="/tariff",
    title=N_("Tariff"),
    group=words.PUBLIC,
    template="public/tariff.html",
    document=Document("public/tariff.graphql"),
    view=view,
    at=frozenset({"hub"}),
)
