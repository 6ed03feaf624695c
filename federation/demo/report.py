"""What came of it, as figures: who paid, where it went, who earned and why, and what balances."""

from typing import Any, ClassVar, assert_never

import msgspec

from federation.errors import RefusalError
from federation.money import decimal_text
from federation.values.held import DISPUTED, NO_RECIPIENT, is_held
from federation.values.month import Month
from federation.values.plan import Plan

HELD_BY_NODE = (DISPUTED, NO_RECIPIENT)  # the other reasons are members' own money


class UnbalancedError(RefusalError):
    """The figures of the servers do not add up."""

    code: ClassVar[str] = "UNBALANCED"


class FeePart(msgspec.Struct):
    """A part of a licence's money, to a party: a code, or `~UNMATCHED` and its like.

    `amount` is in minor units of the licence's currency; for a node `settled` is the same in
    minor units of its settlement currency, at `rate`.
    """

    to: str
    amount: int
    rate: str = ""
    settled: int | None = None
    settled_currency: str = ""


class LicencePaid(msgspec.Struct):
    """What one licence brought, and where it went; amounts in minor units of its currency."""

    number: str
    licensee: str
    licensor: str
    currency: str
    received_on: str
    received: int
    later_months: int
    clearing_fee: int
    collecting_fee: int
    carried_forward: int
    portions: list[FeePart]

    def left(self) -> int:
        """Return what is received and not accounted for: 0."""
        spent = self.clearing_fee + self.collecting_fee + self.carried_forward + self.later_months
        return self.received - spent - sum(portion.amount for portion in self.portions)

    def held(self) -> int:
        """Return what is in suspense: used, but nobody's or disputed between collectives."""
        return sum(x.amount for x in self.portions if is_held(x.to))


class EarnedLine(msgspec.Struct):
    """Where an amount comes from: `source` is received, domestic, base or tier.

    A base or tier part belongs to no licence and no use. Amounts are minor units.
    """

    licence: str | None
    use: str | None
    units: int
    source: str
    amount: int


class MemberEarned(msgspec.Struct):
    """A member's month, from its own statement."""

    member_id: str
    name: str
    attributed: int
    payable: int
    outstanding: int
    reason: str | None
    lines: list[EarnedLine]


class CollectivePart(msgspec.Struct):
    """A collective's month in its settlement currency."""

    code: str
    name: str
    currency: str
    plan: str
    received: int
    domestic: int
    admin_fee: int
    held: dict[str, int]
    members: list[MemberEarned]
    remittance: int
    fx_rounding: int

    def attributed(self) -> int:
        """Return what the members get together."""
        return sum(member.attributed for member in self.members)

    def left(self) -> int:
        """Return what came and went nowhere: 0."""
        given = self.admin_fee + self.attributed() + sum(self.held.values())
        return self.received + self.domestic - given


class Balance(msgspec.Struct):
    """Every minor unit of one currency: what came in, and where it is."""

    currency: str
    received: int = 0
    converted_in: int = 0
    clearing_fees: int = 0
    collecting_fees: int = 0
    admin_fees: int = 0
    members: int = 0
    outstanding: int = 0
    suspense: int = 0
    carried_forward: int = 0
    later_months: int = 0
    converted_out: int = 0

    def sides(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return what came in and where it is, by name."""
        amounts = msgspec.structs.asdict(self)
        del amounts["currency"]
        names = ("received", "converted_in")
        return {name: amounts.pop(name) for name in names}, amounts

    def equation(self) -> str:
        """Write the balance as an equation: `100.00 received = 3.00 clearing fees + …`."""
        came, went = self.sides()
        return f"{self._sum(came)} = {self._sum(went)}"

    def _sum(self, amounts: dict[str, int]) -> str:
        return " + ".join(
            f"{decimal_text(amount, self.currency)} {name.replace('_', ' ')}"
            for name, amount in amounts.items()
            if amount or name in {"received", "members"}
        )


class Report(msgspec.Struct):
    """The figures of the demo's month.

    `usage` is {class: [lines, units]}, `checks` {invariant: {"examined": n, "violations": n}}.
    """

    period: Month
    run_id: str
    licences: list[LicencePaid]
    collectives: list[CollectivePart]
    balances: list[Balance]
    usage: dict[str, list[int]]
    checks: dict[str, dict[str, int]]


def balances(licences: list[LicencePaid], collectives: list[CollectivePart]) -> list[Balance]:
    """Return the balance of every currency, or refuse figures that leave a minor unit over."""
    names = {*(item.currency for item in licences), *(item.currency for item in collectives)}
    found = {name: Balance(name) for name in sorted(names)}
    for licence in licences:
        _add_licence(found, licence)
    for part in collectives:
        balance = found[part.currency]
        balance.admin_fees += part.admin_fee
        balance.members += part.attributed()
        balance.outstanding += sum(part.held.values())
    for balance in found.values():
        came, went = (sum(side.values()) for side in balance.sides())
        if came != went:
            raise UnbalancedError(f"{balance.currency}: {balance.equation()}: {came - went} left")
    return list(found.values())


def _add_licence(found: dict[str, Balance], licence: LicencePaid) -> None:
    balance = found[licence.currency]
    balance.received += licence.received
    balance.clearing_fees += licence.clearing_fee
    balance.collecting_fees += licence.collecting_fee
    balance.carried_forward += licence.carried_forward
    balance.later_months += licence.later_months
    balance.suspense += licence.held()
    for portion in licence.portions:
        if portion.settled is not None and portion.settled_currency != licence.currency:
            balance.converted_out += portion.amount
            found[portion.settled_currency].converted_in += portion.settled


def plan_text(particulars: dict[str, Any]) -> str:
    """Say how a collective distributes."""
    plan: Plan = particulars["plan"]
    match plan:
        case "per_usage":
            return "by usage"
        case "hybrid":
            return f"hybrid: {particulars['base_bps'] / 100:g} % per head, the rest by usage"
        case "tiered":
            tiers = particulars["tiers"].items()
            texts = [f"{name} {tier['share_bps'] / 100:g} %" for name, tier in tiers]
            return f"tiered: {', '.join(texts)}"
        case _:
            assert_never(plan)
