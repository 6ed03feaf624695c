"""Who used an address, and what each use earned its member."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from federation.addresses.urls import UrlKey
from federation.config import HubConfig, NodeConfig
from federation.distribution import store as distribution
from federation.metering import service as metering
from federation.metering import totals as usage_totals
from federation.metering.totals import AddressTotal
from federation.metering.verdicts import MATCHED
from federation.money import Money
from federation.settlement.addresses import Earner, address_of, by_address
from federation.store.sessions import ReadSession
from federation.values.licence_key import number_of
from federation.values.month import Month


class EarnedState(StrEnum):
    """What is known of what a use earned its member."""

    SETTLED = "SETTLED"
    NOT_SETTLED_YET = "NOT_SETTLED_YET"
    NOT_KNOWN_HERE = "NOT_KNOWN_HERE"  # at the hub, or at a node whose member it is not


@dataclass(frozen=True, slots=True)
class Use:
    """A month's use of an address under one licence, by whom, and what it earned its member.

    `earned` is None unless the `state` is SETTLED.
    """

    total: AddressTotal
    licensee: str
    state: EarnedState
    earned: Money | None


async def uses_of(
    session: ReadSession, config: HubConfig | NodeConfig, key: UrlKey, member: str | None
) -> list[Use]:
    """Return the recorded uses of an address: one member's, or all of them for None."""
    found = await usage_totals.totals_for_url(session, key.text)
    rows = [row for row in found if member in (None, row.member)]
    licences = await metering.licences_named(session, {row.licence for row in rows})
    earned = await earned_by_address(session, config, rows)
    return [
        Use(row, licences.facts[row.licence].licensee, *said)
        for row, said in zip(rows, earned, strict=True)
    ]


async def earned_by_address(
    session: ReadSession, config: HubConfig | NodeConfig, rows: Sequence[AddressTotal]
) -> list[tuple[EarnedState, Money | None]]:
    """Return what each use of an address earned its member, or why no amount is known.

    A member's amount for a licence and use, with what corrections changed of it, is split over its
    addresses by what they weigh, so the addresses of a statement add up to it. What is not MATCHED
    earned nothing.
    """
    if isinstance(config, HubConfig):
        return [(EarnedState.NOT_KNOWN_HERE, None)] * len(rows)
    settled = await distribution.distributed_months(session)
    earners = {_earner(row) for row in rows if row.member and row.verdict == MATCHED}
    amounts = await distribution.earned(session, *_asked(earners))
    weights = await _weights(session, earners)
    split = {
        earner: by_address(earner, config.code, amounts.get(earner, 0), weights.get(earner, {}))
        for earner in earners
    }

    def said(row: AddressTotal) -> tuple[EarnedState, Money | None]:
        if not row.member:
            return EarnedState.NOT_KNOWN_HERE, None
        if row.period not in settled:
            return EarnedState.NOT_SETTLED_YET, None
        minor = split[_earner(row)].get(row.url_key, 0) if row.verdict == MATCHED else 0
        return EarnedState.SETTLED, Money(minor, config.settlement_currency)

    return [said(row) for row in rows]


def _earner(row: AddressTotal) -> Earner:
    return Earner(row.period, row.member, row.licence, row.use)


def _asked(earners: Collection[Earner]) -> tuple[set[Month], set[str]]:
    return {earner.period for earner in earners}, {earner.member for earner in earners}


async def _weights(
    session: ReadSession, earners: Collection[Earner]
) -> dict[Earner, dict[str, int]]:
    """Return {earner: {address: weight}}, read once for all of them."""
    found: dict[Earner, dict[str, int]] = {earner: {} for earner in earners}
    rows = usage_totals.member_weights(session, *_asked(earners))
    async for period, member, licence, use, url_key, weight in rows:
        of_earner = found.get(Earner(period, member, number_of(licence), use))
        if of_earner is not None:
            address = address_of(url_key)
            of_earner[address] = of_earner.get(address, 0) + weight
    return found
