"""The report as tables for people: every amount with the decimals of its currency."""

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from federation.demo.report import Balance, CollectivePart, LicencePaid, MemberEarned, Report
from federation.money import decimal_text

REASONS = {
    "~DISPUTED": "in suspense: disputed between collectives",
    "~UNMATCHED": "in suspense: nobody's",
    "DISPUTED": "outstanding: two members claim the same work",
    "NO_RECIPIENT": "outstanding: nobody to share it among",
}


def show(console: Console, report: Report) -> None:
    """Print who paid, who earned and why, what the banks move, and what balances."""
    _print(console, "Who paid, and where it went", _paid(report))
    for part in report.collectives:
        heading = f"Who earned at {part.code} {part.name}, in {part.currency} ({part.plan})"
        _print(console, heading, _earned(part))
    _print(console, "What the banks move", _remitted(report))
    _print(console, "Every currency balances", _balanced(report.balances))
    for balance in report.balances:
        console.print(Padding.indent(Text(balance.equation()), 2))


def _print(console: Console, heading: str, table: Table) -> None:
    console.print()
    console.print(Text(heading, style="bold"))
    console.print(Padding.indent(table, 1))


def _table(*columns: str, right: Iterable[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", no_wrap=True)
    return table


def _paid(report: Report) -> Table:
    table = _table("Licence", "What", "Amount", "Rate", "Settled", right=("Amount", "Settled"))
    for licence in report.licences:
        _add_licence(table, licence)
    return table


def _add_licence(table: Table, licence: LicencePaid) -> None:
    def add(what: str, amount: int, rate: str = "", settled: str = "") -> None:
        if amount:
            text = f"{decimal_text(amount, licence.currency)} {licence.currency}"
            table.add_row(licence.number, what, text, rate, settled)

    add(f"{licence.licensee} paid {licence.licensor} on {licence.received_on}", licence.received)
    add("  later months", licence.later_months)
    add("  clearing fee of the hub", licence.clearing_fee)
    add(f"  collecting fee of {licence.licensor}", licence.collecting_fee)
    for x in licence.portions:
        settled = x.settled is not None and decimal_text(x.settled, x.settled_currency)
        value = f"{settled} {x.settled_currency}" if settled else ""
        add(f"  {REASONS.get(x.to, f'share of {x.to}')}", x.amount, x.rate, value)
    add("  carried forward: not used", licence.carried_forward)
    table.add_section()


def _earned(part: CollectivePart) -> Table:
    table = _table(
        "Member", "Why", "Licence", "Use", "Units", "Amount", "Together", right=("Units", "Amount", "Together")
    )
    for member in part.members:
        _add_member(table, member, part.currency)
    table.add_section()
    amounts = {"members together": part.attributed(), "admin fee": part.admin_fee}
    amounts |= {REASONS[name]: amount for name, amount in part.held.items() if amount}
    for name, amount in amounts.items():
        table.add_row(name, "", "", "", "", "", decimal_text(amount, part.currency))
    total = decimal_text(part.received + part.domestic, part.currency)
    table.add_row(f"= {_came(part)}", "", "", "", "", "", total)
    return table


def _came(part: CollectivePart) -> str:
    received, domestic = (decimal_text(x, part.currency) for x in (part.received, part.domestic))
    return f"received {received} + domestic {domestic}"


def _add_member(table: Table, member: MemberEarned, currency: str) -> None:
    for number, line in enumerate(member.lines):
        is_last = number == len(member.lines) - 1
        table.add_row(
            member.name if number == 0 else "",
            line.source,
            line.licence or "",
            line.use or "",
            str(line.units) if line.licence else "",
            decimal_text(line.amount, currency),
            decimal_text(member.attributed, currency) if is_last else "",
        )
    if member.reason:
        table.add_row("", f"not paid yet: {member.reason}", "", "", "", "", "")


def _remitted(report: Report) -> Table:
    table = _table("Payment", "Amount", "of which FX rounding", right=("Amount", "of which FX rounding"))
    for part in report.collectives:
        payer = f"HUB to {part.code}" if part.remittance >= 0 else f"{part.code} to HUB"
        amount, rounding = (
            f"{decimal_text(x, part.currency)} {part.currency}"
            for x in (abs(part.remittance), part.fx_rounding)
        )
        table.add_row(payer, amount, rounding)
    return table


def _balanced(balances: list[Balance]) -> Table:
    currencies = [balance.currency for balance in balances]
    table = _table("", *currencies, right=currencies)
    sides = [balance.sides() for balance in balances]
    for index, total in enumerate(("to account for", "accounted for")):
        for name in sides[0][index]:
            amounts = [side[index][name] for side in sides]
            if any(amounts):
                table.add_row(name.replace("_", " "), *_texts(amounts, currencies))
        table.add_section()
        sums = [sum(side[index].values()) for side in sides]
        table.add_row(f"= {total}", *_texts(sums, currencies))
        table.add_section()
    return table


def _texts(amounts: list[int], currencies: list[str]) -> list[str]:
    return [decimal_text(x, currency) for x, currency in zip(amounts, currencies, strict=True)]
