"""By what a dispute goes on: its clocks, what a document has to say, and what is refused. Pure.

Nobody here weighs who is right: a document is looked at for what it states, and an outcome is what
the sides agreed to, or what follows from a side's silence.
"""

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple

from federation.errors import RefusalError

# The clocks of CISAC's recommendation as GEMA publishes it: 60 days for documents, then a notice
# of 15 days. SETTLEMENT §3 and §7 hold the disputed lines all the while, whoever claimed first.
DOCUMENTS_DAYS: Final = timedelta(days=60)
NOTICE_DAYS: Final = timedelta(days=15)
AHEAD_MAX: Final = timedelta(days=366)  # from a proposal to the day on which claims end
DOCUMENTS_MAX, REFERENCE_MAX = 20, 500
WORLD: Final = "WORLD"
TERRITORIES_MAX: Final = 250


class State(StrEnum):
    """Where a dispute stands."""

    OPENED = "OPENED"
    ASKED = "ASKED"
    NOTICE = "NOTICE"
    ESCROW = "ESCROW"
    DECIDED = "DECIDED"


class OutcomeKind(StrEnum):
    """How a dispute ends; ESCROW: not yet."""

    WITHDRAWN = "WITHDRAWN"
    REDUCED = "REDUCED"
    PRO_RATA = "PRO_RATA"
    EXPIRED = "EXPIRED"
    ESCROW = "ESCROW"


class DocumentKind(StrEnum):
    """What kind of document a side brings."""

    CONTRACT = "CONTRACT"
    ASSIGNMENT = "ASSIGNMENT"
    REGISTRATION = "REGISTRATION"
    INHERITANCE = "INHERITANCE"
    RULING = "RULING"
    OTHER = "OTHER"


class NoConflictError(RefusalError):
    """Nobody else holds this claim on the same days."""

    code: ClassVar[str] = "NOT_CONTESTED"


class UnknownDisputeError(RefusalError):
    """No such dispute."""

    code: ClassVar[str] = "UNKNOWN_DISPUTE"


class DisputeThereError(RefusalError):
    """There is a dispute over this claim already, or its sides share what is held for it."""

    code: ClassVar[str] = "DISPUTE_THERE"


class DisputeStateError(RefusalError):
    """This is not what comes next in this dispute."""

    code: ClassVar[str] = "DISPUTE_STATE"


class NoSideError(RefusalError):
    """That is no side of this dispute."""

    code: ClassVar[str] = "NO_SIDE"


class BadDocumentError(RefusalError):
    """This document is not described in full."""

    code: ClassVar[str] = "BAD_DOCUMENT"


class BadOutcomeError(RefusalError):
    """A dispute cannot end like this."""

    code: ClassVar[str] = "BAD_OUTCOME"


class ConsentMissingError(RefusalError):
    """A side that has to agree to this has not."""

    code: ClassVar[str] = "CONSENT_MISSING"


class TooEarlyError(RefusalError):
    """The time that a side has for its documents is not over."""

    code: ClassVar[str] = "TOO_EARLY"


class DraftDocument(NamedTuple):
    """What is said of a document."""

    kind: str
    reference: str
    sha256: str
    term_from: date
    term_to: date | None
    territory: str
    signed_on: date


def require_complete(draft: DraftDocument, today: date) -> DraftDocument:
    """Return a document that says what it has to say, or refuse it, naming what is missing.

    A kind, a reference, the SHA-256 of the paper, its term, its territory and when it was signed.
    Whether it is right nobody asks.
    """
    if draft.kind not in set(DocumentKind):
        raise BadDocumentError(f"kind: {draft.kind[:40]!r}")
    reference = " ".join(draft.reference.split())
    if not 1 <= len(reference) <= REFERENCE_MAX:
        raise BadDocumentError(f"reference: from 1 to {REFERENCE_MAX} characters")
    if re.fullmatch("[0-9a-f]{64}", draft.sha256) is None:
        raise BadDocumentError("sha256: 64 hexadecimal digits in small letters")
    if draft.term_to is not None and draft.term_to <= draft.term_from:
        raise BadDocumentError(f"termTo: {draft.term_to} is not after {draft.term_from}")
    if draft.signed_on > today:
        raise BadDocumentError(f"signedOn: {draft.signed_on} is to come")
    territory = _territory(draft.territory)
    return draft._replace(reference=reference, territory=territory)


def _territory(text: str) -> str:
    """Return WORLD, or countries by their ISO 3166 codes, in order, each once."""
    codes = sorted(set(text.replace(",", " ").split()))
    if codes == [WORLD]:
        return WORLD
    is_good = all(re.fullmatch("[A-Z]{2}", code) for code in codes)
    if not codes or not is_good or len(codes) > TERRITORIES_MAX:
        raise BadDocumentError(f"territory: {WORLD}, or ISO 3166 codes: {text[:40]!r}")
    return " ".join(codes)


def number_of(dispute: int) -> str:
    """Return how a dispute is called: `D-000001`."""
    return f"D-{dispute:06d}"


def number_in(name: str) -> int:
    """Return the number of a dispute that is called like this, or refuse (UNKNOWN_DISPUTE)."""
    found = re.fullmatch("D-([0-9]{6,12})", name)
    if found is None:
        raise UnknownDisputeError(name[:40])
    return int(found[1])
