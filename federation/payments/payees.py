"""Whose account a payment goes to, as it is today."""

from federation.bankfiles.pain001 import BadAccountError, check_account
from federation.payments import record, service
from federation.payments.names import member_of
from federation.payments.tables import Payment
from federation.registry.store import find_member
from federation.registry.tables import Member
from federation.store.sessions import ReadSession
from federation.trust.membership import CollectiveTerms, HubTerms
from federation.trust.parties import collective_terms, hub_terms
from federation.trust.store import find_party
from federation.values.account import PaymentAccount
from federation.values.held import ACCOUNT_INVALID
from federation.values.party import HUB

ACCOUNT_CHANGED = "ACCOUNT_CHANGED"  # another than somebody here approved: a person names it


def payee_of(member: Member, currency: str) -> tuple[PaymentAccount | None, str | None]:
    """Return a member's account, and the reason why it cannot be used."""
    if not member.account:
        return None, None
    account = PaymentAccount(
        name=member.name,
        scheme="IBAN" if member.account_scheme == "IBAN" else "OTHER",
        account=member.account,
        bic=member.bic,
        country=member.country,
        clearing_id=member.clearing_id,
    )
    try:
        check_account(account, currency)
    except BadAccountError:
        return account, ACCOUNT_INVALID
    return account, None


async def accounts_today(
    session: ReadSession, payment: Payment, own: PaymentAccount | None
) -> tuple[PaymentAccount | None, PaymentAccount | None, str | None]:
    """Return a payment's two accounts as they are now, and why the payee's cannot be used."""
    if payment.kind == service.MEMBER:
        member = await find_member(session, member_of(payment.payee))
        payee, refused = payee_of(member, payment.currency) if member else (None, None)
        return own, payee, refused
    if payment.payee == HUB:
        return own, account_in(await hub_terms(session)), None
    party = await find_party(session, payment.payee) if payment.payer == HUB else None
    if party is not None:
        return own, account_in(collective_terms(party)), None
    kept = payment.payee_account
    return own, record.account_of(kept) if kept else None, None


def account_in(terms: CollectiveTerms | HubTerms) -> PaymentAccount | None:
    """Return the account agreed in a party's terms, None if there is none."""
    if not terms.account:
        return None
    return PaymentAccount(
        name=terms.name,
        scheme="IBAN" if terms.account_scheme == "IBAN" else "OTHER",
        account=terms.account,
        bic=terms.bic,
        country=terms.country if isinstance(terms, CollectiveTerms) else None,
    )
