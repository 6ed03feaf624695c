"""Every SQL statement of licensing. Nothing here commits."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import bindparam, exists, or_, select, tuple_, update

from federation.licensing.facts import LicenceFacts
from federation.licensing.objects import decode
from federation.licensing.tables import (
    BillingDetails,
    Licence,
    LicenceCounter,
    Licensee,
    Offer,
    Receipt,
    Registration,
    Tariff,
)
from federation.store.asked import among
from federation.store.bulk import in_chunks
from federation.store.sessions import ReadSession, WriteSession
from federation.values.licence_key import licence_number

_KEEP_ANSWER = (
    update(Registration)
    .where(
        Registration.licence == bindparam("number"),
        Registration.node == bindparam("at_node"),
        Registration.version == bindparam("of_version"),
    )
    .values(
        state=bindparam("new_state"), reason=bindparam("new_reason"), changed_at=bindparam("now")
    )
)


async def find_licensee(session: ReadSession, licensee: str) -> Licensee | None:
    """Return a registered lab by its id, None if there is none."""
    return await session.get(Licensee, licensee)


async def licensees(session: ReadSession) -> list[Licensee]:
    """Return every registered lab by id."""
    return list(await session.scalars(select(Licensee).order_by(Licensee.id)))


async def billing_details_of(session: ReadSession, licensee: str) -> BillingDetails | None:
    """Return what stands on a lab's invoices from now on, None where it stated nothing."""
    return await session.scalar(
        select(BillingDetails).where(
            BillingDetails.licensee == licensee, BillingDetails.superseded_at.is_(None)
        )
    )


async def billing_history(
    session: ReadSession, *, licensee: str | None, before: int | None, limit: int
) -> list[BillingDetails]:
    """Return what a lab, or all, stated for invoices, newest first, behind the row `before`."""
    query = select(BillingDetails)
    if licensee is not None:
        query = query.where(BillingDetails.licensee == licensee)
    if before is not None:
        query = query.where(BillingDetails.id < before)
    return list(await session.scalars(query.order_by(BillingDetails.id.desc()).limit(limit)))


async def latest_tariff(session: ReadSession) -> Tariff | None:
    """Return the newest published tariff, None before the first."""
    return await session.scalar(select(Tariff).order_by(Tariff.version.desc()).limit(1))


async def tariffs(session: ReadSession, *, before: int | None, limit: int) -> list[Tariff]:
    """Return published tariffs, newest first, behind the version `before`."""
    query = select(Tariff).order_by(Tariff.version.desc()).limit(limit)
    if before is not None:
        query = query.where(Tariff.version < before)
    return list(await session.scalars(query))


async def find_offer(session: ReadSession, offer_id: str) -> Offer | None:
    """Return an offer by id, None if there is none."""
    return await session.get(Offer, offer_id)


async def offers(
    session: ReadSession,
    *,
    licensee: str | None,
    kind: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Offer]:
    """Return offers, newest first, of one lab or kind or of all, behind the one `before`.

    That is when it was offered, and its id.
    """
    query = select(Offer).order_by(Offer.offered_at.desc(), Offer.id.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(Offer.offered_at, Offer.id) < before)
    if licensee is not None:
        query = query.where(Offer.licensee == licensee)
    if kind is not None:
        query = query.where(Offer.kind == kind)
    return list(await session.scalars(query))


async def next_number(session: WriteSession, licensor: str) -> str:
    """Count one more licence of a licensor: `<licensor>-<six digits>` (SETTLEMENT §0)."""
    row = await session.get(LicenceCounter, licensor)
    if row is None:
        row = LicenceCounter(licensor=licensor, last=0)
        session.add(row)
    row.last += 1
    return licence_number(licensor, row.last)


async def find_licence(session: ReadSession, number: str) -> Licence | None:
    """Return a licence by number in its newest version, None if there is none."""
    return await session.get(Licence, number)


async def licences(
    session: ReadSession, *, licensee: str | None = None, after: str = "", limit: int = 100
) -> list[Licence]:
    """Return licences by number, a page at a time."""
    query = select(Licence).where(Licence.number > after).order_by(Licence.number).limit(limit)
    if licensee is not None:
        query = query.where(Licence.licensee == licensee)
    return list(await session.scalars(query))


async def licences_at(
    session: ReadSession, licensee: str, *, on: date, limit: int
) -> list[Licence]:
    """Return a licensee's licences with a day in their term, in any state, the longest first."""
    query = (
        select(Licence)
        .where(Licence.licensee == licensee, Licence.starts_on <= on, Licence.ends_on >= on)
        .order_by(Licence.ends_on.desc(), Licence.number)
        .limit(limit)
    )
    return list(await session.scalars(query))


async def licences_in_force(
    session: ReadSession,
    licensee: str,
    *,
    on: date,
    registered_at: str | None,
    limit: int,
    state: str = "REGISTERED",
) -> list[Licence]:
    """Return a licensee's licences that may be used on a day, those accepted last first.

    `registered_at` leaves out those that a node neither granted nor has in this `state`.
    """
    query = (
        select(Licence)
        .where(Licence.licensee == licensee, Licence.status == "ACTIVE")
        .where(Licence.starts_on <= on, Licence.ends_on >= on)
        .order_by(Licence.accepted_at.desc(), Licence.number.desc())
        .limit(limit)
    )
    if registered_at is not None:
        stands = exists().where(
            Registration.licence == Licence.number,
            Registration.node == registered_at,
            Registration.state == state,
        )
        query = query.where(or_(Licence.licensor == registered_at, stands))
    return list(await session.scalars(query))


async def all_licences(session: ReadSession) -> list[Licence]:
    """Return every licence this server knows, by number."""
    return list(await session.scalars(select(Licence).order_by(Licence.number)))


async def first_licence_of(session: ReadSession, licensor: str) -> Licence | None:
    """Return the first licence that a party granted, None if it granted none."""
    query = select(Licence).where(Licence.licensor == licensor).order_by(Licence.number).limit(1)
    return await session.scalar(query)


async def licences_of(session: ReadSession, numbers: Collection[str]) -> list[Licence]:
    """Return those of some licences that this server knows, by number."""
    rows: list[Licence] = []
    for chunk in in_chunks(sorted(numbers)):
        rows += await session.scalars(
            select(Licence).where(Licence.number.in_(chunk)).order_by(Licence.number)
        )
    return rows


async def registrations(
    session: ReadSession, number: str, nodes: Collection[str] | None = None
) -> list[Registration]:
    """Return where a licence stands at each node, or at some of them."""
    query = select(Registration).where(Registration.licence == number).order_by(Registration.node)
    if nodes is not None:
        query = query.where(among(session, Registration.node, list(nodes)))
    return list(await session.scalars(query))


async def keep_answer(
    session: WriteSession,
    answered: tuple[str, str, int],
    state: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Keep what a node made of a licence, (number, node, version); nothing of another version.

    By one statement made once: each licence is answered by every node.
    """
    number, node, version = answered
    named = {"number": number, "at_node": node, "of_version": version}
    values = {"new_state": state, "new_reason": reason, "now": now}
    await (await session.connection()).execute(_KEEP_ANSWER, {**named, **values})


async def receipts_until(session: ReadSession, day: date) -> dict[str, int]:
    """Return {licence: received up to and including a day}, minor units of its currency."""
    rows = await session.execute(
        select(Receipt.licence, Receipt.amount).where(Receipt.received_on <= day)
    )
    totals: dict[str, int] = {}
    for licence, amount in rows:
        totals[licence] = totals.get(licence, 0) + amount
    return totals


async def received_for(session: ReadSession, numbers: Collection[str]) -> dict[str, int]:
    """Return {licence: received so far} of a page of licences, minor units of its currency."""
    rows = await session.execute(
        select(Receipt.licence, Receipt.amount).where(Receipt.licence.in_(numbers))
    )
    totals: dict[str, int] = {}
    for licence, amount in rows:
        totals[licence] = totals.get(licence, 0) + amount
    return totals


async def receipts_entered(session: ReadSession, day: date) -> list[tuple[str, datetime, int]]:
    """Return (licence, entered at, amount) of what was received by a day, as it was entered."""
    rows = await session.execute(
        select(Receipt.licence, Receipt.recorded_at, Receipt.amount)
        .where(Receipt.received_on <= day)
        .order_by(Receipt.recorded_at)
    )
    return [(licence, at, amount) for licence, at, amount in rows]


async def receipts_of(session: ReadSession, number: str) -> list[Receipt]:
    """Return what came in for a licence, oldest first."""
    rows = await session.scalars(
        select(Receipt).where(Receipt.licence == number).order_by(Receipt.received_on, Receipt.id)
    )
    return list(rows)


async def standing(session: ReadSession, licensor: str) -> tuple[str, dict[str, str]]:
    """Return the number of a licensor's next licence, and what it says against which of its others.

    That is {licence number: SUSPENDED or REVOKED}; one in force is not listed.
    """
    counter = await session.get(LicenceCounter, licensor)
    rows = await session.execute(
        select(Licence.number, Licence.status).where(
            Licence.licensor == licensor, Licence.status != "ACTIVE"
        )
    )
    following = licence_number(licensor, counter.last + 1 if counter is not None else 1)
    return following, {number: status for number, status in rows}


def facts(row: Licence) -> LicenceFacts:
    """Return what usage and money need to know of a licence."""
    return decode(row.body).facts()


def repertoire(rows: Sequence[Licence]) -> dict[str, frozenset[str]]:
    """Return {licence: node codes it is confined to}; a worldwide licence is not listed."""
    found = {}
    for row in rows:
        nodes = decode(row.body).grant.repertoire
        if nodes:
            found[row.number] = frozenset(nodes)
    return found


async def receipt_recorders(session: ReadSession) -> set[str]:
    """Return the subjects of all who entered receipts: none of them approves a run."""
    return set(await session.scalars(select(Receipt.recorded_by).distinct()))
