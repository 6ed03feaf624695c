"""How a dispute can end, as values: judged when it is proposed, and once more when it is confirmed.

`shares_for` says to whom the money goes that was held for an address; pure.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Annotated, TypeAlias

import msgspec
from msgspec.structs import replace

from federation.addresses.matching import candidate_hosts, candidate_paths, lies_within
from federation.addresses.urls import ClaimKey, UrlKey
from federation.disputes.rules import BadOutcomeError, NoSideError, OutcomeKind
from federation.values.bps import WHOLE_BPS
from federation.values.held import DISPUTED_PARTY

SIDES_MAX, REFERENCE_MAX = 20, 500
OTHER = "~another side"  # no id begins like this


class _Terms(msgspec.Struct, frozen=True, tag_field="outcome", forbid_unknown_fields=True):
    """How a dispute ends."""


class Withdrawn(_Terms, frozen=True, tag="WITHDRAWN"):
    """All sides but one end their claim before a day."""

    in_favour: str
    on: date


class Expired(_Terms, frozen=True, tag="EXPIRED"):
    """All sides but one brought no document in time: their claim ends before a day."""

    in_favour: str
    on: date


class Reduced(_Terms, frozen=True, tag="REDUCED"):
    """One side keeps a narrower address from a day on, the other all else."""

    in_favour: str
    reducing: str
    host: str
    path: str
    wildcard: bool
    on: date

    @property
    def kept(self) -> ClaimKey:
        """Return what the side that reduces its claim keeps."""
        return ClaimKey(self.host, self.path, self.wildcard)


class ProRata(_Terms, frozen=True, tag="PRO_RATA"):
    """Each side gets its part of what is held, in 1/10,000, until one of the claims ends."""

    shares: Annotated[dict[str, int], msgspec.Meta(max_length=SIDES_MAX)]


class Escrow(_Terms, frozen=True, tag="ESCROW"):
    """A court or an arbitrator decides: everything stays held."""

    reference: str


Terms: TypeAlias = Withdrawn | Expired | Reduced | ProRata | Escrow
encode: Callable[[Terms], bytes] = msgspec.json.encode
_decoder: msgspec.json.Decoder[Terms] = msgspec.json.Decoder(Terms)


def decode(text: str) -> Terms:
    """Return terms that were kept."""
    return _decoder.decode(text)


def told_to(text: str, party: str) -> str:
    """Return kept terms as one side is shown them: who the others are it is not told."""
    terms = decode(text)
    match terms:
        case Withdrawn() | Expired():
            terms = replace(terms, in_favour=_told(terms.in_favour, party))
        case Reduced():
            favoured, reducing = _told(terms.in_favour, party), _told(terms.reducing, party)
            terms = replace(terms, in_favour=favoured, reducing=reducing)
        case ProRata():
            others = sorted(side for side in terms.shares if side != party)
            names = {side: f"{OTHER} {place}" for place, side in enumerate(others, 1)}
            shares = {names.get(side, side): bps for side, bps in terms.shares.items()}
            terms = replace(terms, shares=shares)
        case Escrow():
            pass
    return encode(terms).decode()


def _told(side: str, party: str) -> str:
    return side if side == party else OTHER


def kind_of(terms: Terms) -> OutcomeKind:
    """Return what an outcome is called."""
    return OutcomeKind(str(terms.__struct_config__.tag))


def require_fitting(terms: Terms, contested: ClaimKey, sides: Collection[str]) -> None:
    """Refuse terms that are not of this dispute (NO_SIDE), or that say nothing (BAD_OUTCOME)."""
    match terms:
        case Withdrawn(in_favour) | Expired(in_favour):
            _require_side(in_favour, sides)
        case Reduced(in_favour, reducing):
            _require_side(in_favour, sides)
            _require_side(reducing, sides)
            if in_favour == reducing or len(sides) > 2:  # noqa: PLR2004
                raise BadOutcomeError("of two sides, one reduces its claim")
            if terms.kept == contested or not lies_within(terms.kept, contested):
                raise BadOutcomeError(f"{terms.kept.text[:200]} is no part of {contested.text}")
        case ProRata(shares):
            for side in shares:
                _require_side(side, sides)
            if shares.keys() != set(sides) or min(shares.values()) < 1:
                raise BadOutcomeError("each side has a part of 1/10,000 or more")
            if sum(shares.values()) > WHOLE_BPS:
                raise BadOutcomeError(f"{sum(shares.values())} of {WHOLE_BPS} parts")
        case Escrow(reference):
            reference_of(reference)


def reference_of(text: str) -> str:
    """Return who decides, under which number, or refuse a text that does not say it."""
    plain = " ".join(text.split())
    if not 1 <= len(plain) <= REFERENCE_MAX:
        raise BadOutcomeError(f"reference: from 1 to {REFERENCE_MAX} characters")
    return plain


def _require_side(party: str, sides: Collection[str]) -> None:
    if party not in sides:
        raise NoSideError(party[:128])


def require_for_one(terms: Terms) -> None:
    """Refuse at the hub to share what is held: what it releases goes to one claim (BAD_OUTCOME)."""
    if isinstance(terms, ProRata):
        raise BadOutcomeError("between collectives what is held for an address goes to one claim")


def must_consent(terms: Terms, sides: Collection[str]) -> set[str]:
    """Return who has to agree: who withdraws; both where a claim is reduced or money is shared."""
    match terms:
        case Withdrawn(in_favour):
            return set(sides) - {in_favour}
        case Reduced() | ProRata():
            return set(sides)
        case Expired() | Escrow():
            return set()


def shares_for(terms: Terms, url_key: str) -> Mapping[str, int]:
    """Return {member: 1/10,000} of what is held for an address; what is missing stays held."""
    match terms:
        case Withdrawn(in_favour) | Expired(in_favour):
            return {in_favour: WHOLE_BPS}
        case Reduced(in_favour, reducing):
            return {reducing if matches(terms.kept, url_key) else in_favour: WHOLE_BPS}
        case ProRata(shares):
            rest = WHOLE_BPS - sum(shares.values())
            return {**shares, DISPUTED_PARTY: rest} if rest else shares
        case Escrow():
            return {}


def matches(claim: ClaimKey, url_key: str) -> bool:
    """Tell whether a claim matches an address (SETTLEMENT §3, Matching)."""
    key = UrlKey.of(url_key)
    is_host = (claim.host, claim.wildcard) in candidate_hosts(key.host)
    return is_host and claim.path in candidate_paths(key.path)
