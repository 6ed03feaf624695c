"""A head of the journal as a server signs it: who holds two can see that one extends the other."""

from datetime import datetime

import msgspec

from federation.signing.jose import sign
from federation.signing.keys import SigningKey
from federation.values.month import WrittenMonth

HEAD_TYP = "ledger-head+jwt"


class HeadFacts(msgspec.Struct, frozen=True):
    """What is signed: a hash, how many entries it commits to, and the month it closed, if any.

    `opening` is the head of the month settled before that one.
    """

    head: str
    entries: int
    period: WrittenMonth | None = None
    opening: str | None = None


def sign_head(facts: HeadFacts, *, issuer: str, now: datetime, key: SigningKey) -> str:
    """Return a compact JWS over a head, said at `now`."""
    said = {"iss": issuer, "iat": int(now.timestamp())}
    return sign({**said, **msgspec.structs.asdict(facts)}, typ=HEAD_TYP, key=key)
