"""The closed sets of words about money: payments, banks, what is held, documents."""

from enum import StrEnum

from federation.banking import items, overpayments, set_offs
from federation.payments import incoming, payees, service, states
from federation.schema.choices import choice
from federation.values import held


@choice
class AccountScheme(StrEnum):
    """What kind of number an account has."""

    IBAN = "IBAN"
    OTHER = "OTHER"


@choice
class PaymentState(StrEnum):
    """Where a payment stands."""

    PROPOSED = states.PROPOSED
    OUTSTANDING = states.OUTSTANDING
    APPROVED = states.APPROVED
    EXPORTED = states.EXPORTED
    ACCEPTED = states.ACCEPTED
    BOOKED = states.BOOKED
    REJECTED = states.REJECTED
    RETURNED = states.RETURNED
    CANCELLED = states.CANCELLED
    SET_OFF = states.SET_OFF


@choice
class PaymentKind(StrEnum):
    """For what kind of debt a payment is."""

    REMITTANCE = service.REMITTANCE
    MEMBER = service.MEMBER
    ADJUSTMENT = service.ADJUSTMENT
    REFUND = service.REFUND


@choice
class RemittanceState(StrEnum):
    """Where a remittance to this server stands."""

    EXPECTED = incoming.EXPECTED
    BOOKED = incoming.BOOKED
    EXCLUDED = incoming.EXCLUDED
    SET_OFF = incoming.SET_OFF


@choice
class BankEntryState(StrEnum):
    """Whether it is said what a bank entry was for."""

    OPEN = "OPEN"
    PROPOSED = "PROPOSED"
    SETTLED = "SETTLED"
    NONE = "NONE"


@choice
class BankEntryKind(StrEnum):
    """What a row of a statement is."""

    ENTRY = "ENTRY"
    OPENING = "OPENING"


@choice
class BankEntryStatus(StrEnum):
    """What the bank says of an entry (ISO 20022)."""

    BOOK = "BOOK"
    PDNG = "PDNG"
    INFO = "INFO"
    VOID = "VOID"


@choice
class Direction(StrEnum):
    """Which way money went."""

    CREDIT = "CREDIT"
    DEBIT = "DEBIT"


@choice
class BankItemKind(StrEnum):
    """What a part of a bank entry was for."""

    PAYMENT = items.PAYMENT
    RETURN = items.RETURN
    INVOICE = items.INVOICE
    REMITTANCE_IN = items.REMITTANCE_IN
    CONVERSION = items.CONVERSION
    BANK_CHARGE = items.BANK_CHARGE
    FX_DIFFERENCE = items.FX_DIFFERENCE
    TAX_WITHHELD = items.TAX_WITHHELD
    SHORT_PAYMENT = items.SHORT_PAYMENT
    OVERPAYMENT = items.OVERPAYMENT
    VAT = items.VAT
    OWN_TRANSFER = items.OWN_TRANSFER
    RECORDED_RECEIPT = items.RECORDED_RECEIPT


@choice
class OfficerLimitKind(StrEnum):
    """What an officer's limit is for."""

    BANK_CHARGE = items.BANK_CHARGE
    FX_DIFFERENCE = items.FX_DIFFERENCE
    TAX_WITHHELD = items.TAX_WITHHELD


@choice
class BankMatchAct(StrEnum):
    """What was done with a bank entry."""

    PROPOSED = "PROPOSED"
    SETTLED = "SETTLED"
    UNDONE = "UNDONE"


@choice
class OverpaymentKind(StrEnum):
    """Where money paid too much comes from."""

    OVERPAYMENT = items.OVERPAYMENT
    LEFT_NET = overpayments.LEFT_NET


@choice
class SetOffKind(StrEnum):
    """Against what money paid too much can be set."""

    INVOICE = items.INVOICE
    REMITTANCE_IN = items.REMITTANCE_IN


@choice
class SetOffState(StrEnum):
    """Where a set-off stands."""

    PROPOSED = set_offs.PROPOSED
    APPROVED = set_offs.APPROVED
    WITHDRAWN = overpayments.WITHDRAWN
    UNDONE = overpayments.UNDONE


@choice
class HeldReason(StrEnum):
    """Why money is held."""

    UNMATCHED = held.UNMATCHED
    DISPUTED = held.DISPUTED
    LATE = held.LATE
    NO_RECIPIENT = held.NO_RECIPIENT
    NO_USAGE = held.NO_USAGE
    NOT_COLLECTED = held.NOT_COLLECTED
    BELOW_MINIMUM = held.BELOW_MINIMUM
    SET_OFF = held.SET_OFF
    ACCOUNT_MISSING = held.ACCOUNT_MISSING
    ACCOUNT_INVALID = held.ACCOUNT_INVALID
    ACCOUNT_CHANGED = payees.ACCOUNT_CHANGED
    TAX_DATA_MISSING = held.TAX_DATA_MISSING


@choice
class HeldClaimState(StrEnum):
    """Where a claim on held money stands."""

    FILED = "FILED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


@choice
class DocumentSeries(StrEnum):
    """What kind of document it is."""

    INV = "INV"
    CN = "CN"
    FEE = "FEE"
    STM = "STM"
    ADV = "ADV"
    RUN = "RUN"
    PAY = "PAY"
