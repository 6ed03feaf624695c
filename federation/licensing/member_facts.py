"""What a node knows of one of its members for the terms that it publishes (`rsl.member_terms`)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from federation.addresses.matching import outermost
from federation.addresses.urls import ClaimKey, UrlKey
from federation.claimindex.index import ClaimIndex
from federation.consent.deciding import Ruling, says_no
from federation.consent.states import OF_RECORDS, Reason, State
from federation.licensing.counter import Counter
from federation.registry import own_store, store
from federation.registry.imports import holder_id
from federation.registry.service import get_member
from federation.registry.tables import OptOut
from federation.rsl.member_terms import (
    MAX_AGE_DAYS,
    RESERVED_MAX,
    MemberFacts,
    Reserved,
    base_path,
)
from federation.store.sessions import ReadSession

CLAIMS_READ_MAX: Final = 5_000  # of a member; most lie within others, which alone are published


async def member_facts(
    session: ReadSession, node: str, member: str, *, counter: Counter, now: datetime
) -> MemberFacts:
    """Return what is for sale of a member at the hub's counter, and what is reserved.

    A reservation of tomorrow stands in it today, since the document may be kept for a day. What
    another member of this collective claims as well is left out: nobody can say whose it is. Raises
    UnknownMemberError.
    """
    await get_member(session, member)
    until = now + timedelta(days=MAX_AGE_DAYS)
    today, tomorrow = (each.astimezone(UTC).date() for each in (now, until))
    claims = await store.claims_held(session, member, on=today, limit=CLAIMS_READ_MAX)
    keys = {UrlKey(claim.host, claim.path) for claim in claims}
    index = await own_store.own_index(session, node, keys)
    holder = holder_id(node, member)
    claims = outermost(claim for claim in claims if _is_alone(claim, holder, index, now))
    others = await store.others_below(
        session, member, claims, first=today, last=tomorrow, limit=RESERVED_MAX + 1
    )
    said: dict[ClaimKey | None, list[Ruling]] = {}
    for row in await store.opt_outs_of(session, member):
        said.setdefault(None, []).append(_ruling(row))
    for row in await store.opt_outs_touching(session, claims):
        place = ClaimKey(row.host or "", row.path or "", row.wildcard)
        said.setdefault(place, []).append(_ruling(row))
    reserved = [
        one
        for subject, rulings in said.items()
        for one in reserved_by(subject, rulings, counter.uses, now, until)
    ]
    reserved += await _reserved_as_originals(session, node, member, counter.uses, (now, until))
    server = counter.hub_url + base_path(node, member)
    return MemberFacts(claims, reserved, counter.uses, server, counter.buy_at, others)


def _is_alone(claim: ClaimKey, holder: str, index: ClaimIndex, now: datetime) -> bool:
    found = index.claimants(UrlKey(claim.host, claim.path), now)
    return {each.holder_id for each in found} == {holder}


def reserved_by(
    subject: ClaimKey | None,
    rulings: Sequence[Ruling],
    sold: Iterable[str],
    now: datetime,
    until: datetime,
) -> Iterator[Reserved]:
    """Yield what is reserved of one subject between two instants, the most restrictive of it.

    A yes opens nothing here. A mandate of some uses leaves the collective no other to sell: they
    are not for sale, which is not to say that the member refuses them.
    """
    standing = [one for one in rulings if _holds(one, now, until)]
    for one in standing:
        if says_no(one):
            yield Reserved(one.use, subject)
    begins = [one.effective_at for one in standing if one.state == State.MANDATED]
    if begins:
        spoken_of = [
            one
            for one in standing
            if one.effective_at <= max(now, min(begins))
            and (one.ends_at is None or one.ends_at > until)
            and one.state in OF_RECORDS
        ]
        for use in sold:
            if not any(one.speaks_of(use) for one in spoken_of):
                yield Reserved(use, subject, is_refused=False)


async def _reserved_as_originals(
    session: ReadSession,
    node: str,
    member: str,
    sold: Iterable[str],
    instants: tuple[datetime, datetime],
) -> list[Reserved]:
    """Return what is reserved of copies since their original is (SETTLEMENT §3.5)."""
    now, until = instants
    copies = await store.copies_held(
        session,
        member,
        first=now.astimezone(UTC).date(),
        last=until.astimezone(UTC).date(),
        limit=CLAIMS_READ_MAX,
    )
    originals = {original for _, original in copies}
    index = await own_store.own_index(session, node, originals)
    found = {
        Reserved(use, claim, is_refused=why != Reason.NOT_MANDATED)
        for claim, original in copies
        for use in sold
        for at in instants
        if (why := index.why_reserved(original, use, at)) is not None
    }
    return sorted(found, key=lambda each: (str(each.subject), each.use, each.is_refused))


def _ruling(row: OptOut) -> Ruling:
    return Ruling(row.state, row.use, row.effective_at, row.ends_at, row.source)


def _holds(one: Ruling, now: datetime, until: datetime) -> bool:
    return one.effective_at <= until and (one.ends_at is None or now < one.ends_at)
