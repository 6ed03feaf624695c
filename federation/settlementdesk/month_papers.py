"""`federation month held`, `documents` and `why`: money that waits, papers, reasons."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import rich_click as click

from federation.desk.client import (
    Desk,
    after,
    amount_text,
    at_desk,
    cased,
    money_text,
    with_server,
)
from federation.desk.printing import make_table
from federation.settlementdesk import month_queries as ask

# What a document is about, by its series; a series that is not here names a licence.
ABOUT = {
    "FEE": "clearing fee of",
    "RUN": "run",
    "STM": "statement",
    "ADV": "remittance to",
    "PAY": "payments for the bank",
}

CLAIM_STATES = ("FILED", "ACCEPTED", "REFUSED")
SERIES = ("INV", "CN", *ABOUT)
FORMS = ("json", "csv", "xml", "pdf", "xlsx")

# What a step of a `why` follows from and is an amount; `received HUB-000001` is a part of one.
AMOUNTS = frozenset(
    {"admin_fee", "allocated", "amount", "brought forward", "cleared", "clearing_fee"}
    | {"collecting_fee", "distributable", "domestic", "fee", "from_amount", "gross", "net"}
    | {"received", "recognised"}
)
PARTS = frozenset({"domestic", "received"})
HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
INTEGER, MINOR_UNITS = re.compile(r"-?[0-9]+"), re.compile(r"(-?[0-9]+) ([A-Z]{3})")


@click.group()
def held() -> None:
    """Look after money that is held: list it, claim it, decide claims."""


@held.command("list")
@after
@at_desk
def list_held(desk: Desk, after: str | None) -> None:
    """List what this server holds, with reason and next legal date, a hundred at a time."""
    page = desk.page(ask.SUSPENSE, after=after)
    columns = ("reason", "month", "licence", "address", "amount", "since", "next date")
    rows = [
        [
            item["reason"],
            item["period"],
            item["licence"],
            item["url"],
            money_text(item["amount"]),
            item["since"],
            _next_date(item["clocks"]),
        ]
        for item in page.rows
    ]
    desk.show(page, lambda: [make_table(page.title(f"{len(rows)} held"), columns, rows)])


def _next_date(clocks: Sequence[dict[str, str]]) -> str:
    return f"{clocks[0]['name'].replace('_', ' ')} {clocks[0]['on']}" if clocks else ""


@held.command()
@click.option("--period", help="Of one month.")
@after
@at_desk
def published(desk: Desk, period: str | None, after: str | None) -> None:
    """List, at a node, addresses for which the hub or a licensor holds money."""
    page = desk.page(ask.HELD_LIST, period=period, after=after)
    columns = ("month", "holder", "reason", "address", "how much", "since")
    names = ("period", "holder", "reason", "url", "amountBand", "heldSince")
    rows = [[item[name] for name in names] for item in page.rows]
    desk.show(page, lambda: [make_table(page.title(f"{len(rows)} published"), columns, rows)])


@held.command()
@click.option("--period", help="Of one month.")
@after
@at_desk
def elsewhere(desk: Desk, period: str | None, after: str | None) -> None:
    """List, at the hub, what licensors hold in their own licences, and what of it is left."""
    page = desk.page(ask.HELD_ELSEWHERE, period=period, after=after)
    columns = ("month", "holder", "licence", "reason", "address", "amount", "left", "stated")
    rows = [
        [
            *(item[name] for name in ("period", "holder", "licence", "reason", "url")),
            money_text(item["amount"]),
            money_text(item["left"]),
            "yes" if item["isStated"] else "not yet",
        ]
        for item in page.rows
    ]
    title = page.title(f"{len(rows)} held elsewhere")
    desk.show(page, lambda: [make_table(title, columns, rows)])


@held.command()
@click.option("--state", type=click.Choice(CLAIM_STATES, case_sensitive=False))
@after
@at_desk
def claims(desk: Desk, state: str | None, after: str | None) -> None:
    """List claims on held money."""
    page = desk.page(ask.HELD_CLAIMS, state=state, after=after)
    _show_claims(desk, page, page.rows, page.title("Claims"))


@held.command()
@click.argument("address")
@click.option("--member", help="Whose claim it is; stays at the node.")
@click.option("--claim", help="The claim's id, if the member has several.")
@click.option("--evidence", required=True, help="What shows that it is the member's.")
@at_desk
def claim(desk: Desk, address: str, member: str | None, claim: str | None, evidence: str) -> None:
    """Claim, at a node, what is held for an ADDRESS, as `published` shows it or a URL."""
    url = address if HAS_SCHEME.match(address) else f"https://{address}"
    found = desk.ask(ask.CLAIM_HELD, url=url, evidence=evidence, member=member, work=claim)
    _show_claims(desk, [found], [found])


@held.command()
@click.argument("claim")
@click.option("--accept/--refuse", required=True)
@click.option("--reason", required=True)
@at_desk
def decide(desk: Desk, claim: str, accept: bool, reason: str) -> None:
    """Decide a claim, at the hub, as another person: accepted, it is paid."""
    found = [desk.ask(ask.DECIDE, claim=claim, accept=accept, reason=reason)]
    _show_claims(desk, found, found)


def _show_claims(
    desk: Desk, found: Any, claims: Sequence[dict[str, Any]], title: str = "Claims"
) -> None:
    columns = ("claim", "node", "address", "state", "filed by", "decided by", "why")
    names = ("id", "node", "url", "state", "filedBy", "decidedBy", "decision")
    rows = [[item[name] or "" for name in names] for item in claims]
    desk.show(found, lambda: [make_table(title, columns, rows)])


@click.group()
def documents() -> None:
    """Look up numbered documents and send them again."""


@documents.command("list")
@click.option("--series", type=click.Choice(SERIES, case_sensitive=False))
@click.option("--period", help="Of one month.")
@after
@at_desk
def list_documents(desk: Desk, series: str | None, period: str | None, after: str | None) -> None:
    """List documents, a hundred at a time."""
    page = desk.page(ask.DOCUMENTS, series=series, period=period, after=after)
    columns = ("number", "month", "about", "issued on", "forms")
    rows = [
        [
            item["number"],
            item["period"] or "",
            _about(item),
            item["issuedOn"],
            ", ".join(form.rpartition("/")[2] for form in item["forms"]),
        ]
        for item in page.rows
    ]
    desk.show(page, lambda: [make_table(page.title("Documents"), columns, rows)])


def _about(item: dict[str, Any]) -> str:
    """Say what a document is about; its subject keys it for programs, and may be a hash."""
    if item["series"] not in ABOUT:
        return f"licence {item['subject']}"
    _, _, rest = item["subject"].partition(f"/{item['period']}/")  # a node's code, if there is one
    return f"{ABOUT[item['series']]} {rest}".strip()


@documents.command()
@click.argument("number")
@click.option("--form", type=click.Choice(FORMS), help="As issued if not named.")
@with_server
def get(desk: Desk, number: str, form: str | None) -> None:
    """Print a document byte for byte as it was issued, as it arrives.

    As pdf it is laid out to be sent, as xlsx it has the rows of the CSV.
    """
    name = f"{number}.{form}" if form else number
    with cased([number]):
        desk.get(f"/documents/{name}", partial(click.echo, nl=False))


@click.command()
@click.option("--document", "number", help="A document's number.")
@click.option("--payment", help="A payment's id.")
@click.option("--period", help="With --member, or with --licence and --party.")
@click.option("--member", help="A member of this node.")
@click.option("--licence", help="A licence's number.")
@click.option("--party", help="A node, or what is held: ~UNMATCHED.")
@at_desk
def why(desk: Desk, **asked: str | None) -> None:
    """Say why an amount is what it is, down to licence, address and rate."""
    found = desk.ask(ask.WHY, **asked)
    columns = ("step", "amount", "rule", "from")
    rows = [
        [
            "  " * item["path"].count(".") + item["label"],
            money_text(item["amount"]),
            item["rule"],
            ", ".join(f"{name} {value[:24]}" for name, value in follows_from(item)),
        ]
        for item in found
    ]
    desk.show(found, lambda: [make_table("Why", columns, rows)])


def follows_from(step: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, value) of what a step follows from, amounts as decimals with their currency.

    An amount is in the currency that stands beside it, else in that of the step.
    """
    refs = {ref["name"]: ref["value"] for ref in step["refs"]}
    currency = refs.get("currency", step["amount"]["currency"])
    others = {"from_amount": refs.get("from_currency", currency)}
    return [
        (name, _decimal(name, value, others.get(name, currency))) for name, value in refs.items()
    ]


def _decimal(name: str, value: str, currency: str) -> str:
    with_currency = MINOR_UNITS.fullmatch(value)
    if with_currency is not None:
        return amount_text(with_currency[1], with_currency[2])
    is_amount = name in AMOUNTS or name.partition(" ")[0] in PARTS
    return amount_text(value, currency) if is_amount and INTEGER.fullmatch(value) else value
