"""What is kept of a payment, and how a step of it is written down."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from federation.payments.names import member_payee
from federation.payments.postings import Amount, Leg
from federation.payments.tables import Payment, PaymentEvent
from federation.store.sessions import WriteSession
from federation.values.account import PaymentAccount


def debt_of(payment: Payment) -> Leg:
    """Return the debt a payment discharges."""
    return Leg(payment.debt_account, Amount(payment.debt_amount, payment.debt_currency))


def tags_of(payment: Payment) -> Mapping[str, str]:
    """Return what stands on every posting of a payment."""
    tags = {
        "payment": payment.payment_id,
        "period": payment.period,
        "run": payment.run_id[:16],
        "party": payment.payee,
    }
    if payment.attributed_to is not None:
        tags["attributed_to"] = member_payee(payment.attributed_to)
    return tags


def kept(account: PaymentAccount | None) -> str | None:
    """Return an account as it is kept with a payment."""
    return msgspec.json.encode(account).decode() if account else None


def account_of(text: str | None) -> PaymentAccount:
    """Return the account kept with a payment."""
    return msgspec.json.decode(text or "null", type=PaymentAccount)


def step(
    session: WriteSession,
    payment: Payment,
    state: str,
    *,
    who: str,
    at: datetime,
    reason: str | None = None,
    reference: str | None = None,
) -> None:
    """Change a payment's state and write it down."""
    payment.state = state
    note(session, payment, who=who, at=at, reason=reason, reference=reference)


def note(
    session: WriteSession,
    payment: Payment,
    *,
    who: str,
    at: datetime,
    reason: str | None = None,
    reference: str | None = None,
) -> None:
    """Write down the state a payment has come to."""
    session.add(
        PaymentEvent(
            payment_id=payment.payment_id,
            state=payment.state,
            at=at,
            who=who,
            reason=reason or payment.reason,
            reference=reference,
        )
    )
