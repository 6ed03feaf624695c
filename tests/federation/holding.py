"""A month of which money is held for addresses, and what is asked about it."""

from collections import defaultdict
from datetime import UTC, datetime

import msgspec
import pytest

from federation.ledger import store as ledger
from federation.scenario.client import ApiError
from tests.federation.harness import (
    DAY,
    PERIOD,
    TOML,
    a_line,
    month_over,
    open_for_business,
    report_lines,
)

HOLDING = TOML.replace(
    'usage_basis = "site"\n', 'usage_basis = "site"\nunclaimed = "hold"\n'
).replace('uses = ["SEARCH"]\n', 'uses = ["SEARCH"]\nunclaimed = "hold"\n')


LATER = datetime(2026, 10, 20, 9, tzinfo=UTC)


ORPHAN, BOTH = "https://orphan.example/a?utm=1", "https://both.example/x"


LATE_CLAIM = b"member_id,claim,content_tier\ngb-b,orphan.example,standard\n"


CLAIM = """mutation($url: String!, $member: String, $claim: String) {
  claimHeldItem(url: $url, member: $member, claimId: $claim, evidence: "contract 17/2024") {
    __typename ... on HeldClaim { id state claimId member } ... on Refused { code message } } }"""


DECIDE = """mutation($claim: ID!, $accept: Boolean!) {
  decideHeldClaim(claim: $claim, accept: $accept, reason: "documents seen") {
    __typename ... on HeldClaim { id state decidedBy } ... on Refused { code message } } }"""


DISPUTE = """mutation($url: String!, $node: String!, $claim: String!) {
  decideDispute(url: $url, node: $node, claimId: $claim, reason: "both collectives agreed") {
    __typename ... on HeldClaim { id state } ... on Refused { code message } } }"""


QUEUE = "{ heldClaims { edges { node { id node url claimId member state filedBy } } } }"


LIST = "{ heldList { edges { node { period holder reason url amountBand heldSince } } } }"


WHY = "query($payment: String) { whyAmount(payment: $payment) { label amount { minor } } }"


PAYMENTS = "{ payments { edges { node { id payee state amount { minor currency } } } } }"


async def hold_some(small):
    """Settle a month with addresses that nobody claims or two do, in licences of HUB and DE."""
    story = await open_for_business(small)
    small.set_clock(DAY)
    await report_lines(
        small.at("GB", "sites"),
        [
            a_line("s-1", "HUB-000001", "https://news.example/de/1", units=5_000),
            a_line("s-2", "HUB-000001", "https://news.example/gb/1", units=2_000),
            a_line("s-3", "HUB-000001", ORPHAN, units=1_700),
            a_line("s-4", "HUB-000001", "https://orphan.example/b", units=900),
            a_line("s-5", "HUB-000001", BOTH, units=1_100),
            a_line("s-6", "HUB-000001", "https://orphan.example/c", units=1_300),
        ],
    )
    await report_lines(
        small.lab("lab-one"),
        [
            a_line("l-1", "DE-000001", "https://news.example/gb/1", units=4_000),
            a_line("l-2", "DE-000001", "https://orphan.example/c", units=1_700),
            a_line("l-3", "DE-000001", "https://orphan.example/d", units=900),
            a_line("l-4", "DE-000001", "https://both.example/y", units=1_100),
        ],
    )
    await report_lines(
        small.lab("lab-two"),
        [
            a_line("l-1", "HUB-000002", "https://news.example/fr/1", use="SEARCH", units=310),
            a_line("l-2", "HUB-000002", ORPHAN, use="SEARCH", units=77),
        ],
    )
    month_over(small)
    await story.publish_rates()
    await story.settle(PERIOD)
    await small.silence()
    small.set_clock(LATER)


async def balances(small):
    """Return {(server, account, currency, member): minor units} of every journal."""
    found = defaultdict(int)
    for code in small.codes:
        async with small.databases[code].read() as session:
            journal = await ledger.journal(session)
        for _, postings in journal:
            for posting in postings:
                member = msgspec.json.decode(posting.meta).get("member", "")
                who = member if posting.credit.endswith(":Members") else ""
                found[code, posting.debit, posting.currency, ""] += posting.amount
                found[code, posting.credit, posting.currency, who] -= posting.amount
    return {key: amount for key, amount in found.items() if amount}


def moved(before, after):
    return {
        key: after.get(key, 0) - before.get(key, 0)
        for key in before.keys() | after.keys()
        if after.get(key, 0) != before.get(key, 0)
    }


async def code_of(asked):
    with pytest.raises(ApiError) as caught:
        await asked
    return caught.value.api_code
