"""Which kinds of things are looked for, who may see each, and what is shown of one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from federation.clients.service import readable
from federation.documents.service import TO_LICENSEES, series_for
from federation.history.kinds import Moment
from federation.history.search_store import find_some
from federation.money import Money
from federation.registry.membership import MEMBERS
from federation.rightholders.store import RIGHTHOLDERS
from federation.search import store
from federation.search.sought import Sought
from federation.store.sessions import ReadSession
from federation.trust.principals import Principal
from federation.values.ids import without_code
from federation.values.roles import (
    MAY_READ_BILLING,
    MAY_READ_BOOKS,
    MAY_READ_CLAIMS,
    MAY_READ_CLIENTS,
    MAY_READ_DOCUMENTS,
    MAY_READ_LICENCES,
    MAY_READ_MEMBERS,
    MAY_READ_PEOPLE,
    Readers,
    Role,
)


class SearchKind(StrEnum):
    """What kind of thing was found."""

    LICENCE = "LICENCE"
    DOCUMENT = "DOCUMENT"
    PAYMENT = "PAYMENT"
    RUN = "RUN"
    BANK_STATEMENT = "BANK_STATEMENT"
    BANK_ENTRY = "BANK_ENTRY"
    LAB = "LAB"
    MEMBER = "MEMBER"
    WORK = "WORK"
    RIGHTHOLDER = "RIGHTHOLDER"
    CLAIM = "CLAIM"
    CLIENT = "CLIENT"
    PERSON = "PERSON"
    COLLECTIVE = "COLLECTIVE"


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found: its id, what it is called, and what tells it from others.

    `is_exact` where the text is its number or id; `period` where it is of a month, `party` where it
    is somebody's.
    """

    id: str
    title: str
    detail: str = ""
    amount: Money | None = None
    on: date | None = None
    period: str | None = None
    party: str | None = None
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class Looking:
    """Who looks for what, where and when; `own` is whose things alone it is shown, if not all."""

    session: ReadSession
    sought: Sought
    who: Principal | None
    own: str | None
    here: str
    now: datetime
    limit: int

    def is_exact(self, *names: str) -> bool:
        """Tell whether the text is one of the names of something."""
        return not {name.casefold() for name in names}.isdisjoint({self.sought.text.casefold()})


@dataclass(frozen=True, slots=True)
class Part:
    """How a kind is found, and who may see it: everybody where `readers` is None.

    `is_of_registry` is what a collective keeps, and the hub does not.
    """

    find: Callable[[Looking], Awaitable[list[Hit]]]
    readers: Readers | None
    is_of_registry: bool = False


async def _licences(at: Looking) -> list[Hit]:
    rows = await store.licences(at.session, at.sought, at.own, at.limit)
    return [
        Hit(
            row.number,
            row.number,
            row.licensee,
            on=row.starts_on,
            is_exact=at.is_exact(row.number),
        )
        for row in rows
    ]


async def _documents(at: Looking) -> list[Hit]:
    series = series_for(at.who, None) if at.who and at.own is None else TO_LICENSEES
    rows = await store.documents(at.session, at.sought, series, at.own, at.limit)
    return [
        Hit(row.number, row.number, row.subject, on=row.issued_on, is_exact=True) for row in rows
    ]


async def _payments(at: Looking) -> list[Hit]:
    return [
        Hit(
            row.payment_id,
            row.payment_id,
            row.payee,
            Money(row.amount, row.currency),
            row.booked_on or row.due_on,
            period=str(row.period),
            is_exact=at.is_exact(row.payment_id),
        )
        for row in await store.payments(at.session, at.sought, at.limit)
    ]


async def _runs(at: Looking) -> list[Hit]:
    rows = await store.runs(at.session, at.sought, at.limit)
    return [
        Hit(run_id, f"{period} {run_id[:12]}", state, period=period, is_exact=True)
        for run_id, period, state in rows
    ]


async def _statements(at: Looking) -> list[Hit]:
    if at.sought.row is None:
        return []
    return [
        Hit(str(row.id), f"{row.number} {account.name}", row.bank_id, on=row.to_on)
        for row, account in await store.statements(at.session, at.sought, at.limit)
    ]


async def _entries(at: Looking) -> list[Hit]:
    return [
        Hit(
            str(row.id),
            f"{row.id} {name or ''}".strip(),
            remittance or row.text,
            Money(row.signed, row.currency),
            row.booked_on,
        )
        for row, name, remittance in await store.entries(at.session, at.sought, at.limit)
    ]


async def _labs(at: Looking) -> list[Hit]:
    rows = await store.labs(at.session, at.sought, at.limit)
    return [Hit(row.id, row.name, row.id, is_exact=at.is_exact(row.id)) for row in rows]


async def _members(at: Looking) -> list[Hit]:
    asked, moment = at.sought.text, Moment(at.now)
    found = await find_some(at.session, MEMBERS, asked, [asked], moment, at.limit)
    return [
        Hit(one.thing, one.body.name, one.thing, is_exact=at.is_exact(one.thing)) for one in found
    ]


async def _works(at: Looking) -> list[Hit]:
    found = await store.works(at.session, at.sought, at.here, Moment(at.now), at.limit)
    names = [f"{at.here}:{one.thing}" for one in found]
    return [
        Hit(name, one.body.title, name, is_exact=at.is_exact(name, one.thing))
        for name, one in zip(names, found, strict=True)
    ]


async def _rightholders(at: Looking) -> list[Hit]:
    asked, moment = at.sought.text, Moment(at.now)
    own = without_code(at.here, asked)
    found = await find_some(at.session, RIGHTHOLDERS, asked, [own], moment, at.limit)
    return [Hit(f"{at.here}:{one.thing}", one.body.name, one.thing) for one in found]


async def _claims(at: Looking) -> list[Hit]:
    rows = await store.claims(at.session, at.sought, at.own, at.limit)
    return [
        Hit(
            row.claim_id,
            f"{'*.' if row.wildcard else ''}{row.host}{row.path}",
            row.claim_id,
            on=row.valid_from,
            party=row.member_id,
            is_exact=at.is_exact(row.claim_id),
        )
        for row in rows
    ]


async def _clients(at: Looking) -> list[Hit]:
    if at.who is None:
        return []
    kinds, party = readable(at.who)
    rows = await store.clients(at.session, at.sought, kinds, party, at.limit)
    return [
        Hit(row.client_id, row.name, row.client_id, party=row.party, is_exact=False) for row in rows
    ]


async def _people(at: Looking) -> list[Hit]:
    rows = await store.people(at.session, at.sought, at.limit)
    return [
        Hit(row.subject, row.name, row.subject, party=row.party, is_exact=at.is_exact(row.subject))
        for row in rows
    ]


async def _collectives(at: Looking) -> list[Hit]:
    rows = await store.parties(at.session, at.sought, at.limit)
    return [Hit(row.code, row.name, row.code, on=row.admitted_at.date()) for row in rows]


_CLIENTS: Final = Readers(MAY_READ_CLIENTS)
_SIGNED_IN: Final = Readers(tuple(Role))  # works are shown to whoever has signed in
_LABS: Final = Readers(MAY_READ_BILLING.staff)
PARTS: Final[Mapping[SearchKind, Part]] = MappingProxyType(
    {
        SearchKind.LICENCE: Part(_licences, MAY_READ_LICENCES),
        SearchKind.DOCUMENT: Part(_documents, MAY_READ_DOCUMENTS),
        SearchKind.PAYMENT: Part(_payments, MAY_READ_BOOKS),
        SearchKind.RUN: Part(_runs, MAY_READ_BOOKS),
        SearchKind.BANK_STATEMENT: Part(_statements, MAY_READ_BOOKS),
        SearchKind.BANK_ENTRY: Part(_entries, MAY_READ_BOOKS),
        SearchKind.LAB: Part(_labs, _LABS),
        SearchKind.MEMBER: Part(_members, MAY_READ_MEMBERS, is_of_registry=True),
        SearchKind.WORK: Part(_works, _SIGNED_IN, is_of_registry=True),
        SearchKind.RIGHTHOLDER: Part(_rightholders, MAY_READ_MEMBERS, is_of_registry=True),
        SearchKind.CLAIM: Part(_claims, MAY_READ_CLAIMS, is_of_registry=True),
        SearchKind.CLIENT: Part(_clients, _CLIENTS),
        SearchKind.PERSON: Part(_people, MAY_READ_PEOPLE),
        SearchKind.COLLECTIVE: Part(_collectives, None),
    }
)
