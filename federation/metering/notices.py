"""What is known of a line when it comes in: told at once to whoever reports, and classes nothing.

The terms of its licence are decided on arrival; whose an address is and whether it is withheld is
decided at the cut-off, by its owner, and may have changed by then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from federation.addresses.urls import UrlKey, normalise_url
from federation.claimindex.index import Claimed, ClaimIndex
from federation.licensing.facts import LicenceFacts
from federation.metering.ingest import Accepted
from federation.metering.verdicts import (
    HOLD,
    NOT_REPRESENTED,
    OTHER_SOURCE,
    OUT_OF_SCOPE,
    OUTSIDE_TERM,
    RESERVED,
)
from federation.store.base import from_micros

ADDRESSES_MAX = 1_000  # of a batch are looked up, as many as `rights` answers for at once


@dataclass(frozen=True, slots=True)
class Known:
    """What a server knows of claims, opt-outs and licences; a node knows its own registry only."""

    licences: Mapping[str, LicenceFacts]
    repertoire: Mapping[str, frozenset[str]]
    index: ClaimIndex
    knows_every_claim: bool
    addresses: Mapping[str, UrlKey] = field(default_factory=dict)  # those that were looked up

    def says(self, line: Accepted) -> tuple[str, str] | None:
        """Return (class it would end in today, the reason), None where nothing is against it."""
        number, url, use, _, occurred_at = line.content
        licence = self.licences[number]
        if line.verdict is not None:
            return line.verdict, _of_terms(line.verdict, licence, use)
        key = self.addresses.get(url)
        if key is None:
            return None
        found = self.index.look_up(key, from_micros(occurred_at))
        return self._of_claims(found, licence, use)

    def _of_claims(self, found: Claimed, licence: LicenceFacts, use: str) -> tuple[str, str] | None:
        """Say what claims and opt-outs mean for a line that its licence covers (classes 5 to 8)."""
        owner = found.owner
        if not found.claims and not self.knows_every_claim:
            return None
        if owner is not None and owner not in self.repertoire.get(licence.number, {owner}):
            return OUT_OF_SCOPE, f"{licence.number} does not cover works of {owner}"
        if (reason := self.index.why_withheld(found, use)) is not None:
            return RESERVED, f"withheld from {use}: {reason}"
        if not found.claims and licence.unclaimed != HOLD:
            return NOT_REPRESENTED, "no collective represents this address"
        return None


def addresses_of(lines: Iterable[Accepted]) -> dict[str, UrlKey]:
    """Return the keys of the first addresses that the terms of no licence exclude."""
    urls = dict.fromkeys(line.content[1] for line in lines if line.verdict is None)
    return {url: normalise_url(url) for url in islice(urls, ADDRESSES_MAX)}


def _of_terms(verdict: str, licence: LicenceFacts, use: str) -> str:
    """Say why the terms of a licence do not cover a line (classes 3 and 4)."""
    if verdict == OTHER_SOURCE:
        return f"{licence.number} counts what the {licence.usage_basis} reports"
    if verdict == OUT_OF_SCOPE:
        return f"{licence.number} does not grant {use}"
    assert verdict == OUTSIDE_TERM, verdict  # noqa: S101 - no other class is decided on arrival
    term = f"{licence.number} holds from {licence.starts_on} to {licence.ends_on}"
    return f"{term}, revoked at {licence.revoked_at.isoformat()}" if licence.revoked_at else term
