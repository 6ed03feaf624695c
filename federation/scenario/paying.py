"""A settled month is paid: debtors first, then the hub; one person approves, another exports."""

from typing import Any

from federation.scenario import documents as ask
from federation.scenario.bank import Bank, Credit
from federation.scenario.servers import Federation, Running
from federation.values.month import Month

XML = "application/xml"


async def pay(federation: Federation, bank: Bank | None, period: Month) -> None:
    """Export what every node remits, let the bank credit the hub with it, export what that remits.

    The hub pays nobody before every debtor has paid (NET_UNPAID). A debtor without an account on
    file has no payment of its own here; it pays in another way. A hub without an account, and so
    without a `bank`, neither gets nor pays anything.
    """
    for node in federation.nodes.values():
        await _release(node, period)
    if bank is not None:
        await _book(federation.hub, bank, period)
        await _release(federation.hub, period)


async def files_of(server: Running, period: Month) -> dict[str, bytes]:
    """Return {name: file for the bank} of a month's exported payments, as they were frozen.

    A file is named after its currency, `EUR`, and the second and later ones `EUR-2`.
    """
    numbers = sorted(
        {
            (item["amount"]["currency"], item["exportedIn"])
            for item in await _payments(server, period, "EXPORTED")
        }
    )
    auditor, found = server.person("auditor"), dict[str, bytes]()
    for currency, number in numbers:
        part = sum(name.partition("-")[0] == currency for name in found) + 1
        name = currency if part == 1 else f"{currency}-{part}"
        found[name] = await auditor.get(f"/documents/{number}.xml")
    return found


async def _release(server: Running, period: Month) -> None:
    """Approve what is proposed of a month, as one person, and export it as another."""
    proposed = await _payments(server, period, "PROPOSED")
    for first in range(0, len(proposed), ask.APPROVED_MAX):
        ids = [item["id"] for item in proposed[first : first + ask.APPROVED_MAX]]
        await server.person("approver").ask(ask.APPROVE_PAYMENTS, ids=ids)
    value_on = server.clock().date().isoformat()
    for currency in sorted({item["amount"]["currency"] for item in proposed}):
        await server.person("settlement").ask(ask.EXPORT, currency=currency, on=value_on)


async def _book(hub: Running, bank: Bank, period: Month) -> None:
    """Hand the hub its bank's statements of what the debtors of a month remit."""
    officer, day = hub.person("settlement"), hub.clock().date()
    due: dict[str, list[Credit]] = {}
    for item in await officer.ask(ask.INCOMING, period=period):
        if item["state"] == "EXPECTED":
            amount = item["amount"]
            found = due.setdefault(amount["currency"], [])
            found.append(Credit(item["id"], int(amount["minor"])))
    for currency, found in sorted(due.items()):
        await officer.ask(
            ask.OPEN_ACCOUNT, account=bank.account, scheme=bank.scheme, currency=currency
        )
        await officer.post("/banking/files", bank.statement(currency, found, day), XML)


async def _payments(server: Running, period: Month, state: str) -> list[dict[str, Any]]:
    """Return a month's payments in a state."""
    return await server.person("auditor").walk(ask.PAYMENTS, period=period, state=state)
