"""The audit log: who did what to what, in the transaction of the act itself. The one door to it.

Nobody can change or take away what it holds (decision 0020). Names and amounts are welcome in it;
tokens, codes and keys are not: an auditor may read all of it.
"""

from collections.abc import Mapping
from enum import StrEnum

from federation.people import store
from federation.people.chain import GENESIS, Link, broken, hash_of, written
from federation.people.tables import AuditAct
from federation.store.canonical import canonical
from federation.store.database import business_time
from federation.store.invariants import BooksInvariant, Check
from federation.store.sessions import ReadSession, WriteSession

SUBJECT_LENGTH_MAX = 255
DETAIL_BYTES_MAX = 16 * 1024


class Act(StrEnum):
    """What is written down: words that stay what they are."""

    ADMISSION_INVITE = "admission.invite"
    ADMISSION_RECOMMEND = "admission.recommend"
    ADMISSION_APPROVE = "admission.approve"
    ADMISSION_REFUSE = "admission.refuse"
    MESSAGE_PROPOSE_DROP = "message.propose_drop"
    MESSAGE_DROP = "message.drop"
    LICENCE_ISSUE = "licence.issue"
    LICENCE_SUSPEND = "licence.suspend"
    LICENCE_REINSTATE = "licence.reinstate"
    LICENCE_REVOKE = "licence.revoke"
    LICENCE_END_EARLY = "licence.end_early"
    RUN_APPROVE = "run.approve"
    CORRECTION_APPROVE = "correction.approve"
    PAYMENT_APPROVE = "payment.approve"
    PAYMENT_EXPORT = "payment.export"
    LIMIT_PROPOSE = "limit.propose"
    LIMIT_CONFIRM = "limit.confirm"
    CLIENT_ISSUE = "client.issue"
    CLIENT_ADD_CREDENTIAL = "client.add_credential"
    CLIENT_REVOKE_CREDENTIAL = "client.revoke_credential"
    CLIENT_REVOKE = "client.revoke"
    PERSON_TAKE_IN = "person.take_in"
    PERSON_PROPOSE = "person.propose"
    PERSON_CONFIRM = "person.confirm"
    PERSON_WITHDRAW = "person.withdraw"


async def record(
    session: WriteSession, actor: str, act: Act, subject: str, detail: Mapping[str, str]
) -> None:
    """Write down that `actor` did `act` to `subject`, now: kept or undone with the act itself.

    `detail` is what a reader asks next: the reason, the amount, the version. A subject of more
    than 255 characters, or a detail of more than 16 KiB, is a defect of the caller.
    """
    text = canonical(dict(detail)).decode()
    if not 0 < len(subject) <= SUBJECT_LENGTH_MAX or len(text.encode()) > DETAIL_BYTES_MAX:
        raise ValueError(f"{act}: a subject or a detail of such a length is not kept")
    last = await store.last_act(session)
    at = business_time(session)
    number, previous = (last.number, last.hash) if last else (0, GENESIS)
    link = Link(number + 1, written(at), actor, act.value, subject, text, previous, "")
    session.add(
        AuditAct(
            number=link.number,
            at=at,
            actor=actor,
            act=act.value,
            subject=subject,
            detail=text,
            previous=previous,
            hash=hash_of(link),
        )
    )
    await session.flush()


async def chained(session: ReadSession, here: str) -> Check:
    """I22: each act's hash follows from its content and from the act before it; none is missing."""
    del here
    return await broken(store.links(session))


INVARIANTS = (
    BooksInvariant(
        "I22",
        "audit_log_chained",
        "every act commits to its content and to all before it",
        chained,
    ),
)
