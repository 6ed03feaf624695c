"""The audit log: who did what to what, in the transaction of the act itself. The one door to it.

Nobody can change or take away what it holds (decision 0020). Names and amounts are welcome in it;
tokens, codes and keys are not: an auditor may read all of it.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from federation.people import store
from federation.people.chain import GENESIS, Link, hash_of, written
from federation.people.tables import AuditAct
from federation.store.canonical import canonical
from federation.store.database import business_time
from federation.store.sessions import WriteSession
from federation.store.told import tell

SUBJECT_LENGTH_MAX = 255
DETAIL_BYTES_MAX = 16 * 1024


class Act(StrEnum):
    """What is written down: words that stay what they are."""

    ADMISSION_INVITE = "admission.invite"
    ADMISSION_APPLY = "admission.apply"
    ADMISSION_RECOMMEND = "admission.recommend"
    ADMISSION_APPROVE = "admission.approve"
    ADMISSION_REFUSE = "admission.refuse"
    NODE_CHANGE = "node.change"
    NODE_MOVE = "node.move"
    NODE_PROPOSE = "node.propose"
    NODE_SUSPEND = "node.suspend"
    NODE_LIFT = "node.lift"
    NODE_WITHDRAW = "node.withdraw"
    HUB_KEYS = "hub.keys"
    MESSAGE_PROPOSE_DROP = "message.propose_drop"
    MESSAGE_DROP = "message.drop"
    DELIVERY_RENUMBER = "delivery.renumber"
    VOICE_CLAIM = "voice.claim"
    KEY_NEXT = "key.next"
    KEY_ACTIVATE = "key.activate"
    KEY_RETIRE = "key.retire"
    KEY_ENCRYPT_AGAIN = "key.encrypt_again"
    LICENSEE_STATE_BILLING = "licensee.state_billing"
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
    ENTRY_TAKE = "entry.take"
    ENTRY_HAND_OVER = "entry.hand_over"
    ENTRY_LET_GO = "entry.let_go"
    ENTRY_COMMENT = "entry.comment"
    REGISTRY_ACT = "registry.act"
    PROPOSAL_MAKE = "proposal.make"
    PROPOSAL_CONFIRM = "proposal.confirm"
    PROPOSAL_REFUSE = "proposal.refuse"
    PROPOSAL_WITHDRAW = "proposal.withdraw"
    RESERVATION_HAND_OVER = "reservation.hand_over"
    RESERVATION_END = "reservation.end"
    RESERVATION_KEEP = "reservation.keep"
    DISPUTE_ACT = "dispute.act"
    CLIENT_ISSUE = "client.issue"
    CLIENT_ADD_CREDENTIAL = "client.add_credential"
    CLIENT_REVOKE_CREDENTIAL = "client.revoke_credential"
    CLIENT_REVOKE = "client.revoke"
    SITE_CODE_ISSUE = "site_code.issue"
    SITE_CODE_WITHDRAW = "site_code.withdraw"
    WEBHOOK_MAKE = "webhook.make"
    WEBHOOK_CHANGE = "webhook.change"
    WEBHOOK_PAUSE = "webhook.pause"
    WEBHOOK_RESUME = "webhook.resume"
    WEBHOOK_ROTATE = "webhook.rotate"
    WEBHOOK_END = "webhook.end"
    PERSON_TAKE_IN = "person.take_in"
    PERSON_PROPOSE = "person.propose"
    PERSON_CONFIRM = "person.confirm"
    PERSON_WITHDRAW = "person.withdraw"
    ACCOUNT_INVITE = "account.invite"
    ACCOUNT_CONFIRM = "account.confirm"
    ACCOUNT_WITHDRAW = "account.withdraw"
    ACCOUNT_MAKE = "account.make"
    ACCOUNT_RESET = "account.reset"
    ACCOUNT_CLOSE = "account.close"
    IDENTITY_LINK = "identity.link"
    IDENTITY_UNLINK = "identity.unlink"
    TOTP_ENROL = "totp.enrol"
    TOTP_REMOVE = "totp.remove"
    SIGN_IN = "sign_in"
    SIGN_IN_REFUSED = "sign_in.refused"
    SIGN_OUT = "sign_out"
    SESSION_ACT_AS = "session.act_as"
    SESSION_END = "session.end"


TOLD: Final = frozenset(
    {
        Act.ADMISSION_APPLY,
        Act.ADMISSION_APPROVE,
        Act.ADMISSION_REFUSE,
        Act.NODE_CHANGE,
        Act.NODE_MOVE,
        Act.NODE_SUSPEND,
        Act.NODE_LIFT,
        Act.HUB_KEYS,
        Act.MESSAGE_DROP,
        Act.DELIVERY_RENUMBER,
        Act.VOICE_CLAIM,
        Act.KEY_NEXT,
        Act.KEY_ACTIVATE,
        Act.KEY_RETIRE,
        Act.RUN_APPROVE,
        Act.CORRECTION_APPROVE,
        Act.PAYMENT_APPROVE,
        Act.PAYMENT_EXPORT,
        Act.LIMIT_CONFIRM,
    }
)
"""Acts of which the server's log has a line too: none is about a person."""


class Done(NamedTuple):
    """Something that was done to `subject`; `detail` is what a reader asks next."""

    act: Act
    subject: str
    detail: Mapping[str, str]


async def record(
    session: WriteSession, actor: str, act: Act, subject: str, detail: Mapping[str, str]
) -> None:
    """Write down that `actor` did `act` to `subject`, now: kept or undone with the act itself.

    `detail` is what a reader asks next: the reason, the amount, the version. A subject of more
    than 255 characters, or a detail of more than 16 KiB, is a defect of the caller.
    """
    await record_all(session, actor, [Done(act, subject, detail)])


async def record_all(session: WriteSession, actor: str, done: Iterable[Done]) -> None:
    """Write down several acts of somebody, in their order."""
    last, at = await store.last_act(session), business_time(session)
    first, previous = (last.number + 1, last.hash) if last else (1, GENESIS)
    for number, (act, subject, detail) in enumerate(done, first):
        text = canonical(dict(detail)).decode()
        if not 0 < len(subject) <= SUBJECT_LENGTH_MAX or len(text.encode()) > DETAIL_BYTES_MAX:
            raise ValueError(f"{act}: a subject or a detail of such a length is not kept")
        link = Link(number, written(at), actor, act.value, subject, text, previous, "")
        previous = hash_of(link)
        if act in TOLD:
            tell(session, act.value, subject=subject, audit=number)
        session.add(
            AuditAct(
                number=number,
                at=at,
                actor=actor,
                act=act.value,
                subject=subject,
                detail=text,
                previous=link.previous,
                hash=previous,
            )
        )
    await session.flush()
