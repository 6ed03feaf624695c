"""Who sees to an entry of the bank, and what is said of it: neither changes what it was for."""

from hashlib import sha256
from typing import ClassVar, Final

from federation.banking import store
from federation.banking.settling import EntrySettledError, get_entry
from federation.banking.tables import EntryComment, EntryOwner
from federation.bankstatements.acting import At
from federation.bankstatements.tables import Entry
from federation.errors import RefusalError
from federation.people import audit
from federation.people.directory import roles_of
from federation.people.store import person_in_force
from federation.values.identity import is_same
from federation.values.plain import require_plain_text
from federation.values.roles import MAY_PREPARE_OR_APPROVE

COMMENT_LENGTH_MAX: Final = 2_000
COMMENTS_MAX: Final = 500


class EntryTakenError(RefusalError):
    """Somebody else sees to this entry."""

    code: ClassVar[str] = "ENTRY_TAKEN"


class EntryNotYoursError(RefusalError):
    """It is not you who sees to this entry."""

    code: ClassVar[str] = "ENTRY_NOT_YOURS"


class NoOfficerError(RefusalError):
    """An entry is seen to by somebody who prepares or approves settlement here."""

    code: ClassVar[str] = "NO_OFFICER"


class BadCommentError(RefusalError):
    """A comment has 1 to 2,000 characters."""

    code: ClassVar[str] = "BAD_COMMENT"


class TooManyCommentsError(RefusalError):
    """An entry has 500 comments at most."""

    code: ClassVar[str] = "TOO_MANY_COMMENTS"


async def take(at: At, entry_id: int) -> Entry:
    """See to an entry that waits; who takes it again changes nothing (ENTRY_TAKEN)."""
    entry = await _waiting(at, entry_id)
    row = await store.find_owner(at.session, entry_id)
    if row is None:
        await _give(at, entry, at.who.subject, audit.Act.ENTRY_TAKE)
    elif not is_same(row.owner, at.who.subject):
        raise _taken(row)
    return entry


async def hand_over(at: At, entry_id: int, to: str, had: str | None) -> Entry:
    """Let another person see to an entry, or oneself in the place of another.

    `had` is who saw to it as whoever acts knew it, None for nobody: if that has changed meanwhile,
    it is said who was first (ENTRY_TAKEN). NO_OFFICER: the other holds no office of settlement.
    """
    entry = await _waiting(at, entry_id)
    row = await store.find_owner(at.session, entry_id)
    owner = None if row is None else row.owner
    if row is not None and not is_same(owner, had):
        raise _taken(row)
    if row is None and had is not None:
        raise EntryTakenError(f"{had[:80]} has let entry {entry_id} go")
    person = await person_in_force(at.session, to)
    if person is None or not {*roles_of(person)} & {*MAY_PREPARE_OR_APPROVE}:
        raise NoOfficerError(to[:80])
    if owner is None or not is_same(owner, person.subject):
        await _give(at, entry, person.subject, audit.Act.ENTRY_HAND_OVER)
    return entry


async def let_go(at: At, entry_id: int) -> Entry:
    """See to an entry no more; only who does may say so (ENTRY_NOT_YOURS)."""
    entry = await get_entry(at.session, entry_id)
    row = await store.find_owner(at.session, entry_id)
    if row is None or not is_same(row.owner, at.who.subject):
        raise EntryNotYoursError(f"entry {entry_id}" + (f", {row.owner}'s" if row else ""))
    await at.session.delete(row)
    await audit.record(at.session, at.who.subject, audit.Act.ENTRY_LET_GO, name_of(entry_id), {})
    return entry


async def comment(at: At, entry_id: int, text: str) -> EntryComment:
    """Say something of an entry, for good (BAD_COMMENT, BAD_TEXT, TOO_MANY_COMMENTS)."""
    said = require_plain_text(text, "text").replace("\r\n", "\n").strip()
    if not 1 <= len(said) <= COMMENT_LENGTH_MAX:
        raise BadCommentError(f"it has {len(said):,}")
    entry = await get_entry(at.session, entry_id)
    number = await store.count_comments(at.session, entry.id) + 1
    if number > COMMENTS_MAX:
        raise TooManyCommentsError(f"entry {entry_id}")
    row = EntryComment(
        entry_id=entry.id, number=number, text=said, said_by=at.who.subject, said_at=at.now
    )
    at.session.add(row)
    await at.session.flush()
    # More people read the audit log than the books: it commits to the words and does not have them.
    detail = {"number": str(number), "sha256": sha256(said.encode()).hexdigest()}
    await audit.record(
        at.session, at.who.subject, audit.Act.ENTRY_COMMENT, name_of(entry_id), detail
    )
    return row


def name_of(entry_id: int) -> str:
    """Return how the audit log calls an entry."""
    return f"entry {entry_id}"


async def _waiting(at: At, entry_id: int) -> Entry:
    entry = await get_entry(at.session, entry_id)
    if entry.state == "SETTLED":
        raise EntrySettledError(f"entry {entry_id}")
    return entry


async def _give(at: At, entry: Entry, owner: str, act: audit.Act) -> None:
    row = EntryOwner(entry_id=entry.id, owner=owner, since=at.now, given_by=at.who.subject)
    await at.session.merge(row)
    await audit.record(at.session, at.who.subject, act, name_of(entry.id), {"owner": owner})


def _taken(row: EntryOwner) -> EntryTakenError:
    return EntryTakenError(f"entry {row.entry_id}, {row.owner} since {row.since:%Y-%m-%d %H:%M}Z")
