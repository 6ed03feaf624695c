"""Token Status Lists: what each licensor says against its licences, signed, for everybody to read.

The format is that of the IETF draft `draft-ietf-oauth-status-list`: two bits a licence, compressed,
in a JWT of type `statuslist+jwt` whose `sub` is the list's own address. A licensor has one list for
each 131,072 licences; a licence's place follows from its number, whose count nobody can choose.
A publisher's site installs this module.
"""

import base64
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, ClassVar, Final, NamedTuple, Self

import msgspec

from federation.errors import RefusalError
from federation.signing.claims import members, text
from federation.signing.jose import LEEWAY_SECONDS, InvalidTokenError, Reason, sign, verify_from
from federation.signing.keys import Keys, SigningKey
from federation.values.licence_key import count_of

STATUS_TYP: Final = "statuslist+jwt"
BITS: Final = 2
LICENCES_PER_LIST: Final = 1 << 17
LISTS_MAX: Final = 64  # of one licensor: some eight million licences
RAW_BYTES: Final = LICENCES_PER_LIST * BITS // 8
TTL_SECONDS: Final = 60  # after which who holds a list asks whether there is a newer one
LIFE_SECONDS: Final = 3600  # after which who holds nothing newer refuses
STATUS_BYTES_MAX: Final = 64 * 1024  # a list of random bits has some 45,000
_NUMBERS: Final = frozenset(map(str, range(LISTS_MAX)))
_ENTITY: Final = re.compile(r"https?://[^/?#@\s]+(/[!-~]*)?")
_PER_BYTE: Final = 8 // BITS
_MASK: Final = (1 << BITS) - 1


class StaleStatusError(RefusalError):
    """Nothing current is known of the licence's standing."""

    code: ClassVar[str] = "STALE_STATUS"


class Status(IntEnum):
    """What a list says of a licence; the numbers are those of the draft."""

    VALID = 0
    INVALID = 1  # revoked
    SUSPENDED = 2


class Place(NamedTuple):
    """Where a licence stands: in which of its licensor's lists, at which position (`idx`)."""

    in_list: int
    position: int


def place_of(licence: str) -> Place:
    """Return where the licence of that number stands; raises StaleStatusError for no number.

    The first licence of a licensor stands at 1 of list 0.
    """
    count = count_of(licence)
    if count is None or count >= LICENCES_PER_LIST * LISTS_MAX:
        raise StaleStatusError(f"no licence number: {licence}")
    return Place(*divmod(count, LICENCES_PER_LIST))


def list_uri(licensor: str, number: int) -> str:
    """Return the address of a licensor's list; `licensor` is its entity id."""
    return f"{licensor}/statuslists/{number}"


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Where a token says that its licence stands: the position in the list at an address."""

    position: int
    uri: str

    def claim(self) -> dict[str, Any]:
        """Return the claim `status` as the draft writes it."""
        return {"status_list": {"idx": self.position, "uri": self.uri}}


def reference_of(licensor: str, licence: str) -> StatusReference:
    """Return where a licence of a licensor (its entity id) stands."""
    number, position = place_of(licence)
    return StatusReference(position, list_uri(licensor, number))


def read_reference(claims: Mapping[str, Any]) -> StatusReference | None:
    """Return what a token's claim `status` says, None where it has none; its shape is checked."""
    if "status" not in claims:
        return None
    reference = members(members(claims, "status"), "status_list")
    position: object = reference.get("idx")
    if type(position) is not int or not 0 <= position < LICENCES_PER_LIST:
        raise InvalidTokenError(Reason.CLAIMS, "idx is not a position in a status list")
    uri = text(reference, "uri")
    licensor, _, number = uri.rpartition("/statuslists/")
    if number not in _NUMBERS or not _ENTITY.fullmatch(licensor):
        raise InvalidTokenError(Reason.CLAIMS, "uri is not the address of a status list")
    return StatusReference(position, uri)


@dataclass(frozen=True, slots=True)
class StatusList:
    """One list, with a good signature. Seconds are UNIX time."""

    uri: str
    issued_at: int
    expires_at: int
    bits: bytes

    def status(self, position: int) -> Status:
        """Return what is said of one licence; what is reserved for later counts as INVALID."""
        value = (self.bits[position // _PER_BYTE] >> (position % _PER_BYTE * BITS)) & _MASK
        return Status(value) if value <= Status.SUSPENDED else Status.INVALID


def sign_status_list(
    key: SigningKey, licensor: str, number: int, said: Mapping[int, Status], now: datetime
) -> str:
    """Sign a list for an hour: `said` is {position: status} of the licences that are not VALID."""
    issued = int(now.timestamp())
    claims = {
        "iss": licensor,
        "sub": list_uri(licensor, number),
        "iat": issued,
        "exp": issued + LIFE_SECONDS,
        "ttl": TTL_SECONDS,
        "status_list": {"bits": BITS, "lst": _compressed(said)},
    }
    return sign(claims, typ=STATUS_TYP, key=key)


def read_status_list(token: str | bytes, issuers: Mapping[str, Keys]) -> StatusList:
    """Return the list of one of these licensors, of whatever age; raises InvalidTokenError.

    `issuers` are their keys by entity id: each signs its own lists, nobody those of another.
    """
    claims = verify_from(token, typ=STATUS_TYP, issuers=issuers, max_bytes=STATUS_BYTES_MAX)
    try:
        found = msgspec.convert(claims, _Claims)
    except msgspec.ValidationError as error:
        raise InvalidTokenError(Reason.CLAIMS, str(error)) from None
    number = found.sub.removeprefix(list_uri(found.iss, 0)[:-1])
    if number not in _NUMBERS:
        raise InvalidTokenError(Reason.CLAIMS, "sub is not the address of a list of its issuer")
    if not 0 < found.exp - found.iat <= LIFE_SECONDS:
        raise InvalidTokenError(Reason.TIME, f"a list holds for {LIFE_SECONDS} seconds at most")
    return StatusList(found.sub, found.iat, found.exp, _inflated(found.status_list))


def require_current(held: StatusList | None, now: datetime) -> StatusList:
    """Return a list that is in force, without leeway; none, an old or a future one is refused."""
    if held is None:
        raise StaleStatusError("no list of this licensor has come")
    instant = now.timestamp()
    if instant >= held.expires_at:
        raise StaleStatusError(f"{held.uri}: its time is over")
    if held.issued_at > instant + LEEWAY_SECONDS:
        raise StaleStatusError(f"{held.uri}: issued in the future")
    return held


@dataclass(frozen=True, slots=True)
class StatusLists:
    """The lists that somebody holds: {address: list}."""

    held: Mapping[str, StatusList]

    @classmethod
    def of(cls, lists: Iterable[StatusList]) -> Self:
        """Hold these lists; of two with one address the later."""
        return cls({item.uri: item for item in lists})

    def status(self, licensor: str, licence: str, now: datetime) -> Status:
        """Return how a licence stands at `now`; raises StaleStatusError where that is unknown."""
        number, position = place_of(licence)
        held = self.held.get(list_uri(licensor, number))
        return require_current(held, now).status(position)

    def older(self, than: "StatusLists") -> str | None:
        """Return the address of a list that is older here than there, None if there is none."""
        for uri, known in than.held.items():
            here = self.held.get(uri)
            if here is not None and here.issued_at < known.issued_at:
                return uri
        return None


class _Lst(msgspec.Struct, frozen=True):
    bits: int
    lst: str


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    iat: int
    exp: int
    status_list: _Lst


def _compressed(said: Mapping[int, Status]) -> str:
    raw = bytearray(RAW_BYTES)
    for position, status in said.items():
        raw[position // _PER_BYTE] |= status << (position % _PER_BYTE * BITS)
    return base64.urlsafe_b64encode(zlib.compress(bytes(raw), 9)).rstrip(b"=").decode()


def _inflated(said: _Lst) -> bytes:
    """Return the raw bits; never more than one list has is inflated, whatever was compressed."""
    if said.bits != BITS:
        raise InvalidTokenError(Reason.CLAIMS, f"{BITS} bits a licence are asked for")
    try:
        packed = base64.b64decode(
            said.lst + "=" * (-len(said.lst) % 4), altchars=b"-_", validate=True
        )
        inflater = zlib.decompressobj()
        raw = inflater.decompress(packed, RAW_BYTES + 1)
    except (ValueError, zlib.error):
        raise InvalidTokenError(Reason.CLAIMS, "the list does not unpack") from None
    if len(raw) != RAW_BYTES or not inflater.eof or inflater.unused_data:
        raise InvalidTokenError(Reason.CLAIMS, f"a list has {RAW_BYTES} bytes")
    return raw
