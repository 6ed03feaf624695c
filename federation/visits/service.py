"""Take what a site says of its visits, and compare it with the usage that its node has."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import ClassVar, Final, NamedTuple

from federation.clients import store as clients
from federation.clients.tables import Client, Credential
from federation.errors import RefusalError
from federation.gate.visit_report import VisitCount, VisitReport
from federation.metering.days import counted_at_gates
from federation.registry.service import get_member
from federation.store.sessions import ReadSession, WriteSession
from federation.trust.principals import NotAllowedError, Principal
from federation.values.roles import MAY_TELL_VISITS, ClientKind
from federation.visits import store
from federation.visits.tables import SiteState, VisitTotal

DAYS_BACK: Final = 35
"""How old a day may be that a site counts."""
DAYS_KEPT: Final = 800
DAYS_SHOWN: Final = 400
ROWS_OF_A_DAY: Final = 5_000
"""Rows that one member's day holds, over its sites, their series, crawlers and outcomes."""
SITES_OF_A_MEMBER: Final = 100
ENDING_DAYS: Final = 30


class BadVisitsError(RefusalError):
    """A report of visits is not what it should be."""

    code: ClassVar[str] = "BAD_VISITS"


class TooManyVisitRowsError(RefusalError):
    """A member's day holds at most 5,000 rows."""

    code: ClassVar[str] = "TOO_MANY_VISIT_ROWS"


class BadDaysError(RefusalError):
    """Days are asked for from the first to the last, at most 400 of them."""

    code: ClassVar[str] = "BAD_DAYS"


class Site(NamedTuple):
    """A program that reports for a member, with what it proves itself with and last said.

    `client` is None where the site shows a token that somebody made for it by hand.
    """

    name: str
    state: SiteState | None
    client: Client | None
    credentials: list[Credential]


class Difference(NamedTuple):
    """A day on which a member's sites count other pages than its node has lines."""

    day: date
    at_the_sites: int
    at_the_node: int


async def note(session: WriteSession, report: VisitReport, who: Principal, now: datetime) -> None:
    """Keep what a site says of itself, in the place of what it said before.

    It is kept in a transaction of its own, before the counts, which may be too many: that a site is
    heard of is known all the same. What no site said for 800 days is dropped, and of 100 sites the
    one heard of longest ago gives way. Refused as `take` refuses, but for the number of rows.
    """
    member, _ = await _require_report(session, report, who, now)
    await store.forget_sites_before(session, member, now - timedelta(days=DAYS_KEPT))
    state = await store.find_site(session, member, who.subject)
    if state is None:
        await store.make_room_for_a_site(session, member, keep=SITES_OF_A_MEMBER - 1)
        state = SiteState(member=member, site=who.subject)
        session.add(state)
    state.heard_at, state.kit, state.mode = now, report.kit, report.mode
    state.waiting, state.policy_at = report.waiting, report.policy_at


async def take(session: WriteSession, report: VisitReport, who: Principal, now: datetime) -> int:
    """Keep what a site says of its visits; return how many rows became larger.

    Refused whole: a day to come or older than 35 days, a row twice (BAD_VISITS), too many rows
    (TOO_MANY_VISIT_ROWS), a caller that is no site of a member (NOT_ALLOWED).
    """
    member, days = await _require_report(session, report, who, now)
    counted = await store.counted_by(session, member, days, site=who.subject, series=report.series)
    held = {_key_of(row): row for row in counted}
    rows = [_row(each, member, who.subject, report.series) for each in report.counts]
    new = [row for row in rows if _key_of(row) not in held]
    _require_room(await store.rows_by_day(session, member, days), new)
    larger = 0
    for row in rows:
        before = held.get(_key_of(row))
        if before is not None and before.count < row.count:
            before.count, larger = row.count, larger + 1
    session.add_all(new)
    await store.forget_before(session, member, now.date() - timedelta(days=DAYS_KEPT))
    return larger + len(new)


async def _require_report(
    session: ReadSession, report: VisitReport, who: Principal, now: datetime
) -> tuple[str, set[date]]:
    """Return whose site tells, and the days that it counted, or refuse the report."""
    who.require(*MAY_TELL_VISITS)
    member = who.require_party()
    await get_member(session, member)
    return member, _require_right(report.counts, now)


def _require_right(counts: Iterable[VisitCount], now: datetime) -> set[date]:
    """Return the days that are counted, or refuse the report."""
    first, last = now.date() - timedelta(days=DAYS_BACK), now.date() + timedelta(days=1)
    seen = set[store.VisitKey]()
    for place, each in enumerate(counts):
        if not first <= each.day <= last:
            raise BadVisitsError(f"counts[{place}].day: {each.day} is not {first} to {last}")
        key = store.VisitKey(each.day, each.agent, each.outcome, each.let_through)
        if key in seen:
            raise BadVisitsError(f"counts[{place}]: the same row twice")
        seen.add(key)
    return {key.day for key in seen}


def _require_room(held: Mapping[date, int], new: Iterable[VisitTotal]) -> None:
    rows = Counter(held)
    for row in new:
        rows[row.day] += 1
        if rows[row.day] > ROWS_OF_A_DAY:
            raise TooManyVisitRowsError(f"{row.day}")


def _row(count: VisitCount, member: str, site: str, series: str) -> VisitTotal:
    return VisitTotal(
        member=member,
        day=count.day,
        agent=count.agent,
        outcome=count.outcome,
        let_through=count.let_through,
        site=site,
        series=series,
        count=count.count,
    )


def _key_of(row: VisitTotal) -> store.VisitKey:
    return store.VisitKey(row.day, row.agent, row.outcome, row.let_through)


def best_credential(site: Site, now: datetime) -> Credential | None:
    """Return the credential that a site can prove itself with for longest, else its last one."""
    alive = [each for each in site.credentials if each.is_live(now)]
    return max(alive or site.credentials, key=lambda each: each.expires_at, default=None)


def credential_state(site: Site, now: datetime) -> str | None:
    """Return LIVE, ENDING (within 30 days), OVER or REVOKED; None for a site without a client."""
    if site.client is None:
        return None
    best = best_credential(site, now)
    if site.client.revoked_at is not None or (best is not None and best.revoked_at is not None):
        return "REVOKED"
    if best is None or not best.is_live(now):
        return "OVER"
    return "ENDING" if best.expires_at < now + timedelta(days=ENDING_DAYS) else "LIVE"


async def sites(session: ReadSession, member: str | None) -> list[Site]:
    """Return a member's sites by name, those never heard of as well (UNKNOWN_MEMBER)."""
    member = await _one(session, member)
    said = await store.sites_of(session, member)
    rows = await clients.clients(session, kinds=[ClientKind.SITE], parties=[member])
    of_each = await clients.credentials_of_each(session, [row.client_id for row in rows])
    by_name = {row.client_id: row for row in rows}
    return [
        Site(name, said.get(name), by_name.get(name), of_each.get(name, []))
        for name in sorted(said.keys() | by_name.keys())
    ]


async def visits(
    session: ReadSession,
    member: str | None,
    since: date,
    until: date,
    *,
    after: store.VisitKey | None = None,
    limit: int = 100,
) -> list[store.Visits]:
    """Return a member's visits of some days, both included (UNKNOWN_MEMBER, BAD_DAYS)."""
    member = await _one(session, member)
    _require_days(since, until)
    return await store.visits(session, member, since, until, after=after, limit=limit)


async def differences(
    session: ReadSession, member: str | None, since: date, until: date
) -> list[Difference]:
    """Return the days on which a member's sites and its node do not count the same, in order.

    Days before the first on which a site of the member told anything are no differences, nor is
    anything while no site tells. A site counts a page before its node hears of it: today, and while
    a site has lines waiting, a difference is what is under way (UNKNOWN_MEMBER, BAD_DAYS).
    """
    member = await _one(session, member)
    _require_days(since, until)
    first = await store.first_day_told(session, member)
    if first is None or first > until:
        return []
    since = max(since, first)
    theirs = await store.served_by_day(session, member, since, until)
    ours = await counted_at_gates(session, f"site:{member}", since, until)
    return [
        Difference(day, theirs.get(day, 0), ours.get(day, 0))
        for day in sorted(theirs.keys() | ours.keys())
        if theirs.get(day, 0) != ours.get(day, 0)
    ]


def _require_days(since: date, until: date) -> None:
    if not since <= until < since + timedelta(days=DAYS_SHOWN):
        raise BadDaysError(f"{since} to {until}")


async def _one(session: ReadSession, member: str | None) -> str:
    if member is None:
        raise NotAllowedError("name the member")
    await get_member(session, member)
    return member
