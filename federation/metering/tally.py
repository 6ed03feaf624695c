"""Turn the lines of a month into verdicts, totals and weights. Pure: the caller keeps them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from federation.addresses.urls import UrlKey, normalise_url
from federation.claimindex.index import Claimed, ClaimIndex
from federation.licensing.facts import LicenceFacts
from federation.metering.verdicts import (
    MATCHED,
    OUT_OF_SCOPE,
    RESERVED,
    Placement,
    Terms,
    place,
)
from federation.store.base import from_micros
from federation.values.evidence import Evidence
from federation.values.held import DISPUTED_PARTY, is_held
from federation.values.licence_key import LicenceKey

FORWARDED = "FORWARDED"  # counts where it was sent
LATE = "LATE"  # came after the cut-off: waits for a correction (SETTLEMENT §7)


@dataclass(frozen=True, slots=True)
class CountedLine:
    """A line past class 4. `origin` is the server it entered at, `evidence` what it rests on."""

    origin: str
    reporter: str
    event_id: str
    licence: str
    url: str
    use: str
    units: int
    occurred_at: int
    evidence: str = Evidence.GATE


T = TypeVar("T")

# In order: licence key, use, party, member, claim, URL key.
PortionKey = tuple[LicenceKey, str, str, str | None, str | None, str | None]
# In order: licence number, URL key, use, verdict, member.
TotalKey = tuple[str, str, str, str, str]


@dataclass(slots=True)
class Tally:
    """What a set of lines comes to."""

    verdicts: list[tuple[CountedLine, str]] = field(default_factory=list)
    elsewhere: dict[str, list[CountedLine]] = field(default_factory=dict)
    totals: dict[TotalKey, tuple[int, int]] = field(default_factory=dict)
    logged: dict[TotalKey, tuple[int, int]] = field(default_factory=dict)  # lines: token, agent
    portions: dict[PortionKey, tuple[int, int]] = field(default_factory=dict)  # weight, units


@dataclass(frozen=True, slots=True)
class Placer:
    """What is needed to place lines on one server (`here` is its code)."""

    here: str
    licences: Mapping[str, LicenceFacts]
    repertoire: Mapping[str, frozenset[str]]
    index: ClaimIndex
    terms: Terms
    owner_bps: Callable[[str], int]
    member_of: Callable[[str], str | None]  # holder id -> member id, for holders of this node
    keys: dict[str, UrlKey] = field(default_factory=dict)

    def enter(self, lines: Iterable[CountedLine]) -> Tally:
        """Decide lines that entered here, but those owned elsewhere: these are to be sent on."""
        tally = Tally()
        for line in lines:
            found = self._look_up(line)
            owner = found.owner
            if owner is None:
                self.decide(tally, line, found)
            elif owner not in self.repertoire.get(line.licence, {owner}):
                _note(tally, line, found.key, OUT_OF_SCOPE, "")
            elif owner == self.here:
                self.decide(tally, line, found)
            else:
                tally.elsewhere.setdefault(owner, []).append(line)
                tally.verdicts.append((line, FORWARDED))
        return tally

    def own(self, lines: Iterable[CountedLine]) -> Tally:
        """Decide lines this node owns: RESERVED, or MATCHED with the weights of their portions."""
        tally = Tally()
        for line in lines:
            self.decide(tally, line, self._look_up(line))
        return tally

    def withdraw(
        self, tally: Tally, lines: Iterable[CountedLine], weighs: Mapping[PortionKey, int]
    ) -> list[CountedLine]:
        """Take back what counted although an opt-out was in force: found since, never agreed to.

        What a line gave is what it gives without opt-outs; nothing else of it moves. `weighs` is
        what was counted so far: a line whose claims have changed since, so that it would give
        something else today, is left as it is and returned.
        """
        unaware = replace(self, index=self.index.without_rulings())
        left = {key: weighs.get(key, 0) for key in weighs}
        unclear: list[CountedLine] = []
        for line in lines:
            found = self._look_up(line)
            if self.index.why_withheld(found, line.use) is None:
                continue
            counted = Tally()
            unaware.decide(counted, line, found)
            gave = counted.portions
            is_same = [verdict for _, verdict in counted.verdicts] == [MATCHED]
            if not is_same or any(left.get(k, 0) < weight for k, (weight, _) in gave.items()):
                unclear.append(line)
                continue
            for portion, (weight, _) in gave.items():
                left[portion] -= weight
            for total, (number, units) in counted.totals.items():
                _add(tally.totals, total, (-number, -units))
            for total, (by_token, by_agent) in counted.logged.items():
                _add(tally.logged, total, (-by_token, -by_agent))
            for portion, (weight, units) in counted.portions.items():
                _add(tally.portions, portion, (-weight, -units))
            _note(tally, line, found.key, RESERVED, self._whose(found))
        return unclear

    def decide(self, tally: Tally, line: CountedLine, found: Claimed) -> None:
        """Decide a line of whose address `found` is known, and add it to a tally."""
        placement = place(
            found,
            line.use,
            line.units,
            unclaimed=self.licences[line.licence].unclaimed,
            index=self.index,
            owner_bps=self.owner_bps,
            terms=self.terms,
        )
        whose = self._whose(found) if placement.cls in {MATCHED, RESERVED} else ""
        _note(tally, line, found.key, placement.cls, whose)
        self._weigh(tally, line, found, placement)

    def _whose(self, found: Claimed) -> str:
        """Return the member of this node whose page was used, also where it was withheld."""
        members = {self.member_of(claim.holder_id) for claim in found.claims}
        return members.pop() or "" if len(members) == 1 else ""

    def _weigh(self, tally: Tally, line: CountedLine, found: Claimed, placement: Placement) -> None:
        licence = self.licences[line.licence]
        component = licence.component_for(line.use)
        if component is None:
            return
        units = line.units  # counted once, on the first portion
        for portion in placement.portions:
            member = self.member_of(portion.member) if portion.member else None
            member = portion.member if portion.member == DISPUTED_PARTY else member
            held = is_held(portion.party)
            item: PortionKey = (
                licence.key(component),
                line.use,
                portion.party,
                member if portion.party == self.here else None,
                self._foreign_claim(portion.party, portion.member, portion.claim_id),
                (portion.at or found.key).text if held else found.key.text,
            )
            _add(tally.portions, item, (portion.weight, units))
            units = 0

    def _foreign_claim(self, party: str, member: str | None, claim_id: str | None) -> str | None:
        if party == self.here or is_held(party):
            return None
        return DISPUTED_PARTY if member == DISPUTED_PARTY else claim_id

    def _look_up(self, line: CountedLine) -> Claimed:
        """Ask the index once for all that is decided of a line."""
        return self.index.look_up(self._key(line.url), from_micros(line.occurred_at))

    def _key(self, url: str) -> UrlKey:
        found = self.keys.get(url)
        if found is None:
            found = self.keys[url] = normalise_url(url)
        return found


def _note(tally: Tally, line: CountedLine, key: UrlKey, verdict: str, member: str) -> None:
    tally.verdicts.append((line, verdict))
    total: TotalKey = (line.licence, key.text, line.use, verdict, member)
    _add(tally.totals, total, (1, line.units))
    if line.evidence != Evidence.GATE:
        is_token = line.evidence == Evidence.TOKEN_LOGGED
        _add(tally.logged, total, (1, 0) if is_token else (0, 1))


def _add(sums: dict[T, tuple[int, int]], key: T, more: tuple[int, int]) -> None:
    first, second = sums.get(key, (0, 0))
    sums[key] = (first + more[0], second + more[1])
