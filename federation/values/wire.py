"""What a field of a message between servers may hold: the limits that sender and receiver share.

A field is as wide as what may lawfully stand in it, and no wider; who makes such a value at entry
(a quote, an import, an offer) keeps the same limits.
"""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

from federation.values.licence_key import LicenceKey

_CODE = "[A-Z0-9-]{2,12}"
_NOBODY_YET = f"~(UNMATCHED|DISPUTED|LATE:{_CODE})"

PartyCodeText = Annotated[str, Meta(pattern=rf"\A{_CODE}\Z")]
"""HUB or a collective's code."""
HeldFor = Annotated[str, Meta(pattern=r"\A~(UNMATCHED|DISPUTED)\Z")]
"""Whose a weight is that belongs to nobody yet, in a usage report."""
ClaimableReason = Annotated[str, Meta(pattern=r"\A(UNMATCHED|DISPUTED)\Z")]
"""Why money is held that a collective may claim."""
NobodyYet = Annotated[str, Meta(pattern=rf"\A{_NOBODY_YET}\Z")]
"""Whose a share is that belongs to nobody yet, in a run."""
PartyInRun = Annotated[str, Meta(pattern=rf"\A({_CODE}|{_NOBODY_YET})\Z")]
"""Whose a share is in a run: a party's, or nobody's yet."""
Sha256Text = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
ClaimIdText = Annotated[str, Meta(pattern=r"\A([0-9a-f]{32,64}|~DISPUTED)\Z")]
"""The opaque id of a claim; `~DISPUTED` for a claim that a node's own members contest."""
OpaqueId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9-]{1,64}\Z")]
CurrencyText = Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")]
LicenceNumber = Annotated[str, Meta(pattern=rf"\A{_CODE}-[0-9]{{6,12}}\Z")]
LicenceKeyText = Annotated[
    LicenceKey,
    Meta(pattern=rf"\A{_CODE}-[0-9]{{6,12}}(/[^~/\x00-\x1f][^/\x00-\x1f]{{0,43}})?\Z"),
]
"""A licence's number, with `/component` where it has components."""
Digits = Annotated[str, Meta(pattern=r"\A(0|[1-9][0-9]{0,59})\Z")]
"""An integer of 0 or more, as text."""
SignedDigits = Annotated[str, Meta(pattern=r"\A(0|-?[1-9][0-9]{0,59})\Z")]
"""An integer of either sign, as text."""
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
TermName = Annotated[str, Meta(pattern=r"\A[^~/\x00-\x1f][^/\x00-\x1f]{0,63}\Z")]
"""A use or a content tier as the terms name it."""
HostText = Annotated[str, Meta(min_length=1, max_length=300)]
PathText = Annotated[str, Meta(pattern=r"\A/", max_length=24_600)]  # each character escaped
UrlKeyText = Annotated[str, Meta(min_length=1, max_length=25_000)]
UrlText = Annotated[str, Meta(min_length=1, max_length=8_192)]
ShortText = Annotated[str, Meta(min_length=1, max_length=300)]
"""A name, an id or another short text."""
Reason = Annotated[str, Meta(max_length=2_000)]
PaymentId = Annotated[str, Meta(min_length=1, max_length=35)]


def require_instant(name: str, instant: datetime | None) -> None:
    """Raise ValueError where an instant has no zone, or lies in no year that UTC has.

    For `__post_init__`, where msgspec makes a refusal of it: an annotation can ask for the zone
    only, and `9999-12-31T23:59:59-14:00` is read but never written down.
    """
    if instant is None:
        return
    if instant.tzinfo is None:
        raise ValueError(f"`{name}` has no zone")
    try:
        instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"`{name}` is in no year of UTC") from error
