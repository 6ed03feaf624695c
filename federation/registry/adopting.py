"""Rows read by an earlier version of the rules of matching, read again by this one (§3.13).

At the start of a node after an upgrade, once. What this version refuses ends on that day and is
listed with the reason; what it spells otherwise is spelled anew. Nothing of this reaches back: an
opt-out that is a pattern by now was a page with a `*` in its name until then, and goes on to be
that as well, so that settled lines keep their class.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar

from federation.addresses.matching import is_pattern
from federation.addresses.urls import (
    RULES,
    ClaimKey,
    UrlKey,
    normalise_canonical,
    normalise_claim,
    normalise_path,
    normalise_subject,
    normalise_url,
)
from federation.errors import RefusalError
from federation.registry import facts, store
from federation.registry.imports import Validity, overlap
from federation.registry.service import Changes, tell_index
from federation.registry.suffixes import below_suffix
from federation.registry.tables import Claim, OptOut
from federation.store.sessions import WriteSession

_Held = dict[tuple[str, ClaimKey], list[Validity]]


class TwiceClaimedError(RefusalError):
    """The same claim twice for one member."""

    code: ClassVar[str] = "TWICE_CLAIMED"


@dataclass(frozen=True, slots=True)
class Ended:
    """A row that ended: the claim's member or None for an opt-out, as it was written, and why."""

    member_id: str | None
    text: str
    reason: str


@dataclass(slots=True)
class _Reading:
    """What has been found so far in one reading of a registry."""

    node: str
    now: datetime
    joined_on: Mapping[str, date]
    held: _Held
    changes: Changes = field(default_factory=Changes)
    ended: list[Ended] = field(default_factory=list)


async def adopt_rules(session: WriteSession, *, node: str, now: datetime) -> list[Ended]:
    """Read again what an earlier version took, tell the index, and return what ended."""
    reading = _Reading(
        node, now, await store.all_joined_on(session), await store.held_claims(session)
    )
    async for claim in store.claims_to_read_again(session):
        _read_claim_again(reading, claim)
    async for opt_out in store.opt_outs_to_read_again(session):
        pattern = _read_opt_out_again(reading, opt_out)
        if pattern is not None:
            session.add(pattern)
    await session.flush()
    await store.mark_read(session)
    await tell_index(session, node, reading.changes, now)
    return reading.ended


def _read_claim_again(reading: _Reading, row: Claim) -> None:
    joined_on = reading.joined_on[row.member_id]
    before = facts.fact_of_claim(reading.node, row, joined_on)
    written, today = ClaimKey(row.host, row.path, row.wildcard), reading.now.date()
    try:
        key, canonical = below_suffix(normalise_claim(written.text)), row.canonical
        if canonical is not None:
            page = normalise_canonical(canonical)
            canonical = below_suffix(ClaimKey(page.host, page.path, wildcard=False)).text
        if key != written:
            _hold(reading, row, key)
    except RefusalError as refusal:
        if row.valid_to is None or row.valid_to > today:
            row.valid_to, row.ended_because = today, refusal.message
            reading.ended.append(Ended(row.member_id, written.text, refusal.message))
        row.path = normalise_path(row.path)
        if row.canonical is not None:
            page = UrlKey.of(row.canonical)
            row.canonical = page.host + normalise_path(page.path)
    else:
        row.host, row.path, row.canonical = key.host, key.path, canonical
    after = facts.fact_of_claim(reading.node, row, joined_on)
    if after != before:
        reading.changes.withdrawn_claims.append(row.claim_id)
        if _can_match(row.host, row.path):
            reading.changes.claims.append(after)


def _hold(reading: _Reading, row: Claim, key: ClaimKey) -> None:
    """Refuse a claim that, spelled anew, its member holds already (§3.16)."""
    held = reading.held.setdefault((row.member_id, key), [])
    validity = (row.valid_from, row.valid_to)
    if any(overlap(validity, other) for other in held):
        raise TwiceClaimedError(key.text)
    held.append(validity)


def _read_opt_out_again(reading: _Reading, row: OptOut) -> OptOut | None:
    """Read an opt-out of an address again; return the pattern it also is from now on, if one."""
    if row.host is None or row.path is None:
        return None
    before = facts.fact_of_opt_out(reading.node, row)
    written = ClaimKey(row.host, row.path, row.wildcard)
    pattern = None
    try:
        key = below_suffix(normalise_subject(written.text))
    except RefusalError as refusal:
        row.ends_at, row.ended_because = reading.now, refusal.message
        row.path = normalise_path(row.path)
        reading.ended.append(Ended(None, written.text, refusal.message))
    else:
        row.host, row.path = key.host, normalise_path(row.path)
        if is_pattern(key.path):
            pattern = _from_now(reading, row, key)
    after = facts.fact_of_opt_out(reading.node, row)
    if after != before:
        reading.changes.withdrawn_opt_outs.append(before)
        if _can_match(row.host, row.path):
            reading.changes.opt_outs.append(after)
    return pattern


def _can_match(host: str, path: str) -> bool:
    """Tell whether a URL can have this host and path; the index takes no other."""
    try:
        return normalise_url(f"https://{host}{path}") == UrlKey(host, path)
    except RefusalError:
        return False


def _from_now(reading: _Reading, row: OptOut, key: ClaimKey) -> OptOut:
    found = OptOut(
        member_id=None,
        host=key.host,
        path=key.path,
        wildcard=key.wildcard,
        use=row.use,
        state=row.state,
        source=row.source,
        effective_at=max(row.effective_at, reading.now),
        ends_at=None,
        recorded_at=reading.now,
        rules=RULES,
        ended_because=None,
    )
    reading.changes.opt_outs.append(facts.fact_of_opt_out(reading.node, found))
    return found
