"""On which days claims meet, and whose claims a new one would touch; pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from federation.addresses.matching import candidate_hosts, candidate_paths
from federation.addresses.urls import ClaimKey

Validity = tuple[date | None, date | None]


class Standing(NamedTuple):
    """From which day on a member is one, and from which on it is none any more."""

    joined_on: date
    left_on: date | None = None


class Counting(NamedTuple):
    """A claim of a member, and from which day to before which one it counts."""

    member_id: str
    key: ClaimKey
    first: date
    ends: date | None


def others_claims(
    new: Sequence[Counting], held: Mapping[tuple[str, ClaimKey], Sequence[Validity]]
) -> dict[int, tuple[str, ClaimKey]]:
    """Return {place in `new`: a claim of another member that counts on one of its days}.

    One of the two covers the other, as `edit_store.overlapping` asks of one claim. `held` is what
    is registered: the validities of each claim by (member, claim).
    """
    holders = dict[ClaimKey, list[str]]()
    for member_id, key in held:
        holders.setdefault(key, []).append(member_id)
    found, places = dict[int, tuple[str, ClaimKey]](), dict[ClaimKey, list[int]]()
    for place, claim in enumerate(new):
        places.setdefault(claim.key, []).append(place)
        for key in _covering(claim.key):
            for member_id in holders.get(key, ()):
                if _is_anothers(claim, member_id, held[member_id, key]):
                    found.setdefault(place, (member_id, key))
    for (member_id, key), validities in held.items():
        for above in _covering(ClaimKey(key.host, key.path, wildcard=False)):
            for place in places.get(above, ()):
                if _is_anothers(new[place], member_id, validities):
                    found.setdefault(place, (member_id, key))
    return found


def _covering(key: ClaimKey) -> Iterator[ClaimKey]:
    hosts = candidate_hosts(key.host)[1:] if key.wildcard else candidate_hosts(key.host)
    paths = candidate_paths(key.path)
    return (ClaimKey(host, path, wildcard) for host, wildcard in hosts for path in paths)


def _is_anothers(claim: Counting, member_id: str, validities: Sequence[Validity]) -> bool:
    """Tell whether another member's claim counts on a day on which this one would."""
    return member_id != claim.member_id and any(
        (ends is None or ends > claim.first)
        and (claim.ends is None or starts is None or starts < claim.ends)
        for starts, ends in validities
    )


def overlap(one: Validity, other: Validity) -> bool:
    """Say whether two validities share a day; one that ends before it starts has none.

    The same validity twice is refused even so: both claims would have one id.
    """
    if one == other:
        return True
    if _is_empty(one) or _is_empty(other):
        return False
    starts_before_end = one[0] is None or other[1] is None or one[0] < other[1]
    ends_after_start = other[0] is None or one[1] is None or other[0] < one[1]
    return starts_before_end and ends_after_start


def _is_empty(validity: Validity) -> bool:
    return None not in validity and validity[1] <= validity[0]  # type: ignore[operator]
