"""Why is this amount what it is? Who may ask that of what, and where the answer is found."""

from dataclasses import dataclass
from datetime import date

from federation.proof import paid, reasons
from federation.proof.why import NothingToExplainError, Step
from federation.store.sessions import ReadSession
from federation.successions.service import successors
from federation.trust.principals import NotAllowedError, Principal
from federation.values.licence_key import LicenceKey
from federation.values.month import Month
from federation.values.roles import MAY_ASK_WHY, MAY_READ_BOOKS, MAY_READ_STATEMENTS


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be explained: a document or a payment by number, a member's month, or a share.

    A member's month is `period` and `member`; a share is `period`, `licence` and `party`.
    """

    number: str | None = None
    payment: str | None = None
    period: Month | None = None
    member: str | None = None
    licence: LicenceKey | None = None
    party: str | None = None


async def explain(
    session: ReadSession, here: str, question: Question, who: Principal, on: date
) -> Step:
    """Return the step that explains an amount, with the steps it adds up from.

    A member asks for its own month only, or that of one that it succeeds by a day; of a payment or
    of a member's month only those ask to whom it is shown (NOT_ALLOWED). A question that names
    nothing is refused as NOTHING_TO_EXPLAIN.
    """
    asked = question
    own = who.whose(MAY_ASK_WHY)
    if own is not None and (
        asked.number or asked.payment or not await _is_own(session, asked, own, on)
    ):
        raise NotAllowedError("a member asks for its own month")
    if asked.number:
        return await reasons.why_document(session, asked.number)
    if asked.payment:
        who.whose(MAY_READ_BOOKS)
        return await paid.why_payment(session, here, asked.payment)
    if asked.period and asked.member:
        who.whose(MAY_READ_STATEMENTS)
        return await reasons.why_member(session, here, asked.period, asked.member)
    if asked.period and asked.licence and asked.party:
        return await reasons.why_share(session, here, asked.period, asked.licence, asked.party)
    raise NothingToExplainError("name a document, payment, member or share")


async def _is_own(session: ReadSession, asked: Question, own: str, on: date) -> bool:
    """Tell whether a month is a member's own, or of one that it succeeds."""
    if asked.member is None or asked.member == own:
        return asked.member == own
    return own in (await successors(session, [asked.member], on)).get(asked.member, {})
