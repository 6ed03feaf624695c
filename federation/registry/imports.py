"""Members, claims and opt-outs from CSV: every row is read, or nothing is taken."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from federation.addresses.urls import (
    ClaimKey,
    normalise_canonical,
    normalise_claim,
    normalise_subject,
)
from federation.claimindex.entitlement import counts_from
from federation.consent.states import ALL_USES, State
from federation.registry.overlaps import Counting, Standing, Validity, others_claims, overlap
from federation.registry.suffixes import below_suffix
from federation.store.canonical import sha256_hex
from federation.tabular import (
    FIELD_LENGTH_MAX,
    BadValueError,
    Reader,
    Row,
    parse_date,
    parse_instant,
    parse_integer,
    parse_optional_date,
    read_table,
)
from federation.values.bps import WHOLE_BPS
from federation.values.countries import country_code
from federation.values.fields import plain_text
from federation.values.identity import UnclearIdentityError, alike, refuse_unclear
from federation.values.ids import is_plain_id

ID_LENGTH_MAX = 128
ACCOUNT_LENGTH_MAX = 64
BIC_LENGTH_MAX = 11


@dataclass(frozen=True, slots=True)
class NewMember:
    """A member row as read."""

    member_id: str
    name: str
    country: str
    joined_on: date
    account: str | None
    account_scheme: str
    bic: str | None


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A claim row as read; `works` counts 1 when the file leaves it empty."""

    member_id: str
    key: ClaimKey
    content_tier: str
    works: int
    canonical: str | None
    owner_bps: int | None
    valid_from: date | None
    valid_to: date | None

    def claim_id(self, node: str, again: int = 0) -> str:
        """Return the id under which the index knows the claim: opaque, and the same each time.

        `again` says how many claims of the same days there were before: none of them is known now.
        """
        parts = [node, self.member_id, self.key.text, str(self.valid_from), str(self.valid_to)]
        parts += [str(again)] if again else []
        return sha256_hex("\n".join(parts).encode())[:32]


@dataclass(frozen=True, slots=True)
class NewOptOut:
    """An opt-out, or another ruling, that is to be recorded: of a member, or of an address.

    `since` is as in `consent.Ruling`; `record` is the consent record that it follows from.
    """

    member_id: str | None
    key: ClaimKey | None
    use: str
    effective_at: datetime
    state: State = State.OPT_OUT
    source: str | None = None
    since: datetime | None = None
    record: int | None = None


def holder_id(node: str, member_id: str) -> str:
    """Return the id under which the index knows a member: opaque, and the same each time."""
    return sha256_hex(f"{node}\n{member_id}".encode())[:32]


def read_members(data: bytes, *, node: str, registered: Collection[str] = ()) -> list[NewMember]:
    """Read `members.csv`; a member id twice, or `registered` already, is refused.

    So is one that could be taken for another member's (UNCLEAR_IDENTITY of `values/identity.py`).
    """
    reader, members, seen = Reader(), [], dict[str, Row]()
    for row in read_table(
        data,
        required=["member_id", "name", "country", "joined_on"],
        optional=["collective", "account", "account_scheme", "bic"],
    ):
        _own_row(reader, row, node)
        member_id = reader.read(row, "member_id", member_identifier)
        country = reader.read(row, "country", country_code)
        joined_on = reader.read(row, "joined_on", parse_date)
        name = reader.read(row, "name", plain_text)
        account = reader.read(row, "account", lambda text: _printable(text, ACCOUNT_LENGTH_MAX))
        scheme = reader.read(row, "account_scheme", _scheme)
        bic = reader.read(row, "bic", lambda text: _printable(text, BIC_LENGTH_MAX))
        if member_id is None or name is None or country is None or joined_on is None:
            continue
        if member_id in seen:
            reader.refuse(row, "member_id", f"twice: {member_id}")
        elif member_id in registered:
            reader.refuse(row, "member_id", f"registered already: {member_id}")
        seen.setdefault(member_id, row)
        members.append(
            NewMember(
                member_id, name, country, joined_on, account or None, scheme or "IBAN", bic or None
            )
        )
    for member_id, other in alike(seen, registered):
        reader.refuse(seen[member_id], "member_id", f"could be taken for {other!a}")
    reader.finish()
    return members


def read_claims(
    data: bytes,
    *,
    node: str,
    members: Mapping[str, Standing],
    tiers: Collection[str],
    held: Mapping[tuple[str, ClaimKey], list[Validity]],
) -> list[NewClaim]:
    """Read `works.csv`; the same claim twice for one member with overlapping validity is refused.

    So is one that outlasts the membership, and one that touches a claim which another member has
    already: that takes two people, and a file is sent by one. `held` are the validities of claims
    already registered, by (member, claim).
    """
    reader, claims, rows = Reader(), list[NewClaim](), list[Row]()
    taken = {key: list(validities) for key, validities in held.items()}
    for row in read_table(
        data,
        required=["member_id", "claim", "content_tier"],
        optional=["collective", "works", "canonical", "owner_bps", "valid_from", "valid_to"],
    ):
        _own_row(reader, row, node)
        claim = _claim(reader, row, members, tiers)
        if claim is None:
            continue
        validities = taken.setdefault((claim.member_id, claim.key), [])
        validity = (claim.valid_from, claim.valid_to)
        if any(overlap(validity, other) for other in validities):
            reader.refuse(row, "claim", f"claimed twice by {claim.member_id}: {claim.key.text}")
        validities.append(validity)
        claims.append(claim)
        rows.append(row)
    _refuse_others(reader, rows, claims, members, held)
    reader.finish()
    return claims


def _refuse_others(
    reader: Reader,
    rows: Sequence[Row],
    claims: Sequence[NewClaim],
    members: Mapping[str, Standing],
    held: Mapping[tuple[str, ClaimKey], list[Validity]],
) -> None:
    """Refuse claims of members that left by then, and those that touch other members' claims."""
    counting = list[Counting]()
    for row, claim in zip(rows, claims, strict=True):
        joined_on, left_on = members[claim.member_id]
        first = counts_from(joined_on, claim.valid_from)
        counting.append(Counting(claim.member_id, claim.key, first, claim.valid_to))
        if left_on is not None and (claim.valid_to is None or left_on < claim.valid_to):
            reason = f"{claim.member_id} left on {left_on}: the claim ends by then"
            reader.refuse(row, "valid_to", reason)
    for place, (other, key) in sorted(others_claims(counting, held).items()):
        reason = f"{other} claims {key.text}: another person confirms this one (registerClaim)"
        reader.refuse(rows[place], "claim", reason)


def read_opt_outs(
    data: bytes, *, node: str, members: Collection[str], uses: Collection[str]
) -> list[NewOptOut]:
    """Read `optouts.csv`; the subject is a claim or `member:ID` of this collective."""
    reader, opt_outs = Reader(), []
    for row in read_table(
        data, required=["subject", "use", "effective_at"], optional=["collective"]
    ):
        _own_row(reader, row, node)
        use = reader.read(row, "use", lambda text: one_of_known(text, {*uses, ALL_USES}))
        effective_at = reader.read(row, "effective_at", parse_instant)
        subject = row.get("subject")
        if subject.startswith("member:"):
            member_id = subject.removeprefix("member:")
            if member_id not in members:
                reader.refuse(row, "subject", f"no such member: {member_id}")
            elif use is not None and effective_at is not None:
                opt_outs.append(NewOptOut(member_id, None, use, effective_at))
            continue
        key = reader.read(row, "subject", lambda text: entered(normalise_subject(text)))
        if key is not None and use is not None and effective_at is not None:
            opt_outs.append(NewOptOut(None, key, use, effective_at))
    reader.finish()
    return opt_outs


def _claim(
    reader: Reader, row: Row, members: Collection[str], tiers: Collection[str]
) -> NewClaim | None:
    member_id = row.get("member_id")
    is_known = member_id in members
    if not is_known:
        reader.refuse(row, "member_id", f"no such member: {member_id}")
    key = reader.read(row, "claim", lambda text: entered(normalise_claim(text)))
    tier = reader.read(row, "content_tier", lambda text: one_of_known(text, tiers))
    works = reader.read(row, "works", lambda text: _count(text) if text else 1)
    canonical, owner_bps = _syndication(reader, row)
    valid_from = reader.read(row, "valid_from", parse_optional_date)
    valid_to = reader.read(row, "valid_to", parse_optional_date)
    if not is_known or key is None or tier is None or works is None:
        return None
    return NewClaim(member_id, key, tier, works, canonical, owner_bps, valid_from, valid_to)


def _syndication(reader: Reader, row: Row) -> tuple[str | None, int | None]:
    """Read a copy's canonical URL and the owner's part, which is mandatory (SETTLEMENT §3)."""
    if not row.get("canonical"):
        if row.get("owner_bps"):
            reader.refuse(row, "owner_bps", "no canonical URL to share with")
        return None, None
    canonical = reader.read(row, "canonical", canonical_of)
    return canonical, reader.read(row, "owner_bps", _bps)


def canonical_of(text: str) -> str:
    """Return the address of an original as it is kept, below a public suffix."""
    key = normalise_canonical(text)
    return entered(ClaimKey(key.host, key.path, wildcard=False)).text


def entered(key: ClaimKey) -> ClaimKey:
    """Return a key that may be entered: below a public suffix, and written as it is read.

    `/%%341` is read as `/%41`, which is read as `/A`: nobody means that, and the hub, which holds
    an address to its own reading, would refuse it.
    """
    if normalise_subject(key.text) != key:
        raise BadValueError(f"read again, {key.text} would be another address")
    return below_suffix(key)


def _own_row(reader: Reader, row: Row, node: str) -> None:
    if row.get("collective") not in {"", node}:
        reader.refuse(row, "collective", f"this is {node}")


def member_identifier(text: str) -> str:
    """Check a member id: 1 to 128 characters, no `~` in front, no `/` (SETTLEMENT §0).

    It is written as it is read, as every identity (`values/identity.py`).
    """
    if not is_plain_id(text) or len(text) > ID_LENGTH_MAX:
        raise BadValueError(f"no member id: {text!r}")
    plain = _printable(text)
    try:
        refuse_unclear(plain)
    except UnclearIdentityError as refusal:
        raise BadValueError(refusal.detail) from refusal
    return plain


def _printable(text: str, length_max: int = FIELD_LENGTH_MAX) -> str:
    """Check a text: PostgreSQL would refuse U+0000 and what is longer than its column."""
    if len(text) > length_max:
        raise BadValueError(f"longer than {length_max} characters")
    if any(character < " " for character in text):
        raise BadValueError("a control character")
    return text


def _scheme(text: str) -> str:
    return one_of_known(text or "IBAN", {"IBAN", "OTHER"})


def _count(text: str) -> int:
    value = parse_integer(text)
    if value < 0 or value >= 2**31:
        raise BadValueError(f"no count: {text!r}")
    return value


def _bps(text: str) -> int:
    value = parse_integer(text) if text else -1
    if not 0 <= value <= WHOLE_BPS:
        raise BadValueError(f"no basis points from 0 to 10000: {text!r}")
    return value


def one_of_known(text: str, known: Iterable[str]) -> str:
    """Return a word that is one of those known, or refuse it naming them."""
    if text not in known:
        raise BadValueError(f"unknown: {text!r}, known: {', '.join(sorted(known))}")
    return text
