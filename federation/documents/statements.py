"""What a node gets and owes for one period, line by line, and that it adds up. Pure.

Deductions are negative, every line is in one currency and its net is the sum of its cells. The
lines of a node as creditor come to what it shares out among members; those as creditor and debtor
of others to what is remitted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from federation.errors import RefusalError
from federation.settlement.arithmetic import largest_remainder, part
from federation.settlement.clearing import settles
from federation.settlement.run import RunResult, document_rates, received_by
from federation.settlement.run_document import RunDocument
from federation.values.licence_key import LicenceKey, component_of, number_of
from federation.values.month import Month

RECEIVED, DOMESTIC, OWED = "received", "domestic", "owed"
DEDUCTIONS = ("clearing_fee", "collecting_fee", "admin_fee", "tax_withheld", "other_deduction")

Weights = Mapping[tuple[LicenceKey, str], int]  # by licence key and party


def statement_subject(month: Month) -> str:
    """Return the subject of a node's statement of a month, of which there is one."""
    return f"statement/{month}"


class StatementError(RefusalError):
    """The statement does not add up; it is not written."""

    code: ClassVar[str] = "STATEMENT_DOES_NOT_ADD_UP"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One row, in minor units of `currency`; `net_settlement` in the node's own currency.

    What a node owes is negative. A share owed to others is not split by use (its uses are known
    where it was earned), an admin fee has a line of its own, in the currency it is taken in.
    """

    statement_no: str
    period: Month
    service_period: Month
    debtor: str
    creditor: str
    licence: str
    component: str
    use: str
    units: int | None
    weight: int | None
    gross: int
    clearing_fee: int = 0
    collecting_fee: int = 0
    admin_fee: int = 0
    tax_withheld: int = 0
    other_deduction: int = 0
    net: int
    currency: str
    rate: str = ""
    rate_date: str = ""
    net_settlement: int = 0
    run_id: str
    corrects: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A node's account with the federation for one period; one that does not add up is none.

    `currency` is the node's settlement currency, `remitted` what was paid to it, or by it if
    negative, since the last statement; `adjusted` is what else was entered since then: releases of
    held money, corrections. The check line: opening + received + owed + FX rounding + adjusted -
    remitted = closing.
    """

    statement_no: str
    node: str
    period: Month
    run_id: str
    currency: str
    opening: int
    lines: Sequence[StatementLine]
    fx_rounding: int
    remitted: int
    closing: int
    adjusted: int = 0

    def __post_init__(self) -> None:
        """Refuse a line or an account that does not add up."""
        for line in self.lines:
            wrong = _wrong_in(line, self)
            if wrong:
                raise StatementError(f"{line.licence} {line.use}: {wrong}")
        *movements, closing = self.account.values()
        if sum(movements) != closing:
            raise StatementError(f"{self.account}")

    def total(self, side: str) -> int:
        """Return the lines of one side, in settlement currency and before the admin fee."""
        lines = [line for line in self.lines if _side(line, self.node) == side]
        return sum(line.net_settlement - line.admin_fee for line in lines)

    @property
    def for_members(self) -> int:
        """Return what the node shares out: received + domestic - admin fee."""
        admin_fee = sum(line.admin_fee for line in self.lines)
        return self.total(RECEIVED) + self.total(DOMESTIC) + admin_fee

    @property
    def account(self) -> dict[str, int]:
        """Return the rows from opening to closing, in order."""
        return {
            "opening": self.opening,
            RECEIVED: self.total(RECEIVED),
            OWED: self.total(OWED),
            "fx_rounding": self.fx_rounding,
            **({"adjusted": self.adjusted} if self.adjusted else {}),
            "remitted": -self.remitted,
            "closing": self.closing,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementInputs:
    """What a statement follows from; `use_weights` and `use_units` are {licence key: {use: n}}.

    They are the node's own, from the periods whose lines the licence key is shared by.
    """

    document: RunDocument
    result: RunResult
    run_id: str
    node: str
    statement_no: str
    use_weights: Mapping[LicenceKey, Mapping[str, int]]
    use_units: Mapping[LicenceKey, Mapping[str, int]]
    opening: int = 0
    remitted: int = 0
    adjusted: int = 0


def build_statement(inputs: StatementInputs) -> Statement:
    """Return one node's statement of a run.

    FX rounding is what lies between the remittance, converted once from the cleared net, and the
    lines, converted once per licence currency; the node bears it (SETTLEMENT §5).
    """
    result, node = inputs.result, inputs.node
    weights = {(key, party): int(text) for key, party, text in inputs.document.shares_by}
    received, domestic = (
        _valued(inputs, side, [x for key, _, _ in shares for x in _earned(inputs, key, weights)])
        for side, shares in zip(
            (RECEIVED, DOMESTIC), received_by(result.licences, node), strict=True
        )
    )
    owed = _valued(inputs, OWED, _owed(inputs, weights))
    remittance = result.remittances[node]
    statement = Statement(
        statement_no=inputs.statement_no,
        node=node,
        period=inputs.document.period,
        run_id=inputs.run_id,
        currency=inputs.document.collectives[node].settlement_currency,
        opening=inputs.opening,
        lines=[*received, *_admin_fees(inputs, received), *domestic, *owed],
        fx_rounding=remittance - sum(line.net_settlement for line in (*received, *owed)),
        remitted=inputs.remitted,
        closing=inputs.opening + remittance + inputs.adjusted - inputs.remitted,
        adjusted=inputs.adjusted,
    )
    income = result.income[node]
    if (statement.total(RECEIVED), statement.total(DOMESTIC)) != (income.received, income.domestic):
        raise StatementError(f"{node}: the lines do not come to the income of the run")
    return statement


def _wrong_in(line: StatementLine, statement: Statement) -> str | None:
    """Return what is wrong with a line; a positive deduction is a reversal and says of what."""
    deductions = [getattr(line, name) for name in DEDUCTIONS]
    is_in_settlement_currency = line.currency == statement.currency
    if line.net != line.gross + sum(deductions):
        return "its net is not the sum of its cells"
    if max(deductions) > 0 and not line.corrects:
        return "a deduction is positive and reverses nothing"
    if is_in_settlement_currency and line.net != line.net_settlement:
        return "it differs from itself in settlement currency"
    if line.admin_fee and not is_in_settlement_currency:
        return "it differs from itself in settlement currency"
    if statement.node not in (line.debtor, line.creditor):
        return "it is another party's"
    head = (statement.statement_no, statement.period, statement.run_id)
    return None if (line.statement_no, line.period, line.run_id) == head else "another statement's"


def _side(line: StatementLine, node: str) -> str:
    if line.creditor != node:
        return OWED
    return DOMESTIC if line.debtor == node else RECEIVED


def _earned(
    inputs: StatementInputs, key: LicenceKey, party_weights: Weights
) -> Iterator[StatementLine]:
    """Yield a node's share in a licence key by use, with its part of the fees taken before.

    A fee is split over the parties by LR of their shares *[licence/fee's name]*, then share and
    fees over the uses *[node/licence/use]*; gross is the sum. So gross - fees = net on each line,
    and over all parties gross is what was recognised and brought forward.
    """
    licence, node, period = inputs.result.licences[key], inputs.node, inputs.document.period
    revenue, shares = licence.revenue, licence.shares
    whole = {"net": shares[node]}
    for name in ("clearing_fee", "collecting_fee"):
        fee = largest_remainder(getattr(revenue, name), shares, scope=f"{period}/{key}/{name}")
        whole[name] = fee.get(node, 0)
    weights: Mapping[str, int] = inputs.use_weights.get(key, {})
    if not any(weights.values()):
        weights = {"": party_weights[key, node]}
    scope = f"{period}/{node}/{key}/use"
    by_use = {name: largest_remainder(a, weights, scope=scope) for name, a in whole.items()}
    for use in sorted({use for amounts in by_use.values() for use in amounts}):
        net, clearing, collecting = (by_use[name].get(use, 0) for name in whole)
        line = _line(inputs, key, licence.licensor, node, gross=net + clearing + collecting)
        yield replace(
            line,
            use=use,
            units=inputs.use_units.get(key, {}).get(use),
            weight=weights[use],
            clearing_fee=-clearing,
            collecting_fee=-collecting,
            net=net,
        )


def _owed(inputs: StatementInputs, weights: Weights) -> Iterator[StatementLine]:
    """Yield what the node owes as licensor: shares as the creditor gets them, and clearing fees."""
    for row in inputs.result.obligations:
        if row.debtor != inputs.node:
            continue
        line = _line(inputs, row.licence, row.debtor, row.creditor, gross=-row.amount)
        if row.kind == "clearing_fee":
            yield replace(line, gross=0, clearing_fee=-row.amount)
        else:
            yield replace(line, weight=weights[row.licence, row.creditor])


def _line(
    inputs: StatementInputs, key: LicenceKey, debtor: str, creditor: str, *, gross: int
) -> StatementLine:
    return StatementLine(
        statement_no=inputs.statement_no,
        period=inputs.document.period,
        service_period=inputs.document.period,
        debtor=debtor,
        creditor=creditor,
        licence=number_of(key),
        component=component_of(key) or "",
        use="",
        units=None,
        weight=None,
        gross=gross,
        net=gross,
        currency=inputs.result.licences[key].currency,
        run_id=inputs.run_id,
    )


def _valued(
    inputs: StatementInputs, side: str, lines: Iterable[StatementLine]
) -> list[StatementLine]:
    """Convert the sum of each currency once and split it over its lines *[node/side/currency]*."""
    target = inputs.document.collectives[inputs.node].settlement_currency
    groups: defaultdict[str, list[StatementLine]] = defaultdict(list)
    for line in lines:
        groups[line.currency].append(line)
    valued: list[StatementLine] = []
    for currency, group in sorted(groups.items()):
        weights = {_key(line): abs(line.net) for line in group}
        settled = _settled(inputs, side, sum(weights.values()), currency)
        scope = f"{inputs.document.period}/{inputs.node}/{side}/{currency}"
        split = largest_remainder(settled, weights, scope=scope)
        rate, rate_date = rate_text(inputs.document, currency, target)
        for line in group:
            amount = split.get(_key(line), 0) * (1 if line.net >= 0 else -1)
            valued.append(replace(line, rate=rate, rate_date=rate_date, net_settlement=amount))
    return valued


def _settled(inputs: StatementInputs, side: str, amount: int, currency: str) -> int:
    """Convert into the settlement currency; what clears to nothing settles nothing."""
    node, positions = inputs.node, inputs.result.positions
    target = inputs.document.collectives[node].settlement_currency
    if side == OWED and not settles(positions, node, currency, target):
        return 0
    return document_rates(inputs.document).convert(amount, currency, target)


def _admin_fees(
    inputs: StatementInputs, received: Sequence[StatementLine]
) -> Iterator[StatementLine]:
    """Yield the admin fee of each received line: LR of its value *[node/admin_fee]*."""
    terms = inputs.document.collectives[inputs.node]
    fee = part(inputs.result.income[inputs.node].received, terms.admin_fee_bps)
    if not fee:
        return
    weights = {_key(line): line.net_settlement for line in received}
    scope = f"{inputs.document.period}/{inputs.node}/admin_fee"
    split = largest_remainder(fee, weights, scope=scope)
    for line in received:
        amount = split.get(_key(line), 0)
        if amount:
            bare = replace(line, units=None, weight=None, gross=0, clearing_fee=0, collecting_fee=0)
            yield replace(
                bare,
                admin_fee=-amount,
                net=-amount,
                net_settlement=-amount,
                currency=terms.settlement_currency,
                rate="1",
                rate_date="",
            )


def rate_text(document: RunDocument, source: str, target: str) -> tuple[str, str]:
    """Return the published rate and its day; of a cross rate both, as `target/source`."""
    if source == target:
        return "1", ""
    clearing, rates = document.hub.clearing_currency, document.rates
    if not {source, target} - {clearing} <= rates.keys():
        return "", ""
    used = [rates[currency] for currency in (target, source) if currency != clearing]
    texts = [rate.rate for rate in used]
    if target == clearing:
        texts.insert(0, "1")
    return "/".join(texts), "/".join(dict.fromkeys(rate.date for rate in used))


def _key(line: StatementLine) -> str:
    return f"{line.creditor}/{line.licence}/{line.component}/{line.use}"
