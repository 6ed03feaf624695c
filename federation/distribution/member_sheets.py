"""A member's month as a document of its own: what it earned, and every deduction on the way.

It follows from what is never changed: the rows that the month's distribution left, the
collective's statement as it was issued, the member's name as it was known then. What was paid
since is not in it. So it is the same bytes whenever it is asked for.
"""

from collections.abc import Iterator, Mapping

import msgspec

from federation.distribution import store
from federation.distribution.tables import DistributedRun, MemberBalance
from federation.documents import store as documents
from federation.documents.service import JSON
from federation.documents.sheet import AccountRows, Cell, Sheet
from federation.documents.statements import statement_subject
from federation.documents.tables import Document
from federation.history import store as history
from federation.history.kinds import Moment
from federation.papers.node_statements import StatementBody, gross_to_net, shared_out
from federation.registry.membership import MEMBERS
from federation.registry.service import get_member
from federation.store.sessions import ReadSession
from federation.values.month import Month

ADJUSTMENTS_MAX = 100_000
TEXTS = ("source", "month", "licence", "use", "units", "currency")


async def member_sheet(
    session: ReadSession, period: Month, member: str, issuer: Mapping[str, str]
) -> Sheet | None:
    """Return a member's statement of a month; None while that is not distributed.

    `issuer` is how the collective is named: `issuer` (its code), `issuer_name` and the like.
    Refuses who is no member (UNKNOWN_MEMBER).
    """
    await get_member(session, member)
    done = await store.find_distribution(session, period)
    subject = statement_subject(period)
    statement = await documents.document_of(session, issuer["issuer"], "STM", subject)
    if done is None or statement is None or statement.media_type != JSON:
        return None
    body = msgspec.json.decode(statement.body, type=StatementBody)
    balance = await store.balance_of(session, period, member)
    name = await _name(session, member, done)
    return Sheet(
        number=f"{statement.number}/{member}",
        head={
            "kind": "member statement",
            **issuer,
            "recipient": member,
            **({"recipient_name": name} if name else {}),
            "period": period,
            **_from(statement, done),
            **({"not_payable": balance.reason} if balance and balance.reason else {}),
        },
        texts=TEXTS,
        amounts=("amount",),
        lines=await _lines(session, period, member),
        accounts=[*_way(body, balance), _month(body.settlement_currency, balance)],
    )


async def _name(session: ReadSession, member: str, done: DistributedRun) -> str | None:
    then = Moment(done.recorded_at, done.recorded_at)
    found = await history.find(session, MEMBERS, [member], then)
    return found[member].body.name if member in found else None


def _from(statement: Document, done: DistributedRun) -> dict[str, str]:
    return {
        "issued_on": statement.issued_on.isoformat(),
        "run_id": done.run_id,
        "statement": statement.number,
        "statement_sha256": statement.sha256,
    }


async def _lines(session: ReadSession, period: Month, member: str) -> list[Mapping[str, Cell]]:
    amounts = await store.member_amounts(session, period, member)
    adjustments = await store.adjustments_of(session, member, period, ADJUSTMENTS_MAX)
    earned: list[Mapping[str, Cell]] = [
        {
            "source": row.source,
            "month": period,
            "licence": row.licence,
            "use": row.use,
            "units": row.units or None,
            "currency": row.currency,
            "amount": row.amount,
        }
        for row in amounts
    ]
    adjusted: list[Mapping[str, Cell]] = [
        {
            "source": row.reason,
            "month": row.service_period,
            "licence": row.licence,
            "use": row.use,
            "currency": row.currency,
            "amount": row.amount,
        }
        for row in adjustments
    ]
    return [*earned, *adjusted]


def _way(body: StatementBody, balance: MemberBalance | None) -> Iterator[AccountRows]:
    """Yield by currency from gross to net, then from what the collective got to this member."""
    for currency, rows in sorted(gross_to_net(body).items()):
        yield AccountRows(currency=currency, rows=rows)
    own, shared = balance.attributed if balance else 0, shared_out(body)
    others = {"to_others": own - sum(shared.values())}
    yield AccountRows(currency=body.settlement_currency, rows={**shared, **others, "for_you": own})


def _month(currency: str, balance: MemberBalance | None) -> AccountRows:
    names = ("opening", "attributed", "adjusted", "outstanding", "payable")
    of = {name: getattr(balance, name) if balance else 0 for name in names}
    kept = {"not_payable_yet": -of.pop("outstanding")}
    payable = {"payable": of.pop("payable")}
    return AccountRows(currency=currency, rows={**of, **kept, **payable})
