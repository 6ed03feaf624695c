"""A statement of provenance or authenticity as it is described, and its state; pure."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple

import msgspec

from federation.history.kinds import Moment
from federation.provenance.tables import ProvenanceStatement
from federation.values.fields import BadFieldsError, Fault, Fields, one_of, plain_text
from federation.values.papers import Paper, read_papers


class StatementKind(StrEnum):
    """What a statement is about."""

    PROVENANCE = "PROVENANCE"
    AUTHENTICITY = "AUTHENTICITY"


class StatementState(StrEnum):
    """Whether a statement holds."""

    STANDS = "STANDS"
    WITHDRAWN = "WITHDRAWN"


class BadProvenanceError(BadFieldsError):
    """This statement of provenance cannot be recorded as it is described."""

    code: ClassVar[str] = "BAD_PROVENANCE"


class DraftStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement as somebody describes it: nothing is checked but the types of the fields.

    `authenticated_by` said `statement` of a work at `authenticated_at`, on a `ground`.
    """

    kind: str
    statement: str
    authenticated_by: str
    authenticated_at: datetime
    ground: str
    papers: Sequence[Paper]


class NewStatement(NamedTuple):
    """A statement as it was read."""

    kind: StatementKind
    statement: str
    authenticated_by: str
    authenticated_at: datetime
    ground: str
    papers: tuple[Paper, ...]


def read_statement(draft: DraftStatement, now: datetime) -> NewStatement:
    """Read a described statement, or refuse it with all that is wrong (BAD_PROVENANCE)."""
    fields = Fields()
    kind = fields.one("kind", draft.kind, one_of(StatementKind))
    if draft.authenticated_at > now:
        fields.faults.append(Fault("authenticated_at", "it is still to come"))
    new = NewStatement(
        StatementKind(kind or StatementKind.PROVENANCE),
        fields.one("statement", draft.statement, plain_text) or "",
        fields.one("authenticated_by", draft.authenticated_by, plain_text) or "",
        draft.authenticated_at,
        fields.one("ground", draft.ground, plain_text) or "",
        read_papers(fields, "papers", draft.papers),
    )
    if fields.faults:
        raise BadProvenanceError(fields.faults)
    return new


def state_at(row: ProvenanceStatement, moment: Moment) -> StatementState:
    """Return whether a statement stood at an instant, as it was known then."""
    if row.withdrawn_at is None or row.withdrawal_recorded_at is None:
        return StatementState.STANDS
    is_known = moment.known_at is None or row.withdrawal_recorded_at <= moment.known_at
    if is_known and row.withdrawn_at <= moment.at:
        return StatementState.WITHDRAWN
    return StatementState.STANDS
