"""A collective with a distributed month, what its members are owed, and payments of it."""

from datetime import date

from federation.distribution.member_payments import propose_member_payments
from federation.distribution.tables import DistributedRun, MemberBalance
from federation.payments.proposal import Side
from federation.registry.tables import Member
from tests.payments.factories import GB_ACCOUNT, MAKER, NOW, RUN

PERIOD = "2026-09"
IBAN, OTHER_IBAN = "GB29NWBK60161331926819", "GB82WEST12345698765432"
BANK = {"who": "bank", "at": NOW}


def a_member(member_id, account, scheme="IBAN", bic=None, clearing_id=None):
    """Return a member with an account, or without (None)."""
    return Member(
        member_id=member_id,
        name=member_id.title(),
        country="GB",
        joined_on=date(2025, 1, 1),
        account=account,
        account_scheme=scheme,
        bic=bic,
        clearing_id=clearing_id,
    )


def owed(member_id, payable):
    """Return what the month owes a member; one that is owed nothing has 50 below its minimum."""
    return MemberBalance(
        period=PERIOD,
        member_id=member_id,
        opening=0,
        attributed=payable or 50,
        payable=payable,
        outstanding=0 if payable else 50,
        reason=None if payable else "BELOW_MINIMUM",
    )


def distributed():
    """Return the month, as it was shared out."""
    return DistributedRun(
        period=PERIOD,
        run_id=RUN,
        distribution_id=RUN,
        document=b"{}",
        received=0,
        domestic=0,
        admin_fee=0,
        outstanding="{}",
        recorded_at=NOW,
    )


async def propose(session, who=MAKER, at=NOW):
    """Propose the month's payments to members."""
    return await propose_member_payments(
        session, PERIOD, Side("GB", GB_ACCOUNT), "GBP", who=who, at=at
    )
