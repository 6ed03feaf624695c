"""Acts on opt-outs: each judged, and returned as the edit that it would be; nothing is written."""

from collections.abc import Collection, Iterable
from datetime import datetime

from federation.addresses.matching import candidate_hosts, candidate_paths, is_pattern
from federation.addresses.urls import ClaimKey, normalise_subject
from federation.consent.states import ALL_USES, State
from federation.proposals.rules import (
    BackdatedError,
    BadOptOutError,
    OptOutThereError,
    Rules,
    SupersededError,
    UnknownOptOutError,
)
from federation.registry import edit_store
from federation.registry.edits import Edit, GoneOptOut
from federation.registry.imports import NewOptOut, entered
from federation.registry.service import get_member
from federation.registry.tables import Claim, OptOut
from federation.store.sessions import ReadSession
from federation.values.fields import Fields, one_of

OF_A_MEMBER = "member:"


def read_opt_out(subject: str, use: str, effective_at: datetime, rules: Rules) -> NewOptOut:
    """Read an opt-out of `member:ID` or of an address, or refuse it (BAD_OPT_OUT)."""
    fields = Fields()
    read_use = fields.one("use", use, one_of({*rules.uses, ALL_USES}))
    member = subject.removeprefix(OF_A_MEMBER) if subject.startswith(OF_A_MEMBER) else None
    key = None
    if member is None:
        key = fields.one("subject", subject, lambda text: entered(normalise_subject(text)))
    if fields.faults or read_use is None:
        raise BadOptOutError(fields.faults)
    return NewOptOut(member, key, read_use, effective_at)


async def record_opt_out(
    session: ReadSession,
    subject: str,
    use: str,
    effective_at: datetime,
    rules: Rules,
    *,
    is_by_member: bool,
) -> tuple[NewOptOut, Edit]:
    """Record an opt-out (UNKNOWN_MEMBER, BAD_OPT_OUT, OPT_OUT_THERE).

    A member that asks says no from now on at the earliest (BACKDATED); an officer may record one
    that was received before.
    """
    if is_by_member and effective_at < rules.now:
        raise BackdatedError(f"{rules.now.isoformat()} at the earliest")
    new = read_opt_out(subject, use, effective_at, rules)
    if new.member_id is not None:
        await get_member(session, new.member_id)
    for row in await edit_store.same_opt_outs(session, [new]):
        if row.ends_at is None:
            raise OptOutThereError(str(row.id))
    return new, Edit(opt_outs=[(new, None, None)])


async def end_opt_out(
    session: ReadSession, number: int, ends_at: datetime, rules: Rules
) -> tuple[NewOptOut, Edit]:
    """End an opt-out from an instant on, now at the earliest (BACKDATED); another confirms it.

    What was used until then was withheld and stays so.
    """
    row = await get_opt_out(session, number)
    if ends_at < max(rules.now, row.effective_at):
        raise BackdatedError(f"{max(rules.now, row.effective_at).isoformat()} at the earliest")
    if row.ends_at is not None and row.ends_at <= ends_at:
        raise SupersededError(f"it ends at {row.ends_at.isoformat()} already")
    new = edit_store.as_entered(row)
    gone = [GoneOptOut(row, ends_at)]
    return new, Edit(gone_opt_outs=gone, opt_outs=[(new, ends_at, row.id)], needs_another=True)


async def get_opt_out(session: ReadSession, number: int) -> OptOut:
    """Return an opt-out that is known now (UNKNOWN_OPT_OUT, SUPERSEDED)."""
    row = await edit_store.find_opt_out(session, number)
    if row is None or row.state != State.OPT_OUT:  # a ruling ends with what it follows from
        raise UnknownOptOutError(str(number))
    if row.superseded_at is not None:
        raise SupersededError(str(number))
    return row


async def is_of(session: ReadSession, opt_out: NewOptOut, own: Collection[str]) -> bool:
    """Tell whether an opt-out is some members' own affair: it names one, or what they alone claim.

    An address counts as their own where it lies within a claim of theirs, and no other member's
    claim covers it or lies below it. They are the one that asks, and those it succeeds.
    """
    if not await touches(session, opt_out, own):
        return False
    key = opt_out.key
    return key is None or not await edit_store.is_claimed_by_another(session, begins(key), own)


async def touches(session: ReadSession, opt_out: NewOptOut, own: Collection[str]) -> bool:
    """Tell whether an opt-out names one of some members, or lies within a claim of theirs."""
    if opt_out.key is None:
        return opt_out.member_id in own
    return await covers_one(session, opt_out.key, own)


async def covers_one(session: ReadSession, key: ClaimKey, own: Collection[str]) -> bool:
    """Tell whether a subject lies within a claim of one of some members."""
    there = begins(key)
    for member in sorted(own):
        if any(
            _covers(claim, there) for claim in await edit_store.known_claims_of(session, member)
        ):
            return True
    return False


def begins(key: ClaimKey) -> ClaimKey:
    """Return where a subject begins: of a pattern with a `*`, the folder before the first of them.

    One that ends in `$` and has none is a page, and nothing below it.
    """
    if not is_pattern(key.path):
        return key
    if "*" not in key.path:
        return ClaimKey(key.host, key.path.removesuffix("$"), key.wildcard)
    plain = key.path.removesuffix("$").partition("*")[0]
    return ClaimKey(key.host, plain[: plain.rfind("/") + 1] or "/", key.wildcard)


def _covers(claim: Claim, key: ClaimKey) -> bool:
    hosts: Iterable[tuple[str, bool]] = candidate_hosts(key.host)
    if key.wildcard:
        hosts = [(host, is_wildcard) for host, is_wildcard in hosts if is_wildcard]
    return (claim.host, claim.wildcard) in hosts and claim.path in candidate_paths(key.path)
