"""Consent records as people make them at a node, and what the node answers after them."""

from datetime import UTC, datetime, timedelta

from federation.addresses.urls import normalise_url
from federation.claimindex import index_store
from federation.history.kinds import Saying
from federation.mandates.records import DraftRecord
from federation.proposals import acts, service
from federation.registry import own_store
from federation.works import service as works
from federation.works.work import DraftWork
from tests.proposals.acting import NOON, confirm, rules, submit

START = datetime(2026, 9, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SAYING = Saying("rosa", "a letter", START)
RULES = works.Rules("DE", rules().tiers)


def draft(subject="work:W-1", state="WITHHELD", use="TRAIN", **fields):
    return DraftRecord(subject, state, "Ann Author", use=use, **fields)


async def recorded(database, *args, now=NOON, **fields):
    """Record something, by two people where it needs two; return its id."""
    return await carried_out(database, acts.RecordConsent(draft(*args, **fields)), now=now)


async def carried_out(database, act, *, now=NOON):
    found = await submit(database, act, now=now)
    if not isinstance(found, service.Done):
        found = await confirm(database, found.id, now=now)
    [number] = found.written.records or [None]
    return number


async def work(database, name, *addresses, rightholder="R-1", starts_at=START, now=NOON, new=True):
    """Register a work, or say where it stands from an instant on."""
    described = DraftWork(name, addresses=addresses, rightholder=rightholder)
    saying = Saying("rosa", "a letter", now)
    async with database.write("work") as session:
        if new:
            await works.acts_by(RULES).register(
                session, name, described, starts_at=starts_at, saying=saying
            )
        else:
            await works.acts_by(RULES).change(
                session, name, described, starts_at=starts_at, ends_at=None, saying=saying
            )


async def why(database, url, use="TRAIN", at=NOON + DAY, *, known_at=None, own=True):
    """Return why an address is reserved as the node, or the hub's index, says it."""
    key = normalise_url(url)
    async with database.read() as session:
        index = (
            await own_store.own_index(session, "DE", {key}, known_at)
            if own
            else await index_store.hub_index(session, {key}, known_at)
        )
    return index.why_reserved(key, use, at)
