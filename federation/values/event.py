"""What happened that somebody outside may be told of: which act, and whose affair it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class EventType(StrEnum):
    """What a webhook may be told of; the words are those of its payload's `type`."""

    LICENCE_GRANTED = "licence.granted"
    LICENCE_SUSPENDED = "licence.suspended"
    LICENCE_REINSTATED = "licence.reinstated"
    LICENCE_REVOKED = "licence.revoked"
    LICENCE_ENDED_EARLY = "licence.ended_early"
    INVOICE_ISSUED = "invoice.issued"
    CREDIT_NOTE_ISSUED = "credit_note.issued"
    PAYMENT_RECEIVED = "payment.received"
    PAYMENT_SENT = "payment.sent"
    PAYMENT_RETURNED = "payment.returned"
    STATEMENT_READY = "statement.ready"
    OPT_OUT_RECORDED = "opt_out.recorded"
    OPT_OUT_ENDED = "opt_out.ended"
    CONSENT_RECORDED = "consent.recorded"
    CONSENT_ENDED = "consent.ended"
    RESERVATION_FOUND = "reservation.found"
    RESERVATION_ENDED = "reservation.ended"
    REMITTANCE_RECEIVED = "remittance.received"
    PING = "ping"


@dataclass(frozen=True, slots=True)
class Event:
    """An act that is told of: ids and codes of what it was about, never an amount or an address.

    `licensee` is the lab and `members` are the members whose own affair it is. Of opt-outs and
    consent records there are the `numbers`: which member may see an opt-out follows from where it
    is.
    """

    type: EventType
    about: Mapping[str, str]
    licensee: str | None = None
    members: frozenset[str] = frozenset()
    numbers: tuple[int, ...] = field(default=())
