"""Who is told of which event, and what of it: never more than it may ask for by GraphQL.

A party is told of its own, the staff of a role of what that role reads (`values/roles.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from federation.licensing import store as licensing
from federation.licensing.objects import decode
from federation.registry import list_store
from federation.store.sessions import ReadSession
from federation.values.event import Event, EventType
from federation.values.roles import (
    MAY_READ_BILLING,
    MAY_READ_BOOKS,
    MAY_READ_CLAIMS,
    MAY_READ_LICENCES,
    MAY_READ_STATEMENTS,
    Role,
)

LICENCES_MAX: Final = 200  # of a lab that are looked at, those accepted last
NUMBERS_MAX: Final = 50  # that one event names; it says how many more there are
Data = Mapping[str, str | int | list[str]]


@dataclass(frozen=True, slots=True)
class Readers:
    """Whom a kind of event is told: staff of everybody's, parties in the roles `own` of theirs."""

    staff: frozenset[Role]
    own: frozenset[Role]


_REGISTRY: Final = frozenset(MAY_READ_CLAIMS.staff)
_LICENCES = Readers(frozenset(MAY_READ_LICENCES.staff), frozenset({Role.LAB}))
_BILLING = Readers(frozenset(MAY_READ_BILLING.staff), frozenset({Role.LAB}))
_PAYMENTS = Readers(frozenset(MAY_READ_BOOKS.staff), frozenset({Role.LAB, Role.MEMBER}))
_STATEMENTS = Readers(frozenset(MAY_READ_STATEMENTS.staff), frozenset({Role.MEMBER}))
_OPT_OUTS = Readers(_REGISTRY, frozenset({Role.LAB, Role.MEMBER}))
_CONSENT = Readers(_REGISTRY, frozenset({Role.LAB}))
_REMITTANCES = Readers(frozenset(MAY_READ_BOOKS.staff), frozenset())
_READERS: Final[Mapping[EventType, Readers]] = MappingProxyType(
    {
        EventType.LICENCE_GRANTED: _LICENCES,
        EventType.LICENCE_SUSPENDED: _LICENCES,
        EventType.LICENCE_REINSTATED: _LICENCES,
        EventType.LICENCE_REVOKED: _LICENCES,
        EventType.LICENCE_ENDED_EARLY: _LICENCES,
        EventType.INVOICE_ISSUED: _BILLING,
        EventType.CREDIT_NOTE_ISSUED: _BILLING,
        EventType.PAYMENT_RECEIVED: _BILLING,
        EventType.PAYMENT_SENT: _PAYMENTS,
        EventType.PAYMENT_RETURNED: _PAYMENTS,
        EventType.STATEMENT_READY: _STATEMENTS,
        EventType.OPT_OUT_RECORDED: _OPT_OUTS,
        EventType.OPT_OUT_ENDED: _OPT_OUTS,
        EventType.CONSENT_RECORDED: _CONSENT,
        EventType.CONSENT_ENDED: _CONSENT,
        EventType.RESERVATION_FOUND: _CONSENT,
        EventType.RESERVATION_ENDED: _CONSENT,
        EventType.REMITTANCE_RECEIVED: _REMITTANCES,
    }
)
_OF_ALL_LABS: Final = frozenset(
    kind for kind, readers in _READERS.items() if readers in (_OPT_OUTS, _CONSENT)
)
"""What changes what may be used: each lab with a licence is told, and of nobody's affair."""
_OWN: Final = frozenset({Role.LAB, Role.MEMBER})
MAY_KEEP_WEBHOOKS: Final = tuple(
    role
    for role in Role
    if role is not Role.AUDITOR
    and any(role in {*each.staff, *each.own} for each in _READERS.values())
)
"""Labs, members, and the staff that reads something of what is told; an auditor changes nothing."""


def is_own(role: Role) -> bool:
    """Tell whether who holds a role is told of its party's only."""
    return role in _OWN


def types_for(role: Role) -> frozenset[EventType]:
    """Return what a webhook of a role may be told; PING is sent when it is asked for."""
    return frozenset(
        kind for kind, readers in _READERS.items() if role in readers.staff | readers.own
    )


async def told(
    session: ReadSession, event: Event, role: Role, party: str | None, here: str, today: date
) -> Data | None:
    """Return what an event tells a role, or its party where it is told of its own; or None."""
    readers = _READERS[event.type]
    if role in readers.staff:
        return {"server": here, **event.about, **_numbers(event, event.numbers)}
    if role not in readers.own or party is None:
        return None
    if role is Role.LAB and event.type in _OF_ALL_LABS:
        # Which it asks: `rights` of what it holds, or the hub for the list of what is withheld.
        return {"server": here} if await _is_licensed(session, party, here, today) else None
    if role is Role.LAB:
        return {"server": here, **event.about} if event.licensee == party else None
    if event.numbers:
        own = await _own_numbers(session, event, party)
        return {"server": here, **_numbers(event, own)} if own else None
    return {"server": here, **event.about} if party in event.members else None


def _numbers(event: Event, numbers: tuple[int, ...]) -> Data:
    if not numbers:
        return {}
    shown = [str(number) for number in numbers[:NUMBERS_MAX]]
    name = "opt_outs" if _READERS[event.type] is _OPT_OUTS else "records"
    return {name: shown, "more": len(numbers) - len(shown)}


async def _is_licensed(session: ReadSession, lab: str, here: str, today: date) -> bool:
    """Tell whether a lab holds a licence that may be used here today, whoever granted it.

    A node has taken every licence that it knows: only the hub notes where one is registered.
    """
    found = await licensing.licences_in_force(
        session, lab, on=today, registered_at=None, limit=LICENCES_MAX
    )
    repertoires = (decode(row.body).grant.repertoire for row in found)
    return any(not of or here in of for of in repertoires)


async def _own_numbers(session: ReadSession, event: Event, member: str) -> tuple[int, ...]:
    """Return the opt-outs of an event that `optOuts` shows a member."""
    shown = await list_store.opt_outs_of(session, member, event.numbers)
    return tuple(number for number in event.numbers if number in shown)
