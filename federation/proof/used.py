"""What a month's usage of a licence came to, as it was reported, beside what the month took in."""

from collections.abc import Sequence
from dataclasses import dataclass

from federation.licensing import store as licensing
from federation.licensing.facts import LicenceFacts
from federation.metering import store as metering
from federation.money import Money
from federation.months import store as months
from federation.store.sessions import ReadSession
from federation.values.licence_key import LicenceKey
from federation.values.month import Month


@dataclass(frozen=True, slots=True)
class Used:
    """How many units of a collective's works were put to a use.

    `collective` is `~UNMATCHED` or `~DISPUTED` where it is not known whose they are.
    """

    use: str
    collective: str
    units: int


@dataclass(frozen=True, slots=True)
class ComponentUsage:
    """A component's month. `recognised` is what the month shared out of what the lab had paid.

    `carried_forward` of it found no usage and waits for later months. Both are None until the
    month is settled.
    """

    licence: LicenceKey
    used: Sequence[Used]
    recognised: Money | None
    carried_forward: Money | None


@dataclass(frozen=True, slots=True)
class LicenceUsage:
    """A licence's month, component by component."""

    number: str
    licensee: str
    components: Sequence[ComponentUsage]


async def usage_of_licences(
    session: ReadSession, period: Month, licensee: str | None, *, after: str, limit: int
) -> list[LicenceUsage]:
    """At the hub: return a month of a lab's licences, or of all, by number behind `after`.

    Usage is that of the reports that have come so far, corrections with it; money is as the month
    was settled.
    """
    rows = await licensing.licences(session, licensee=licensee, after=after, limit=limit)
    licences = [licensing.facts(row) for row in rows]
    keys = [facts.key(item) for facts in licences for item in facts.components]
    settled = await months.standings_of(session, period, keys)
    reported = await metering.reported_units(session, period, [one.number for one in licences])
    used: dict[LicenceKey, list[Used]] = {}
    for (key, use, node), units in sorted(reported.items()):
        used.setdefault(key, []).append(Used(use, node, units))

    def component(facts: LicenceFacts, key: LicenceKey) -> ComponentUsage:
        stands = settled.get(key)
        money = (
            (None, None)
            if stands is None
            else (
                Money(stands.recognised, facts.currency),
                Money(stands.carried_forward, facts.currency),
            )
        )
        return ComponentUsage(key, used.get(key, []), *money)

    return [
        LicenceUsage(
            facts.number,
            facts.licensee,
            [component(facts, facts.key(item)) for item in facts.components],
        )
        for facts in licences
    ]
