"""Whom the invoices to a lab name: what the lab, or staff for it, stated, with its history."""

from datetime import datetime
from typing import Any, ClassVar

import msgspec

from federation.errors import RefusalError
from federation.licensing import store
from federation.licensing.licensees import UnknownLicenseeError, get_licensee
from federation.licensing.tables import BillingDetails
from federation.people.audit import Act, record
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import Principal
from federation.values.invoicing import InvoiceParty
from federation.values.roles import MAY_STATE_BILLING


class BadBillingDetailsError(RefusalError):
    """These details cannot stand on an invoice."""

    code: ClassVar[str] = "BAD_BILLING_DETAILS"


class NoBillingDetailsError(RefusalError):
    """The lab has not stated whom its invoices name."""

    code: ClassVar[str] = "NO_BILLING_DETAILS"


async def state_details(
    session: WriteSession, licensee: str | None, said: Any, who: Principal, now: datetime
) -> BillingDetails:
    """State whom the invoices to a lab name from now on; what stands already is not said again.

    A lab states its own, whatever it asks for; staff name the lab (UNKNOWN_LICENSEE). Refused is
    what cannot stand on an invoice (BAD_BILLING_DETAILS), whole.
    """
    named = who.whose(MAY_STATE_BILLING, licensee)
    if named is None:
        raise UnknownLicenseeError("name the lab")
    lab = await get_licensee(session, named)
    try:
        party = msgspec.convert(said, InvoiceParty)
    except msgspec.ValidationError as error:
        raise BadBillingDetailsError(str(error)) from error
    body = msgspec.json.encode(party).decode()
    known = await store.billing_details_of(session, lab.id)
    if known is not None:
        if known.body == body:
            return known
        known.superseded_at = now
        await session.flush()
    row = BillingDetails(licensee=lab.id, body=body, stated_by=who.subject, stated_at=now)
    session.add(row)
    await session.flush()
    await record(session, who.subject, Act.LICENSEE_STATE_BILLING, lab.id, read(body))
    return row


async def get_details(session: ReadSession, licensee: str) -> InvoiceParty:
    """Return whom the invoices to a lab name now, or refuse (NO_BILLING_DETAILS)."""
    row = await store.billing_details_of(session, licensee)
    if row is None:
        raise NoBillingDetailsError(licensee)
    return msgspec.json.decode(row.body, type=InvoiceParty)


def read(body: str) -> dict[str, str]:
    """Return what a row says, by field; what was not said is not there."""
    return msgspec.json.decode(body, type=dict[str, str])
