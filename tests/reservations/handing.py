"""Files handed over at a node as people do it, and what the register says after that."""

from datetime import UTC, datetime

from federation.published.rules import Kind, Reading, Rule, RuleList
from federation.reservations import service
from federation.reservations.rulings import rulings_of
from federation.trust.principals import Principal
from tests.published.reserving import reserving

MONDAY = datetime(2026, 9, 7, 6, tzinfo=UTC)
TUESDAY = datetime(2026, 9, 8, 6, tzinfo=UTC)
WEDNESDAY = datetime(2026, 9, 9, 6, tzinfo=UTC)
THURSDAY = datetime(2026, 9, 10, 6, tzinfo=UTC)
ROSA = Principal("rosa", frozenset({"registry_officer"}))
RUTH = Principal("ruth", frozenset({"registry_officer"}))
SITE = "https://news.example/"

REFUSED = "User-agent: GPTBot\nDisallow: /news/\nAllow: /news/free/\n"


async def hand_over(
    database,
    text,
    *,
    seen_at=MONDAY,
    now=None,
    kind=Kind.ROBOTS,
    site=SITE,
    who=ROSA,
    reason="from the site",
    fetched_from=None,
    ours=(),
):
    data = text if isinstance(text, bytes) else text.encode()
    handed = service.HandedOver(kind, site, data, seen_at, fetched_from, reason)
    reading = service.read_handed_over(handed, ours)
    async with database.write("hand over") as session:
        return await service.hand_over_source(session, handed, reading, who=who, now=now or seen_at)


async def confirm(database, version, *, who=RUTH, now=THURSDAY, reason="they said so"):
    async with database.write("confirm") as session:
        return await service.confirm_ending(session, version, reason, who=who, now=now)


async def refuse(database, version, *, who=RUTH, now=THURSDAY, reason="a mistake of theirs"):
    async with database.write("refuse") as session:
        return await service.refuse_ending(session, version, reason, who=who, now=now)


async def rulings(database, source=1, known_at=None):
    async with database.read() as session:
        return await rulings_of(session, source, known_at)


async def reserved(database, path, use, at, *, source=1, known_at=None):
    """Tell whether a source reserves a path, by its rulings alone: each list for itself."""
    said = [
        each
        for each in await rulings(database, source, known_at)
        if each.use in ("*", use)
        and each.effective_at <= at
        and (each.ends_at is None or at < each.ends_at)
    ]
    lists = {each.source for each in said}
    found = [
        RuleList(
            name,
            (use,),
            tuple(Rule(each.path, each.allow, "", "") for each in said if each.source == name),
        )
        for name in sorted(lists)
    ]
    return bool(reserving(Reading(Kind.ROBOTS, "", tuple(found), ()), path, use))
