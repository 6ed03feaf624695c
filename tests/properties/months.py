"""Whole months made up by Hypothesis: licences, weights, what nodes' members get, the books."""

from datetime import date

from hypothesis import strategies as st

from federation.distribution.service import fx_rounding
from federation.ledger.entries import RunName, distribution_entry, entries_of_run
from federation.settlement.computed import computed_with
from federation.settlement.plans import NodeInputs, NodeTerms, distribute
from federation.settlement.rates import Rates
from federation.settlement.run import document_rates, received_by
from federation.values.party import HUB
from tests.settlement.runs import RATES, build, licence_parts

POSTED_ON = date(2026, 10, 5)
PARTIES = (HUB, "DE", "GB", "JP")


def with_rates(document):
    table = {currency: (rate.date, rate.rate) for currency, rate in RATES.items()}
    return computed_with(document, Rates("EUR", table)).document


documents = st.lists(licence_parts, max_size=6).map(build).map(with_rates)


def shared_out(document, result, node):
    """Return a node's inputs and what its plan gives; every licence is used by three members."""
    terms = document.collectives[node]
    received, domestic = received_by(result.licences, node)
    inputs = NodeInputs(
        node=NodeTerms(node, terms.settlement_currency, terms.admin_fee_bps, terms.plan),
        period=document.period,
        received=received,
        domestic=domestic,
        member_weights={key: {"m1": 3, "m2": 5, "~DISPUTED": 1} for key in result.licences},
        members=[],
        rates=document_rates(document),
    )
    return inputs, distribute(inputs)


def entries_of_month(document, result, party):
    """Return what a run and its distribution enter in one party's books."""
    entries = entries_of_run(party, document, result, "0" * 64, POSTED_ON)
    if party != HUB:
        inputs, shared = shared_out(document, result, party)
        entries.append(
            distribution_entry(
                node=party,
                currency=inputs.node.settlement_currency,
                run=RunName(document.period, "0" * 64),
                posted_on=POSTED_ON,
                domestic=inputs.domestic,
                result=shared,
                fx_rounding=fx_rounding(party, document, result, shared),
            )
        )
    return [entry for entry in entries if entry.postings]


def balances(entries):
    """Return {(account, currency): debits less credits} of what is not 0."""
    sums = {}
    for entry in entries:
        for row in entry.postings:
            sums[row.debit, row.currency] = sums.get((row.debit, row.currency), 0) + row.amount
            sums[row.credit, row.currency] = sums.get((row.credit, row.currency), 0) - row.amount
    return {key: amount for key, amount in sums.items() if amount}
