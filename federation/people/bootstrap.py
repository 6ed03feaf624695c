"""The first people of a server: those its configuration lists, or those named on its machine.

Nobody could propose and confirm them. Whoever may do this has the server's key and database in his
hands; each of these acts stands in the audit log as one of `bootstrap`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from federation.config import StaffMember
from federation.errors import RefusalError
from federation.people import directory, store
from federation.people.audit import Act, Done, record_all
from federation.people.directory import KEEPERS_MIN, BadPersonError, Wanted
from federation.people.tables import PersonVersion
from federation.store.sessions import ReadSession, WriteSession
from federation.values.identity import BOOTSTRAP
from federation.values.roles import may_keep_people

LISTED = "listed in the configuration when the directory was empty"
NAMED = "named on the server's machine"


class DirectoryNotEmptyError(RefusalError):
    """The directory has people who can change it: propose and confirm there."""

    code: ClassVar[str] = "DIRECTORY_NOT_EMPTY"


async def take_in_listed(
    session: WriteSession, listed: Sequence[StaffMember], at: datetime
) -> list[PersonVersion]:
    """Take those the configuration lists into an empty directory; into another, nobody."""
    if not await store.is_empty(session):
        return []
    rows = [
        await directory.take_in(
            session,
            Wanted(person.subject, person.subject, tuple(sorted({*person.roles})), person.party),
            LISTED,
            at,
        )
        for person in listed
    ]
    await _record(session, rows)
    return rows


async def ignored(session: ReadSession, listed: Sequence[StaffMember]) -> list[str]:
    """Return the subjects that the configuration lists otherwise than the directory has them."""
    known = {row.subject: row for row in await store.people_in_force(session)}
    return [
        person.subject
        for person in listed
        if person.subject not in known
        or directory.roles_of(known[person.subject]) != sorted({*person.roles})
        or known[person.subject].party != person.party
    ]


async def take_in_first(
    session: WriteSession, subject: str, name: str, here: str, at: datetime
) -> PersonVersion:
    """Take in somebody who may change the directory of `here`, for as long as two cannot yet.

    Refuses DIRECTORY_NOT_EMPTY once two can, and what `directory.propose` refuses of a person.
    """
    if len(await directory.keepers(session, here)) >= KEEPERS_MIN:
        raise DirectoryNotEmptyError(here)
    if await store.person_in_force(session, subject) is not None:
        raise BadPersonError(f"{subject} is or was here: name another person")
    wanted = Wanted(subject, name, may_keep_people(here), None)
    await directory.require_possible(session, wanted)
    row = await directory.take_in(session, wanted, NAMED, at)
    await _record(session, [row])
    return row


async def _record(session: WriteSession, rows: Sequence[PersonVersion]) -> None:
    done = [Done(Act.PERSON_TAKE_IN, row.subject, directory.detail_of(row)) for row in rows]
    await record_all(session, BOOTSTRAP, done)
