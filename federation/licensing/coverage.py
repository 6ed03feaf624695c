"""Which of a lab's licences cover an address, for which use and until when, or why none does. Pure.

What may be licensed, and what a licence covers, is decided in `licensing.rights` alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Final

from federation.errors import RefusalError
from federation.licensing.objects import LicenceObject
from federation.licensing.rights import LICENSABLE, RESERVED, Answer, Question, UrlRights, covered

WITHHELD, OUTSIDE_GRANT = "WITHHELD", "OUTSIDE_GRANT"
USES_MAX: Final = 8  # of one question: each asks every collective concerned
LICENCES_MAX: Final = 10  # that are named for one use of one address


class TooManyUsesError(RefusalError):
    """A question is about 1 to 8 uses."""

    code: ClassVar[str] = "TOO_MANY_USES"


@dataclass(frozen=True, slots=True)
class Covering:
    """A licence that covers a use of an address, up to and including its last day."""

    number: str
    until: date


@dataclass(frozen=True, slots=True)
class UseCoverage:
    """Whether one use of an address is covered: by some licences, or why by none.

    `why` is WITHHELD (`right` says by what reason), DISPUTED, NOT_REPRESENTED, MALFORMED, UNKNOWN
    where the collective did not answer, or OUTSIDE_GRANT: it can be licensed, and no licence of
    the lab's does at that instant. `licences` are those that last longest.
    """

    use: str
    right: UrlRights
    licences: Sequence[Covering]
    why: str | None


def check_uses(uses: Sequence[str]) -> list[str]:
    """Return each use once, in the order asked; none or too many are refused (TOO_MANY_USES)."""
    found = list(dict.fromkeys(uses))
    if not 1 <= len(found) <= USES_MAX:
        raise TooManyUsesError
    return found


def coverage_of(
    question: Question, answer: Answer, licences: Sequence[LicenceObject]
) -> list[UseCoverage]:
    """Return for each URL of an answer what of some licences covers the use that was asked about.

    An address that was asked about twice stands there twice.
    """
    known: dict[tuple[str, str | None], list[Covering]] = {}
    found: list[UseCoverage] = []
    for right in answer.items:
        # Of an address nothing else counts: of thousands there are few kinds.
        kind = right.status, right.collective
        if kind not in known:
            known[kind] = _covering(question, right, licences)
        why = None if known[kind] else _why(right)
        found.append(UseCoverage(question.use, right, known[kind], why))
    return found


def by_url(uses: Mapping[str, Sequence[UseCoverage]]) -> list[list[UseCoverage]]:
    """Return for each URL what is covered of it, use by use, out of {use: by URL}."""
    return [list(row) for row in zip(*uses.values(), strict=True)]


def _covering(
    question: Question, right: UrlRights, licences: Sequence[LicenceObject]
) -> list[Covering]:
    found = [
        Covering(licence.number, licence.facts().ends_on)
        for licence in licences
        if covered(right, question, licence)
    ]
    found.sort(key=lambda each: (-each.until.toordinal(), each.number))
    return found[:LICENCES_MAX]


def _why(right: UrlRights) -> str:
    if right.status == RESERVED:
        return WITHHELD
    return OUTSIDE_GRANT if right.status == LICENSABLE else right.status
