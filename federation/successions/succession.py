"""A succession as it is described, and who gets what by a chain of them; pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar, Final, NamedTuple

import msgspec

from federation.errors import RefusalError
from federation.values.bps import WHOLE_BPS
from federation.values.fields import BadFieldsError, Fault, Fields, plain_text
from federation.values.papers import Paper, read_papers

SUCCESSORS_MAX: Final = 50
CHAIN_MAX: Final = 10
"""So many successions follow one another at most."""

Links = Mapping[str, Mapping[str, int]]
"""{predecessor: {successor: share in 1/10,000}}, of members."""


class SubjectKind(StrEnum):
    """What may be succeeded."""

    MEMBER = "MEMBER"
    RIGHTHOLDER = "RIGHTHOLDER"


class Subject(NamedTuple):
    """Who is succeeded: `member:ID` or `rightholder:ID`."""

    kind: SubjectKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind.lower()}:{self.id}"


class BadSuccessionError(BadFieldsError):
    """This succession cannot be recorded as it is described."""

    code: ClassVar[str] = "BAD_SUCCESSION"


class SuccessionCircleError(RefusalError):
    """Followed like this, somebody would come to succeed itself."""

    code: ClassVar[str] = "SUCCESSION_CIRCLE"


class LongChainError(RefusalError):
    """At most ten successions follow one another."""

    code: ClassVar[str] = "LONG_CHAIN"


class DraftShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A successor and its share in 1/10,000, as somebody describes it."""

    member: str
    share_bps: int


class DraftSuccession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A succession as somebody describes it: nothing is checked but the types of the fields.

    `subject` is `member:ID` or `rightholder:ID`; `declared_by` said so, in a `capacity` such as
    executor of the will.
    """

    subject: str
    starts_on: date
    successors: Sequence[DraftShare]
    ground: str
    declared_by: str
    capacity: str
    papers: Sequence[Paper]


class NewSuccession(NamedTuple):
    """A succession as it was read."""

    subject: Subject
    starts_on: date
    shares: dict[str, int]
    ground: str
    declared_by: str
    capacity: str
    papers: tuple[Paper, ...]


def read_succession(draft: DraftSuccession) -> NewSuccession:
    """Read a described succession, or refuse it with all that is wrong (BAD_SUCCESSION)."""
    fields = Fields()
    subject = fields.one("subject", draft.subject, _subject)
    new = NewSuccession(
        subject or Subject(SubjectKind.MEMBER, ""),
        draft.starts_on,
        _shares(fields, draft.successors),
        fields.one("ground", draft.ground, plain_text) or "",
        fields.one("declared_by", draft.declared_by, plain_text) or "",
        fields.one("capacity", draft.capacity, plain_text) or "",
        read_papers(fields, "papers", draft.papers),
    )
    if fields.faults:
        raise BadSuccessionError(fields.faults)
    return new


def _subject(text: str) -> Subject:
    kind, colon, name = text.partition(":")
    if not (colon and name and kind in {one.lower() for one in SubjectKind}):
        raise ValueError(f"{text[:80]!r} is neither `member:ID` nor `rightholder:ID`")
    return Subject(SubjectKind(kind.upper()), name)


def _shares(fields: Fields, successors: Sequence[DraftShare]) -> dict[str, int]:
    """Read shares: each from 1 to 10,000, together exactly 10,000, nobody twice."""
    if not 1 <= len(successors) <= SUCCESSORS_MAX:
        reason = f"{len(successors)} in the place of 1 to {SUCCESSORS_MAX}"
        fields.faults.append(Fault("successors", reason))
        return {}
    shares: dict[str, int] = {}
    for number, one in enumerate(successors, start=1):
        if one.member in shares:
            reason = f"{one.member[:80]!r} is named twice"
            fields.faults.append(Fault(f"successors[{number}].member", reason))
        if not 1 <= one.share_bps <= WHOLE_BPS:
            reason = f"{one.share_bps} is not between 1 and {WHOLE_BPS}"
            fields.faults.append(Fault(f"successors[{number}].share_bps", reason))
        shares[one.member] = one.share_bps
    whole = sum(one.share_bps for one in successors)
    if whole != WHOLE_BPS:
        reason = f"the shares are {whole} together, not {WHOLE_BPS}"
        fields.faults.append(Fault("successors", reason))
    return shares


def require_chain(links: Links, new: str) -> None:
    """Refuse links in which the one of `new` closes a circle, or makes a chain of over ten.

    Others are known to close none.
    """
    after = _depth(links, new, new)
    before = _depth(_turned_round(links), new, new)
    if before + after > CHAIN_MAX:
        raise LongChainError(f"{before + after} with that of {new}")


def _depth(links: Links, start: str, new: str) -> int:
    """Return how many successions follow one another from a member on."""
    depth, level = 0, {start}
    while level := {successor for member in level for successor in links.get(member, ())}:
        depth += 1
        if new in level:
            raise SuccessionCircleError(new)
        if depth > CHAIN_MAX:
            raise LongChainError(f"more than {CHAIN_MAX} with that of {new}")
    return depth


def _turned_round(links: Links) -> dict[str, dict[str, int]]:
    turned: dict[str, dict[str, int]] = {}
    for predecessor, shares in links.items():
        for successor, bps in shares.items():
            turned.setdefault(successor, {})[predecessor] = bps
    return turned


def final_shares(links: Links, member: str) -> dict[str, Fraction]:
    """Return {member: its exact part} of what is a member's: itself, or who succeeds it at last.

    Whoever is succeeded in turn passes on what would be its own; parts add up to 1.
    """
    found: dict[str, Fraction] = {}
    level = {member: Fraction(1)}
    for _ in range(CHAIN_MAX + 1):
        following: dict[str, Fraction] = {}
        for one, part in level.items():
            shares = links.get(one)
            if shares is None:
                found[one] = found.get(one, Fraction(0)) + part
                continue
            for successor, bps in shares.items():
                following[successor] = following.get(successor, Fraction(0)) + part * Fraction(
                    bps, WHOLE_BPS
                )
        if not following:
            return found
        level = following
    raise LongChainError(member)
