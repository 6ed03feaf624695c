"""Labs that buy licences here: registered, and found."""

from datetime import datetime
from typing import ClassVar

from federation.errors import RefusalError
from federation.licensing import store
from federation.licensing.tables import Licensee
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import Principal
from federation.values.identity import refuse_alike, refuse_unclear
from federation.values.ids import is_plain_id
from federation.values.roles import MAY_BUY

ID_LENGTH_MAX = 128


class UnknownLicenseeError(RefusalError):
    """No such licensee is registered here."""

    code: ClassVar[str] = "UNKNOWN_LICENSEE"


class BadLicenseeError(RefusalError):
    """This is no id for a licensee: it is empty, too long, holds a / or begins with ~."""

    code: ClassVar[str] = "BAD_LICENSEE"


async def register_licensee(
    session: WriteSession, licensee: str, name: str, now: datetime
) -> Licensee:
    """Register a lab; the same again changes nothing.

    Refused is an id that is none (BAD_LICENSEE), or that could be taken for another lab's
    (UNCLEAR_IDENTITY).
    """
    is_id = is_plain_id(licensee) and len(licensee) <= ID_LENGTH_MAX and licensee.isprintable()
    if not is_id:
        raise BadLicenseeError(repr(licensee))
    row = await store.find_licensee(session, licensee)
    if row is None:
        refuse_unclear(licensee)
        refuse_alike([*(lab.id for lab in await store.licensees(session)), licensee])
        row = Licensee(id=licensee, name=name, registered_at=now)
        session.add(row)
    return row


async def licensee_of(session: ReadSession, who: Principal) -> str:
    """Return the registered lab somebody buys for, or refuse."""
    who.require(*MAY_BUY)
    return (await get_licensee(session, who.require_party())).id


async def get_licensee(session: ReadSession, licensee: str) -> Licensee:
    """Return a registered lab by its id, or refuse (UNKNOWN_LICENSEE)."""
    row = await store.find_licensee(session, licensee)
    if row is None:
        raise UnknownLicenseeError(licensee)
    return row
