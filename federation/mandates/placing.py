"""Where a subject is, and when: at which addresses, or as which member of the collective."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from federation.addresses.urls import ClaimKey, UrlKey, normalise_subject
from federation.claimindex.entitlement import counts_from
from federation.history.kinds import Found
from federation.history.merges import over_period
from federation.history.spans import Span
from federation.mandates.records import Subject, SubjectKind
from federation.registry import store as registry
from federation.registry.chain_store import claims_after
from federation.registry.membership import midnight
from federation.rightholders.store import RIGHTHOLDERS
from federation.store.base import from_micros
from federation.store.sessions import ReadSession
from federation.works.store import WORKS
from federation.works.work import Work

ALWAYS = Span(from_micros(0), None)


class Place(NamedTuple):
    """A member, or an address and what lies below it; `host/path$` is the page alone."""

    member: str | None
    key: ClaimKey | None


class Placed(NamedTuple):
    """Where a subject is from one instant to before another."""

    place: Place
    span: Span


async def placed(
    session: ReadSession, subjects: Collection[Subject]
) -> dict[Subject, list[Placed]]:
    """Return where subjects are, as is known now.

    A work is on the pages of its addresses, also as what it was merged into; a claim at its
    address while it counts, also as what came in its place; a rightholder is the member that it is.
    While a rightholder is none, it is where `parties` says.
    """
    found: dict[Subject, list[Placed]] = {}
    found |= await _works(session, [one for one in subjects if one.kind is SubjectKind.WORK])
    found |= await _claims(session, [one for one in subjects if one.kind is SubjectKind.CLAIM])
    found |= await _rightholders(
        session, [one for one in subjects if one.kind is SubjectKind.RIGHTHOLDER]
    )
    for one in subjects:
        if one.kind is SubjectKind.MEMBER:
            found[one] = [Placed(Place(one.name, None), ALWAYS)]
        elif one.kind is SubjectKind.ADDRESS:
            found[one] = [Placed(Place(None, normalise_subject(one.name)), ALWAYS)]
    return found


def page_of(address: str) -> ClaimKey:
    """Return the subject that is a page and nothing below it."""
    key = UrlKey.of(address)
    return ClaimKey(key.host, f"{key.path}$", wildcard=False)


async def _works(
    session: ReadSession, subjects: Collection[Subject]
) -> dict[Subject, list[Placed]]:
    parts = await over_period(session, WORKS, [one.name for one in subjects], ALWAYS)
    return {one: list(joined(_pages(parts[one.name]))) for one in subjects}


def _pages(parts: Iterable[Found[Work]]) -> Iterator[Placed]:
    for part in parts:
        for address in part.body.addresses:
            yield Placed(Place(None, page_of(address)), part.period)


async def _rightholders(
    session: ReadSession, subjects: Collection[Subject]
) -> dict[Subject, list[Placed]]:
    parts = await over_period(session, RIGHTHOLDERS, [one.name for one in subjects], ALWAYS)
    return {
        one: list(
            joined(
                Placed(Place(part.body.member, None), part.period)
                for part in parts[one.name]
                if part.body.member is not None
            )
        )
        for one in subjects
    }


async def _claims(
    session: ReadSession, subjects: Collection[Subject]
) -> dict[Subject, list[Placed]]:
    rows = await claims_after(session, [one.name for one in subjects])
    members = {row.member_id for claims in rows.values() for row in claims}
    joined_on = await registry.joined_on(session, members)
    found: dict[Subject, list[Placed]] = {one: [] for one in subjects}
    for one in subjects:
        for row in rows.get(one.name, []):
            starts_at = midnight(counts_from(joined_on[row.member_id], row.valid_from))
            ends_at = None if row.valid_to is None else midnight(row.valid_to)
            if ends_at is None or starts_at < ends_at:
                place = Place(None, ClaimKey(row.host, row.path, row.wildcard))
                found[one].append(Placed(place, Span(starts_at, ends_at)))
        found[one] = list(joined(found[one]))
    return found


def joined(parts: Iterable[Placed]) -> Iterator[Placed]:
    """Put together what follows without a gap: what else changed meanwhile is nobody's affair."""
    spans: dict[Place, list[Span]] = {}
    for place, span in parts:
        spans.setdefault(place, []).append(span)
    for place, its in spans.items():
        for span in joined_spans(its):
            yield Placed(place, span)


def joined_spans(spans: Sequence[Span]) -> list[Span]:
    """Return the same time in as few spans as it takes, the first first."""
    found: list[Span] = []
    for span in sorted(spans, key=_starts_at):
        last = found[-1] if found else None
        if last is not None and (last.ends_at is None or span.starts_at <= last.ends_at):
            found[-1] = Span(last.starts_at, _later(last, span))
        else:
            found.append(span)
    return found


def _starts_at(span: Span) -> datetime:
    return span.starts_at


def _later(one: Span, other: Span) -> datetime | None:
    if one.ends_at is None or other.ends_at is None:
        return None
    return max(one.ends_at, other.ends_at)
