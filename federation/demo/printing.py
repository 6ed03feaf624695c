"""The report as tables for people: every amount with the decimals of its currency."""

from collections.abc import Iterable

from rich import box
from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from federation.demo.report import Balance, CollectivePart, LicencePaid, MemberEarned, Report
from federation.money import decimal_text
from federation.values.held import DISPUTED, DISPUTED_PARTY, NO_RECIPIENT, UNMATCHED_PARTY

HELD = {
    DISPUTED_PARTY: "in suspense: claimed at two collectives",
    UNMATCHED_PARTY: "in suspense: nobody's",
    DISPUTED: "held: claimed by two members",
    NO_RECIPIENT: "held: nobody to share it among",
}
LEGEND = """\
received: another licensor's licence; domestic: the collective's own; base, tier: per head
A unit stands with the page that was used; of a copy's amount the original's owner has its part."""


def show(console: Console, report: Report) -> None:
    """Print who paid, who earned and why, what the banks move, and what balances."""
    _print(console, "Who paid, and where it went", _paid(report))
    for part in report.collectives:
        heading = f"Who earned at {part.code} {part.name}, in {part.currency} ({part.plan})"
        _print(console, heading, _earned(part))
    console.print(Padding.indent(Text(LEGEND, style="dim"), 1))
    _print(
        console,
        "What the banks move: what each collective received less what it owes others",
        _remitted(report),
    )
    _print(console, "Every currency balances", _balanced(report.balances))
    console.print(Padding.indent(_equations(report.balances), 1))
    examined = sum(check["examined"] for check in report.checks.values())
    text = f"The servers checked {len(report.checks)} invariants on {examined} facts: all hold."
    console.print(Padding.indent(Text(text), 1))


def _print(console: Console, heading: str, table: Table) -> None:
    console.print()
    console.print(Text(heading, style="bold"))
    console.print(Padding.indent(table, 1))


def _table(*columns: str, right: Iterable[str] = ()) -> Table:
    """Return a table whose cells fold where they must, so that no figure is ever cut."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    for name in columns:
        justify: JustifyMethod = "right" if name in right else "left"
        table.add_column(name, justify=justify, overflow="fold")
    return table


def _paid(report: Report) -> Table:
    table = _table("", "Amount", "Rate", "Settled", right=("Amount", "Settled"))
    for licence in report.licences:
        _add_licence(table, licence)
    return table


def _add_licence(table: Table, licence: LicencePaid) -> None:
    def add(what: str, amount: int, rate: str = "", settled: str = "") -> None:
        if amount:
            table.add_row(what, _money(amount, licence.currency), rate, settled)

    payer = f"{licence.licensee} paid {licence.licensor} on {licence.received_on}"
    add(f"{licence.number}: {payer}", licence.received)
    add("  later months", licence.later_months)
    add("  clearing fee of the hub", licence.clearing_fee)
    add(f"  collecting fee of {licence.licensor}", licence.collecting_fee)
    for x in licence.portions:
        settled = "" if x.settled is None else _money(x.settled, x.settled_currency)
        add(f"  {HELD.get(x.to, f'share of {x.to}')}", x.amount, x.rate, settled)
    add("  carried forward: not used", licence.carried_forward)
    table.add_section()


def _money(amount: int, currency: str) -> str:
    return f"{decimal_text(amount, currency)} {currency}"


def _earned(part: CollectivePart) -> Table:
    numbers = ("Units", "Amount", "Together")
    table = _table("Member", "Why", "Licence", "Use", *numbers, right=numbers)
    for member in part.members:
        _add_member(table, member, part.currency)
    table.add_section()
    received, domestic = (decimal_text(x, part.currency) for x in (part.received, part.domestic))
    amounts = {"members together": part.attributed(), "admin fee": part.admin_fee}
    amounts |= {HELD[name]: amount for name, amount in part.held.items() if amount}
    amounts[f"= received {received} + domestic {domestic}"] = part.received + part.domestic
    for name, amount in amounts.items():
        table.add_row(name, "", "", "", "", "", decimal_text(amount, part.currency))
    return table


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
        table.add_row(f"  not paid yet: {member.reason}", "", "", "", "", "", "")


def _remitted(report: Report) -> Table:
    numbers = ("Amount", "of which FX rounding")
    table = _table("Payment", *numbers, right=numbers)
    for part in report.collectives:
        payer = f"HUB to {part.code}" if part.remittance >= 0 else f"{part.code} to HUB"
        amounts = (abs(part.remittance), part.fx_rounding)
        table.add_row(payer, *(_money(amount, part.currency) for amount in amounts))
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


def _equations(balances: list[Balance]) -> Table:
    table = Table.grid(padding=(0, 1))
    for balance in balances:
        table.add_row(f"{balance.currency}:", balance.equation())
    return table


def _texts(amounts: list[int], currencies: list[str]) -> list[str]:
    return [decimal_text(x, currency) for x, currency in zip(amounts, currencies, strict=True)]
