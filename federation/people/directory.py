"""Who works here, as whom, in which roles: each change proposed by one, confirmed by another.

The newest version in force says what somebody may do, from the instant at which it was confirmed;
one without roles says that the person has left. Nobody confirms what concerns himself, and two who
may change the directory always stay (decision 0021).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import msgspec

from federation.errors import RefusalError
from federation.people import store
from federation.people.audit import Act, record
from federation.people.tables import NAME_LENGTH_MAX, SUBJECT_LENGTH_MAX, PersonVersion
from federation.store.canonical import canonical
from federation.store.database import announce
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import Principal, require_other_person, require_unconcerned
from federation.values.choice import one_of
from federation.values.identity import (
    BOOTSTRAP,
    UnclearIdentityError,
    is_same,
    looks_of,
    refuse_unclear,
)
from federation.values.reason import stated
from federation.values.roles import Role, may_keep_people

CHANGED = "people"  # announced by a transaction after which somebody may do something else
PARTY_LENGTH_MAX = 200
KEEPERS_MIN = 2
NEED_A_PARTY = frozenset({Role.LAB, Role.MEMBER})


class BadPersonError(RefusalError):
    """This cannot be proposed of a person."""

    code: ClassVar[str] = "BAD_PERSON"


class PersonWaitsError(RefusalError):
    """Another proposal about this person waits: confirm or withdraw it first."""

    code: ClassVar[str] = "PERSON_WAITS"


class NoProposalError(RefusalError):
    """No such proposal about a person waits."""

    code: ClassVar[str] = "NO_PROPOSAL"


class TooFewKeepersError(RefusalError):
    """Two people who may change the directory have to stay."""

    code: ClassVar[str] = "TOO_FEW_KEEPERS"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody is to be: `roles` are words of `Role`, none for who leaves."""

    subject: str
    name: str
    roles: tuple[str, ...]
    party: str | None


def roles_of(row: PersonVersion) -> list[str]:
    """Return the roles of a version, in the order of their words."""
    return msgspec.json.decode(row.roles, type=list[str])


async def propose(
    session: WriteSession, wanted: Wanted, reason: str, *, who: Principal, at: datetime
) -> PersonVersion:
    """Propose that somebody joins, changes or leaves; another person must confirm.

    Refuses what could be taken for another person (UNCLEAR_IDENTITY), what no person can be or
    what changes nothing (BAD_PERSON, UNKNOWN_CHOICE), and a second proposal beside one that waits
    (PERSON_WAITS).
    """
    await require_possible(session, wanted)
    known = await store.person_in_force(session, wanted.subject)
    if known is None and not wanted.roles:
        raise BadPersonError(f"{wanted.subject} is not here")
    if known is not None and _states(known) == _states_of(wanted):
        raise BadPersonError(f"{wanted.subject} is that already")
    row = await _add(session, wanted, stated(reason), who.subject, at)
    await record(session, who.subject, Act.PERSON_PROPOSE, row.subject, detail_of(row))
    return row


async def confirm(
    session: WriteSession, number: int, here: str, *, who: Principal, at: datetime
) -> PersonVersion:
    """Confirm a proposal as another person whom it does not concern: in force from now on.

    Who confirmed it is answered the same again. Refuses NO_PROPOSAL, SAME_PERSON and, where fewer
    than two would be left who may change the directory of `here`, TOO_FEW_KEEPERS.
    """
    row = await _get(session, number)
    if row.valid_from is not None:
        if is_same(row.confirmed_by, who.subject):
            return row
        raise NoProposalError(f"{number} was confirmed by {row.confirmed_by or BOOTSTRAP}")
    _require_open(row)
    require_other_person(row.proposed_by, who.subject)
    require_unconcerned(row.subject, who.subject)
    await _require_keepers(session, row, here)
    await _put_in_force(session, row, at)
    row.confirmed_by = who.subject
    await record(session, who.subject, Act.PERSON_CONFIRM, row.subject, detail_of(row))
    return row


async def withdraw(
    session: WriteSession, number: int, reason: str, *, who: Principal, at: datetime
) -> PersonVersion:
    """Take back a proposal that waits, one's own or another's, with a reason (NO_PROPOSAL)."""
    row = await _get(session, number)
    if row.valid_from is not None:
        raise NoProposalError(f"{number} is in force: propose a change")
    _require_open(row)
    why = stated(reason)
    row.withdrawn_by, row.withdrawn_at = who.subject, at
    detail = {**detail_of(row), "reason": why}
    await record(session, who.subject, Act.PERSON_WITHDRAW, row.subject, detail)
    return row


def detail_of(row: PersonVersion) -> dict[str, str]:
    """Return what the audit log keeps of a version: all that it says of the person, and why."""
    detail = {
        "version": str(row.version),
        "name": row.name,
        "roles": " ".join(roles_of(row)),
        "party": row.party or "",
        "reason": row.reason,
    }
    if row.valid_from is not None:
        detail["valid_from"] = row.valid_from.isoformat()
    return detail


async def take_in(
    session: WriteSession, wanted: Wanted, reason: str, at: datetime
) -> PersonVersion:
    """Put somebody in force whom nobody here could propose and confirm: see `bootstrap.py`."""
    row = await _add(session, wanted, reason, BOOTSTRAP, at)
    await _put_in_force(session, row, at)
    return row


async def require_possible(session: ReadSession, wanted: Wanted) -> None:
    """Refuse what no person can be, whoever could be taken for another, and who waits already."""
    _check(wanted)
    other = await store.known_alike(session, wanted.subject)
    if other is not None:
        raise UnclearIdentityError(f"{wanted.subject!r} could be taken for {other!r}")
    waiting = await store.waiting_for(session, wanted.subject)
    if waiting is not None:
        raise PersonWaitsError(f"{waiting.id}, proposed by {waiting.proposed_by}")


def _check(wanted: Wanted) -> None:
    """Refuse what no person can be; what is written is to be read as one reads it."""
    sizes = (
        ("subject", wanted.subject, SUBJECT_LENGTH_MAX),
        ("name", wanted.name, NAME_LENGTH_MAX),
        ("party", "-" if wanted.party is None else wanted.party, PARTY_LENGTH_MAX),
    )
    for what, text, most in sizes:
        if not 1 <= len(text) <= most:
            raise BadPersonError(f"a {what} has 1 to {most} characters")
        refuse_unclear(text)
    if is_same(wanted.subject, BOOTSTRAP):
        raise UnclearIdentityError(f"{wanted.subject!r} could be taken for {BOOTSTRAP!r}")
    for role in wanted.roles:
        one_of(role, Role, "role")
    if len(set(wanted.roles)) < len(wanted.roles):
        raise BadPersonError("a role is named twice")
    if wanted.party is None and not NEED_A_PARTY.isdisjoint(wanted.roles):
        raise BadPersonError("a lab or a member stands for a party")


def _states(row: PersonVersion) -> tuple[str, list[str], str | None]:
    return row.name, roles_of(row), row.party


def _states_of(wanted: Wanted) -> tuple[str, list[str], str | None]:
    return wanted.name, sorted(wanted.roles), wanted.party


async def _add(
    session: WriteSession, wanted: Wanted, reason: str, maker: str, at: datetime
) -> PersonVersion:
    looks = looks_of(wanted.subject)
    row = PersonVersion(
        subject=wanted.subject,
        small=looks.small,
        capital=looks.capital,
        version=await store.last_version(session, wanted.subject) + 1,
        name=wanted.name,
        roles=canonical(sorted(wanted.roles)).decode(),
        party=wanted.party,
        reason=reason,
        proposed_by=maker,
        proposed_at=at,
    )
    session.add(row)
    await session.flush()
    return row


async def _put_in_force(session: WriteSession, row: PersonVersion, at: datetime) -> None:
    before = await store.person_in_force(session, row.subject)
    if before is not None:
        before.valid_to = at
    row.valid_from = at
    announce(session, CHANGED)


async def _get(session: ReadSession, number: int) -> PersonVersion:
    row = await session.get(PersonVersion, number)
    if row is None:
        raise NoProposalError(str(number))
    return row


def _require_open(row: PersonVersion) -> None:
    if row.withdrawn_by is not None:
        raise NoProposalError(f"{row.id} was withdrawn by {row.withdrawn_by}")


async def _require_keepers(session: ReadSession, row: PersonVersion, here: str) -> None:
    """Refuse to take from the last two who may change the directory what they need for it."""
    may_keep = frozenset(may_keep_people(here))
    if not may_keep.isdisjoint(roles_of(row)):
        return
    others = await keepers(session, here, but=row.subject)
    known = await store.person_in_force(session, row.subject)
    was_one = known is not None and not may_keep.isdisjoint(roles_of(known))
    if was_one and len(others) < KEEPERS_MIN:
        raise TooFewKeepersError(f"without {row.subject}: {', '.join(others) or 'nobody'}")


async def keepers(session: ReadSession, here: str, *, but: str = "") -> list[str]:
    """Return the subjects of those who may change the directory of `here`, but one."""
    may_keep = frozenset(may_keep_people(here))
    people: Iterable[PersonVersion] = await store.people_in_force(session)
    return [
        row.subject
        for row in people
        if row.subject != but and not may_keep.isdisjoint(roles_of(row))
    ]
