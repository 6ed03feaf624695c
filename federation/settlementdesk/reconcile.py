"""`federation reconcile`: the bank's word, from a terminal, over a server's HTTP and GraphQL."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import rich_click as click
from rich.table import Table

from federation.desk.client import Desk, after, amount_text, at_desk
from federation.desk.printing import make_table
from federation.errors import RefusalError
from federation.money import decimal_text
from federation.settlementdesk import reconcile_queries as ask
from federation.settlementdesk.amounts import BadItemTextError, read_amount
from federation.settlementdesk.reconcile_files import import_files, withdraw
from federation.settlementdesk.reconcile_limits import confirm_limit, limits, propose_limit
from federation.settlementdesk.reconcile_overpayments import overpayments
from federation.wording import counted

_LIKE_AMOUNT = re.compile(r"[+-][0-9]+(\.[0-9]+)?|[0-9]+\.[0-9]+")


class NoSuchAccountError(RefusalError):
    """No account, or more than one, of the server is that."""

    code: ClassVar[str] = "NO_SUCH_ACCOUNT"


class NoSuggestionError(RefusalError):
    """The entry is not in the queue, or has no such suggestion."""

    code: ClassVar[str] = "NO_SUGGESTION"


# As the server knows them; a test holds the two lists together.
KINDS = (
    "BANK_CHARGE",
    "CONVERSION",
    "FX_DIFFERENCE",
    "INVOICE",
    "OVERPAYMENT",
    "OWN_TRANSFER",
    "PAYMENT",
    "RECORDED_RECEIPT",
    "REMITTANCE_IN",
    "RETURN",
    "SHORT_PAYMENT",
    "TAX_WITHHELD",
    "VAT",
)


@click.group()
def reconcile() -> None:
    """Match the bank's statements with invoices, payments and remittances.

    A token is what `federation token --config F --subject S --role settlement_officer` prints.
    """


reconcile.add_command(import_files)


reconcile.add_command(withdraw)
for _command in (limits, propose_limit, confirm_limit, overpayments):
    reconcile.add_command(_command)


@reconcile.command("open-account")
@click.argument("account")
@click.option("--currency", required=True, help="ISO 4217, in capitals: EUR.")
@click.option("--name", required=True, help="What you call it.")
@click.option("--scheme", type=click.Choice(["IBAN", "OTHER"]), default="IBAN", show_default=True)
@at_desk
def open_account(desk: Desk, account: str, currency: str, name: str, scheme: str) -> None:
    """Register an account of the server; statements of others are refused."""
    found = desk.ask(ask.OPEN_ACCOUNT, account=account, currency=currency, name=name, scheme=scheme)
    desk.show(
        found, lambda: [make_table("Account", ("account", "currency", "name"), [_cells(found)])]
    )


@reconcile.command("withdraw-account")
@click.argument("account")
@click.option("--currency", required=True, help="The one it was registered in by a slip.")
@at_desk
def withdraw_account(desk: Desk, account: str, currency: str) -> None:
    """Take back an account that was registered by a slip, while nothing has come for it."""
    number = "".join(account.split()).upper()
    ids = [
        row["id"]
        for row in desk.ask(ask.ACCOUNTS)
        if (row["account"].upper(), row["currency"]) == (number, currency)
    ]
    if len(ids) != 1:
        raise NoSuchAccountError(f"{len(ids)} are {account} in {currency}")
    found = desk.ask(ask.WITHDRAW_ACCOUNT, id=ids[0])
    desk.show(
        found, lambda: [make_table("Withdrawn", ("account", "currency", "name"), [_cells(found)])]
    )


def _cells(account: dict[str, Any]) -> list[str]:
    return [account["account"], account["currency"], account["name"]]


@reconcile.command()
@click.option("--first", default=50, show_default=True, type=click.IntRange(1, 100))
@after
@at_desk
def queue(desk: Desk, first: int, after: str | None) -> None:
    """List entries that nobody settled, each with its best suggestion."""
    page = desk.page(ask.QUEUE, first=first, entry=None, after=after)
    columns = ("entry", "booked", "amount", "from / to", "text", "best suggestion", "score")
    rows = [_queue_row(item) for item in page.rows]
    title = page.title(f"{len(rows)} in the queue")
    desk.show(page, lambda: [make_table(title, columns, rows)])


def _queue_row(item: dict[str, Any]) -> list[str]:
    entry, best = item["entry"], next(iter(item["suggestions"]), None)
    detail = entry["details"][0] if len(entry["details"]) == 1 else None
    texts = [detail["remittance"] if detail else "", entry["text"]]
    return [
        entry["id"],
        entry["bookedOn"] or "",
        amount_text(entry["signed"], entry["amount"]["currency"]),
        _other_side(detail) if detail else f"{len(entry['details'])} transactions",
        " ".join(text for text in texts if text)[:60],
        _best(item["proposal"], best, entry["amount"]["currency"]),
        str(best["score"]) if best else "",
    ]


def _other_side(detail: dict[str, Any]) -> str:
    """Name who paid or was paid, and on whose behalf."""
    others = ", ".join(detail["otherNames"])
    return " for ".join(name for name in (detail["counterpartyName"] or "", others) if name)


def _best(proposal: dict[str, Any] | None, best: dict[str, Any] | None, currency: str) -> str:
    if proposal is not None:
        who, items = proposal["actedBy"], _items(proposal["items"], currency)
        return f"proposal {proposal['number']}, proposed by {who}: {items}"
    return _items(best["items"], currency) if best else "-"


@reconcile.command()
@click.argument("entry")
@at_desk
def suggest(desk: Desk, entry: str) -> None:
    """Show what one entry may be for, ranked, with the reasons."""
    found = _queued(desk, entry)
    currency = found["entry"]["amount"]["currency"]
    columns = ("", "items", "unexplained", "score", "reasons")
    rows = [
        [
            str(number),
            _items(item["items"], currency)
            + (f" (entries {', '.join(item['entries'])})" if len(item["entries"]) > 1 else ""),
            amount_text(item["difference"], currency) if item["difference"] != "0" else "",
            str(item["score"]),
            "; ".join(item["reasons"]),
        ]
        for number, item in enumerate(found["suggestions"], start=1)
    ]
    title = f"Entry {entry}: {amount_text(found['entry']['signed'], currency)}"
    if not rows:
        title = f"{title}, and no suggestion: say what it is for with confirm --item"
    desk.show(found, lambda: [make_table(title, columns, rows)])


@reconcile.command()
@click.argument("entry")
@click.option("--suggestion", type=click.IntRange(1, 5), help="By its number in `suggest`.")
@click.option(
    "--item",
    "items",
    multiple=True,
    metavar="KIND[:REF[:AMOUNT[:NOTE]]]",
    help=f"What (a part of) it is for; KIND is one of {', '.join(KINDS)}.",
)
@click.option("--reason", default="", help="Why, for who reads it later.")
@at_desk
def confirm(
    desk: Desk, entry: str, suggestion: int | None, items: tuple[str, ...], reason: str
) -> None:
    """Settle an entry: by a suggestion, or by items with names.

    Money in is positive. One item may leave out its amount and gets the rest:
    `--item INVOICE:HUB-000001 --item BANK_CHARGE::-10.00`.
    """
    found = _queued(desk, entry)
    if (suggestion is None) == (not items):
        raise BadItemTextError("either --suggestion or --item")
    if suggestion is not None:
        ranked = found["suggestions"]
        if suggestion > len(ranked):
            raise NoSuggestionError(f"entry {entry} has {len(ranked)}")
        chosen = ranked[suggestion - 1]
        done = desk.ask(ask.CONFIRM, entries=chosen["entries"], items=chosen["items"])["matches"]
    else:
        total, currency = int(found["entry"]["signed"]), found["entry"]["amount"]["currency"]
        written = read_items(items, total, currency)
        done = [desk.ask(ask.SETTLE, entry=entry, items=written, reason=reason)]
    _show_matches(desk, done, found["entry"]["amount"]["currency"])


@reconcile.command()
@click.argument("entry")
@click.option("--proposal", type=int, help="The number in the queue; another one is refused.")
@at_desk
def approve(desk: Desk, entry: str, proposal: int | None) -> None:
    """Approve what another officer proposed beyond the limit."""
    done = desk.ask(ask.APPROVE, entry=entry, proposal=proposal)
    _show_matches(desk, [done], _currency(desk, entry))


@reconcile.command()
@click.argument("entry")
@click.option("--reason", required=True)
@at_desk
def undo(desk: Desk, entry: str, reason: str) -> None:
    """Take back a settlement by reversal, or withdraw a proposal."""
    done = desk.ask(ask.UNDO, entry=entry, reason=reason)
    _show_matches(desk, [done], _currency(desk, entry))


@reconcile.command()
@at_desk
def report(desk: Desk) -> None:
    """Show how every account reconciles: opening + credits - debits = closing."""
    found = desk.ask(ask.REPORT)
    desk.show(found, lambda: [_report_table(item) for item in found])


def _report_table(item: dict[str, Any]) -> Table:
    account, entries = item["account"], counted(item["entriesInSuspense"], "entry")
    statements = counted(item["statements"], "statement")
    lines = [
        ("opening", "opening"),
        ("credits", "credits"),
        ("debits", "debits"),
        ("closing", "closing"),
        ("settled", "settled"),
        ("inSuspense", f"in suspense ({entries})"),
        ("inBooks", "in the books"),
        ("atBanks", "at the banks"),
        ("difference", "difference"),
    ]
    rows = [[name, _of(item[field])] for field, name in lines]
    rows += [[f"  {each['kind']}", _of(each["amount"])] for each in item["byKind"]]
    verdict = "adds up" if item["addsUp"] else "DOES NOT ADD UP"
    title = f"{account['name']}, {account['account']}, {statements}: {verdict}"
    return make_table(title, ("", account["currency"]), rows)


def _queued(desk: Desk, entry: str) -> dict[str, Any]:
    if not (entry.isascii() and entry.isdigit()):
        raise NoSuggestionError(f"entry {entry}")
    found = desk.page(ask.QUEUE, first=1, entry=entry, after=None).rows
    if not found:
        shown = desk.ask(ask.ENTRY, id=entry)
        raise NoSuggestionError(f"entry {entry} is {shown['state'] if shown else 'unknown'}")
    return found[0]


def _currency(desk: Desk, entry: str) -> str:
    return str(desk.ask(ask.ENTRY, id=entry)["amount"]["currency"])


def read_items(items: Sequence[str], total: int, currency: str) -> list[dict[str, str]]:
    """Return items as the server takes them; the one without an amount gets the rest of `total`."""
    read: list[dict[str, str]] = []
    for written in items:
        kind, ref, amount, note = [*written.split(":", 3), "", "", ""][:4]
        if not amount and _LIKE_AMOUNT.fullmatch(ref):
            raise BadItemTextError(f"{written}: write {kind}::{ref}, two colons before an amount")
        minor = read_amount(amount, currency) if amount else ""
        read.append({"kind": kind.upper(), "ref": ref, "amount": minor, "note": note})
    open_items = [item for item in read if not item["amount"]]
    if len(open_items) > 1:
        raise BadItemTextError(f"{len(open_items)} items leave out their amount")
    for item in open_items:
        item["amount"] = str(total - sum(int(i["amount"]) for i in read if i["amount"]))
    return read


def _show_matches(desk: Desk, done: Sequence[dict[str, Any]], currency: str) -> None:
    columns = ("entry", "act", "items", "by", "reason")
    rows = [
        [
            item["entryId"],
            item["act"],
            _items(item["items"], currency),
            item["actedBy"],
            item["reason"],
        ]
        for item in done
    ]
    desk.show(done, lambda: [make_table("Done", columns, rows)])


def _items(items: Sequence[dict[str, Any]], currency: str) -> str:
    return ", ".join(
        " ".join(filter(None, (item["kind"], item["ref"], amount_text(item["amount"], currency))))
        for item in items
    )


def _of(money: dict[str, str]) -> str:
    return decimal_text(int(money["minor"]), money["currency"])
