"""A price by the published tariff, line by line, without an account; a lab asks for it as a quote.

A line is three fields of the address, numbered: `of-1` the collective, `for-1` the use and content
tier, `units-1`. What the lines come to the server says.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from federation.console import words
from federation.console.page import N_, Act, Asked, Data, Document, Page, Said
from federation.edge.forms import BadFormError
from federation.values.roles import MAY_BUY

LINES: Final = 8
UNITS_LENGTH_MAX: Final = 15
BETWEEN: Final = "|"  # a use and a content tier


def typed_lines(said: Said) -> list[tuple[int, str, str, str]]:
    """Return the lines in which units stand: number, collective, use and tier, units."""
    lines = range(1, LINES + 1)
    found = [(n, said.get(f"of-{n}", ""), said.get(f"for-{n}", ""), units(said, n)) for n in lines]
    return [line for line in found if line[3]]


def units(said: Said, number: int) -> str:
    """Return the units of a line as typed, without blanks."""
    return "".join(said.get(f"units-{number}", "").split())


def wrong_lines(said: Said) -> list[int]:
    """Return the numbers of the lines whose units are no whole number."""
    return [
        number
        for number, _, _, count in typed_lines(said)
        if not (count.isascii() and count.isdigit() and len(count) <= UNITS_LENGTH_MAX)
    ]


def quote_input(said: Said, today: date) -> Mapping[str, Any]:
    """Return what the lines ask for; the term is the year from tomorrow where none is typed."""
    if wrong_lines(said):
        raise BadFormError("units: a whole number")
    first, last = usual_term(today)
    return {
        "expected": [
            {
                "node": node,
                "use": what.partition(BETWEEN)[0],
                "contentTier": what.partition(BETWEEN)[2],
                "units": count,
            }
            for _, node, what, count in typed_lines(said)
        ],
        "startsOn": said.get("starts", first),
        "endsOn": said.get("ends", last),
        "usageBasis": said.get("basis", "site"),
    }


def usual_term(today: date) -> tuple[str, str]:
    """Return the first and last day of the 365 days that begin tomorrow."""
    return (today + timedelta(days=1)).isoformat(), (today + timedelta(days=365)).isoformat()


def asks(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask for a price once lines are typed that can be read."""
    del page
    if not typed_lines(asked.query) or wrong_lines(asked.query):
        return {"asks": False}
    return {"asks": True, "input": quote_input(asked.query, asked.today)}


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the lines as typed, with some empty ones, beside what they come to."""
    tariff = data.get("tariff") or {"prices": []}
    filled = [number for number, *_ in typed_lines(asked.query)]
    return {
        "collectives": data.get("collectives", []),
        "prices": [
            (f"{each['use']}{BETWEEN}{each['contentTier']}", each) for each in tariff["prices"]
        ],
        "lines": range(1, min(LINES, max([2, *filled]) + 1) + 1),
        "wrong": wrong_lines(asked.query),
        "estimate": data.get("estimate"),
        "term": usual_term(asked.today),
        "buys": asked.may(MAY_BUY),
        "typed": {name: text for name, text in asked.query.items() if name != "said"},
    }


CALCULATOR_PAGE = Page(
    path="/calculator",
    title=N_("Calculate a price"),
    group=words.PUBLIC,
    template="public/calculator.html",
    document=Document("public/calculator.graphql"),
    variables=asks,
    view=view,
    acts=(
        Act(
            name="request-quote",
            document=Document("public/request_quote.graphql"),
            done=N_("The quote stands: accept it while it does."),
            variables=lambda form, asked: {
                "input": quote_input(form, asked.today),
                "key": form["key"],
            },
            then=lambda *_: "/labs/offers",
        ),
    ),
    at=frozenset({"hub"}),
    is_a_question=True,
)
