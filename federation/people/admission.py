"""Who belongs: a node applies; of the hub one invites, one recommends, another admits.

How an application comes and how its answer is taken is in `trust/admission.py`.
"""

import secrets
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec

from federation.config import NodeConfig
from federation.errors import RefusalError
from federation.people.audit import Act, record
from federation.signing.keys import PublicKey
from federation.store.canonical import sha256_hex
from federation.store.sessions import ReadSession, WriteSession
from federation.trust import roster, store
from federation.trust.admission import (
    ApplicationRefusedError,
    InvitationError,
    apply_for_admission,
)
from federation.trust.membership import CollectiveTerms, Peer
from federation.trust.parties import require_nobody_elses
from federation.trust.principals import Principal, require_other_person
from federation.trust.tables import Application, Invitation, Party
from federation.values.reason import stated

INVITATION_BYTES = 24
INVITATION_LIFE = timedelta(days=30)
INVITATIONS_OPEN_MAX = 1_000
NOTE_LENGTH_MAX = 300


async def apply(
    session: WriteSession,
    config: NodeConfig,
    peer: Peer,
    key_id: str,
    invitation: str,
    *,
    who: Principal,
    now: datetime,
) -> None:
    """At a node: apply to the hub with the code of an invitation (INVITATION, APPLICATION_REFUSED).

    The code itself is not written down: whoever reads the log could apply with it.
    """
    await apply_for_admission(session, config, peer, key_id, invitation, now)
    detail = {"code": config.code, "key": key_id}
    await record(session, who.subject, Act.ADMISSION_APPLY, config.hub.entity_id, detail)


class UnknownApplicationError(RefusalError):
    """No such application is waiting."""

    code: ClassVar[str] = "UNKNOWN_APPLICATION"


class NotRecommendedError(RefusalError):
    """The application waits for a first person, who recommends it; another then approves."""

    code: ClassVar[str] = "NOT_RECOMMENDED"


async def invite(
    session: WriteSession, note: str, who: Principal, now: datetime
) -> tuple[str, Invitation]:
    """At the hub: make a code by which one collective may apply; return it, once, and its row."""
    if not 1 <= len(note.strip()) <= NOTE_LENGTH_MAX:
        raise InvitationError(f"a note of 1 to {NOTE_LENGTH_MAX} characters says whom it is for")
    if await store.count_open_invitations(session, now) >= INVITATIONS_OPEN_MAX:
        raise InvitationError(f"{INVITATIONS_OPEN_MAX} invitations are open")
    code = secrets.token_urlsafe(INVITATION_BYTES)
    row = Invitation(
        digest=sha256_hex(code.encode()),
        note=note.strip(),
        made_by=who.subject,
        made_at=now,
        expires_at=now + INVITATION_LIFE,
    )
    session.add(row)
    await session.flush()
    detail = {"note": row.note, "expires_at": row.expires_at.isoformat()}
    await record(session, who.subject, Act.ADMISSION_INVITE, f"invitation {row.id}", detail)
    return code, row


class FingerprintError(RefusalError):
    """The applicant's key has another fingerprint than was stated."""

    code: ClassVar[str] = "FINGERPRINT"


async def require_fingerprint(
    session: ReadSession, application_id: int, fingerprint: str | None
) -> None:
    """Hold what a person heard by a second channel against the key of an application.

    The fingerprint is the RFC 7638 thumbprint of the FEDERATION key, as the applicant's operator
    reads it on his own machine (`federation keys list`); None is not compared. Raises FINGERPRINT.
    """
    row = await session.get(Application, application_id)
    if row is not None and fingerprint is not None and fingerprint.strip() != row.key_id:
        raise FingerprintError(f"application {application_id}: not the one that was stated")


async def recommend_admission(
    session: WriteSession, application_id: int, who: Principal
) -> Application:
    """As the first of two people, say that an application is in order.

    Raises UnknownApplicationError unless it is APPLIED, ApplicationRefusedError if its code or
    entity id is taken, BadKeysError if its key is or was another's.
    """
    application = await _application_in(session, application_id, "APPLIED")
    await _refuse_taken(session, application)
    application.state = "RECOMMENDED"
    application.recommended_by = who.subject
    await _record(session, who, Act.ADMISSION_RECOMMEND, application)
    return application


async def approve_admission(
    session: WriteSession,
    application_id: int,
    who: Principal,
    now: datetime,
) -> Application:
    """As the second person, admit a recommended applicant and tell everybody the new roster.

    The applicant asks for its answer and gets the hub's key and terms then. Raises
    UnknownApplicationError, NotRecommendedError, SamePersonError, ApplicationRefusedError,
    BadKeysError. Licences are sent by `licensing.delivery.admit`, which calls this.
    """
    application = await _application_in(session, application_id, "RECOMMENDED")
    require_other_person(application.recommended_by, who.subject)
    await _refuse_taken(session, application)
    application.state = "ADMITTED"
    application.decided_by = who.subject
    application.decided_at = now
    particulars = msgspec.json.decode(application.terms, type=CollectiveTerms)
    newcomer = Party(
        code=application.code,
        entity_id=application.entity_id,
        url=application.url,
        name=particulars.name,
        jwk=application.jwk,
        terms=application.terms,
        admitted_at=now,
    )
    session.add(newcomer)
    await session.flush()
    await roster.introduce(session, newcomer, now)
    await _record(session, who, Act.ADMISSION_APPROVE, application)
    return application


async def refuse_admission(
    session: WriteSession, application_id: int, who: Principal, *, reason: str, now: datetime
) -> Application:
    """Say no, with a reason the applicant reads (REASON).

    UNKNOWN_APPLICATION where it is decided, or not there.
    """
    application = await session.get(Application, application_id)
    if application is None or application.state not in {"APPLIED", "RECOMMENDED"}:
        raise UnknownApplicationError(str(application_id))
    application.reason = stated(reason)
    application.state = "REFUSED"
    application.decided_by = who.subject
    application.decided_at = now
    await _record(session, who, Act.ADMISSION_REFUSE, application, reason=application.reason or "")
    return application


async def _application_in(session: ReadSession, application_id: int, state: str) -> Application:
    application = await session.get(Application, application_id)
    if application is not None and (application.state, state) == ("APPLIED", "RECOMMENDED"):
        raise NotRecommendedError(str(application_id))
    if application is None or application.state != state:
        raise UnknownApplicationError(f"{application_id} is not {state}")
    return application


async def _refuse_taken(session: ReadSession, application: Application) -> None:
    """Refuse a code, entity id or key that another has: whose word something is follows from it."""
    taken = await store.find_party_known_as(session, application.code, application.entity_id)
    if taken is not None:
        raise ApplicationRefusedError(f"{taken.code} is admitted already")
    key = PublicKey.from_jwk(msgspec.json.decode(application.jwk, type=dict[str, str]))
    await require_nobody_elses(session, application.code, {key.kid: key}, count=1)


async def _record(
    session: WriteSession, who: Principal, act: Act, row: Application, **more: str
) -> None:
    detail = {"code": row.code, "entity_id": row.entity_id, "key": row.key_id, **more}
    await record(session, who.subject, act, f"application {row.id}", detail)
