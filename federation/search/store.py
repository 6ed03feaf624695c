"""One statement for each kind of thing that is looked for. Nothing here writes or commits."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select

from federation.addresses.matching import candidate_hosts, candidate_paths
from federation.addresses.urls import ClaimKey
from federation.bankstatements.tables import BankAccount, DetailRow, Entry, StatementRow
from federation.claimindex.place_keys import path_head, path_length, place_of
from federation.clients.tables import Client
from federation.documents.tables import Document
from federation.history.kinds import Found, Moment
from federation.history.search_store import find_some
from federation.licensing.tables import Licence, Licensee
from federation.months.tables import Run
from federation.payments.tables import Payment
from federation.people.tables import PersonVersion
from federation.registry.tables import Claim
from federation.search.sought import Sought
from federation.store.asked import found_by
from federation.store.sessions import ReadSession
from federation.trust.tables import Party
from federation.values.identity import looks_of
from federation.values.ids import without_code
from federation.works.store import WORKS
from federation.works.tables import WorkAddress
from federation.works.work import Work


class Issued(NamedTuple):
    """What is shown of a document; its bytes stay where they are."""

    number: str
    series: str
    subject: str
    issued_on: date


def _names(column: Any, sought: Sought) -> ColumnElement[bool]:
    """Tell of a directory's name whether it holds the text, in small letters or capitals alike.

    Some databases know small letters of ASCII only: others are looked for as they are typed, and
    as a name begins.
    """
    written = dict.fromkeys((sought.text, sought.text.capitalize()))
    return or_(
        func.lower(column).contains(sought.text.lower(), autoescape=True),
        *(column.contains(each, autoescape=True) for each in written),
    )


async def licences(
    session: ReadSession, sought: Sought, licensee: str | None, limit: int
) -> Sequence[Licence]:
    """Return the licence of a number, or those of a lab."""
    query = select(Licence).where(
        or_(Licence.number.in_(sought.spellings), Licence.licensee == sought.text)
    )
    if licensee is not None:
        query = query.where(Licence.licensee == licensee)
    return (await session.scalars(query.order_by(Licence.number).limit(limit))).all()


async def payments(session: ReadSession, sought: Sought, limit: int) -> Sequence[Payment]:
    """Return the payment of an id, those to somebody, or those of an amount."""
    payees = [*sought.spellings, f"member:{sought.text}", f"lab:{sought.text}"]
    ways: list[ColumnElement[bool]] = [
        Payment.payment_id.in_(sought.spellings),
        Payment.payee.in_(payees),
    ]
    if (asked := sought.amount) is not None:
        ways.append(and_(Payment.currency == asked.currency, Payment.amount == asked.minor))
    query = select(Payment).where(or_(*ways)).order_by(Payment.payment_id).limit(limit)
    return (await session.scalars(query)).all()


async def documents(
    session: ReadSession,
    sought: Sought,
    series: Collection[str],
    licensee: str | None,
    limit: int,
) -> list[Issued]:
    """Return the document of a number, of some series; to a lab, of its own licences."""
    columns = (Document.number, Document.series, Document.subject, Document.issued_on)
    query = select(*columns).where(
        Document.number.in_(sought.spellings), Document.series.in_(series)
    )
    if licensee is not None:
        query = query.join(Licence, Licence.number == Document.subject)
        query = query.where(Licence.licensee == licensee)
    rows = await session.execute(query.order_by(Document.number).limit(limit))
    return [Issued(*row) for row in rows]


async def runs(session: ReadSession, sought: Sought, limit: int) -> list[tuple[str, str, str]]:
    """Return (id, month, state) of runs of an id, the newest first; their bytes stay."""
    rows = await session.execute(
        select(Run.run_id, Run.period, Run.state)
        .where(Run.run_id.in_({sought.text, sought.text.lower()}))
        .order_by(Run.id.desc())
        .limit(limit)
    )
    return [(run_id, str(period), state) for run_id, period, state in rows]


async def statements(
    session: ReadSession, sought: Sought, limit: int
) -> list[tuple[StatementRow, BankAccount]]:
    """Return the banks' statements of a number, one of each account."""
    rows = await session.execute(
        select(StatementRow, BankAccount)
        .join(BankAccount, BankAccount.id == StatementRow.account_id)
        .where(StatementRow.number == sought.row)
        .order_by(BankAccount.id)
        .limit(limit)
    )
    return [(row, account) for row, account in rows]


async def entries(
    session: ReadSession, sought: Sought, limit: int
) -> list[tuple[Entry, str | None, str | None]]:
    """Return entries of an id, an end-to-end id or an amount, newest first, with who paid for what.

    What was announced, or withdrawn, is left out.
    """
    ways = [select(DetailRow.entry_id).where(DetailRow.end_to_end_id == sought.text)]
    if sought.row is not None:
        ways.append(select(Entry.id).where(Entry.id == sought.row))
    if (asked := sought.amount) is not None:
        is_it = Entry.currency == asked.currency, Entry.amount == asked.minor
        ways.append(select(Entry.id).where(*is_it))
    first = and_(DetailRow.entry_id == Entry.id, DetailRow.number == 1)
    rows = await session.execute(
        select(Entry, DetailRow.counterparty_name, DetailRow.remittance)
        .outerjoin(DetailRow, first)
        .where(found_by(Entry.id, ways), Entry.status == "BOOK")
        .order_by(Entry.id.desc())
        .limit(limit)
    )
    return [(entry, name, remittance) for entry, name, remittance in rows]


async def claims(
    session: ReadSession, sought: Sought, member: str | None, limit: int
) -> Sequence[Claim]:
    """Return the claim of an id, or some of those that are known of an address."""
    known = select(Claim.claim_id).where(Claim.superseded_at.is_(None))
    if member is not None:
        known = known.where(Claim.member_id == member)
    ways = [known.where(Claim.claim_id == sought.text)]
    if sought.address is not None:  # a host may have a million: not all of them are put in order
        ways.append(known.where(_covering(sought.address)).limit(limit))
    query = select(Claim).where(found_by(Claim.claim_id, ways)).order_by(Claim.claim_id)
    return (await session.scalars(query.limit(limit))).all()


def _covering(address: ClaimKey) -> ColumnElement[bool]:
    """Ask, as the index of places has it, for claims on an address or on what it lies below.

    Of a host alone, for all there are on it.
    """
    hosts = [name for name, _ in candidate_hosts(address.host)]
    is_of_host = and_(Claim.host.in_(hosts), or_(Claim.host == address.host, Claim.wildcard))
    if address.path == "/":
        return is_of_host
    paths = candidate_paths(address.path)
    places = [place_of(path, may_be_pattern=False) for path in paths]
    column: Any = Claim.path
    return and_(
        is_of_host,
        path_length(column, may_be_pattern=False).in_([length for length, _, _ in places]),
        path_head(column, may_be_pattern=False).in_([head for _, head, _ in places]),
        column.in_(paths),
    )


async def works(
    session: ReadSession, sought: Sought, here: str, moment: Moment, limit: int
) -> list[Found[Work]]:
    """Return works of an id, of words, or that stand at an address."""
    there = None
    if sought.address is not None:
        there = select(WorkAddress.work_id).where(WorkAddress.address == sought.address.text)
        there = there.order_by(WorkAddress.work_id).limit(limit)
    own = [without_code(here, sought.text)]
    return await find_some(session, WORKS, sought.text, own, moment, limit, there)


async def parties(session: ReadSession, sought: Sought, limit: int) -> Sequence[Party]:
    """Return who belongs to the federation, by code or by a part of the name."""
    query = select(Party).where(
        or_(Party.code == sought.text.upper(), _names(Party.name, sought)),
    )
    return (await session.scalars(query.order_by(Party.code).limit(limit))).all()


async def labs(session: ReadSession, sought: Sought, limit: int) -> Sequence[Licensee]:
    """Return registered labs, by id or by a part of the name."""
    query = select(Licensee).where(
        or_(Licensee.id == sought.text, _names(Licensee.name, sought)),
    )
    return (await session.scalars(query.order_by(Licensee.id).limit(limit))).all()


async def clients(
    session: ReadSession,
    sought: Sought,
    kinds: Collection[str],
    party: str | None,
    limit: int,
) -> Sequence[Client]:
    """Return clients of some kinds, by id, by whom they stand for, or by a part of the name."""
    query = select(Client).where(
        Client.kind.in_(kinds),
        or_(
            Client.client_id == sought.text,
            Client.party == sought.text,
            _names(Client.name, sought),
        ),
    )
    if party is not None:
        query = query.where(Client.party == party)
    return (await session.scalars(query.order_by(Client.client_id).limit(limit))).all()


async def people(session: ReadSession, sought: Sought, limit: int) -> Sequence[PersonVersion]:
    """Return who is in the directory now, by what the subject looks like or a part of the name."""
    row = PersonVersion
    query = select(row).where(
        row.valid_from.is_not(None),
        row.valid_to.is_(None),
        or_(row.small == looks_of(sought.text).small, _names(row.name, sought)),
    )
    return (await session.scalars(query.order_by(row.subject).limit(limit))).all()
